# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks that tests can control, and instants that can be compared and shown."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import time
import typing as t

from ..core.text import timestamp


def _wall() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _wait(future: concurrent.futures.Future[t.Any], seconds: float) -> bool:
    return bool(concurrent.futures.wait([future], max(0, seconds)).done)


@dataclasses.dataclass(frozen=True)
class Clock:
    """Monotonic seconds, ways to let them pass, and the time on the wall.

    :param wait: waits at most so many seconds for what another thread does; tells whether it is done.
    """

    now: t.Callable[[], float] = time.monotonic
    sleep: t.Callable[[float], None] = time.sleep
    wall: t.Callable[[], datetime.datetime] = _wall
    wait: t.Callable[[concurrent.futures.Future[t.Any], float], bool] = _wait

    def moment(self) -> Moment:
        return Moment(self.now(), self.wall())


SYSTEM_CLOCK = Clock()


@dataclasses.dataclass(frozen=True)
class Moment:
    """An instant on this process's clock, for comparing, and on the wall, for people."""

    monotonic: float
    wall: datetime.datetime

    @classmethod
    def now(cls) -> Moment:
        return cls(time.monotonic(), _wall())

    def __str__(self) -> str:
        return timestamp(self.wall)

    def after(self, seconds: float) -> Moment:
        return Moment(self.monotonic + seconds, self.wall + datetime.timedelta(seconds=seconds))
