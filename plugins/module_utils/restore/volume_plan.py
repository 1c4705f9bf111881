# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan what a restore does about volumes, from the manifest and the site's resources. Pure.

The same plan is shown in check mode and diff, and carried out. What an earlier run of the same restore made is known by its marks, so a
plan made again contains only what is still to be done.
"""

from __future__ import annotations

import dataclasses
import enum
import typing as t

from ..copies import methods
from ..core.marking import Mark, unmarked_text
from ..core.records import VOLUME_KEY, Volume
from ..manifest.manifest import Copy, Manifest
from ..manifest.specs import VolumeSpec
from .marks import by_mark, mark_of


class Action(enum.Enum):
    """What a restore does about one volume or server."""

    #: It is there.
    KEEP = "keep"
    #: It is being made.
    WAIT = "wait"
    CREATE = "create"
    #: It is there, and its content is still to come.
    FILL = "fill"
    #: It is there, but broken: delete it first.
    REPLACE = "replace"

    @property
    def makes(self) -> bool:
        return self in (Action.CREATE, Action.REPLACE)

    @property
    def reads(self) -> bool:
        """Whether it starts to read the copy, now or next."""
        return self.makes or self is Action.FILL


#: In which a volume can be attached, or is.
READY = ("available", "reserved", "attaching", "in-use", "detaching")
#: How a restore or the removal of a volume fails. Volumes fail in other ways too, once they have other data.
_FAILED = ("error", "error_restoring", "error_deleting")
#: Where several volumes have the same mark: the most useful first.
_PREFERENCE = (Action.KEEP, Action.WAIT, Action.FILL, Action.REPLACE)
#: Behind the mark in the description of a volume whose content is still to come. Cinder leaves the description of a named volume alone.
_EMPTY = "osdr_content=none"


@dataclasses.dataclass(frozen=True)
class VolumeStep:
    """What is to be done about one volume of the application.

    :param servers: the names of those that have it at the source.
    :param name: never empty: Cinder would take name and description from the backup, and the mark would be lost.
    :param own_name: what the finished volume is called; empty where that at the source has no name.
    :param boots: whether a server is to boot from it.
    """

    servers: tuple[str, ...]
    spec: VolumeSpec
    name: str
    own_name: str
    copy: Copy
    mark: Mark
    action: Action
    current: Volume | None
    boots: bool = False

    @property
    def label(self) -> str:
        servers = " and ".join(f"'{one}'" for one in self.servers)
        return f"'{self.name}' of server{'s' if self.is_shared else ''} {servers}"

    @property
    def is_shared(self) -> bool:
        """Whether several servers have it."""
        return len(self.servers) > 1

    def body(self) -> dict[str, t.Any]:
        """Parameters for creating the volume in Cinder, except the backup's id."""
        body = {
            "name": self.name,
            "description": empty_text(self.mark) if methods.method_of(self.copy).fills(self.copy) else self.mark.text(),
            "size": self.spec.size,
            "metadata": {**self.spec.metadata, **self.mark.metadata()},
        }
        optional = {"volume_type": self.spec.volume_type, "availability_zone": self.spec.availability_zone}
        return {**body, **{key: value for key, value in optional.items() if value}}

    @property
    def description(self) -> str:
        """What the volume is described as in the end."""
        return unmarked_text(self.spec.description)

    def is_complete(self, volume: Volume) -> bool:
        """Whether a volume that is there has all that it had at the source: its own description is what it gets last.

        From then on it is its owners' to change.
        """
        return volume.description not in (self.mark.text(), empty_text(self.mark))

    def metadata_of(self, volume: Volume) -> dict[str, str]:
        """The metadata of the finished volume: restoring a backup replaces those that it was created with by the source's."""
        return {**self.spec.metadata, **self.mark.metadata(), VOLUME_KEY: volume.id}

    def image_metadata_for(self, volume: Volume) -> dict[str, str]:
        """Properties of the image that did not come with the copy."""
        return {key: value for key, value in (self.spec.image_metadata or {}).items() if volume.image_metadata.get(key) != value}

    @property
    def lacks(self) -> list[str]:
        """What the site refused a volume that an earlier run completed, if nobody has changed it since; no later run tries that again."""
        volume = self.current
        if volume is None or self.changes:
            return []
        properties = sorted(self.image_metadata_for(volume))
        return [
            *([f"volume_image_metadata ({', '.join(properties)})"] if properties else []),
            *([f"bootable ({str(self.spec.bootable).lower()})"] if self.spec.bootable != volume.bootable else []),
            *(["readonly (true)"] if self.spec.is_read_only and not volume.is_read_only else []),
        ]

    @property
    def changes(self) -> bool:
        return not (self.action is Action.KEEP and self.current and self.is_complete(self.current))


def empty_text(mark: Mark) -> str:
    """What a volume is described as until its content is asked for."""
    return f"{mark.text()} {_EMPTY}"


def plan_volumes(manifest: Manifest, volumes: t.Iterable[Volume]) -> list[VolumeStep]:
    """One step per volume of the application, also for one that several servers have.

    :param volumes: all of the project at the site.
    """
    made = by_mark((volume for volume in volumes if volume.status != "deleting"), Mark.of_volume)
    holders, roots = manifest.description.holders, _roots(manifest)
    steps = []
    for spec in manifest.description.volumes:
        if spec.is_image:
            continue
        servers, mark = tuple(holders[spec.source_id]), mark_of(manifest, spec.source_id)
        current = _best(made[mark], mark)
        action = _action(current, mark) if current else Action.CREATE
        name = manifest.called(spec.name or f"{servers[0]}-{spec.device.rsplit('/', 1)[-1]}")
        steps.append(VolumeStep(servers, spec, name, name if spec.name else "", manifest.copy_of(spec), mark, action, current, spec.source_id in roots))
    return steps


def _roots(manifest: Manifest) -> set[str]:
    """Volumes that servers are to boot from: their first ones. Beside the application, no server is made."""
    servers = () if manifest.beside else manifest.description.servers
    return {server.attached[0].source_id for server in servers if server.root_image is None and server.attached}


def _best(volumes: t.Sequence[Volume], mark: Mark) -> Volume | None:
    return min(volumes, key=lambda volume: _PREFERENCE.index(_action(volume, mark)), default=None)


def _action(volume: Volume, mark: Mark) -> Action:
    if volume.status in READY:
        return Action.FILL if volume.description == empty_text(mark) else Action.KEEP
    return Action.REPLACE if volume.status in _FAILED else Action.WAIT
