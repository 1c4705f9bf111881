# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which application of a run begins next. Pure.

An application is not overtaken by a less urgent one that needs a limit for which it waits: otherwise a large one would wait until all small ones are done.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import functools
import graphlib
import typing as t

from ..catalogue.active_record import moment_of
from .part import DONE, FAILED, HOLDING, RECOVERING, RUNNING, WAITING, Entrant, RunPart, Shares, Turn

#: How much of each kind at each site, by the names of both.
Load = collections.Counter[tuple[str, str]]
#: Seconds that are expected of an application while nothing is known of any.
UNKNOWN_SECONDS = 600


@dataclasses.dataclass(frozen=True)
class Admission:
    """Whether an application may begin.

    :param missing: why it never can in this run; empty when it can.
    :param waits_for: why it cannot yet; empty when it can begin now.
    """

    missing: str = ""
    waits_for: str = ""

    @property
    def is_go(self) -> bool:
        return not (self.missing or self.waits_for)


@dataclasses.dataclass(frozen=True)
class RunState:
    """A run as all of its parts have it together.

    :param turns: of all applications; those that controllers left which are gone have failed.
    :param is_recovery: whether applications wait for others and for earlier waves.
    :param absent: how many controllers have not joined yet.
    :param elsewhere: what other runs hold of the limits.
    :param limits: how much of each kind may be under way at each site.
    """

    entrants: t.Mapping[str, Entrant]
    turns: t.Mapping[str, Turn]
    is_recovery: bool = True
    absent: int = 0
    elsewhere: t.Mapping[tuple[str, str], int] = dataclasses.field(default_factory=dict)
    limits: Shares = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, run: str, parts: t.Iterable[RunPart], now: datetime.datetime, limits: Shares) -> RunState:
        """Put the parts of all runs together; of an application that is in several parts of a run, the newest counts.

        :param run: id of the run that is wanted.
        :param now: by the site's clock.
        """
        own, elsewhere = [], Load()
        for part in sorted(parts, key=lambda one: (one.began, one.id)):
            if part.run == run:
                own.append(part)
            elif part.is_alive(now):
                elsewhere += held(part.turns.values())
        present = sum(part.has_ended or part.is_alive(now) for part in own)
        return cls(
            entrants={name: one for part in own for name, one in part.entrants.items()},
            turns={name: turn if part.is_alive(now) else _left(turn, part) for part in own for name, turn in part.turns.items()},
            is_recovery=any(part.kind in RECOVERING for part in own),
            absent=max(0, max((part.parts for part in own), default=1) - present),
            elsewhere=elsewhere,
            limits=limits,
        )

    def verdict(self, name: str) -> Admission:
        """Whether an application that waits for its turn may begin."""
        missing = self.missing(name)
        return Admission(missing=missing) if missing else Admission(waits_for=self._precedence(name, self._open_wave()) or self._room(name))

    def missing(self, name: str) -> str:
        """Why an application cannot begin in this run at all; empty when it can."""
        for other in self._needed(name):
            turn = self.turns[other]
            if turn.is_over and turn.state != DONE:
                return f"It depends on application '{other}', which is {turn.state}: {turn.message}"
        return ""

    def has_room(self, name: str) -> bool:
        """Whether the limits have room for an application beside all that hold a share, whoever comes first."""
        others = held(turn for other, turn in self.turns.items() if other != name)
        return not self._lacking(_load(self.turns[name]), others + Load(self.elsewhere))

    @functools.cached_property
    def in_order(self) -> tuple[str, ...]:
        """All applications: wave by wave, by priority, then those first on which the longest way to the end depends."""
        ways = self._ways_to_the_end()
        return tuple(sorted(self.entrants, key=lambda name: (self.entrants[name].wave, self.entrants[name].priority, -ways[name], name)))

    def may_begin(self) -> list[str]:
        """All that wait and may begin now, in order."""
        return [name for name, lacking in self._admitted() if not lacking]

    def expected(self, name: str) -> int:
        """Seconds that an application is expected to take: as before, or else as others of the run."""
        seconds = self.entrants[name].expected
        return self._usual if seconds is None else seconds

    # What comes before it

    def _precedence(self, name: str, open_wave: int) -> str:
        """What must be over before; empty when nothing is left."""
        if not self.is_recovery:
            return ""
        entrant, needed = self.entrants[name], self._needed(name)
        unfinished = [other for other in needed if not self.turns[other].is_over]
        if unfinished:
            return f"{', '.join(unfinished)}, on which it depends"
        if self.absent and (entrant.wave or len(needed) < len(entrant.depends_on)):
            return f"{self.absent} further controllers to join the run"
        return "applications of earlier waves" if entrant.wave > open_wave else ""

    def _needed(self, name: str) -> tuple[str, ...]:
        """The applications of the run on which one depends. Whoever leaves some out of it sees to them."""
        return tuple(other for other in self.entrants[name].depends_on if other in self.entrants) if self.is_recovery else ()

    def _open_wave(self) -> int:
        """The first wave that is not over."""
        return min((self.entrants[name].wave for name, turn in self.turns.items() if not turn.is_over), default=0)

    # Limits

    def _room(self, name: str) -> str:
        """Which limits keep an application waiting; empty when there is room for it."""
        lacking = dict(self._admitted())[name]
        return f"the limits of {' and '.join(sorted(f'{kind} at {site}' for site, kind in lacking))}" if lacking else ""

    def _admitted(self) -> t.Iterator[tuple[str, set[tuple[str, str]]]]:
        """All that wait for nothing but the limits, in order, each with those that lack."""
        used = held(self.turns.values()) + Load(self.elsewhere)
        awaited: set[tuple[str, str]] = set()
        open_wave = self._open_wave()
        for name in self.in_order:
            if self.turns[name].state != WAITING or self.missing(name) or self._precedence(name, open_wave):
                continue
            load = _load(self.turns[name])
            lacking = self._lacking(load, used) | (load.keys() & awaited)
            awaited |= lacking
            used += Load() if lacking else load
            yield name, lacking

    def _lacking(self, load: Load, used: Load) -> set[tuple[str, str]]:
        """The kinds of which too much would be under way."""
        return {(site, kind) for (site, kind), number in load.items() if kind in (of := self.limits.get(site, {})) and used[site, kind] + number > of[kind]}

    # The order

    def _ways_to_the_end(self) -> dict[str, int]:
        """Seconds from the beginning of each application to the end of the last one that depends on it."""
        needed = {name: self._needed(name) for name in self.entrants}
        dependants = collections.defaultdict(list)
        for name, others in needed.items():
            for other in others:
                dependants[other].append(name)
        ways: dict[str, int] = {}
        for name in reversed(tuple(graphlib.TopologicalSorter(needed).static_order())):
            ways[name] = self.expected(name) + max((ways[other] for other in dependants[name]), default=0)
        return ways

    @functools.cached_property
    def _usual(self) -> int:
        known = sorted(one.expected for one in self.entrants.values() if one.expected is not None)
        return known[len(known) // 2] if known else UNKNOWN_SECONDS


def held(turns: t.Iterable[Turn]) -> Load:
    """What applications under way hold together."""
    return sum((_load(turn) for turn in turns if turn.state in HOLDING), Load())


def within(needs: Shares, limits: Shares) -> dict[str, dict[str, int]]:
    """What an application may have under way of what it needs: one that needs more than there is takes all, or it would never begin."""
    return {site: {kind: min(number, limits.get(site, {}).get(kind, number)) for kind, number in kinds.items()} for site, kinds in needs.items()}


def _load(turn: Turn) -> Load:
    return Load({(site, kind): number for site, kinds in turn.needs.items() for kind, number in kinds.items() if number})


def _left(turn: Turn, part: RunPart) -> Turn:
    """A turn of a part on which nobody works any more."""
    if turn.is_over:
        return turn
    return dataclasses.replace(turn, state=FAILED, message=f"its run on {part.controller} was interrupted before {part.until}")


def seconds_left(state: RunState, now: datetime.datetime) -> int:
    """How long a run is still expected to take: it is played with the durations that are expected.

    :param now: by the site's clock.
    """
    turns = {name: turn if turn.is_over or turn.state in HOLDING else dataclasses.replace(turn, state=WAITING) for name, turn in state.turns.items()}
    # Of what controllers bring that have not joined yet, nothing is known.
    played = dataclasses.replace(state, turns=turns, absent=0)
    clock = 0
    ends = {name: max(0, state.expected(name) - _age(turn.since, now)) for name, turn in turns.items() if turn.state in HOLDING}
    while True:
        for name in played.may_begin():
            turns[name] = dataclasses.replace(turns[name], state=RUNNING)
            ends[name] = clock + state.expected(name)
        if not ends:
            return clock
        clock, name = min((end, name) for name, end in ends.items())
        del ends[name]
        turns[name] = dataclasses.replace(turns[name], state=DONE)


def _age(since: str | None, now: datetime.datetime) -> int:
    moment = moment_of(since) if since else None
    return int((now - moment).total_seconds()) if moment else 0
