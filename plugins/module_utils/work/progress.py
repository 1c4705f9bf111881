# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of long work, in a file that others may read meanwhile.

A module's own output is seen only when it has ended.
"""

from __future__ import annotations

import os
import threading

from .clock import SYSTEM_CLOCK, Clock

_GIB = 1024**3
_MIB = 1024**2
#: Seconds between two writes at least.
_WRITE_INTERVAL = 1.0


class Progress:
    """Counts steps and bytes of one phase after the other; may be used by several threads.

    :param path: of the file whose only line tells how far the work is; None writes nothing.
    """

    def __init__(self, path: str | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        #: Why the file was last not written; empty where it always was.
        self.failure = ""
        self._written = float("-inf")
        self.begin("preparing", "steps", 0)

    def begin(self, what: str, unit: str, steps: int, size: int | None = None) -> None:
        """Begin a phase.

        :param what: how a line begins.
        :param unit: what is counted, in the plural.
        :param steps: how many of them there are.
        :param size: bytes to move in all, where that is known.
        """
        with self._lock:
            self._what, self._unit, self._steps, self._size = what, unit, steps, size
            self._began = self._clock.now()
            self._done_steps, self._done_bytes = 0, 0
        self._write(due=True)

    def add(self, steps: int = 0, size: int = 0) -> None:
        with self._lock:
            self._done_steps += steps
            self._done_bytes += size
        self._write(due=bool(steps))

    def at(self, steps: int, size: int) -> None:
        """Set the progress of a phase whose work is only observed."""
        with self._lock:
            self._done_steps, self._done_bytes = steps, size
        self._write(due=False)

    @property
    def line(self) -> str:
        """A line for people: how much is done, how fast, and how long it will still take."""
        with self._lock:
            seconds = self._clock.now() - self._began
            parts = [f"{self._what}: {self._done_steps} of {self._steps} {self._unit}"]
            if self._done_bytes or self._size:
                whole = "" if self._size is None else f" of {_readable(self._size)}"
                parts.append(f"{_readable(self._done_bytes)}{whole}")
                if seconds > 0:
                    parts.append(f"{self._done_bytes / seconds / _MIB:.1f} MiB/s")
            left = self._seconds_left(seconds)
            if left is not None:
                parts.append(f"about {_duration(left)} left")
            return ", ".join(parts)

    def _seconds_left(self, seconds: float) -> float | None:
        done, whole = (self._done_bytes, self._size) if self._size else (self._done_steps, self._steps)
        return seconds * (whole - done) / done if 0 < done <= whole else None

    def _write(self, due: bool) -> None:
        if not self._path or not (due or self._clock.now() - self._written >= _WRITE_INTERVAL):
            return
        line = self.line
        with self._lock:
            self._written = self._clock.now()
            # A full disk or an invalid path must not end the work: it continues without showing progress.
            try:
                _replace(self._path, line)
            except OSError as error:
                self.failure = str(error)


def _replace(path: str, line: str) -> None:
    """Replace the file in one step, so that a reader always finds a whole line."""
    beside = f"{path}.new"
    with open(beside, "w", encoding="utf-8") as file:
        file.write(line)
    os.replace(beside, path)


def _readable(size: int) -> str:
    return f"{size / _GIB:.1f} GiB" if size >= _GIB else f"{size / _MIB:.1f} MiB"


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
