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

#: For how long something is tried when nobody says less: a service restarts in less, and a limit of so many requests per minute has passed by then.
PATIENCE_SECONDS = 120.0
_LONGEST_PAUSE = 60.0
_FIRST_PAUSE = 0.5
#: Where servers stand still meanwhile, or are about to.
_BRIEF_PAUSE = 1.0


@dataclasses.dataclass(frozen=True)
class _Leeway:
    """What limits the tries of what is under way.

    :param until: after which nothing is tried again, by this process's clock.
    :param longest_pause: seconds between two tries at most.
    """

    until: float = math.inf
    longest_pause: float = _LONGEST_PAUSE


_UNLIMITED = _Leeway()
_LEEWAY = contextvars.ContextVar("leeway", default=_UNLIMITED)


@contextlib.contextmanager
def limited(seconds: float = math.inf, longest_pause: float = _LONGEST_PAUSE) -> t.Iterator[None]:
    """Limit for how long anything inside is tried, and how long it pauses; what limits it already, still does.

    It ends no try that is under way.
    """
    outer = _LEEWAY.get()
    inner = _Leeway(min(outer.until, time.monotonic() + seconds), min(outer.longest_pause, longest_pause))
    token = _LEEWAY.set(inner)
    try:
        yield
    finally:
        _LEEWAY.reset(token)


def hurried(seconds: float) -> contextlib.AbstractContextManager[None]:
    """Limit what is inside as what happens while servers stand still: it never pauses for long, whatever a service asks for."""
    return limited(seconds, _BRIEF_PAUSE)


class Tries:
    """The tries of one thing, the first of which begins now.

    :param most: how many there may be after the first; as many as there is time for when None.
    :param pause: seconds between two; ever longer ones when None.
    """

    def __init__(self, most: int | None = None, pause: float | None = None) -> None:
        leeway = _LEEWAY.get()
        self._until = min(leeway.until, time.monotonic() + PATIENCE_SECONDS)
        self._longest_pause = leeway.longest_pause
        self._left = math.inf if most is None else most
        self._fixed_pause = pause
        self._pause = _FIRST_PAUSE

    def wait(self, told: float | None = None) -> bool:
        """Let time pass until the next try.

        :param told: the seconds that a service asks to be left alone for.
        :returns: whether there may be one.
        """
        pause = min(self._next_pause() if told is None else max(told, _FIRST_PAUSE), self._longest_pause)
        if self._left <= 0 or time.monotonic() + pause >= self._until:
            return False
        self._left -= 1
        time.sleep(pause)
        return True

    def _next_pause(self) -> float:
        """Ever longer, and by chance longer or shorter: what failed at one moment for many must not be tried again by all at one moment."""
        if self._fixed_pause is not None:
            return self._fixed_pause
        pause, self._pause = self._pause, min(2 * self._pause, self._longest_pause)
        return pause * random.uniform(0.75, 1.25)
