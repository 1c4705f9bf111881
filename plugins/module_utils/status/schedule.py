# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the recovery of all applications takes, wave by wave, and what decides that. Pure."""

from __future__ import annotations

import dataclasses
import heapq
import math
import typing as t

from ..site.order import Ordered


@dataclasses.dataclass(frozen=True)
class SitePrediction:
    """The recovery of a whole site.

    :param seconds: of those whose time is known; at least so long for all.
    :param unknown: applications whose time is not known. They count as if they took none.
    :param critical_path: applications each of which waits for the one before it, up to the last one of all.
    :param at_once: how many are recovered in parallel; None for no limit.
    """

    seconds: float
    unknown: tuple[str, ...]
    critical_path: tuple[str, ...]
    at_once: int | None


def scheduled(applications: t.Sequence[Ordered], seconds: t.Mapping[str, float | None], at_once: int | None) -> SitePrediction:
    """Recover all applications, as soon as what they wait for is there and it is their turn.

    :param applications: in the order of their recovery, by their names among all applications of the site.
    """
    run = _Recovery(applications, seconds, at_once)
    run.finish()
    return SitePrediction(round(run.now, 1), tuple(one.name for one in applications if seconds[one.name] is None), run.critical_path(), at_once)


class _Recovery:
    def __init__(self, applications: t.Sequence[Ordered], seconds: t.Mapping[str, float | None], at_once: int | None) -> None:
        self._waiting = list(applications)
        self._seconds = seconds
        self._free = math.inf if at_once is None else at_once
        self._running: list[tuple[float, int, str]] = []
        #: The waves of those that are not recovered yet.
        self._left = {one.name: one.wave for one in applications}
        #: What each began after; None where it began at once.
        self._after: dict[str, str | None] = {}
        self._last: str | None = None
        self.now = 0.0

    def finish(self) -> None:
        self._begin()
        while self._running:
            self.now, _number, self._last = heapq.heappop(self._running)
            self._free += 1
            del self._left[self._last]
            self._begin()

    def _begin(self) -> None:
        """Begin whatever can be. Applications are in the order of the waves, so the first one left is of that which is being recovered."""
        wave = next(iter(self._left.values()), None)
        for one in list(self._waiting):
            if not self._free or one.wave != wave:
                return
            if not any(other in self._left for other in one.depends_on):
                self._waiting.remove(one)
                self._after[one.name] = self._last
                self._free -= 1
                heapq.heappush(self._running, (self.now + (self._seconds[one.name] or 0.0), len(self._after), one.name))

    def critical_path(self) -> tuple[str, ...]:
        found: list[str] = []
        name = self._last
        while name is not None:
            found.append(name)
            name = self._after[name]
        return tuple(reversed(found))
