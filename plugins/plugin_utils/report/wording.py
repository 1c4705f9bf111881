# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as people read them. Nothing here depends on a locale or on the clock."""

from __future__ import annotations

import datetime
import typing as t

UNKNOWN = "not known"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_GIB = 1024**3
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def duration(seconds: float | None) -> str:
    """A duration to two or three significant figures: 0.84 s, 14.2 s, 4 min 12 s, 3 h 5 min, 2 d 4 h."""
    if seconds is None:
        return UNKNOWN
    if abs(seconds) < 9.995:
        return f"{seconds:.2f} s"
    if abs(seconds) < 59.95:
        return f"{seconds:.1f} s"
    return _long(round(seconds)) if seconds > 0 else f"-{_long(round(-seconds))}"


def _long(seconds: int) -> str:
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
    if seconds < _DAY:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
    return f"{seconds // _DAY} d {seconds % _DAY // _HOUR} h"


def offset(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else f"+{duration(seconds)}"


def data(count: int) -> str:
    """A number of bytes."""
    size, unit = float(count), 0
    while round(size, 1) >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{count} B" if unit == 0 else f"{size:.1f} {_UNITS[unit]}"


def volumes(sizes: t.Iterable[int | None]) -> str:
    """The size of volumes together; those that are not known count nothing.

    :param sizes: in GiB.
    """
    return data(sum(size or 0 for size in sizes) * _GIB)


def counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def day_and_time(moment: datetime.datetime | None) -> str:
    if moment is None:
        return UNKNOWN
    return f"{moment.astimezone(datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"


def stamp(moment: datetime.datetime | None) -> str | None:
    """A moment in the format that all modules of the collection use."""
    if moment is None:
        return None
    utc = moment.astimezone(datetime.UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def place(tier: str, project: str) -> str:
    """Where a server belongs.

    :param project: empty where the application is in one.
    """
    return f"{tier}, project {project}" if project else tier


def some(names: t.Sequence[str], most: int = 20) -> str:
    """Names in a cell, and how many more there are than it has room for."""
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*names[:most], *more])
