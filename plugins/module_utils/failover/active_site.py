# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide at which of two sites an application runs, and whether that is in doubt. Pure, except :func:`look`.

The evidence: the records in the catalogues of both sites, which of the application's servers run where, and which
checkpoints were taken where.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..catalogue.active_record import ActiveRecord, DamagedRecord
from ..catalogue.catalogue import Catalogue
from ..core.errors import CloudError
from ..core.records import APPLICATION_KEY, DRILL_KEY, Server
from ..manifest.manifest import Checkpoint
from .fence_mark import FenceMark
from .fencing import at_rest, found_of


@dataclasses.dataclass(frozen=True)
class View:
    """What a site knows of an application.

    :param record: in its catalogue.
    :param checkpoints: in its catalogue, the newest first: those that were taken elsewhere and could be restored here.
    :param servers: of the application, whatever their state.
    """

    name: str
    record: ActiveRecord | DamagedRecord | None
    checkpoints: tuple[Checkpoint, ...]
    servers: tuple[Server, ...]

    @property
    def running(self) -> list[str]:
        return [server.name for server in self.servers if not at_rest(server)]

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "site": self.name,
            "record": self.record.as_dict() if isinstance(self.record, ActiveRecord) else None,
            "damaged": self.record.problem if isinstance(self.record, DamagedRecord) else None,
            "newest_checkpoint": self.checkpoints[0].id if self.checkpoints else None,
            "running": self.running,
            "servers": [server.name for server in self.servers],
        }


def look(name: str, catalogue: Catalogue, application: Application, servers: t.Iterable[Server]) -> View:
    """See what a site knows.

    :param servers: all of the project.
    """
    checkpoints = catalogue.overview(application.name, lambda outline: outline.checkpoint.bare).kept
    return View(
        name,
        catalogue.active(application.name),
        checkpoints,
        tuple(of_application(application, servers)),
    )


def of_application(application: Application, servers: t.Iterable[Server]) -> list[Server]:
    """Servers with the application's marks, or with the name of one of its servers and no other's mark; copies made by drills do not count."""
    servers = [server for server in servers if DRILL_KEY not in server.metadata]
    named = {server.id for found in found_of(application, servers).values() for server in found}
    return [server for server in servers if _owner(server) == application.name or (server.id in named and _owner(server) is None)]


def _owner(server: Server) -> str | None:
    mark = FenceMark.of(server)
    return server.metadata.get(APPLICATION_KEY) or (mark.application if mark else None) or None


def newest(found: t.Iterable[ActiveRecord | DamagedRecord | None]) -> ActiveRecord | None:
    """The newest of several records: the one that counts."""
    records = [one for one in found if isinstance(one, ActiveRecord)]
    return max(records, key=lambda one: one.moment, default=None)


def outdated(views: t.Collection[View]) -> list[str]:
    """Warnings about records older than another site's: a move did not reach both sites, or somebody restored an old record."""
    record = newest(view.record for view in views)
    if record is None:
        return []
    return [
        f"The catalogue of site '{view.name}' says that application '{record.application}' runs {since_of(view.record)}; a newer record at another "
        f"site says {since_of(record)}. The older one was not updated, or somebody put it back; correct it with the playbook active_site."
        for view in views
        if isinstance(view.record, ActiveRecord) and view.record.moment < record.moment
    ]


def since_of(record: ActiveRecord) -> str:
    return f"at site '{record.site}' since {record.since}"


def refusals(site: str, own: ActiveRecord | DamagedRecord | None, others: ActiveRecord | DamagedRecord | None) -> list[str]:
    """Why no checkpoint must be taken at a site.

    :param own: the record in its own catalogue.
    :param others: the one in the catalogue in which the checkpoint would be published.
    """
    damaged = [one.problem for one in (own, others) if isinstance(one, DamagedRecord)]
    if damaged:
        return [f"{problem} So it is unknown where the application runs; record it with the playbook active_site." for problem in damaged]
    record = newest((own, others))
    if record is None or record.site == site:
        return []
    return [
        f"According to the catalogue, application '{record.application}' runs {since_of(record)}, not at site '{site}'. Take its checkpoints "
        "there; or, if the record is wrong, correct it with the playbook active_site."
    ]


def own_record(catalogue: Catalogue, application: str) -> ActiveRecord | DamagedRecord | None:
    """Read the record in a site's catalogue; the site need not have an object store."""
    try:
        return catalogue.active(application)
    except CloudError:
        return None


@dataclasses.dataclass(frozen=True)
class Move:
    """The move of an application from one site to another."""

    application: Application
    source: View
    target: View

    @property
    def record(self) -> ActiveRecord | None:
        return newest((self.source.record, self.target.record))

    @property
    def is_done(self) -> bool:
        """Whether the application runs at the target, with its servers at the source fenced since."""
        record = self.record
        return record is not None and record.site == self.target.name and bool(self._fenced_for_target()) and not self.source.running

    def _fenced_for_target(self) -> list[FenceMark]:
        return [t.cast(FenceMark, FenceMark.of(server)) for server in self.source.servers if self._is_fenced_for_target(server)]

    def _is_fenced_for_target(self, server: Server) -> bool:
        mark = FenceMark.of(server)
        return mark is not None and mark.site == self.target.name

    @property
    def begun(self) -> set[str]:
        """Ids of the checkpoints with which earlier runs began this move."""
        return {mark.checkpoint for mark in self._fenced_for_target()} - {""}

    @property
    def let_go(self) -> list[str]:
        """Servers at the source that run, or were unlocked after they were fenced and may have run since."""
        return [server.name for server in self.source.servers if not at_rest(server) or (self._is_fenced_for_target(server) and not server.locked)]

    @property
    def is_held(self) -> bool:
        """Whether the move has begun and nothing at the source can have written since its servers were stopped."""
        return bool(self.begun) and not self.let_go

    def problems(self, active_site: str | None) -> list[str]:
        """Why the move must not begin.

        :param active_site: the site that the operator says has the right data.
        """
        problems = list(self._certain_problems(active_site))
        if active_site == self.source.name or self.is_held:
            return problems
        return problems + [f"{doubt} {self._way_out()}" for doubt in self._doubts()]

    def _way_out(self) -> str:
        return f"If you know that the data at site '{self.source.name}' is right, set active_site: {self.source.name}."

    def _certain_problems(self, active_site: str | None) -> t.Iterator[str]:
        source, target = self.source, self.target
        if active_site == target.name:
            yield f"active_site names the target '{target.name}', so there is nothing to move there from site '{source.name}'."
        elif active_site not in (None, source.name):
            yield f"active_site is '{active_site}', but the move is from '{source.name}' to '{target.name}'."
        if source.running and target.running:
            yield (
                f"Servers of the application run at both sites ({', '.join(source.running)} at '{source.name}', {', '.join(target.running)} at "
                f"'{target.name}'). Find out which site has the right data, and stop and fence the servers at the other (playbook fence)."
            )
        elsewhere = {mark.site for server in source.servers if (mark := FenceMark.of(server))} - {target.name}
        if elsewhere:
            yield (
                f"Servers at site '{source.name}' are fenced because the application runs at {' and '.join(sorted(map(repr, elsewhere)))}, so it cannot "
                "be moved from here. If that is wrong, release them (playbook fence, dr_fence_state: released)."
            )

    def _doubts(self) -> t.Iterator[str]:
        source, target, record = self.source, self.target, self.record
        for view in (source, target):
            if isinstance(view.record, DamagedRecord):
                yield f"{view.record.problem} So it is unknown which site has the right data."
        if record is None:
            if target.servers:
                yield f"No catalogue says where the application runs, and both sites have servers of it ({_names(target)} at '{target.name}')."
        elif record.site != source.name:
            yield f"According to its record, the application runs {since_of(record)}, not at site '{source.name}'."
        else:
            for view in (source, target):
                if view.record is None:
                    yield f"The catalogue of site '{view.name}' has no record of where the application runs; the other says {since_of(record)}."
        yield from self._newer_checkpoint(record)

    def _newer_checkpoint(self, record: ActiveRecord | None) -> t.Iterator[str]:
        """Doubt raised by a checkpoint in the source's catalogue that was taken at the target."""
        taken = [one for one in self.source.checkpoints if one.site == self.target.name]
        if taken and (record is None or taken[0].moment > record.moment):
            than = f"newer than its record ({since_of(record)})" if record else "there, and no record"
            yield f"Checkpoint '{taken[0].id}', taken at site '{self.target.name}' at {taken[0].created_at}, is {than}."


def _names(view: View) -> str:
    return ", ".join(server.name for server in view.servers)
