# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as people read them. Nothing here depends on a locale or on the clock."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.core import text

UNKNOWN = "not known"
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_GIB = 1024**3


def duration(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else text.duration(seconds)


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
