# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each project of the plan has at the remote site, by which its applications are judged. What cannot be read is noted, and hides nothing else."""

from __future__ import annotations

import dataclasses
import typing as t

from ..catalogue.catalogue import Catalogue
from ..catalogue.known import KnownParts
from ..cloud.block_storage import BlockStorage
from ..cloud.session import Cloud
from ..copies import methods
from ..core.errors import DrError
from ..restore import stock as restore_stock
from ..restore.stock import Stock
from ..site.look import SiteAccess
from ..site.plan import PlannedProject, SitePlan
from ..stores.configured import configured_store
from ..work.pool import attempt_each


@dataclasses.dataclass(frozen=True)
class Catalogues:
    """How the catalogues of all projects are read.

    :param name: in Swift, of the container.
    :param key: of their signatures; None for none.
    :param keys: others, per name of an application among all of the site.
    """

    name: str
    key: str | None = None
    keys: t.Mapping[str, str | None] = dataclasses.field(default_factory=dict)

    def of(self, cloud: Cloud, host: str) -> Catalogue:
        # A key that is null was not found; it must not mean that none is wanted.
        key = (self.keys[host] or "") if host in self.keys else self.key
        return Catalogue.of(cloud, {"container": self.name, "hmac_key": key})


@dataclasses.dataclass(frozen=True)
class RemoteProject:
    """A project at the remote site.

    :param parts: of copies.
    :param applications: with checkpoints in its catalogue.
    :param stock: None where the project cannot be looked at as a restore does; ``stock_problem`` says why.
    """

    name: str
    cloud: Cloud
    parts: KnownParts
    applications: frozenset[str]
    stock: Stock | None = None
    stock_problem: str = ""


@dataclasses.dataclass(frozen=True)
class RemoteProjects:
    """All projects of the plan, per name.

    :param problems: why some could not be asked.
    """

    found: t.Mapping[str, RemoteProject]
    problems: t.Mapping[str, str]


def remote_projects(plan: SitePlan, access: SiteAccess, container: str) -> RemoteProjects:
    """Look at all projects, several at once."""
    planned = list(plan.projects.values())
    outcomes = dict(zip(plan.projects, attempt_each(planned, lambda one: _look(plan, one, access, container), access.concurrency), strict=True))
    return RemoteProjects(
        {name: one.value for name, one in outcomes.items() if one.value},
        {name: str(one.error) for name, one in outcomes.items() if one.error},
    )


def _look(plan: SitePlan, project: PlannedProject, access: SiteAccess, container: str) -> RemoteProject:
    cloud = access.connect(project.remote.cloud)
    applications = frozenset(Catalogue(configured_store(cloud, container)).applications())
    found = RemoteProject(project.name, cloud, KnownParts.of(methods.each(BlockStorage(cloud))), applications)
    admin_cloud = project.remote.admin_cloud or plan.remote.admin_cloud
    try:
        # Other projects are looked at meanwhile.
        stock = restore_stock.look(cloud, 1, admin=access.connect(admin_cloud) if admin_cloud else None)
    except DrError as error:
        return dataclasses.replace(found, stock_problem=str(error))
    return dataclasses.replace(found, stock=stock)
