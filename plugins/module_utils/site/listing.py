# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All applications of a site as one list, from what its projects show or from what the catalogues have."""

from __future__ import annotations

import dataclasses
import typing as t

from .look import SiteAccess, checkpoints_of, servers_elsewhere, servers_of, volume_sizes
from .marks import is_copy
from .membership import SiteApplication, membership
from .names import APPLICATIONS, IN_DOUBT, POLICY, PROJECT, SITE, WAVE, group_of
from .plan import SitePlan
from .recoverable import recoverable
from .unprotected import Unprotected, unprotected


@dataclasses.dataclass(frozen=True)
class Listed:
    """What a site has.

    :param site: the name of the one that was looked at.
    :param applications: in the order of their recovery.
    :param unprotected: one for each project of the plan with servers of no application.
    :param known: ids of all servers of the plan's projects.
    :param silent: why projects could not be asked, per project.
    """

    site: str
    applications: tuple[SiteApplication, ...]
    unprotected: tuple[Unprotected, ...] = ()
    warnings: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    silent: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def groups_of(self, application: SiteApplication) -> list[str]:
        """The groups of an application's host."""
        named = [(SITE, self.site), (WAVE, application.wave), (POLICY, application.policy and application.policy.name)]
        named += [(PROJECT, project) for project in application.projects]
        doubt = [IN_DOUBT] if application.problems else []
        return [APPLICATIONS, *doubt, *(group_of(kind, name) for kind, name in named if name)]

    @property
    def doubts(self) -> list[str]:
        """Everything that is wrong, in words."""
        of_applications = [f"Application '{one.host}': {problem}" for one in self.applications for problem in one.problems]
        return [*self.warnings, *of_applications]


def protected_at(plan: SitePlan, access: SiteAccess) -> Listed:
    """What runs at the primary site, by the plan and the marks on servers.

    :raises DrError: when no project can be asked.
    """
    seen = servers_of(plan, access)
    found = membership(plan, seen)
    sizes = volume_sizes(plan, list(found.strays), access)
    strays = tuple(unprotected(project, servers, sizes[project].by_id) for project, servers in found.strays.items())
    warnings = (*found.warnings, *(one.problem for one in sizes.values() if one.problem))
    known = frozenset(server.id for project in seen.values() for server in project.servers)
    silent = {name: project.problem for name, project in seen.items() if project.problem}
    return Listed(plan.primary.name, found.applications, strays, warnings, known, silent)


def unprotected_elsewhere(plan: SitePlan, listed: Listed, access: SiteAccess) -> list[Unprotected]:
    """Servers of projects that the plan does not name; none where it names no administrator of the primary site, who alone sees them."""
    if plan.primary.admin_cloud is None:
        return []
    others = servers_elsewhere(plan.primary.admin_cloud, listed.known, access)
    own = [(one, [server for server in one.servers if not is_copy(server)]) for one in others]
    return [unprotected(one.project, servers, one.sizes, is_planned=False) for one, servers in own if servers]


def recoverable_at(plan: SitePlan, access: SiteAccess, container: str) -> Listed:
    """What can be restored at the remote site, by the plan and the catalogues; the primary site is not asked.

    :raises DrError: when no project can be asked.
    """
    return Listed(plan.remote.name, recoverable(plan, checkpoints_of(plan, access, container)))
