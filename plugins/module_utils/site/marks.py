# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks that owners put on their servers, and the tiers that follow from them. Pure.

A mark is metadata (``dr:application: shop``), or else a tag (``dr:application=shop``). Whoever may change a server may mark it, so a mark
is another's word: it is held to the rules of names, and says nothing about other projects.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ..application.definition import NAME_PATTERN
from ..core.errors import InvalidInput
from ..core.records import BESIDE_KEY, DRILL_KEY, Server
from ..core.text import told

_PREFIX = "dr:"
APPLICATION, TIER, ORDER, POLICY = KEYS = ("application", "tier", "order", "policy")
#: Of servers whose owner names none.
ONLY_TIER = "servers"
_NAME = re.compile(NAME_PATTERN)
_ORDER = re.compile(r"\d{1,4}")


@dataclasses.dataclass(frozen=True)
class OwnerMark:
    """What an owner wants with a server.

    :param order: of its tier among those of the application, the first to boot first; None where the owner does not say.
    """

    application: str
    tier: str = ONLY_TIER
    order: int | None = None
    policy: str | None = None

    @classmethod
    def of(cls, server: Server) -> OwnerMark | None:
        """The mark on a server; None where there is none.

        :raises InvalidInput: for one that cannot be understood.
        """
        marks = _marks_on(server)
        if not marks:
            return None
        if APPLICATION not in marks:
            raise _unusable(server, f"it has {_key(next(iter(marks)))} but not {_key(APPLICATION)}")
        for key, text in marks.items():
            pattern, rule = (_ORDER, "a number from 0 to 9999") if key == ORDER else (_NAME, "a name of letters, digits, '.', '_' and '-', at most 63")
            if not pattern.fullmatch(text):
                raise _unusable(server, f"{_key(key)} is '{told(text)}' and must be {rule}")
        order = int(marks[ORDER]) if ORDER in marks else None
        return cls(marks[APPLICATION], marks.get(TIER, ONLY_TIER), order, marks.get(POLICY))


def is_copy(server: Server) -> bool:
    """Whether a server was made by a drill, or beside the running application. It has the marks of the one that it stands for."""
    return DRILL_KEY in server.metadata or BESIDE_KEY in server.metadata


def boot_order(marks: t.Iterable[OwnerMark]) -> list[str]:
    """The tiers of an application in the order in which its owner wants them to boot.

    :raises InvalidInput: where the owner does not say it, or says several things.
    """
    said: dict[str, set[int]] = collections.defaultdict(set)
    for mark in marks:
        said[mark.tier] |= {mark.order} - {None}  # type: ignore[arg-type]
    if len(said) == 1:
        return list(said)
    for tier, orders in sorted(said.items()):
        if len(orders) != 1:
            what = f"several numbers ({', '.join(map(str, sorted(orders)))})" if orders else "no number"
            raise InvalidInput(f"The servers of tier '{tier}' have {what} as {_key(ORDER)}.", "Give all servers of a tier the same, and each tier its own.")
    numbers = {tier: orders.pop() for tier, orders in said.items()}
    for number, count in collections.Counter(numbers.values()).items():
        if count > 1:
            alike = " and ".join(f"'{tier}'" for tier in sorted(numbers) if numbers[tier] == number)
            raise InvalidInput(f"Tiers {alike} both have {number} as {_key(ORDER)}.", "Give each tier its own.")
    return sorted(numbers, key=lambda tier: numbers[tier])


def _marks_on(server: Server) -> dict[str, str]:
    tags = dict(tag.split("=", 1) for tag in server.tags if "=" in tag)
    found = {key: server.metadata.get(_key(key), tags.get(_key(key))) for key in KEYS}
    return {key: text for key, text in found.items() if text is not None}


def _key(key: str) -> str:
    return _PREFIX + key


def _unusable(server: Server, problem: str) -> InvalidInput:
    return InvalidInput(f"The mark on server {server.label} cannot be used: {problem}.")
