# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take a set of snapshots: look, plan, check, make groups and the set itself."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..core.errors import ConsistencyTooLow
from ..core.records import RootDisk
from ..work.interruption import Interruption
from ..work.pool import attempt_each, each
from ..work.waiting import Waiter
from .check import busy_problems, permission_problems, quota_problems, sharing_problems, state_problems
from .evidence import Evidence
from .grouping import Grouping, Unit, image_units, policy_problems
from .plan import SnapshotPlan, plan_present
from .taking import SnapshotSet
from .volume_groups import VolumeGroups, look
from .wanted import Storages, Wanted

#: How often a change of a volume group is asked after.
_GROUP_POLL_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class GroupingOptions:
    """How the volumes of a set are grouped.

    :param policy: one of :data:`grouping.POLICIES`.
    :param group_type: name of the group type for groups that are made; None for any that fits.
    """

    policy: str
    group_type: str | None = None


class SnapshotJob:
    """A set of snapshots and the volume groups that it needs.

    :param admin: the same cloud as an administrator, to whom backends are shown; None when there is none.
    :param waiter: how long any one resource may take.
    """

    def __init__(
        self,
        storages: Storages,
        admin: BlockStorage | None,
        wanted: Wanted,
        options: GroupingOptions,
        waiter: Waiter,
        concurrency: int,
    ) -> None:
        self._storages = storages
        self._admin = admin
        self._wanted = wanted
        self._options = options
        self._concurrency = concurrency
        self._clock = waiter.clock
        #: Seconds in which Cinder has answered a request for a snapshot, once it was asked for its permission.
        self.answer: float | None = None
        self.snapshots = SnapshotSet(storages, wanted, waiter, concurrency)
        name, patience = wanted.application.name, dataclasses.replace(waiter, interval=_GROUP_POLL_SECONDS)
        self._groups = {
            key: VolumeGroups(storage, name, patience) for key, storage in storages.by_project.items()
        }

    def plan(self, is_confirmed: bool) -> SnapshotPlan:
        """Plan what is done about the set.

        :param is_confirmed: whether the thaw of a freeze that others hold was given; otherwise the freeze must still hold.
        """
        return plan_present(self._wanted, self.snapshots.current(), is_confirmed)

    def units(self) -> list[Unit]:
        """What would be snapshotted together now."""
        found = each(self._storages.by_project, self._units_of, self._concurrency)
        return [*(unit for units in found for unit in units), *image_units(self._wanted.root_disks)]

    def _units_of(self, project_id: str) -> list[Unit]:
        landscape = look(self._storages.of(project_id), self._admin)
        grouping = Grouping(landscape, self._wanted.application.name, self._options.policy, self._options.group_type)
        volumes = (one for one in self._wanted.volumes.values() if not isinstance(one, RootDisk))
        return grouping.units(one for one in volumes if one.project_id == project_id)

    def problems(self, plan: SnapshotPlan, units: t.Sequence[Unit], thaws_leftovers: bool = False) -> list[str]:
        """Everything that would foreseeably make the run fail.

        :param thaws_leftovers: whether what an earlier run left paused is thawed before the snapshots.
        """
        return [
            *state_problems(self._wanted, thaws_leftovers),
            *busy_problems(plan, self._storages.site),
            *sharing_problems(self._wanted),
            *policy_problems(units, self._options.policy),
            *quota_problems(plan, self._storages, units),
            *self._permission_problems(plan),
        ]

    def _permission_problems(self, plan: SnapshotPlan) -> list[str]:
        asked = self._clock.now()
        found = permission_problems(plan, self._storages, self._concurrency)
        self.answer = self._clock.now() - asked
        return found

    def warm_up(self, seconds: int) -> None:
        """Log in and query once before a freeze window, so that nothing has to log in inside it.

        :param seconds: that the window may take.
        """
        for storage in self._storages.by_project.values():
            storage.cloud.warm_up(seconds)
            storage.creating_snapshots()

    @contextlib.contextmanager
    def whole_or_nothing(self, interruption: Interruption) -> t.Iterator[None]:
        """Remove the groups that were made for the set when anything inside fails: put all from :meth:`prepare` to the end inside."""
        try:
            yield
        except BaseException:
            with interruption.shielded():
                attempt_each(self._groups.values(), VolumeGroups.dissolve, self._concurrency)
            raise

    def confirm(self, evidence: Evidence, thawed: t.Sequence[t.Mapping[str, t.Any]]) -> Evidence:
        """Complete the evidence of a set that was taken while somebody else held the freeze.

        :raises ConsistencyTooLow: when it is less than is asked for; the set is deleted then.
        """
        try:
            return self.snapshots.confirm(evidence, thawed)
        except ConsistencyTooLow:
            self.delete()
            raise

    def prepare(self, units: t.Sequence[Unit]) -> list[Unit]:
        """Make the groups that the units need; returns the units that are possible."""
        insist = self._options.policy in ("generic", "consistent")

        def prepare(project_id: str) -> list[Unit]:
            return self._groups[project_id].prepare([unit for unit in units if unit.project_id == project_id and not unit.is_image], insist)

        prepared = each(self._groups, prepare, self._concurrency)
        return [*(unit for found in prepared for unit in found), *(unit for unit in units if unit.is_image)]

    def delete(self) -> None:
        """Delete the set, and the groups that nothing needs any more."""
        self.snapshots.delete()
        self._dissolve()

    def _dissolve(self) -> None:
        each(self._groups.values(), VolumeGroups.dissolve, self._concurrency)
