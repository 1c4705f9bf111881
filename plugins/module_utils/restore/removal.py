# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what a restore or a drill made at a site, by marks alone, and what of it must be kept. Pure.

What others use by now is left to them: networks with others' ports, routers that others' subnets are joined to, and so on.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..core.marking import Mark, drill_name
from ..core.records import AddressGroup, Network, Port, Router, SecurityGroup, ServerGroup, Subnet, Volume
from .marks import INTERFACE, MadeServers, bears_mark_of, made_volumes
from .site import RestoreSite
from .topology import joined_subnets

#: Of ports that belong to a network itself and go with it.
NETWORKS_OWN = ("network:dhcp", "network:distributed")
#: Of ports by which routers join subnets.
_INTERFACES = (INTERFACE, "network:ha_router_replicated_interface")


@dataclasses.dataclass(frozen=True)
class Removal:
    """What is to be removed.

    :param servers: with their ports and floating addresses.
    :param interfaces: the ports of routers that go before the routers.
    :param left: what is kept although it has the mark, each with the reason.
    """

    servers: MadeServers
    volumes: tuple[Volume, ...] = ()
    interfaces: tuple[Port, ...] = ()
    routers: tuple[Router, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    networks: tuple[Network, ...] = ()
    security_groups: tuple[SecurityGroup, ...] = ()
    address_groups: tuple[AddressGroup, ...] = ()
    key_pairs: tuple[str, ...] = ()
    server_groups: tuple[ServerGroup, ...] = ()
    left: tuple[str, ...] = ()

    def shown(self) -> dict[str, list[str]]:
        """Names and ids, per kind; empty kinds are left out."""
        kinds: dict[str, t.Iterable[str]] = {
            "servers": (one.label for one in self.servers.servers),
            "floating_ips": (one.ip_address for one in self.servers.floating_ips),
            "ports": (one.id for one in self.servers.ports),
            "trunks": (f"{one.name} ({one.id})" if one.name else one.id for one in self.servers.trunks),
            "volumes": (one.label for one in self.volumes),
            "routers": map(_label, self.routers),
            "subnets": map(_label, self.subnets),
            "networks": map(_label, self.networks),
            "security_groups": map(_label, self.security_groups),
            "address_groups": map(_label, self.address_groups),
            "key_pairs": self.key_pairs,
            "server_groups": (f"{one.name} ({one.id})" for one in self.server_groups),
        }
        listed = {kind: sorted(names) for kind, names in kinds.items()}
        return {kind: names for kind, names in listed.items() if names}


def plan(owner: Mark, site: RestoreSite) -> Removal:
    """Plan the removal of what a restore or drill made at a site.

    :param owner: whose marks count.
    """
    work = _Decisions(owner, site)
    work.decide()
    return Removal(
        servers=work.made,
        volumes=tuple(work.volumes),
        interfaces=tuple(port for port in site.all_ports if _is_interface(port) and work.goes_with_router(port)),
        routers=tuple(work.routers),
        subnets=tuple(work.subnets),
        networks=tuple(work.networks),
        security_groups=tuple(work.groups),
        address_groups=tuple(work.address_groups),
        key_pairs=tuple(name for name, key in site.key_pairs.items() if bears_mark_of(owner, key)),
        server_groups=tuple(work.server_groups),
        left=tuple(work.left),
    )


class _Decisions:
    """The decisions about each kind, which build on one another."""

    def __init__(self, owner: Mark, site: RestoreSite) -> None:
        self.site = site
        self.owner = owner
        self.made = MadeServers.of(owner, site)
        self.volumes = made_volumes(owner, site.volumes)
        self.routers = [one for one in site.routers if bears_mark_of(owner, one.description)]
        self.subnets = [one for one in site.own(site.subnets) if bears_mark_of(owner, one.description)]
        self.networks = [one for one in site.own(site.networks) if bears_mark_of(owner, one.description)]
        self.groups = [one for one in site.own(site.security_groups) if bears_mark_of(owner, one.description)]
        self.address_groups = [one for one in site.own(site.address_groups) if bears_mark_of(owner, one.description)]
        self.server_groups = _drilled_groups(owner, site)
        self.left: list[str] = [*self.made.left]
        self._marked_routers = {one.id for one in self.routers}
        self._marked_networks = {one.id for one in self.networks}

    def decide(self) -> None:
        self.volumes = self._without("Volume", self.volumes, lambda one: one.label, self._use_of_volume)
        decided = None
        # What stays keeps others: a network its router, a router its other networks.
        while decided != len(self.left):
            decided = len(self.left)
            self._others = [port for port in self.site.all_ports if not self._goes_too(port)]
            self.subnets = self._without("Subnet", self.subnets, _label, self._use_of_subnet)
            self.networks = self._without("Network", self.networks, _label, self._use_of_network)
            self.routers = self._without("Router", self.routers, _label, self._use_of_router)
        self.groups = self._without("Security group", self.groups, _label, self._use_of_group)
        self.address_groups = self._without("Address group", self.address_groups, _label, self._use_of_addresses)
        self.server_groups = self._without("Server group", self.server_groups, lambda one: one.name, self._use_of_server_group)

    def _goes_too(self, port: Port) -> bool:
        """Whether a port is deleted with its server or network: Nova deletes ports attached later, and a network has ports of its own."""
        is_of_server = port.device_id in {one.id for one in self.made.servers}
        return port in self.made.ports or is_of_server or self.goes_with_router(port) or port.device_owner in NETWORKS_OWN

    def goes_with_router(self, port: Port) -> bool:
        """Whether a port is one of a router that goes, or one by which the restore joined a router of somebody else."""
        is_joined = self._is_joining(port) and port.device_id not in self._marked_routers
        return port.device_id in {one.id for one in self.routers} or is_joined

    def _is_joining(self, port: Port) -> bool:
        """Whether the restore joined a router by a port of its own."""
        return _is_interface(port) and bears_mark_of(self.owner, port.description)

    def _without(self, kind: str, things: t.Iterable[t.Any], label: t.Callable[[t.Any], str], use: t.Callable[[t.Any], str | None]) -> list[t.Any]:
        """Resources except those in use, which are reported."""
        uses = [(one, use(one)) for one in things]
        self.left += [f"{kind} {label(one)} stays: {why}." for one, why in uses if why]
        return [one for one, why in uses if not why]

    def _use_of_volume(self, volume: Volume) -> str | None:
        servers = {one.id for one in self.made.servers}
        others = sorted(one.server_id for one in volume.attachments if one.server_id not in servers)
        return f"it is attached to server {others[0]}" if others else None

    def _use_of_router(self, router: Router) -> str | None:
        """What else needs a router: a subnet that stays, unless the restore has joined it and nobody else is on it."""
        ours = {ip.subnet_id for port in self.site.all_ports if port.device_id == router.id and self._is_joining(port) for ip in port.fixed_ips}
        used = {ip.subnet_id for port in self._others for ip in port.fixed_ips}
        staying = sorted({*joined_subnets(self.site, router)} - {one.id for one in self.subnets} - (ours - used))
        return f"subnet {staying[0]}, which is joined to it, stays" if staying else None

    def _use_of_subnet(self, subnet: Subnet) -> str | None:
        network_id = subnet.network_id
        network_stays = network_id in self._marked_networks - {one.id for one in self.networks}
        return self._use_by([port for port in self._others if any(ip.subnet_id == subnet.id for ip in port.fixed_ips)]) or (
            f"its network {network_id} does" if network_stays else None
        )

    def _use_of_network(self, network: Network) -> str | None:
        going = {one.id for one in self.subnets}
        kept = sorted(one.name or one.id for one in self.site.subnets if one.network_id == network.id and one.id not in going)
        return self._use_by([port for port in self._others if port.network_id == network.id]) or (
            f"subnet {kept[0]} is on it" if kept else None
        )

    def _use_of_group(self, group: SecurityGroup) -> str | None:
        going = {one.id for one in self.groups}
        naming = sorted(
            one.name
            for one in self.site.security_groups
            if one.id not in going and any(rule.remote_group_id == group.id for rule in one.rules)
        )
        return self._use_by([port for port in self._others if group.id in port.security_group_ids]) or (
            f"a rule of security group {naming[0]} names it" if naming else None
        )

    def _use_of_addresses(self, group: AddressGroup) -> str | None:
        staying = [one for one in self.site.security_groups if one.id not in {going.id for going in self.groups}]
        naming = sorted(one.name for one in staying if any(rule.remote_address_group_id == group.id for rule in one.rules))
        return f"a rule of security group {naming[0]} names it" if naming else None

    def _use_of_server_group(self, group: ServerGroup) -> str | None:
        others = sorted(group.member_ids - {one.id for one in self.made.servers})
        return f"server {others[0]} is in it" if others else None

    @staticmethod
    def _use_by(ports: t.Sequence[Port]) -> str | None:
        if not ports:
            return None
        more = f" and {len(ports) - 1} more" if len(ports) > 1 else ""
        return f"port {min(port.id for port in ports)}{more} of others uses it"


def others(application: str, owner: Mark, site: RestoreSite) -> list[dict[str, t.Any]]:
    """Other restores and drills of the application that have resources at the site."""
    marks = [Mark.of_metadata(one.metadata) for one in site.servers]
    shareable = (*site.own(site.networks), *site.own(site.subnets), *site.own(site.security_groups), *site.own(site.address_groups))
    described: tuple[t.Any, ...] = (*site.ports, *site.trunks, *site.routers, *site.floating_ips, *shareable)
    marks += [Mark.of_volume(one) for one in site.volumes]
    marks += [Mark.of_text(one.description) for one in described]
    marks += [Mark.of_text(key) for key in site.key_pairs.values()]
    counts = collections.Counter(mark.owner for mark in marks if mark and mark.application == application and mark.owner != owner)
    found = sorted(counts.items(), key=lambda item: (item[0].checkpoint, item[0].drill or "", item[0].apart or ""))
    return [{"checkpoint": one.checkpoint, "drill": one.drill, "beside": one.apart, "resources": count} for one, count in found]


def _drilled_groups(owner: Mark, site: RestoreSite) -> list[ServerGroup]:
    """The server groups of a drill. Groups have no marks, so it is unknown who made those of a real restore."""
    if owner.drill is None:
        return []
    called = drill_name(owner.drill, f"{owner.application}-")
    return [group for group in site.server_groups if group.name.startswith(called)]


def _is_interface(port: Port) -> bool:
    return bool(port.device_id) and port.device_owner.startswith(_INTERFACES)


def _label(resource: Network | Subnet | Router | SecurityGroup | AddressGroup) -> str:
    return f"{resource.name} ({resource.id})" if resource.name else resource.id
