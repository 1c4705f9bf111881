# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the applications and projects of the primary site use."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..cloud.session import Cloud
from ..core.errors import NoAnswer
from ..core.records import Server, Volume
from ..site.membership import ProjectServers, membership
from ..site.plan import SitePlan
from ..work.pool import attempt_each
from .captured import IN_USE, InUse, Unseen
from .look import InfrastructureAccess


@dataclasses.dataclass(frozen=True)
class _Project:
    """What a project has that stands on something."""

    servers: tuple[Server, ...]
    volumes: tuple[Volume, ...]
    external_networks: frozenset[str]


def in_use(plan: SitePlan, access: InfrastructureAccess) -> tuple[tuple[InUse, ...], tuple[Unseen, ...]]:
    """What is used at the primary site, by application and project, and what nobody can tell about it.

    :raises NoAnswer: when a project may answer later.
    """
    names = list(plan.projects)
    outcomes = attempt_each(names, lambda name: _look(access.connect(plan.projects[name].primary.cloud)), access.concurrency)
    found: dict[str, _Project] = {}
    unseen = []
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome.error, NoAnswer):
            raise outcome.error
        if outcome.error:
            unseen.append(Unseen(IN_USE, str(outcome.error), name))
        elif outcome.value:
            found[name] = outcome.value
    return tuple(_uses(plan, found)), tuple(unseen)


def _look(cloud: Cloud) -> _Project:
    network = Networking(cloud)
    external = {one.id: one.name for one in network.networks() if one.is_external}
    ids = {one.external_network_id for one in network.routers()} | {one.network_id for one in network.floating_ips()}
    names = frozenset(external[one] for one in ids if one in external)
    return _Project(tuple(Compute(cloud).servers()), tuple(BlockStorage(cloud).volumes()), names)


def _uses(plan: SitePlan, found: t.Mapping[str, _Project]) -> t.Iterator[InUse]:
    """One for each application in each of its projects, and one for what is left of each project."""
    owners = _owners(plan, found)
    for name, project in found.items():
        servers, volumes = collections.defaultdict(list), collections.defaultdict(list)
        owners_of_volume = collections.defaultdict(set)
        for server in project.servers:
            for owner in owners.get(server.id) or (None,):
                servers[owner].append(server)
                for volume_id, _goes_with_it in server.volumes:
                    owners_of_volume[volume_id].add(owner)
        for volume in project.volumes:
            for owner in owners_of_volume.get(volume.id) or (None,):
                volumes[owner].append(volume)
        for owner in sorted({*servers, *volumes, None}, key=lambda one: one or ""):
            outside = tuple(sorted(project.external_networks)) if owner is None else ()
            yield dataclasses.replace(_use(name, owner, servers[owner], volumes[owner]), external_networks=outside)


def _owners(plan: SitePlan, found: t.Mapping[str, _Project]) -> dict[str, list[str]]:
    """Applications per id of a server."""
    seen = {name: ProjectServers(name, found[name].servers) if name in found else ProjectServers(name, problem="unknown") for name in plan.projects}
    owners = collections.defaultdict(list)
    for application in membership(plan, seen).applications:
        for server in application.members:
            owners[server].append(application.host)
    return dict(owners)


def _use(project: str, application: str | None, servers: t.Iterable[Server], volumes: t.Iterable[Volume]) -> InUse:
    servers, volumes = list(servers), list(volumes)
    return InUse(
        project,
        application,
        flavors=_names(one.flavor.name for one in servers),
        volume_types=_names(one.volume_type for one in volumes),
        compute_zones=_names(one.pinned_zone for one in servers),
        volume_zones=_names(one.availability_zone for one in volumes),
    )


def _names(found: t.Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({one for one in found if one}))
