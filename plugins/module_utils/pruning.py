# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing checkpoints with all that only they need, at both sites.

The manifest goes first, so that no checkpoint of the catalogue ever lacks anything; then the backups at the remote
site, then those at the primary site, each before what it builds on. Where both sites use one store, removing a backup at
one site removes its objects, and the other site's record of it is dropped after it.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .block_storage import BlockStorage
from .errors import CloudError, ManifestInvalid, ResourceFailed
from .manifest import Manifest
from .publication import Publication
from .records import Backup, Snapshot
from .retention import Policy, Retention, Surplus, decide, surplus
from .waiting import Waiter, run_all


@dataclasses.dataclass(frozen=True)
class PrunePlan:
    """:param sites: what goes at each site, the remote one first."""

    retention: Retention
    sites: tuple[tuple[BlockStorage, Surplus], ...]

    @property
    def changes(self) -> bool:
        return bool(self.retention.remove or any(one.backups or one.snapshots for _storage, one in self.sites))


class Pruning:
    """The retention of one application.

    :param primary: None to leave it alone, for example when it is gone.
    """

    def __init__(self, publication: Publication, primary: BlockStorage | None, waiter: Waiter, limit: int) -> None:
        self._publication = publication
        self._remote = publication.storage
        self._primary = primary
        self._waiter = waiter
        self._limit = limit
        #: What was to go and could not, and why.
        self.warnings: list[str] = []

    def plan(self, application: str, policy: Policy) -> PrunePlan:
        """:raises ManifestInvalid: when not all manifests can be read: nobody knows what they need."""
        known = self._remote.backups()
        retention = decide(policy, self._manifests(application), known)
        sites = [(self._remote, surplus(application, retention, known))]
        if self._primary:
            gone = surplus(application, retention, self._primary.backups(), self._primary.snapshots())
            sites.append((self._primary, gone))
        return PrunePlan(retention, tuple(sites))

    def _manifests(self, application: str) -> t.Sequence[Manifest]:
        listing = self._publication.catalogue.checkpoints(application)
        if listing.damaged:
            raise ManifestInvalid(
                f"Nothing of application '{application}' is removed, because nobody knows what these need: "
                + " ".join(one.problem for one in listing.damaged),
                "Write them anew with os_catalogue_rebuild, or remove them with os_checkpoint (state absent).",
            )
        return listing.manifests

    def carry_out(self, plan: PrunePlan) -> None:
        for manifest in plan.retention.remove:
            application, checkpoint = manifest.application.name, manifest.checkpoint.id
            self._publication.withdraw(application, checkpoint, self._publication.pieces_to_remove(application, checkpoint))
        for storage, gone in plan.sites:
            self._remove_snapshots(storage, gone.snapshots)
            self._remove_backups(storage, gone.backups)

    def _remove_backups(self, storage: BlockStorage, backups: t.Sequence[Backup]) -> None:
        """Those of one volume one after the other, the newest first; different volumes at once."""
        chains: dict[str, list[Backup]] = collections.defaultdict(list)
        for backup in backups:
            chains[backup.volume_id].append(backup)
        run_all({volume: (lambda chain=chain: self._remove_chain(storage, chain)) for volume, chain in chains.items()}, self._limit)

    def _remove_chain(self, storage: BlockStorage, newest_first: t.Sequence[Backup]) -> None:
        for backup in newest_first:
            try:
                storage.delete_backup(backup.id)
            except CloudError as error:
                if error.http_status != 400:
                    raise
                # Somebody else's increments build on it, or it is in use in this moment.
                self.warnings.append(f"{error.message} It is left alone.")
                return
            self._waiter.until(f"backup {backup.id} on site '{storage.cloud.site}' to be deleted", lambda one=backup: _is_gone(storage, one))

    def _remove_snapshots(self, storage: BlockStorage, snapshots: t.Sequence[Snapshot]) -> None:
        groups = {one.group_snapshot_id for one in snapshots if one.group_snapshot_id}
        work: dict[str, t.Callable[[], None]] = {one: (lambda one=one: storage.delete_group_snapshot(one)) for one in groups}
        work.update({s.id: (lambda s=s: storage.delete_snapshot(s.id)) for s in snapshots if not s.group_snapshot_id})
        run_all(work, self._limit)
        ids = {one.id for one in snapshots}
        what = f"the snapshots of removed checkpoints on site '{storage.cloud.site}' to be deleted"
        self._waiter.until(what, lambda: None if ids & {one.id for one in storage.snapshots()} else True)


def _is_gone(storage: BlockStorage, backup: Backup) -> bool | None:
    found = storage.backup(backup.id)
    if found is None:
        return True
    if found.status in ("error", "error_deleting"):
        raise ResourceFailed(
            f"Backup {backup.id} of volume {backup.volume_id} on site '{storage.cloud.site}' could not be deleted: "
            f"{found.fail_reason or found.status}.",
            "See the log of the site's cinder-backup and whether its object store can be reached; then prune again.",
            resource_type="backup",
            resource_id=backup.id,
        )
    return None
