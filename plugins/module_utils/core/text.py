# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make texts from elsewhere safe for messages, and texts of times."""

from __future__ import annotations

import datetime
import typing as t

#: How many characters of foreign text a message quotes.
LONGEST = 200
#: How many of many names a message lists.
_LISTED = 10
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def told(text: object, at_most: int = LONGEST) -> str:
    """One line of bounded length without anything that a terminal or a log would act on."""
    words = " ".join(str(text).split())
    return printable(words[:at_most])


def printable(text: str) -> str:
    """A text on one line, without anything that a terminal or a log would act on."""
    return "".join(one if one.isprintable() else " " if one.isspace() else "?" for one in text)


def listed(names: t.Collection[str]) -> str:
    """Names in a message, and how many more there are than it has room for."""
    shown, more = list(names)[:_LISTED], len(names) - _LISTED
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def timestamp(moment: datetime.datetime) -> str:
    """A time in UTC to the millisecond, e.g. 2026-11-22T12:00:01.250Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def counted(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """A duration to two or three significant figures: 0.84 s, 14.2 s, 4 min 12 s, 3 h 5 min, 2 d 4 h."""
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


def interval(seconds: int) -> str:
    """A duration that somebody has chosen: 45 s, 90 min, 36 h, 7 d."""
    unit, name = next((unit, name) for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s")) if seconds % unit == 0)
    return f"{seconds // unit} {name}"
