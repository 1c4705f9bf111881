# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services of a site in memory share: who asks, what is refused, and what is limited."""

from __future__ import annotations

import copy
import dataclasses
import typing as t

Resource = dict[str, t.Any]
LONGEST = 255


@dataclasses.dataclass(frozen=True)
class Caller:
    """:param sees_all: an administrator, whom Neutron shows all projects and who may set more."""

    project: str
    sees_all: bool = False


@dataclasses.dataclass(frozen=True)
class Request:
    """:param version: the microversion that is asked for, as numbers; (2, 1) or (3, 0) where none is."""

    caller: Caller
    method: str
    path: tuple[str, ...]
    query: t.Mapping[str, list[str]]
    body: Resource
    version: tuple[int, int]


class Refused(Exception):
    """A service refuses a request."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


def expect(holds: t.Any, message: str, status: int = 400) -> None:
    if not holds:
        raise Refused(status, message)


def expect_text(values: t.Mapping[str, t.Any], *names: str) -> None:
    for name in names:
        value = values.get(name)
        expect(value is None or (isinstance(value, str) and len(value) <= LONGEST), f"{name} is too long: {value!r}")


@dataclasses.dataclass(frozen=True)
class Field:
    """An attribute that a request may have.

    :param default: when it is not given.
    :param extension: with which it comes; None for what every site has.
    :param is_for_administrators: whether only they may give it.
    """

    default: t.Any = None
    extension: str | None = None
    is_for_administrators: bool = False
    may_create: bool = True
    may_change: bool = True

    def new(self) -> t.Any:
        return copy.deepcopy(self.default)


class Limits:
    """Quotas of one service.

    :param used: how much of each is used by a project.
    """

    def __init__(self, used: t.Mapping[str, t.Callable[[str], int]], status: int) -> None:
        self.limit: dict[str, int] = {}
        self._used = used
        self._status = status

    def take(self, project: str, **amounts: int) -> None:
        for name, amount in amounts.items():
            limit = self.limit.get(name, -1)
            expect(limit < 0 or self._used[name](project) + amount <= limit, f"Quota exceeded for {name}", self._status)

    def shown(self, project: str, used: str) -> Resource:
        return {name: {"limit": self.limit.get(name, -1), used: count(project), "reserved": 0} for name, count in self._used.items()}
