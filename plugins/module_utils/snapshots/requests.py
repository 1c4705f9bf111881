# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot requests of a set: which are made, and what was seen of their results.

A snapshot is taken when it was seen available, by its own id. That a list does not name it among those being taken
proves nothing: a list may lag behind what was just asked for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import threading
import typing as t

from ..core.records import GroupSnapshot, ImageSnapshot, Snapshot
from ..work.clock import Moment
from . import proof
from .grouping import Unit

_AVAILABLE = "available"


@dataclasses.dataclass(frozen=True)
class Sight:
    """What a cloud showed of a set.

    :param at: after its last answer.
    """

    at: Moment
    snapshots: t.Sequence[Snapshot]
    groups: t.Sequence[GroupSnapshot]


def pieces_of(units: t.Iterable[Unit]) -> list[Unit]:
    """Split units into single requests, groups first: they are the fewest and take the longest."""
    groups = [unit for unit in units if unit.group]
    return [*groups, *(dataclasses.replace(unit, volumes=(one,)) for unit in units if not unit.group for one in unit.volumes)]


class Requests:
    """The requests for a set, and when each was made and its snapshots were seen available.

    :param units: what is to be snapshotted.
    """

    def __init__(self, units: t.Sequence[Unit]) -> None:
        self._waiting: dict[int, Unit] = {}
        self._pieces = self._volumes = 0
        self.want(units)
        self._open: dict[tuple[str, bool], tuple[Unit, Moment]] = {}
        self.taken: dict[str, proof.Taken] = {}
        #: Whether any of the snapshots came to nothing.
        self.has_failed = False
        self._changed = threading.Condition()
        self._under_way = 0
        self._is_stopped = False

    # Asking

    def want(self, units: t.Sequence[Unit]) -> None:
        """Want more to be snapshotted."""
        pieces = pieces_of(units)
        self._waiting.update(enumerate(pieces, self._pieces))
        self._pieces += len(pieces)
        self._volumes += sum(len(unit.volumes) for unit in units)

    def sort(self, turns: t.Mapping[str, int]) -> None:
        """Ask in this order from now on, but for groups first.

        :param turns: when it is a volume's turn, per volume id; the others come last.
        """

        def turn(item: tuple[int, Unit]) -> tuple[bool, float]:
            _number, unit = item
            return unit.group is None, min(turns.get(volume.id, math.inf) for volume in unit.volumes)

        self._waiting = dict(sorted(self._waiting.items(), key=turn))

    @property
    def waiting(self) -> dict[int, Unit]:
        """Units that are not requested yet, per number."""
        return dict(self._waiting)

    @property
    def rounds(self) -> tuple[bool, ...]:
        """Whether images are asked for, round by round: Nova has a task for a server while it makes an image, and takes no part in snapshots then."""
        return tuple(sorted({unit.is_image for unit in self._waiting.values()}))

    @contextlib.contextmanager
    def asking(self, number: int) -> t.Iterator[bool]:
        """Wrap a request; yields whether it may still be made. After a failure no more are, because the set cannot be complete."""
        with self._changed:
            may_ask = not self._is_stopped
            if may_ask:
                del self._waiting[number]
                self._under_way += 1
        try:
            yield may_ask
        except BaseException:
            self.stop()
            raise
        finally:
            if may_ask:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()

    @contextlib.contextmanager
    def only_inside(self) -> t.Iterator[None]:
        """Allow no request once what is inside has ended, even by an error."""
        try:
            yield
        finally:
            self.stop()

    def stop(self) -> None:
        """Allow no more requests."""
        with self._changed:
            self._is_stopped = True

    def resume(self) -> None:
        """Allow requests again."""
        with self._changed:
            self._is_stopped = False

    def end(self, seconds: float) -> None:
        """Allow no more requests, and wait for the answers to those under way, so that what they make exists."""
        self.stop()
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, seconds)

    def add(self, request_id: str, unit: Unit, requested: Moment) -> None:
        """Note a request that the cloud accepted.

        :param unit: whose only volume, or whose group, the request was for.
        """
        with self._changed:
            self._open[request_id, unit.group is not None] = (unit, requested)

    # Seeing

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to wait for."""
        return self.has_failed or not self._open

    @property
    def asked(self) -> set[str]:
        """Ids of the volumes whose snapshots the cloud has accepted to take."""
        return {volume.id for unit, _requested in self._open_now().values() for volume in unit.volumes} | set(self.taken)

    @property
    def projects(self) -> set[str]:
        """Ids of the projects in which snapshots are being taken."""
        return {unit.project_id for unit, _requested in self._open_now().values()}

    def open_in(self, project_id: str, are_groups: bool) -> dict[str, int]:
        """How many snapshots each request to a project's Cinder stands for that is not seen available yet, per id."""
        return {
            one: len(unit.volumes)
            for (one, is_group), (unit, _requested) in self._open_now().items()
            if is_group == are_groups and unit.project_id == project_id and not unit.is_image
        }

    def open_images_in(self, project_id: str) -> list[str]:
        """Ids of a project's images whose data were not seen to be in Glance's hands yet."""
        return [one for (one, _is_group), (unit, _requested) in self._open_now().items() if unit.is_image and unit.project_id == project_id]

    def request_of(self, snapshot: Snapshot) -> str | None:
        """Id of the request that a snapshot was wanted with; None when nobody waits for it, as in a group with a foreign volume."""
        made = self._open_now()
        if (snapshot.id, False) in made:
            return snapshot.id
        unit, _requested = made.get((snapshot.group_snapshot_id or "", True), (None, None))
        return snapshot.group_snapshot_id if unit and snapshot.volume_id in {volume.id for volume in unit.volumes} else None

    def note(self, sight: Sight) -> None:
        """Note what a cloud showed."""
        by_id = {one.id: _AVAILABLE if _is_taken(one) else one.status for one in sight.snapshots}
        groups = {one.id: one.status for one in sight.groups}
        for (request_id, is_group), (unit, requested) in self._open_now().items():
            if is_group:
                statuses = [groups.get(request_id), *_members(sight, request_id, unit)]
            else:
                statuses = [by_id.get(request_id)]
            if all(status == _AVAILABLE for status in statuses):
                del self._open[request_id, is_group]
                self.taken.update({volume.id: proof.Taken(requested, sight.at) for volume in unit.volumes})
            self.has_failed |= any(status is not None and status.startswith("error") for status in statuses)

    def _open_now(self) -> dict[tuple[str, bool], tuple[Unit, Moment]]:
        with self._changed:
            return dict(self._open)

    # Telling

    def progress(self) -> str:
        """How far the set is, in volumes."""
        waiting = sum(len(unit.volumes) for unit in self.waiting.values())
        being_taken = self._volumes - waiting - len(self.taken)
        return f"{len(self.taken)} snapshots were complete, {being_taken} being taken, and {waiting} not requested yet"


def _is_taken(snapshot: Snapshot) -> bool:
    """Whether nothing that is written from now on can get into a snapshot; what Glance is given of an image has been cut off before."""
    return snapshot.status == _AVAILABLE or (isinstance(snapshot, ImageSnapshot) and snapshot.is_cut)


def _members(sight: Sight, group_snapshot_id: str, unit: Unit) -> list[str | None]:
    """Statuses of the snapshots of a group's volumes; None for one that does not show."""
    found = {one.volume_id: one.status for one in sight.snapshots if one.group_snapshot_id == group_snapshot_id}
    return [found.get(volume.id) for volume in unit.volumes]
