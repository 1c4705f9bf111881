# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application at two sites, attribute by attribute, as the sites' own APIs show it. Nothing of the collection is used.

Resources are matched by what both sites call them: names, and the MAC addresses of ports. Everything that an API returns is compared, but what is
written down here as a site's own matter.
"""

from __future__ import annotations

import dataclasses
import typing as t

from openstack import utils

Resource = dict[str, t.Any]

_MARK = "osdr_"
#: What Cinder notes among the metadata of a volume that it restored.
_OF_CINDER = "src_backup_id"
_NOVA, _CINDER = "2.100", "3.71"
_INTERFACE = "network:router_interface"
#: What means nothing at another site, per kind.
_EVERYWHERE = frozenset(
    {
        *("id", "tenant_id", "project_id", "user_id", "created_at", "updated_at", "created", "updated", "revision_number", "links", "status"),
        *("availability_zones", "standard_attr_id"),
    }
)
_OF_SITE: dict[str, frozenset[str]] = {
    "server": frozenset(
        {
            *("hostId", "progress", "image", "addresses", "security_groups", "server_groups", "os-extended-volumes:volumes_attached", "fault"),
            *("OS-EXT-STS:task_state", "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at", "OS-EXT-AZ:availability_zone", "host_status"),
        }
    ),
    "volume": frozenset({"attachments", "snapshot_id", "source_volid", "os-vol-tenant-attr:tenant_id", "volume_type_id", "consumes_quota", "service_uuid"}),
    "port": frozenset(
        {
            *("device_id", "device_owner", "binding:host_id", "binding:vif_type", "binding:vif_details"),
            *("dns_assignment", "ip_allocation", "qos_network_policy_id"),
        }
    ),
    "floating address": frozenset({"floating_ip_address", "router_id", "port_details", "port_forwardings"}),
    "port forwarding": frozenset({"internal_port_id", "floatingip_id"}),
    "network": frozenset({"subnets", "ipv4_address_scope", "ipv6_address_scope", "provider:segmentation_id", "provider:physical_network", "is_default"}),
    "subnet": frozenset({"segment_id"}),
    "router": frozenset({"external_gateway_info", "external_gateways"}),
    "trunk": frozenset({"port_id", "sub_ports"}),
    "security group": frozenset({"security_group_rules"}),
    "rule": frozenset({"security_group_id", "remote_group_id", "belongs_to_default_sg"}),
    "server group": frozenset({"members"}),
    "key pair": frozenset({"fingerprint"}),
}
#: Attributes that hold the id of something, and of what.
_IDS = {"network_id": "networks", "floating_network_id": "networks", "qos_policy_id": "qos/policies", "subnetpool_id": "subnetpools"}


@dataclasses.dataclass(frozen=True)
class Difference:
    thing: str
    attribute: str
    here: t.Any
    there: t.Any

    def __str__(self) -> str:
        return f"{self.thing}: {self.attribute} is {self.there!r} instead of {self.here!r}"


class Side:
    """An application at one site.

    :param connection: of its project.
    :param names: of its servers.
    """

    def __init__(self, connection: t.Any, names: t.Collection[str]) -> None:
        self._connection = connection
        network = connection.network
        kinds = ("networks", "subnets", "routers", "ports", "floatingips", "security-groups", "trunks", "qos/policies", "subnetpools")
        self._neutron = {kind: self._listed(network, f"/{kind}", kind.rpartition("/")[2].replace("-", "_")) for kind in kinds}
        self._volumes = self._listed(connection.block_storage, "/volumes/detail", "volumes", _CINDER)
        servers = self._listed(connection.compute, "/servers/detail", "servers", _NOVA)
        self._servers = [one for one in servers.values() if one["name"] in names]
        self._groups = self._listed(connection.compute, "/os-server-groups", "server_groups", _NOVA)
        self._inside = {port["network_id"] for port in self._neutron["ports"].values() if port["device_id"] in {one["id"] for one in self._servers}}
        self._found: dict[str, Resource] = {}
        self._collect()

    @staticmethod
    def _listed(api: t.Any, path: str, key: str, newest: str | None = None) -> dict[str, Resource]:
        version = utils.maximum_supported_microversion(api, newest) if newest else None
        answer = api.get(path, microversion=version)
        if answer.status_code == 404:  # An extension that the site lacks.
            return {}
        answer.raise_for_status()
        return {one["id"]: one for one in answer.json()[key]}

    @property
    def things(self) -> t.Mapping[str, Resource]:
        """Every resource of the application, by what both sites call it."""
        return self._found

    def _add(self, kind: str, label: str, resource: t.Mapping[str, t.Any], **more: t.Any) -> None:
        left_out = _EVERYWHERE | _OF_SITE[kind]
        values = {name: self._named(name, value) for name, value in resource.items() if name not in left_out}
        self._found[f"{kind} {label}"] = {**values, **more}

    def _collect(self) -> None:
        for server in self._servers:
            self._add_server(server)
        for port in self._neutron["ports"].values():
            if port["network_id"] in self._inside and not port["device_owner"].startswith("network:"):
                self._add_port(port)
        for network_id in self._inside:
            self._add("network", self._name("networks", network_id), self._neutron["networks"][network_id])
        for subnet in self._neutron["subnets"].values():
            if subnet["network_id"] in self._inside:
                self._add("subnet", subnet["name"], subnet)
        for router in self._neutron["routers"].values():
            self._add_router(router)
        for group_id in self._used_groups():
            self._add_group(self._neutron["security-groups"][group_id])

    # Servers and volumes

    def _add_server(self, server: Resource) -> None:
        attached = self._connection.compute.get(f"/servers/{server['id']}/os-volume_attachments", microversion="2.89").json()["volumeAttachments"]
        in_order = sorted(attached, key=lambda one: (len(one["device"]), one["device"]))
        groups = sorted(one["name"].rpartition("-")[2] for one in self._groups.values() if server["id"] in one["members"])
        hints = {key: value for key, value in (server.get("scheduler_hints") or {}).items() if key != "group"}
        self._add("server", server["name"], server, status=server["status"], scheduler_hints=hints, groups=groups)
        for place, one in enumerate(in_order):
            kept = {"tag": one.get("tag"), "delete_on_termination": one.get("delete_on_termination")}
            self._add("volume", f"{place} of {server['name']}", self._volumes[one["volumeId"]], **kept)
        for group in self._groups.values():
            if server["id"] in group["members"]:
                # The application's name is put before the group's.
                self._add("server group", group["name"].rpartition("-")[2], {key: value for key, value in group.items() if key != "name"})
        if server.get("key_name"):
            keys = self._connection.compute.get(f"/os-keypairs/{server['key_name']}", microversion="2.10").json()["keypair"]
            self._add("key pair", server["key_name"], {**keys, "public_key": keys["public_key"].split()[:2]})

    # Ports and their addresses

    def _add_port(self, port: Resource) -> None:
        label = port["mac_address"]
        self._add("port", label, {key: value for key, value in port.items() if key != "trunk_details"}, is_on_server=bool(port["device_id"]))
        for trunk in self._neutron["trunks"].values():
            if trunk["port_id"] == port["id"]:
                ports = self._neutron["ports"]
                subports = sorted((ports[one["port_id"]]["mac_address"], one["segmentation_type"], one["segmentation_id"]) for one in trunk["sub_ports"])
                self._add("trunk", f"of {label}", trunk, subports=subports)
        for floating in self._neutron["floatingips"].values():
            if floating["port_id"] == port["id"]:
                self._add(
                    "floating address", f"of {label}, {floating['fixed_ip_address']}", {key: value for key, value in floating.items() if key != "port_id"}
                )
            if floating.get("port_forwardings"):
                self._add_forwardings(floating, port)

    def _add_forwardings(self, floating: Resource, port: Resource) -> None:
        answer = self._connection.network.get(f"/floatingips/{floating['id']}/port_forwardings").json()
        for one in answer["port_forwardings"]:
            if one["internal_port_id"] == port["id"]:
                self._add("port forwarding", f"{one['protocol']} {one['external_port']} to {port['mac_address']}", one)

    # Around the servers

    def _add_router(self, router: Resource) -> None:
        interfaces = [one for one in self._neutron["ports"].values() if one["device_id"] == router["id"] and one["device_owner"] == _INTERFACE]
        addresses = sorted((self._name("subnets", ip["subnet_id"]), ip["ip_address"]) for one in interfaces for ip in one["fixed_ips"])
        if {one["network_id"] for one in interfaces} & self._inside:
            gateway = router["external_gateway_info"] or {}
            leads = (self._name("networks", gateway.get("network_id")), gateway.get("enable_snat"))
            self._add("router", router["name"], router, interfaces=addresses, gateway=leads)

    def _used_groups(self) -> set[str]:
        """The groups of the ports, and all that their rules name, directly or not."""
        ports = [one for one in self._neutron["ports"].values() if one["network_id"] in self._inside]
        waiting, used = {group for port in ports for group in port["security_groups"]}, set()
        while waiting:
            group_id = waiting.pop()
            used.add(group_id)
            rules = self._neutron["security-groups"][group_id]["security_group_rules"]
            waiting |= {rule["remote_group_id"] for rule in rules if rule["remote_group_id"]} - used
        return used

    def _add_group(self, group: Resource) -> None:
        self._add("security group", group["name"], group)
        for rule in group["security_group_rules"]:
            remote = self._name("security-groups", rule["remote_group_id"]) or rule["remote_ip_prefix"]
            what = (rule["direction"], rule["ethertype"], rule["protocol"], rule["port_range_min"], rule["port_range_max"], remote)
            self._add("rule", f"of {group['name']}: {' '.join(map(str, what))}", rule)

    # In terms of names

    def _name(self, kind: str, one_id: str | None) -> str | None:
        found = self._neutron[kind].get(one_id or "")
        return found["name"] if found else one_id

    def _named(self, name: str, value: t.Any) -> t.Any:
        if name in _IDS:
            return self._name(_IDS[name], value)
        if name == "security_groups":
            return sorted(str(self._name("security-groups", one)) for one in value)
        if name == "fixed_ips":
            return sorted((self._name("subnets", ip["subnet_id"]), ip["ip_address"]) for ip in value)
        if name == "allowed_address_pairs":
            return sorted((pair["ip_address"], pair["mac_address"]) for pair in value)
        if name == "metadata":
            return {key: one for key, one in value.items() if not key.startswith(_MARK) and key != _OF_CINDER}
        if name == "tags":
            return sorted(tag for tag in value if not tag.startswith(_MARK))
        if name == "name":
            # Cinder has two ways to say that there is none.
            return value or ""
        if name == "description":
            return " ".join(word for word in (value or "").split() if not word.startswith(_MARK))
        return value


def differences(here: Side, there: Side) -> list[Difference]:
    """Everything that is not alike, resource by resource; a resource that one side lacks counts as a whole."""
    found = []
    for thing in sorted({*here.things, *there.things}):
        one, other = here.things.get(thing), there.things.get(thing)
        if one is None or other is None:
            found.append(Difference(thing, "the resource itself", "there" if one is not None else "not there", "there" if other is not None else "not there"))
            continue
        unlike = {name for name in {*one, *other} if one.get(name) != other.get(name)}
        found += [Difference(thing, name, one.get(name), other.get(name)) for name in sorted(unlike)]
    return found
