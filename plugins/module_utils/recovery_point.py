# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be restored at a site now, and how old it is.

A checkpoint in the catalogue is a recovery point only as long as the site has every backup of its chains.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .catalogue import Damaged, Listing
from .manifest import Manifest
from .records import Backup

#: Statuses of backups that can be restored from.
USABLE = ("available", "restoring")


def unavailable(manifest: Manifest, backups: t.Iterable[Backup], site: str) -> list[str]:
    """What a site lacks of the copies of a checkpoint.

    :param backups: all of the site's project.
    """
    usable = {backup.id for backup in backups if backup.status in USABLE}
    return [
        f"Backup {link} of volume {copy.volume_id} is not available on site '{site}'."
        for copy in manifest.copies
        for link in copy.chain
        if link not in usable
    ]


@dataclasses.dataclass(frozen=True)
class Unusable:
    """A checkpoint in the catalogue that cannot be restored."""

    manifest: Manifest
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, str]:
        checkpoint = self.manifest.checkpoint
        return {"checkpoint": checkpoint.id, "created_at": checkpoint.created_at, "problem": " ".join(self.problems)}


@dataclasses.dataclass(frozen=True)
class RecoveryPoint:
    """What can be restored of one application.

    :param newest: None when nothing can.
    :param count: of all that can be restored.
    :param newer: those newer than that, the newest first.
    """

    application: str
    newest: Manifest | None
    count: int
    newer: tuple[Unusable, ...]
    damaged: tuple[Damaged, ...]

    @classmethod
    def of(cls, application: str, listing: Listing, backups: t.Collection[Backup], site: str) -> RecoveryPoint:
        """Find it out.

        :param backups: all of the site's project.
        """
        assessed = [Unusable(one, tuple(unavailable(one, backups, site))) for one in listing.manifests]
        restorable = [number for number, one in enumerate(assessed) if not one.problems]
        first = restorable[0] if restorable else len(assessed)
        newest = assessed[first].manifest if restorable else None
        return cls(application, newest, len(restorable), tuple(assessed[:first]), listing.damaged)

    def age(self, now: datetime.datetime) -> float | None:
        """In seconds."""
        return round((now - self.newest.checkpoint.moment).total_seconds(), 1) if self.newest else None

    def as_dict(self, now: datetime.datetime, max_age: float | None) -> dict[str, t.Any]:
        """:param max_age: seconds; None when any age will do."""
        age = self.age(now)
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
            "within": age is not None and (max_age is None or age <= max_age),
        }


def metrics(points: t.Sequence[RecoveryPoint], now: datetime.datetime) -> str:
    """The same for Prometheus, in its text format."""
    there = [(point, point.newest.checkpoint) for point in points if point.newest]
    families = [
        _family(
            "osdr_recovery_point_age_seconds",
            "Age of the newest checkpoint that can be restored, when this was written.",
            [(_labels(application=point.application), point.age(now)) for point, _checkpoint in there],
        ),
        _family(
            "osdr_recovery_point_timestamp_seconds",
            "Moment of the newest checkpoint that can be restored.",
            [(_labels(application=point.application), round(checkpoint.moment.timestamp(), 3)) for point, checkpoint in there],
        ),
        _family(
            "osdr_recovery_points",
            "Number of checkpoints that can be restored.",
            [(_labels(application=point.application), point.count) for point in points],
        ),
        _family(
            "osdr_recovery_point_consistency_info",
            "Consistency of the newest checkpoint that can be restored.",
            [(_labels(application=point.application, consistency=checkpoint.consistency), 1) for point, checkpoint in there],
        ),
    ]
    return "".join(families)


def _family(name: str, description: str, samples: t.Iterable[tuple[str, float | None]]) -> str:
    lines = [f"# HELP {name} {description}", f"# TYPE {name} gauge", *(f"{name}{labels} {value}" for labels, value in samples)]
    return "\n".join(lines) + "\n"


def _labels(**labels: str) -> str:
    listed = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + listed + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
