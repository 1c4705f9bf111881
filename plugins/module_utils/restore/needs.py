# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore needs of a site's quotas. Pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..core.records import Quota
from ..manifest.rules import rule_spec
from ..manifest.specs import SecurityGroupRuleSpec, SecurityGroupSpec
from .plan import RestorePlan
from .server_plan import ServerStep
from .site import RestoreSite
from .volume_plan import Action, VolumeStep

#: Neutron gives them to every new group.
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
    servers = [step for step in plan.servers if step.action is Action.CREATE]
    wanted = {
        "volume": _volume_needs(step for step in plan.volumes if step.action is Action.CREATE),
        "compute": _compute_needs(servers, len(plan.lacking["server_groups"])),
        "network": _network_needs(plan, servers),
    }
    return [
        _need(quotas[service][name], amount)
        for service, amounts in wanted.items()
        for name, amount in amounts.items()
        if amount and name in quotas[service]
    ]


def _need(quota: Quota, amount: int) -> Need:
    return Need(quota.name, amount, None if quota.limit < 0 else max(0, quota.limit - quota.in_use))


def _volume_needs(steps: t.Iterable[VolumeStep]) -> dict[str, int]:
    amounts: collections.Counter[str] = collections.Counter()
    for step in steps:
        kinds = ("", f"_{step.spec.volume_type}") if step.spec.volume_type else ("",)
        for kind in kinds:
            amounts[f"volumes{kind}"] += 1
            amounts[f"gigabytes{kind}"] += step.spec.size
        amounts["per_volume_gigabytes"] = max(amounts["per_volume_gigabytes"], step.spec.size)
    return amounts


def _compute_needs(steps: t.Sequence[ServerStep], new_groups: int) -> dict[str, int]:
    members = collections.Counter(step.spec.server_group for step in steps if step.spec.server_group)
    amounts = collections.Counter(server_groups=new_groups, server_group_members=max(members.values(), default=0))
    for step in steps:
        flavor = step.flavor or step.spec.flavor
        amounts.update(instances=1, cores=flavor.vcpus, ram=flavor.ram)
    return amounts


def _new_rules(site: RestoreSite, spec: SecurityGroupSpec, names: t.Mapping[str, str]) -> int:
    """Rules that a group gets before it loses others; a new one has some from the start."""
    group = site.own_security_group(spec.name)
    there = {rule_spec(rule, names) for rule in group.rules} if group else _OF_NEW_GROUPS
    return len({*spec.rules} - there) + (0 if group else len(_OF_NEW_GROUPS))


def _network_needs(plan: RestorePlan, steps: t.Iterable[ServerStep]) -> dict[str, int]:
    """A new network has one more port, for DHCP or metadata, and a router one on each subnet."""
    lacking, site = plan.lacking, plan.site
    new_groups = [spec for spec in lacking["security_groups"] if site.own_security_group(spec.name) is None]
    names = site.security_group_names([spec.name for spec in plan.manifest.description.topology.security_groups])
    new_routers = [spec for spec in lacking["routers"] if site.router(spec.name) is None]
    new_networks = [spec for spec in lacking["networks"] if site.network(spec.name) is None]
    new_subnets = [spec for spec in lacking["subnets"] if not site.subnets_called(spec.name, site.network(spec.network))]
    ports = [*(port for step in steps for port in step.ports), *plan.ports]
    made = sum(port.current is None for port in ports) + sum(len(spec.subnets) for spec in new_routers)
    return {
        "network": len(new_networks),
        "subnet": len(new_subnets),
        "router": len(new_routers),
        "security_group": len(new_groups),
        "security_group_rule": sum(_new_rules(site, spec, names) for spec in lacking["security_groups"]),
        "port": made + len(new_networks),
        "floatingip": sum(step.current is None for port in ports for step in port.floating) + sum(one.current is None for one in plan.forwarders),
        "trunk": sum(port.trunk is not None and port.trunk.current is None for port in ports),
    }
