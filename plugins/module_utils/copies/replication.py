# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy the data of a checkpoint to the remote site by Cinder backups.

The snapshots are backed up at the primary site; the objects of the backups are brought to the store that the remote site
reads, see :mod:`.transport`; the records of the backups, and of all that they build on, are exported and imported there, the
oldest first; and everything is verified there before it counts.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.key_manager import KeyManager
from ..cloud.object_store import ObjectStore
from ..core.errors import CheckFailed, CloudError, ResourceFailed
from ..core.records import APPLICATION_KEY, CHECKPOINT_KEY, Backup, BackupRecord, Snapshot
from ..manifest.manifest import Copy
from ..manifest.volume_keys import SealedKey
from ..work.pipeline import Pipeline
from ..work.pool import Outcome, each, values_of
from ..work.progress import Progress
from ..work.waiting import Patience, Waiter
from .check import ceph_problems, import_problems, quota_problems
from .cinder_backup import CinderBackup
from .objects import Link, key_id_of, listed_backups, read_link
from .options import ReplicationOptions
from .plan import BackupPlan, BackupSight, NewBackup, deletion_problems, plan_backups, snapshot_problems, snapshots_of
from .record_import import RecordImport
from .sites import Chain, Sites
from .transport import SHARED, Transport
from .verification import Verification
from .watch import BackupWatch

_UNREADABLE = "Delete the backup and re-run."
#: The status with which Cinder refuses to back up a snapshot that is being backed up.
_REFUSED = 400
_MARK_KEYS = (APPLICATION_KEY, CHECKPOINT_KEY)


def _unsealed(volume_id: str) -> str:
    return f"Volume {volume_id} is encrypted: its copy can only be restored with its key. Give volume_public_key, with which the key is sealed."


class Replication:
    """Carries out the copying of one checkpoint."""

    def __init__(self, sites: Sites, options: ReplicationOptions, waiter: Waiter, progress: Progress) -> None:
        self._sites = sites
        self._wanted, self._delivery, self._effort, self._sealer = options.wanted, options.delivery, options.effort, options.sealer
        self._sealed = options.sealed
        self._waiter = waiter
        self._progress = progress
        stores = None if self._delivery.transport == SHARED else sites.stores
        self._transport = Transport(self._delivery.transport, stores, self._effort, progress)
        self._verification = Verification(sites, self._delivery.depth, self._effort, waiter, progress)
        #: Ids of the volumes whose backups are made or adopted.
        self._volumes: frozenset[str] = frozenset()
        #: Ids of the volumes whose content is proved by a restore; planned before the marks of a failed proof may go with a backup.
        self._restored: frozenset[str] = frozenset()
        #: Whether anything was made, copied or imported.
        self.changed = False

    # Planning

    def snapshots(self) -> list[Snapshot]:
        """The snapshots of this checkpoint at the primary site."""
        return snapshots_of(self._sites.primary, self._wanted)

    @property
    def has_volumes(self) -> bool:
        """Whether the checkpoint has snapshots of volumes, or backups that were made of them."""
        return bool(self.snapshots()) or any(self._wanted.metadata.items() <= one.metadata.items() for one in self._sites.primary.backups())

    def plan(self) -> BackupPlan:
        """Decide what is to be done.

        :raises CheckFailed: when there is nothing to copy, or it cannot be copied.
        """
        snapshots, primary = self.snapshots(), self._sites.primary
        backups, there = primary.backups(), self._sites.remote.backups()
        known = self._known(snapshots, backups, there)
        volumes = {one.id: one for one in primary.volumes()}
        sight = BackupSight(snapshots, backups, known, {one.id: one.availability_zone for one in volumes.values()})
        plan = plan_backups(self._wanted, sight)
        zones = {new.snapshot.volume_id: sight.zone_of(new.snapshot.volume_id, self._wanted) or "" for new in plan.create}
        staying = [one for one in backups if one not in plan.delete]
        encrypted = {one for one in plan.sizes if one in volumes and volumes[one].encrypted}
        # Cinder restores the backup of an encrypted volume only with its key, which is sealed.
        self._restored = frozenset(self._delivery.restored(plan.sizes.keys() - encrypted, backups))
        problems = ceph_problems(self._sites.exporting, zones, staying, self._effort.concurrency)
        problems += self._problems(plan, there) + [_unsealed(one) for one in sorted(encrypted) if self._sealer is None]
        if not (snapshots or plan.adopt):
            problems.append(f"It has no snapshots on site '{primary.cloud.site}'; take them with os_cg_snapshot.")
        if problems:
            raise CheckFailed(f"Checkpoint '{self._wanted.checkpoint}' of '{self._wanted.application}' cannot be copied", problems)
        return plan

    def _known(self, snapshots: t.Sequence[Snapshot], backups: t.Sequence[Backup], there: t.Sequence[Backup]) -> set[str]:
        """Ids of the backups that the remote site can use: their objects must still exist."""
        known = {b.id for b in there if b.is_usable}
        if not self._delivery.looks_at_objects(self._sites):
            return known
        volumes = {s.volume_id for s in snapshots}
        marked = [b for b in backups if b.volume_id in volumes and b.container and APPLICATION_KEY in b.metadata]
        others = self._made_by_other_drivers(marked) if self._delivery.tolerates_other_drivers else set()
        places = {(b.container, b.volume_id) for b in marked if b.volume_id not in others}
        store = self._sites.stores.remote
        listed = each(places, lambda place: listed_backups(store, *place), self._effort.concurrency)
        return known & {b.id for b in marked if b.volume_id in others}.union(*listed)

    def _made_by_other_drivers(self, backups: t.Sequence[Backup]) -> set[str]:
        """Ids of the volumes whose newest backup another driver than Swift's made. One of each container tells it for all that are there."""
        newest = {b.volume_id: b for b in sorted(backups, key=lambda b: b.data_timestamp) if b.is_usable}
        examples = {b.container: b for b in newest.values()}
        links = each(examples.values(), lambda b: self._link(b.id, self._waiter.moving(b.size)), self._effort.concurrency)
        in_swift = {container for container, link in zip(examples, links, strict=True) if link.is_in_swift}
        return {volume_id for volume_id, b in newest.items() if b.container not in in_swift}

    def _problems(self, plan: BackupPlan, there: t.Sequence[Backup]) -> list[str]:
        """What keeps the backups from being made as planned.

        :param there: all backups of the remote site.
        """
        known = {b.id for b in there}
        sizes = [new.snapshot.size for new in plan.create]
        deleted = [backup.size for backup in plan.delete]
        imported = sizes + [backup.size for backup in plan.adopt if backup.id not in known]
        forgotten = [backup.size for backup in plan.delete if backup.id in known]
        here, there_too = self._delivery.rooms((plan.sizes[one] for one in self._restored), self._effort.concurrency, self._sites)
        problems: list[str] = []
        if sizes or here.sizes:
            problems += quota_problems(self._sites.primary, len(sizes) - len(deleted), sum(sizes) - sum(deleted), here)
        if imported or there_too.sizes:
            problems += quota_problems(self._sites.remote, len(imported) - len(forgotten), sum(imported) - sum(forgotten), there_too)
        problems += deletion_problems(plan.delete, self._sites.primary.cloud.site, there)
        problems += snapshot_problems(plan, self._sites.primary.cloud.site)
        return problems + import_problems(self._sites.importing) + self._delivery.problems(self._sites)

    # Backing up

    def back_up(self, plan: BackupPlan) -> list[Backup]:
        """Make the backups, within the limit, and wait for all of this checkpoint's.

        :raises DrError: naming the volumes whose backups failed; the others are kept for the next run.
        """
        self.changed = bool(plan.delete or plan.create)
        each(plan.delete, self._delete, self._effort.concurrency)
        start: dict[str, t.Callable[[], t.Any]] = {b.volume_id: (lambda: None) for b in plan.adopt}
        start.update({new.snapshot.volume_id: functools.partial(self._create, new) for new in plan.create})
        self._progress.begin("backing up", "volumes", len(start))
        self._volumes = frozenset(plan.sizes)
        patience = Patience(self._effort.stall_timeout, self._waiter.clock)
        watch = BackupWatch(self._written_store, self._effort.stall_timeout, self._waiter.clock)
        pipeline: Pipeline[str, Backup] = Pipeline(
            start=start,
            look=lambda volumes: patience.ask(lambda: self._look(volumes, watch), otherwise={}),
            what=lambda volume: f"the backup of volume {volume} on site '{self._sites.primary.cloud.site}'",
            size=plan.sizes.__getitem__,
        )
        return list(values_of(pipeline.run(self._effort.concurrency, self._waiter)).values())

    @property
    def _written_store(self) -> ObjectStore | None:
        """The store that the primary site's backup service writes to; None where it cannot be read."""
        if not self._delivery.looks_at_objects(self._sites):
            return None
        return self._sites.stores.remote if self._delivery.transport == SHARED else self._sites.stores.primary

    def _create(self, new: NewBackup) -> str:
        try:
            return self._sites.primary.create_backup(new.snapshot.volume_id, new.body(self._wanted))
        except CloudError as error:
            # Of a request whose answer was lost, it may be our own.
            other = self._made_meanwhile(new) if error.http_status == _REFUSED else None
            if other is None:
                raise
            raise ResourceFailed(*self._two_runs(other), resource_type="volume", resource_id=other.volume_id) from error

    def _made_meanwhile(self, new: NewBackup) -> Backup | None:
        """The backup of the same snapshot that another run with the same id has begun since this one planned."""
        mine = (b for b in self._sites.primary.backups() if self._wanted.metadata.items() <= b.metadata.items())
        return next((b for b in mine if b.snapshot_id == new.snapshot.id and (b.is_under_way or b.is_usable)), None)

    def _two_runs(self, other: Backup) -> tuple[str, str]:
        return (
            f"Another run is copying checkpoint '{self._wanted.checkpoint}' of '{self._wanted.application}' too: meanwhile it has begun backup {other.id} of "
            f"volume {other.volume_id} on site '{self._sites.primary.cloud.site}'.",
            "Let one of them finish, then re-run with the same id: it adopts what the other has made. Two checkpoints at once need two ids.",
        )

    def _look(self, volumes: t.Collection[str], watch: BackupWatch) -> dict[str, Outcome[Backup]]:
        marked = [b for b in self._sites.primary.backups() if self._wanted.metadata.items() <= b.metadata.items()]
        found = {b.volume_id: b for b in marked if b.volume_id in self._volumes}
        watch.see([found[volume] for volume in volumes if volume in found and found[volume].is_under_way])
        outcomes = {}
        for volume in volumes:
            backup = found.get(volume)
            if backup is None:
                outcomes[volume] = Outcome[Backup](error=self._failure(volume, "it vanished"))
            elif backup.is_usable:
                outcomes[volume] = Outcome(value=backup)
            elif not backup.is_under_way:
                outcomes[volume] = Outcome(error=self._failure(volume, f"{backup.status} {backup.fail_reason}".strip()))
        self._progress.at(sum(b.is_usable for b in found.values()), watch.stored)
        return outcomes

    def _failure(self, volume: str, reason: str) -> ResourceFailed:
        return ResourceFailed(
            f"The backup of volume {volume} on site '{self._sites.primary.cloud.site}' failed: {reason}.",
            "Remove the cause and re-run: finished backups are kept.",
            resource_type="volume",
            resource_id=volume,
        )

    def _delete(self, backup: Backup) -> None:
        """Delete a backup, first at the remote site: with a shared store, its record there would be left without objects."""
        self._delete_at(self._sites.remote, backup.id)
        self._delete_at(self._sites.primary, backup.id)

    def _delete_at(self, storage: BlockStorage, backup_id: str) -> None:
        found = storage.backup(backup_id)
        # An earlier run may have asked for it.
        if found and found.status != "deleting":
            storage.delete_backup(backup_id)
        what = f"the deletion of backup {backup_id} on site '{storage.cloud.site}'"
        self._waiter.until(what, lambda: storage.backup(backup_id) is None or None)

    # Getting them to the remote site

    def chains(self, backups: t.Sequence[Backup]) -> list[Chain]:
        """The backups with everything that they build on."""
        return each(backups, self._chain, self._effort.concurrency)

    def _chain(self, backup: Backup) -> Chain:
        waiter = self._waiter.moving(backup.size)
        links = [self._link(backup.id, waiter)]
        while parent := links[0].parent_id:
            if parent in {link.backup_id for link in links}:
                raise CloudError(f"The records of site '{self._sites.primary.cloud.site}' say that backup {parent} builds on itself.", _UNREADABLE)
            links.insert(0, self._link(parent, waiter))
        return Chain(backup, tuple(links))

    def _link(self, backup_id: str, waiter: Waiter) -> Link:
        what = f"the restore from backup {backup_id} on site '{self._sites.primary.cloud.site}' to end"
        link = read_link(waiter.until(what, lambda: self._effort.insist(lambda: self._exported(backup_id))))
        if link.backup_id != backup_id:
            raise CloudError(
                f"Site '{self._sites.primary.cloud.site}' exports the record of backup {link.backup_id} when asked for {backup_id}.", _UNREADABLE
            )
        return link

    def _exported(self, backup_id: str) -> BackupRecord | None:
        """Export a record; None while the backup is being restored."""
        try:
            return self._sites.exporting.export_record(backup_id)
        except CloudError:
            found = self._sites.primary.backup(backup_id)
            if found and found.is_being_restored:
                return None
            raise

    def outstanding(self, chains: t.Sequence[Chain]) -> set[str]:
        """Ids of the backups of which, or of whose base, something is missing at the remote site."""
        known = {b.id for b in self._sites.remote.backups() if b.is_usable}
        lacking = {one.location.backup_id for one in self._transport.missing([link for chain in chains for link in chain.links])}
        lacking |= self._lacking_marks(chains).keys()
        return {chain.backup.id for chain in chains if not known >= set(chain.ids) or lacking & set(chain.ids)}

    def deliver(self, chains: t.Sequence[Chain]) -> list[Copy]:
        """Bring everything to the remote site, import it, and verify it.

        :returns: the copies, as the manifest lists them.
        """
        copied = self._transport.deliver([link for chain in chains for link in chain.links])
        self._progress.begin("importing", "backups", len(chains))
        imported = each(chains, self._import, self._effort.concurrency)
        marked = self._mark(chains)
        self.changed |= bool(copied or sum(imported) or marked)
        return self.verified(chains)

    def verified(self, chains: t.Sequence[Chain]) -> list[Copy]:
        """Verify the copies, and describe them.

        :raises CloudError: naming what is wrong at the remote site.
        """
        return [
            Copy(
                volume_id=chain.backup.volume_id,
                method=CinderBackup.name,
                copy_id=chain.backup.id,
                chain=chain.ids,
                size=chain.backup.size,
                incremental=chain.backup.is_incremental,
                object_count=chain.backup.object_count,
                container=chain.backup.container,
                stored_bytes=proof.stored_bytes,
                inventory=proof.inventory,
                verified=proof.depth,
                content=self._delivery.content(chain.backup.volume_id, proof.proved_at),
                key=self._sealed_key(chain),
            )
            for chain, proof in self._verification.prove(chains, self._restored)
        ]

    def _sealed_key(self, chain: Chain) -> SealedKey | None:
        """The key of an encrypted volume, read with the owner's rights and sealed, unless it was; None where there is none."""
        volume_id, key_id = chain.backup.volume_id, key_id_of(chain.links[-1].record)
        if key_id is None:
            return None
        if self._sealer is None:
            raise ResourceFailed(_unsealed(volume_id), resource_type="volume", resource_id=volume_id)
        sealed = self._sealed.get(chain.backup.id)
        if sealed and self._sealer.has_sealed(sealed):
            return sealed
        keys = KeyManager(self._sites.primary.cloud)
        return self._sealer.seal(volume_id, self._effort.insist(lambda: keys.key(key_id)))

    def _import(self, chain: Chain) -> int:
        """Import the records of a chain.

        :returns: how many were imported.
        """
        imported = sum(self._ensure_record(link) for link in chain.links)
        self._progress.add(steps=1)
        return imported

    def _ensure_record(self, link: Link) -> int:
        waiter = dataclasses.replace(self._waiter, timeout=self._effort.stall_timeout)
        return self._effort.insist(RecordImport(self._sites, waiter, link).ensure)

    def _mark(self, chains: t.Sequence[Chain]) -> int:
        """Set the marks at the remote site, also on what the backups build on: records do not contain the metadata.

        :returns: how many were marked.
        """
        lacking = self._effort.insist(lambda: self._lacking_marks(chains))
        remote = self._sites.remote
        return len(each(lacking.items(), lambda one: self._effort.insist(lambda: remote.mark_backup(*one)), self._effort.concurrency))

    def _lacking_marks(self, chains: t.Sequence[Chain]) -> dict[str, dict[str, str]]:
        """New metadata for each record at the remote site that lacks marks, per id."""
        there = {b.id: b.metadata for b in self._sites.remote.backups()}
        marked = {b.id: {key: b.metadata[key] for key in _MARK_KEYS if key in b.metadata} for b in self._sites.primary.backups()}
        links = {one for chain in chains for one in chain.ids} & there.keys() & marked.keys()
        return {one: {**there[one], **marked[one]} for one in links if not marked[one].items() <= there[one].items()}
