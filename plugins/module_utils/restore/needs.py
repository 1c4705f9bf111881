# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore needs of a site's quotas. Pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..core.marking import Mark
from ..core.records import Quota, SecurityGroupRule
from ..manifest.rules import rule_spec
from ..manifest.specs import SecurityGroupRuleSpec
from .marks import owner_of
from .plan import RestorePlan
from .removal import NETWORKS_OWN
from .server_plan import ServerStep
from .topology import joined_subnets
from .volume_plan import Action, VolumeStep

_KEY_PAIRS = "key_pairs"
#: The rules that Neutron gives a new group; those that it is not to have go once it has its own.
_OF_NEW_GROUPS = frozenset(SecurityGroupRuleSpec("egress", version, None, None, None, None, None) for version in ("IPv4", "IPv6"))


@dataclasses.dataclass(frozen=True)
class Need:
    """How much more of a limited resource the restore takes, and what is left of it; None for no limit."""

    resource: str
    needed: int
    left: int | None

    @property
    def fits(self) -> bool:
        return self.left is None or self.needed <= self.left


def needs(plan: RestorePlan, quotas: t.Mapping[str, t.Mapping[str, Quota]]) -> list[Need]:
    """What the restore needs of every quota that the site reports.

    :param quotas: per service and name.
    """
    return [
        _need(quotas[service][name], amount, _uncounted(plan, name))
        for service, amounts in amounts_of(plan).items()
        for name, amount in amounts.items()
        if amount and name in quotas[service]
    ]


def amounts_of(plan: RestorePlan) -> dict[str, dict[str, int]]:
    """How much the restore takes, per service and name of the quota."""
    servers = [step for step in plan.servers if step.action is Action.CREATE]
    return {
        "volume": _volume_needs(step for step in plan.volumes if step.action is Action.CREATE),
        "compute": _compute_needs(plan, servers),
        "network": _network_needs(plan, servers),
    }


def _need(quota: Quota, amount: int, uncounted: int) -> Need:
    in_use = quota.in_use or uncounted
    return Need(quota.name, amount, None if quota.limit < 0 else max(0, quota.limit - in_use))


def _uncounted(plan: RestorePlan, name: str) -> int:
    """What is in use of a quota for which Nova always reports 0: key pairs are counted per user."""
    return len(plan.site.key_pairs) if name == _KEY_PAIRS else 0


def _volume_needs(steps: t.Iterable[VolumeStep]) -> dict[str, int]:
    amounts: collections.Counter[str] = collections.Counter()
    for step in steps:
        kinds = ("", f"_{step.spec.volume_type}") if step.spec.volume_type else ("",)
        for kind in kinds:
            amounts[f"volumes{kind}"] += 1
            amounts[f"gigabytes{kind}"] += step.spec.size
        amounts["per_volume_gigabytes"] = max(amounts["per_volume_gigabytes"], step.spec.size)
    return amounts


def _compute_needs(plan: RestorePlan, steps: t.Sequence[ServerStep]) -> dict[str, int]:
    lacking = plan.lacking
    amounts = collections.Counter({"server_groups": len(lacking["server_groups"]), _KEY_PAIRS: len(lacking["key_pairs"])})
    amounts["server_group_members"] = max(_members(steps).values(), default=0)
    for step in steps:
        flavor = step.flavor or step.spec.flavor
        amounts.update(instances=1, cores=flavor.vcpus, ram=flavor.ram)
    return amounts


def _members(steps: t.Iterable[ServerStep]) -> dict[str, int]:
    """How many members the server groups will have, with those that are there: Nova limits what a group has."""
    members: collections.Counter[str] = collections.Counter()
    there: dict[str, int] = {}
    for step in steps:
        if step.spec.server_group:
            members[step.spec.server_group] += 1
            there[step.spec.server_group] = len(step.group.member_ids) if step.group else 0
    return {name: count + there[name] for name, count in members.items()}


def _network_needs(plan: RestorePlan, steps: t.Iterable[ServerStep]) -> dict[str, int]:
    """A network has one more port from its first subnet on, for DHCP or metadata, and a router one on each subnet."""
    lacking, site = plan.lacking, plan.site
    rules_there = {spec.name: group.rules for spec in lacking["security_groups"] if (group := site.own_security_group(spec.name))}
    new_groups = [spec for spec in lacking["security_groups"] if spec.name not in rules_there]
    new_routers = [spec for spec in lacking["routers"] if site.router(spec.name) is None]
    new_networks = [spec for spec in lacking["networks"] if site.network(spec.name) is None]
    new_subnets = [spec for spec in lacking["subnets"] if not site.subnets_called(spec.name, site.network(spec.network))]
    served = {port.network_id for port in site.ports if port.device_owner in NETWORKS_OWN}
    first_ones = {network.id for spec in new_subnets if (network := site.network(spec.network)) and network.id not in served}
    ports = [*(port for step in steps for port in step.ports), *plan.ports]
    made = sum(port.current is None for port in ports) + _new_interfaces(plan)
    return {
        "network": len(new_networks),
        "subnet": len(new_subnets),
        "router": len(new_routers),
        "security_group": len(new_groups),
        # New rules come before old ones go.
        "security_group_rule": sum(len({*spec.rules} | _OF_NEW_GROUPS) for spec in new_groups) + _new_rules(plan, rules_there),
        "port": made + len(new_networks) + len(first_ones),
        "floatingip": sum(step.current is None for port in ports for step in port.floating) + sum(one.current is None for one in plan.forwarders),
        "trunk": sum(port.trunk is not None and port.trunk.current is None for port in ports),
    }


def _new_interfaces(plan: RestorePlan) -> int:
    """How many ports routers get, those that are there among them, but for what a killed run has left to join a subnet with."""
    site, owner, count = plan.site, owner_of(plan.manifest), 0
    for spec in plan.lacking["routers"]:
        router = site.router(spec.name)
        count += len({*spec.subnets} - (joined_subnets(site, router).keys() if router else set()))
    left = [port for port in site.ports if not port.device_id and Mark.of_text(port.description) == owner]
    return max(0, count - len(left))


def _new_rules(plan: RestorePlan, there: t.Mapping[str, t.Iterable[SecurityGroupRule]]) -> int:
    """How many rules existing groups get.

    :param there: rules per name of group.
    """
    names = plan.site.group_names(plan.manifest.description.topology)
    present = {name: {rule_spec(rule, names) for rule in rules} for name, rules in there.items()}
    return sum(len({*spec.rules} - present[spec.name]) for spec in plan.lacking["security_groups"] if spec.name in present)
