# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of protection: an application, its tiers and their order."""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t

from ..core.errors import InvalidInput
from .checks import Check

#: Names end up in object names, metadata and file names of many systems.
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_NAME = re.compile(NAME_PATTERN)
DRILL_PATTERN = r"[A-Za-z0-9][A-Za-z0-9_-]{0,19}"
_DRILL_ID = re.compile(DRILL_PATTERN)


@dataclasses.dataclass(frozen=True)
class Tier:
    """Servers that may be handled in parallel, by name or id."""

    name: str
    servers: tuple[str, ...]
    checks: tuple[Check, ...] = ()


@dataclasses.dataclass(frozen=True)
class Application:
    """Named tiers of servers, in boot order."""

    name: str
    tiers: tuple[Tier, ...]

    @classmethod
    def parse(cls, definition: t.Mapping[str, t.Any]) -> Application:
        """Read an application definition as a module gets it.

        :param definition: ``name`` and ``tiers``, each with ``name``, ``servers`` and perhaps ``checks``.
        :raises InvalidInput: naming everything that is wrong with it.
        """
        application = cls(
            name=definition["name"],
            tiers=tuple(
                Tier(
                    name=tier["name"],
                    servers=tuple(tier["servers"]),
                    checks=tuple(Check.parse(check) for check in tier.get("checks") or ()),
                )
                for tier in definition["tiers"]
            ),
        )
        problems = application._problems()
        if problems:
            raise InvalidInput(
                f"The definition of application '{application.name}' is not usable: {'; '.join(problems)}."
            )
        return application

    def _problems(self) -> list[str]:
        problems = [
            f"'{name}' is no usable name (letters, digits, '.', '_' and '-', at most 63, beginning with a letter or digit)"
            for name in (self.name, *(tier.name for tier in self.tiers))
            if not _NAME.fullmatch(name)
        ]
        if not self.tiers:
            problems.append("it has no tiers")
        problems += [f"tier '{tier.name}' has no servers" for tier in self.tiers if not tier.servers]
        problems += _repeated("tier", [tier.name for tier in self.tiers])
        problems += _repeated("server", self.servers)
        problems += [
            f"check {number} of tier '{tier.name}': {problem}"
            for tier in self.tiers
            for number, check in enumerate(tier.checks, 1)
            for problem in check.problems
        ]
        return problems

    @property
    def servers(self) -> list[str]:
        """All servers in boot order."""
        return [server for tier in self.tiers for server in tier.servers]

    @property
    def freeze_order(self) -> tuple[Tier, ...]:
        """Tiers in the order of freezing: front end before database, the last to boot first."""
        return tuple(reversed(self.tiers))

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "name": self.name,
            "tiers": [
                {
                    "name": tier.name,
                    "servers": list(tier.servers),
                    "checks": [check.as_dict() for check in tier.checks],
                }
                for tier in self.tiers
            ],
        }


def _repeated(what: str, names: t.Iterable[str]) -> list[str]:
    counts = collections.Counter(names)
    return [f"{what} '{name}' is listed {count} times" for name, count in counts.items() if count > 1]


def require_name(what: str, name: str) -> str:
    """Refuse a checkpoint id or name that could not be used everywhere.

    :raises InvalidInput: naming it.
    """
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"'{name}' cannot be used as {what}: use letters, digits, '.', '_' and '-', at most 63, beginning with a letter or digit."
        )
    return name


def require_drill_id(name: str) -> str:
    """Refuse an id that could not be in the name of a key pair, or not in a mark beside the ids of all else.

    :raises InvalidInput: naming it.
    """
    if not _DRILL_ID.fullmatch(name):
        raise InvalidInput(
            f"'{name}' cannot be used as the id of a drill: use letters, digits, '_' and '-', at most 20, beginning with a letter or digit."
        )
    return name


def require_beside_id(name: str) -> str:
    """Refuse an id that could not be in a mark beside the ids of all else.

    :raises InvalidInput: naming it.
    """
    if not _DRILL_ID.fullmatch(name):
        raise InvalidInput(
            f"'{name}' cannot be used as the id of volumes beside an application: use letters, digits, '_' and '-', at most 20, "
            "beginning with a letter or digit."
        )
    return name


def require_checkpoint_id(name: str) -> str:
    """Refuse an id under which a checkpoint could not be found again.

    :raises InvalidInput: naming it.
    """
    if name == "latest":
        raise InvalidInput("A checkpoint cannot have the id 'latest', which stands for the newest one.")
    return require_name("the id of a checkpoint", name)
