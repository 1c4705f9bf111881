# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read module results and manifests without relying on their shape.

A report is made after the work is done, so no missing or malformed fact may prevent it: what cannot be read counts as
not known.
"""

from __future__ import annotations

import datetime
import math
import typing as t

#: Control characters, and those that change the direction of text, are replaced by a mark.
_UNREADABLE = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")
_UNREADABLE.update({ord(one): " " for one in "\t\n\r"})


class Given:
    """A dictionary that may lack anything, and hold anything."""

    def __init__(self, value: t.Any) -> None:
        self._value: t.Mapping[str, t.Any] = value if isinstance(value, t.Mapping) else {}

    def __bool__(self) -> bool:
        return bool(self._value)

    @property
    def value(self) -> t.Mapping[str, t.Any]:
        """The dictionary itself, for callers that check what they read."""
        return self._value

    def inside(self, key: str) -> Given:
        return Given(self._value.get(key))

    def each(self, key: str) -> list[Given]:
        return [Given(one) for one in self._list(key)]

    def by(self, key: str, name: str) -> dict[str, Given]:
        """The dictionaries of a list by one of their members."""
        return {one.text(name): one for one in self.each(key)}

    def text(self, key: str) -> str:
        return _text(self._value.get(key))

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(text for text in map(_text, self._list(key)) if text)

    def number(self, key: str) -> float | None:
        value = self._value.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        return float(value) if abs(value) < 1e18 and math.isfinite(value) else None

    def count(self, key: str) -> int | None:
        number = self.number(key)
        return None if number is None or number < 0 else int(number)

    def flag(self, key: str) -> bool:
        return self._value.get(key) is True

    def moment(self, key: str) -> datetime.datetime | None:
        """A time with its zone; None for anything else."""
        try:
            moment = datetime.datetime.fromisoformat(self.text(key))
            return moment.astimezone(datetime.UTC) if moment.tzinfo else None
        except (ValueError, OverflowError):
            return None

    def _list(self, key: str) -> t.Sequence[t.Any]:
        value = self._value.get(key)
        return value if isinstance(value, t.Sequence) and not isinstance(value, (str, bytes)) else ()


def later(moment: datetime.datetime | None, seconds: float | None) -> datetime.datetime | None:
    """The moment so many seconds later; None when either is not known."""
    if moment is None or seconds is None:
        return None
    try:
        return moment + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return None


def between(start: datetime.datetime | None, end: datetime.datetime | None) -> float | None:
    """Seconds from one moment to another; None when either is not known."""
    return None if start is None or end is None else round((end - start).total_seconds(), 3)


def readable(text: str) -> str:
    """The text without characters that no file can hold (lone surrogates) or that are invisible and change how the rest reads."""
    return str(text).encode("utf-8", "replace").decode("utf-8").translate(_UNREADABLE)


def _text(value: t.Any) -> str:
    return "" if isinstance(value, bool) or not isinstance(value, (str, int, float)) else readable(str(value))
