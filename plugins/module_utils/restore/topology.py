# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what a site lacks of an application's topology, and what there differs from it. Pure.

What is there under the same name is used as it is, with two exceptions. A router that lacks one of the
application's subnets gets it. A security group gets the rules that it had at the source, because what the
application exposes must not depend on chance; the project's group ``default`` only gets more rules, because it
serves others too. What another project shares is used, and never changed.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.records import Network, Router, Subnet
from ..manifest.rules import rule_spec
from ..manifest.specs import NetworkSpec, RouterSpec, SecurityGroupSpec, SubnetSpec, Topology
from .site import RestoreSite

#: The specs of what is to be made or completed, per kind: ``networks``, ``subnets``, ``routers``, ``security_groups``, ``key_pairs``, ``server_groups``.
Lacking = t.Mapping[str, t.Sequence[t.Any]]

#: Every project has it.
_DEFAULT_GROUP = "default"


def lacking(topology: Topology, site: RestoreSite) -> Lacking:
    """Parts of the topology to make or complete."""
    return {
        "networks": [spec for spec in topology.networks if site.network(spec.name) is None],
        "subnets": [spec for spec in topology.subnets if not site.subnets_called(spec.name, site.network(spec.network))],
        "routers": _routers(topology, site),
        "security_groups": _security_groups(topology, site),
        "key_pairs": [spec for spec in topology.key_pairs if spec.name not in site.key_pairs],
        "server_groups": [spec for spec in topology.server_groups if site.server_group(spec.name) is None],
    }


def as_dicts(found: Lacking) -> dict[str, list[dict[str, t.Any]]]:
    return {kind: [dataclasses.asdict(spec) for spec in specs] for kind, specs in found.items()}


# Routers


def _routers(topology: Topology, site: RestoreSite) -> list[RouterSpec]:
    """Missing routers, and incomplete ones with the ids of the subnets that they have and must keep."""
    found = []
    for spec in topology.routers:
        router, wanted = site.router(spec.name), [name for name in spec.subnets if not is_of_others(topology, site, name)]
        if router is not None:
            joined = joined_subnets(site, router)
            wanted = [name for name in wanted if name not in {joined.get(one.id) for one in _there(topology, site, name)}]
            found += [dataclasses.replace(spec, subnets=(*joined, *wanted))] if wanted else []
        elif wanted or not spec.subnets:
            found.append(dataclasses.replace(spec, subnets=tuple(wanted)))
    return found


def is_of_others(topology: Topology, site: RestoreSite, subnet: str) -> bool:
    """Whether a subnet is, or would be, on a network that another project shares: its owner says who joins it."""
    network = _network_of(topology, site, subnet)
    return network is not None and not site.is_own(network)


def _network_of(topology: Topology, site: RestoreSite, subnet: str) -> Network | None:
    names = (spec.network for spec in topology.subnets if spec.name == subnet)
    return next((network for name in names if (network := site.network(name))), None)


def _there(topology: Topology, site: RestoreSite, subnet: str) -> list[Subnet]:
    return site.subnets_called(subnet, _network_of(topology, site, subnet))


def joined_subnets(site: RestoreSite, router: Router) -> dict[str, str]:
    """Name per id of the subnets that a router has an interface in."""
    names = {subnet.id: subnet.name for subnet in site.subnets}
    ports = [port for port in site.all_ports if port.device_id == router.id and port.network_id != router.external_network_id]
    return {ip.subnet_id: names.get(ip.subnet_id, "") for port in ports for ip in port.fixed_ips}


# Security groups


def _security_groups(topology: Topology, site: RestoreSite) -> list[SecurityGroupSpec]:
    names = site.security_group_names([spec.name for spec in topology.security_groups])
    found = []
    for spec in topology.security_groups:
        group, wanted = site.own_security_group(spec.name), set(spec.rules)
        there = {rule_spec(rule, names) for rule in group.rules} if group else None
        if spec.name == _DEFAULT_GROUP and there:
            wanted |= there
        if there != wanted:
            found.append(dataclasses.replace(spec, rules=tuple(sorted(wanted, key=repr))))
    return found


# What cannot stand for what is described


def same_key(one: str, other: str) -> bool:
    """Whether type and key are the same; comments are ignored."""
    return one.split()[:2] == other.split()[:2]


def subnet_differences(site: RestoreSite, spec: SubnetSpec) -> t.Iterator[str]:
    """Why an existing subnet of this name cannot replace the described one."""
    network = site.network(spec.network)
    way_out = f"rename or remove what is at site '{site.name}', or say in a mapping what to use instead."
    for subnet in site.subnets_called(spec.name, network):
        if subnet.cidr != spec.cidr:
            yield f"Subnet '{spec.name}' exists with {subnet.cidr} instead of {spec.cidr}; {way_out}"
        if network is None or subnet.network_id != network.id:
            yield f"Subnet '{spec.name}' exists on another network than '{spec.network}'; {way_out}"


def sharing_problems(site: RestoreSite, found: Lacking) -> t.Iterator[str]:
    """Subnets that would have to be created on a network of another project."""
    for spec in found["subnets"]:
        network = site.network(spec.network)
        if network is not None and not site.is_own(network):
            yield (
                f"Subnet '{spec.name}' does not exist, and its network '{spec.network}' at site '{site.name}' belongs to another project; have that "
                "project create it, or say in a mapping what to use instead."
            )


def smaller_mtu(spec: NetworkSpec, there: Network, site: str) -> str:
    return (
        f"Network '{spec.name}' has an MTU of {there.mtu} at site '{site}' and {spec.mtu} at the source. Guests that send larger packets lose them: "
        "raise the MTU there, or lower it in the guests."
    )


def mtu_doubts(topology: Topology, site: RestoreSite) -> t.Iterator[str]:
    """Existing networks with a smaller MTU than those of the source."""
    for spec in topology.networks:
        there = site.network(spec.name)
        if there and 0 < there.mtu < spec.mtu:
            yield smaller_mtu(spec, there, site.name)


def sharing_doubts(topology: Topology, site: RestoreSite) -> t.Iterator[str]:
    """Connections of routers that are left out because they would change another project's network."""
    for spec in topology.routers:
        router = site.router(spec.name)
        joined = joined_subnets(site, router) if router else {}
        for name in spec.subnets:
            if is_of_others(topology, site, name) and not any(one.id in joined for one in _there(topology, site, name)):
                yield (
                    f"Router '{spec.name}' is not connected to subnet '{name}' at site '{site.name}', whose network belongs to another project: "
                    "routes out of it, and floating addresses, depend on that project."
                )
