# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Begin a run, join it beside other controllers, or resume what a controller left that is gone."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import secrets
import typing as t

from ..application.definition import require_name
from ..core.errors import Busy, InvalidInput
from ..core.text import timestamp
from ..site.order import cycle_among
from ..work.clock import SYSTEM_CLOCK, Clock
from ..work.waiting import Waiter
from .controller import LEASE
from .part import DONE, RECOVERING, Entrant, RunPart, Turn
from .shelf import PartShelf

#: Runs of each kind of which the records are kept.
KEPT_RUNS = 10
_LOOK_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class WantedRun:
    """What somebody wants to be done.

    :param id: of the run; empty for the one that was interrupted, or a new one.
    :param entrants: in any order.
    :param resume_within: seconds after its beginning within which an interrupted run is resumed although nobody names it.
    :param parts: how many controllers work on it.
    """

    kind: str
    id: str
    entrants: tuple[Entrant, ...]
    resume_within: int
    parts: int = 1

    @property
    def names(self) -> frozenset[str]:
        return frozenset(one.name for one in self.entrants)


@dataclasses.dataclass(frozen=True)
class Begun:
    """A part that has begun.

    :param is_resumed: whether an earlier one of the run has had some of its applications.
    :param others: all other parts that are there.
    :param warnings: what of the records could not be read.
    """

    part: RunPart
    is_resumed: bool
    others: tuple[RunPart, ...]
    warnings: tuple[str, ...]


def begin(shelf: PartShelf, wanted: WantedRun, controller: str, now: t.Callable[[], datetime.datetime], clock: Clock = SYSTEM_CLOCK) -> Begun:
    """Choose the run and make this controller's part of it, which nobody has written yet.

    A controller whose part has some of the applications, and counts, may have been killed a moment ago: that shows within the time of its lease.

    :param controller: its name, for messages.
    :param now: the site's clock.
    :raises InvalidInput: when applications depend on each other in a circle, or the run is of another kind.
    :raises Busy: when another controller works on some of the applications.
    """
    _refuse_circle(wanted)
    shelved = shelf.parts()
    run = wanted.id or _interrupted(shelved.parts, wanted, now()) or f"{now():%Y%m%dT%H%M%SZ}-{wanted.kind}"
    require_name("the id of a run", run)
    _refuse_other_kind(run, shelved.parts, wanted)
    if _rivals(shelved.parts, run, wanted, now()):
        shelved = Waiter(LEASE + 2 * _LOOK_SECONDS, _LOOK_SECONDS, clock).until("another controller", _End(shelf, run, wanted, now).look)
    earlier = _newest(one for one in shelved.parts if one.run == run)
    moment = now()
    part = RunPart(
        run=run,
        id=f"{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        kind=wanted.kind,
        controller=controller,
        began=timestamp(moment),
        until=timestamp(moment + datetime.timedelta(seconds=LEASE)),
        parts=wanted.parts,
        entrants=_expected(wanted, shelved.parts),
        turns={name: earlier[name] if name in earlier and earlier[name].state == DONE else Turn() for name in sorted(wanted.names)},
    )
    return Begun(part, bool(earlier.keys() & wanted.names), shelved.parts, shelved.unreadable)


class _End:
    """Waits for the end of other controllers' parts.

    A part whose time moves on is one that somebody works on.
    """

    def __init__(self, shelf: PartShelf, run: str, wanted: WantedRun, now: t.Callable[[], datetime.datetime]) -> None:
        self._shelf, self._run, self._wanted, self._now = shelf, run, wanted, now
        self._seen: dict[str, str] = {}

    def look(self) -> t.Any:
        shelved = self._shelf.parts()
        rivals = _rivals(shelved.parts, self._run, self._wanted, self._now())
        for one in rivals:
            if self._seen.setdefault(one.id, one.until) < one.until:
                names = sorted(self._wanted.names & one.entrants.keys())
                raise Busy(
                    f"Run '{one.run}' is under way on {one.controller} since {one.began}, with applications that this run has too: {', '.join(names)}.",
                    "Let it finish; then re-run this one.",
                )
        return None if rivals else shelved


def outdated(parts: t.Iterable[RunPart], now: datetime.datetime) -> list[RunPart]:
    """The parts of runs of which no record is kept any more."""
    runs: dict[str, list[RunPart]] = collections.defaultdict(list)
    for part in parts:
        runs[part.run].append(part)
    by_kind: dict[str, list[list[RunPart]]] = collections.defaultdict(list)
    for of_run in sorted(runs.values(), key=lambda one: max(part.began for part in one), reverse=True):
        by_kind[of_run[0].kind].append(of_run)
    old = (of_run for of_kind in by_kind.values() for of_run in of_kind[KEPT_RUNS:])
    return [part for of_run in old if not any(one.is_alive(now) for one in of_run) for part in of_run]


def _refuse_circle(wanted: WantedRun) -> None:
    known = wanted.names
    circle = cycle_among({one.name: [other for other in one.depends_on if other in known] for one in wanted.entrants})
    if circle and wanted.kind in RECOVERING:
        raise InvalidInput(f"Applications depend on each other in a circle: {' on '.join(map(repr, circle))}.", "Correct dr_site_depends_on of one of them.")


def _refuse_other_kind(run: str, parts: t.Iterable[RunPart], wanted: WantedRun) -> None:
    other = next((one for one in parts if one.run == run and one.kind != wanted.kind), None)
    if other:
        raise InvalidInput(f"Run '{run}' is a {other.kind} of {other.began}, no {wanted.kind}.", "Give this run an id of its own, or none.")


def _interrupted(parts: t.Iterable[RunPart], wanted: WantedRun, now: datetime.datetime) -> str | None:
    """The newest run of the kind in which somebody has left some of the applications; what it has beside them does not matter."""
    runs: dict[str, list[RunPart]] = collections.defaultdict(list)
    for part in parts:
        if part.kind == wanted.kind:
            runs[part.run].append(part)
    since = timestamp(now - datetime.timedelta(seconds=wanted.resume_within))
    left = [
        (began, run)
        for run, of_run in runs.items()
        if (began := min(one.began for one in of_run)) >= since and not all(turn.is_over for name, turn in _newest(of_run).items() if name in wanted.names)
    ]
    return max(left)[1] if left else None


def _rivals(parts: t.Iterable[RunPart], run: str, wanted: WantedRun, now: datetime.datetime) -> list[RunPart]:
    """Parts that count and have some of the applications of a kind of run: two must not work on one."""
    alike = (one for one in parts if one.run == run or one.kind == wanted.kind)
    return [one for one in alike if one.is_alive(now) and not one.is_over and wanted.names & one.entrants.keys()]


def _newest(parts: t.Iterable[RunPart]) -> dict[str, Turn]:
    """The turns of a run, of each application in the newest part that has it."""
    return {name: turn for part in sorted(parts, key=lambda one: (one.began, one.id)) for name, turn in part.turns.items()}


def _expected(wanted: WantedRun, parts: t.Iterable[RunPart]) -> dict[str, Entrant]:
    """The entrants, each with the seconds that it took when the same was done with it the last time."""
    took: dict[str, int] = {}
    for part in sorted(parts, key=lambda one: one.began):
        if part.kind == wanted.kind:
            took |= {name: turn.seconds for name, turn in part.turns.items() if turn.state == DONE and turn.seconds is not None}
    return {one.name: dataclasses.replace(one, expected=took.get(one.name)) for one in sorted(wanted.entrants, key=lambda one: one.name)}
