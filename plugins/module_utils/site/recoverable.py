# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which applications there are by what the catalogues at the remote site have, when the primary site is gone. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .membership import CATALOGUE, PLAN, SiteApplication, sorted_hosts, unheard, unplanned
from .names import host_of
from .plan import PlannedApplication, SitePlan


@dataclasses.dataclass(frozen=True)
class ProjectCheckpoints:
    """Names of the applications with checkpoints in a project's catalogue.

    :param problem: why they are unknown; None when they are known.
    """

    project: str
    applications: frozenset[str] = frozenset()
    problem: str | None = None


def recoverable(plan: SitePlan, seen: t.Mapping[str, ProjectCheckpoints]) -> tuple[SiteApplication, ...]:
    """All applications of the plan, and those that it does not name, in the order of their recovery.

    :param seen: per project of the plan.
    """
    claimed = {(project, one.name) for one in plan.applications for project in one.projects}
    left = sorted((project, name) for project, found in seen.items() for name in found.applications if (project, name) not in claimed)
    others = [SiteApplication(host_of(name, project), unplanned(plan, name, project), CATALOGUE, plan.policy(None)) for project, name in left]
    return sorted_hosts(plan, [_of_plan(plan, one, seen) for one in plan.applications], [*others, *unheard(plan, seen.values(), CATALOGUE)])


def _of_plan(plan: SitePlan, planned: PlannedApplication, seen: t.Mapping[str, ProjectCheckpoints]) -> SiteApplication:
    problems = []
    for project in planned.projects:
        there = seen[project]
        if there.problem:
            problems.append(there.problem)
        elif planned.name not in there.applications:
            problems.append(f"The catalogue of project '{project}' at site '{plan.remote.name}' has no checkpoint of application '{planned.name}'.")
    return SiteApplication(planned.name, planned, PLAN, plan.policy(planned.policy), problems=tuple(problems))
