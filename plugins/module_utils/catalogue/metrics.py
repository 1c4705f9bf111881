# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be restored and how old it is, in Prometheus' text format."""

from __future__ import annotations

import datetime
import typing as t

from ..core import prometheus
from ..core.prometheus import Metric, Sample
from .recovery_point import RecoveryPoint


def metrics(points: t.Sequence[RecoveryPoint], now: datetime.datetime) -> str:
    """Recovery points as metrics, for the textfile collector of a node exporter."""
    return prometheus.text([*_of_checkpoints(points, now), *_of_drills(points, now), *_of_contents(points, now)])


def _of_checkpoints(points: t.Sequence[RecoveryPoint], now: datetime.datetime) -> t.Iterator[Metric]:
    there = [(point, point.newest.checkpoint) for point in points if point.newest]
    yield _metric(
        "osdr_recovery_point_age_seconds",
        "Age of the newest checkpoint that can be restored, when this was written.",
        [_sample(point.age(now), application=point.application) for point, _checkpoint in there],
    )
    yield _metric(
        "osdr_recovery_point_timestamp_seconds",
        "Moment of the newest checkpoint that can be restored.",
        [_sample(round(checkpoint.moment.timestamp(), 3), application=point.application) for point, checkpoint in there],
    )
    yield _metric(
        "osdr_recovery_points",
        "Number of checkpoints that can be restored.",
        [_sample(point.count, application=point.application) for point in points],
    )
    yield _metric(
        "osdr_recovery_point_consistency_info",
        "Consistency of the newest checkpoint that can be restored.",
        [_sample(1, application=point.application, consistency=checkpoint.consistency) for point, checkpoint in there],
    )


def _of_drills(points: t.Sequence[RecoveryPoint], now: datetime.datetime) -> t.Iterator[Metric]:
    drilled = [(point, point.drill) for point in points if point.drill]
    yield _metric(
        "osdr_drill_age_seconds",
        "Age of the last drill that passed, when this was written.",
        [_sample(point.drill_age(now), application=point.application) for point, _drill in drilled],
    )
    yield _metric(
        "osdr_drill_timestamp_seconds",
        "Moment at which the last drill passed.",
        [_sample(drill.moment.timestamp(), application=point.application) for point, drill in drilled],
    )
    yield _metric(
        "osdr_drill_recovery_seconds",
        "Recovery time measured by the last drill that passed.",
        [_sample(drill.recovery_seconds, application=point.application) for point, drill in drilled],
    )


def _of_contents(points: t.Sequence[RecoveryPoint], now: datetime.datetime) -> t.Iterator[Metric]:
    contents = [(point.application, point.content) for point in points if point.content]
    yield _metric(
        "osdr_content_proof_age_seconds",
        "Age of the oldest of the last proofs of each volume's content, when this was written.",
        [_sample(content.age(now), application=name) for name, content in contents if content.oldest],
    )
    yield _metric(
        "osdr_content_proof_timestamp_seconds",
        "Moment of the oldest of the last proofs of each volume's content.",
        [_sample(round(content.oldest.timestamp(), 3), application=name) for name, content in contents if content.oldest],
    )
    yield _metric(
        "osdr_content_unproved_volumes",
        "Number of volumes whose content was never proved.",
        [_sample(len(content.unproved), application=name) for name, content in contents],
    )


def _metric(name: str, description: str, samples: t.Iterable[Sample]) -> Metric:
    return Metric(name, description, tuple(samples))


def _sample(value: float | None, **labels: str) -> Sample:
    return Sample(labels, t.cast(float, value))
