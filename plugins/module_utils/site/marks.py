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
_A_NAME = (_NAME, "a name of letters, digits, '.', '_' and '-', at most 63")
#: How a mark must be written. What is no policy's name is as unknown as any other that the plan does not have.
_RULES = {APPLICATION: _A_NAME, TIER: _A_NAME, ORDER: (re.compile(r"[0-9]{1,4}"), "a number from 0 to 9999")}


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
        said = _said_by(server)
        if not said:
            return None
        if APPLICATION not in said:
            raise _unusable(server, f"it has {_key(next(iter(said)))} but not {_key(APPLICATION)}")
        marks = {key: _only(server, key, texts) for key, texts in said.items()}
        for key, (pattern, rule) in _RULES.items():
            if key in marks and not pattern.fullmatch(marks[key]):
                raise _unusable(server, f"{_key(key)} is '{told(marks[key])}' and must be {rule}")
        order = int(marks[ORDER]) if ORDER in marks else None
        return cls(marks[APPLICATION], marks.get(TIER, ONLY_TIER), order, marks.get(POLICY))


def applications_named(server: Server) -> list[str]:
    """Names of all applications to which a server is meant to belong, also by a mark that cannot be used otherwise."""
    return [name for name in _said_by(server).get(APPLICATION, ()) if _NAME.fullmatch(name)]


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


def _said_by(server: Server) -> dict[str, list[str]]:
    """What a server's metadata say for each key, or else its tags, of which several may have the same key."""
    tags = collections.defaultdict(list)
    for tag in server.tags:
        key, equals, text = tag.partition("=")
        if equals:
            tags[key].append(text)
    found = {key: [server.metadata[_key(key)]] if _key(key) in server.metadata else tags[_key(key)] for key in KEYS}
    return {key: texts for key, texts in found.items() if texts}


def _only(server: Server, key: str, texts: t.Sequence[str]) -> str:
    if len(texts) > 1:
        raise _unusable(server, f"it has several tags for {_key(key)}: {' and '.join(repr(told(text)) for text in sorted(texts))}")
    return texts[0]


def _key(key: str) -> str:
    return _PREFIX + key


def _unusable(server: Server, problem: str) -> InvalidInput:
    return InvalidInput(f"The mark on server {server.label} cannot be used: {problem}.")
