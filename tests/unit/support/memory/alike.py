# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare an application at two sites in memory by what the sites hold. It knows nothing of the library, only what its documents promise.

Resources are matched by their names, ports by network and MAC address. What means nothing at another site is left out; marks, and what they replace
where nothing was, are no difference.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Resource
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import MemorySite

_MARK, _HOSTNAME = "osdr_", "OS-EXT-SRV-ATTR:hostname"
#: What a site does that lacks the extension with which one could say otherwise.
_WITHOUT = {"port_security_enabled": True, "stateful": True, "dns_publish_fixed_ip": False, "tags": []}
#: What only administrators see, so that the capture of a member cannot know it.
_OF_ADMINISTRATORS = ("binding:profile",)
#: What Nova tells only since then, so that a capture cannot know it.
_TOLD_SINCE = {"pinned_availability_zone": (2, 96), "scheduler_hints": (2, 100), _HOSTNAME: (2, 90)}
#: What docs/fidelity.md calls "of its site", and what is compared in another way below.
_OF_SITE = {"id", "project_id", "tenant_id", "status", "revision_number", "created_at", "updated_at"}
_IGNORED: dict[str, set[str]] = {
    "server": {
        *("user_id", "flavor", "image", "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state", "OS-EXT-STS:power_state", "OS-EXT-SRV-ATTR:host"),
        *("OS-EXT-SRV-ATTR:hypervisor_hostname", "OS-EXT-SRV-ATTR:root_device_name", "OS-EXT-AZ:availability_zone", "OS-EXT-SRV-ATTR:user_data"),
    },
    "volume": {"os-vol-tenant-attr:tenant_id", "attachments", "multiattach"},
    "port": {"device_id", "device_owner", "binding:host_id", "propagate_uplink_status", "ip_allocation"},
    "floating address": {"floating_ip_address", "router_id"},
    "network": set(),
    "subnet": set(),
    # Only administrators may set the first two, and the site chooses the addresses of the gateway.
    "router": {"distributed", "ha", "external_fixed_ips"},
    "security group": set(),
    "rule of security group": {"security_group_id"},
    # Neutron does not show whether an address group is shared.
    "address group": {"shared"},
}


@dataclasses.dataclass(frozen=True)
class Difference:
    """:param label: the name of the resource, or what else it is known by.
    :param resource_id: at the source.
    :param owners: names in quotation marks, and ids, of what it belongs to.
    """

    kind: str
    label: str
    resource_id: str
    attribute: str
    here: t.Any
    there: t.Any
    owners: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} '{self.label}': {self.attribute} is {self.there!r} instead of {self.here!r}"


@dataclasses.dataclass(frozen=True)
class _Thing:
    """A resource in terms of names."""

    kind: str
    label: str
    resource_id: str
    values: t.Mapping[str, t.Any]
    owners: tuple[str, ...] = ()


class _Side:
    """An application at one site, by its servers.

    :param like: the same application at the source. Security groups that it has there are its own though a port may lack them, and a network that
        others provide there is no part of it, whosever it is here.
    """

    def __init__(self, site: MemorySite, servers: t.Collection[str], project: str, like: _Side | None = None) -> None:
        self._neutron, self._nova, self._cinder = site.neutron.by_id, site.nova.by_id, site.cinder.by_id
        self._project = project
        self._group_names = {group["name"] for group in like.security_groups()} if like else set()
        self.servers = [one for one in self._nova["servers"].values() if one["name"] in servers and one["project_id"] == project]
        ids = {one["id"] for one in self.servers}
        self.ports = [self._neutron["ports"][port] for server in self.servers for port in server["_ports"]]
        self.networks = [one for one in self._neutron["networks"].values() if one["id"] in {port["network_id"] for port in self.ports}]
        inside = {one["id"] for one in self.networks}
        #: What others provide is as they like it.
        self.provided = {one["name"] for one in self.networks if one["project_id"] != project}
        self._own = {one["id"] for one in self.networks if one["project_id"] == project and one["name"] not in (like.provided if like else ())}
        self.subnets = [one for one in self._neutron["subnets"].values() if one["network_id"] in inside]
        self.loose = [
            one
            for one in self._neutron["ports"].values()
            if one["network_id"] in inside and one["device_owner"] in ("", "trunk:subport") and one["project_id"] == project
        ]
        self.groups = [one for one in self._nova["server_groups"].values() if ids & {*one["members"]}]
        joined = {
            port["device_id"] for port in self._neutron["ports"].values() if port["network_id"] in inside and port["device_owner"] == "network:router_interface"
        }
        self.routers = [one for one in self._neutron["routers"].values() if one["id"] in joined]

    def things(self) -> t.Iterator[_Thing]:
        for server in self.servers:
            yield from self._of_server(server)
        for port in (*self.ports, *self.loose):
            yield from self._of_port(port)
        for network in self.networks:
            shown = network if network["id"] in self._own else {"id": network["id"], "name": network["name"]}
            yield self._thing("network", network["name"], shown, {"is the project's own": network["project_id"] == self._project})
        for subnet in self.subnets:
            if subnet["network_id"] in self._own:
                yield self._thing("subnet", subnet["name"], subnet)
        for router in self.routers:
            yield self._thing("router", router["name"], self._router(router))
        yield from self._of_security_groups()
        for group in self.groups:
            yield _Thing("server group", group["name"], group["id"], {"policy": group["policy"], "rules": group["rules"]})

    def _of_security_groups(self) -> t.Iterator[_Thing]:
        for group in self.security_groups():
            yield self._thing("security group", group["name"], group)
            for rule in self._rules(group):
                what = ",".join(str(self._named(name, rule.get(name))) for name in _RULE)
                yield self._thing("rule of security group", f"{group['name']}/{what}", rule, owners=(f"'{group['name']}'",))
        for group_id in {rule.get("remote_address_group_id") for group in self.security_groups() for rule in self._rules(group)} - {None}:
            addresses = self._neutron["address-groups"][group_id]
            yield self._thing("address group", addresses["name"], {**addresses, "addresses": sorted(addresses["addresses"])})

    def _of_server(self, server: Resource) -> t.Iterator[_Thing]:
        volumes = [self._cinder["volumes"][one["volume_id"]] for one in _in_order(server)]
        attached = {one["volume_id"]: {"deleted with the server": one["delete_on_termination"], "tag of the disk": one["tag"]} for one in server["_volumes"]}
        own = {key: value for key, value in server.items() if not key.startswith("_")}
        own["scheduler_hints"] = {key: value for key, value in (server["scheduler_hints"] or {}).items() if key != "group"}
        more = {
            "order of disks": [one["size"] for one in volumes],
            "order of interfaces": [self._neutron["ports"][one]["mac_address"] for one in server["_ports"]],
            "boots from an image": bool(server["image"]),
            "server group": sorted(group["name"] for group in self.groups if server["id"] in group["members"]),
            # Where all are off, the application was shut down for its checkpoint.
            "status": server["status"] if any(one["status"] != "SHUTOFF" for one in self.servers) else "ACTIVE",
        }
        yield self._thing("server", server["name"], own, more=more)
        yield _Thing("flavor", server["name"], server["id"], {key: server["flavor"][key] for key in ("vcpus", "ram", "ephemeral", "swap", "extra_specs")})
        for place, volume in enumerate(volumes):
            shown = {**volume, **attached[volume["id"]]}
            yield self._thing("volume", f"{server['name']}/{place}", shown, owners=(f"'{server['name']}'",))

    def _of_port(self, port: Resource) -> t.Iterator[_Thing]:
        label = f"{port['mac_address']}/{self._name('networks', port['network_id'])}"
        trunk = next((one for one in self._neutron["trunks"].values() if one["port_id"] == port["id"]), None)
        subports = sorted((self._neutron["ports"][one["port_id"]]["mac_address"], one["segmentation_id"]) for one in trunk["sub_ports"]) if trunk else []
        # Nova writes the host name of a server into its ports at every site.
        servers = [server for server in self.servers if server["id"] == port["device_id"]]
        hostnames = [server[_HOSTNAME].split(".")[0] for server in servers]
        owners = (port["id"], *(f"'{one['name']}'" for one in (port, *servers) if one["name"]))
        dns = {"dns_name": None} if port.get("dns_name") in hostnames else {}
        yield self._thing("port", label, {**port, **dns}, {"trunk_details": subports}, owners)
        leading = [one for one in self._neutron["floatingips"].values() if one["port_id"] == port["id"]]
        for place, floating in enumerate(sorted(leading, key=lambda one: (str(one["fixed_ip_address"]), self._name("networks", one["floating_network_id"])))):
            yield self._thing("floating address", f"{label}/{place}", floating, owners=owners)
        for floating in self._neutron["floatingips"].values():
            for one in floating.get("port_forwardings") or ():
                if one["internal_port_id"] == port["id"]:
                    shown = {key: one[key] for key in ("protocol", "internal_port", "external_port", "internal_ip_address", "description")}
                    yield _Thing("port forwarding", f"{label}/{one['protocol']}/{one['external_port']}", floating["id"], shown, owners)

    def _router(self, router: Resource) -> Resource:
        ports = [one for one in self._neutron["ports"].values() if one["device_id"] == router["id"] and one["device_owner"] == "network:router_interface"]
        inside = {one["id"] for one in self.subnets}
        addresses = sorted((self._name("subnets", ip["subnet_id"]), ip["ip_address"]) for one in ports for ip in one["fixed_ips"] if ip["subnet_id"] in inside)
        gateway = router["external_gateway_info"] or {}
        shown = {"external network": self._name("networks", gateway.get("network_id")), "enable_snat": gateway.get("enable_snat"), "interfaces": addresses}
        return {**{key: value for key, value in router.items() if key != "external_gateway_info"}, **shown}

    def security_groups(self) -> list[Resource]:
        groups, parents = self._neutron["security-groups"], {port["id"] for port in self.ports}
        # With a trunk of a port on no server its ports are lost, and with these a group that nothing else has.
        lost = {one["port_id"] for trunk in self._neutron["trunks"].values() if trunk["port_id"] not in parents for one in trunk["sub_ports"]}
        waiting = {one for port in (*self.ports, *self.loose) if port["id"] not in lost for one in port["security_groups"]}
        waiting |= {one["id"] for one in groups.values() if one["project_id"] == self._project and one["name"] in self._group_names}
        used: dict[str, Resource] = {}
        while waiting:
            group_id = waiting.pop()
            used[group_id] = groups[group_id]
            waiting |= {rule["remote_group_id"] for rule in self._rules(groups[group_id]) if rule["remote_group_id"]} - used.keys()
        return list(used.values())

    def _rules(self, group: Resource) -> list[Resource]:
        return [one for one in self._neutron["security-group-rules"].values() if one["security_group_id"] == group["id"]]

    def _name(self, kind: str, one_id: str | None) -> str | None:
        found = self._neutron[kind].get(one_id or "")
        return found["name"] if found else one_id

    _KINDS: t.ClassVar[dict[str, str]] = {
        "network_id": "networks",
        "floating_network_id": "networks",
        "qos_policy_id": "policies",
        "subnetpool_id": "subnetpools",
        "remote_group_id": "security-groups",
        "remote_address_group_id": "address-groups",
        "port_id": "ports",
    }

    def _named(self, name: str, value: t.Any) -> t.Any:
        """A value with names instead of ids."""
        if name == "port_id":
            return self._neutron["ports"][value]["mac_address"] if value else None
        if name in self._KINDS:
            return self._name(self._KINDS[name], value)
        if name == "security_groups":
            return sorted(str(self._name("security-groups", one)) for one in value)
        if name == "fixed_ips":
            return sorted((str(self._name("subnets", ip["subnet_id"])), ip["ip_address"]) for ip in value)
        if name == "allowed_address_pairs":
            return sorted((pair["ip_address"], pair["mac_address"]) for pair in value)
        return _without_marks(name, value)

    def _thing(self, kind: str, label: str, resource: Resource, more: Resource | None = None, owners: tuple[str, ...] = ()) -> _Thing:
        values = {name: self._named(name, value) for name, value in resource.items() if name not in _OF_SITE | _IGNORED[kind]}
        # What people know a floating address by is the address.
        return _Thing(kind, label, resource.get("floating_ip_address") or resource["id"], {**values, **(more or {})}, owners)


_RULE = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix", "remote_group_id", "remote_address_group_id")


def _in_order(server: Resource) -> list[Resource]:
    """As the guest boots from them and sees them: the root first."""
    root = server["OS-EXT-SRV-ATTR:root_device_name"]
    return sorted(server["_volumes"], key=lambda one: (one["device"] != root, len(one["device"]), one["device"]))


def _without_marks(name: str, value: t.Any) -> t.Any:
    if name == "description":
        return " ".join(word for word in str(value or "").split() if not word.startswith(_MARK))
    if name == "tags":
        return sorted(tag for tag in value if not tag.startswith(_MARK))
    if name == "metadata":
        return {key: one for key, one in value.items() if not key.startswith(_MARK)}
    return value if value not in ("", [], {}) else None


def differences(source: MemorySite, remote: MemorySite, servers: t.Collection[str], application: str, project: str = "ours") -> t.Iterator[Difference]:
    """What of the application is not at the remote site as it is at the source."""
    was = _Side(source, servers, project)
    there = {(one.kind, one.label): one for one in _Side(remote, servers, project, was).things()}
    for one in was.things():
        other = there.pop((one.kind, one.label), None)
        if one.kind == "server group" and not other:
            other = there.pop((one.kind, f"{application}-{one.label}"), None)
        if other is None:
            yield Difference(one.kind, one.label, one.resource_id, "itself", "there", "missing", one.owners)
            continue
        for name in sorted({*one.values, *other.values}):
            if source.nova.version < _TOLD_SINCE.get(name, (2, 1)) or (name in _OF_ADMINISTRATORS and not source.caller.sees_all):
                continue
            here, now = (_WITHOUT.get(name) if values.get(name) is None else values[name] for values in (one.values, other.values))
            if name == "server group":
                now = [group if group in here else group.removeprefix(f"{application}-") for group in now]
            if here != now:
                yield Difference(one.kind, one.label, one.resource_id, name, here, now, one.owners)
    for added in there.values():
        yield Difference(added.kind, added.label, added.resource_id, "itself", "missing", "there", added.owners)
