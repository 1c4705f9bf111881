# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies that are Cinder backups: a part is a backup, and an increment needs all that it was built on.

:mod:`.replication` brings them to the remote site.
"""

from __future__ import annotations

import collections
import typing as t

from ..cloud.block_storage import BlockStorage
from ..core.errors import Busy, CloudError, ResourceFailed
from ..core.records import Backup, Volume
from ..manifest.manifest import Copy
from ..work.pool import each
from .method import CopyMethod, Part


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

    def builds_on(self, part: Part, parts: t.Sequence[Part]) -> t.Iterator[str]:
        """The backups that it was built on. Cinder does not list them: it takes the newest backup of the volume with older data."""
        backups = [one for one in parts if isinstance(one, Backup) and one.volume_id == part.volume_id]
        one: Backup | None = t.cast(Backup, part)
        while one and one.is_incremental:
            older = [b for b in backups if b.has_dependents and b.data_timestamp < one.data_timestamp]
            one = max(older, key=lambda b: b.data_timestamp, default=None)
            if one:
                yield one.id

    def removal_order(self, parts: t.Iterable[Part]) -> list[list[Part]]:
        """The backups of each volume, the newest first: Cinder refuses to delete what others build on."""
        of_volume: dict[str, list[Part]] = collections.defaultdict(list)
        for part in sorted(parts, key=lambda one: one.data_timestamp, reverse=True):
            of_volume[part.volume_id].append(part)
        return list(of_volume.values())

    # At a site

    def look(self, storage: BlockStorage, copies: t.Iterable[Copy], concurrency: int) -> list[Part]:
        """All backups of the project, and those of other projects that are wanted: an administrator sees them only one by one."""
        listed = storage.backups()
        wanted = {one for copy in copies for one in self.needs(copy)} - {one.id for one in listed}
        others = each(sorted(wanted), storage.backup, concurrency)
        return [*listed, *(one for one in others if one)]

    def create_volume(self, storage: BlockStorage, copy: Copy, body: t.Mapping[str, t.Any]) -> Volume:
        """Start a restore; Cinder allows one at a time for each backup."""
        try:
            return storage.create_volume_from_backup(copy.copy_id, body)
        except CloudError as error:
            backup = storage.backup(copy.copy_id)
            if backup is None or not backup.is_being_restored:
                raise
            raise Busy(f"{error.message} Another restore of this backup is still running.") from error

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
