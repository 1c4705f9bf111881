# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One snapshot of every volume of an application, all of one moment.

A set of snapshots is whole or worthless: what an earlier run left incomplete is deleted
and taken again. What is known of a whole set is kept in the snapshots' metadata, so that
any later run, anywhere, can adopt it.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from . import consistency
from .application import Application
from .block_storage import BlockStorage
from .compute import Compute
from .errors import CheckFailed, ConsistencyTooLow, ResourceFailed
from .freeze_window import FreezeWindow, Member, Moment
from .interruption import Interruption
from .records import Server, Snapshot, Volume, marks
from .waiting import Waiter, attempt_all, run_all

_SERVER_EVIDENCE = "osdr_server"
_FREEZE_EVIDENCE = "osdr_frozen"
_SET_EVIDENCE = "osdr_set"
_FAILED = ("error", "error_deleting", "deleting", "unmanaging")
#: A freeze is short: ask often.
_POLL_SECONDS = 0.2


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

    def snapshot_name(self, volume: Volume) -> str:
        return f"{self.application.name}.{self.name}.{volume.name or volume.id}"[:255]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done: nothing, or delete what is not whole and snapshot all volumes."""

    delete: tuple[Snapshot, ...]
    create: tuple[Volume, ...]

    @property
    def changed(self) -> bool:
        return bool(self.delete or self.create)


def plan_present(wanted: Wanted, current: t.Sequence[Snapshot]) -> Plan:
    """Adopt a whole set, replace one that is not.

    :param current: the snapshots marked with the set's name.
    """
    whole = {s.volume_id for s in current if s.status == "available" and _SET_EVIDENCE in s.metadata}
    if len(current) == len(wanted.volumes) and whole == set(wanted.volumes):
        return Plan((), ())
    return Plan(tuple(current), tuple(wanted.volumes.values()))


def quota_problems(plan: Plan, storage: BlockStorage) -> list[str]:
    """What the project's quotas do not allow, counting what the plan deletes first."""
    quotas = storage.quotas()
    needs = {
        "snapshots": len(plan.create) - len(plan.delete),
        "gigabytes": sum(v.size for v in plan.create) - sum(s.size for s in plan.delete),
    }
    return [
        f"The quota '{name}' of the project on site '{storage.cloud.site}' is {missing} too small: "
        f"{needed} more are needed, {quotas[name].in_use} of {quotas[name].limit} are in use. Raise it."
        for name, needed in needs.items()
        if (missing := quotas[name].shortfall(needed))
    ]


def state_problems(wanted: Wanted) -> list[str]:
    """Servers and volumes that are in no state to be snapshotted."""
    problems = [
        f"Server {member.server.label} is {member.server.status}"
        + (f" ({member.server.task_state})" if member.server.task_state else "")
        + "; it must be ACTIVE or SHUTOFF with nothing going on."
        for member in wanted.members
        if member.server.status not in ("ACTIVE", "SHUTOFF") or member.server.task_state
    ]
    problems += [
        f"Volume {volume.label} is {volume.status}; it must be in-use or available."
        for volume in wanted.volumes.values()
        if volume.status not in ("in-use", "available")
    ]
    return problems


class SnapshotSet:
    """Carries out a :class:`Plan`.

    :param waiter: how long a snapshot may take; inside a window its budget counts instead.
    """

    def __init__(self, storage: BlockStorage, wanted: Wanted, waiter: Waiter, concurrency: int) -> None:
        self._storage = storage
        self._wanted = wanted
        self._waiter = waiter
        self._concurrency = concurrency

    def current(self) -> list[Snapshot]:
        """The snapshots marked with this set's application and name."""
        mine = self._wanted.metadata.items()
        return [s for s in self._storage.snapshots() if mine <= s.metadata.items()]

    def delete(self, snapshots: t.Sequence[Snapshot]) -> None:
        """Delete, and wait until they are gone."""
        ids = {snapshot.id for snapshot in snapshots}
        work = {one: (lambda one=one: self._storage.delete_snapshot(one)) for one in ids}
        run_all(work, self._concurrency)

        def gone() -> bool | None:
            left = [s for s in self.current() if s.id in ids]
            for snapshot in left:
                if snapshot.status == "error_deleting":
                    raise ResourceFailed(
                        f"Snapshot {snapshot.id} of volume {snapshot.volume_id} on site "
                        f"'{self._storage.cloud.site}' cannot be deleted (error_deleting).",
                        "Something still depends on it; look at the volume service's messages.",
                    )
            return None if left else True

        if ids:
            self._waiter.until(f"the deletion of {len(ids)} snapshots", gone)

    def take(self, window: FreezeWindow | None, compute: Compute, interruption: Interruption) -> dict[str, t.Any]:
        """Take the whole set, within a freeze window if there is one.

        Whatever goes wrong: first everything is thawed, then what was made is deleted.

        :param compute: tells whether servers that were shut down have stayed so.
        :param interruption: who cancels a job may signal more than once; that must not stop the cleaning up.
        :returns: the set as :func:`describe` has it.
        """
        try:
            taken = self._take_frozen(window) if window else self._take_all(self._waiter)
            return self._seal(_Seen(taken, window, self._still_off(compute)))
        except BaseException:
            with interruption.shielded():
                self._clean_up()
            raise

    def _still_off(self, compute: Compute) -> set[str]:
        """Ids of the servers that were shut down before the snapshots, and still are."""
        off = {m.server.id for m in self._wanted.members if m.server.status == "SHUTOFF"}
        return {one for one in off if compute.server(one).status == "SHUTOFF"}

    def _take_frozen(self, window: FreezeWindow) -> dict[str, consistency.Taken]:
        with window:
            waiter = Waiter(timeout=max(window.remaining(), 0), interval=_POLL_SECONDS, clock=self._waiter.clock)
            return self._take_all(waiter)

    def _take_all(self, waiter: Waiter) -> dict[str, consistency.Taken]:
        """Start all snapshots at once and wait for all of them.

        :returns: times per volume id.
        """
        requested = Moment.now()
        work = {volume.id: self._starter(volume) for volume in self._wanted.volumes.values()}
        ids = {snapshot.id for snapshot in run_all(work, self._concurrency).values()}

        def complete() -> bool | None:
            found = [s for s in self._storage.snapshots() if s.id in ids]
            self._refuse_failed(found, ids)
            return True if all(s.status == "available" for s in found) else None

        waiter.until(f"{len(ids)} snapshots on site '{self._storage.cloud.site}'", complete)
        taken = consistency.Taken(requested, Moment.now())
        return {volume_id: taken for volume_id in work}

    def _starter(self, volume: Volume) -> t.Callable[[], Snapshot]:
        name = self._wanted.snapshot_name(volume)
        return lambda: self._storage.create_snapshot(volume.id, name, self._wanted.metadata)

    def _refuse_failed(self, found: t.Sequence[Snapshot], ids: t.Collection[str]) -> None:
        failed = [s for s in found if s.status in _FAILED]
        if failed or len(found) != len(ids):
            listed = ", ".join(f"of volume {s.volume_id}: {s.status}" for s in failed) or "some vanished"
            raise ResourceFailed(
                f"Snapshots on site '{self._storage.cloud.site}' failed: {listed}.",
                "Look at the volume service's messages for the volume (openstack volume message list).",
            )

    def _seal(self, seen: _Seen) -> dict[str, t.Any]:
        """Compute the consistency, refuse one that is too low, and write the evidence."""
        evidence = {member.server.name: seen.evidence(member) for member in self._wanted.members}
        freezes = {member.server.name: seen.freeze_evidence(member) for member in self._wanted.members}
        level = consistency.weakest(one["consistency"] for one in evidence.values())
        if not consistency.satisfies(level, self._wanted.least):
            reasons = [f"{name}: {one['consistency']} ({one['reason']})." for name, one in evidence.items()]
            raise ConsistencyTooLow(
                f"The snapshots of '{self._wanted.application.name}' are only {level}-consistent, "
                f"and {self._wanted.least} is asked for; they were deleted. " + " ".join(reasons)
            )
        self._write(evidence, freezes, {**seen.times(), "consistency": level})
        return describe(self._wanted, self.current())

    def _write(
        self, evidence: t.Mapping[str, t.Any], freezes: t.Mapping[str, t.Any], whole: t.Mapping[str, t.Any]
    ) -> None:
        server_of = {v.id: m.server.name for m in self._wanted.members for v in m.volumes}

        def write(snapshot: Snapshot) -> None:
            metadata = {
                _SERVER_EVIDENCE: json.dumps(evidence[server_of[snapshot.volume_id]]),
                _FREEZE_EVIDENCE: json.dumps(freezes[server_of[snapshot.volume_id]]),
                _SET_EVIDENCE: json.dumps(whole),
            }
            self._storage.set_snapshot_metadata(snapshot.id, metadata)

        run_all({s.id: (lambda s=s: write(s)) for s in self.current()}, self._concurrency)

    def _clean_up(self) -> None:
        """Leave no orphans; what cannot be deleted now is replaced by the next run."""
        attempt_all({"delete": lambda: self.delete(self.current())}, 1)


@dataclasses.dataclass(frozen=True)
class _Seen:
    """What was seen while the set was taken.

    :param taken: per volume id.
    :param still_off: ids of the servers that were shut down before and after.
    """

    taken: t.Mapping[str, consistency.Taken]
    window: FreezeWindow | None
    still_off: t.Collection[str]

    def evidence(self, member: ServerVolumes) -> dict[str, t.Any]:
        """What is true of a server."""
        level, reason = self._level(member, self._frozen(member.server.id))
        return {"consistency": level, "reason": reason[:200]}

    def freeze_evidence(self, member: ServerVolumes) -> dict[str, t.Any]:
        """What it follows from, as short as a metadata value must be (255 characters)."""
        frozen = self._frozen(member.server.id)
        return _freeze_facts(frozen) if frozen else {}

    def _frozen(self, server_id: str) -> Member | None:
        members = self.window.members if self.window else []
        return next((member for member in members if member.server.id == server_id), None)

    def _level(self, member: ServerVolumes, frozen: Member | None) -> tuple[str, str]:
        if frozen:
            return consistency.of_frozen(frozen, [self.taken[volume.id] for volume in member.volumes])
        if member.server.id in self.still_off:
            return "offline", "shut down before and after"
        return "crash", "not frozen"

    def times(self) -> dict[str, t.Any]:
        """When the set was taken, and the freeze window around it."""
        started, ended = (self.window.started, self.window.ended) if self.window else (None, None)
        if not (self.window and started and ended):
            first = min((one.requested for one in self.taken.values()), key=lambda moment: moment.monotonic)
            return {"taken": str(first), "window": None}
        return {
            "taken": str(self.window.all_frozen),
            "window": {
                "started": str(started),
                "ended": str(ended),
                "seconds": round(ended.monotonic - started.monotonic, 3),
            },
        }


def _freeze_facts(member: Member) -> dict[str, t.Any]:
    return {
        "driver": member.driver.name,
        "requested": str(member.freeze_requested),
        "frozen": str(member.frozen),
        "thawed": str(member.thawed),
        "filesystems": member.filesystems_frozen,
        "guard": member.guard,
        "guard_until": str(member.guard_until),
    }


def describe(wanted: Wanted, snapshots: t.Sequence[Snapshot]) -> dict[str, t.Any]:
    """A whole set as the module returns it, read from the snapshots themselves."""
    by_volume = {snapshot.volume_id: snapshot for snapshot in snapshots}
    whole = json.loads(snapshots[0].metadata[_SET_EVIDENCE])
    return {
        "name": wanted.name,
        "application": wanted.application.name,
        "consistency": whole["consistency"],
        "taken_at": whole["taken"],
        "window": whole["window"],
        "servers": [_describe_server(member, by_volume) for member in wanted.members],
        "snapshots": [
            {
                "id": snapshot.id,
                "name": snapshot.name,
                "volume_id": snapshot.volume_id,
                "size": snapshot.size,
                "created_at": snapshot.created_at,
            }
            for snapshot in sorted(snapshots, key=lambda one: one.name)
        ],
    }


def _describe_server(member: ServerVolumes, by_volume: t.Mapping[str, Snapshot]) -> dict[str, t.Any]:
    metadata = by_volume[member.volumes[0].id].metadata
    evidence, freeze = json.loads(metadata[_SERVER_EVIDENCE]), json.loads(metadata[_FREEZE_EVIDENCE])
    return {
        "id": member.server.id,
        "name": member.server.name,
        "tier": member.tier,
        "consistency": evidence["consistency"],
        "reason": evidence["reason"],
        "driver": freeze.get("driver"),
        "requested_at": freeze.get("requested"),
        "frozen_at": freeze.get("frozen"),
        "thawed_at": freeze.get("thawed"),
        "filesystems": freeze.get("filesystems"),
        "guard": freeze.get("guard"),
        "guard_until": freeze.get("guard_until"),
    }


def survey(application: Application, servers: t.Mapping[str, Server], storage: BlockStorage) -> tuple[ServerVolumes, ...]:
    """The application's servers with their volumes, by one list call.

    :param servers: per name in the definition.
    :raises CheckFailed: naming servers without volumes, and volumes that cannot be seen.
    """
    volumes = {volume.id: volume for volume in storage.volumes()}
    problems = [
        f"Server {servers[name].label} has no volumes; there is nothing to protect. Boot it from a volume."
        for name in application.servers
        if not servers[name].volumes
    ]
    problems += [
        f"Volume {volume_id} of server {servers[name].label} is not visible in the project on site '{storage.cloud.site}'."
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
