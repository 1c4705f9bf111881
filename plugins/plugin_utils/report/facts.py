# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of one run: of a checkpoint that was taken, or of a restore."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.copies import methods
from ansible_collections.osdr.openstack.plugins.module_utils.core import consistency

from .given import Given, between, later, readable
from .manifests import ManifestPart, Manifests

Moment = datetime.datetime | None


@dataclasses.dataclass(frozen=True)
class Point:
    """The checkpoint that a run took or restored.

    :param projects: ids of those in which the application was, the leading one first; none where the facts are of one.
    """

    application: str
    checkpoint: str
    moment: Moment
    site: str
    consistency: str
    projects: tuple[str, ...]

    @classmethod
    def of(cls, manifests: Manifests) -> Point:
        checkpoint = manifests.leading.inside("checkpoint")
        return cls(
            application=manifests.leading.inside("application").text("name"),
            checkpoint=checkpoint.text("id"),
            moment=checkpoint.moment("created_at"),
            site=checkpoint.text("site"),
            consistency=checkpoint.text("consistency"),
            projects=manifests.projects,
        )


@dataclasses.dataclass(frozen=True)
class TakenSnapshot:
    volume: str
    requested_at: Moment
    complete_at: Moment


@dataclasses.dataclass(frozen=True)
class FrozenServer:
    """A server and the evidence for its consistency. One that was not frozen has no times.

    :param project: its id, of an application over several; else empty.
    """

    name: str
    tier: str
    project: str
    consistency: str
    pending: str
    reason: str
    driver: str
    guard: str
    guard_until: Moment
    filesystems: int | None
    requested_at: Moment
    frozen_at: Moment
    thawed_at: Moment
    snapshots: tuple[TakenSnapshot, ...]

    @property
    def seconds(self) -> float | None:
        """Seconds from the request to freeze it until its thaw was confirmed."""
        return between(self.requested_at, self.thawed_at)


@dataclasses.dataclass(frozen=True)
class CopiedVolume:
    """The copy of a volume.

    :param servers: the names of those that have it.
    :param project: the id of its project, of an application over several; else empty.
    :param stored_bytes: 0 where nothing was measured.
    :param extent: its parts, in words; empty where they are not known.
    :param proved_at: when the volume's content was last proved; None when it never was.
    :param proved_by: the checkpoint that proved it.
    :param proved_how: ``restore`` when a restored volume was compared with its snapshot, ``readable`` when it was only restored.
    """

    volume: str
    servers: tuple[str, ...]
    project: str
    method: str
    size: int | None
    stored_bytes: int
    incremental: bool
    extent: str
    verified: str
    proved_at: Moment
    proved_by: str
    proved_how: str


@dataclasses.dataclass(frozen=True)
class CheckpointRun:
    """A checkpoint that was taken.

    :param least: the consistency that was asked for.
    :param window_seconds: None when nothing was frozen.
    :param restorable_at: when it could be restored at the remote site; None when another run published it.
    :param since: the checkpoint with which the last drill passed; empty where it is not known.
    :param changes: what has changed since then.
    """

    kind: t.ClassVar[str] = "checkpoint"

    point: Point
    least: str
    window_started: Moment
    window_ended: Moment
    window_seconds: float | None
    servers: tuple[FrozenServer, ...]
    copies: tuple[CopiedVolume, ...]
    restorable_at: Moment
    warnings: tuple[str, ...]
    since: str
    changes: tuple[str, ...]

    @property
    def meets_policy(self) -> bool:
        return self.is_enough(self.point.consistency)

    def is_enough(self, level: str) -> bool:
        """Whether a consistency is at least what was asked for."""
        return {level, self.least} <= set(consistency.LEVELS) and consistency.satisfies(level, self.least)

    @property
    def skew(self) -> float | None:
        """Seconds between the first and the last snapshot, at most."""
        snapshots = [one for server in self.servers for one in server.snapshots]
        requested = [one.requested_at for one in snapshots if one.requested_at]
        complete = [one.complete_at for one in snapshots if one.complete_at]
        return between(min(requested, default=None), max(complete, default=None))

    @property
    def age(self) -> float | None:
        """How old the data was when it could be restored, in seconds."""
        return between(self.point.moment, self.restorable_at)

    @property
    def never_proved(self) -> int:
        """How many volumes' content was never proved."""
        return sum(copy.proved_at is None for copy in self.copies)

    @property
    def proof_age(self) -> float | None:
        """Seconds since the oldest of the last proofs of the volumes' content when the run ended; None while a volume has none."""
        oldest = None if self.never_proved else min((copy.proved_at for copy in self.copies if copy.proved_at), default=None)
        return between(oldest, self.restorable_at)

    @classmethod
    def of(cls, manifests: Manifests, given: t.Any, warnings: t.Iterable[str]) -> CheckpointRun:
        """Read the facts of a run.

        :param given: ``consistency``, ``restorable_at``, ``since`` and ``changes``.
        """
        run = Given(given)
        evidence = manifests.parts[0].evidence
        window = evidence.inside("window")
        return cls(
            point=Point.of(manifests),
            least=run.text("consistency"),
            window_started=window.moment("started"),
            window_ended=window.moment("ended"),
            window_seconds=window.number("seconds"),
            servers=tuple(_frozen_server(server, part) for part, server in manifests.in_boot_order()),
            copies=tuple(_copies(manifests)),
            # By the clock of the site, as the moment of the data is.
            restorable_at=later(run.moment("restorable_at"), evidence.inside("clock").number("ahead") or 0),
            warnings=tuple(map(readable, warnings)),
            since=run.text("since"),
            changes=tuple(one.text("text") for one in run.each("changes")),
        )


@dataclasses.dataclass(frozen=True)
class RestoredVolume:
    """A volume that a restore made or found.

    :param servers: the names of those that have it.
    :param project: the id that its project had at the checkpoint, of an application over several; else empty.
    :param was_there: whether an earlier run restored it.
    """

    name: str
    servers: tuple[str, ...]
    project: str
    size: int | None
    status: str
    was_there: bool
    requested_at: Moment
    ready_at: Moment

    @property
    def seconds(self) -> float | None:
        return between(self.requested_at, self.ready_at)


@dataclasses.dataclass(frozen=True)
class RestoredServer:
    """A server that a restore built or found.

    :param project: the id that its project had at the checkpoint, of an application over several; else empty.
    :param is_off: whether it was off at the checkpoint, and shall be.
    :param created_at: when the site accepted the request to build it.
    """

    name: str
    tier: str
    project: str
    status: str
    is_off: bool
    fixed_ips: tuple[str, ...]
    floating_ips: tuple[str, ...]
    created_at: Moment
    active_at: Moment
    ready_at: Moment
    volumes: tuple[RestoredVolume, ...]

    @property
    def was_there(self) -> bool:
        """Whether an earlier run restored it."""
        return bool(self.status) and self.status != "absent" and self.created_at is None and self.active_at is None

    @property
    def seconds(self) -> float | None:
        return between(self.created_at, self.ready_at)

    @property
    def is_well(self) -> bool:
        return self.status == "ACTIVE" or (self.is_off and self.status == "SHUTOFF")


@dataclasses.dataclass(frozen=True)
class RestoredAddress:
    """Addresses that no server has: of a port on none, such as a virtual address, or a floating one that forwards ports.

    :param name: of the port, if it has one.
    """

    name: str
    network: str
    fixed_ips: tuple[str, ...]
    floating_ips: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class RestoreRun:
    """A restore.

    :param site: where it was restored.
    :param clock_ahead: seconds by which the sites' clock is ahead of the controller's: the moment of the data is by the sites', all others are not.
    :param seconds: from the start until every health check of the last tier had passed.
    :param addresses: that no server has.
    :param of_servers: how many the checkpoint has, where some of them were restored.
    """

    kind: t.ClassVar[str] = "restore"

    point: Point
    site: str
    began_at: Moment
    clock_ahead: float
    seconds: float | None
    servers: tuple[RestoredServer, ...]
    addresses: tuple[RestoredAddress, ...]
    warnings: tuple[str, ...]
    of_servers: int

    @property
    def age(self) -> float | None:
        """How old the data was when the restore began, in seconds."""
        return between(self.point.moment, later(self.began_at, self.clock_ahead))

    @property
    def ended_at(self) -> Moment:
        return later(self.began_at, self.seconds)

    @property
    def volumes(self) -> tuple[RestoredVolume, ...]:
        """Each once, also one that several servers have."""
        return tuple(dict.fromkeys(volume for server in self.servers for volume in server.volumes))

    @property
    def tiers(self) -> dict[str, list[RestoredServer]]:
        """Servers per tier, in boot order."""
        tiers: dict[str, list[RestoredServer]] = {}
        for server in self.servers:
            tiers.setdefault(server.tier, []).append(server)
        return tiers

    @classmethod
    def of(cls, manifests: Manifests, given: t.Any, warnings: t.Iterable[str]) -> RestoreRun:
        """Read the facts of a run.

        :param given: ``site``, ``began_at``, ``seconds``, and what the modules returned as ``volumes`` and ``servers``.
        """
        return cls(**_restored(manifests, Given(given), warnings))


@dataclasses.dataclass(frozen=True)
class KeptVolume:
    """A volume that a roll-back took out of use."""

    name: str
    volume_id: str
    size: int | None


@dataclasses.dataclass(frozen=True)
class RollBackRun(RestoreRun):
    """A roll-back: a restore at the site where the application runs, whose servers stand while they are exchanged.

    :param id: of the roll-back.
    :param stopped_at: when the first server was asked to stop.
    :param levels: consistency of each server at the checkpoint.
    :param kept: the old volumes.
    """

    kind: t.ClassVar[str] = "roll_back"

    id: str
    stopped_at: Moment
    levels: tuple[tuple[str, str], ...]
    kept: tuple[KeptVolume, ...]

    @property
    def outage(self) -> float | None:
        """Seconds from the first stop until every health check had passed."""
        return between(self.stopped_at, max((one.ready_at for one in self.servers if one.ready_at), default=None))

    @classmethod
    def of(cls, manifests: Manifests, given: t.Any, warnings: t.Iterable[str]) -> RollBackRun:
        """Read the facts of a run.

        :param given: ``site``, ``id``, ``stopped_at``, ``kept``, and what the module returned in its two states as ``volumes`` and ``servers``.
        """
        run = Given(given)
        restored = _restored(manifests, run, warnings)
        began_at = next((one.moment("started_at") for one in run.each("volumes")), None)
        ended_at = max((one.ready_at for one in restored["servers"] if one.ready_at), default=None)
        levels = manifests.leading.inside("checkpoint").inside("server_consistency")
        return cls(
            **{**restored, "began_at": began_at, "seconds": between(began_at, ended_at)},
            id=run.text("id"),
            stopped_at=run.moment("stopped_at"),
            levels=tuple((one.name, levels.text(one.name)) for one in restored["servers"]),
            kept=tuple(KeptVolume(one.text("name"), one.text("volume_id"), one.count("size")) for one in run.each("kept")),
        )


Run = CheckpointRun | RestoreRun


def _restored(manifests: Manifests, run: Given, warnings: t.Iterable[str]) -> dict[str, t.Any]:
    """What is known of any restore."""
    homes = manifests.homes
    volumes = _restored_volumes(run.each("volumes"), homes)
    return {
        "point": Point.of(manifests),
        "site": run.text("site"),
        "began_at": run.moment("began_at"),
        "clock_ahead": run.number("clock_ahead") or 0,
        "seconds": run.number("seconds"),
        "servers": tuple(_restored_servers(run.each("servers"), volumes, homes)),
        "addresses": tuple(_restored_addresses(run.each("servers"))),
        "warnings": tuple(map(readable, warnings)),
        "of_servers": len(manifests.in_boot_order()),
    }


def _label(volume: Given) -> str:
    return volume.text("name") or volume.text("device") or volume.text("source_id")


def _frozen_server(server: Given, part: ManifestPart) -> FrozenServer:
    evidence = part.evidence
    found = evidence.by("servers", "id").get(server.text("source_id"), Given(None))
    snapshots = evidence.by("snapshots", "volume_id")
    taken = [(volume, snapshots[volume.text("source_id")]) for volume in server.each("volumes") if volume.text("source_id") in snapshots]
    return FrozenServer(
        name=server.text("name"),
        tier=server.text("tier"),
        project=part.project,
        consistency=found.text("consistency"),
        pending=found.text("pending"),
        reason=found.text("reason"),
        driver=found.text("driver"),
        guard=found.text("guard"),
        guard_until=found.moment("guard_until"),
        filesystems=found.count("filesystems"),
        requested_at=found.moment("requested_at"),
        frozen_at=found.moment("frozen_at"),
        thawed_at=found.moment("thawed_at"),
        snapshots=tuple(TakenSnapshot(_label(volume), one.moment("requested_at"), one.moment("complete_at")) for volume, one in taken),
    )


def _copies(manifests: Manifests) -> t.Iterator[CopiedVolume]:
    copies = {source: (part.project, copy) for part in manifests.parts for source, copy in part.manifest.by("copies", "volume_id").items()}
    held: dict[str, list[tuple[str, Given]]] = {}
    for _part, server in manifests.in_boot_order():
        for volume in server.each("volumes"):
            held.setdefault(volume.text("source_id"), []).append((server.text("name"), volume))
    for source, holders in held.items():
        project, copy = copies.get(source, ("", None))
        if copy:
            yield CopiedVolume(
                volume=_label(holders[0][1]),
                servers=tuple(name for name, _volume in holders),
                project=project,
                method=copy.text("method"),
                size=copy.count("size"),
                stored_bytes=copy.count("stored_bytes") or 0,
                incremental=copy.flag("incremental"),
                extent=methods.extent(copy.value),
                verified=copy.text("verified"),
                proved_at=copy.inside("content").moment("proved_at"),
                proved_by=copy.inside("content").text("proved_by"),
                proved_how=copy.inside("content").text("how"),
            )


def _restored_volumes(results: t.Sequence[Given], homes: t.Mapping[str, str]) -> list[RestoredVolume]:
    """Combine what all calls of os_restore_volumes returned for each volume.

    :param homes: the projects, per id at the source.
    """
    calls: dict[str, list[tuple[Moment, Given]]] = {}
    for result in results:
        for volume in result.each("volumes"):
            calls.setdefault(volume.text("source_id"), []).append((result.moment("started_at"), volume))
    return [_restored_volume(seen, homes.get(source, "")) for source, seen in calls.items()]


def _restored_volume(seen: t.Sequence[tuple[Moment, Given]], project: str) -> RestoredVolume:
    """Combine what was returned for one volume.

    :param seen: when each call began, and what it returned.
    """

    def first(name: str) -> Moment:
        moments = [later(started, volume.inside("seconds").number(name)) for started, volume in seen]
        return next((moment for moment in moments if moment), None)

    before, after = seen[0][1], seen[-1][1]
    requested_at = first("requested")
    was_there = requested_at is None and before.text("status") in ("available", "in-use")
    return RestoredVolume(
        name=after.text("name"),
        servers=tuple(after.texts("servers")),
        project=project,
        size=after.count("size"),
        status=after.text("status"),
        was_there=was_there,
        requested_at=requested_at,
        ready_at=None if was_there else first("ready"),
    )


def _restored_servers(results: t.Iterable[Given], volumes: t.Sequence[RestoredVolume], homes: t.Mapping[str, str]) -> t.Iterator[RestoredServer]:
    """The servers of all calls of os_restore_servers; each call returns its own."""
    for result in results:
        for server in result.each("servers"):
            project = homes.get(server.text("source_id"), "")
            yield _restored_server(server, result.moment("started_at"), project, [one for one in volumes if one.project == project])


def _restored_addresses(results: t.Iterable[Given]) -> list[RestoredAddress]:
    """The addresses that no server has; each call of os_restore_servers returns those that are there by then."""
    found: dict[str, RestoredAddress] = {}
    for result in results:
        for port in result.each("ports"):
            seen = RestoredAddress(port.text("name"), port.text("network"), port.texts("fixed_ips"), port.texts("floating_ips"))
            found[port.text("port_id") or port.text("mac_address")] = seen
        for one in result.each("forwarding_floating_ips"):
            found[one.text("source_id")] = RestoredAddress("", "", (), (one.text("floating_ip"),) if one.text("floating_ip") else ())
    return list(found.values())


def _restored_server(server: Given, started: Moment, project: str, volumes: t.Iterable[RestoredVolume]) -> RestoredServer:
    ports, seconds = server.each("ports"), server.inside("seconds")
    return RestoredServer(
        name=server.text("name"),
        tier=server.text("tier"),
        project=project,
        status=server.text("status"),
        is_off=server.flag("is_off"),
        fixed_ips=tuple(address for port in ports for address in port.texts("fixed_ips")),
        floating_ips=tuple(address for port in ports for address in port.texts("floating_ips")),
        created_at=later(started, seconds.number("created")),
        active_at=later(started, seconds.number("active")),
        ready_at=later(started, seconds.number("ready")),
        volumes=tuple(volume for volume in volumes if server.text("name") in volume.servers),
    )
