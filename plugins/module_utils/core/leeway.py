# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long what is under way may go on trying.

Whoever has a deadline says so around what it calls, and far below, where requests to clouds are repeated, it is kept. What is begun
in other threads inherits it.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import math
import random
import time
import typing as t

#: For how long one failure after another is put up with when nobody says less: a service restarts in less.
PATIENCE_SECONDS = 120.0
#: For how long the pace of a service is kept that serves so many requests per minute: others may use up what it allows.
_PACE_SECONDS = 900.0
_LONGEST_PAUSE = 60.0
_FIRST_PAUSE = 0.5
#: Where servers stand still meanwhile, or are about to.
_BRIEF_PAUSE = 1.0


class _Endurance:
    """How long one failure after another may go on, counted from the first of them.

    :param outer: what limits it already.
    """

    def __init__(self, seconds: float, outer: _Endurance | None) -> None:
        self._seconds = seconds
        self._outer = outer
        self._until = math.inf

    def fail(self) -> float:
        """Note a failure; returns until when there may be more of them."""
        if self._until == math.inf:
            self._until = time.monotonic() + self._seconds
        return min(self._until, self._outer.fail() if self._outer else math.inf)

    def succeed(self) -> None:
        self._until = math.inf


@dataclasses.dataclass(frozen=True)
class _Leeway:
    """What limits the tries of what is under way.

    :param until: after which nothing is tried again, by this process's clock.
    :param longest_pause: seconds between two tries at most.
    :param patience: with failures.
    """

    until: float = math.inf
    longest_pause: float = math.inf
    patience: _Endurance | None = None


_UNLIMITED = _Leeway()
_LEEWAY = contextvars.ContextVar("leeway", default=_UNLIMITED)


@contextlib.contextmanager
def _set(leeway: _Leeway) -> t.Iterator[None]:
    token = _LEEWAY.set(leeway)
    try:
        yield
    finally:
        _LEEWAY.reset(token)


def limited(seconds: float = math.inf, longest_pause: float = math.inf) -> contextlib.AbstractContextManager[None]:
    """Limit for how long anything inside is tried, and how long it pauses; what limits it already, still does.

    It ends no try that is under way.
    """
    outer = _LEEWAY.get()
    until, pause = min(outer.until, time.monotonic() + seconds), min(outer.longest_pause, longest_pause)
    return _set(dataclasses.replace(outer, until=until, longest_pause=pause))


def hurried(seconds: float = math.inf) -> contextlib.AbstractContextManager[None]:
    """Limit what is inside as what happens while servers stand still: it never pauses for long, whatever a service asks for."""
    return limited(seconds, _BRIEF_PAUSE)


def patient(seconds: float = PATIENCE_SECONDS) -> contextlib.AbstractContextManager[None]:
    """Limit for how long one failure after another may go on inside, however many things are tried there."""
    outer = _LEEWAY.get()
    return _set(dataclasses.replace(outer, patience=_Endurance(seconds, outer.patience)))


def succeed() -> None:
    """Note that what is under way was answered: the next failure is a first one."""
    patience = _LEEWAY.get().patience
    if patience:
        patience.succeed()


class Tries:
    """The tries of one thing, the first of which begins now.

    :param most: how many there may be after the first; as many as there is time for when None.
    :param pause: seconds between two; ever longer ones when None.
    """

    def __init__(self, most: int | None = None, pause: float | None = None) -> None:
        leeway = _LEEWAY.get()
        self._end = min(leeway.until, time.monotonic() + _PACE_SECONDS)
        self._patience = _Endurance(PATIENCE_SECONDS, leeway.patience)
        self._longest_pause = leeway.longest_pause
        self._left = math.inf if most is None else most
        self._fixed_pause = pause
        self._pause = _FIRST_PAUSE

    def wait(self, told: float | None = None, is_pace: bool = False) -> bool:
        """Let time pass until the next try.

        :param told: the seconds that a service asks to be left alone for.
        :param is_pace: whether nothing failed, and the service only serves no more requests now.
        :returns: whether there may be one.
        """
        if is_pace:
            self._patience.succeed()
        until = self._end if is_pace else min(self._end, self._patience.fail())
        pause = min(self._next_pause() if told is None else max(told, _FIRST_PAUSE), self._longest_pause)
        if self._left <= 0 or time.monotonic() + pause >= until:
            return False
        self._left -= 1
        time.sleep(pause)
        return True

    def _next_pause(self) -> float:
        """Ever longer, and by chance longer or shorter: what failed at one moment for many must not be tried again by all at one moment."""
        if self._fixed_pause is not None:
            return self._fixed_pause
        pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE, self._longest_pause)
        return pause * random.uniform(0.75, 1.25)
