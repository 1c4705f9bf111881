# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies that are Cinder backups: a part is a backup, and an increment needs all that it was built on.

:mod:`.replication` brings them to the remote site.
"""

from __future__ import annotations

import bisect
import collections
import contextlib
import typing as t

from ..cloud.block_storage import BlockStorage
from ..core.errors import Busy, CloudError, ResourceFailed
from ..core.records import Backup, Volume
from ..manifest.manifest import Copy
from ..work.pool import each
from .method import CopyMethod, Part

#: A page of a list has many times as many.
_ASKED_SINGLY = 50


class CinderBackup(CopyMethod):
    name = "cinder_backup"
    part_type = Backup
    remedy = "import its record again (os_backup_replicate)"
    where_to_look = "Check the log of the site's cinder-backup, and that its object store can be reached and has room"

    # Of one copy

    def needs(self, copy: Copy) -> tuple[str, ...]:
        return copy.chain

    def carriers(self, copy: Copy) -> tuple[str, ...]:
        """The backup itself: those that it was built on belong to earlier checkpoints."""
        return (copy.copy_id,)

    def label(self, copy: Copy) -> str:
        return f"backup {copy.copy_id}"

    def part_label(self, part_id: str) -> str:
        return f"Backup {part_id}"

    def extent(self, document: t.Mapping[str, t.Any]) -> str:
        chain = document.get("chain")
        count = len(chain) if isinstance(chain, list) else 0
        return f"{count} backup{'' if count == 1 else 's'}"

    def pending(self, volume_id: str, size: int) -> Copy:
        return Copy(volume_id, self.name, "", (), size, False, 0)

    # Of parts

    def bases(self, needing: t.Iterable[Part], parts: t.Iterable[Part]) -> set[str]:
        """The backups that some were built on. Cinder does not list them: it takes the newest backup of the volume with older data."""
        of_volume: dict[str, list[Backup]] = collections.defaultdict(list)
        for one in t.cast("t.Iterable[Backup]", parts):
            if one.has_dependents:
                of_volume[one.volume_id].append(one)
        for backups in of_volume.values():
            # Of those with data of one moment, the first that the site lists counts.
            backups.reverse()
            backups.sort(key=_moment)
        found: set[str] = set()
        for one in t.cast("t.Iterable[Backup]", needing):
            base = _base(one, of_volume)
            # Of one that is found already, all are that it was built on.
            while base and base.id not in found:
                found.add(base.id)
                base = _base(base, of_volume)
        return found

    def removal_order(self, parts: t.Iterable[Part]) -> list[list[Part]]:
        """The backups of each volume, the newest first: Cinder refuses to delete what others build on."""
        of_volume: dict[str, list[Part]] = collections.defaultdict(list)
        for part in sorted(parts, key=lambda one: one.data_timestamp, reverse=True):
            of_volume[part.volume_id].append(part)
        return list(of_volume.values())

    # At a site

    def each(self, storage: BlockStorage) -> t.Iterator[Part]:
        return storage.each_backup()

    def look(self, storage: BlockStorage, copies: t.Iterable[Copy], concurrency: int) -> list[Part]:
        """All backups of the project, and those of other projects that are wanted, as far as an administrator sees them."""
        listed = storage.backups()
        wanted = {one for copy in copies for one in self.needs(copy)} - {one.id for one in listed}
        return [*listed, *_others(storage, wanted, concurrency)]

    def fills(self, copy: Copy) -> bool:
        """Increments are restored to a volume that is there: to one that it makes for that, most of Cinder's releases write no zeros.

        What became zeros in an increment would keep the data of the backup before it. (22.0.0 to 28.0.0, all drivers that store chunks:
        cinder.backup.chunkeddriver. No API says which release it is.)
        """
        return len(copy.chain) > 1

    def create_volume(self, storage: BlockStorage, copy: Copy, body: t.Mapping[str, t.Any]) -> Volume:
        """Start a restore; Cinder allows one at a time for each backup."""
        if self.fills(copy):
            return storage.create_empty_volume(body)
        with _one_at_a_time(storage, copy.copy_id):
            return storage.create_volume_from_backup(copy.copy_id, body)

    def fill_volume(self, storage: BlockStorage, copy: Copy, volume: Volume) -> None:
        with _one_at_a_time(storage, copy.copy_id):
            storage.restore_backup(copy.copy_id, volume.id)

    def mark(self, storage: BlockStorage, part: Part, metadata: t.Mapping[str, str]) -> None:
        storage.mark_backup(part.id, metadata)

    def delete(self, storage: BlockStorage, part: Part) -> None:
        storage.delete_backup(part.id)

    def is_gone(self, storage: BlockStorage, part: Part) -> bool | None:
        found = storage.backup(part.id)
        if found is None:
            return True
        if found.status in ("error", "error_deleting"):
            raise ResourceFailed(
                f"Backup {part.id} of volume {part.volume_id} on site '{storage.cloud.site}' could not be deleted: "
                f"{found.fail_reason or found.status}.",
                "Check the log of the site's cinder-backup, and that its object store can be reached; then prune again.",
                resource_type="backup",
                resource_id=part.id,
            )
        return None


def _moment(backup: Backup) -> str:
    return backup.data_timestamp


@contextlib.contextmanager
def _one_at_a_time(storage: BlockStorage, backup_id: str) -> t.Iterator[None]:
    """Around a request to restore a backup.

    :raises Busy: where Cinder refused it because of another restore.
    """
    try:
        yield
    except CloudError as error:
        backup = storage.backup(backup_id)
        if backup is None or not backup.is_being_restored:
            raise
        raise Busy(f"{error.message} Another restore of this backup is still running.") from error


def _base(backup: Backup, of_volume: t.Mapping[str, list[Backup]]) -> Backup | None:
    """The backup that another one was built on.

    :param of_volume: those that others were built on, per id of their volume, the oldest first.
    """
    candidates = of_volume.get(backup.volume_id, []) if backup.is_incremental else []
    place = bisect.bisect_left(candidates, backup.data_timestamp, key=_moment)
    return candidates[place - 1] if place else None


def _others(storage: BlockStorage, wanted: t.Collection[str], concurrency: int) -> list[Backup]:
    """Backups of other projects: few are asked for one by one, and many by the list of all projects' backups, which is the project's own for all but
    administrators."""
    if len(wanted) > _ASKED_SINGLY:
        return [one for one in storage.each_backup(everywhere=True) if one.id in wanted]
    return [one for one in each(sorted(wanted), storage.backup, concurrency) if one]
