# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The set of snapshots that is wanted: servers, their volumes, and where these are."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ..application.definition import Application
from ..cloud.block_storage import BlockStorage
from ..cloud.site_clock import SiteClock
from ..core.errors import CheckFailed
from ..core.records import GroupSnapshot, ImageSnapshot, RootDisk, Server, Snapshot, Volume, marks
from ..core.states import stands_still
from .evidence import volumes_of_servers
from .root_images import RootImages


@dataclasses.dataclass(frozen=True)
class ServerVolumes:
    """A server of the application and its volumes, its root disk among them where that is none."""

    server: Server
    tier: str
    volumes: tuple[Volume, ...]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The set that is wanted.

    :param name: of the set; in a checkpoint, its id.
    :param least: the least acceptable consistency.
    """

    application: Application
    name: str
    least: str
    members: tuple[ServerVolumes, ...]

    @property
    def volumes(self) -> dict[str, Volume]:
        """Every volume once, also one attached to several servers."""
        return {volume.id: volume for member in self.members for volume in member.volumes}

    def of_project(self, project_id: str) -> Wanted:
        """What a project has of the set."""
        return dataclasses.replace(self, members=tuple(one for one in self.members if one.server.project_id == project_id))

    @property
    def root_disks(self) -> list[RootDisk]:
        """Those that are no volumes."""
        return [volume for volume in self.volumes.values() if isinstance(volume, RootDisk)]

    @property
    def metadata(self) -> dict[str, str]:
        return marks(self.application.name, self.name)

    @property
    def description(self) -> str:
        """Stands in for the metadata that group snapshots do not have."""
        return json.dumps(self.metadata, sort_keys=True)

    @property
    def servers(self) -> dict[str, tuple[Server, tuple[Volume, ...]]]:
        """Servers with their volumes, per server id."""
        return {member.server.id: (member.server, member.volumes) for member in self.members}

    @property
    def written_by(self) -> dict[str, frozenset[str]]:
        """Ids of the volumes that a server can write to, per server id: its own, and those that say that they are attached to it."""
        attached = volumes_of_servers(self.volumes.values())
        return {one.server.id: frozenset(attached.get(one.server.id, set()).union(volume.id for volume in one.volumes)) for one in self.members}

    @property
    def homes(self) -> dict[str, str]:
        """Per server's id the volume whose snapshot carries its evidence: one that no other server has, if possible."""
        homes: dict[str, str] = {}
        for member in sorted(self.members, key=lambda one: len(one.volumes)):
            free = [volume for volume in member.volumes if volume.id not in homes.values()]
            homes[member.server.id] = min(free or member.volumes, key=lambda volume: len(volume.attachments)).id
        return homes

    def snapshot_name(self, volume: Volume) -> str:
        return f"{self.application.name}.{self.name}.{volume.name or volume.id}"[:255]


class Storages:
    """The volumes of an application, over the projects in which its servers are.

    :param images_beside: the images of root disks in the project of a storage.
    """

    def __init__(self, storages: t.Iterable[BlockStorage], images_beside: t.Callable[[BlockStorage], RootImages] = RootImages.beside) -> None:
        self.by_project = {storage.cloud.project_id: storage for storage in storages}
        self._images = {project_id: images_beside(storage) for project_id, storage in self.by_project.items()}

    def of(self, project_id: str) -> BlockStorage:
        return self.by_project[project_id]

    def images_of(self, project_id: str) -> RootImages:
        return self._images[project_id]

    @property
    def site(self) -> str:
        return next(iter(self.by_project.values())).cloud.site

    @property
    def clock(self) -> SiteClock:
        return next(iter(self.by_project.values())).cloud.clock

    def volumes(self) -> list[Volume]:
        return [volume for storage in self.by_project.values() for volume in storage.volumes()]

    def snapshots(self) -> list[Snapshot]:
        return [snapshot for storage in self.by_project.values() for snapshot in storage.snapshots()]

    def images(self) -> list[ImageSnapshot]:
        """The images of root disks."""
        return [image for one in self._images.values() for image in one.snapshots()]

    def group_snapshots(self) -> list[GroupSnapshot]:
        return [snapshot for storage in self.by_project.values() for snapshot in storage.group_snapshots()]


def survey(application: Application, servers: t.Mapping[str, Server], storages: Storages) -> tuple[ServerVolumes, ...]:
    """The application's servers with their volumes, by one list call for each project.

    :param servers: per name in the definition.
    :raises CheckFailed: naming servers without volumes, and volumes that cannot be seen.
    """
    volumes = {volume.id: volume for volume in storages.volumes()}
    problems = [
        f"Server {servers[name].label} has no volumes, so there is nothing to protect. Boot it from a volume."
        for name in application.servers
        if not (servers[name].volumes or servers[name].boots_from_image)
    ]
    problems += [
        f"Volume {volume_id} of server {servers[name].label} is not visible in the project on site '{storages.site}'."
        for name in application.servers
        for volume_id, _deleted in servers[name].volumes
        if volume_id not in volumes
    ]
    if problems:
        raise CheckFailed(f"The volumes of application '{application.name}' cannot be protected", problems)
    return tuple(
        ServerVolumes(servers[name], tier.name, (*_root_disks(servers[name]), *(volumes[v] for v, _deleted in servers[name].volumes)))
        for tier in application.tiers
        for name in tier.servers
    )


def _root_disks(server: Server) -> tuple[RootDisk, ...]:
    return (RootDisk.of(server),) if server.boots_from_image else ()


def warnings(wanted: Wanted) -> list[str]:
    """Warnings for the operator that do not prevent the set."""
    return [
        f"Server {wanted.servers[disk.id][0].label} boots from an image: Nova copies its root disk of {disk.size} GiB while the servers stand still. "
        "budget and guard_timeout must allow for that; booting it from a volume ends it."
        for disk in wanted.root_disks
        # Of one that stands still, the image is made when the others run again.
        if not stands_still(wanted.servers[disk.id][0])
    ]


def snapshots_of(storages: Storages, wanted: Wanted) -> list[Snapshot]:
    """The snapshots marked with a set's application and name, themselves or by their group's snapshot."""
    mine = wanted.metadata.items()
    groups = {one.id for one in group_snapshots_of(storages, wanted)}
    # Where all servers boot from volumes, nothing is asked of Glance.
    images = storages.images() if wanted.root_disks or not wanted.members else []
    return [s for s in (*storages.snapshots(), *images) if mine <= s.metadata.items() or s.group_snapshot_id in groups]


def group_snapshots_of(storages: Storages, wanted: Wanted) -> list[GroupSnapshot]:
    return [one for one in storages.group_snapshots() if one.description == wanted.description]
