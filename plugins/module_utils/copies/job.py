# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole course of copying a checkpoint by backups, or of foreseeing it."""

from __future__ import annotations

import dataclasses
import typing as t

from ..manifest.manifest import Copy
from .plan import BackupPlan
from .replication import Replication


@dataclasses.dataclass(frozen=True)
class Copied:
    """What came of it, or would.

    :param before: ids of the volumes that had been backed up.
    :param after: those that are now, or would be.
    """

    changed: bool
    before: tuple[str, ...]
    after: tuple[str, ...]
    copies: tuple[Copy, ...]

    @property
    def diff(self) -> dict[str, t.Any]:
        return {"before": {"backed_up": list(self.before)}, "after": {"backed_up": list(self.after)}}


def carry_out(replication: Replication) -> Copied:
    """:raises DrError: when not all copies are whole at the remote site in the end; what is done is kept."""
    plan = replication.plan()
    copies = replication.deliver(replication.chains(replication.back_up(plan)))
    return _copied(plan, replication.changed, copies)


def foresee(replication: Replication) -> Copied:
    """The copies that are there already, and whether anything is left to do.

    :raises DrError: for what would end the run at once.
    """
    plan = replication.plan()
    chains = replication.chains(plan.finished)
    outstanding = replication.outstanding(chains)
    copies = replication.verified([chain for chain in chains if chain.backup.id not in outstanding])
    changes = bool(plan.create or plan.delete or outstanding or len(plan.finished) < len(plan.adopt))
    return _copied(plan, changes, copies)


def _copied(plan: BackupPlan, changed: bool, copies: t.Iterable[Copy]) -> Copied:
    before = [backup.volume_id for backup in plan.adopt]
    after = before + [new.snapshot.volume_id for new in plan.create]
    return Copied(changed, tuple(sorted(before)), tuple(sorted(after)), tuple(sorted(copies, key=lambda one: one.volume_id)))
