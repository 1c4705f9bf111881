# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run in words, for people who watch it or come when it is over, and as data for what shows it."""

from __future__ import annotations

import collections
import datetime
import typing as t

from .part import DONE, FAILED, HOLDING, RUNNING, SKIPPED, RunPart, Shares
from .schedule import RunState, seconds_left

_MOST_NAMED = 5


def progress(state: RunState, now: datetime.datetime) -> str:
    """How far a run is, in one line.

    :param now: by the site's clock.
    """
    count = collections.Counter(RUNNING if turn.state in HOLDING else turn.state for turn in state.turns.values())
    waiting = len(state.turns) - sum(count[name] for name in (DONE, RUNNING, FAILED, SKIPPED))
    running = [name for name in state.in_order if state.turns[name].state in HOLDING]
    told = [f"{count[DONE]} of {len(state.turns)} applications are done", f"{count[RUNNING]} under way{_named(running)}", f"{waiting} waiting"]
    told += [f"{count[name]} {name}" for name in (FAILED, SKIPPED) if count[name]]
    return ", ".join(told) + (f"; about {duration(seconds_left(state, now))} left" if waiting or running else "")


def duration(seconds: int) -> str:
    """Seconds as people say them."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def described(state: RunState) -> list[dict[str, t.Any]]:
    """All applications of a run, in their order."""
    return [
        {
            "name": name,
            "state": (turn := state.turns[name]).state,
            "since": turn.since,
            "seconds": turn.seconds,
            "expected_seconds": state.entrants[name].expected,
            "message": turn.message,
        }
        for name in state.in_order
    ]


def summary(run: str, parts: t.Sequence[RunPart], state: RunState, now: datetime.datetime) -> dict[str, t.Any]:
    """A run as results show it.

    :param parts: its own.
    """
    count = collections.Counter(turn.state for turn in state.turns.values())
    began, alive = min(one.began for one in parts), [one for one in parts if one.is_alive(now)]
    ended = max((turn.since or began for turn in state.turns.values()), default=began) if not alive else None
    return {
        "id": run,
        "kind": parts[0].kind,
        "began": began,
        "ended": ended,
        "controllers": sorted({one.controller for one in alive}),
        "complete": count[DONE] == len(state.turns),
        "counts": dict(sorted(count.items())),
        "progress": progress(state, now),
        "text": text(state, now),
        "applications": described(state),
    }


def text(state: RunState, now: datetime.datetime) -> str:
    """A run for people: how far it is, and what is not as it should be."""
    troubles = [(name, turn) for name in state.in_order if (turn := state.turns[name]).state in (FAILED, SKIPPED)]
    return "".join(f"{line}\n" for line in [f"{progress(state, now)}.", *(f"{name} {turn.state}: {turn.message}" for name, turn in troubles)])


def summaries(parts: t.Iterable[RunPart], now: datetime.datetime, limits: Shares) -> list[dict[str, t.Any]]:
    """All runs, the newest first."""
    runs: dict[str, list[RunPart]] = collections.defaultdict(list)
    for part in parts:
        runs[part.run].append(part)
    told = [summary(run, of_run, RunState.of(run, of_run, now, limits), now) for run, of_run in runs.items()]
    return sorted(told, key=lambda one: (one["began"], one["id"]), reverse=True)


def _named(names: t.Sequence[str]) -> str:
    if not names:
        return ""
    more = len(names) - _MOST_NAMED
    return f" ({', '.join(names[:_MOST_NAMED])}{f' and {more} more' if more > 0 else ''})"
