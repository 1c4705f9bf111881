# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application of two servers for tests: as a manifest describes it, and as a site has it."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import hmac
import json

from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import details
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.drill_record import DrillRecord
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import (
    VOLUME_KEY,
    FixedIp,
    Flavor,
    FloatingIp,
    Network,
    Port,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    ServerGroup,
    Subnet,
)
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import MappedNetworkSpec
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.drift import restore_problems
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.proposal import Inventory
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import mark_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.preflight import judge
from ansible_collections.osdr.openstack.plugins.module_utils.restore.site import RestoreSite
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import plan_volumes
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup, server, snapshot, volume

MAC = {"orders-db": "fa:16:3e:00:00:11", "shop-front": "fa:16:3e:00:00:21"}
ADDRESS = {"orders-db": "10.10.0.11", "shop-front": "10.10.0.21"}
SMALL = Flavor("f-small", "lab.small", 1, 192, 1, 0, 0)
DB = Flavor("f-db", "lab.db", 1, 320, 1, 0, 0)

#: A run that has no encrypted volumes to restore.
NOT_ENCRYPTED = {"volume_private_key": None, "import_cloud": None, "store_cloud": None}


def uuid(number):
    return f"00000000-0000-0000-0000-{number:012d}"


def _volume(number, name, device, bootable):
    return {
        "source_id": uuid(number),
        "name": name,
        "size": 1,
        "volume_type": "ceph",
        "bootable": bootable,
        "device": device,
        "delete_on_termination": False,
        "metadata": {"purpose": "shop"},
        "availability_zone": "nova",
        "description": "",
        "image_metadata": {},
        "is_read_only": False,
        "device_tag": None,
        "encryption": None,
        "is_image": False,
    }


FLOATING = {"place": None, "description": "", "tags": [], "qos_policy": None, "dns_name": "", "dns_domain": ""}


def _server(number, name, tier, flavor, volumes):
    return {
        "source_id": uuid(number),
        "name": name,
        "tier": tier,
        "flavor": {**dataclasses.asdict(flavor), "id": flavor.name},
        "key_name": "shop",
        "config_drive": True,
        "description": "",
        "metadata": {"role": tier},
        "tags": [],
        "ports": [
            {
                "name": f"{name}-0",
                "network": "shop-net",
                "mac_address": MAC[name],
                "fixed_ips": [{"subnet": "shop-subnet", "ip_address": ADDRESS[name]}],
                "security_groups": ["shop"],
                "port_security": True,
                "allowed_address_pairs": [],
                "floating_ips": [{**FLOATING, "network": "public", "place": 0}],
                "is_up": True,
                "vnic_type": "normal",
                "source_id": uuid(200 + number),
                "description": "",
                "tags": [],
                "qos_policy": None,
                "dns_name": "",
                "dns_domain": "",
                "profile": None,
                "dhcp_options": [],
                "device_tag": None,
            }
        ],
        "volumes": volumes,
        "user_data": None,
        "server_group": "shop-apart",
        "availability_zone": None,
        "hostname": None,
        "is_off": False,
        "lock": None,
    }


RULE = {
    "direction": "ingress",
    "ether_type": "IPv4",
    "protocol": "tcp",
    "port_range_min": 5432,
    "port_range_max": 5432,
    "remote_ip_prefix": None,
    "remote_group": "shop",
    "remote_address_group": None,
    "description": "",
}
DOCUMENT = {
    "schema_version": 3,
    "checkpoint": {
        "id": "noon",
        "created_at": "2026-01-01T12:00:00Z",
        "site": "primary",
        "consistency": "quiesced",
        "server_consistency": {"orders-db": "quiesced", "shop-front": "quiesced"},
        "evidence": {},
        "together": None,
    },
    "application": {
        "name": "shop",
        "tiers": [
            {"name": "database", "servers": ["orders-db"], "checks": [{"port": 5432, "timeout": 60}]},
            {"name": "front", "servers": ["shop-front"], "checks": []},
        ],
    },
    "servers": [
        _server(21, "shop-front", "front", SMALL, [_volume(3, "shop-front-boot", "/dev/vda", True)]),
        _server(
            11,
            "orders-db",
            "database",
            DB,
            [_volume(1, "orders-db-boot", "/dev/vda", True), _volume(2, "", "/dev/vdb", False)],
        ),
    ],
    "topology": {
        "networks": [
            {
                "name": "shop-net",
                "mtu": 1442,
                "port_security_enabled": True,
                "is_up": True,
                "description": "",
                "tags": [],
                "dns_domain": "",
                "qos_policy": None,
                "is_of_others": False,
                "owner": "",
                "is_external": False,
            }
        ],
        "subnets": [
            {
                "name": "shop-subnet",
                "network": "shop-net",
                "cidr": "10.10.0.0/24",
                "ip_version": 4,
                "gateway_ip": "10.10.0.1",
                "enable_dhcp": True,
                "dns_nameservers": [],
                "allocation_pools": [{"start": "10.10.0.2", "end": "10.10.0.254"}],
                "host_routes": [],
                "ipv6_ra_mode": None,
                "ipv6_address_mode": None,
                "description": "",
                "tags": [],
                "subnet_pool": None,
                "service_types": [],
            }
        ],
        "routers": [
            {
                "name": "shop-router",
                "external_network": "public",
                "enable_snat": True,
                "subnets": ["shop-subnet"],
                "is_up": True,
                "description": "",
                "tags": [],
                "interface_addresses": [],
                "gateway_addresses": [],
                "gateway_qos_policy": None,
                "routes": [],
                "is_ha": None,
                "is_distributed": None,
            }
        ],
        "security_groups": [{"name": "shop", "description": "", "rules": [RULE], "is_stateful": True, "tags": []}],
        "key_pairs": [{"name": "shop", "public_key": "ssh-ed25519 AAAA shop"}],
        "server_groups": [{"name": "shop-apart", "policy": "anti-affinity", "max_per_host": None}],
        "ports": [],
        "trunks": [],
        "forwarders": [],
        "address_groups": [],
    },
    "missing": [],
    "copies": [
        {
            "volume_id": uuid(number),
            "method": "cinder_backup",
            "copy_id": uuid(100 + number),
            "chain": [uuid(90 + number), uuid(100 + number)],
            "size": 1,
            "incremental": True,
            "object_count": 3,
            "container": "backups",
            "stored_bytes": 4096,
            "inventory": "sha256:" + "0" * 64,
            "verified": "objects",
            "content": {"proved_at": "2025-12-30T12:00:00.000Z", "proved_by": "earlier", "how": "restore", "passed_over": 2},
            "key": None,
        }
        for number in (1, 2, 3)
    ],
}


def document(**changes):
    return {**copy.deepcopy(DOCUMENT), **changes}


def manifest():
    return Manifest.parse(document())


def found(chosen=None):
    """What os_checkpoint_info returns of a manifest: what is told of it, with a digest.

    :param chosen: as JSON has it.
    """
    chosen = manifest() if chosen is None else Manifest.parse(chosen)
    return {"checkpoint": details(Manifest.load(chosen.dump()))}


def mapped(source=None):
    """The manifest, where a mapping says of the network that one of its name is meant, whoever has that."""
    source = source or manifest()
    topology = source.description.topology
    networks = tuple(MappedNetworkSpec(**vars(one)) if one.name == "shop-net" else one for one in topology.networks)
    description = dataclasses.replace(source.description, topology=dataclasses.replace(topology, networks=networks))
    return dataclasses.replace(source, description=description)


def taken(checkpoint, created_at="2026-01-01T12:00:00Z", consistency="quiesced", application="shop"):
    """The manifest of another checkpoint."""
    changed = {"id": checkpoint, "created_at": created_at, "consistency": consistency}
    named = {**DOCUMENT["application"], "name": application}
    return Manifest.parse(document(checkpoint={**DOCUMENT["checkpoint"], **changed}, application=named))


def backups(**changes):
    """All backups of the chains of the copies, as the remote site has them."""
    own = {"osdr_application": "shop", "osdr_checkpoint": "noon"}
    copies = [uuid(100 + number) for number in (1, 2, 3)]
    parents = [backup("parent", id=uuid(90 + number), metadata={"osdr_application": "shop", "osdr_checkpoint": "ten"}) for number in (1, 2, 3)]
    return parents + [backup("copy", id=one, metadata={**own, "purpose": "shop"}, **changes) for one in copies]


#: The mapping of the application to a site where everything has the same name.
SAME_NAMES = {
    "schema_version": 1,
    "networks": {"shop-net": "shop-net"},
    "subnets": {"shop-subnet": "shop-subnet"},
    "routers": {"shop-router": "shop-router"},
    "external_networks": {"public": "public"},
    "flavors": {"lab.db": "lab.db", "lab.small": "lab.small"},
    "volume_types": {"ceph": "ceph"},
    "key_pairs": {"shop": "shop"},
    "security_groups": {"shop": "shop"},
    "server_groups": {"shop-apart": "shop-apart"},
    "availability_zones": {"nova": "nova"},
    "addresses": {"policy": "keep", "floating": True},
}
NETWORK = Network("net", "shop-net")
PROVIDER = Network("ext2", "provider", is_external=True)
PUBLIC = Network("ext", "public", is_external=True)
SUBNET = Subnet("sub", "shop-subnet", "net", "10.10.0.0/24", gateway_ip="10.10.0.1", allocation_pools=({"start": "10.10.0.2", "end": "10.10.0.254"},))
GROUP_RULE = SecurityGroupRule("rule", "ingress", "IPv4", "tcp", 5432, 5432, None, "sg")
GROUP = SecurityGroup("sg", "shop", rules=(GROUP_RULE,))
DEFAULT_GROUP = SecurityGroup("sg0", "default")
APART = ServerGroup("group", "shop-apart", "anti-affinity")
ZONES = {"volume": ("nova",), "compute": ("nova",)}
ROUTER = Router("r", "shop-router", external_network_id="ext")


def port(name, **changes):
    values = {
        "id": f"port-{name}",
        "name": "",
        "network_id": "net",
        "mac_address": "fa:16:3e:ff:ff:ff",
        "status": "ACTIVE",
        "device_id": "",
        "fixed_ips": (),
        "security_group_ids": ("sg",),
        "port_security": True,
        "allowed_address_pairs": (),
        "tags": (),
    }
    return Port(**{**values, **changes})


ROUTER_PORT = port("router", device_id="r", fixed_ips=(FixedIp("sub", "10.10.0.1"),))


#: Of a Neutron with all that an application may need.
EXTENSIONS = frozenset(
    {
        *("standard-attr-tag", "trunk", "floating-ip-port-forwarding", "extraroute", "dns-integration", "dns-domain-ports"),
        *("qos", "qos-fip", "qos-gateway-ip", "subnet-service-types", "l3-ha", "dvr", "extra_dhcp_opt"),
        *("port-security", "stateful-security-group", "net-mtu-writable"),
        *("address-group", "security-groups-remote-address-group"),
    }
)


def empty_site(**changes):
    """A remote site that has never seen the application."""
    values = {
        "name": "remote",
        "servers": (),
        "volumes": (),
        "ports": (),
        "floating_ips": (),
        "networks": (PUBLIC,),
        "subnets": (),
        "security_groups": (DEFAULT_GROUP,),
        "flavors": (SMALL, DB),
        "key_pairs": {},
        "server_groups": (),
        "extensions": EXTENSIONS,
    }
    return RestoreSite(**{**values, **changes})


def prepared_site(**changes):
    """One with the topology made and the volumes restored."""
    values = {
        "networks": (PUBLIC, NETWORK),
        "subnets": (SUBNET,),
        "security_groups": (DEFAULT_GROUP, GROUP),
        "ports": (ROUTER_PORT,),
        "key_pairs": {"shop": "ssh-ed25519 AAAA another comment"},
        "routers": (ROUTER,),
        "server_groups": (APART,),
        "volumes": restored_volumes(),
    }
    return empty_site(**{**values, **changes})


def restored_volumes(status="available", **changes):
    return tuple(
        volume(
            step.name,
            status=status,
            metadata={**step.mark.metadata(), VOLUME_KEY: f"volume-{step.name}"},
            bootable=step.spec.bootable,
            **changes,
        )
        for step in plan_volumes(manifest(), ())
    )


def unfinished(volume, **changes):
    """A restored volume as the end of its restore leaves it, before anybody has completed it."""
    values = {"description": Mark.of_metadata(volume.metadata).text(), "metadata": {"purpose": "shop"}}
    return dataclasses.replace(volume, **{**values, **changes})


def of_drill(volume, drill="7"):
    """A restored volume as a drill has it."""
    return dataclasses.replace(volume, metadata={**volume.metadata, "osdr_drill": drill})


def restored_site(**changes):
    """One with everything restored."""
    servers, ports, floating_ips = [], [], []
    for spec in manifest().description.servers:
        mark = mark_of(manifest(), spec.source_id)
        attached = tuple((f"volume-{name}", False) for name in _volume_names(spec))
        servers.append(server(spec.name, metadata=mark.metadata(), volumes=attached, flavor=SMALL))
        ports.append(restored_port(spec.name, mark, device_id=f"id-{spec.name}"))
        floating_ips.append(
            FloatingIp(
                f"fip-{spec.name}",
                f"10.88.2.{len(servers)}",
                f"port-{spec.name}",
                "ext",
                description=mark.text(),
                tags=tuple(mark.tags()),
            )
        )
    values = {
        "servers": tuple(servers),
        "ports": (ROUTER_PORT, *ports),
        "floating_ips": tuple(floating_ips),
        "volumes": restored_volumes(status="in-use"),
    }
    return prepared_site(**{**values, **changes})


def restored_port(name, mark, **changes):
    values = {
        "mac_address": MAC[name],
        "fixed_ips": (FixedIp("sub", ADDRESS[name]),),
        "description": mark.text(),
        "tags": tuple(mark.tags()),
    }
    return port(name, **{**values, **changes})


def inventory(site=None, default="ceph", **changes):
    """What a mapping can name at a site.

    :param default: its default volume type.
    """
    values = {
        "site": site or empty_site(),
        "parts": {},
        "volume_types": ("ceph",),
        "quotas": {"volume": {}, "compute": {}, "network": {}},
        "zones": ZONES,
    }
    return Inventory(Stock(**{**values, **changes}), default)


def restorable(manifest, mapping, found, drill=None):
    """The manifest as it would be restored by a mapping, and everything that speaks against it.

    :param found: an inventory.
    """
    mapped, refused = restore_problems(manifest, mapping, found, drill)
    return mapped, [*refused, *judge(RestorePlan.of(mapped, found.stock.site), found.stock).problems]


def _volume_names(spec):
    return [volume.name or f"{spec.name}-{volume.device[5:]}" for volume in spec.volumes]


def mark(number):
    return Mark("shop", "noon", uuid(number))


def drilled(**changes):
    """The record of a drill that passed."""
    check = {"check": "port 5432", "made_by": ["guest agent"]}
    seconds = {"created": 20.1, "active": 31, "ready": 50}
    values = {
        "application": "shop",
        "checkpoint": "noon",
        "drill": "7",
        "started_at": "2026-01-01T12:28:40Z",
        "finished_at": "2026-01-01T12:30:00Z",
        "outcome": "passed",
        "recovery_seconds": 71.4,
        "servers": ({"name": "orders-db", "tier": "database", "status": "ACTIVE", "checks": [check], "seconds": seconds},),
    }
    return DrillRecord(**{**values, **changes})


class History:
    """Checkpoints of the application as both sites have them: each with one backup and one snapshot for each of its volumes.

    :param names: how tests call a backup, per id: ``noon-2`` is that of the second volume.
    """

    def __init__(self):
        self.manifests, self.backups, self.snapshots, self.names = [], [], [], {}
        self._chains = {None: ((), (), ())}

    def take(self, checkpoint, time, on=None):
        """Have one more.

        :param on: the checkpoint whose backups those of this one are increments of.
        """
        made = taken(checkpoint, f"{time}Z")
        own = [uuid(1000 * len(self._chains) + number) for number in (1, 2, 3)]
        chains = self._chains[checkpoint] = [(*chain, one) for chain, one in zip(self._chains[on], own, strict=True)]
        changes = zip(made.copies, own, chains, strict=True)
        copies = tuple(dataclasses.replace(copy, copy_id=one, chain=chain) for copy, one, chain in changes)
        self.manifests.insert(0, dataclasses.replace(made, copies=copies))
        self.leave(checkpoint, time, own, bool(on))

    def leave(self, checkpoint, time, own, incremental=False, **changes):
        """Have backups of the volumes that are of no checkpoint of the catalogue.

        :param own: their ids, in the order of the volumes.
        """
        metadata = {"osdr_application": "shop", "osdr_checkpoint": checkpoint}
        for number, one in enumerate(own, 1):
            self.names[one] = f"{checkpoint}-{number}"
            values = {"id": one, "volume_id": uuid(number), "data_timestamp": time, "is_incremental": incremental, "metadata": metadata}
            self.backups.append(backup(self.names[one], **{**values, **changes}))
            self.snapshots.append(snapshot(self.names[one], volume_id=uuid(number), created_at=time, metadata=changes.get("metadata", metadata)))

    def named(self, ids):
        return [self.names[one] for one in ids]


def signed_by_first_form(document, key=None):
    """A manifest or a record as the first form of stored documents has it: digest and signature among the other members."""
    plain = {**document.as_dict(), "schema_version": document.as_dict().get("schema_version", 1)}
    canonical = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
    added = {"digest": "sha256:" + hashlib.sha256(canonical).hexdigest()}
    if key is not None:
        added["signature"] = "hmac-sha256:" + hmac.new(key.encode(), canonical, hashlib.sha256).hexdigest()
    return json.dumps({**plain, **added}, sort_keys=True, separators=(",", ":")).encode()
