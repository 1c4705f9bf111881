# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, before the first change, everything that a checkpoint needs: in all projects of the application, at both sites."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..application.parts import divided
from ..cloud.compute import Compute
from ..core.errors import CheckFailed, warned
from ..core.records import Server
from ..manifest.plain import plain
from ..manifest.together import Together
from ..quiesce.quiescer import Choice, Quiescer, foreseen, freeze_problems, running
from ..snapshots.forecast import Bounds, Load, WindowOutlook, outlook_of
from ..snapshots.wanted import Storages, Wanted, survey
from .intended import IntendedCheckpoint
from .sides import Side, SideFindings

Servers = t.Mapping[str, Server]
Choices = t.Mapping[str, Choice]


class CheckpointCheck:
    """Looks at an application as a checkpoint would find it.

    :param sides: the application's projects, the leading one first.
    """

    def __init__(self, intended: IntendedCheckpoint, sides: t.Sequence[Side]) -> None:
        self._intended = intended
        self._sides = sides
        self._projects = [side.project_id for side in sides] if len(sides) > 1 else []

    def run(self) -> dict[str, t.Any]:
        """What the checkpoint would comprise, and what an operator should know beforehand.

        :raises CheckFailed: with everything that would make it fail.
        """
        warnings: list[str] = []
        with warned(warnings):
            comprised = self._comprised(warnings)
        return {"checkpoint_check": comprised, "warnings": warnings}

    def _comprised(self, warnings: list[str]) -> dict[str, t.Any]:
        application, name = self._intended.application, self._intended.name
        for side in self._sides:
            side.catalogue.find(application.name, name)
        quiescer = self._quiescer()
        servers = self._servers(quiescer)
        wanted = Wanted(application, name, self._intended.least, survey(application, servers, Storages(side.sites.primary for side in self._sides)))
        judged = [side.judge(self._intended, self._part_of(side, wanted)) for side in self._sides]
        problems = [*self._division_problems(servers), *(problem for one in judged for problem in one.problems)]
        choices = quiescer.choose(running(servers.values())) if quiescer else {}
        problems += freeze_problems(servers.values(), choices)
        outlook = self._outlook(wanted, choices, judged)
        problems += self._too_long(outlook, choices, warnings)
        # After everything else: each answer of a site shows its time.
        problems += self._clock_problems(warnings)
        if problems:
            raise CheckFailed(f"Checkpoint '{name}' of '{application.name}' cannot be taken", problems)
        volumes = wanted.volumes.values()
        return {
            "servers": [member.server.name for member in wanted.members],
            "volumes": len(volumes),
            "gigabytes": sum(volume.size for volume in volumes),
            "freezes": foreseen(servers.values(), choices),
            "forecast": outlook.likely.described() if outlook else None,
            "parts": _parts(application, servers, self._projects),
        }

    def _quiescer(self) -> Quiescer | None:
        intended = self._intended
        if intended.quiesce is None:
            return None
        return Quiescer(self._sides[0].sites.primary.cloud, intended.quiesce, intended.least, intended.concurrency)

    def _servers(self, quiescer: Quiescer | None) -> dict[str, Server]:
        application, lead = self._intended.application, self._sides[0]
        if quiescer:
            return quiescer.resolve(application, self._projects)
        # Only administrators see the servers of other projects.
        cloud = lead.admin.cloud if self._projects and lead.admin else lead.sites.primary.cloud
        return Compute(cloud).resolve(application.servers, self._projects)

    def _part_of(self, side: Side, wanted: Wanted) -> Wanted:
        return wanted.of_project(side.project_id) if self._projects else wanted

    def _division_problems(self, servers: Servers) -> list[str]:
        return _division_problems(self._sides, servers) if self._projects else []

    def _outlook(self, wanted: Wanted, choices: Choices, judged: t.Sequence[SideFindings]) -> WindowOutlook | None:
        """How long the servers will stand still; None when nobody is frozen.

        :param judged: the sides, the leading one first.
        """
        if not choices:
            return None
        concurrency, part = self._intended.concurrency, self._part_of(self._sides[0], wanted)
        # A manifest tells of the servers and volumes of one project, and of the window over all.
        mine = Load((sum(1 for one in part.servers if one in choices),), len(part.volumes), concurrency)
        earlier, units = tuple(one.expected(mine) for one in judged[0].measured), [unit for one in judged for unit in one.units]
        return dataclasses.replace(outlook_of(wanted, choices, units, concurrency, judged[0].answer), earlier=earlier)

    def _too_long(self, outlook: WindowOutlook | None, choices: Choices, warnings: list[str]) -> list[str]:
        """Why the servers would stand still for too long; what only should be known is added to the warnings."""
        quiesce = self._intended.quiesce
        if outlook is None or quiesce is None:
            return []
        problems, told = Bounds.of(quiesce, choices, self._intended.least).judge(outlook)
        warnings += told
        return problems

    def _clock_problems(self, warnings: list[str]) -> list[str]:
        """What a difference of the clocks prevents; one that only should be known is added to the warnings."""
        clocks = [(clock.problems, clock.warnings) for clock in self._sides[0].clocks]
        warnings += [warning for problems, told in clocks if not problems for warning in told]
        return [problem for problems, _told in clocks for problem in problems]


def _division_problems(sides: t.Sequence[Side], servers: Servers) -> list[str]:
    """Why projects cannot have a part of their own."""
    homes = {server.project_id for server in servers.values()}
    problems = []
    for kind, projects in (("primary", [side.project_id for side in sides]), ("remote", [side.remote_project_id for side in sides])):
        problems += [
            f"Several of the application's projects have the {kind} project {one}; each needs credentials for one of its own."
            for one in sorted({one for one in projects if projects.count(one) > 1})
        ]
    return problems + [
        f"Project {side.project_id} on site '{side.sites.primary.cloud.site}' has none of the application's servers; take it out of the list."
        for side in sides
        if side.project_id not in homes
    ]


def _parts(application: Application, servers: Servers, projects: t.Sequence[str]) -> list[dict[str, t.Any]]:
    tiers = tuple(tier.name for tier in application.tiers)
    return [
        {
            "project_id": part.project_id,
            "application": part.application.as_dict(),
            "together": plain(Together(part.project_id, tuple(projects), tiers)),
        }
        for part in divided(application, {name: server.project_id for name, server in servers.items()}, projects)
    ]
