# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy a checkpoint by backups, or predict what that would do."""

from __future__ import annotations

import typing as t

from ..manifest.manifest import Copy
from .method import Copied, Copying
from .plan import BackupPlan
from .replication import Replication


class BackupCopying(Copying):
    def __init__(self, replication: Replication) -> None:
        self._replication = replication

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


def _copied(plan: BackupPlan, changed: bool, copies: t.Iterable[Copy]) -> Copied:
    before = [backup.volume_id for backup in plan.adopt]
    after = before + [new.snapshot.volume_id for new in plan.create]
    return Copied(changed, tuple(sorted(before)), tuple(sorted(after)), tuple(sorted(copies, key=lambda one: one.volume_id)))
