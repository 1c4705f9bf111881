# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long servers will stand still for a set of snapshots, told before any of them is frozen. Pure.

Two things are known by then. How quickly guest agents and Cinder answer, and how many have to: that gives the least that a window takes.
And what windows of earlier checkpoints took: that gives what it will take, if nothing has changed but the numbers.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import typing as t

from ..core.consistency import satisfies
from ..core.text import told
from ..quiesce.quiescer import Choice, QuiesceOptions, answer_of, longest_of
from .grouping import Unit
from .wanted import Wanted

#: The phases of a window.
_FREEZE, _SNAPSHOTS, _THAW = "freeze", "snapshots", "thaw"


@dataclasses.dataclass(frozen=True)
class Load:
    """What a window has to do.

    :param steps: how many servers are frozen in each step, one step after the other.
    :param concurrency: how many servers, or volumes, at once.
    :param requests: with which Cinder is asked at least before nobody has to stand still; one for each volume when None.
    """

    steps: tuple[int, ...]
    volumes: int
    concurrency: int
    requests: int | None = None

    @property
    def servers(self) -> int:
        return sum(self.steps)

    @property
    def rounds(self) -> int:
        """Turns in which all servers are frozen."""
        return sum(math.ceil(count / self.concurrency) for count in self.steps)

    @property
    def rounds_of_volumes(self) -> int:
        return math.ceil(self.volumes / self.concurrency)

    @property
    def asked(self) -> int:
        return self.volumes if self.requests is None else self.requests


@dataclasses.dataclass(frozen=True)
class AnswerTimes:
    """How quickly a site has answered just now, in seconds; None where it was not asked.

    :param agent: a guest agent, by the way that a freeze takes.
    :param cinder: Cinder's API, to a request for a snapshot that it was to refuse.
    """

    agent: float | None = None
    cinder: float | None = None

    def arming(self, load: Load) -> float:
        """The seconds that arming all guards takes at least: for each server it is more than one request."""
        return math.ceil(load.servers / load.concurrency) * (self.agent or 0.0)

    def least(self, load: Load) -> Forecast:
        """The least that a window takes."""
        agent, cinder = self.agent or 0.0, self.cinder or 0.0
        # The last one to be thawed is thawed after the last snapshot; all others may be thawed before.
        phases = {_FREEZE: load.rounds * agent, _SNAPSHOTS: math.ceil(load.asked / load.concurrency) * cinder, _THAW: agent if load.servers else 0.0}
        reasons = {
            _FREEZE: f"the freezes: {load.servers} servers, of which each guest agent needs {agent:.2f} s to answer, in {load.rounds} turns",
            _SNAPSHOTS: f"Cinder's API, which needs {cinder:.2f} s for a request: it takes {load.asked} for the snapshots, {load.concurrency} at once. More "
            "processes of cinder-api or a higher concurrency make it shorter",
            _THAW: "the last thaw",
        }
        return Forecast(phases, reasons, None)


@dataclasses.dataclass(frozen=True)
class Measured:
    """What the window of an earlier checkpoint took, in seconds.

    :param checkpoint: its id.
    :param asking: from the first request for a snapshot to the last.
    :param slowest: the name of the server whose freeze took longest, and how long that was.
    :param arming: from the arming of the first guard to that of the last, before the window.
    """

    checkpoint: str
    servers: int
    volumes: int
    freeze: float
    snapshots: float
    thaw: float
    asking: float
    slowest: tuple[str, float]
    arming: float = 0.0

    @classmethod
    def of(cls, checkpoint: str, evidence: t.Mapping[str, t.Any]) -> Measured | None:
        """Read it from a manifest's evidence; None where there is nothing of it: manifests are read from stores that others write to."""
        try:
            return cls._read(checkpoint, evidence)
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
            return None

    @classmethod
    def _read(cls, checkpoint: str, evidence: t.Mapping[str, t.Any]) -> Measured:
        started, ended = _time(evidence["window"]["started"]), _time(evidence["window"]["ended"])
        frozen = [one for one in evidence["servers"] if one["frozen_at"]]
        asked = [_time(one["requested_at"]) for one in evidence["snapshots"]]
        # Images of servers that stand still are made afterwards.
        complete = min(max(_time(one["complete_at"]) for one in evidence["snapshots"]), ended)
        all_frozen = max(_time(one["frozen_at"]) for one in frozen)
        lengths = {told(one["name"]): (_time(one["frozen_at"]) - _time(one["requested_at"])).total_seconds() for one in frozen}
        freeze, snapshots, thaw = (
            (later - earlier).total_seconds() for earlier, later in ((started, all_frozen), (all_frozen, complete), (complete, ended))
        )
        if min(freeze, snapshots, thaw) < 0:
            raise ValueError("times of no window")
        asking = max(min(max(asked), complete) - min(asked), datetime.timedelta()).total_seconds()
        # All of them are armed for the same time.
        guards = [_time(one["guard_until"]) for one in frozen if one.get("guard_until")]
        arming = (max(guards) - min(guards)).total_seconds() if guards else 0.0
        return cls(checkpoint, len(frozen), len(asked), freeze, snapshots, thaw, asking, max(lengths.items(), key=lambda one: one[1]), arming)

    def expected(self, load: Load) -> Forecast:
        """What a window will take that has this to do: more turns take longer, fewer are quicker."""
        before = Load((self.servers,), self.volumes, load.concurrency)
        servers, volumes = _ratio(Load((load.servers,), 0, load.concurrency).rounds, before.rounds), _ratio(load.rounds_of_volumes, before.rounds_of_volumes)
        phases = {_FREEZE: self.freeze * servers, _SNAPSHOTS: self.snapshots * volumes, _THAW: self.thaw * servers}
        name, longest = self.slowest
        reasons = {
            _FREEZE: f"the freezes: that of {name} took longest, {longest:.1f} s; {load.servers} servers are to be frozen. Look at its hooks, or use "
            "fewer tiers",
            _SNAPSHOTS: self._of_snapshots(load),
            _THAW: f"the thaw of {load.servers} servers. Look at the hooks of the guests",
        }
        return Forecast(phases, reasons, self.checkpoint, self.arming * servers)

    def _of_snapshots(self, load: Load) -> str:
        if self.asking > self.snapshots / 2:
            return (
                f"Cinder's API: it took {self.volumes / self.asking:.1f} requests for snapshots per second, and there are {load.volumes} volumes. More "
                "processes of cinder-api or a higher concurrency make it shorter"
            )
        return (
            f"the storage: the snapshots of {self.volumes} volumes took {self.snapshots:.1f} s, of which it took {self.asking:.1f} s to request them. On "
            "Ceph, its monitors decide (paxos_propose_interval), elsewhere the slowest volume, or a backend that takes one after the other"
        )


@dataclasses.dataclass(frozen=True)
class Forecast:
    """How long a window is, or at least is.

    :param phases: seconds for freeze, snapshots and thaw.
    :param reasons: why each of them is as long as it is, in words.
    :param checkpoint: id of the one by which that is known; None where it is only known how quickly the site answers: it is the least then.
    :param arming: seconds that arming the guards took, before the window.
    """

    phases: t.Mapping[str, float]
    reasons: t.Mapping[str, str]
    checkpoint: str | None
    arming: float = 0.0

    @property
    def window(self) -> float:
        return sum(self.phases.values())

    @property
    def decides(self) -> str:
        """What makes it as long as it is."""
        return self.reasons[max(self.phases, key=lambda phase: self.phases[phase])]

    @property
    def basis(self) -> str:
        """By what it is known, in words."""
        if self.checkpoint is None:
            return "at least, by how quickly the site answers now"
        return f"by checkpoint '{told(self.checkpoint)}' and what there is now"

    def described(self) -> dict[str, t.Any]:
        phases = {phase: round(seconds, 3) for phase, seconds in self.phases.items()}
        return {**phases, "window": round(self.window, 3), "by": self.checkpoint, "decides": self.decides}


@dataclasses.dataclass(frozen=True)
class WindowOutlook:
    """What is known of a window beforehand.

    :param application: whose servers stand still, by its name.
    :param least: the least that it takes.
    :param earlier: by what earlier checkpoints took.
    :param arming: seconds that arming the guards takes at least.
    """

    application: str
    least: Forecast
    earlier: tuple[Forecast, ...] = ()
    arming: float = 0.0

    @property
    def likely(self) -> Forecast:
        """As long as it mostly was (the median: there are slow nights), or as it is at least."""
        if not self.earlier:
            return self.least
        return max(self.least, sorted(self.earlier, key=_window)[len(self.earlier) // 2], key=_window)


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What a window must fit into, in seconds.

    :param longest: for which the site lets a server be frozen at most; None where it does not say.
    :param least: the least consistency that the set must have.
    """

    budget: int
    guard: int
    longest: int | None
    least: str

    @classmethod
    def of(cls, options: QuiesceOptions, choices: t.Mapping[str, Choice], least: str) -> Bounds:
        return cls(options.budget, options.guard_timeout, longest_of(choices.values()), least)

    def judge(self, outlook: WindowOutlook) -> tuple[list[str], list[str]]:
        """What speaks against freezing anybody, and what should be known beforehand.

        Only what cannot be any shorter now is refused. What was too long before may have been mended since, and only a window would show that.
        """
        likely = outlook.likely
        # Whoever is content with this level has the missing snapshots taken when all are thawed.
        if outlook.least.window > self.budget and not satisfies("crash", self.least):
            return [self._told(outlook, outlook.least, "would stand")], []
        if likely.window > self.budget:
            return [], [self._told(outlook, likely, "will probably stand")]
        arming = max(outlook.arming, likely.arming)
        if arming + likely.window > self.guard:
            return [], [
                f"The guards of the servers of '{outlook.application}' may fire before the thaw: they are armed first, which takes "
                f"{arming:.1f} s or more, then the servers will probably stand still for {likely.window:.1f} s, and guard_timeout is {self.guard} s. Raise it."
            ]
        return [], []

    def _told(self, outlook: WindowOutlook, forecast: Forecast, stand: str) -> str:
        phases = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in forecast.phases.items())
        return (
            f"The servers of '{outlook.application}' {stand} still for {forecast.window:.1f} s ({forecast.basis}: {phases}), and the budget is "
            f"{self.budget} s. What decides is {forecast.decides}. {self._remedy(math.ceil(forecast.window))}"
        )

    def _remedy(self, window: int) -> str:
        if self.longest is not None and window >= self.longest:
            return (
                f"The site lets no server be frozen for more than {self.longest} s ([quiesce] max_timeout of its quiesce API): raise that above {window} s, "
                "then budget and guard_timeout, or divide the application."
            )
        guard = "" if self.guard > window else f", and guard_timeout ({self.guard} s) above it"
        return f"Raise budget to more than {window} s{guard}."


def outlook_of(wanted: Wanted, choices: t.Mapping[str, Choice], units: t.Iterable[Unit], concurrency: int, cinder: float | None) -> WindowOutlook:
    """What is known of a window by how quickly a site answers.

    :param choices: how each server will be frozen, per id.
    :param units: what will be snapshotted together.
    :param cinder: seconds in which it answered a request for a snapshot; None when it was not asked.
    """
    frozen = [one.tier for one in wanted.members if one.server.id in choices]
    steps = tuple(frozen.count(tier.name) for tier in wanted.application.freeze_order)
    volumes = {volume_id for server_id, own in wanted.written_by.items() if server_id in choices for volume_id in own}
    load = Load(steps, len(wanted.volumes), concurrency, sum(_requests(unit, volumes) for unit in units))
    answers = AnswerTimes(answer_of(choices.values()), cinder)
    return WindowOutlook(wanted.application.name, answers.least(load), arming=answers.arming(load))


def _requests(unit: Unit, volumes: t.Container[str]) -> int:
    """How often Cinder is asked to snapshot those of a unit's volumes for which servers stand still."""
    if unit.is_image:
        return 0
    count = sum(1 for volume in unit.volumes if volume.id in volumes)
    return min(count, 1) if unit.group or unit.group_type else count


def _window(forecast: Forecast) -> float:
    return forecast.window


def _ratio(now: int, before: int) -> float:
    return now / before if before else 1.0


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
