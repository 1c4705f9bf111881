# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application, judged by its policy. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..core.consistency import LEVELS, satisfies
from ..manifest.manifest import Checkpoint
from ..site.membership import SiteApplication
from ..site.plan import ProtectionPolicy
from .measured import Drilled, Prediction
from .protection import Protection

#: After so many intervals a checkpoint was missed: each is published some time after its moment, so that one interval is passed again and again.
_MISSED = 2


@dataclasses.dataclass(frozen=True)
class Judged:
    """How an application is protected.

    :param protection: None where that is unknown; ``problem`` says why.
    :param drilled: the last drill that passed.
    :param prediction: of its recovery; None where nothing can be restored.
    """

    application: SiteApplication
    protection: Protection | None
    problem: str = ""
    drilled: Drilled | None = None
    prediction: Prediction | None = None

    @property
    def policy(self) -> ProtectionPolicy:
        return self.application.policy or ProtectionPolicy("")

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The newest that can be restored."""
        return self.protection.checkpoint if self.protection else None

    @property
    def restorable(self) -> int | None:
        return self.protection.restorable if self.protection else None

    @property
    def changes(self) -> tuple[str, ...]:
        """What has changed since the last drill."""
        return self.protection.changes if self.protection else ()

    @property
    def active_site(self) -> str | None:
        """Where it is recorded to run."""
        return self.protection.active.site if self.protection and self.protection.active else None

    @property
    def missing(self) -> tuple[str, ...] | None:
        """What would make its restore fail now; None where that is unknown."""
        return self.protection.wanting.problems if self.protection and self.protection.wanting else None

    @property
    def predicted_seconds(self) -> float | None:
        return self.prediction.seconds if self.prediction else None

    @property
    def age(self) -> float | None:
        """Of what could be restored, in seconds."""
        return _seconds(self.checkpoint.moment, self.protection.now) if self.protection and self.checkpoint else None

    @property
    def is_late(self) -> bool:
        """Whether its policy wants a newer checkpoint."""
        return _exceeds(self.age, self.policy.interval)

    @property
    def has_missed_one(self) -> bool:
        return self.policy.interval is not None and _exceeds(self.age, _MISSED * self.policy.interval)

    @property
    def is_consistent_enough(self) -> bool | None:
        """None where nothing can be restored, or its policy does not say what is enough."""
        if self.checkpoint is None or self.policy.consistency is None:
            return None
        return self.checkpoint.consistency in LEVELS and satisfies(self.checkpoint.consistency, self.policy.consistency)

    @property
    def drill_age(self) -> float | None:
        """Seconds since the last drill that passed."""
        return _seconds(self.drilled.record.moment, self.protection.now) if self.drilled and self.protection else None

    @property
    def drill_seconds(self) -> float | None:
        """The recovery time that it measured."""
        return self.drilled.record.recovery_seconds if self.drilled else None

    @property
    def is_drill_due(self) -> bool:
        interval = self.policy.drill_interval
        return self.protection is not None and interval is not None and (self.drill_age is None or self.drill_age > interval)

    def as_dict(self) -> dict[str, t.Any]:
        one, checkpoint = self.application, self.checkpoint
        return {
            "host": one.host,
            "name": one.name,
            "projects": list(one.projects),
            "wave": one.wave,
            "priority": one.priority,
            "depends_on": list(one.depends_on),
            "policy": self.policy.name or None,
            "problems": [*one.problems, *([self.problem] if self.problem else [])],
            "checkpoint": checkpoint.id if checkpoint else None,
            "created_at": checkpoint.created_at if checkpoint else None,
            "age": self.age,
            "interval": self.policy.interval,
            "late": self.is_late,
            "consistency": checkpoint.consistency if checkpoint else None,
            "least_consistency": self.policy.consistency,
            "consistent_enough": self.is_consistent_enough,
            "restorable": self.restorable,
            "unusable": list(self.protection.unusable) if self.protection else [],
            "drill": self._described_drill(),
            "drill_interval": self.policy.drill_interval,
            "drill_due": self.is_drill_due,
            "predicted_seconds": self.predicted_seconds,
            "predicted_by_own_drills": self.prediction.is_own if self.prediction else None,
            "unmeasured": list(self.prediction.unmeasured) if self.prediction else [],
            "changes": list(self.changes),
            "missing": None if self.missing is None else list(self.missing),
            "active_site": self.active_site,
        }

    def _described_drill(self) -> dict[str, t.Any] | None:
        if self.drilled is None:
            return None
        record = self.drilled.record
        return {
            "drill": record.drill,
            "checkpoint": record.checkpoint,
            "finished_at": record.finished_at,
            "age": self.drill_age,
            "recovery_seconds": record.recovery_seconds,
            "predicted_seconds": self.drilled.predicted.seconds,
            "deviation": self.drilled.deviation,
        }


def _seconds(since: datetime.datetime, now: datetime.datetime) -> float:
    return round((now - since).total_seconds(), 1)


def _exceeds(age: float | None, limit: float | None) -> bool:
    return age is not None and limit is not None and age > limit
