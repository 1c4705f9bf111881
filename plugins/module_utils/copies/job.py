# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy a checkpoint, or predict what that would do: its volumes by backups or by what storage mirrors, its other root disks by images."""

from __future__ import annotations

import typing as t

from ..manifest.manifest import Copy
from ..work.progress import Progress
from ..work.waiting import Waiter
from .image_copying import ImageCopying
from .method import Copied, Copying
from .mirroring import Mirroring
from .options import ReplicationOptions
from .plan import BackupPlan
from .replication import Replication
from .sites import Sites


class BackupCopying(Copying):
    def __init__(self, replication: Replication) -> None:
        self._replication = replication

    @property
    def has_volumes(self) -> bool:
        return self._replication.has_volumes

    def check(self) -> None:
        self._replication.plan()

    def carry_out(self) -> Copied:
        plan = self._replication.plan()
        copies = self._replication.deliver(self._replication.chains(self._replication.back_up(plan)))
        return _copied(plan, self._replication.changed, copies)

    def foresee(self) -> Copied:
        plan = self._replication.plan()
        chains = self._replication.chains(plan.finished)
        outstanding = self._replication.outstanding(chains)
        copies = self._replication.verified([chain for chain in chains if chain.backup.id not in outstanding])
        changes = bool(plan.create or plan.delete or outstanding or len(plan.finished) < len(plan.adopt))
        return _copied(plan, changes, copies)


class CheckpointCopying(Copying):
    """Copies everything of a checkpoint, each part by the method for it."""

    def __init__(self, volumes: BackupCopying | Mirroring, images: ImageCopying) -> None:
        parts: list[Copying] = [images] if images.has_images else []
        # A checkpoint without anything is for the copying of volumes to refuse.
        if not parts or volumes.has_volumes:
            parts.insert(0, volumes)
        self._parts = parts

    @classmethod
    def of(cls, sites: Sites, options: ReplicationOptions, waiter: Waiter, progress: Progress) -> CheckpointCopying:
        images = ImageCopying(sites, options, waiter, progress)
        if options.mirror:
            return cls(Mirroring(sites, options, options.mirror, waiter, progress), images)
        return cls(BackupCopying(Replication(sites, options, waiter, progress)), images)

    def check(self) -> None:
        for part in self._parts:
            part.check()

    def carry_out(self) -> Copied:
        if len(self._parts) > 1:
            # None of them may find out after another has begun.
            self.check()
        return _together([part.carry_out() for part in self._parts])

    def foresee(self) -> Copied:
        return _together([part.foresee() for part in self._parts])


def _together(parts: t.Sequence[Copied]) -> Copied:
    return Copied(
        any(part.changed for part in parts),
        tuple(sorted(one for part in parts for one in part.before)),
        tuple(sorted(one for part in parts for one in part.after)),
        tuple(sorted((copy for part in parts for copy in part.copies), key=lambda one: one.volume_id)),
    )


def _copied(plan: BackupPlan, changed: bool, copies: t.Iterable[Copy]) -> Copied:
    before = [backup.volume_id for backup in plan.adopt]
    after = before + [new.snapshot.volume_id for new in plan.create]
    return Copied(changed, tuple(sorted(before)), tuple(sorted(after)), tuple(sorted(copies, key=lambda one: one.volume_id)))
