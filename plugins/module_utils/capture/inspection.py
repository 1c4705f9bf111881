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
from ..manifest.missing import Missing
from ..work.pool import run_all
from . import attributes
from .attributes import Kind
from .missing import Resource, missing_of, short

_MAC_ADDRESS = "OS-EXT-IPS-MAC:mac_addr"
_HOSTNAME = "OS-EXT-SRV-ATTR:hostname"
_HINTS, _GROUP_HINT = "scheduler_hints", "group"
#: What a fence changes of a server, and keeps.
_OF_A_FENCE = ("status",)
_DNS_NAME = "dns_name"
_PROFILE = "binding:profile"
#: What Nova writes into the profile of a port: the device on the server's host.
_OF_THE_HOST = (
    *("pci_slot", "pci_vendor_info", "physical_network", "card_serial_number", "pf_mac_address", "vf_num", "device_mac_address"),
    *("allocation", "arq_uuid", "migrating_to"),
)


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


def ask(cloud: Cloud, concurrency: int) -> Answers:
    """One list call per kind of resource.

    :param concurrency: how many calls at once.
    """
    compute, storage, network = Compute(cloud), BlockStorage(cloud), Networking(cloud)
    return Answers(
        **run_all(
            {
                "servers": compute.server_answers,
                "server_groups": compute.server_group_answers,
                "volumes": storage.volume_answers,
                "ports": lambda: network.answers("ports"),
                "floating_ips": lambda: network.answers("floatingips"),
                "networks": lambda: network.answers("networks"),
                "subnets": lambda: network.answers("subnets"),
                "routers": lambda: network.answers("routers"),
                "security_groups": lambda: network.answers("security-groups"),
            },
            concurrency,
        )
    )


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
        self._ports = [one for one in answers.ports if one["device_id"] in self._names]
        self._networks = {port["network_id"] for port in self._ports}

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
            yield from self._invisible_interfaces(server)
        for group in self._answers.server_groups:
            if self._names.keys() & set(group.get("members") or ()):
                yield from missing_of(attributes.SERVER_GROUP, f"'{group.get('name')}'", group)

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
        return f"{_called(port)} of server '{self._names[port['device_id']]}'"

    def _but_novas(self, port: Resource) -> Resource:
        """A port without what Nova writes at each site when it connects a server: its host name, and the device on its host."""
        has_hostname = str(port.get(_DNS_NAME)).lower() == self._hostnames[port["device_id"]].lower()
        named = {key: value for key, value in port.items() if not (key == _DNS_NAME and has_hostname)}
        return _but(named, _PROFILE, _OF_THE_HOST)

    def _of_ports(self) -> t.Iterator[Missing]:
        for port in self._ports:
            yield from missing_of(attributes.PORT, self._port_label(port), self._but_novas(port))
        for port in self._answers.ports:
            if port["network_id"] in self._networks and not port["device_id"] and not port.get("device_owner"):
                addresses = ", ".join(ip["ip_address"] for ip in port.get("fixed_ips") or ()) or "no address"
                yield Missing(f"port {_called(port)}", "the port itself", short(addresses), "it is on no server")

    def _of_floating_ips(self) -> t.Iterator[Missing]:
        by_port: dict[str, list[Resource]] = collections.defaultdict(list)
        for floating in self._answers.floating_ips:
            by_port[floating.get("port_id") or ""].append(floating)
            yield from self._forwardings(floating)
        for port in self._ports:
            # The first one is restored.
            for place, floating in enumerate(by_port[port["id"]]):
                label = f"{floating['floating_ip_address']} of port {self._port_label(port)}"
                yield from missing_of(attributes.FLOATING_IP, label, floating)
                if place:
                    yield Missing(f"{attributes.FLOATING_IP.name} {label}", "the address itself", "one of several", "one for each port is restored")

    def _forwardings(self, floating: Resource) -> t.Iterator[Missing]:
        """A floating address that forwards ports is on no port of its own."""
        inside = {ip["ip_address"] for port in self._ports for ip in port["fixed_ips"]}
        if not floating.get("port_id"):
            for forwarding in floating.get("port_forwardings") or ():
                if forwarding.get("internal_ip_address") in inside:
                    label = f"{attributes.FLOATING_IP.name} {floating['floating_ip_address']}"
                    where = f"to {forwarding.get('internal_ip_address')}:{forwarding.get('internal_port')}"
                    yield Missing(label, "port forwarding", where, "")

    # Around the servers

    def _of_topology(self) -> t.Iterator[Missing]:
        subnets = [one for one in self._answers.subnets if one["network_id"] in self._networks]
        yield from _each(attributes.NETWORK, [one for one in self._answers.networks if one["id"] in self._networks])
        yield from _each(attributes.SUBNET, subnets)
        routers = self._routers({one["id"] for one in subnets})
        yield from _each(attributes.ROUTER, routers)
        for router in routers:
            yield from _of_gateways(router)
        for group in self._groups():
            yield from missing_of(attributes.SECURITY_GROUP, f"'{group['name']}'", group)
            for rule in group["security_group_rules"]:
                yield from missing_of(attributes.RULE, f"'{group['name']}'", rule)

    def _routers(self, subnet_ids: t.Collection[str]) -> list[Resource]:
        joined = {
            port["device_id"] for port in self._answers.ports for ip in port["fixed_ips"] if ip["subnet_id"] in subnet_ids
        }
        return [one for one in self._answers.routers if one["id"] in joined]

    def _groups(self) -> list[Resource]:
        """The groups of the ports, and all that their rules name, directly or not."""
        groups = {one["id"]: one for one in self._answers.security_groups}
        waiting = {group_id for port in self._ports for group_id in port.get("security_groups") or ()}
        used: set[str] = set()
        while waiting:
            group_id = waiting.pop()
            used.add(group_id)
            rules = groups[group_id]["security_group_rules"] if group_id in groups else ()
            waiting |= {rule["remote_group_id"] for rule in rules if rule.get("remote_group_id")} - used
        return [one for group_id, one in groups.items() if group_id in used]


def _of_gateways(router: Resource) -> t.Iterator[Missing]:
    """What a router has beside the external network and SNAT of its first gateway."""
    label, policy = f"{attributes.ROUTER.name} '{router['name']}'", (router.get("external_gateway_info") or {}).get("qos_policy_id")
    if policy:
        yield Missing(label, "qos_policy_id of the gateway", str(policy), "")
    for further in (router.get("external_gateways") or ())[1:]:
        yield Missing(label, "a further gateway", str(further.get("network_id")), "one for each router is restored")


def _unfenced(server: Resource) -> Resource:
    """A server without what a fence has changed: a restored one has no fence."""
    is_fenced = FENCE_KEY in (server.get("metadata") or {})
    return {key: value for key, value in server.items() if not (is_fenced and key in _OF_A_FENCE)}


def _but(resource: Resource, attribute: str, members: t.Collection[str]) -> Resource:
    """A resource without some members of an attribute that is an object."""
    kept = {key: value for key, value in (resource.get(attribute) or {}).items() if key not in members}
    return {**resource, attribute: kept}


def _each(kind: Kind, resources: t.Iterable[Resource]) -> t.Iterator[Missing]:
    for one in resources:
        yield from missing_of(kind, f"'{one['name']}'", one)


def _called(resource: Resource) -> str:
    name = resource.get("name")
    return f"{name} ({resource['id']})" if name else str(resource["id"])
