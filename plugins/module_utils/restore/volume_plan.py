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

from ..core.marking import Mark
from ..core.records import Volume
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
    #: It is there, but broken: delete it first.
    REPLACE = "replace"

    @property
    def makes(self) -> bool:
        return self in (Action.CREATE, Action.REPLACE)


#: In which a volume can be attached, or is.
READY = ("available", "reserved", "attaching", "in-use", "detaching")
#: How a restore or the removal of a volume fails. Volumes fail in other ways too, once they have other data.
_FAILED = ("error", "error_restoring", "error_deleting")
#: Where several volumes have the same mark: the most useful first.
_PREFERENCE = (Action.KEEP, Action.WAIT, Action.REPLACE)


@dataclasses.dataclass(frozen=True)
class VolumeStep:
    """What is to be done about one volume of the application.

    :param name: never empty: Cinder would take name and description from the backup, and the mark would be lost.
    """

    server: str
    spec: VolumeSpec
    name: str
    copy: Copy
    mark: Mark
    action: Action
    current: Volume | None

    @property
    def label(self) -> str:
        return f"'{self.name}' of server '{self.server}'"

    def body(self) -> dict[str, t.Any]:
        """Parameters for creating the volume in Cinder, except the backup's id."""
        body = {
            "name": self.name,
            "description": self.mark.text(),
            "size": self.spec.size,
            "metadata": {**self.spec.metadata, **self.mark.metadata()},
        }
        optional = {"volume_type": self.spec.volume_type, "availability_zone": self.spec.availability_zone}
        return {**body, **{key: value for key, value in optional.items() if value}}

    def lacks_marks(self, volume: Volume) -> bool:
        """Whether the marks are missing: restoring a backup replaces the metadata with the source's."""
        return not self.mark.metadata().items() <= volume.metadata.items()

    def lacks_bootable(self, volume: Volume) -> bool:
        return self.spec.bootable and not volume.bootable

    @property
    def changes(self) -> bool:
        if self.action is Action.KEEP and self.current:
            return self.lacks_marks(self.current) or self.lacks_bootable(self.current)
        return True


def plan_volumes(manifest: Manifest, volumes: t.Iterable[Volume]) -> list[VolumeStep]:
    """One step per volume of the application.

    :param volumes: all of the project at the site.
    """
    made = by_mark((volume for volume in volumes if volume.status != "deleting"), lambda volume: Mark.of_text(volume.description))
    steps = []
    for server in manifest.description.servers:
        for spec in server.volumes:
            mark = mark_of(manifest, spec.source_id)
            current = _best(made[mark])
            action = _action(current) if current else Action.CREATE
            name = manifest.called(spec.name or f"{server.name}-{spec.device.rsplit('/', 1)[-1]}")
            steps.append(VolumeStep(server.name, spec, name, manifest.copy_of(spec), mark, action, current))
    return steps


def _best(volumes: t.Sequence[Volume]) -> Volume | None:
    return min(volumes, key=lambda volume: _PREFERENCE.index(_action(volume)), default=None)


def _action(volume: Volume) -> Action:
    if volume.status in READY:
        return Action.KEEP
    return Action.REPLACE if volume.status in _FAILED else Action.WAIT
