# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protection of a whole site as metrics, for the textfile collector of a node exporter. Pure."""

from __future__ import annotations

import collections
import typing as t

from ..core import prometheus
from ..core.prometheus import Metric, Sample
from .alerts import LEVELS, Alert
from .judged import Judged
from .site_status import SiteStatus

_GIB = 1024**3


def metrics(status: SiteStatus, alerts: t.Iterable[Alert]) -> str:
    site = {"site": status.plan.primary.name}
    written = Metric("osdr_status_timestamp_seconds", "When this was written.", (Sample(site, round(status.written_at.timestamp(), 3)),))
    return prometheus.text([written, *_of_applications(status, site), *_of_recovery(status, site), *_of_site(status, alerts, site)])


def _of_applications(status: SiteStatus, site: t.Mapping[str, str]) -> t.Iterator[Metric]:
    def each(name: str, description: str, value: t.Callable[[Judged], float | None]) -> Metric:
        found = ((one.application.host, value(one)) for one in status.applications)
        return Metric(name, description, tuple(Sample({"application": host, **site}, number) for host, number in found if number is not None))

    yield each("osdr_application_known", "Whether what can be restored of an application is known.", lambda one: int(one.protection is not None))
    yield each("osdr_rpo_age_seconds", "Age of the newest checkpoint that can be restored.", lambda one: one.age)
    yield each("osdr_rpo_limit_seconds", "The interval between checkpoints that the policy wants.", lambda one: one.policy.interval)
    yield each("osdr_restorable_checkpoints", "Number of checkpoints that can be restored.", lambda one: one.restorable)
    yield each("osdr_last_drill_age_seconds", "Age of the last drill that passed.", lambda one: one.drill_age)
    yield each("osdr_drill_limit_seconds", "The interval between drills that the policy wants.", lambda one: one.policy.drill_interval)
    yield each("osdr_last_drill_recovery_seconds", "Recovery time that the last drill measured.", lambda one: one.drill_seconds)
    yield each("osdr_predicted_recovery_seconds", "Predicted recovery time.", lambda one: one.predicted_seconds)
    yield each("osdr_changes_since_drill", "Number of changes since the last drill.", lambda one: len(one.changes) if one.drilled else None)


def _of_recovery(status: SiteStatus, site: t.Mapping[str, str]) -> t.Iterator[Metric]:
    found = status.prediction
    yield Metric("osdr_plan_predicted_recovery_seconds", "Predicted recovery time of all applications whose time is known.", (Sample(site, found.seconds),))
    yield Metric("osdr_plan_unpredicted_applications", "Number of applications whose recovery time is unknown.", (Sample(site, len(found.unknown)),))
    samples = () if status.deviation is None else (Sample(site, status.deviation),)
    yield Metric("osdr_prediction_deviation_ratio", "By which share of their time predictions of the last drills were off, in the middle.", samples)


def _of_site(status: SiteStatus, alerts: t.Iterable[Alert], site: t.Mapping[str, str]) -> t.Iterator[Metric]:
    unprotected = [({**site, "project": one.project}, one.summary()) for one in status.unprotected]
    servers = tuple(Sample(labels, found["count"]) for labels, found in unprotected)
    yield Metric("osdr_unprotected_servers", "Number of servers of no application.", servers)
    yield Metric("osdr_unprotected_bytes", "Size of all their disks.", tuple(Sample(labels, found["gigabytes"] * _GIB) for labels, found in unprotected))
    if status.capacity:
        room = Sample({"site": status.plan.remote.name}, status.capacity.without_room)
        yield Metric("osdr_servers_without_room", "Number of servers for which no host of the remote site has room.", (room,))
    counts = collections.Counter(alert.level for alert in alerts)
    yield Metric("osdr_alerts", "Number of things that a person must do.", tuple(Sample({**site, "level": level}, counts[level]) for level in LEVELS))
