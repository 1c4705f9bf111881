# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to tell of a budget that was too short for the snapshots of a set."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ..core.errors import WaitTimeout
from ..core.text import listed
from ..quiesce.window import FreezeWindow
from .requests import Requests

#: Until so many seconds have passed, nothing is said of how fast it goes.
_LEAST_SECONDS = 0.1


@dataclasses.dataclass(frozen=True)
class Shortage:
    """How far a set was when the thaw of whoever still stood still had to begin.

    :param volumes: ids of the volumes of each server, per id.
    """

    window: FreezeWindow
    requests: Requests
    volumes: t.Mapping[str, t.AbstractSet[str]]

    def error(self, what: str) -> WaitTimeout:
        """What was done and what was left, how fast it went, and what to change.

        :param what: was taken, in words.
        """
        window = self.window
        thawed = sum(1 for member in window.members if member.thaw_requested)
        return WaitTimeout(
            f"The budget of {window.budget} s was too short for {what}: {window.standstill:.1f} s after the first freeze was requested, when the thaw "
            f"had to begin, {self.requests.progress()} ({self._rate:.1f} complete per second). {thawed} of {len(window.members)} servers were done "
            f"with; open were {self._open}.",
            f"All servers are thawed. Raise budget{self._enough} and guard_timeout. If many were not requested yet, raise concurrency, or give "
            "Cinder's API more processes; if many were being taken, the storage is slow.",
        )

    @property
    def _left(self) -> dict[str, t.AbstractSet[str]]:
        """Volumes that were not seen snapshotted, per server that needs them."""
        left = {member.server.label: self.volumes[member.server.id] - self.requests.taken.keys() for member in self.window.members}
        return {label: volumes for label, volumes in left.items() if volumes}

    @property
    def _open(self) -> str:
        left = self._left
        return f"{len(set().union(*left.values()))} volumes of {len(left)} servers ({listed(left)})"

    @property
    def _rate(self) -> float:
        """Complete per second since all servers were frozen."""
        return len(self.requests.taken) / max(self.window.frozen_seconds, _LEAST_SECONDS)

    @property
    def _enough(self) -> str:
        """The budget that would have done at this rate, in words; empty when nobody can tell."""
        if not self.requests.taken:
            return ""
        left = len(set().union(*self._left.values())) / self._rate
        return f" (at this rate, {math.ceil(self.window.standstill + left + self.window.expected_thaw)} s would do)"
