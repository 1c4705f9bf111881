# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prometheus' text format, in which a node exporter takes metrics from files."""

from __future__ import annotations

import dataclasses
import typing as t

_IN_LABELS = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


@dataclasses.dataclass(frozen=True)
class Sample:
    """A value, with labels by which it is told from others of the same metric."""

    labels: t.Mapping[str, str]
    value: float


@dataclasses.dataclass(frozen=True)
class Metric:
    """A gauge.

    :param help: what it measures.
    """

    name: str
    help: str
    samples: tuple[Sample, ...]


def text(metrics: t.Iterable[Metric]) -> str:
    return "".join(map(_family, metrics))


def _family(metric: Metric) -> str:
    samples = [f"{metric.name}{_labels(one.labels)} {one.value}" for one in metric.samples]
    return "\n".join([f"# HELP {metric.name} {metric.help.translate(_IN_HELP)}", f"# TYPE {metric.name} gauge", *samples]) + "\n"


def _labels(labels: t.Mapping[str, str]) -> str:
    listed = ",".join(f'{name}="{value.translate(_IN_LABELS)}"' for name, value in labels.items())
    return "{" + listed + "}" if listed else ""
