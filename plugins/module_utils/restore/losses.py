# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an application a site cannot give, or has not given to what a restore made there, though the checkpoint has it. Pure."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ..core.records import Network, Port, Router
from ..manifest.specs import NetworkSpec, RouterSpec, SubnetSpec
from .found import differences_of_networks, differences_of_servers
from .marks import bears_mark_of, owner_of
from .plan import RestorePlan
from .service_types import kept_open
from .topology import changed_rules, is_made, is_of_others, kept_descriptions, kept_rules, missing_routes, mtu_doubts
from .volume_plan import VolumeStep
from .wishes import (
    FORWARDING,
    MTU,
    PORT_SECURITY,
    REFUSED,
    TRUNK,
    Wishes,
    description_wishes,
    gateway_wishes,
    group_wishes,
    network_wishes,
    on_or_off,
    router_wishes,
    subnet_wishes,
)


def losses(plan: RestorePlan) -> list[str]:
    """Sentences, one for each attribute of what is to be made, and of what an earlier run of the restore made; and one for all else that is used."""
    lacking = [f"At site '{plan.site.name}', {part.what} will lack its {lost}." for part in _parts(plan) if not part.is_there for lost in part.wishes.lost]
    routes = _lost_routes(plan, [(spec, None) for spec in plan.manifest.description.topology.routers if plan.site.router(spec.name) is None])
    made = [*losses_of_volumes(plan.site.name, plan.volumes), *losses_of_networks(plan), *losses_of_servers(plan)]
    return [*lacking, *routes, *made, *_without_extension(plan), *_switched_on(plan)]


def wished(plan: RestorePlan) -> list[tuple[str, Wishes]]:
    """What is to be made, each as messages call it, with what it is to have besides what every site can give it."""
    return [(part.what, part.wishes) for part in _parts(plan) if not part.is_there]


# What an earlier run made: what it was refused, only that run has told, if it came so far.


def losses_of_networks(plan: RestorePlan) -> list[str]:
    """What is lacking on networks and all around them that the restore made before, and in what others differ that are used as they are."""
    return [*_lacking(plan, _of_topology(plan)), *_lost_routes(plan, _made_routers(plan)), *_interfaces(plan), *_of_what_is_used(plan)]


def _of_what_is_used(plan: RestorePlan) -> t.Iterator[str]:
    site, topology, owner = plan.site, plan.manifest.description.topology, owner_of(plan.manifest)
    yield from differences_of_networks(plan)
    yield from mtu_doubts(topology, site)
    yield from kept_rules(topology, site)
    yield from kept_descriptions(topology, site, owner)
    yield from changed_rules(topology, site, owner)


def losses_of_volumes(site: str, steps: t.Iterable[VolumeStep]) -> list[str]:
    """What volumes lack that the restore completed before."""
    return [f"At site '{site}', volume {step.label} lacks its {lost}: {REFUSED}." for step in steps for lost in step.lacks]


def losses_of_servers(plan: RestorePlan) -> list[str]:
    """What ports and floating addresses lack that the restore made before, and in what others differ that are used as they are; and flavors."""
    return [*_lacking(plan, _of_ports(plan)), *differences_of_servers(plan)]


def _lacking(plan: RestorePlan, parts: t.Iterable[_Wisher]) -> list[str]:
    return [f"At site '{plan.site.name}', {part.what} lacks its {lost}." for part in parts if part.is_there for lost in part.wishes.lost]


# All that is made for an application


@dataclasses.dataclass(frozen=True)
class _Wisher:
    """Something that the restore makes, or has made.

    :param what: as messages call it.
    """

    what: str
    wishes: Wishes
    is_there: bool


def _parts(plan: RestorePlan) -> list[_Wisher]:
    return [*_of_topology(plan), *_of_ports(plan)]


def _of_topology(plan: RestorePlan) -> t.Iterator[_Wisher]:
    site, topology = plan.site, plan.manifest.description.topology
    of_others, open_to_all = topology.networks_of_others, kept_open(plan.whole, site)
    for network in topology.networks:
        if not network.is_of_others:
            yield from _part(plan, "network", network, site.network(network.name), network_wishes)
    for subnet in topology.subnets:
        if subnet.network not in of_others:
            there = next(iter(site.subnets_called(subnet.name, site.network(subnet.network))), None)
            yield from _part(plan, "subnet", subnet, there, functools.partial(subnet_wishes, is_kept_open=subnet.name in open_to_all))
    for group in topology.security_groups:
        yield from _part(plan, "security group", group, site.own_security_group(group.name), group_wishes)
    for addresses in topology.address_groups:
        yield from _part(plan, "address group", addresses, site.own_address_group(addresses.name), description_wishes)
    for router in topology.routers:
        yield from _of_router(plan, router, site.router(router.name))


def _of_router(plan: RestorePlan, spec: RouterSpec, there: Router | None) -> t.Iterator[_Wisher]:
    if there is None and spec.name not in {one.name for one in plan.lacking["routers"]}:
        # It would join nothing.
        return
    yield from _part(plan, "router", spec, there, router_wishes)
    network = plan.site.external_network(spec.external_network) if spec.external_network else None
    if network and (there is None or there.external_network_id == network.id):
        yield from _part(plan, "the gateway of router", spec, there, lambda site, router, _owner, now: gateway_wishes(site, router, network, now))


def _part(plan: RestorePlan, kind: str, spec: t.Any, there: t.Any, wishes: t.Callable[..., Wishes]) -> t.Iterator[_Wisher]:
    """What somebody else has made is used as it is: in what it differs, others tell."""
    owner = owner_of(plan.manifest)
    if there is None or is_made(plan.site, owner, there):
        yield _Wisher(f"{kind} '{spec.name}'", wishes(plan.site, spec, owner, there), there is not None)


def _of_ports(plan: RestorePlan) -> t.Iterator[_Wisher]:
    for step in plan.all_ports:
        yield from _step(plan, step.title, step)
        for floating in step.floating:
            yield from _step(plan, f"the floating address of {step.title}", floating)
    for forwarder in plan.forwarders:
        yield from _step(plan, "a floating address that forwards ports", forwarder)


def _step(plan: RestorePlan, what: str, step: t.Any) -> t.Iterator[_Wisher]:
    if step.current is None or step.made:
        yield _Wisher(what, step.wishes(plan.site), step.current is not None)


# What routers lead to


def _made_routers(plan: RestorePlan) -> list[tuple[RouterSpec, Router]]:
    there = [(spec, plan.site.router(spec.name)) for spec in plan.manifest.description.topology.routers]
    return [(spec, router) for spec, router in there if router and is_made(plan.site, owner_of(plan.manifest), router)]


def _lost_routes(plan: RestorePlan, routers: t.Iterable[tuple[RouterSpec, Router | None]]) -> list[str]:
    """Routes to addresses outside of the application's subnets that their routers join."""
    found, topology = [], plan.manifest.description.topology
    for spec, router in routers:
        kept = [*missing_routes(topology, plan.site, spec, router), *(router.routes if router else ())]
        lost = [route for route in spec.routes if route not in kept]
        lacks, joins = ("lacks", "joins") if router else ("will lack", "will join")
        found += [
            f"At site '{plan.site.name}', router '{spec.name}' {lacks} its route (routes) to {route['destination']}: {route['nexthop']} is on none of the "
            f"application's subnets that it {joins}."
            for route in lost
        ]
    return found


def _interfaces(plan: RestorePlan) -> t.Iterator[str]:
    """Interfaces that the restore gave routers, and that have other addresses than at the source."""
    topology = plan.manifest.description.topology
    for spec in topology.routers:
        router = plan.site.router(spec.name)
        if router is None:
            continue
        for subnet in (one for one in topology.subnets if one.name in spec.subnets and not is_of_others(topology, plan.site, one.name)):
            made = _made_interfaces(plan, router, subnet)
            wanted = next((one.ip_address for one in spec.interface_addresses if one.subnet == subnet.name), subnet.gateway_ip)
            if made and wanted and not any(wanted in port.addresses for port in made):
                yield (
                    f"At site '{plan.site.name}', router '{spec.name}' lacks its address {wanted} on subnet '{subnet.name}' (interfaces): something else had "
                    "it, or the site refused it."
                )


def _made_interfaces(plan: RestorePlan, router: Router, subnet: SubnetSpec) -> list[Port]:
    """Interfaces of a router on a subnet that the restore gave it."""
    site, owner = plan.site, owner_of(plan.manifest)
    ids = {one.id for one in site.subnets_called(subnet.name, site.network(subnet.network))}
    there = [port for port in site.all_ports if port.device_id == router.id and any(ip.subnet_id in ids for ip in port.fixed_ips)]
    return [port for port in there if is_made(site, owner, router) or bears_mark_of(owner, port.description)]


def _without_extension(plan: RestorePlan) -> t.Iterator[str]:
    site, topology = plan.site, plan.manifest.description.topology
    labels = {step.spec.source_id: step.label for step in plan.all_ports}
    titles = {step.spec.source_id: step.title for step in plan.all_ports}
    for trunk in topology.trunks if TRUNK not in site.extensions else ():
        subports = ", ".join(titles.get(one.port, one.port) for one in trunk.subports)
        yield (
            f"At site '{site.name}', {titles.get(trunk.port, 'a port')} will lack its trunk '{trunk.name or trunk.source_id}' (trunk_details) with {subports}, "
            f"each of which is made by itself: its Neutron has no extension {TRUNK}."
        )
    for forwarder in topology.forwarders if FORWARDING not in site.extensions else ():
        what = ", ".join(f"{one.protocol} {one.external_port} to {labels.get(one.port, one.port)}" for one in forwarder.forwardings)
        yield f"At site '{site.name}', the floating address that forwards {what} will be missing: its Neutron has no extension {FORWARDING}."


def _switched_on(plan: RestorePlan) -> t.Iterator[str]:
    """What a site cannot be told to switch on or off, because it knows no such switch."""
    site, topology = plan.site, plan.manifest.description.topology
    if PORT_SECURITY not in site.extensions:
        why = f"depends on the site: its Neutron has no extension {PORT_SECURITY}."
        yield from (f"At site '{site.name}', port security (port_security_enabled) of {what} {why}" for what in _secured(plan))
    for spec in topology.networks if MTU not in site.extensions else ():
        there = site.network(spec.name)
        # Where it is smaller, others tell, and of one that somebody has made, where the site shows it.
        is_hidden = there is None or not there.mtu
        if spec.mtu and not spec.is_of_others and (is_hidden or (there and there.mtu > spec.mtu and _is_of_restore(plan, spec, there))):
            whatever = "the MTU (mtu) that the site gives it, whatever that is"
            what = f"has {f'an MTU (mtu) of {there.mtu}' if there.mtu else whatever}" if there else f"will have {whatever}"
            yield f"At site '{site.name}', network '{spec.name}' {what}, and had {spec.mtu} at the source: its Neutron has no extension {MTU}."


def _is_of_restore(plan: RestorePlan, spec: NetworkSpec, there: Network | None) -> bool:
    """Whether the restore makes a network, or has made it."""
    return not spec.is_of_others if there is None else is_made(plan.site, owner_of(plan.manifest), there)


def _secured(plan: RestorePlan) -> t.Iterator[str]:
    """What has port security or does without it."""
    for spec in plan.manifest.description.topology.networks:
        if _is_of_restore(plan, spec, plan.site.network(spec.name)):
            yield f"network '{spec.name}' ({on_or_off(spec.port_security_enabled)} at the source)"
    for step in plan.all_ports:
        if step.current is None or step.made:
            yield f"port {step.spec.mac_address} of {step.label} ({on_or_off(step.spec.port_security)} at the source)"
