# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Getting the data of a checkpoint to the remote site by Cinder backups.

The backup service of the primary site writes to a store that the remote site's backup
service reaches too. What is missing there then is the record of the backup, and of all
it is an increment of: those are exported and imported, the oldest first.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import typing as t

from .block_storage import BlockStorage
from .cloud import Cloud, connect_other
from .errors import CheckFailed, CloudError, ResourceFailed
from .manifest import Copy
from .records import CHECKPOINT_KEY, Backup, BackupRecord, Snapshot, marks
from .waiting import Waiter, run_all

METHOD = "cinder_backup"
_UNDER_WAY = ("creating",)
_USABLE = ("available", "restoring")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The copies that are wanted.

    :param full_every: a chain has at most so many backups, the full one included.
    """

    application: str
    checkpoint: str
    full_every: int

    @property
    def metadata(self) -> dict[str, str]:
        return marks(self.application, self.checkpoint)


@dataclasses.dataclass(frozen=True)
class NewBackup:
    snapshot: Snapshot
    incremental: bool


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done at the primary site, per volume.

    :param delete: backups of this checkpoint that failed.
    :param create: backups to make.
    :param adopt: backups of this checkpoint that are there or under way.
    """

    delete: tuple[Backup, ...]
    create: tuple[NewBackup, ...]
    adopt: tuple[Backup, ...]

    @property
    def finished(self) -> list[Backup]:
        """What is adopted and complete."""
        return [backup for backup in self.adopt if backup.status in _USABLE]


def plan_backups(
    wanted: Wanted, snapshots: t.Sequence[Snapshot], backups: t.Sequence[Backup], known: t.Collection[str]
) -> Plan:
    """Decide which volumes to back up, and how.

    :param snapshots: of this checkpoint.
    :param backups: all of the project at the primary site.
    :param known: ids of the backups that the remote site can use.
    """
    mine = [b for b in backups if wanted.metadata.items() <= b.metadata.items()]
    adopt = {b.volume_id: b for b in mine if b.status in _USABLE + _UNDER_WAY}
    failed = tuple(b for b in mine if b.volume_id not in adopt or adopt[b.volume_id].id != b.id)
    create = tuple(
        NewBackup(snapshot, _can_be_incremental(wanted, snapshot, backups, known))
        for snapshot in snapshots
        if snapshot.volume_id not in adopt
    )
    return Plan(failed, create, tuple(adopt.values()))


def _can_be_incremental(
    wanted: Wanted, snapshot: Snapshot, backups: t.Sequence[Backup], known: t.Collection[str]
) -> bool:
    """Whether there is a chain to continue: Cinder takes the newest backup older than the snapshot."""
    newest_first = sorted(
        (
            b
            for b in backups
            if b.volume_id == snapshot.volume_id and b.status in _USABLE and b.data_timestamp < snapshot.created_at
        ),
        key=lambda b: b.data_timestamp,
        reverse=True,
    )
    length = next((n for n, b in enumerate(newest_first, 1) if not b.is_incremental), 0)
    chain = newest_first[:length]
    return (
        0 < length < wanted.full_every
        and chain[0].size == snapshot.size
        and not any(_lost(link, known) for link in chain)
    )


def _lost(backup: Backup, known: t.Collection[str]) -> bool:
    """Whether a backup that was copied is no longer known at the remote site.

    Whoever deletes one site's record deletes the objects of both, so there is nothing left to build on. Somebody
    else's backups were never copied; they are when something of ours builds on them.
    """
    return CHECKPOINT_KEY in backup.metadata and backup.id not in known


def quota_problems(storage: BlockStorage, count: int, gigabytes: int) -> list[str]:
    """What a project's quotas do not allow of so many more backups; imported records count too."""
    quotas = storage.quotas()
    needs = {"backups": count, "backup_gigabytes": gigabytes}
    return [
        f"The quota '{name}' of the project on site '{storage.cloud.site}' is {missing} too small: {needed} more are "
        f"needed, {quotas[name].in_use} of {quotas[name].limit} are in use. Raise it, or remove old checkpoints."
        for name, needed in needs.items()
        if (missing := quotas[name].shortfall(needed))
    ]


def parent_of(record: BackupRecord) -> str | None:
    """Id of the backup that an exported one is an increment of.

    The record is base64 of a JSON object with the fields of Cinder's backup
    (``cinder.objects.backup.Backup.encode_record``).
    """
    return json.loads(base64.b64decode(record.backup_url)).get("parent_id")


@dataclasses.dataclass(frozen=True)
class Sites:
    """Where a backup is made and where it must become known.

    :param exporting: as an administrator, in the project that owns the backups.
    :param importing: as an administrator, in the project that is to own the imported records.
    """

    primary: BlockStorage
    exporting: BlockStorage
    remote: BlockStorage
    importing: BlockStorage

    @classmethod
    def connect(cls, primary: Cloud, params: t.Mapping[str, t.Any]) -> Sites:
        """Connect to all clouds that the options of the fragment ``replication`` name."""
        remote = connect_other(params["remote_cloud"])
        exporting = connect_other(params["admin_cloud"]) if params["admin_cloud"] else primary
        importing = connect_other(params["remote_admin_cloud"]) if params["remote_admin_cloud"] else remote
        return cls(
            BlockStorage(primary),
            BlockStorage(exporting.in_project(primary.project_id)),
            BlockStorage(remote),
            BlockStorage(importing.in_project(remote.project_id)),
        )


class Replication:
    """Carries out the copying of one checkpoint."""

    def __init__(self, sites: Sites, wanted: Wanted, waiter: Waiter, concurrency: int) -> None:
        self._sites = sites
        self._wanted = wanted
        self._waiter = waiter
        self._concurrency = concurrency

    def snapshots(self) -> list[Snapshot]:
        """The whole snapshots of this checkpoint at the primary site."""
        found = self._sites.primary.snapshots(self._wanted.checkpoint)
        return [s for s in found if self._wanted.metadata.items() <= s.metadata.items() and s.status == "available"]

    def plan(self) -> Plan:
        """:raises CheckFailed: when there is nothing to copy, or no quota for it."""
        snapshots = self.snapshots()
        known = {b.id for b in self._sites.remote.backups() if b.status in _USABLE}
        plan = plan_backups(self._wanted, snapshots, self._sites.primary.backups(), known)
        if not (snapshots or plan.adopt):
            raise CheckFailed(
                f"Checkpoint '{self._wanted.checkpoint}' of '{self._wanted.application}' cannot be copied",
                [f"It has no snapshots on site '{self._sites.primary.cloud.site}'; take them with os_cg_snapshot."],
            )
        self._check_quotas(plan)
        return plan

    def _check_quotas(self, plan: Plan) -> None:
        count = len(plan.create)
        size = sum(new.snapshot.size for new in plan.create)
        deleted = sum(backup.size for backup in plan.delete)
        problems = quota_problems(self._sites.primary, count - len(plan.delete), size - deleted)
        problems += quota_problems(self._sites.remote, count, size)
        if problems:
            raise CheckFailed(f"Checkpoint '{self._wanted.checkpoint}' cannot be copied", problems)

    def back_up(self, plan: Plan) -> list[Backup]:
        """Make the backups and wait for all of this checkpoint.

        :raises ResourceFailed: naming the volumes whose backup failed; the others are kept for the next run.
        """
        primary = self._sites.primary
        run_all({b.id: (lambda b=b: self._delete(b)) for b in plan.delete}, self._concurrency)
        made = run_all({new.snapshot.id: (lambda new=new: self._create(new)) for new in plan.create}, self._concurrency)
        ids = {b.id for b in (*made.values(), *plan.adopt)}

        def finished() -> list[Backup] | None:
            found = [b for b in primary.backups() if b.id in ids]
            return found if not any(b.status in _UNDER_WAY for b in found) else None

        backups = self._waiter.until(f"{len(ids)} backups on site '{primary.cloud.site}'", finished)
        self._refuse_failed(backups, len(ids))
        return backups

    def _create(self, new: NewBackup) -> Backup:
        name = new.snapshot.name
        return self._sites.primary.create_backup(new.snapshot, name, new.incremental, self._wanted.metadata)

    def _delete(self, backup: Backup) -> None:
        self._sites.primary.delete_backup(backup.id)
        self._waiter.until(
            f"the deletion of failed backup {backup.id}",
            lambda: True if self._sites.primary.backup(backup.id) is None else None,
        )

    def _refuse_failed(self, backups: t.Sequence[Backup], expected: int) -> None:
        failed = [b for b in backups if b.status not in _USABLE]
        if failed or len(backups) != expected:
            listed = "; ".join(f"volume {b.volume_id}: {b.status} {b.fail_reason}" for b in failed)
            raise ResourceFailed(
                f"Backups on site '{self._sites.primary.cloud.site}' failed: {listed or 'some vanished'}.",
                "Mend the cause and run the same again: what is done is kept.",
            )

    def missing_records(self, backups: t.Sequence[Backup]) -> dict[str, list[str]]:
        """Per backup id the ids of its chain that the remote site does not know, oldest first."""
        known = {b.id for b in self._sites.remote.backups()}
        chains = run_all({b.id: (lambda b=b: self._chain(b.id)) for b in backups}, self._concurrency)
        return {one: [link for link in chain if link not in known] for one, chain in chains.items()}

    def import_records(self, backups: t.Sequence[Backup]) -> list[Copy]:
        """Make all backups and what they build on known at the remote site, and check them there.

        :returns: the copies, as the manifest lists them.
        """
        copies = run_all({b.id: (lambda b=b: self._import_chain(b)) for b in backups}, self._concurrency)
        self._verify(backups, list(copies.values()))
        return list(copies.values())

    def _chain(self, backup_id: str) -> dict[str, BackupRecord]:
        """Records of a backup and its parents by id, oldest first."""
        links: list[tuple[str, BackupRecord]] = []
        following: str | None = backup_id
        while following:
            record = self._sites.exporting.export_record(following)
            links.append((following, record))
            following = parent_of(record)
        return dict(reversed(links))

    def known_copies(self, backups: t.Sequence[Backup]) -> list[Copy]:
        """Copies of which the remote site knows all records already."""
        return [_copy(backup, self._chain(backup.id)) for backup in backups]

    def _import_chain(self, backup: Backup) -> Copy:
        chain = self._chain(backup.id)
        for backup_id, record in chain.items():
            if self._sites.remote.backup(backup_id) is None:
                self._sites.importing.import_record(record)
            self._await_import(backup_id)
        self._mark_imported(backup.id)
        return _copy(backup, chain)

    def _mark_imported(self, backup_id: str) -> None:
        """Records travel without the backup's metadata, so the marks are set anew."""
        found = self._sites.remote.backup(backup_id)
        if found and not self._wanted.metadata.items() <= found.metadata.items():
            self._sites.remote.mark_backup(backup_id, self._wanted.metadata)

    def _await_import(self, backup_id: str) -> None:
        remote = self._sites.remote

        def imported() -> bool | None:
            found = remote.backup(backup_id)
            if found is None or found.status == "error":
                raise ResourceFailed(
                    f"Site '{remote.cloud.site}' could not import the record of backup {backup_id}"
                    f"{': ' + found.fail_reason if found else ''}.",
                    "Its backup service must use the same driver and reach the same store as the primary's.",
                )
            return True if found.status in _USABLE else None

        self._waiter.until(f"site '{remote.cloud.site}' to import backup {backup_id}", imported)

    def _verify(self, backups: t.Sequence[Backup], copies: t.Sequence[Copy]) -> None:
        """The remote site must know every link, and the same of each backup as the primary."""
        known = {b.id: b for b in self._sites.remote.backups()}
        problems = [
            f"Backup {link} of volume {copy.volume_id} is not available on site '{self._sites.remote.cloud.site}'."
            for copy in copies
            for link in copy.chain
            if link not in known or known[link].status not in _USABLE
        ]
        problems += [
            f"Site '{self._sites.remote.cloud.site}' has another backup under id {b.id} of volume {b.volume_id}."
            for b in backups
            if b.id in known and (known[b.id].size, known[b.id].object_count) != (b.size, b.object_count)
        ]
        if problems:
            raise CloudError(
                f"The copies of checkpoint '{self._wanted.checkpoint}' are not whole. " + " ".join(problems)
            )


def _copy(backup: Backup, chain: t.Iterable[str]) -> Copy:
    return Copy(
        volume_id=backup.volume_id,
        method=METHOD,
        copy_id=backup.id,
        chain=tuple(chain),
        size=backup.size,
        incremental=backup.is_incremental,
        object_count=backup.object_count,
    )
