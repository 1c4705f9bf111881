# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that was seen of the protection of a site."""

from __future__ import annotations

import dataclasses
import datetime
import statistics
import typing as t

from ..site.plan import SitePlan
from ..site.unprotected import Unprotected
from .capacity import SiteCapacity
from .judged import Judged
from .remote import RemoteProjects
from .schedule import SitePrediction
from .wanting import JointNeed

#: Raised when a member of what is written changes its meaning or is removed.
SCHEMA_VERSION = 1


@dataclasses.dataclass(frozen=True)
class SiteStatus:
    """How a site is protected.

    :param primary_problem: why the primary site cannot be asked at all; empty where it can.
    :param applications: in the order of their recovery.
    :param prediction: of the recovery of all of them.
    :param projects: as the remote site has them.
    :param silent: why projects could not be asked at the primary site, per name.
    :param unprotected: servers of no application, by project.
    :param abandoned: applications of which there are checkpoints, and no servers, per name of a project.
    :param joint: quotas that do not suffice for all applications of a project together.
    :param capacity: None where it is unknown; ``capacity_problem`` says why.
    :param infrastructure: the comparison of what applications stand on, likewise.
    :param warnings: what else was noticed.
    """

    plan: SitePlan
    written_at: datetime.datetime
    applications: tuple[Judged, ...]
    prediction: SitePrediction
    projects: RemoteProjects
    primary_problem: str = ""
    silent: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    unprotected: tuple[Unprotected, ...] = ()
    unprotected_problem: str = ""
    abandoned: t.Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    joint: tuple[JointNeed, ...] = ()
    capacity: SiteCapacity | None = None
    capacity_problem: str = ""
    infrastructure: t.Mapping[str, t.Any] | None = None
    infrastructure_problem: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def deviation(self) -> float | None:
        """The middle of those by which predictions of the last drills were off; None where none was predicted."""
        found = [one.drilled.deviation for one in self.applications if one.drilled and one.drilled.deviation is not None]
        return round(statistics.median(found), 3) if found else None

    def as_dict(self) -> dict[str, t.Any]:
        prediction = self.prediction
        return {
            "schema_version": SCHEMA_VERSION,
            "primary": self.plan.primary.name,
            "remote": self.plan.remote.name,
            "written_at": self.written_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "applications": [one.as_dict() for one in self.applications],
            "recovery": {
                "seconds": prediction.seconds,
                "whole": not prediction.unknown,
                "unknown": list(prediction.unknown),
                "critical_path": list(prediction.critical_path),
                "at_once": prediction.at_once,
                "deviation": self.deviation,
            },
            "unprotected": [one.as_dict() for one in self.unprotected],
            "capacity": self.capacity.as_dict() if self.capacity else None,
            "infrastructure": _shown(self.infrastructure) if self.infrastructure else None,
        }


def _shown(report: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What the page needs of a comparison; its findings are alerts."""
    return {name: report[name] for name in ("captured_at", "complete", "counts")}
