# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide which snapshots of a checkpoint are backed up, and which of them incrementally."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..core.records import APPLICATION_KEY, BACKING_UP, DIFFERS_KEY, Backup, Snapshot, marks
from ..manifest.pieces import LABEL_KEY


@dataclasses.dataclass(frozen=True)
class WantedBackups:
    """The wanted copies.

    :param full_every: the longest chain, in backups, the full one included.
    :param availability_zone: of the backup service that makes them; that of the volume when empty.
    :param container: for their objects; the backup service's own when empty.
    """

    application: str
    checkpoint: str
    full_every: int
    availability_zone: str = ""
    container: str = ""

    @property
    def metadata(self) -> dict[str, str]:
        return marks(self.application, self.checkpoint)


def snapshots_of(storage: BlockStorage, wanted: WantedBackups) -> list[Snapshot]:
    """The snapshots of a checkpoint at the primary site."""
    return [one for one in storage.snapshots(wanted.checkpoint) if wanted.metadata.items() <= one.metadata.items()]


@dataclasses.dataclass(frozen=True)
class NewBackup:
    snapshot: Snapshot
    incremental: bool

    def body(self, wanted: WantedBackups) -> dict[str, t.Any]:
        """Cinder's parameters for the backup, except the volume."""
        body = {
            "name": self.snapshot.name,
            "snapshot_id": self.snapshot.id,
            "incremental": self.incremental,
            "metadata": wanted.metadata,
            "availability_zone": wanted.availability_zone,
            "container": wanted.container,
        }
        return {key: value for key, value in body.items() if value != ""}


@dataclasses.dataclass(frozen=True)
class BackupPlan:
    """What is to be done at the primary site.

    :param delete: backups of this checkpoint that failed, differ from their snapshots, or are of snapshots that it no longer has.
    :param create: backups to make.
    :param adopt: backups of this checkpoint that exist or are under way.
    """

    delete: tuple[Backup, ...]
    create: tuple[NewBackup, ...]
    adopt: tuple[Backup, ...]

    @property
    def sizes(self) -> dict[str, int]:
        """Sizes of all volumes in GiB, per id."""
        return {b.volume_id: b.size for b in self.adopt} | {new.snapshot.volume_id: new.snapshot.size for new in self.create}

    @property
    def finished(self) -> list[Backup]:
        """Adopted backups that are complete."""
        return [backup for backup in self.adopt if backup.is_usable]


@dataclasses.dataclass(frozen=True)
class BackupSight:
    """What exists now.

    :param snapshots: of this checkpoint.
    :param backups: all of the project at the primary site.
    :param known: ids of the backups that the remote site can use.
    :param zones: availability zone per volume id, as far as known.
    """

    snapshots: t.Sequence[Snapshot]
    backups: t.Sequence[Backup]
    known: t.Collection[str]
    zones: t.Mapping[str, str]

    def zone_of(self, volume_id: str, wanted: WantedBackups) -> str | None:
        """Where the backup of a volume is to be made, as far as known."""
        return wanted.availability_zone or self.zones.get(volume_id)


def plan_backups(wanted: WantedBackups, sight: BackupSight) -> BackupPlan:
    """Decide which volumes to back up, and how."""
    snapshot_ids = {s.volume_id: s.id for s in sight.snapshots}
    mine = backups_of(wanted.metadata, sight.backups, snapshot_ids)
    adopt = adoptable(mine, snapshot_ids)
    delete = tuple(b for b in mine if b not in adopt)
    staying = dataclasses.replace(sight, backups=[b for b in sight.backups if b not in delete])
    done = {b.volume_id for b in adopt}
    # What differs may do so because of a backup that it builds on.
    differing = {b.volume_id for b in delete if DIFFERS_KEY in b.metadata}
    create = tuple(
        NewBackup(s, s.volume_id not in differing and _can_be_incremental(wanted, s, staying)) for s in sight.snapshots if s.volume_id not in done
    )
    return BackupPlan(delete, create, tuple(adopt))


def backups_of(metadata: t.Mapping[str, str], backups: t.Iterable[Backup], snapshot_ids: t.Mapping[str, str]) -> list[Backup]:
    """The backups of a checkpoint that was taken at this site.

    While the application ran at the other site, a checkpoint with the same id may have been copied from there: its backups have the
    same marks but are of other volumes. They are neither adopted nor replaced.

    :param metadata: the marks of the checkpoint.
    :param snapshot_ids: of the checkpoint, per volume id; empty when its snapshots are gone, so that only the marks count.
    """
    marked = [b for b in backups if metadata.items() <= b.metadata.items()]
    return [b for b in marked if not snapshot_ids or b.volume_id in snapshot_ids]


def adoptable(mine: t.Iterable[Backup], snapshot_ids: t.Mapping[str, str]) -> list[Backup]:
    """The backups that count for a checkpoint, at most one of each volume.

    A backup of another snapshot is of another moment, whatever its marks say, and one that is marked as different from its snapshot is
    no copy of it. Where the snapshots are gone, the backups are all that is left of the checkpoint.

    :param mine: all backups of the checkpoint.
    :param snapshot_ids: of the checkpoint, per volume id; empty for one that is yet to be taken.
    """
    sound = [b for b in mine if (b.is_usable or b.is_under_way) and DIFFERS_KEY not in b.metadata]
    counting = [b for b in sound if snapshot_ids.get(b.volume_id, b.snapshot_id) == b.snapshot_id]
    return list({b.volume_id: b for b in counting}.values())


def snapshot_problems(plan: BackupPlan, site: str) -> list[str]:
    """Snapshots that cannot be backed up as they are."""
    return [
        f"Snapshot {new.snapshot.id} of volume {new.snapshot.volume_id} on site '{site}' is {new.snapshot.status}; "
        + (
            "a backup of it was interrupted and its backup service has not been restarted since. Restart it."
            if new.snapshot.status == BACKING_UP
            else "it must be available. Retake the snapshots with os_cg_snapshot."
        )
        for new in plan.create
        if new.snapshot.status != "available"
    ]


def deletion_problems(delete: t.Sequence[Backup], site: str, there: t.Iterable[Backup]) -> list[str]:
    """Backups that must be replaced but cannot, or must not, be deleted.

    :param site: name of the primary site.
    :param there: all of the remote site.
    """
    records = {b.id: b for b in there}
    reasons = {b.id: _why_it_stays(b, records.get(b.id, b)) for b in delete}
    return [
        f"Backup {b.id} of volume {b.volume_id} on site '{site}' belongs to this checkpoint but failed, differs from its snapshot, "
        f"or is of other snapshots. It must be replaced but cannot be deleted: {reasons[b.id]}"
        for b in delete
        if reasons[b.id]
    ]


def _why_it_stays(backup: Backup, record: Backup) -> str:
    """Why a backup cannot be deleted; empty when nothing keeps it.

    :param record: of the backup at the remote site.
    """
    if LABEL_KEY in (*backup.metadata, *record.metadata):
        return "a checkpoint with this id was published with it. Give another id, or first remove that checkpoint with os_checkpoint (state: absent)."
    busy = [one.status for one in (backup, record) if one.is_under_way or one.is_being_restored]
    if busy:
        return f"it is {busy[0]}. Re-run when that has ended, or give another id."
    if backup.has_dependents:
        return "other backups build on it. Give another id."
    return ""


def _can_be_incremental(wanted: WantedBackups, snapshot: Snapshot, sight: BackupSight) -> bool:
    """Whether a chain can be continued: Cinder builds on the newest backup older than the snapshot, whoever made it."""
    newest_first = sorted(
        (b for b in sight.backups if b.volume_id == snapshot.volume_id and b.is_usable and b.data_timestamp < snapshot.created_at),
        key=lambda b: b.data_timestamp,
        reverse=True,
    )
    length = next((n for n, b in enumerate(newest_first, 1) if not b.is_incremental), 0)
    chain = newest_first[:length]
    zone = sight.zone_of(snapshot.volume_id, wanted)
    return (
        0 < length < wanted.full_every
        and chain[0].status == "available"
        and chain[0].size == snapshot.size
        and all(_can_be_built_on(link, wanted, zone) and link.id in sight.known for link in chain)
    )


def _can_be_built_on(link: Backup, wanted: WantedBackups, zone: str | None) -> bool:
    """Whether a new backup may build on a link: only on our own, which nobody else removes, only on a sound one, and only within one store.

    Backup services of different availability zones may write to different stores, which Cinder does not check.
    """
    is_ours = link.metadata.get(APPLICATION_KEY) == wanted.application
    return is_ours and DIFFERS_KEY not in link.metadata and zone in (None, link.availability_zone)
