# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be restored and how old it is, in Prometheus' text format."""

from __future__ import annotations

import datetime
import typing as t

from .recovery_point import RecoveryPoint

#: Name, description, and each sample with its labels.
_Family = tuple[str, str, list[tuple[str, "float | None"]]]


def metrics(points: t.Sequence[RecoveryPoint], now: datetime.datetime) -> str:
    """Recovery points as metrics, for the textfile collector of a node exporter."""
    return "".join(_family(*family) for family in (*_of_checkpoints(points, now), *_of_drills(points, now), *_of_contents(points, now)))


def _of_checkpoints(points: t.Sequence[RecoveryPoint], now: datetime.datetime) -> t.Iterator[_Family]:
    there = [(point, point.newest.checkpoint) for point in points if point.newest]
    yield (
        "osdr_recovery_point_age_seconds",
        "Age of the newest checkpoint that can be restored, when this was written.",
        [(_labels(application=point.application), point.age(now)) for point, _checkpoint in there],
    )
    yield (
        "osdr_recovery_point_timestamp_seconds",
        "Moment of the newest checkpoint that can be restored.",
        [(_labels(application=point.application), round(checkpoint.moment.timestamp(), 3)) for point, checkpoint in there],
    )
    yield (
        "osdr_recovery_points",
        "Number of checkpoints that can be restored.",
        [(_labels(application=point.application), point.count) for point in points],
    )
    yield (
        "osdr_recovery_point_consistency_info",
        "Consistency of the newest checkpoint that can be restored.",
        [(_labels(application=point.application, consistency=checkpoint.consistency), 1) for point, checkpoint in there],
    )


def _of_drills(points: t.Sequence[RecoveryPoint], now: datetime.datetime) -> t.Iterator[_Family]:
    drilled = [(point, point.drill) for point in points if point.drill]
    yield (
        "osdr_drill_age_seconds",
        "Age of the last drill that passed, when this was written.",
        [(_labels(application=point.application), point.drill_age(now)) for point, _drill in drilled],
    )
    yield (
        "osdr_drill_timestamp_seconds",
        "Moment at which the last drill passed.",
        [(_labels(application=point.application), drill.moment.timestamp()) for point, drill in drilled],
    )
    yield (
        "osdr_drill_recovery_seconds",
        "Recovery time measured by the last drill that passed.",
        [(_labels(application=point.application), drill.recovery_seconds) for point, drill in drilled],
    )


def _of_contents(points: t.Sequence[RecoveryPoint], now: datetime.datetime) -> t.Iterator[_Family]:
    contents = [(point.application, point.content) for point in points if point.content]
    yield (
        "osdr_content_proof_age_seconds",
        "Age of the oldest of the last proofs of each volume's content, when this was written.",
        [(_labels(application=name), content.age(now)) for name, content in contents if content.oldest],
    )
    yield (
        "osdr_content_proof_timestamp_seconds",
        "Moment of the oldest of the last proofs of each volume's content.",
        [(_labels(application=name), round(content.oldest.timestamp(), 3)) for name, content in contents if content.oldest],
    )
    yield (
        "osdr_content_unproved_volumes",
        "Number of volumes whose content was never proved.",
        [(_labels(application=name), len(content.unproved)) for name, content in contents],
    )


def _family(name: str, description: str, samples: list[tuple[str, float | None]]) -> str:
    lines = [f"# HELP {name} {description}", f"# TYPE {name} gauge", *(f"{name}{labels} {value}" for labels, value in samples)]
    return "\n".join(lines) + "\n"


def _labels(**labels: str) -> str:
    listed = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + listed + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
