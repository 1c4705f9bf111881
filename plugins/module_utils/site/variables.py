# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of roles for one application, as the plan and the site have them. Pure.

What the plan does not say is not set, so that variables of groups and the defaults of roles count.
"""

from __future__ import annotations

import typing as t

from .membership import SiteApplication
from .plan import PlannedProject, SiteClouds, SitePlan

Variables = dict[str, t.Any]


def variables_of(application: SiteApplication, plan: SitePlan) -> Variables:
    """All variables of an application's host."""
    projects = [plan.projects[name] for name in application.projects]
    definition = application.definition and application.definition.as_dict()
    return {
        **_of_site(application),
        **_of_checkpoints(application, plan, projects),
        **_of_restores(application, plan, projects),
        **({"dr_checkpoint_application": definition} if definition else {}),
        # Both move or exchange what is in one project.
        **({**_of_failovers(plan, projects[0], definition), **_of_roll_backs(plan, projects[0], definition)} if definition and len(projects) == 1 else {}),
    }


def _of_site(application: SiteApplication) -> Variables:
    policy = application.policy
    return {
        "dr_site_origin": application.origin,
        "dr_site_projects": list(application.projects),
        "dr_site_wave": application.wave,
        "dr_site_priority": application.priority,
        "dr_site_depends_on": list(application.depends_on),
        "dr_site_approvers": {what: list(who) for what, who in application.planned.approvers.items()},
        "dr_site_policy": policy and policy.name,
        "dr_site_interval": policy and policy.interval,
        "dr_site_drill_interval": policy and policy.drill_interval,
        "dr_site_problems": list(application.problems),
    }


def _of_checkpoints(application: SiteApplication, plan: SitePlan, projects: t.Sequence[PlannedProject]) -> Variables:
    here, *others = [_given(**_clouds(one.primary, plan.primary.admin_cloud), **_clouds(one.remote, plan.remote.admin_cloud, "remote_")) for one in projects]
    policy = application.policy
    kept = {"consistency": policy.consistency, "keep": dict(policy.keep) if policy.keep else None} if policy else {}
    return _prefixed("dr_checkpoint_", **_given(**here, site=plan.primary.name, projects=others or None, **kept))


def _of_restores(application: SiteApplication, plan: SitePlan, projects: t.Sequence[PlannedProject]) -> Variables:
    here, *others = [_given(**_clouds(one.remote, plan.remote.admin_cloud)) for one in projects]
    return _prefixed("dr_restore_", **_given(**here, application=application.name, site=plan.remote.name, projects=others or None))


def _of_failovers(plan: SitePlan, project: PlannedProject, definition: Variables) -> Variables:
    sites = ((project.primary, plan.primary), (project.remote, plan.remote))
    primary, remote = (_given(**_clouds(clouds, site.admin_cloud), site=site.name) for clouds, site in sites)
    return _prefixed("dr_failover_", application=definition, primary=primary, remote=remote)


def _of_roll_backs(plan: SitePlan, project: PlannedProject, definition: Variables) -> Variables:
    here = _given(**_clouds(project.primary, plan.primary.admin_cloud), site=plan.primary.name, catalogue_cloud=project.remote.cloud)
    return _prefixed("dr_roll_back_", application=definition, **here)


def _clouds(clouds: SiteClouds, admin_cloud: str | None, prefix: str = "") -> dict[str, str | None]:
    """The clouds of a project; the site's administrator where it names none of its own."""
    given = {"cloud": clouds.cloud, "admin_cloud": clouds.admin_cloud or admin_cloud, "store_cloud": clouds.store_cloud}
    return {prefix + name: cloud for name, cloud in given.items()}


def _given(**values: t.Any) -> Variables:
    return {name: value for name, value in values.items() if value is not None}


def _prefixed(prefix: str, **values: t.Any) -> Variables:
    return {prefix + name: value for name, value in values.items()}
