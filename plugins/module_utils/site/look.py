# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan's projects have at a site, asked for in parallel, each with credentials of its own.

A project that cannot be asked hides no other: why is told of its applications. When none can be asked, that is one error.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..catalogue.catalogue import Catalogue
from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.identity import Identity
from ..cloud.session import Cloud
from ..core.errors import DrError
from ..core.records import Server
from ..stores.configured import configured_store
from ..work.pool import attempt_each, each
from .membership import ProjectServers
from .plan import PlannedProject, SitePlan
from .recoverable import ProjectCheckpoints

Answer = t.TypeVar("Answer")


@dataclasses.dataclass(frozen=True)
class SiteAccess:
    """How the projects are asked.

    :param connect: to the cloud of a name.
    :param concurrency: how many at once.
    """

    connect: t.Callable[[str], Cloud]
    concurrency: int


def servers_of(plan: SitePlan, access: SiteAccess) -> dict[str, ProjectServers]:
    """The servers of all projects at the primary site.

    :raises DrError: when no project can be asked.
    """

    def ask(project: PlannedProject) -> ProjectServers:
        return ProjectServers(project.name, tuple(Compute(access.connect(project.primary.cloud)).servers()))

    return _asked(plan, ask, lambda name, problem: ProjectServers(name, problem=problem), access.concurrency)


def checkpoints_of(plan: SitePlan, access: SiteAccess, container: str) -> dict[str, ProjectCheckpoints]:
    """The applications that have checkpoints in the catalogues of all projects at the remote site.

    :raises DrError: when no project can be asked.
    """

    def ask(project: PlannedProject) -> ProjectCheckpoints:
        catalogue = Catalogue(configured_store(access.connect(project.remote.cloud), container))
        return ProjectCheckpoints(project.name, frozenset(catalogue.applications()))

    return _asked(plan, ask, lambda name, problem: ProjectCheckpoints(name, problem=problem), access.concurrency)


@dataclasses.dataclass(frozen=True)
class VolumeSizes:
    """GiB of each volume of a project.

    :param problem: why they are unknown; None when they are known.
    """

    by_id: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    problem: str | None = None


def volume_sizes(plan: SitePlan, projects: t.Sequence[str], access: SiteAccess) -> dict[str, VolumeSizes]:
    """The sizes of all volumes at the primary site, per project. They are no more than told, so nothing ends because they are unknown."""

    def ask(project: str) -> VolumeSizes:
        storage = BlockStorage(access.connect(plan.projects[project].primary.cloud))
        return VolumeSizes({volume.id: volume.size for volume in storage.volumes()})

    def unknown(project: str, error: DrError) -> VolumeSizes:
        return VolumeSizes(problem=f"The volumes of project '{project}' cannot be listed, so the gigabytes of its unprotected servers lack them. {error}")

    outcomes = zip(projects, attempt_each(projects, ask, access.concurrency), strict=True)
    return {project: unknown(project, one.error) if one.error else t.cast(VolumeSizes, one.value) for project, one in outcomes}


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """The servers of a project that the plan does not name.

    :param sizes: GiB of each of its volumes.
    """

    project: str
    servers: tuple[Server, ...]
    sizes: t.Mapping[str, int]


def servers_elsewhere(admin_cloud: str, known: t.Collection[str], access: SiteAccess) -> list[Elsewhere]:
    """Servers of all other projects of a site, as its administrator sees them.

    :param known: ids of the servers of the plan's projects.
    """
    cloud = access.connect(admin_cloud)
    names, storage = Identity(cloud).project_names(), BlockStorage(cloud)
    found = collections.defaultdict(list)
    for server in Compute(cloud).servers(everywhere=True):
        if server.id not in known:
            found[server.project_id].append(server)

    def ask(project_id: str) -> Elsewhere:
        sizes = {volume.id: volume.size for volume in storage.volumes_of_project(project_id)}
        return Elsewhere(names.get(project_id, project_id), tuple(found[project_id]), sizes)

    return each(sorted(found), ask, access.concurrency)


def _asked(plan: SitePlan, ask: t.Callable[[PlannedProject], Answer], unknown: t.Callable[[str, str], Answer], concurrency: int) -> dict[str, Answer]:
    projects = list(plan.projects.values())
    outcomes = attempt_each(projects, ask, concurrency)
    errors = [one.error for one in outcomes if one.error]
    if len(errors) == len(projects):
        raise DrError(f"None of the {len(projects)} projects of the site plan can be asked. The first one: {errors[0]}")
    return {
        project.name: unknown(project.name, f"Project '{project.name}' cannot be asked. {one.error}") if one.error else t.cast(Answer, one.value)
        for project, one in zip(projects, outcomes, strict=True)
    }
