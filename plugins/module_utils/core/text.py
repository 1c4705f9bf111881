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
