# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare a volume restored from a backup with what was backed up: block by block where the backups' objects can be read, else as a whole."""

from __future__ import annotations

import contextlib
import itertools
import re
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.object_store import ObjectStore
from ..core.errors import CloudError, DrError, ResourceFailed
from ..core.records import Backup, Volume
from ..work.waiting import Waiter
from . import scratch
from .digest import digest_of
from .objects import Location

#: The size of a block never has more digits than this allows.
_BLOCK_SIZE = re.compile(rb'"chunk_size":\s*(\d{1,15})\D')
_SUM = re.compile(rb'"([0-9a-f]{64})"')
_SUM_BYTES = 65
#: The size of a block must appear within so many bytes.
_HEADER_BYTES = 1024**2
_UNUSABLE = "The copy is unusable. Re-run: a full backup replaces it."


class ContentDiffers(CloudError):
    """A volume restored from a copy differs from its snapshot."""

    code = "content_differs"


class Comparison:
    """A volume restored from a backup only to be compared with what was backed up, and removed again.

    No data passes through here: the restored volume is backed up once more, and Cinder's backup service stores the SHA-256
    of every block of a volume that it backs up. Where that cannot be read, Glance computes a digest of all of the restored volume, and one of all
    of the snapshot.

    :param storage: of the site with the copy.
    :param primary: of the site with the snapshot.
    """

    def __init__(self, storage: BlockStorage, primary: BlockStorage, waiter: Waiter, backup: Backup) -> None:
        self._storage = storage
        self._primary = primary
        self._waiter = waiter
        self._patient = waiter.moving(backup.size)
        self._backup = backup
        self._name = scratch.name(backup.id)

    def compare(self, store: ObjectStore, location: Location) -> None:
        """Restore, compare, and remove what was made.

        :raises ContentDiffers: when the volume's blocks differ from those of the snapshot.
        :raises DrError: when they could not be compared.
        """
        self._leaving_nothing(lambda: self._compare(store, location))

    def compare_digests(self) -> None:
        """Like :meth:`compare`, without a look at any store of backups."""
        self._leaving_nothing(self._compare_digests)

    def restore(self) -> None:
        """Restore, and remove what was made.

        :raises DrError: when no volume could be restored.
        """
        self._leaving_nothing(self._restore)

    def _leaving_nothing(self, act: t.Callable[[], t.Any]) -> None:
        self.remove()
        try:
            act()
        except BaseException:
            # What is still busy can only be removed by the next run, or by pruning; the cause of this failure matters more.
            with contextlib.suppress(DrError):
                self.remove()
            raise
        self.remove()

    def _restore(self) -> str:
        """Restore a volume.

        :returns: its id.
        """
        wanted = {"name": self._name, "size": self._backup.size, "description": scratch.description(self._backup.id)}
        if not self._backup.is_incremental:
            return self._ready(self._storage.create_volume_from_backup(self._backup.id, wanted))
        # As a restore does it.
        volume_id = self._ready(self._storage.create_empty_volume(wanted))
        self._storage.restore_backup(self._backup.id, volume_id)
        return self._ready(self._storage.volume(volume_id))

    def _ready(self, volume: Volume) -> str:
        self._patient.until(f"volume {self._name} to be restored", lambda: self._restored(volume.id))
        return volume.id

    def _compare(self, store: ObjectStore, location: Location) -> None:
        again = self._storage.create_backup(self._restore(), {"name": self._name, "metadata": scratch.mark(self._backup.id)})
        found = self._patient.until(f"backup {self._name}", lambda: self._backed_up(again))
        with (
            store.stream(location.container, location.block_sums_name) as wanted_sums,
            store.stream(found.container, _block_sums_name(store, found)) as sums,
        ):
            _refuse_difference(BlockSums(wanted_sums), BlockSums(sums), self._backup)

    def _compare_digests(self) -> None:
        restored, original = self._restore(), self._volume_of_snapshot()
        there = digest_of(self._storage, restored, self._backup.id, self._patient)
        wanted = digest_of(self._primary, original, self._backup.id, self._patient)
        if wanted.algorithm != there.algorithm:
            raise CloudError(
                f"Backup {self._backup.id} of volume {self._backup.volume_id} cannot be compared: Glance of the two sites computes "
                f"{wanted.algorithm} and {there.algorithm}.",
                "Set the same hashing_algorithm at both sites, or choose verification: readable.",
            )
        if wanted.size != there.size:
            raise CloudError(
                f"Backup {self._backup.id} of volume {self._backup.volume_id} cannot be compared: the storage of the two sites makes volumes of "
                f"{wanted.size} and {there.size} bytes of its {self._backup.size} GiB.",
                "Choose verification: readable.",
            )
        if wanted != there:
            raise ContentDiffers(
                f"A volume restored from backup {self._backup.id} differs from the snapshot of volume {self._backup.volume_id}: the {wanted.algorithm} "
                f"of their whole contents are not the same.",
                _UNUSABLE,
            )

    def _volume_of_snapshot(self) -> str:
        """Make a volume of the snapshot that was backed up.

        :returns: its id.
        """
        backup, site = self._backup, self._primary.cloud.site
        if backup.snapshot_id is None or all(one.id != backup.snapshot_id for one in self._primary.snapshots()):
            raise ResourceFailed(
                f"Backup {backup.id} of volume {backup.volume_id} cannot be compared: the snapshot that it was made of is no longer on site '{site}'.",
                "Choose verification: readable for this checkpoint, or take a new one.",
                resource_type="backup",
                resource_id=backup.id,
            )
        wanted = {"name": self._name, "size": backup.size, "description": scratch.description(backup.id)}
        made = self._primary.create_volume_from_snapshot(backup.snapshot_id, wanted)
        self._patient.until(f"volume {self._name} on site '{site}'", lambda: self._made(made.id))
        return made.id

    def _made(self, volume_id: str) -> bool | None:
        status = self._primary.volume(volume_id).status
        if status.startswith("error"):
            raise CloudError(
                f"Site '{self._primary.cloud.site}' could not make a volume of snapshot {self._backup.snapshot_id} to compare it ({status}).",
                "Check the log of its cinder-volume, and that its storage has room.",
            )
        return status == "available" or None

    def remove(self) -> None:
        """Remove what this or an earlier run made."""
        for storage in (self._storage, self._primary):
            scratch.Scratch.of(storage, self._backup.id).remove(storage, self._waiter)

    def _restored(self, volume_id: str) -> bool | None:
        status = self._storage.volume(volume_id).status
        if status.startswith("error"):
            raise self._failure(f"a volume could not be restored from it ({status})")
        return status == "available" or None

    def _backed_up(self, backup_id: str) -> Backup | None:
        found = self._storage.backup(backup_id)
        if found is None or found.status == "error":
            raise self._failure("the volume restored from it could not be backed up for comparison")
        return found if found.status == "available" else None

    def _failure(self, reason: str) -> ResourceFailed:
        site = self._storage.cloud.site
        return ResourceFailed(
            f"Backup {self._backup.id} of volume {self._backup.volume_id} could not be verified on site '{site}': {reason}.",
            "Check the logs of its backup service.",
            resource_type="backup",
            resource_id=self._backup.id,
        )


def _block_sums_name(store: ObjectStore, backup: Backup) -> str:
    names = store.names(backup.container, f"volume_{backup.volume_id}/")
    found = [one for one in names if one.endswith(f"_backup_{backup.id}_sha256file")]
    if not found:
        raise CloudError(f"Site '{store.cloud.site}' has no block checksums of backup {backup.id} in container '{backup.container}'.")
    return found[0]


class BlockSums:
    """The SHA-256 of each block of a volume, from the object in which Cinder keeps them.

    For a large volume that object is huge, so it is read as a stream. Its keys are sorted: the size of a block comes
    before the sums.
    """

    def __init__(self, blocks: t.Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = b""

    def block_size(self) -> int | None:
        """The size of a block in bytes; None where the object does not have it."""
        while not (found := _BLOCK_SIZE.search(self._rest)) and len(self._rest) < _HEADER_BYTES and self._more():
            pass
        return int(found[1]) if found else None

    def sums(self) -> t.Iterator[bytes]:
        """The checksums; call :meth:`block_size` first."""
        while True:
            end = 0
            for found in _SUM.finditer(self._rest):
                end = found.end()
                yield found[1]
            self._rest = self._rest[max(end, len(self._rest) - _SUM_BYTES) :]
            if not self._more():
                return

    def _more(self) -> bool:
        block = next(self._blocks, b"")
        self._rest += block
        return bool(block)


def _refuse_difference(wanted: BlockSums, there: BlockSums, backup: Backup) -> None:
    """Compare the blocks of two volumes.

    :raises ContentDiffers: when a restored volume differs from what was backed up.
    """
    size, size_there = wanted.block_size(), there.block_size()
    if size is None or size != size_there:
        raise CloudError(
            f"Backup {backup.id} of volume {backup.volume_id} cannot be compared: the sites' backup services use blocks of "
            f"{size} and {size_there} bytes for their checksums.",
            "Set the same backup_swift_block_size at both sites, or choose verification: readable.",
        )
    blocks, differing = 0, 0
    for one, other in itertools.zip_longest(wanted.sums(), there.sums()):
        blocks += 1
        differing += one != other
    if differing or not blocks:
        raise ContentDiffers(
            f"A volume restored from backup {backup.id} differs from the snapshot of volume {backup.volume_id} in {differing} of "
            f"{blocks} blocks of {size} bytes.",
            _UNUSABLE,
        )
