# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a site belongs to an application: pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..application.definition import Application
from ..core.records import Port, ServerGroup
from .look import CaptureSite


@dataclasses.dataclass(frozen=True)
class Scope:
    """Ids of the networks and so on that the application's servers need around them."""

    networks: tuple[str, ...]
    subnets: tuple[str, ...]
    routers: tuple[str, ...]
    security_groups: tuple[str, ...]
    #: Ids of the application's subnets per router.
    router_subnets: t.Mapping[str, tuple[str, ...]]
    address_groups: tuple[str, ...] = ()

    @classmethod
    def of(cls, seen: CaptureSite) -> Scope:
        ports = [*(port for server in seen.servers.values() for port in seen.ports_of(server)), *seen.ports_on_no_server()]
        networks = sorted({port.network_id for port in ports} & set(seen.networks))
        subnets = sorted(_subnets(seen, networks, ports))
        joined = _router_subnets(seen, subnets)
        security_groups = sorted(_with_remote_groups(seen, ports))
        named = {rule.remote_address_group_id or "" for one in security_groups for rule in seen.security_groups[one].rules}
        return cls(
            networks=tuple(networks),
            subnets=tuple(subnets),
            routers=tuple(joined),
            security_groups=tuple(security_groups),
            router_subnets=joined,
            address_groups=tuple(sorted(one for one in named if one in seen.address_groups)),
        )


def _subnets(seen: CaptureSite, networks: t.Collection[str], ports: t.Iterable[Port]) -> t.Iterator[str]:
    """Those of the project's networks; of others' networks, which may have any number, those in which the application or one of its routers is."""
    joined = (port for port in seen.ports if port.device_id in seen.routers)
    used = {ip.subnet_id for port in (*ports, *joined) for ip in port.fixed_ips}
    for one in seen.subnets.values():
        if one.network_id in networks and (one.id in used or seen.is_own(seen.networks[one.network_id])):
            yield one.id


def _router_subnets(seen: CaptureSite, subnets: t.Collection[str]) -> dict[str, tuple[str, ...]]:
    joined: dict[str, set[str]] = collections.defaultdict(set)
    for port in seen.ports:
        if port.device_id in seen.routers:
            joined[port.device_id].update(ip.subnet_id for ip in port.fixed_ips if ip.subnet_id in subnets)
    return {router: tuple(sorted(joined[router])) for router in sorted(joined) if joined[router]}


def _with_remote_groups(seen: CaptureSite, ports: t.Iterable[Port]) -> set[str]:
    """The groups of the ports, and all that their rules name, directly or not."""
    found: set[str] = set()
    waiting = {group_id for port in ports for group_id in port.security_group_ids}
    while waiting:
        group_id = waiting.pop()
        if group_id in found or group_id not in seen.security_groups:
            continue
        found.add(group_id)
        rules = seen.security_groups[group_id].rules
        waiting.update(rule.remote_group_id for rule in rules if rule.remote_group_id)
    return found


def groups(seen: CaptureSite) -> list[ServerGroup]:
    """The server groups with servers of the application."""
    return list(dict.fromkeys(group for server in seen.servers.values() if (group := seen.group_of(server))))


def group_name(application: Application, group: ServerGroup) -> str:
    """A name with the application in it: Nova stores nothing else that tells whose a group is."""
    prefix = f"{application.name}-"
    return group.name if group.name.startswith(prefix) else f"{prefix}{group.name}"
