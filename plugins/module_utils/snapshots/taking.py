# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One snapshot of every volume of an application, all of one moment.

Snapshots are asked for when all servers are frozen. Each server is thawed as soon as those of all its own volumes were seen available,
while others still stand still for theirs; why all are of one moment nevertheless is written where it is proved (see :mod:`.proof`).

A set of snapshots is complete or worthless: what an earlier run left incomplete is deleted and taken again. The evidence of a
complete set is kept in the snapshots' metadata (see :mod:`.evidence`), so that any later run, anywhere, can adopt it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import typing as t

from ..core import consistency, leeway
from ..core.errors import ConsistencyTooLow, DrError, ResourceFailed, WaitTimeout
from ..core.records import GroupSnapshot, ImageSnapshot, RootDisk, Server, Snapshot, Volume
from ..core.states import stands_still
from ..quiesce.window import FreezeWindow
from ..work.interruption import Interruption
from ..work.pool import attempt_each, each
from ..work.waiting import Call, Waiter, within
from .evidence import Evidence, Seen, confirmed
from .grouping import Unit
from .requests import Requests, Sight
from .seeing import Seeing
from .shortage import Shortage
from .wanted import Storages, Wanted, group_snapshots_of, snapshots_of

#: A freeze is short: ask often.
_POLL_SECONDS = 0.1
#: How often those snapshots that seem to be done are looked at, however few they are: each may be what a server stands still for.
_IMPATIENCE_SECONDS = 0.5
#: What lists may need to show what was seen before: they may come from another server of the database.
_SETTLE_SECONDS = 30


class SnapshotSet:
    """Carries out a :class:`Plan`.

    :param waiter: how long a snapshot may take; inside a window its budget counts instead.
    """

    def __init__(self, storages: Storages, wanted: Wanted, waiter: Waiter, concurrency: int) -> None:
        self._storages = storages
        self._wanted = wanted
        self._waiter = waiter
        self._clock = waiter.clock
        self._concurrency = concurrency

    def current(self) -> list[Snapshot]:
        return snapshots_of(self._storages, self._wanted)

    def _group_snapshots(self) -> list[GroupSnapshot]:
        return group_snapshots_of(self._storages, self._wanted)

    @property
    def exists(self) -> bool:
        """Whether anything of the set exists, even if only a group's snapshot without members."""
        return bool(self.current() or self._group_snapshots())

    def delete(self) -> None:
        """Delete the set, and wait until it is gone; snapshots under way are awaited first, because Cinder does not delete them.

        Images are deleted whatever becomes of them: Nova then gives up what it has begun.
        """
        each([one for one in self.current() if isinstance(one, ImageSnapshot)], self._delete, self._concurrency)
        snapshots = self._settled(self._waiter)
        groups = self._group_snapshots()
        # What an earlier run began to delete may still be under way.
        single = [s for s in snapshots if not s.group_snapshot_id and s.status != "deleting"]
        whole = [group for group in groups if group.status != "deleting"]
        found: list[Snapshot | GroupSnapshot] = [*single, *whole]
        each(found, self._delete, self._concurrency)
        if snapshots or groups:
            self._waiter.until(f"the deletion of {len(snapshots)} snapshots", self._is_gone)

    def _delete(self, one: Snapshot | GroupSnapshot) -> None:
        storage = self._storages.of(one.project_id)
        if isinstance(one, GroupSnapshot):
            storage.delete_group_snapshot(one.id)
        elif isinstance(one, ImageSnapshot):
            self._storages.images_of(one.project_id).delete(one.id)
        else:
            storage.delete_snapshot(one.id)

    def _settled(self, waiter: Waiter) -> list[Snapshot]:
        """The set's snapshots when none of them is being taken any more."""

        def settled() -> list[Snapshot] | None:
            found = self.current()
            of_all: list[Snapshot | GroupSnapshot] = [*found, *self._group_snapshots()]
            return found if all(one.status != "creating" for one in of_all) else None

        return waiter.moving(self._moved).until(f"the snapshots on site '{self._storages.site}' to be complete", settled)

    @property
    def _moved(self) -> int:
        """GiB that are moved until the images of root disks are complete."""
        return sum(disk.size for disk in self._wanted.root_disks)

    def _is_gone(self) -> bool | None:
        left = self.current()
        for snapshot in left:
            if snapshot.status == "error_deleting":
                raise ResourceFailed(
                    f"Snapshot {snapshot.id} of volume {snapshot.volume_id} on site "
                    f"'{self._storages.site}' cannot be deleted (error_deleting).",
                    "Something still depends on it; check the volume service's messages.",
                )
        return None if left or self._group_snapshots() else True

    def take(self, units: t.Sequence[Unit], window: FreezeWindow | None, seeing: Seeing, interruption: Interruption) -> Evidence:
        """Take the whole set, within a freeze window if there is one.

        If anything fails, all servers are thawed first, then the snapshots are deleted.

        :param interruption: further signals must not interrupt the cleanup.
        """
        later = [unit for unit in units if self._can_wait(unit)] if window else []
        requests = Requests([unit for unit in units if unit not in later])
        try:
            seeing.begin()
            before = seeing.standing()
            if window:
                self._take_frozen(window, requests)
                requests.want(later)
                if not requests.has_failed:
                    self._take_all(requests)
            else:
                # Others may hold their servers frozen for this.
                with leeway.hurried() if before else contextlib.nullcontext():
                    self._take_all(requests, {server_id: mark.token for server_id, mark in before.items()})
            # Before the images are complete: others hold their freezes until the snapshots are taken, and no longer.
            standing = {key: mark for key, mark in seeing.standing().items() if before.get(key) == mark}
            still = seeing.still()
            if self._wanted.root_disks and not requests.has_failed:
                # Only cut off so far, and still to be uploaded.
                self._settled(self._waiter)
            found = self._refuse_failed(requests)
            self._read_clock(found, requests)
            seen = Seen(requests.taken, units, window, standing, still, self._storages.clock)
            return self._seal(seen.evidence({key: (server, _as_told(volumes, found)) for key, (server, volumes) in self._wanted.servers.items()}))
        except BaseException:
            with interruption.shielded():
                requests.end(self._waiter.timeout)
                # What cannot be deleted now is replaced by the next run.
                attempt_each([self], SnapshotSet.delete, 1)
            raise

    def confirm(self, evidence: Evidence, thawed: t.Sequence[t.Mapping[str, t.Any]]) -> Evidence:
        """Complete the evidence of a set that was taken while somebody else held the freeze.

        :param thawed: servers as os_server_quiesce returned them.
        :raises ConsistencyTooLow: when it is less than required.
        """
        return self._seal(confirmed(evidence, thawed))

    def _can_wait(self, unit: Unit) -> bool:
        """Whether a unit need not be taken within the freeze: an image of a server that stands still is the same at any moment for which it stays so."""
        return unit.is_image and stands_still(self._wanted.servers[unit.volumes[0].id][0])

    def _take_frozen(self, window: FreezeWindow, requests: Requests) -> None:
        """Take all for which servers stand still; what is left of the set then may be taken when they are thawed."""
        asking = None
        requests.sort(self._turns(window))
        try:
            # Once the thaw is decided, what is asked for only holds it up.
            with window, requests.only_inside(), window.exposed(), leeway.hurried(window.remaining()):
                for are_images in requests.rounds:
                    if requests.has_failed or self._is_done_with_all(window, requests):
                        break
                    asking = Call(self._what, functools.partial(self._ask, requests, are_images, _tokens(window)), self._clock)
                    try:
                        self._watch(window, requests, asking)
                    except WaitTimeout as error:
                        # Said of how it is now, when the thaw is still to come.
                        raise Shortage(window, requests, self._wanted.written_by).error(self._what) from error
        except WaitTimeout:
            # Everything is thawed by now; late snapshots will do for such a policy.
            if self._wanted.least != "crash":
                raise
        if asking and not requests.has_failed:
            asking.result(self._waiter.timeout)

    def _is_done_with_all(self, window: FreezeWindow, requests: Requests) -> bool:
        """Whether there is nobody left to stand still: what is open is of servers that stand still by themselves, and may take its time."""
        volumes = self._wanted.written_by
        return all(requests.taken.keys() >= volumes[member.server.id] for member in window.members)

    def _turns(self, window: FreezeWindow) -> dict[str, int]:
        """When it is a volume's turn to be snapshotted, per volume id: whoever is to be thawed first, and has stood still for longest, comes first."""
        volumes = self._wanted.written_by
        return {one: turn for turn, member in reversed([*enumerate(window.thaw_order)]) for one in volumes[member.server.id]}

    def _watch(self, window: FreezeWindow, requests: Requests, asking: Call[None]) -> None:
        """Watch the snapshots while they are asked for and taken, and release each server as soon as nothing of it is left to be taken.

        :raises WaitTimeout: when the thaw of whoever still stands still must begin.
        """
        volumes, looked = self._wanted.written_by, self._clock.now()

        def is_done_with(server: Server) -> bool:
            return requests.taken.keys() >= volumes[server.id]

        while True:
            # What was asked for by then is seen below.
            is_asked = asking.is_over(max(_POLL_SECONDS, min(_IMPATIENCE_SECONDS, window.remaining())))
            is_impatient = self._clock.now() >= looked + _IMPATIENCE_SECONDS
            if is_asked or _is_worth_a_look(requests, volumes):
                requests.note(within(window.remaining(), self._what, functools.partial(self._look, requests, is_impatient), self._clock))
                looked = self._clock.now() if is_impatient else looked
            window.release(is_done_with)
            if is_asked:
                # Whatever it has failed with.
                asking.result(0)
            if requests.has_failed or (is_asked and requests.is_over) or self._is_done_with_all(window, requests):
                return
            if window.remaining() <= 0:
                raise WaitTimeout(f"Timed out waiting for {self._what}.")
            if is_asked:
                self._clock.sleep(_POLL_SECONDS)

    def _take_all(self, requests: Requests, tokens: t.Mapping[str, str] | None = None) -> None:
        """Take what is left of the set outside of a window of ours.

        :param tokens: of freezes that others hold, per server id.
        """
        requests.resume()
        # What was asked for before is awaited even if nothing more is to be asked for.
        for are_images in requests.rounds or (False,):
            if not requests.has_failed:
                self._ask(requests, are_images, tokens or {})
                self._await(requests)

    @property
    def _what(self) -> str:
        """What is awaited, in words for messages."""
        return f"the snapshots on site '{self._storages.site}'"

    def _ask(self, requests: Requests, are_images: bool, tokens: t.Mapping[str, str]) -> None:
        """Request all remaining snapshots of volumes, or images of root disks, in parallel.

        :param tokens: of the freezes, per server id.
        """
        waiting = [(number, unit) for number, unit in requests.waiting.items() if unit.is_image == are_images]
        each(waiting, lambda one: self._ask_for(*one, requests, tokens), self._concurrency)

    def _ask_for(self, number: int, unit: Unit, requests: Requests, tokens: t.Mapping[str, str]) -> None:
        storage, volume = self._storages.of(unit.project_id), unit.volumes[0]
        with requests.asking(number) as may_ask:
            if not may_ask:
                return
            requested = self._clock.moment()
            if unit.group:
                name = f"{self._wanted.application.name}.{self._wanted.name}"
                request_id = storage.create_group_snapshot(unit.group.id, name, self._wanted.description)
            elif isinstance(volume, RootDisk):
                images, name = self._storages.images_of(unit.project_id), self._wanted.snapshot_name(volume)
                request_id = images.create(volume, name, self._wanted.metadata, tokens.get(volume.id))
            else:
                request_id = storage.create_snapshot(volume.id, self._wanted.snapshot_name(volume), self._wanted.metadata).id
            requests.add(request_id, unit, requested)

    def _await(self, requests: Requests) -> None:
        """Wait until each of the snapshots was seen available, or one failed."""

        def is_over() -> bool | None:
            requests.note(self._look(requests))
            return True if requests.is_over else None

        dataclasses.replace(self._waiter.moving(self._moved), interval=_POLL_SECONDS).until(self._what, is_over)

    def _look(self, requests: Requests, is_impatient: bool = False) -> Sight:
        found = [self._look_in(project_id, requests, is_impatient) for project_id in requests.projects]
        found += [(self._look_at_images(project_id, requests), []) for project_id in requests.projects]
        snapshots, groups = ([one for part in parts for one in part] for parts in (zip(*found, strict=True) if found else ((), ())))
        return Sight(self._clock.moment(), snapshots, groups)

    def _look_at_images(self, project_id: str, requests: Requests) -> list[Snapshot]:
        """The images that are being made in a project."""
        images = self._storages.images_of(project_id)
        return list(each(requests.open_images_in(project_id), images.snapshot, self._concurrency))

    def _look_in(self, project_id: str, requests: Requests, is_impatient: bool) -> tuple[list[Snapshot], list[GroupSnapshot]]:
        """See what has become of the requests in a project, by as few and as short answers as possible.

        Which snapshots are being taken is the shortest of them, but no proof: they are looked at themselves when half of
        those that are left seem to be done.

        :param is_impatient: whether they are looked at also when only a few seem to be.
        """
        storage = self._storages.of(project_id)
        single, grouped = requests.open_in(project_id, False), requests.open_in(project_id, True)
        creating = storage.creating_snapshots() if single else set()
        groups = storage.group_snapshots() if grouped else []
        creating = creating | {one.id for one in groups if one.status == "creating"}
        done = {key: count for key, count in {**single, **grouped}.items() if key not in creating}
        if not is_impatient and 2 * sum(done.values()) < sum(single.values()) + sum(grouped.values()):
            return [], groups
        own = (one for one in storage.newest_snapshots() if requests.request_of(one) in done)
        return list(itertools.islice(own, sum(done.values()))), groups

    def _refuse_failed(self, requests: Requests) -> list[Snapshot]:
        """Check that each volume has exactly its snapshot; returns them."""
        found = self.current() if requests.has_failed else self._shown()
        good = {s.volume_id for s in found if s.status == "available"}
        if not requests.has_failed and len(found) == len(good) and good == set(self._wanted.volumes):
            return found
        failed = [
            f"of volume {s.volume_id}: {s.status}. {self._reason(s)}" for s in found if s.status not in ("available", "creating")
        ]
        if not requests.has_failed:
            missing = set(self._wanted.volumes) - {s.volume_id for s in found}
            failed += [f"of volume {volume_id}: it vanished." for volume_id in sorted(missing)]
        raise ResourceFailed(
            f"Snapshots on site '{self._storages.site}' failed: {' '.join(failed) or 'there are more of them than volumes.'}",
            "Check the volume service's messages for the volume (openstack volume message list); for the root disk of a server that boots from "
            "an image, the server's fault and the log of its nova-compute.",
        )

    def _read_clock(self, snapshots: t.Iterable[Snapshot], requests: Requests) -> None:
        """Read the site's time from snapshots: Cinder made each of them between the moments at which it was asked for and seen."""
        for snapshot in snapshots:
            if not isinstance(snapshot, ImageSnapshot):
                taken = requests.taken[snapshot.volume_id]
                self._storages.clock.note_record(snapshot.created_at, taken.requested.monotonic, taken.complete.monotonic)

    def _shown(self) -> list[Snapshot]:
        """The set's snapshots as soon as lists show them all, or what lists show when they had time to."""
        wanted = set(self._wanted.volumes)
        found: list[Snapshot] = []

        def all_there() -> bool | None:
            found[:] = self._settled(self._waiter)
            return True if wanted <= {one.volume_id for one in found} else None

        waiter = dataclasses.replace(self._waiter, timeout=min(self._waiter.timeout, _SETTLE_SECONDS))
        with contextlib.suppress(WaitTimeout):
            waiter.until(self._what, all_there)
        return found

    def _reason(self, snapshot: Snapshot) -> str:
        """Cinder's reason for a failure; empty when it gives none."""
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
                f"The snapshots of '{self._wanted.application.name}' are only {evidence.at_best}-consistent, but {least} is required; "
                "they were deleted. " + " ".join(reasons)
            )
        self._write(evidence)
        return evidence

    def _write(self, evidence: Evidence) -> None:
        server_of = {volume.id: member.server.id for member in self._wanted.members for volume in member.volumes}
        server_of |= {volume_id: server_id for server_id, volume_id in self._wanted.homes.items()}

        def write(snapshot: Snapshot) -> None:
            storage = self._storages.of(snapshot.project_id)
            if isinstance(snapshot, ImageSnapshot):
                evident = evidence.metadata(snapshot.volume_id, snapshot.volume_id)
                self._storages.images_of(snapshot.project_id).set_metadata(snapshot.id, {**self._wanted.metadata, **evident})
                return
            if snapshot.group_snapshot_id:
                # All members of a group snapshot have its name, and no marks.
                storage.rename_snapshot(snapshot.id, self._wanted.snapshot_name(self._wanted.volumes[snapshot.volume_id]))
            metadata = evidence.metadata(snapshot.volume_id, server_of[snapshot.volume_id])
            storage.set_snapshot_metadata(snapshot.id, {**self._wanted.metadata, **metadata})

        each(self.current(), write, self._concurrency)


def _as_told(volumes: t.Iterable[Volume], snapshots: t.Iterable[Snapshot]) -> list[Volume]:
    """The volumes, of which a root disk has the properties that Nova gave its image: by them it tells which system the server has."""
    properties = {one.volume_id: one.metadata for one in snapshots if isinstance(one, ImageSnapshot)}
    return [dataclasses.replace(one, image_metadata=properties[one.id]) if isinstance(one, RootDisk) else one for one in volumes]


def _is_worth_a_look(requests: Requests, volumes: t.Mapping[str, t.AbstractSet[str]]) -> bool:
    """Whether there is a server all of whose snapshots are asked for, and not all of them seen available.

    :param volumes: ids of the volumes of each server, per id.
    """
    asked, taken = requests.asked, requests.taken.keys()
    return any(asked >= own and not taken >= own for own in volumes.values())


def _tokens(window: FreezeWindow) -> dict[str, str]:
    """The tokens of the freezes in a window, per server id."""
    return {member.server.id: member.mark.token for member in window.members if member.mark}
