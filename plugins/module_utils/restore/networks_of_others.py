# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that other projects provide, for all or for some: what a restore needs of them, since it makes and changes nothing there. Pure.

By Neutron's own policies, only the owner of a network and administrators choose the addresses and the MAC address of a port on it. A member gets
an address in the subnet that is asked for, and what else the network gives.
"""

from __future__ import annotations

import typing as t

from ..manifest.specs import PortSpec
from .plan import RestorePlan
from .port_plan import PortStep

_ADMIN_CLOUD = "admin_cloud; in roles, dr_restore_admin_cloud or the site's admin_cloud"


def problems_of_others(plan: RestorePlan) -> t.Iterator[str]:
    """Why ports cannot be made on networks of others."""
    yield from _absent(plan)
    if plan.site.may_choose is False:
        for step in _choosing(plan):
            yield _refused(plan.site.name, step)


def doubts_of_others(plan: RestorePlan) -> t.Iterator[str]:
    """What is called like something else, and what only the policies of the site decide, where it is not known what the credentials may do."""
    yield from _namesakes(plan)
    if plan.site.may_choose is None:
        for network, label in sorted({(step.spec.network, step.label) for step in _choosing(plan)}):
            yield (
                f"Network '{network}' at site '{plan.site.name}' belongs to another project. Sites usually let only its owner and administrators choose "
                f"addresses there, as the ports of {label} need; if this site does so, give credentials of an administrator for them ({_ADMIN_CLOUD}), or "
                "have Neutron assign addresses (policy: new in a mapping)."
            )


def _absent(plan: RestorePlan) -> t.Iterator[str]:
    """Networks and subnets that nobody but their owners makes."""
    site, topology = plan.site, plan.manifest.description.topology
    for name in sorted(topology.networks_of_others):
        if site.network(name) is None:
            yield (
                f"Network '{name}' belongs to another project at the source, so no restore makes it, and site '{site.name}' has none of that name that the "
                "project may use. Say in a mapping which network stands for it, have its owner share one of that name with the project, or have the restore "
                "make one of the project's own in its place (make: true)."
            )
    for spec in topology.subnets:
        network = site.network(spec.network) if topology.is_of_others(spec.name) else None
        if network and site.subnet_id(network.id, spec.name) is None:
            there = ", ".join(sorted(f"'{one.name or one.id}' ({one.cidr})" for one in site.subnets if one.network_id == network.id)) or "none that is seen"
            yield (
                f"Network '{spec.network}' at site '{site.name}', which stands for one of another project, has no subnet '{spec.name}', and no restore makes "
                f"one there. Say in a mapping which of its subnets stands for it: {there}."
            )


def _namesakes(plan: RestorePlan) -> t.Iterator[str]:
    """Networks of others that are called like the application's own, and the other way round."""
    site = plan.site
    for spec in plan.manifest.description.topology.networks:
        meant, called = site.network(spec.name), [one for one in site.of_others(site.networks) if one.name == spec.name]
        if spec.name in site.names.own_networks and meant is None and called:
            yield (
                f"Network '{spec.name}' is the project's own at the source, and at site '{site.name}' another project has one of that name: the restore leaves "
                f"that alone and makes one of the project's own. If the other one is meant, write its id in a mapping ({called[0].id})."
            )
        if spec.name in site.names.networks_of_others and meant and site.is_own(meant):
            yield (
                f"Network '{spec.name}' belongs to another project at the source, and what is called so at site '{site.name}' is the project's own "
                f"({meant.id}): that is used in its place. If another one is meant, name that in a mapping."
            )


def _choosing(plan: RestorePlan) -> t.Iterator[PortStep]:
    """Ports to be made on networks of others with addresses of their own."""
    for step in plan.all_ports:
        network = plan.site.network(step.spec.network)
        if network and not plan.site.is_own(network) and step.current is None and identity(step.spec):
            yield step


def identity(spec: PortSpec) -> list[str]:
    """The addresses that only one port of a network can have."""
    return [one for one in (spec.mac_address.lower(), *(ip.ip_address for ip in spec.fixed_ips)) if one]


def _refused(site: str, step: PortStep) -> str:
    # A port on no server keeps its addresses whatever the mapping says of those of servers.
    is_of_server = step.label.startswith("server")
    other = "have Neutron choose (policy: new in a mapping)" if is_of_server else "remove it at the source, and take another checkpoint"
    return (
        f"{step.title[0].upper()}{step.title[1:]} needs {' and '.join(identity(step.spec))}, but network '{step.spec.network}' at site '{site}' belongs to "
        f"another project: only its owner and administrators may choose addresses there. Give credentials of an administrator, with which such ports are "
        f"made for the project ({_ADMIN_CLOUD}), or {other}."
    )
