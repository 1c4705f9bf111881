# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time: a clock that tests can turn, and instants that can be compared and shown."""

from __future__ import annotations

import dataclasses
import datetime
import time
import typing as t


@dataclasses.dataclass(frozen=True)
class Clock:
    """Monotonic seconds, and a way to let them pass."""

    now: t.Callable[[], float] = time.monotonic
    sleep: t.Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


@dataclasses.dataclass(frozen=True)
class Moment:
    """An instant on this process's clock, for comparing, and on the wall, for people."""

    monotonic: float
    wall: datetime.datetime

    @classmethod
    def now(cls) -> Moment:
        return cls(time.monotonic(), datetime.datetime.now(datetime.UTC))

    def __str__(self) -> str:
        return self.wall.strftime("%Y-%m-%dT%H:%M:%S.") + f"{self.wall.microsecond // 1000:03d}Z"

    def after(self, seconds: float) -> Moment:
        return Moment(self.monotonic + seconds, self.wall + datetime.timedelta(seconds=seconds))
