# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence of a set of snapshots, kept in the snapshots' own metadata.

Every snapshot carries the evidence of the whole set, of one of its servers, and its own, so any later run, from anywhere, can
read it. A metadata value is at most 255 characters long.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

from ..cloud.site_clock import Difference, SiteClock
from ..core import consistency
from ..core.errors import CheckFailed
from ..core.records import Server, Snapshot, Volume
from ..core.states import ServerState
from ..core.text import timestamp
from ..quiesce.mark import FreezeMark
from ..quiesce.window import FreezeWindow, Member
from . import proof
from .grouping import Unit
from .holding import hold_of

_SERVER_KEY = "osdr_server"
_FREEZE_KEY = "osdr_frozen"
_SNAPSHOT_KEY = "osdr_taken"
_SET_KEY = "osdr_set"
#: All of them.
EVIDENCE_KEYS = (_SERVER_KEY, _FREEZE_KEY, _SNAPSHOT_KEY, _SET_KEY)
_VALUE_LENGTH = 255
#: Enough for all that is not invented; the rest of the value has to fit too.
_BACKEND_LENGTH = 100

_UNCONFIRMED = "frozen around every snapshot, but its thaw is not confirmed yet"


def _compact(facts: t.Mapping[str, t.Any], shortened: str | None = None) -> str:
    """JSON that fits into a metadata value.

    :param shortened: the key whose text gives way.
    """
    text = json.dumps(facts, separators=(",", ":"), ensure_ascii=False)
    surplus = len(text) - _VALUE_LENGTH
    if surplus > 0 and shortened and facts[shortened]:
        # At least so many characters; what has to be escaped is longer in JSON, and takes another turn.
        kept = facts[shortened][: -max(1, surplus // 6)]
        return _compact({**facts, shortened: kept}, shortened)
    return text


@dataclasses.dataclass(frozen=True)
class ServerEvidence:
    """What is true of a server.

    :param pending: the consistency that it reaches once the thaw of somebody else's freeze is confirmed.
    :param freeze: driver, requested, frozen, thawed, filesystems, guard, guard_until, token; empty when it was not frozen.
    """

    server_id: str
    consistency: str
    reason: str
    pending: str | None
    freeze: t.Mapping[str, t.Any]

    @property
    def at_best(self) -> str:
        return self.pending or self.consistency

    def metadata(self) -> dict[str, str]:
        facts = {"id": self.server_id, "consistency": self.consistency, "pending": self.pending, "reason": self.reason}
        return {_SERVER_KEY: _compact(facts, "reason"), _FREEZE_KEY: _compact(self.freeze)}

    @classmethod
    def read(cls, snapshot: Snapshot) -> ServerEvidence:
        facts = json.loads(snapshot.metadata[_SERVER_KEY])
        freeze = dict(json.loads(snapshot.metadata[_FREEZE_KEY]))
        return cls(facts["id"], facts["consistency"], facts["reason"], facts["pending"], freeze)


@dataclasses.dataclass(frozen=True)
class SnapshotEvidence:
    """How and between which two moments, by the controller's clock, a snapshot was taken."""

    requested: str
    complete: str
    strategy: str
    backend: str | None
    reason: str

    def metadata(self) -> dict[str, str]:
        facts = {**dataclasses.asdict(self), "backend": self.backend and self.backend[:_BACKEND_LENGTH]}
        return {_SNAPSHOT_KEY: _compact(facts, "reason")}

    @classmethod
    def read(cls, snapshot: Snapshot) -> SnapshotEvidence:
        return cls(**json.loads(snapshot.metadata[_SNAPSHOT_KEY]))


@dataclasses.dataclass(frozen=True)
class SetEvidence:
    """What is true of a whole set.

    :param taken: the moment for which it stands, by the site's clock.
    :param window: started, ended, seconds; None when nothing was frozen.
    :param skew: seconds between the first and the last snapshot at most.
    :param clock: how the site's clock differs from the controller's, by which all other times are; None when it is not known, and the controller's counts.
    """

    consistency: str
    taken: str
    window: t.Mapping[str, t.Any] | None
    skew: float
    clock: Difference | None = None

    def metadata(self) -> dict[str, str]:
        return {_SET_KEY: _compact(dataclasses.asdict(self))}

    @classmethod
    def read(cls, snapshot: Snapshot) -> SetEvidence:
        facts = json.loads(snapshot.metadata[_SET_KEY])
        clock = facts.pop("clock", None)
        return cls(**facts, clock=clock and Difference(float(clock["seconds"]), float(clock["within"])))

    @property
    def taken_by_controller(self) -> str:
        """The moment for which it stands, by the controller's clock."""
        return _shifted(self.taken, -self.clock.seconds) if self.clock else self.taken


def _weakness(whole: SetEvidence) -> int:
    return consistency.LEVELS.index(whole.consistency)


@dataclasses.dataclass(frozen=True)
class Evidence:
    """The evidence for a whole set: of servers by their id, of snapshots by their volume's."""

    whole: SetEvidence
    servers: t.Mapping[str, ServerEvidence]
    snapshots: t.Mapping[str, SnapshotEvidence]

    @property
    def at_best(self) -> str:
        """Consistency, assuming that freezes held by others turn out to be intact."""
        return consistency.weakest(one.at_best for one in self.servers.values())

    def metadata(self, volume_id: str, server_id: str) -> dict[str, str]:
        """The metadata for the snapshot of a server's volume."""
        return {
            **self.servers[server_id].metadata(),
            **self.snapshots[volume_id].metadata(),
            **self.whole.metadata(),
        }

    @classmethod
    def read(cls, snapshots: t.Sequence[Snapshot]) -> Evidence | None:
        """Read the evidence from the snapshots of a set; None when it is missing or damaged: anybody in the project can write metadata."""
        try:
            servers = [ServerEvidence.read(snapshot) for snapshot in snapshots]
            # A confirmation that died half-way is still to be made: what is pending counts more than what is not.
            by_pending = sorted(servers, key=lambda one: one.pending is not None)
            evidence = cls(
                max((SetEvidence.read(snapshot) for snapshot in snapshots), key=_weakness),
                {one.server_id: one for one in by_pending},
                {snapshot.volume_id: SnapshotEvidence.read(snapshot) for snapshot in snapshots},
            )
            _read = evidence.whole.taken_by_controller
            levels = {evidence.whole.consistency, *(one.consistency for one in servers), *(one.at_best for one in servers)}
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
            return None
        return evidence if levels <= set(consistency.LEVELS) else None


@dataclasses.dataclass(frozen=True)
class Seen:
    """What was seen while a set was taken.

    :param taken: per volume id.
    :param units: how the snapshots were asked for.
    :param window: the freeze window that this process held.
    :param standing: freezes that somebody else held before and after, per server id.
    :param still: the servers that stood still by themselves before and after: the state of each, per id.
    :param clock: the site's.
    """

    taken: t.Mapping[str, proof.Taken]
    units: t.Sequence[Unit]
    window: FreezeWindow | None
    standing: t.Mapping[str, FreezeMark]
    still: t.Mapping[str, ServerState]
    clock: SiteClock

    def evidence(self, servers: t.Mapping[str, tuple[Server, t.Sequence[Volume]]]) -> Evidence:
        """Compute the evidence of a set from what happened.

        :param servers: the servers and their volumes per server id.
        """
        attached = volumes_of_servers(volume for _server, volumes in servers.values() for volume in volumes)
        found = {key: self._server(server, volumes, attached.get(key, set())) for key, (server, volumes) in servers.items()}
        level = consistency.weakest(one.consistency for one in found.values())
        return Evidence(self._set(level), found, self._snapshots())

    def _server(self, server: Server, volumes: t.Sequence[Volume], attached: set[str]) -> ServerEvidence:
        """The evidence of a server.

        :param attached: ids of the volumes that say that they are attached to it.
        """
        member, taken = self._member(server.id), [self.taken[one] for one in attached.union(volume.id for volume in volumes)]
        strangers = strangers_of(volumes, self._known_servers())
        if strangers and server.id in self._known_servers():
            return ServerEvidence(server.id, "crash", strangers, None, _facts_of_member(member) if member else {})
        if member:
            level, reason = proof.of_frozen(member, taken, t.cast(FreezeWindow, self.window).all_frozen, hold_of(volumes))
            return ServerEvidence(server.id, level, reason, None, _facts_of_member(member))
        mark = self.standing.get(server.id)
        if mark:
            doubt = proof.doubt_of_mark(mark, taken, hold_of(volumes))
            return ServerEvidence(server.id, "crash", doubt or _UNCONFIRMED, None if doubt else _level_of(mark), _facts_of_mark(mark))
        state = self.still.get(server.id)
        if state and state.level:
            return ServerEvidence(server.id, state.level, f"{state.words} before and after", None, {})
        return ServerEvidence(server.id, "crash", "not frozen", None, {})

    def _known_servers(self) -> set[str]:
        members = self.window.members if self.window else []
        return {member.server.id for member in members} | set(self.standing) | set(self.still)

    def _member(self, server_id: str) -> Member | None:
        members = self.window.members if self.window else []
        return next((member for member in members if member.server.id == server_id), None)

    def _snapshots(self) -> dict[str, SnapshotEvidence]:
        return {
            volume.id: SnapshotEvidence(
                str(self.taken[volume.id].requested),
                str(self.taken[volume.id].complete),
                unit.strategy,
                unit.backend,
                unit.reason,
            )
            for unit in self.units
            for volume in unit.volumes
        }

    def _set(self, level: str) -> SetEvidence:
        first = min((one.requested for one in self.taken.values()), key=lambda moment: moment.monotonic)
        last = max((one.complete for one in self.taken.values()), key=lambda moment: moment.monotonic)
        skew = round(last.monotonic - first.monotonic, 3)
        window, taken, times = self.window, first, None
        if window and window.started and window.ended:
            seconds = round(window.ended.monotonic - window.started.monotonic, 3)
            times = {"started": str(window.started), "ended": str(window.ended), "seconds": seconds}
            taken = window.all_frozen or first
        difference = self.clock.difference(taken.monotonic, taken.wall)
        return SetEvidence(level, str(taken.after(difference.seconds if difference else 0)), times, skew, difference)


def volumes_of_servers(volumes: t.Iterable[Volume]) -> dict[str, set[str]]:
    """Ids of the volumes that say that they are attached to a server, per its id."""
    found: dict[str, set[str]] = {}
    for volume in volumes:
        for one in volume.attachments:
            found.setdefault(one.server_id, set()).add(volume.id)
    return found


def strangers_of(volumes: t.Iterable[Volume], known: t.Collection[str]) -> str | None:
    """Volumes attached to servers that are not frozen with the others, in words; None when there are none."""
    found = [
        f"volume {volume.label} is also attached to server {attachment.server_id}, which is not frozen with the others"
        for volume in volumes
        for attachment in volume.attachments
        if attachment.server_id not in known
    ]
    return "; ".join(found) or None


def _level_of(mark: FreezeMark) -> str:
    """Marks are metadata of servers, which anybody in the project can write."""
    return proof.LEVEL_OF_DRIVER.get(mark.driver, "crash")


def _facts_of_member(member: Member) -> dict[str, t.Any]:
    return {
        "driver": member.driver.name,
        "requested": str(member.freeze_requested),
        "frozen": str(member.frozen),
        "thawed": str(member.thawed),
        "filesystems": member.filesystems_frozen,
        "guard": member.guard,
        "guard_until": str(member.guard_until),
    }


def _facts_of_mark(mark: FreezeMark) -> dict[str, t.Any]:
    return {
        "driver": mark.driver,
        "requested": mark.requested,
        "frozen": mark.frozen,
        "thawed": None,
        "filesystems": mark.filesystems,
        "guard": mark.guard,
        "guard_until": mark.until,
        "token": mark.token,
    }


def confirmed(evidence: Evidence, thawed: t.Sequence[t.Mapping[str, t.Any]]) -> Evidence:
    """Evidence after the thaw of freezes that somebody else held.

    :param thawed: servers as os_server_quiesce returned them.
    :raises CheckFailed: when that is not what os_server_quiesce returns for a thaw.
    """
    try:
        answers = {one["id"]: one for one in thawed}
        servers = {key: _confirmed_server(one, answers.get(key)) for key, one in evidence.servers.items()}
        window = _window_of(servers.values()) or evidence.whole.window
    except (KeyError, TypeError, ValueError) as error:
        raise CheckFailed(
            "The thaw cannot be confirmed",
            [f"The option thaw is not what os_server_quiesce with state=unquiesced returned as quiesce ({error!r})."],
        ) from error
    level = consistency.weakest(one.consistency for one in servers.values())
    frozen = [one.freeze["frozen"] for one in servers.values() if one.freeze]
    whole = evidence.whole
    ahead = whole.clock.seconds if whole.clock else 0
    taken = _shifted(max(frozen, key=datetime.datetime.fromisoformat), ahead) if frozen else whole.taken
    return Evidence(dataclasses.replace(whole, consistency=level, taken=taken, window=window), servers, evidence.snapshots)


def _shifted(text: str, seconds: float) -> str:
    """A time by another clock.

    :param seconds: by which that is ahead.
    """
    return timestamp(datetime.datetime.fromisoformat(text).astimezone(datetime.UTC) + datetime.timedelta(seconds=seconds))


def _confirmed_server(server: ServerEvidence, thaw: t.Mapping[str, t.Any] | None) -> ServerEvidence:
    if server.pending is None:
        return server
    if thaw is None or thaw["freeze"] != server.freeze["token"]:
        return dataclasses.replace(server, pending=None, reason="the freeze around its snapshots was ended by somebody else")
    freeze = {**server.freeze, "thawed": thaw["thawed_at"]}
    # A play may have made a text of it, and "False" is one too.
    if thaw["intact"] is not True:
        return dataclasses.replace(server, pending=None, freeze=freeze, reason=thaw["interrupted"] or "its freeze did not hold")
    reason = "frozen around every snapshot"
    return ServerEvidence(server.server_id, server.pending, reason, None, freeze)


def _window_of(servers: t.Iterable[ServerEvidence]) -> dict[str, t.Any] | None:
    freezes = [one.freeze for one in servers if one.freeze.get("thawed")]
    if not freezes:
        return None
    time = datetime.datetime.fromisoformat
    started, ended = min((one["requested"] for one in freezes), key=time), max((one["thawed"] for one in freezes), key=time)
    length = time(ended) - time(started)
    return {"started": started, "ended": ended, "seconds": round(length.total_seconds(), 3)}
