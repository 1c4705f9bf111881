# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogues at the remote site tell of one application. Of its manifests only that is kept: there may be hundreds of applications."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import typing as t

from ..catalogue.active_record import ActiveRecord
from ..catalogue.catalogue import Catalogue, Damaged
from ..catalogue.doubts import unlisted
from ..catalogue.drill_record import DrillRecord
from ..catalogue.recovery_point import RecoveryPoint, unavailable
from ..manifest.changes import changes
from ..manifest.manifest import Checkpoint, Manifest
from ..mapping.mapping import SiteMapping
from ..site.membership import SiteApplication
from .course import RecoveryCourse
from .remote import Catalogues, RemoteProject
from .wanting import Wanting, wanting

#: How many of the last drills are read: more of them only repeat what these have measured.
_DRILLS = 3


@dataclasses.dataclass(frozen=True)
class Protection:
    """What is kept of an application at the remote site.

    :param now: by the clock of the site.
    :param checkpoint: the newest that can be restored; None when none can.
    :param restorable: how many can.
    :param unusable: why newer ones cannot.
    :param drills: that passed, the newest first.
    :param course: of the restore.
    :param changes: what has changed since the checkpoint of the last drill.
    :param uncompared: why that is unknown; empty where it is known, or nothing was drilled.
    :param active: where it runs, if that is recorded.
    :param wanting: what its restore lacks; None where there is nothing to restore, or no way to look.
    """

    now: datetime.datetime
    checkpoint: Checkpoint | None = None
    restorable: int = 0
    unusable: tuple[str, ...] = ()
    drills: tuple[DrillRecord, ...] = ()
    course: RecoveryCourse | None = None
    changes: tuple[str, ...] = ()
    uncompared: str = ""
    active: ActiveRecord | None = None
    wanting: Wanting | None = None


@dataclasses.dataclass(frozen=True)
class _KeptPart:
    """A project's part of an application."""

    project: RemoteProject
    catalogue: Catalogue

    def manifest(self, application: str, checkpoint: str) -> tuple[Manifest | None, str]:
        """That of a checkpoint, and why it cannot be restored."""
        found = self.catalogue.look(application, checkpoint)
        if isinstance(found, Damaged):
            return None, found.problem
        where = f"The part of project '{self.project.name}' of checkpoint '{checkpoint}'"
        if found is None:
            return None, f"{where} is missing from {self.catalogue.place}."
        problems = unavailable(found, self.project.parts.states, self.project.cloud.site)
        return found, f"{where} cannot be restored. {problems[0]}" if problems else ""


def protection(application: SiteApplication, projects: t.Sequence[RemoteProject], catalogues: Catalogues, mapping: SiteMapping) -> Protection:
    """Read what there is of an application.

    :param projects: its own, the leading one first.
    :raises DrError: when its catalogue cannot be read.
    """
    parts = [_KeptPart(one, catalogues.of(one.cloud, application.host)) for one in projects]
    return _Reading(application, parts, mapping).read()


class _Reading:
    def __init__(self, application: SiteApplication, parts: t.Sequence[_KeptPart], mapping: SiteMapping) -> None:
        self._name = application.name
        self._parts = parts
        self._leading = parts[0]
        self._mapping = mapping

    def read(self) -> Protection:
        catalogue, project = self._leading.catalogue, self._leading.project
        point = RecoveryPoint.of(self._name, catalogue, project.parts.states, project.cloud.site)
        manifests, unusable = self._manifests(point.newest)
        unusable += [f"Checkpoint '{one.checkpoint.id}' cannot be restored. {' '.join(one.problems)}" for one in point.newer]
        unusable += [one.problem for one in point.damaged]
        unusable += unlisted(self._name, point.listed, project.parts, catalogue.place)
        drills = tuple(itertools.islice(catalogue.successful_drills(self._name), _DRILLS))
        active = catalogue.active(self._name)
        found, uncompared = self._changes(drills, manifests)
        return Protection(
            now=project.cloud.clock.now(),
            checkpoint=point.newest.checkpoint.bare if point.newest and manifests else None,
            restorable=point.count if manifests else 0,
            unusable=tuple(unusable),
            drills=drills,
            course=RecoveryCourse.of_manifests(list(manifests.values())) if manifests else None,
            changes=found,
            uncompared=uncompared,
            active=active if isinstance(active, ActiveRecord) else None,
            wanting=self._wanting(manifests),
        )

    def _manifests(self, newest: Manifest | None) -> tuple[dict[str, Manifest], list[str]]:
        """All parts of a checkpoint, per project, and what is wrong with them; no part where one of them cannot be restored."""
        if newest is None:
            return {}, []
        found, problems = {self._leading.project.name: newest}, []
        for part in self._parts[1:] if newest.checkpoint.together else ():
            manifest, problem = part.manifest(self._name, newest.checkpoint.id)
            problems += [problem] if problem else []
            if manifest:
                found[part.project.name] = manifest
        return ({}, problems) if problems else (found, [])

    def _changes(self, drills: t.Sequence[DrillRecord], manifests: t.Mapping[str, Manifest]) -> tuple[tuple[str, ...], str]:
        """What has changed since the last drill; drills are of applications in one project."""
        if not drills or not manifests:
            return (), ""
        newest, drilled = next(iter(manifests.values())), drills[0].checkpoint
        if newest.checkpoint.id == drilled:
            return (), ""
        found = self._leading.catalogue.look(self._name, drilled)
        if not isinstance(found, Manifest):
            gone = "cannot be read" if found else "is not there any more"
            return (), f"Checkpoint '{drilled}', which was drilled last, {gone}, so what has changed since then is unknown."
        return tuple(map(str, changes(found.description, newest.description))), ""

    def _wanting(self, manifests: t.Mapping[str, Manifest]) -> Wanting | None:
        stocks = {part.project.name: part.project.stock for part in self._parts if part.project.stock}
        if not manifests or not manifests.keys() <= stocks.keys():
            return None
        return wanting(manifests, self._mapping, stocks)
