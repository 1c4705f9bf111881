# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of an application's topology a site lacks: pure.

What is there under the same name is used as it is, with two exceptions. A router that lacks one of the
application's subnets gets it. A security group gets the rules that it had at the source, because what the
application exposes must not depend on chance; the project's group ``default`` only gets more rules, because it
serves others too.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..manifest.manifest import RouterSpec, SecurityGroupSpec, Topology
from ..manifest.rules import rule_spec
from .server_plan import Resource, Site

#: Every project has it.
_DEFAULT_GROUP = "default"


def missing(topology: Topology, site: Site, routers: t.Iterable[Resource]) -> dict[str, list[dict[str, t.Any]]]:
    """What :func:`lacking` finds, as dictionaries."""
    return {kind: [dataclasses.asdict(spec) for spec in specs] for kind, specs in lacking(topology, site, routers).items()}


def lacking(topology: Topology, site: Site, routers: t.Iterable[Resource]) -> dict[str, list[t.Any]]:
    """What is to be made or completed, per kind: the specs of the manifest.

    :param routers: those of the project.
    :returns: ``networks``, ``subnets``, ``routers``, ``security_groups``, ``key_pairs``, ``server_groups``.
    """
    return {
        "networks": _by_name(topology.networks, site.networks),
        "subnets": _by_name(topology.subnets, site.subnets),
        "routers": _routers(topology, site, routers),
        "security_groups": _security_groups(topology, site),
        "key_pairs": [spec for spec in topology.key_pairs if spec.name not in site.key_pairs],
        "server_groups": [spec for spec in topology.server_groups if site.server_group(spec.name) is None],
    }


def _by_name(specs: t.Iterable[t.Any], there: t.Iterable[Resource]) -> list[t.Any]:
    names = {one["name"] for one in there}
    return [spec for spec in specs if spec.name not in names]


def _routers(topology: Topology, site: Site, routers: t.Iterable[Resource]) -> list[RouterSpec]:
    """Missing routers, and incomplete ones with the ids of the subnets that they have and must keep."""
    by_name = {router["name"]: router for router in routers}
    found = []
    for spec in topology.routers:
        router = by_name.get(spec.name)
        if router is None:
            found.append(spec)
            continue
        joined = joined_subnets(site, router)
        lacking = tuple(name for name in spec.subnets if name not in joined.values())
        if lacking:
            found.append(dataclasses.replace(spec, subnets=(*joined, *lacking)))
    return found


def joined_subnets(site: Site, router: Resource) -> dict[str, str]:
    """Name per id of the subnets that a router has an interface in."""
    gateway = (router["external_gateway_info"] or {}).get("network_id")
    names = {subnet["id"]: subnet["name"] for subnet in site.subnets}
    ports = [port for port in site.ports if port.device_id == router["id"] and port.network_id != gateway]
    return {ip.subnet_id: names.get(ip.subnet_id, "") for port in ports for ip in port.fixed_ips}


def _security_groups(topology: Topology, site: Site) -> list[SecurityGroupSpec]:
    names = {group["id"]: group["name"] for group in site.security_groups}
    rules = {
        group["name"]: {rule_spec(rule, names) for rule in group["security_group_rules"]}
        for group in site.security_groups
    }
    found = []
    for spec in topology.security_groups:
        there, wanted = rules.get(spec.name), set(spec.rules)
        if spec.name == _DEFAULT_GROUP and there:
            wanted |= there
        if there != wanted:
            found.append(dataclasses.replace(spec, rules=tuple(sorted(wanted, key=repr))))
    return found
