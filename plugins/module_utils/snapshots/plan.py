# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan what is done about a set of snapshots. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core import consistency
from ..core.records import BACKING_UP, Snapshot, Volume
from ..quiesce.mark import FreezeMark
from .evidence import Evidence
from .wanted import Wanted

#: What a snapshot is that was taken and can be used, though perhaps not at the moment.
_TAKEN = ("available", BACKING_UP)


@dataclasses.dataclass(frozen=True)
class SnapshotPlan:
    """What is to be done: nothing, or delete an incomplete set and snapshot all volumes."""

    delete: tuple[Snapshot, ...]
    create: tuple[Volume, ...]

    @property
    def changed(self) -> bool:
        return bool(self.delete or self.create)


def plan_present(wanted: Wanted, current: t.Sequence[Snapshot], is_confirmed: bool = True) -> SnapshotPlan:
    """Adopt a complete set that is consistent enough, replace any other.

    :param current: the existing snapshots of this set.
    :param is_confirmed: whether the thaw of somebody else's freeze has been given; otherwise the freeze must still hold.
    """
    good = {s.volume_id: s.size for s in current if s.status in _TAKEN}
    # A volume that was extended since is larger than its snapshot, so that no description of it fits both.
    is_complete = len(current) == len(good) and good == {volume.id: volume.size for volume in wanted.volumes.values()}
    evidence = Evidence.read(current) if is_complete else None
    is_known = evidence and set(wanted.servers) <= set(evidence.servers)
    if evidence and is_known and not is_confirmed and not _stand(evidence, wanted):
        evidence = None
    if evidence and is_known and consistency.satisfies(evidence.at_best, wanted.least):
        return SnapshotPlan((), ())
    return SnapshotPlan(tuple(current), tuple(wanted.volumes.values()))


def _stand(evidence: Evidence, wanted: Wanted) -> bool:
    """Whether the freezes whose thaw a set waits for still hold, so that the thaw can still be confirmed."""
    pending = [one for one in evidence.servers.values() if one.pending and one.server_id in wanted.servers]
    marks_now = {one.server_id: FreezeMark.of(wanted.servers[one.server_id][0]) for one in pending}
    return all((mark := marks_now[one.server_id]) and mark.token == one.freeze.get("token") for one in pending)
