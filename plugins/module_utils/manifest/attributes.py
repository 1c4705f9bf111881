# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of attributes: what becomes of each attribute that OpenStack returns of an application's resources.

An attribute is restored, or refused, or of its site alone, or it will be missing at the remote site and is named in a
warning. One that is not listed here is named as well, so that a newer release of OpenStack cannot make anything vanish
in silence. The table in ``docs/fidelity.md`` is made from this registry.

Names are those of the services' APIs: Nova up to microversion 2.100, Cinder up to 3.71, Neutron with all its extensions.
"""

from __future__ import annotations

import dataclasses
import enum
import typing as t


class Fate(enum.Enum):
    """What a restore does with an attribute."""

    RESTORED = "restored"
    #: Ids, times and states, which mean nothing at another site, and what follows from other attributes.
    OF_SITE = "of its site"
    MISSING = "named as missing"


@dataclasses.dataclass(frozen=True)
class Attribute:
    """What a restore does about some attributes of a kind of resource.

    :param names: in the API; several where they share their fate.
    :param note: how it is restored, or what its loss means. For people.
    :param usual: values that lose nothing, besides empty ones. Of what is restored, those that are; none stands for all.
    """

    names: tuple[str, ...]
    fate: Fate
    note: str = ""
    usual: tuple[t.Any, ...] = ()


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of resource.

    :param name: as messages call it.
    :param fields: names of attributes, per name that the manifest has for each, where that is another one. Several may be of one attribute.
    """

    name: str
    attributes: tuple[Attribute, ...]
    fields: t.Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)

    def attribute(self, name: str) -> Attribute | None:
        return next((one for one in self.attributes if name in one.names), None)

    def described_by(self, field: str) -> str | None:
        """The attribute that a field of the manifest describes; None where the field is no attribute."""
        name = self.fields.get(field, field)
        return name if self.attribute(name) else None

    def told(self, field: str) -> str:
        """The attribute that a field describes, and which part of it where others describe the rest."""
        name = self.fields.get(field, field)
        return f"{name} ({field.replace('_', ' ')})" if list(self.fields.values()).count(name) > 1 else name


def _restored(*names: str, note: str = "", usual: tuple[t.Any, ...] = ()) -> Attribute:
    return Attribute(names, Fate.RESTORED, note, usual)


def _of_site(*names: str, note: str = "") -> Attribute:
    return Attribute(names, Fate.OF_SITE, note)


def _missing(*names: str, note: str = "", usual: tuple[t.Any, ...] = ()) -> Attribute:
    return Attribute(names, Fate.MISSING, note, usual)


#: What Nova writes into the profile of a port: the device on the server's host.
OF_THE_HOST = (
    *("pci_slot", "pci_vendor_info", "physical_network", "card_serial_number", "pf_mac_address", "vf_num", "device_mac_address"),
    *("allocation", "arq_uuid", "migrating_to"),
)

#: What Neutron says of every resource and what a site alone can know.
_OF_NEUTRON = _of_site("id", "tenant_id", "project_id", "created_at", "updated_at", "revision_number", "standard_attr_id")

#: What people write about a resource; the mark of a restore stands behind a description.
_TEXTS = _restored("description", "tags")
_POLICY = _restored("qos_policy_id", note="by the policy's name")

SERVER = Kind(
    "server",
    (
        _restored("name", "metadata", "description", "tags", "config_drive"),
        _restored("flavor", note="see below"),
        _restored("key_name", note="with its public key, if it belongs to the user of the credentials, or an administrator (admin_cloud) sees it"),
        _restored("server_groups", note="the group and its policy; Nova keeps the group's own metadata no more"),
        _restored("pinned_availability_zone", note="the zone that was asked for"),
        _restored("addresses", "security_groups", note="with the server's ports and their tags as devices"),
        _restored("os-extended-volumes:volumes_attached", note="the volumes, their tags, and which of them are deleted with the server"),
        _restored("OS-EXT-SRV-ATTR:user_data", note="omitted, encrypted or kept, as user_data says"),
        _restored("image", note="the root disk of a server that boots from an image is copied as an image, from which the restored server boots"),
        _restored("OS-EXT-SRV-ATTR:hostname", note="as the name of the guest itself"),
        _restored(
            "status",
            note="a server that is off while others run stays off; one that is paused or suspended counts as off, and is named because its memory is lost",
            usual=("ACTIVE", "SHUTOFF"),
        ),
        _restored("locked", "locked_reason", note="the lock is that of the credentials"),
        _missing("accessIPv4", "accessIPv6"),
        _missing("trusted_image_certificates", note="set them again"),
        _missing("scheduler_hints", note="hints other than the server group are lost"),
        _of_site("id", "tenant_id", "user_id", "created", "updated", "links", "progress", "hostId", "host_status", "fault"),
        _of_site("OS-EXT-STS:task_state", "OS-EXT-STS:vm_state", "OS-EXT-STS:power_state"),
        _of_site("OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at", "OS-EXT-AZ:availability_zone", "OS-DCF:diskConfig"),
        _of_site("OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname", "OS-EXT-SRV-ATTR:instance_name"),
        _of_site("OS-EXT-SRV-ATTR:launch_index", "OS-EXT-SRV-ATTR:reservation_id"),
        _restored(
            "OS-EXT-SRV-ATTR:root_device_name",
            note="as the volume to boot from; without it, which only administrators see, the first bootable one that Nova lists is taken",
        ),
        _of_site("OS-EXT-SRV-ATTR:kernel_id", "OS-EXT-SRV-ATTR:ramdisk_id", note="of servers that boot from an image"),
    ),
)

FLAVOR = Kind(
    "flavor",
    (
        _restored(
            *("original_name", "vcpus", "ram", "extra_specs"),
            note="the flavor of this name, else the smallest, that is large enough and has the same extra specs; another one only by a mapping",
        ),
        _restored("disk", note="as the smallest that is large enough; it counts for servers that boot from an image"),
        _missing(
            "ephemeral",
            note="the data on ephemeral disks is not copied, because Nova hands it out to nobody; the restored disk is empty. Keep on a volume what must "
            "come back",
            usual=(0,),
        ),
        _missing("swap", note="the swap disk is restored empty", usual=(0,)),
    ),
    {"name": "original_name"},
)

VOLUME = Kind(
    "volume",
    (
        _restored("name", "description", "size", "volume_type", "availability_zone", "volume_image_metadata"),
        _restored("metadata", note="with the read-only flag, which Cinder shows there"),
        _restored("bootable", note="the volume that a server boots from is always bootable: Nova builds no server otherwise"),
        _restored("attachments", note="to the restored servers, in their order; device names are chosen by the site. Servers of no tier are named"),
        _restored("encrypted", "encryption_key_id", note="with the same key, sealed in the manifest; refused without a key to seal it"),
        _missing("group_id", "consistencygroup_id", note="the restored volume is in no volume group"),
        _of_site("id", "status", "created_at", "updated_at", "links", "user_id", "volume_type_id", "migration_status"),
        _of_site("snapshot_id", "source_volid", note="what the volume was once made from"),
        _of_site("multiattach", note="of the volume type, which has to allow it at the remote site where several servers have the volume"),
        _of_site("replication_status", "shared_targets", "service_uuid", "cluster_name", "provider_id", "consumes_quota"),
        _of_site("os-vol-host-attr:host", "os-vol-tenant-attr:tenant_id", "os-vol-mig-status-attr:migstat"),
        _of_site("os-vol-mig-status-attr:name_id", "os-volume-replication:driver_data", "os-volume-replication:extended_status"),
    ),
)

PORT = Kind(
    "port",
    (
        _restored("name"),
        _restored("network_id", note="of another project's network, the one that stands for it"),
        _restored(
            *("mac_address", "fixed_ips", "allowed_address_pairs", "port_security_enabled"),
            note="on networks of other projects where policies allow: Neutron's own ones let only administrators choose there",
        ),
        _restored("security_groups", note="with their rules"),
        _restored("admin_state_up", "binding:vnic_type", "dns_domain", "extra_dhcp_opts"),
        _restored("dns_name", note="of ports on no server; Nova writes its host name into those of a server"),
        _POLICY,
        _restored("binding:profile", note="where policies allow: Neutron's own ones show it to administrators, and let only services set it"),
        _restored("trunk_details", note="the trunk with its ports"),
        _TEXTS,
        _missing("device_profile", "hardware_offload_type"),
        _missing("numa_affinity_policy", "hints", "data_plane_status", "trusted"),
        _missing("mac_learning_enabled", usual=(False,)),
        _missing("pvlan_type", "pvlan_community"),
        _missing("propagate_uplink_status", note="the restored port has the site's default", usual=(True, False)),
        _OF_NEUTRON,
        _of_site("status", "device_id", "device_owner", "ip_allocation", "binding:host_id", "binding:vif_type", "binding:vif_details"),
        _of_site("dns_assignment", note="follows from the DNS name"),
        _of_site("qos_network_policy_id", "resource_request", note="follows from the network's and the port's policy"),
    ),
    {
        "network": "network_id",
        "port_security": "port_security_enabled",
        "is_up": "admin_state_up",
        "vnic_type": "binding:vnic_type",
        "qos_policy": "qos_policy_id",
        "profile": "binding:profile",
        "dhcp_options": "extra_dhcp_opts",
    },
)

TRUNK = Kind(
    "trunk",
    (
        _restored("name", "port_id", "admin_state_up"),
        _restored("sub_ports", note="the ports themselves too"),
        _TEXTS,
        _OF_NEUTRON,
        _of_site("status"),
    ),
    {"port": "port_id", "subports": "sub_ports", "is_up": "admin_state_up"},
)

FLOATING_IP = Kind(
    "floating address",
    (
        _restored("floating_network_id", "port_id", note="a new address of the external network, for the same port"),
        _restored("fixed_ip_address", note="the address of the port to which it leads"),
        _restored("dns_name", "dns_domain"),
        _restored("port_forwardings", note="of single ports to ports of the application"),
        _POLICY,
        _TEXTS,
        _OF_NEUTRON,
        _of_site("floating_ip_address", note="the address itself belongs to its site"),
        _of_site("router_id", "status", "port_details", "distributed"),
        _of_site("qos_network_policy_id", note="follows from the external network's policy"),
    ),
    {"network": "floating_network_id", "place": "fixed_ip_address", "qos_policy": "qos_policy_id"},
)

#: With whom a network was shared, beside everybody.
SHARED_NETWORK = "shares with other projects are lost, except those with projects of the same application that have ports on it"
NETWORK = Kind(
    "network",
    (
        _restored("name", "port_security_enabled"),
        _restored("mtu", note="unless the remote site's own is smaller, which os_restore_networks warns of"),
        _restored("admin_state_up", "dns_domain"),
        _POLICY,
        _TEXTS,
        _missing("availability_zone_hints"),
        _missing("vlan_transparent", "vlan_qinq", "qinq", "pvlan", usual=(False,)),
        _missing("shared", note=SHARED_NETWORK, usual=(False,)),
        _OF_NEUTRON,
        _of_site("status", "subnets", "availability_zones", "ipv4_address_scope", "ipv6_address_scope", "l2_adjacency", "is_default"),
        _of_site("project_default", note="the network that its site gives servers for which none is named"),
        _of_site("provider:network_type", "provider:physical_network", "provider:segmentation_id", "segments"),
        _missing("router:external", note="only the operator of a site makes external networks: the restored one is none", usual=(False,)),
    ),
    {"is_up": "admin_state_up", "qos_policy": "qos_policy_id", "is_external": "router:external"},
)

SUBNET = Kind(
    "subnet",
    (
        _restored("name", "network_id", "cidr", "ip_version", "gateway_ip", "enable_dhcp", "dns_nameservers"),
        _restored("allocation_pools", "host_routes", "ipv6_ra_mode", "ipv6_address_mode"),
        _restored("service_types", note="where policies allow: Neutron's own ones let only administrators set it"),
        _restored("subnetpool_id", note="by the pool's name, if it holds the range; the range is the same in any case"),
        _TEXTS,
        _missing("dns_publish_fixed_ip", "leak_routes", usual=(False,)),
        _OF_NEUTRON,
        _of_site("segment_id", "router:external"),
    ),
    {"network": "network_id", "subnet_pool": "subnetpool_id"},
)

ROUTER = Kind(
    "router",
    (
        _restored("name", "admin_state_up"),
        _restored(
            "external_gateway_info",
            "external_gateways",
            "enable_snat",
            note="external network, SNAT and QoS policy of the first gateway; its address where the site has it and policies allow",
        ),
        _restored(
            "interfaces",
            note="of the application's subnets; beside a subnet with automatic addresses (SLAAC), one with an address of its own is refused by the check of a "
            "restore, because Neutron makes no interface there that gets no automatic address; an address that something else has there is refused, too",
        ),
        _restored("routes", note="those that lead to an address on one of the application's subnets that the router joins"),
        _restored("distributed", "ha", note="where policies allow: Neutron's own ones show them to administrators only, and let only these set them"),
        _TEXTS,
        _missing("availability_zone_hints", "flavor_id", "conntrack_helpers", "service_type_id", "evpn_vni"),
        _missing("enable_ndp_proxy", "enable_default_route_bfd", "enable_default_route_ecmp", usual=(False,)),
        _OF_NEUTRON,
        _of_site("status", "availability_zones"),
    ),
    {
        "is_up": "admin_state_up",
        "external_network": "external_gateway_info",
        "gateway_addresses": "external_gateway_info",
        "gateway_qos_policy": "external_gateway_info",
        "subnets": "interfaces",
        "interface_addresses": "interfaces",
        "is_ha": "ha",
        "is_distributed": "distributed",
    },
)

SECURITY_GROUP = Kind(
    "security group",
    (
        _restored("name", "description", "security_group_rules"),
        _restored("stateful", note="when the group is made; one that is there stays as it is, and the check names it"),
        _restored("tags"),
        _missing("shared", note="shares with other projects are lost", usual=(False,)),
        _OF_NEUTRON,
    ),
    {"rules": "security_group_rules", "is_stateful": "stateful"},
)

RULE = Kind(
    "rule of security group",
    (
        _restored("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id"),
        _restored("remote_address_group_id", note="the address group too, as one of the project's own"),
        _restored("description", note="when the rule is made; one that is there, such as in the group `default`, stays as it is, and the check names it"),
        _missing("tags"),
        _OF_NEUTRON,
        _of_site("security_group_id", "normalized_cidr", "belongs_to_default_sg"),
    ),
)

ADDRESS_GROUP = Kind(
    "address group",
    (
        _restored("name", "addresses"),
        _restored("description", note="the mark of a restore stands behind it"),
        _missing("shared", note="shares with other projects are lost", usual=(False,)),
        _OF_NEUTRON,
    ),
)

SERVER_GROUP = Kind(
    "server group",
    (
        _restored("name", "policy", "policies", "rules", note="the application's name is put before the group's"),
        _restored("members", note="those that belong to the application"),
        _of_site("id", "project_id", "user_id", "metadata"),
    ),
    {"max_per_host": "rules"},
)

KEY_PAIR = Kind(
    "key pair",
    (
        _restored("name", "public_key"),
        _missing("type", note="a key pair of type x509 is not captured; a server with one gets it where its name exists", usual=("ssh",)),
        _of_site("fingerprint", "user_id", "id", "created_at", "updated_at", "deleted", "deleted_at"),
    ),
)

KINDS = (SERVER, FLAVOR, VOLUME, PORT, TRUNK, FLOATING_IP, NETWORK, SUBNET, ROUTER, SECURITY_GROUP, RULE, ADDRESS_GROUP, SERVER_GROUP, KEY_PAIR)
