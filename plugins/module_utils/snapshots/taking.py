# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One snapshot of every volume of an application, all of one moment.

A set of snapshots is whole or worthless: what an earlier run left incomplete is deleted
and taken again. What is known of a whole set is kept in the snapshots' metadata (see
:mod:`snapshot_evidence`), so that any later run, anywhere, can adopt it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import typing as t

from ..application.definition import Application
from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..core import consistency
from ..core.errors import CheckFailed, ConsistencyTooLow, DrError, ResourceFailed, WaitTimeout
from ..core.records import BACKING_UP, GroupSnapshot, Server, Snapshot, Volume, marks
from ..quiesce.mark import FreezeMark
from ..quiesce.window import FreezeWindow
from ..work.clock import Moment
from ..work.interruption import Interruption
from ..work.pool import attempt_all, run_all
from ..work.waiting import Call, Waiter, within
from . import proof
from .evidence import Evidence, Seen, ServerEvidence, confirmed
from .grouping import Unit

#: A freeze is short: ask often.
_POLL_SECONDS = 0.1
#: What Cinder may need to show snapshots as available after their group snapshot is.
_SETTLE_SECONDS = 30
#: What a snapshot is that was taken and can be used, though perhaps not in this moment.
_TAKEN = ("available", BACKING_UP)


@dataclasses.dataclass(frozen=True)
class ServerVolumes:
    """A server of the application and its volumes."""

    server: Server
    tier: str
    volumes: tuple[Volume, ...]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The set that is wanted.

    :param name: of the set; in a checkpoint, its id.
    :param least: the least acceptable consistency.
    """

    application: Application
    name: str
    least: str
    members: tuple[ServerVolumes, ...]

    @property
    def volumes(self) -> dict[str, Volume]:
        """Every volume once, also one attached to several servers."""
        return {volume.id: volume for member in self.members for volume in member.volumes}

    @property
    def metadata(self) -> dict[str, str]:
        return marks(self.application.name, self.name)

    @property
    def description(self) -> str:
        """Stands in for the metadata that group snapshots do not have."""
        return json.dumps(self.metadata, sort_keys=True)

    @property
    def servers(self) -> dict[str, tuple[Server, tuple[Volume, ...]]]:
        """Servers with their volumes, per server id."""
        return {member.server.id: (member.server, member.volumes) for member in self.members}

    @property
    def homes(self) -> dict[str, str]:
        """For each server's id the volume whose snapshot carries its evidence: one that is its alone, if there is any."""
        homes: dict[str, str] = {}
        for member in sorted(self.members, key=lambda one: len(one.volumes)):
            free = [volume for volume in member.volumes if volume.id not in homes.values()]
            homes[member.server.id] = min(free or member.volumes, key=lambda volume: len(volume.attachments)).id
        return homes

    def snapshot_name(self, volume: Volume) -> str:
        return f"{self.application.name}.{self.name}.{volume.name or volume.id}"[:255]


class Storages:
    """The volumes of an application, over the projects in which its servers are."""

    def __init__(self, storages: t.Iterable[BlockStorage]) -> None:
        self.by_project = {storage.cloud.project_id: storage for storage in storages}

    def of(self, project_id: str) -> BlockStorage:
        return self.by_project[project_id]

    @property
    def site(self) -> str:
        return next(iter(self.by_project.values())).cloud.site

    def volumes(self) -> list[Volume]:
        return [volume for storage in self.by_project.values() for volume in storage.volumes()]

    def snapshots(self) -> list[Snapshot]:
        return [snapshot for storage in self.by_project.values() for snapshot in storage.snapshots()]

    def group_snapshots(self) -> list[GroupSnapshot]:
        return [snapshot for storage in self.by_project.values() for snapshot in storage.group_snapshots()]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done: nothing, or delete what is not whole and snapshot all volumes."""

    delete: tuple[Snapshot, ...]
    create: tuple[Volume, ...]

    @property
    def changed(self) -> bool:
        return bool(self.delete or self.create)


def plan_present(wanted: Wanted, current: t.Sequence[Snapshot], is_confirmed: bool = True) -> Plan:
    """Adopt a whole set that is good enough, replace any other.

    :param current: the snapshots of this set that there are.
    :param is_confirmed: whether the thaw of a freeze that others hold is at hand; else the freeze must still stand.
    """
    good = {s.volume_id for s in current if s.status in _TAKEN}
    evidence = Evidence.read(current) if len(current) == len(good) and good == set(wanted.volumes) else None
    is_known = evidence and set(wanted.servers) <= set(evidence.servers)
    if evidence and is_known and not is_confirmed and not _stand(evidence, wanted):
        evidence = None
    if evidence and is_known and consistency.satisfies(evidence.at_best, wanted.least):
        return Plan((), ())
    return Plan(tuple(current), tuple(wanted.volumes.values()))


def _stand(evidence: Evidence, wanted: Wanted) -> bool:
    """Whether the freezes whose thaw a set waits for are still there, so that it can be confirmed yet."""
    pending = [one for one in evidence.servers.values() if one.pending and one.server_id in wanted.servers]
    marks_now = {one.server_id: FreezeMark.of(wanted.servers[one.server_id][0]) for one in pending}
    return all((mark := marks_now[one.server_id]) and mark.token == one.freeze.get("token") for one in pending)


class _Requests:
    """The snapshots that were asked for, and when each was asked for and seen complete."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, bool], tuple[Unit, Moment]] = {}
        self.taken: dict[str, proof.Taken] = {}
        self._changed = threading.Condition()
        self._under_way = 0
        self._is_over = False

    @contextlib.contextmanager
    def asking(self) -> t.Iterator[None]:
        """Around every request.

        :raises WaitTimeout: when it is too late for any.
        """
        with self._changed:
            if self._is_over:
                raise WaitTimeout("It is too late to ask for a snapshot.")
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def end(self, seconds: float) -> None:
        """Let no more requests begin, and wait for the answers to those under way: what they make is there then."""
        with self._changed:
            self._is_over = True
            self._changed.wait_for(lambda: not self._under_way, seconds)

    def add(self, request_id: str, unit: Unit, requested: Moment) -> None:
        """:param unit: whose only volume, or whose group, the request was for."""
        self._open[request_id, unit.group is not None] = (unit, requested)

    @property
    def is_complete(self) -> bool:
        return not self._open

    def close(self, creating: t.Collection[str], now: Moment) -> None:
        """Note what is not being taken any more.

        :param creating: ids of the snapshots and group snapshots that are.
        """
        for key in [key for key in self._open if key[0] not in creating]:
            unit, requested = self._open.pop(key)
            self.taken.update({volume.id: proof.Taken(requested, now) for volume in unit.volumes})

    def open_in(self, are_groups: bool) -> set[str]:
        """Ids of the projects in which there are such requests open."""
        return {unit.project_id for (_id, is_group), (unit, _at) in self._open.items() if is_group == are_groups}


def snapshots_of(storages: Storages, wanted: Wanted) -> list[Snapshot]:
    """The snapshots marked with a set's application and name, themselves or by their group's snapshot."""
    mine = wanted.metadata.items()
    groups = {one.id for one in _group_snapshots_of(storages, wanted)}
    return [s for s in storages.snapshots() if mine <= s.metadata.items() or s.group_snapshot_id in groups]


def _group_snapshots_of(storages: Storages, wanted: Wanted) -> list[GroupSnapshot]:
    return [one for one in storages.group_snapshots() if one.description == wanted.description]


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
        return _group_snapshots_of(self._storages, self._wanted)

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
        work = {s.id: (lambda s=s: self._storages.of(s.project_id).delete_snapshot(s.id)) for s in single}
        work |= {g.id: (lambda g=g: self._storages.of(g.project_id).delete_group_snapshot(g.id)) for g in whole}
        run_all(work, self._concurrency)
        if snapshots or groups:
            self._waiter.until(f"the deletion of {len(snapshots)} snapshots", self._is_gone)

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
        requests = _Requests()
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

    def _take_frozen(self, units: t.Sequence[Unit], window: FreezeWindow, requests: _Requests) -> None:
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

    def _take_all(self, units: t.Sequence[Unit], requests: _Requests) -> None:
        self._start(units, requests)
        self._await(requests, dataclasses.replace(self._waiter, interval=_POLL_SECONDS))

    @property
    def _what(self) -> str:
        """What is waited for."""
        return f"the snapshots on site '{self._storages.site}'"

    def _start(self, units: t.Sequence[Unit], requests: _Requests) -> None:
        """Ask for all snapshots at once, for those of groups first: they are the fewest and take the longest."""
        groups = [unit for unit in units if unit.group]
        single = [dataclasses.replace(unit, volumes=(v,)) for unit in units if not unit.group for v in unit.volumes]
        pieces = {number: self._starter(unit, requests) for number, unit in enumerate([*groups, *single])}
        run_all(pieces, self._concurrency)

    def _starter(self, unit: Unit, requests: _Requests) -> t.Callable[[], None]:
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

    def _await(self, requests: _Requests, waiter: Waiter, left: t.Callable[[], float] | None = None) -> None:
        """Wait by as few and as short questions as possible: one for each project and kind.

        :param left: how many seconds a question may take; any number when it is not given.
        """

        def complete() -> bool | None:
            creating = within(left(), self._what, lambda: self._creating(requests)) if left else self._creating(requests)
            requests.close(creating, Moment.now())
            return True if requests.is_complete else None

        waiter.until(self._what, complete)

    def _creating(self, requests: _Requests) -> set[str]:
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

        run_all({s.id: (lambda s=s: write(s)) for s in self.current()}, self._concurrency)


class Seeing:
    """What is looked at around the snapshots of a set.

    :param compute: may show all servers of the set.
    """

    def __init__(self, compute: Compute, wanted: Wanted, concurrency: int) -> None:
        self._compute = compute
        self._servers = [member.server for member in wanted.members]
        self._concurrency = concurrency

    def standing(self) -> dict[str, FreezeMark]:
        """Freezes of os_server_quiesce that are confirmed and not being ended, per server id."""
        marked = [server for server in self._servers if FreezeMark.stands_on(server)]
        found = run_all({s.id: (lambda s=s: self._compute.server(s.id)) for s in marked}, self._concurrency)
        return {key: t.cast(FreezeMark, FreezeMark.of(one)) for key, one in found.items() if FreezeMark.stands_on(one)}

    def still_off(self) -> set[str]:
        """Ids of the servers that were shut down before the snapshots, and still are."""
        off = {server.id for server in self._servers if server.status == "SHUTOFF"}
        return {one for one in off if self._compute.server(one).status == "SHUTOFF"}


def describe(wanted: Wanted, snapshots: t.Sequence[Snapshot], evidence: Evidence) -> dict[str, t.Any]:
    """A whole set as the module returns it."""
    return {
        "name": wanted.name,
        "application": wanted.application.name,
        "consistency": evidence.whole.consistency,
        "taken_at": evidence.whole.taken,
        "skew": evidence.whole.skew,
        "window": evidence.whole.window,
        "servers": [_describe_server(member, evidence.servers[member.server.id]) for member in wanted.members],
        "snapshots": [
            {
                "id": snapshot.id,
                "name": snapshot.name,
                "volume_id": snapshot.volume_id,
                "size": snapshot.size,
                "created_at": snapshot.created_at,
                "requested_at": evidence.snapshots[snapshot.volume_id].requested,
                "complete_at": evidence.snapshots[snapshot.volume_id].complete,
                "strategy": evidence.snapshots[snapshot.volume_id].strategy,
                "backend": evidence.snapshots[snapshot.volume_id].backend,
                "reason": evidence.snapshots[snapshot.volume_id].reason,
            }
            for snapshot in sorted(snapshots, key=lambda one: (one.name, one.id))
        ],
    }


def _describe_server(member: ServerVolumes, evidence: ServerEvidence) -> dict[str, t.Any]:
    freeze = evidence.freeze
    return {
        "id": member.server.id,
        "name": member.server.name,
        "tier": member.tier,
        "consistency": evidence.consistency,
        "pending": evidence.pending,
        "reason": evidence.reason,
        "driver": freeze.get("driver"),
        "requested_at": freeze.get("requested"),
        "frozen_at": freeze.get("frozen"),
        "thawed_at": freeze.get("thawed"),
        "filesystems": freeze.get("filesystems"),
        "guard": freeze.get("guard"),
        "guard_until": freeze.get("guard_until"),
    }


def survey(application: Application, servers: t.Mapping[str, Server], storages: Storages) -> tuple[ServerVolumes, ...]:
    """The application's servers with their volumes, by one list call for each project.

    :param servers: per name in the definition.
    :raises CheckFailed: naming servers without volumes, and volumes that cannot be seen.
    """
    volumes = {volume.id: volume for volume in storages.volumes()}
    problems = [
        f"Server {servers[name].label} has no volumes; there is nothing to protect. Boot it from a volume."
        for name in application.servers
        if not servers[name].volumes
    ]
    problems += [
        f"Volume {volume_id} of server {servers[name].label} is not visible in the project on site '{storages.site}'."
        for name in application.servers
        for volume_id, _deleted in servers[name].volumes
        if volume_id not in volumes
    ]
    if problems:
        raise CheckFailed(f"The volumes of application '{application.name}' cannot be protected", problems)
    return tuple(
        ServerVolumes(servers[name], tier.name, tuple(volumes[v] for v, _deleted in servers[name].volumes))
        for tier in application.tiers
        for name in tier.servers
    )


def warnings(wanted: Wanted) -> list[str]:
    """What an operator should know although the set can be taken."""
    return [
        f"Volume {volume.label} is encrypted. Its key stays in this site's key manager, so a copy of the snapshot cannot be "
        "read at another site."
        for volume in wanted.volumes.values()
        if volume.encrypted
    ]
