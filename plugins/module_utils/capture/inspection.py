# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inspect what the site's services return about an application's resources, for what a restore cannot bring back.

:func:`ask` takes the services' own answers, which hold more than the records do; :func:`inspect` is pure.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..cloud.session import Cloud
from ..core.records import FENCE_KEY
from ..manifest import attributes
from ..manifest.addresses import holds
from ..manifest.attributes import OF_THE_HOST, Kind
from ..manifest.missing import Missing, Resource, missing_of, short
from ..work.pool import each, run_all

_MAC_ADDRESS = "OS-EXT-IPS-MAC:mac_addr"
_HOSTNAME = "OS-EXT-SRV-ATTR:hostname"
_HINTS, _GROUP_HINT = "scheduler_hints", "group"
#: What a fence changes of a server, and keeps.
_OF_A_FENCE = ("status",)
#: Of ports: their owners are protected, or known to be none of the application's.
_KNOWN_OWNERS = ("network:", "compute:", "baremetal:", "trunk:subport")
_DNS_NAME = "dns_name"
_TPM, _TPM_OF_IMAGE = "hw:tpm_version", "hw_tpm_version"
#: For whom something is shared with all projects.
_EVERYBODY = "*"
_PROFILE = "binding:profile"


@dataclasses.dataclass(frozen=True)
class Answers:
    """What the services of a site answered, per kind of resource."""

    servers: t.Sequence[Resource]
    volumes: t.Sequence[Resource]
    ports: t.Sequence[Resource]
    floating_ips: t.Sequence[Resource]
    networks: t.Sequence[Resource]
    subnets: t.Sequence[Resource]
    routers: t.Sequence[Resource]
    security_groups: t.Sequence[Resource]
    server_groups: t.Sequence[Resource]
    trunks: t.Sequence[Resource] = ()
    #: What is shared with which other project.
    rbac_policies: t.Sequence[Resource] = ()
    #: Per id of a server, those that it has by way of its host.
    shares: t.Mapping[str, t.Sequence[Resource]] = dataclasses.field(default_factory=dict)
    address_groups: t.Sequence[Resource] = ()
    #: Ids of the QoS policies and the subnet pools that the project may use, whose names are known.
    usable: frozenset[str] = frozenset()


def ask(cloud: Cloud, concurrency: int, server_ids: t.Collection[str]) -> Answers:
    """One list call per kind of resource.

    :param concurrency: how many calls at once.
    :param server_ids: of the application, of which each is asked for its shares.
    """
    compute, storage, network = Compute(cloud), BlockStorage(cloud), Networking(cloud)
    usable = frozenset([*(one.id for one in network.qos_policies()), *(one.id for one in network.subnet_pools())])
    work: dict[str, t.Callable[[], t.Any]] = {
        "servers": compute.server_answers,
        "server_groups": compute.server_group_answers,
        "volumes": storage.volume_answers,
        "ports": lambda: network.answers("ports"),
        "floating_ips": lambda: network.answers("floatingips"),
        "networks": lambda: network.answers("networks"),
        "subnets": lambda: network.answers("subnets"),
        "routers": lambda: network.answers("routers"),
        "security_groups": lambda: network.answers("security-groups"),
        "address_groups": lambda: network.answers("address-groups") if "address-group" in network.extensions() else [],
        "trunks": lambda: network.answers("trunks") if "trunk" in network.extensions() else [],
        "rbac_policies": lambda: network.answers("rbac-policies") if "rbac-policies" in network.extensions() else [],
        "shares": lambda: dict(zip(server_ids, each(server_ids, compute.shares_of, concurrency), strict=True)),
    }
    return Answers(usable=usable, **run_all(work, concurrency))


def inspect(server_ids: t.Collection[str], answers: Answers) -> list[Missing]:
    """Everything that will be missing, resource by resource.

    :param server_ids: of the application.
    """
    return list(_Inspection(server_ids, answers).findings())


class _Inspection:
    def __init__(self, server_ids: t.Collection[str], answers: Answers) -> None:
        self._answers = answers
        self._servers = [one for one in answers.servers if one["id"] in server_ids]
        self._names = {one["id"]: one.get("name") or one["id"] for one in self._servers}
        self._hostnames = {one["id"]: str(one.get(_HOSTNAME) or self._names[one["id"]]) for one in self._servers}
        self._projects = {one["tenant_id"] for one in self._servers if "tenant_id" in one}
        self._ports = [one for one in answers.ports if one["device_id"] in self._names]
        self._subports = {one["port_id"] for port in self._ports for one in (port.get("trunk_details") or {}).get("sub_ports") or ()}
        of_trunks = [one for one in answers.ports if one["id"] in self._subports]
        self._networks = {port["network_id"] for port in (*self._ports, *of_trunks)}
        #: On no server, or by way of a trunk.
        self._lone = [*of_trunks, *(one for one in answers.ports if self._is_free(one) and self._is_own(one))]

    def _is_free(self, port: Resource) -> bool:
        return port["network_id"] in self._networks and not port["device_id"] and not port.get("device_owner")

    def _is_of_others(self, port: Resource) -> bool:
        """Whether something else than a server, a trunk or Neutron itself has a port of the project on the application's networks."""
        owner = port.get("device_owner") or ""
        is_known = owner.startswith(_KNOWN_OWNERS) or port["device_id"] in self._names or self._is_free(port)
        return port["network_id"] in self._networks and self._is_own(port) and not is_known

    def _is_own(self, port: Resource) -> bool:
        return not self._projects or port.get("project_id") in (None, *self._projects)

    def findings(self) -> t.Iterator[Missing]:
        yield from self._of_servers()
        yield from self._of_volumes()
        yield from self._of_ports()
        yield from self._of_floating_ips()
        yield from self._of_topology()

    # Servers and volumes

    def _of_servers(self) -> t.Iterator[Missing]:
        for server in self._servers:
            name = self._names[server["id"]]
            yield from missing_of(attributes.SERVER, f"'{name}'", _unfenced(_but(server, _HINTS, (_GROUP_HINT,))))
            yield from missing_of(attributes.FLAVOR, f"of server '{name}'", server.get("flavor") or {})
            yield from self._of_hosts(server)
            yield from self._invisible_interfaces(server)
            yield from self._unordered_interfaces(server)
        for group in self._answers.server_groups:
            if self._names.keys() & set(group.get("members") or ()):
                yield from missing_of(attributes.SERVER_GROUP, f"'{group.get('name')}'", group)

    def _of_hosts(self, server: Resource) -> t.Iterator[Missing]:
        """What a server has from its host: a TPM, which keeps what is sealed to it, and shares."""
        label = f"server '{self._names[server['id']]}'"
        specs = (server.get("flavor") or {}).get("extra_specs") or {}
        images = [one.get("volume_image_metadata") or {} for one in self._answers.volumes if self._holders(one) & {server["id"]}]
        versions = [version for version in (specs.get(_TPM), *(one.get(_TPM_OF_IMAGE) for one in images)) if version]
        if versions:
            note = "what it holds is not copied, such as keys that disks are sealed to: the restored server has a new one"
            yield Missing(label, "TPM", short(versions[0]), note)
        for share in self._answers.shares.get(server["id"], ()):
            yield Missing(label, "share", short(share["share_id"]), "it is not protected with the server, nor attached to the restored one")

    @staticmethod
    def _holders(volume: Resource) -> set[str]:
        return {one["server_id"] for one in volume["attachments"]}

    def _unordered_interfaces(self, server: Resource) -> t.Iterator[Missing]:
        """Nova lists the interfaces of a server by network, and only those with an address."""
        ports = [one for one in self._ports if one["device_id"] == server["id"]]
        listed = {one.get(_MAC_ADDRESS) for addresses in (server.get("addresses") or {}).values() for one in addresses}
        is_unlisted = any(port["mac_address"] not in listed for port in ports)
        if len(ports) > 1 and (is_unlisted or 1 < len({port["network_id"] for port in ports}) < len(ports)):
            note = "Nova does not show all of it, so it may change: let the guest tell interfaces apart by their MAC addresses"
            yield Missing(f"server '{self._names[server['id']]}'", "order of interfaces", f"{len(ports)} interfaces", note)

    def _invisible_interfaces(self, server: Resource) -> t.Iterator[Missing]:
        """Nova lists the addresses of ports that other projects own and Neutron does not show."""
        seen = {port["mac_address"] for port in self._ports if port["device_id"] == server["id"]}
        for network, addresses in (server.get("addresses") or {}).items():
            for mac in dict.fromkeys(one.get(_MAC_ADDRESS) for one in addresses):
                if mac and mac not in seen:
                    where = f"interface {mac} of server '{self._names[server['id']]}'"
                    yield Missing(where, "port", short(f"on network '{network}'"), "its port belongs to another project")

    def _of_volumes(self) -> t.Iterator[Missing]:
        for volume in self._answers.volumes:
            holders = [self._names[one["server_id"]] for one in volume["attachments"] if one["server_id"] in self._names]
            if holders:
                label = f"{_called(volume)} of server '{holders[0]}'"
                yield from missing_of(attributes.VOLUME, label, volume)

    # Ports and their addresses

    def _port_label(self, port: Resource) -> str:
        holder = self._names.get(port["device_id"])
        return f"{_called(port)} of server '{holder}'" if holder else f"{_called(port)} on no server"

    def _but_novas(self, port: Resource) -> Resource:
        """A port without what Nova writes at each site when it connects a server: its host name, and the device on its host."""
        has_hostname = str(port.get(_DNS_NAME)).lower() == self._hostnames[port["device_id"]].lower()
        named = {key: value for key, value in port.items() if not (key == _DNS_NAME and has_hostname)}
        return _but(named, _PROFILE, OF_THE_HOST)

    def _of_ports(self) -> t.Iterator[Missing]:
        for port in self._ports:
            label, others = self._port_label(port), self._but_novas(port)
            yield from missing_of(attributes.PORT, label, others)
            if others.get(_DNS_NAME):
                yield Missing(f"{attributes.PORT.name} {label}", _DNS_NAME, short(others[_DNS_NAME]), "Nova writes the host name of the server")
            yield from self._unnamed(attributes.PORT, label, port)
        for port in self._lone:
            yield from missing_of(attributes.PORT, self._port_label(port), port)
            yield from self._unnamed(attributes.PORT, self._port_label(port), port)
        for port in self._answers.ports:
            addresses = ", ".join(ip["ip_address"] for ip in port.get("fixed_ips") or ()) or "no address"
            if self._is_free(port) and not self._is_own(port):
                yield Missing(f"port {_called(port)}", "the port itself", short(addresses), "it is on no server, and belongs to another project")
            if self._is_of_others(port):
                holder = " ".join(one for one in (port.get("device_owner"), port["device_id"]) if one)
                yield Missing(f"port {_called(port)}", "the port itself", short(addresses), f"it is not protected, because '{holder}' has it")
        yield from self._of_trunks()

    def _of_trunks(self) -> t.Iterator[Missing]:
        """What trunks of servers lose; those of ports on no server are lost themselves, with the ports in them."""
        of_servers, ports = {port["id"] for port in self._ports}, {port["id"]: port for port in self._answers.ports}
        lone = {port["id"] for port in self._lone}
        for trunk in self._answers.trunks:
            if trunk["port_id"] in of_servers:
                yield from missing_of(attributes.TRUNK, f"'{trunk.get('name')}'", trunk)
            elif trunk["port_id"] in lone:
                inside = [ports.get(one["port_id"], {"id": one["port_id"]}) for one in trunk.get("sub_ports") or ()]
                label = f"{attributes.PORT.name} {self._port_label(ports[trunk['port_id']])}"
                yield Missing(label, "trunk_details", short(_called(trunk)), "the trunk of a port on no server is not restored")
                for port in inside:
                    inner = f"{attributes.PORT.name} {_called(port)}"
                    yield Missing(inner, "the port itself", short(f"in trunk {_called(trunk)}"), "it is lost with its trunk")

    def _unnamed(self, kind: Kind, label: str, resource: Resource) -> t.Iterator[Missing]:
        """Policies and pools of others, of which only the ids are known."""
        for attribute in ("qos_policy_id", "subnetpool_id"):
            value = resource.get(attribute)
            if value and value not in self._answers.usable:
                yield Missing(f"{kind.name} {label}", attribute, short(value), "the project does not see what it is called")

    def _of_floating_ips(self) -> t.Iterator[Missing]:
        by_port: dict[str, list[Resource]] = collections.defaultdict(list)
        for floating in self._answers.floating_ips:
            by_port[floating.get("port_id") or ""].append(floating)
            yield from self._forwardings(floating)
        for port in (*self._ports, *self._lone):
            for floating in by_port[port["id"]]:
                label = f"{floating['floating_ip_address']} of port {self._port_label(port)}"
                yield from missing_of(attributes.FLOATING_IP, label, floating)
                yield from self._unnamed(attributes.FLOATING_IP, label, floating)

    def _forwardings(self, floating: Resource) -> t.Iterator[Missing]:
        """Forwardings of ranges of ports; a floating address that forwards ports is on no port of its own."""
        inside = {ip["ip_address"] for port in (*self._ports, *self._lone) for ip in port["fixed_ips"]}
        forwardings = [one for one in floating.get("port_forwardings") or () if one.get("internal_ip_address") in inside]
        if forwardings:
            label = str(floating["floating_ip_address"])
            yield from missing_of(attributes.FLOATING_IP, label, floating)
            yield from self._unnamed(attributes.FLOATING_IP, label, floating)
        for forwarding in forwardings:
            if not (forwarding.get("internal_port") and forwarding.get("external_port")):
                whole = f"{attributes.FLOATING_IP.name} {floating['floating_ip_address']}"
                yield Missing(whole, "port forwarding", f"to {forwarding['internal_ip_address']}", "it forwards a range of ports")

    # Around the servers

    def _of_topology(self) -> t.Iterator[Missing]:
        subnets = [one for one in self._answers.subnets if one["network_id"] in self._networks]
        # Of a network of others nothing is made, so nothing of it is lost.
        networks = [one for one in self._answers.networks if one["id"] in self._networks and self._is_own(one)]
        own = {one["id"] for one in networks}
        yield from self._each(attributes.NETWORK, networks)
        yield from self._each(attributes.SUBNET, [one for one in subnets if one["network_id"] in own])
        routers = self._routers({one["id"] for one in subnets})
        yield from self._each(attributes.ROUTER, routers)
        for router in routers:
            yield from self._of_gateways(router)
            yield from _outer_routes(router, self._joined(router, subnets))
        for group in self._groups():
            yield from self._of_group(attributes.SECURITY_GROUP, group)
            yield from self._shared(attributes.SECURITY_GROUP, f"'{group['name']}'", group)
            for rule in group["security_group_rules"]:
                yield from missing_of(attributes.RULE, f"'{group['name']}'", rule)
        named = {rule.get("remote_address_group_id") for group in self._groups() for rule in group["security_group_rules"]}
        for addresses in self._answers.address_groups:
            if addresses["id"] in named:
                yield from self._of_group(attributes.ADDRESS_GROUP, addresses)

    def _of_group(self, kind: Kind, group: Resource) -> t.Iterator[Missing]:
        """A group, of which the project gets one of its own where another project shares it."""
        if self._is_own(group):
            yield from missing_of(kind, f"'{group['name']}'", group)
            return
        yield from missing_of(kind, f"'{group['name']}'", {key: value for key, value in group.items() if key != "shared"})
        note = "the restored one is the project's own, as at the checkpoint: what its owner changes does not reach it"
        yield Missing(f"{kind.name} '{group['name']}'", "project_id", short(group["project_id"]), note)

    def _routers(self, subnet_ids: t.Collection[str]) -> list[Resource]:
        joined = {
            port["device_id"] for port in self._answers.ports for ip in port["fixed_ips"] if ip["subnet_id"] in subnet_ids
        }
        return [one for one in self._answers.routers if one["id"] in joined]

    def _joined(self, router: Resource, subnets: t.Iterable[Resource]) -> list[Resource]:
        """Those of some subnets that a router has an interface in."""
        joined = {ip["subnet_id"] for port in self._answers.ports if port["device_id"] == router["id"] for ip in port["fixed_ips"]}
        return [one for one in subnets if one["id"] in joined]

    def _groups(self) -> list[Resource]:
        """The groups of the ports, and all that their rules name, directly or not."""
        groups = {one["id"]: one for one in self._answers.security_groups}
        waiting = {group_id for port in (*self._ports, *self._lone) for group_id in port.get("security_groups") or ()}
        used: set[str] = set()
        while waiting:
            group_id = waiting.pop()
            used.add(group_id)
            rules = groups[group_id]["security_group_rules"] if group_id in groups else ()
            waiting |= {rule["remote_group_id"] for rule in rules if rule.get("remote_group_id")} - used
        return [one for group_id, one in groups.items() if group_id in used]

    def _of_gateways(self, router: Resource) -> t.Iterator[Missing]:
        """What a router has beside its first gateway, and what of that is not known by name."""
        label = f"'{router['name']}'"
        yield from self._unnamed(attributes.ROUTER, f"{label}, its gateway", router.get("external_gateway_info") or {})
        for further in (router.get("external_gateways") or ())[1:]:
            yield Missing(f"{attributes.ROUTER.name} {label}", "a further gateway", str(further.get("network_id")), "one for each router is restored")

    def _each(self, kind: Kind, resources: t.Iterable[Resource]) -> t.Iterator[Missing]:
        for one in resources:
            yield from missing_of(kind, f"'{one['name']}'", one)
            yield from self._unnamed(kind, f"'{one['name']}'", one)
            yield from self._shared(kind, f"'{one['name']}'", one)

    def _shared(self, kind: Kind, label: str, resource: Resource) -> t.Iterator[Missing]:
        """Report with whom something is shared: its own attribute says only whether it is shared with everybody."""
        for policy in self._answers.rbac_policies:
            project = policy.get("target_project") or policy.get("target_tenant")
            if policy["object_id"] == resource["id"] and project != _EVERYBODY:
                note = attributes.SHARED_NETWORK if kind is attributes.NETWORK else "shares with other projects are lost"
                yield Missing(f"{kind.name} {label}", "shared", f"{policy['action']} for project {project}", note)


def _outer_routes(router: Resource, subnets: t.Iterable[Resource]) -> t.Iterator[Missing]:
    """Routes to addresses that a restored router is not connected to.

    :param subnets: of the application, which it is connected to.
    """
    ranges = [one["cidr"] for one in subnets if one.get("cidr")]
    for route in router.get("routes") or ():
        if not any(holds(cidr, route["nexthop"]) for cidr in ranges):
            told = f"{route['destination']} by {route['nexthop']}"
            yield Missing(f"{attributes.ROUTER.name} '{router['name']}'", "routes", told, "it leads to none of the application's subnets that the router joins")


def _unfenced(server: Resource) -> Resource:
    """A server without what a fence has changed: a restored one has no fence."""
    is_fenced = FENCE_KEY in (server.get("metadata") or {})
    return {key: value for key, value in server.items() if not (is_fenced and key in _OF_A_FENCE)}


def _but(resource: Resource, attribute: str, members: t.Collection[str]) -> Resource:
    """A resource without some members of an attribute that is an object."""
    kept = {key: value for key, value in (resource.get(attribute) or {}).items() if key not in members}
    return {**resource, attribute: kept}


def _called(resource: Resource) -> str:
    name = resource.get("name")
    return f"{name} ({resource['id']})" if name else str(resource["id"])
