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
        #: What somebody has given to single projects.
        self.own: dict[str, dict[str, int]] = {}
        #: Whether limits are Keystone's, so that what is set here is taken without a word and forgotten.
        self.forgets = False
        self._used = used
        self._status = status

    def take(self, project: str, **amounts: int) -> None:
        for name, amount in amounts.items():
            limit = self.of(project)[name]
            expect(limit < 0 or self._used[name](project) + amount <= limit, f"Quota exceeded for {name}", self._status)

    def shown(self, project: str, used: str) -> Resource:
        limits = self.of(project)
        return {name: {"limit": limits[name], used: count(project), "reserved": 0} for name, count in self._used.items()}

    def of(self, project: str) -> dict[str, int]:
        """The limits of a project."""
        return {**self.defaults(), **self.own.get(project, {})}

    def defaults(self) -> dict[str, int]:
        """The limits of a project to which nobody has given any."""
        return {name: self.limit.get(name, -1) for name in self._used}

    def serve(self, request: Request, rest: tuple[str, ...], default: str) -> dict[str, int]:
        """What an administrator asks about any project, and sets.

        :param rest: of the path: the project, and perhaps what is asked about it.
        :param default: how the service calls what a project has to which nobody has given anything.
        """
        expect(request.caller.sees_all or rest[0] == request.caller.project, "Policy does not allow it.", 403)
        if rest[1:] == (default,):
            return self.defaults()
        expect(rest[1:] == (), "The resource could not be found.", 404)
        if request.method == "PUT":
            expect(request.caller.sees_all, "Policy does not allow it.", 403)
            ((_key, wanted),) = request.body.items()
            for name, limit in wanted.items():
                expect(name in self._used and isinstance(limit, int) and limit >= -1, f"Invalid limit for {name}")
                expect(limit < 0 or limit >= self._used[name](rest[0]), f"Quota limit for {name} must be greater than or equal to already used")
            if not self.forgets:
                self.own.setdefault(rest[0], {}).update(wanted)
        return self.of(rest[0])
