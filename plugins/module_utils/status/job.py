# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at a whole site and judge it."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.placement import Placement
from ..cloud.session import Cloud
from ..core.errors import DrError, InvalidInput
from ..core.records import Flavor
from ..infrastructure.captured import InfrastructureKeeper
from ..infrastructure.expected import SiteNames
from ..infrastructure.job import judge, kept_for
from ..infrastructure.look import InfrastructureAccess
from ..mapping.mapping import SiteMapping
from ..site.listing import Listed, protected_at, recoverable_at, unprotected_elsewhere
from ..site.look import SiteAccess
from ..site.membership import UNKNOWN, SiteApplication, sorted_hosts
from ..site.names import host_of
from ..site.plan import SitePlan
from ..site.recoverable import ProjectCheckpoints, recoverable
from ..site.unprotected import Unprotected
from ..work.pool import attempt_each
from .capacity import SiteCapacity, capacity
from .judged import Judged
from .measured import Drilled, Experience, Measurement
from .protection import Protection, protection
from .remote import Catalogues, RemoteProjects, remote_projects
from .schedule import scheduled
from .site_status import SiteStatus
from .wanting import not_together

#: What a plan calls the limit of restores under way at a site.
_RESTORES = "restores"


@dataclasses.dataclass(frozen=True)
class StatusSources:
    """Where a status comes from.

    :param cloud: with the catalogue that keeps the infrastructure.
    :param names: what things are called at the remote site.
    """

    cloud: Cloud
    catalogues: Catalogues
    names: SiteNames
    access: InfrastructureAccess

    @property
    def site_access(self) -> SiteAccess:
        return SiteAccess(self.access.connect, self.access.concurrency)

    def mapping_of(self, host: str) -> SiteMapping:
        return self.names.of_applications.get(host) or self.names.usual


def status_of(plan: SitePlan, sources: StatusSources) -> SiteStatus:
    """Look at both sites. What cannot be read is told in the status.

    :raises DrError: when nothing at all can be read.
    """
    return _StatusLook(plan, sources).status()


class _StatusLook:
    def __init__(self, plan: SitePlan, sources: StatusSources) -> None:
        self._plan = plan
        self._sources = sources
        self._access = sources.site_access

    def status(self) -> SiteStatus:
        listed, primary_problem = self._listed()
        projects = remote_projects(self._plan, self._access, self._sources.catalogues.name)
        judged = self._judged(_with_silent(self._plan, listed, projects), projects)
        wanted = {one.application.host: one.protection.wanting for one in judged if one.protection and one.protection.wanting}
        elsewhere, unprotected_problem = self._elsewhere(listed) if not primary_problem else ([], "")
        room, capacity_problem = self._capacity([flavor for one in wanted.values() for flavor in one.flavors])
        infrastructure, infrastructure_problem = self._infrastructure()
        seconds = {one.application.host: one.predicted_seconds for one in judged}
        ordered = [dataclasses.replace(one.application.planned, name=one.application.host) for one in judged]
        return SiteStatus(
            plan=self._plan,
            written_at=self._sources.cloud.clock.now(),
            applications=judged,
            prediction=scheduled(ordered, seconds, self._plan.remote.limits.get(_RESTORES)),
            projects=projects,
            primary_problem=primary_problem,
            silent=listed.silent,
            unprotected=(*listed.unprotected, *elsewhere),
            unprotected_problem=unprotected_problem,
            abandoned=_abandoned(listed, projects),
            joint=tuple(not_together(wanted)),
            capacity=room,
            capacity_problem=capacity_problem,
            infrastructure=infrastructure,
            infrastructure_problem=infrastructure_problem,
            warnings=listed.warnings,
        )

    def _listed(self) -> tuple[Listed, str]:
        """All applications, and why the primary site cannot be asked for them; then those that the catalogues have."""
        try:
            return protected_at(self._plan, self._access), ""
        except DrError as error:
            return recoverable_at(self._plan, self._access, self._sources.catalogues.name), str(error)

    def _elsewhere(self, listed: Listed) -> tuple[list[Unprotected], str]:
        try:
            return unprotected_elsewhere(self._plan, listed, self._access), ""
        except DrError as error:
            return [], str(error)

    # Applications

    def _judged(self, applications: t.Sequence[SiteApplication], projects: RemoteProjects) -> tuple[Judged, ...]:
        outcomes = attempt_each(applications, lambda one: self._protection(one, projects), self._access.concurrency)
        read = list(zip(applications, outcomes, strict=True))
        drills = [(one.host, record) for one, outcome in read for record in (outcome.value.drills if outcome.value else ())]
        experience = Experience(Measurement.of(host, record) for host, record in drills)
        return tuple(_judgement(one, outcome.value, outcome.error, experience) for one, outcome in read)

    def _protection(self, application: SiteApplication, projects: RemoteProjects) -> Protection | None:
        """What is kept of an application; None where a project of it cannot be asked, which is told of the project, or it only stands for others."""
        if any(name in projects.problems or application.host == host_of(UNKNOWN, name) for name in application.projects):
            return None
        own = [projects.found[name] for name in application.projects]
        return protection(application, own, self._sources.catalogues, self._sources.mapping_of(application.host))

    # The remote site

    def _capacity(self, flavors: t.Sequence[Flavor]) -> tuple[SiteCapacity | None, str]:
        try:
            placement = Placement(self._remote_administrator())
            if not placement.exists:
                return None, f"Site '{self._plan.remote.name}' has no Placement."
            return capacity(flavors, placement.rooms()), ""
        except DrError as error:
            return None, str(error)

    def _infrastructure(self) -> tuple[dict[str, t.Any] | None, str]:
        sources, catalogues = self._sources, self._sources.catalogues
        try:
            keeper = InfrastructureKeeper.of(sources.cloud, {"container": catalogues.name, "hmac_key": catalogues.key})
            self._remote_administrator()
            return judge(self._plan, kept_for(self._plan, keeper.read()), sources.names, sources.access).report(), ""
        except DrError as error:
            return None, str(error)

    def _remote_administrator(self) -> Cloud:
        remote = self._plan.remote
        if remote.admin_cloud is None:
            raise InvalidInput(f"The site plan names no administrator of site '{remote.name}'.", "Give the site an admin_cloud, an entry of clouds.yaml.")
        return self._access.connect(remote.admin_cloud)


def _judgement(application: SiteApplication, found: Protection | None, error: DrError | None, experience: Experience) -> Judged:
    if found is None:
        return Judged(application, None, str(error) if error else "")
    drilled = Drilled.of(application.host, found.drills[0], experience) if found.drills else None
    prediction = experience.predict(application.host, found.course) if found.course else None
    return Judged(application, found, drilled=drilled, prediction=prediction)


def _with_silent(plan: SitePlan, listed: Listed, projects: RemoteProjects) -> tuple[SiteApplication, ...]:
    """All applications, with those of which there are checkpoints in projects that do not tell what they have."""
    there = {name: ProjectCheckpoints(name, projects.found[name].applications) for name in listed.silent if name in projects.found}
    seen = {name: there.get(name, ProjectCheckpoints(name)) for name in plan.projects}
    known = {one.host for one in listed.applications}
    more = [one for one in recoverable(plan, seen) if one.host not in known]
    return sorted_hosts(plan, listed.applications, more) if more else listed.applications


def _abandoned(listed: Listed, projects: RemoteProjects) -> dict[str, tuple[str, ...]]:
    """Applications with checkpoints that are none of the site any more."""
    known = {(project, one.name) for one in listed.applications for project in one.projects}
    asked = {name: project for name, project in projects.found.items() if name not in listed.silent}
    found = {name: tuple(sorted(one for one in project.applications if (name, one) not in known)) for name, project in asked.items()}
    return {name: gone for name, gone in found.items() if gone}
