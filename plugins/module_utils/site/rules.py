# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be true of a site plan beyond its schema. Pure.

All of it works on the document in its long form, which has the right shape by then.
"""

from __future__ import annotations

import collections
import typing as t

from ..application.checks import Check
from . import names
from .order import cycle_among
from .query import query_problem
from .schema import PRIMARY, REMOTE, SIDES

_Data = t.Mapping[str, t.Any]


def problems(plan: _Data) -> t.Iterator[str]:
    """Everything that is wrong with a plan."""
    applications = plan.get("applications", ())
    yield from _site_problems(plan)
    yield from _policy_problems(plan)
    listed = {"wave": plan.get("waves", ()), "application": [one["name"] for one in applications]}
    yield from (f"{what} '{name}' is listed {count} times" for what, found in listed.items() for name, count in _repeated(found))
    for one in applications:
        yield from (f"application '{one['name']}' {problem}" for problem in _application_problems(one, plan))
        yield from filter(None, [names.host_problem(one["name"])])
    yield from _dependency_problems(applications, plan.get("waves", ()))


def _repeated(found: t.Iterable[str]) -> t.Iterator[tuple[str, int]]:
    return ((name, count) for name, count in collections.Counter(found).items() if count > 1)


def _site_problems(plan: _Data) -> t.Iterator[str]:
    sites, projects = plan["sites"], plan["projects"]
    if sites[PRIMARY]["name"] == sites[REMOTE]["name"]:
        yield f"both sites are called '{sites[PRIMARY]['name']}'; a checkpoint must tell where it was taken"
    for kind, found in ((names.WAVE, plan.get("waves", ())), (names.PROJECT, projects), (names.POLICY, plan.get("policies", ()))):
        yield from names.group_problems(kind, dict.fromkeys(found))
    for side in SIDES:
        shared = collections.defaultdict(list)
        for name, project in projects.items():
            shared[project[side]["cloud"]].append(name)
        for cloud, alike in shared.items():
            if len(alike) > 1:
                yield f"projects {' and '.join(repr(one) for one in alike)} have the same {side} cloud '{cloud}'; each needs one of its own"


def _policy_problems(plan: _Data) -> t.Iterator[str]:
    policies = plan.get("policies", {})
    yield from _unknown("default_policy is", plan.get("default_policy"), policies)
    for name, policy in policies.items():
        if "keep" in policy and not any(policy["keep"].values()):
            yield f"policy '{name}' keeps no checkpoint; give one of its rules a number above 0"


def _unknown(what: str, name: str | None, known: t.Collection[str]) -> t.Iterator[str]:
    if name is not None and name not in known:
        yield f"{what} '{name}', which the plan does not have; it has {', '.join(known) or 'none'}"


def _application_problems(one: _Data, plan: _Data) -> t.Iterator[str]:
    projects = [one["project"], *one.get("other_projects", ())]
    for project in projects:
        yield from _unknown("is in project", project, plan["projects"])
    yield from _unknown("is in wave", one.get("wave"), plan.get("waves", ()))
    yield from _unknown("has policy", one.get("policy"), plan.get("policies", ()))
    tiers = one.get("tiers", ())
    servers = [server for tier in tiers for server in tier.get("servers", ())]
    listed = {"project": projects, "tier": [tier["name"] for tier in tiers], "server": servers}
    yield from (f"lists {what} '{name}' {count} times" for what, found in listed.items() for name, count in _repeated(found))
    for tier in tiers:
        yield from (f"has a problem with tier '{tier['name']}': {problem}" for problem in _tier_problems(tier))


def _tier_problems(tier: _Data) -> t.Iterator[str]:
    if "servers" in tier and "query" in tier:
        yield "it has both servers and a query; give one of them"
    if "query" in tier:
        yield from filter(None, [query_problem(tier["query"])])
    for number, check in enumerate(tier.get("checks", ()), 1):
        yield from (f"check {number}: {problem}" for problem in Check.parse(check).problems)


def _dependency_problems(applications: t.Sequence[_Data], waves: t.Sequence[str]) -> t.Iterator[str]:
    known = {one["name"]: one for one in applications}
    for name, one in known.items():
        for other in one.get("depends_on", ()):
            yield from _unknown(f"application '{name}' depends on", other, known)
            if other in known and _number(known[other], waves) > _number(one, waves):
                yield f"application '{name}' depends on '{other}', which is of a later wave"
    circle = cycle_among({name: [other for other in one.get("depends_on", ()) if other in known] for name, one in known.items()})
    if circle:
        yield f"applications depend on each other in a circle: {' on '.join(repr(one) for one in circle)}"


def _number(application: _Data, waves: t.Sequence[str]) -> int:
    wave = application.get("wave")
    return waves.index(wave) if wave in waves else len(waves) - 1
