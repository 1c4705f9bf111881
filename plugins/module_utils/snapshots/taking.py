# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One snapshot of every volume of an application, all of one moment.

A set of snapshots is whole or worthless: what an earlier run left incomplete is deleted
and taken again. What is known of a whole set is kept in the snapshots' metadata (see
:mod:`.evidence`), so that any later run, anywhere, can adopt it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core import consistency
from ..core.errors import ConsistencyTooLow, DrError, ResourceFailed, WaitTimeout
from ..core.records import GroupSnapshot, Snapshot
from ..quiesce.window import FreezeWindow
from ..work.clock import Moment
from ..work.interruption import Interruption
from ..work.pool import attempt_all, each, run_all
from ..work.waiting import Call, Waiter, within
from .evidence import Evidence, Seen, confirmed
from .grouping import Unit
from .requests import Requests
from .seeing import Seeing
from .wanted import Storages, Wanted, group_snapshots_of, snapshots_of

#: A freeze is short: ask often.
_POLL_SECONDS = 0.1
#: What Cinder may need to show snapshots as available after their group snapshot is.
_SETTLE_SECONDS = 30


class SnapshotSet:
    """Carries out a :class:`Plan`.

    :param waiter: how long a snapshot may take; inside a window its budget counts instead.
    """

    def __init__(self, storages: Storages, wanted: Wanted, waiter: Waiter, concurrency: int) -> None:
        self._storages = storages
        self._wanted = wanted
        self._waiter = waiter
        self._concurrency = concurrency

    def current(self) -> list[Snapshot]:
        return snapshots_of(self._storages, self._wanted)

    def _group_snapshots(self) -> list[GroupSnapshot]:
        return group_snapshots_of(self._storages, self._wanted)

    @property
    def exists(self) -> bool:
        """Whether there is anything of the set, be it only a group's snapshot without members."""
        return bool(self.current() or self._group_snapshots())

    def delete(self) -> None:
        """Delete what there is of the set, and wait until it is gone. Cinder deletes nothing that is being taken."""
        snapshots = self._settled(self._waiter)
        groups = self._group_snapshots()
        # What an earlier run began to delete may still be under way.
        single = [s for s in snapshots if not s.group_snapshot_id and s.status != "deleting"]
        whole = [group for group in groups if group.status != "deleting"]
        each([*single, *whole], self._delete, self._concurrency)
        if snapshots or groups:
            self._waiter.until(f"the deletion of {len(snapshots)} snapshots", self._is_gone)

    def _delete(self, one: Snapshot | GroupSnapshot) -> None:
        storage = self._storages.of(one.project_id)
        if isinstance(one, GroupSnapshot):
            storage.delete_group_snapshot(one.id)
        else:
            storage.delete_snapshot(one.id)

    def _settled(self, waiter: Waiter) -> list[Snapshot]:
        """The set's snapshots when none of them is being taken any more."""

        def settled() -> list[Snapshot] | None:
            found = self.current()
            of_all = [*found, *self._group_snapshots()]
            return found if all(one.status != "creating" for one in of_all) else None

        return waiter.until(f"the snapshots on site '{self._storages.site}' to be complete", settled)

    def _is_gone(self) -> bool | None:
        left = self.current()
        for snapshot in left:
            if snapshot.status == "error_deleting":
                raise ResourceFailed(
                    f"Snapshot {snapshot.id} of volume {snapshot.volume_id} on site "
                    f"'{self._storages.site}' cannot be deleted (error_deleting).",
                    "Something still depends on it; look at the volume service's messages.",
                )
        return None if left or self._group_snapshots() else True

    def take(self, units: t.Sequence[Unit], window: FreezeWindow | None, seeing: Seeing, interruption: Interruption) -> Evidence:
        """Take the whole set, within a freeze window if there is one.

        Whatever goes wrong: first everything is thawed, then what was made is deleted.

        :param interruption: who cancels a job may signal more than once; that must not stop the cleaning up.
        """
        requests = Requests()
        try:
            before = seeing.standing()
            if window:
                self._take_frozen(units, window, requests)
            else:
                self._take_all(units, requests)
            self._refuse_failed()
            standing = {key: mark for key, mark in seeing.standing().items() if before.get(key) == mark}
            seen = Seen(requests.taken, units, window, standing, seeing.still_off())
            return self._seal(seen.evidence(self._wanted.servers))
        except BaseException:
            with interruption.shielded():
                requests.end(self._waiter.timeout)
                # What cannot be deleted now is replaced by the next run.
                attempt_all({"delete": self.delete}, 1)
            raise

    def confirm(self, evidence: Evidence, thawed: t.Sequence[t.Mapping[str, t.Any]]) -> Evidence:
        """Complete the evidence of a set that was taken while somebody else held the freeze.

        :param thawed: servers as os_server_quiesce returned them.
        :raises ConsistencyTooLow: when it is less than is asked for.
        """
        return self._seal(confirmed(evidence, thawed))

    def _take_frozen(self, units: t.Sequence[Unit], window: FreezeWindow, requests: Requests) -> None:
        try:
            with window:
                asking = Call(self._what, lambda: self._start(units, requests))
                asking.result(window.remaining())
                waiter = Waiter(timeout=max(window.remaining(), 0), interval=_POLL_SECONDS, clock=self._waiter.clock)
                self._await(requests, waiter, window.remaining)
        except WaitTimeout:
            if self._wanted.least != "crash":
                raise
            # Everything is thawed by now; late snapshots will do for such a policy.
            asking.result(self._waiter.timeout)
            self._await(requests, self._waiter)

    def _take_all(self, units: t.Sequence[Unit], requests: Requests) -> None:
        self._start(units, requests)
        self._await(requests, dataclasses.replace(self._waiter, interval=_POLL_SECONDS))

    @property
    def _what(self) -> str:
        """What is waited for."""
        return f"the snapshots on site '{self._storages.site}'"

    def _start(self, units: t.Sequence[Unit], requests: Requests) -> None:
        """Ask for all snapshots at once, for those of groups first: they are the fewest and take the longest."""
        groups = [unit for unit in units if unit.group]
        single = [dataclasses.replace(unit, volumes=(v,)) for unit in units if not unit.group for v in unit.volumes]
        pieces = {number: self._starter(unit, requests) for number, unit in enumerate([*groups, *single])}
        run_all(pieces, self._concurrency)

    def _starter(self, unit: Unit, requests: Requests) -> t.Callable[[], None]:
        storage, volume, group = self._storages.of(unit.project_id), unit.volumes[0], unit.group
        name = f"{self._wanted.application.name}.{self._wanted.name}" if group else self._wanted.snapshot_name(volume)

        def start() -> None:
            with requests.asking():
                requested = Moment.now()
                if group:
                    request_id = storage.create_group_snapshot(group.id, name, self._wanted.description)
                else:
                    request_id = storage.create_snapshot(volume.id, name, self._wanted.metadata).id
                requests.add(request_id, unit, requested)

        return start

    def _await(self, requests: Requests, waiter: Waiter, left: t.Callable[[], float] | None = None) -> None:
        """Wait by as few and as short questions as possible: one for each project and kind.

        :param left: how many seconds a question may take; any number when it is not given.
        """

        def complete() -> bool | None:
            creating = within(left(), self._what, lambda: self._creating(requests)) if left else self._creating(requests)
            requests.close(creating, Moment.now())
            return True if requests.is_complete else None

        waiter.until(self._what, complete)

    def _creating(self, requests: Requests) -> set[str]:
        creating = {one for key in requests.open_in(False) for one in self._storages.of(key).creating_snapshots()}
        of_groups = [one for key in requests.open_in(True) for one in self._storages.of(key).group_snapshots()]
        return creating | {one.id for one in of_groups if one.status == "creating"}

    def _refuse_failed(self) -> None:
        """See that each of the volumes has its snapshot, and no other."""
        found = self._settled(dataclasses.replace(self._waiter, timeout=min(self._waiter.timeout, _SETTLE_SECONDS)))
        good = {s.volume_id for s in found if s.status == "available"}
        if len(found) == len(good) and good == set(self._wanted.volumes):
            return
        failed = [f"of volume {s.volume_id}: {s.status}. {self._reason(s)}" for s in found if s.volume_id not in good]
        missing = set(self._wanted.volumes) - {s.volume_id for s in found}
        failed += [f"of volume {volume_id}: it vanished." for volume_id in sorted(missing)]
        raise ResourceFailed(
            f"Snapshots on site '{self._storages.site}' failed: {' '.join(failed) or 'there are more of them than volumes.'}",
            "Look at the volume service's messages for the volume (openstack volume message list).",
        )

    def _reason(self, snapshot: Snapshot) -> str:
        """What Cinder says of a failure; that it says nothing must not hide the failure."""
        try:
            return self._storages.of(snapshot.project_id).failure_reason(snapshot.id)
        except DrError:
            return ""

    def _seal(self, evidence: Evidence) -> Evidence:
        """Refuse a consistency that is too low, and write the evidence."""
        least = self._wanted.least
        if not consistency.satisfies(evidence.at_best, least):
            labels = {key: server.name for key, (server, _volumes) in self._wanted.servers.items()}
            reasons = [f"{labels[key]}: {one.at_best} ({one.reason})." for key, one in evidence.servers.items()]
            raise ConsistencyTooLow(
                f"The snapshots of '{self._wanted.application.name}' are only {evidence.at_best}-consistent, "
                f"and {least} is asked for; they were deleted. " + " ".join(reasons)
            )
        self._write(evidence)
        return evidence

    def _write(self, evidence: Evidence) -> None:
        server_of = {volume.id: member.server.id for member in self._wanted.members for volume in member.volumes}
        server_of |= {volume_id: server_id for server_id, volume_id in self._wanted.homes.items()}

        def write(snapshot: Snapshot) -> None:
            storage = self._storages.of(snapshot.project_id)
            if snapshot.group_snapshot_id:
                # All members of a group snapshot bear its name, and no marks.
                storage.rename_snapshot(snapshot.id, self._wanted.snapshot_name(self._wanted.volumes[snapshot.volume_id]))
            metadata = evidence.metadata(snapshot.volume_id, server_of[snapshot.volume_id])
            storage.set_snapshot_metadata(snapshot.id, {**self._wanted.metadata, **metadata})

        each(self.current(), write, self._concurrency)
