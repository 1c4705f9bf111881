# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be restored at a site now, and how old it is.

A checkpoint in the catalogue is a recovery point only while the site has everything that its copies need.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..copies import methods
from ..copies.method import States
from ..core.errors import InvalidInput
from ..manifest.manifest import Checkpoint, Manifest, Outline
from .catalogue import Catalogue, Damaged
from .content import ApplicationContent
from .drill_record import DrillRecord

#: So many of a checkpoint's problems are told one by one: each of its copies may have several.
_MOST_TOLD = 5


def unavailable(manifest: Manifest | Outline, parts: States, site: str) -> list[str]:
    """Why a site cannot restore the copies of a checkpoint.

    :param parts: of copies, all of the site's project, per id.
    """
    return methods.unknown_problems(manifest) + [
        f"{lack.what} of volume {copy.volume_id} is not available on site '{site}'."
        for copy in manifest.copies
        for lack in methods.lacks(copy, parts)
    ]


@dataclasses.dataclass(frozen=True)
class Assessed:
    """A checkpoint in the catalogue, and why it cannot be restored.

    :param problems: empty where the site has everything that its copies need.
    """

    checkpoint: Checkpoint
    problems: tuple[str, ...]

    @classmethod
    def of(cls, outline: Manifest | Outline, parts: States, site: str) -> Assessed:
        """Assess a checkpoint.

        :param parts: of copies, all of the site's project, per id.
        """
        problems = unavailable(outline, parts, site)
        more = [f"And {len(problems) - _MOST_TOLD} more."] if len(problems) > _MOST_TOLD else []
        return cls(outline.checkpoint.bare, (*problems[:_MOST_TOLD], *more))

    def as_dict(self) -> dict[str, str]:
        return {"checkpoint": self.checkpoint.id, "created_at": self.checkpoint.created_at, "problem": " ".join(self.problems)}


@dataclasses.dataclass(frozen=True)
class AgeLimits:
    """The oldest acceptable age in seconds; None for no limit, and for drills and proofs also for none required.

    :param age: of what can be restored.
    :param drill_age: of the last drill that passed.
    :param proof_age: of the last proof of each volume's content.
    """

    age: float | None = None
    drill_age: float | None = None
    proof_age: float | None = None

    @classmethod
    def parse(cls, options: t.Mapping[str, t.Any]) -> AgeLimits:
        """Read the options.

        :raises InvalidInput: for a negative limit.
        """
        limits = {field.name: options[f"max_{field.name}"] for field in dataclasses.fields(cls)}
        for name, limit in limits.items():
            if limit is not None and limit < 0:
                raise InvalidInput(f"max_{name} is {limit}; it must not be negative.")
        return cls(**limits)


@dataclasses.dataclass(frozen=True)
class RecoveryPoint:
    """What can be restored of one application.

    :param newest: the newest checkpoint that can be restored; None when there is none.
    :param count: how many can be restored.
    :param newer: newer checkpoints, which cannot be restored; the newest first.
    :param drill: the last one that passed; None when none ever did.
    :param listed: ids of all that are in the catalogue, the damaged ones too.
    """

    application: str
    newest: Manifest | None
    count: int
    newer: tuple[Assessed, ...]
    damaged: tuple[Damaged, ...]
    drill: DrillRecord | None = None
    listed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, application: str, catalogue: Catalogue, parts: States, site: str) -> RecoveryPoint:
        """Find the newest checkpoint that can be restored. Of the others, only what their manifests begin with is read.

        :param parts: of copies, all of the site's project, per id.
        """
        overview = catalogue.overview(application, lambda outline: Assessed.of(outline, parts, site))
        damaged, usable = list(overview.damaged), [one for one in overview.kept if not one.problems]
        newest: Manifest | None = None
        while usable and newest is None:
            found = catalogue.look(application, usable[0].checkpoint.id)
            if isinstance(found, Manifest) and not unavailable(found, parts, site):
                newest = found
            else:
                damaged += [found] if isinstance(found, Damaged) else []
                usable.pop(0)
        newer = overview.kept[: overview.kept.index(usable[0])] if usable else overview.kept
        unusable = tuple(one for one in newer if one.problems)
        listed = frozenset({one.checkpoint.id for one in overview.kept} | {one.checkpoint for one in damaged})
        return cls(application, newest, len(usable), unusable, tuple(damaged), catalogue.last_successful_drill(application), listed)

    def age(self, now: datetime.datetime) -> float | None:
        """Age of the newest checkpoint that can be restored, in seconds."""
        return round((now - self.newest.checkpoint.moment).total_seconds(), 1) if self.newest else None

    def drill_age(self, now: datetime.datetime) -> float | None:
        """Seconds since the last drill that passed."""
        return round((now - self.drill.moment).total_seconds(), 1) if self.drill else None

    @property
    def content(self) -> ApplicationContent | None:
        """The last proofs of the content of what can be restored."""
        return ApplicationContent.of(self.newest) if self.newest else None

    def as_dict(self, now: datetime.datetime, limits: AgeLimits) -> dict[str, t.Any]:
        age, drill_age = self.age(now), self.drill_age(now)
        proof_age = self.content.age(now) if self.content else None
        checkpoint = self.newest.checkpoint if self.newest else None
        return {
            "application": self.application,
            "checkpoint": checkpoint.id if checkpoint else None,
            "created_at": checkpoint.created_at if checkpoint else None,
            "consistency": checkpoint.consistency if checkpoint else None,
            "age": age,
            "restorable": self.count,
            "not_restorable": [one.as_dict() for one in self.newer],
            "damaged": [one.as_dict() for one in self.damaged],
            "within": age is not None and _is_within(age, limits.age),
            "drill": self._described_drill(drill_age),
            "drill_within": _is_within(drill_age, limits.drill_age),
            "content": self.content.as_dict(now) if self.content else None,
            "proof_within": _is_within(proof_age, limits.proof_age),
        }

    def _described_drill(self, age: float | None) -> dict[str, t.Any] | None:
        drill = self.drill
        if drill is None:
            return None
        return {
            "drill": drill.drill,
            "checkpoint": drill.checkpoint,
            "finished_at": drill.finished_at,
            "age": age,
            "recovery_seconds": drill.recovery_seconds,
        }


def _is_within(age: float | None, limit: float | None) -> bool:
    """Whether something is not older than a limit; what never was is within none."""
    return limit is None or (age is not None and age <= limit)
