# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an application's networks a site cannot give, though the checkpoint has it. Pure."""

from __future__ import annotations

import typing as t

from .marks import owner_of
from .plan import RestorePlan
from .topology import missing_routes
from .wishes import (
    FORWARDING,
    MTU,
    PORT_SECURITY,
    STATEFUL,
    TRUNK,
    Wishes,
    description_wishes,
    gateway_wishes,
    network_wishes,
    on_or_off,
    router_wishes,
    subnet_wishes,
    text_wishes,
)


def losses(plan: RestorePlan) -> list[str]:
    """Sentences, one for each attribute of what is to be made."""
    lacking = [f"{what} will lack its {lost}." for what, wishes in wished(plan) for lost in wishes.lost]
    return [*(f"At site '{plan.site.name}', {one}" for one in lacking), *_routes(plan), *_without_extension(plan), *_switched_on(plan)]


def wished(plan: RestorePlan) -> list[tuple[str, Wishes]]:
    """What is to be made, each as messages call it, with what it is to have besides what every site can give it."""
    return [*_of_topology(plan), *_of_ports(plan)]


def _of_topology(plan: RestorePlan) -> t.Iterator[tuple[str, Wishes]]:
    site, lacking, owner = plan.site, plan.lacking, owner_of(plan.manifest)
    for spec in lacking["networks"]:
        yield f"network '{spec.name}'", network_wishes(site, spec, owner)
    for spec in lacking["subnets"]:
        yield f"subnet '{spec.name}'", subnet_wishes(site, spec, owner)
    for spec in lacking["security_groups"]:
        yield f"security group '{spec.name}'", text_wishes(site, spec, owner)
    for spec in lacking["address_groups"]:
        yield f"address group '{spec.name}'", description_wishes(site, spec, owner)
    for spec in lacking["routers"]:
        if site.router(spec.name) is None:
            yield f"router '{spec.name}'", router_wishes(site, spec, owner)
            network = site.external_network(spec.external_network) if spec.external_network else None
            if network:
                yield f"the gateway of router '{spec.name}'", gateway_wishes(site, spec, network)


def _of_ports(plan: RestorePlan) -> t.Iterator[tuple[str, Wishes]]:
    for step in plan.all_ports:
        if step.current is None:
            yield step.title, step.wishes(plan.site)
        for floating in step.floating:
            if floating.current is None:
                yield f"the floating address of {step.title}", floating.wishes(plan.site)
    for forwarder in plan.forwarders:
        if forwarder.current is None:
            yield "a floating address that forwards ports", forwarder.wishes(plan.site)


def _routes(plan: RestorePlan) -> t.Iterator[str]:
    """Routes to addresses outside of the application's subnets that their routers will join."""
    topology = plan.manifest.description.topology
    for spec in topology.routers:
        if plan.site.router(spec.name) is None:
            kept = missing_routes(topology, plan.site, spec, None)
            for route in spec.routes:
                if route not in kept:
                    yield (
                        f"At site '{plan.site.name}', router '{spec.name}' will lack its route (routes) to {route['destination']}: {route['nexthop']} is on "
                        "none of the application's subnets that it will join."
                    )


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
    site, lacking = plan.site, plan.lacking
    if PORT_SECURITY not in site.extensions:
        why = f"depends on the site: its Neutron has no extension {PORT_SECURITY}."
        yield from (f"At site '{site.name}', port security (port_security_enabled) of {what} {why}" for what in _secured(plan))
    for spec in lacking["networks"] if MTU not in site.extensions else ():
        if spec.mtu and site.network(spec.name) is None:
            yield (
                f"At site '{site.name}', network '{spec.name}' will have the MTU (mtu) that the site gives it, whatever that is, and had {spec.mtu} at "
                f"the source: its Neutron has no extension {MTU}."
            )
    for spec in lacking["security_groups"] if STATEFUL not in site.extensions else ():
        if not spec.is_stateful and site.own_security_group(spec.name) is None:
            yield f"At site '{site.name}', security group '{spec.name}' will be stateful: its Neutron has no extension {STATEFUL}."


def _secured(plan: RestorePlan) -> t.Iterator[str]:
    """What has port security or does without it."""
    yield from (f"network '{spec.name}' ({on_or_off(spec.port_security_enabled)} at the source)" for spec in plan.lacking["networks"])
    for step in plan.all_ports:
        if step.current is None:
            yield f"port {step.spec.mac_address} of {step.label} ({on_or_off(step.spec.port_security)} at the source)"
