# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes, their backups and images, made only to compare a copy with what was copied, also those left by an interrupted run.

They are not part of a checkpoint and do not have its marks. Their name has the id of the copy, and so has a second place that
only this collection writes: text that somebody else wrote into a description does not make a resource ours.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.images import Images
from ..core.errors import NotFound
from ..core.records import APPLICATION_KEY, Backup, Image, Volume
from ..work.waiting import Waiter

_KEY = "osdr_verify"


def name(backup_id: str) -> str:
    return f"osdr-verify-{backup_id}"


def mark(backup_id: str) -> dict[str, str]:
    """Metadata of a backup, and properties of an image, that are made to be compared."""
    return {_KEY: backup_id}


def description(backup_id: str) -> str:
    """Description of the volume; its metadata is replaced by Cinder with the backup's at the end of a restore."""
    return f"{_KEY}={backup_id}"


@dataclasses.dataclass(frozen=True)
class Scratch:
    """Volumes restored from copies or made of snapshots, and their backups and images."""

    backups: tuple[Backup, ...]
    volumes: tuple[Volume, ...]
    images: tuple[Image, ...] = ()

    @classmethod
    def of(cls, storage: BlockStorage, backup_id: str) -> Scratch:
        """What was made to be compared with this copy."""
        return cls(
            tuple(one for one in storage.backups() if _meant_by_backup(one) == backup_id),
            tuple(one for one in storage.volumes() if _meant_by_volume(one) == backup_id),
            tuple(one for one in Images(storage.cloud).images() if _meant_by_image(one) == backup_id),
        )

    @classmethod
    def left_of(cls, storage: BlockStorage, application: str) -> Scratch:
        """What was made to be compared with copies of an application, or with copies that are gone, whose application is unknown."""
        backups = storage.backups()
        of_others = {one.id for one in backups if one.metadata.get(APPLICATION_KEY) != application}

        def is_left(meant: str | None) -> bool:
            return meant is not None and meant not in of_others

        return cls(
            tuple(one for one in backups if is_left(_meant_by_backup(one))),
            tuple(one for one in storage.volumes() if is_left(_meant_by_volume(one))),
            tuple(one for one in Images(storage.cloud).images() if is_left(_meant_by_image(one))),
        )

    @property
    def idle(self) -> Scratch:
        """What would be deleted now."""
        return Scratch(
            tuple(one for one in self.backups if _is_idle(one)),
            tuple(one for one in self.volumes if _is_idle(one)),
            self.images,
        )

    @property
    def ids(self) -> dict[str, list[str]]:
        """Ids by kind, as results show them."""
        kinds: dict[str, t.Sequence[Backup | Volume | Image]] = {"backups": self.backups, "volumes": self.volumes, "images": self.images}
        return {kind: [one.id for one in found] for kind, found in kinds.items()}

    @property
    def busy(self) -> list[Backup | Volume]:
        return [*(one for one in self.backups if not _is_idle(one)), *(one for one in self.volumes if not _is_idle(one))]

    def remove(self, storage: BlockStorage, waiter: Waiter) -> None:
        for backup in self.backups:
            storage.delete_backup(backup.id)
            waiter.until(f"backup {backup.name} to be deleted", functools.partial(_is_backup_gone, storage, backup.id))
        for image in self.images:
            Images(storage.cloud).delete(image.id)
        for volume in self.volumes:
            storage.delete_volume(volume.id)
            waiter.until(f"volume {volume.name} to be deleted", functools.partial(_is_volume_gone, storage, volume.id))

    def __bool__(self) -> bool:
        return bool(self.backups or self.volumes or self.images)


def _meant_by_volume(volume: Volume) -> str | None:
    """Id of the copy that a volume was made to be compared with; None for other volumes."""
    meant = volume.description.removeprefix(description(""))
    return meant if (volume.name, volume.description) == (name(meant), description(meant)) else None


def _meant_by_backup(backup: Backup) -> str | None:
    meant = backup.metadata.get(_KEY, "")
    return meant if backup.name == name(meant) else None


def _meant_by_image(image: Image) -> str | None:
    meant = image.properties.get(_KEY, "")
    return meant if image.name == name(meant) else None


def _is_idle(one: Backup | Volume) -> bool:
    return one.status == "available" or one.status.startswith("error")


def _is_backup_gone(storage: BlockStorage, backup_id: str) -> bool | None:
    return storage.backup(backup_id) is None or None


def _is_volume_gone(storage: BlockStorage, volume_id: str) -> bool | None:
    try:
        storage.volume(volume_id)
    except NotFound:
        return True
    return None
