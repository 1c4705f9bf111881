# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each project has of an application over several. Of one in a single project there is nothing to tell."""

from __future__ import annotations

import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.core import consistency
from ansible_collections.osdr.openstack.plugins.module_utils.core.text import counted

from . import wording
from .facts import CheckpointRun, FrozenServer, RestoredServer, RestoreRun
from .given import between
from .view import Cell, Section, Table

_Server = t.TypeVar("_Server", FrozenServer, RestoredServer)


def frozen_projects(run: CheckpointRun) -> t.Iterator[Section]:
    heads = ("Project", "Servers", "Consistency", "Frozen for at most", "Copies", "Stored")
    rows = tuple(_frozen_row(project, _of(project, run.servers), run) for project in run.point.projects)
    if rows:
        lead = "The application is in several projects, of which the first one leads. What follows is of all of them."
        yield Section("projects", "Projects", lead, table=Table(heads, rows))


def _frozen_row(project: str, servers: t.Sequence[FrozenServer], run: CheckpointRun) -> tuple[Cell, ...]:
    copies = [copy for copy in run.copies if copy.project == project]
    stored = sum(copy.stored_bytes for copy in copies)
    longest = max((one.seconds for one in servers if one.seconds is not None), default=None)
    return (
        Cell(project),
        _names(servers),
        Cell(_level(servers)),
        Cell("–" if longest is None else wording.duration(longest)),
        Cell(counted(len(copies), "volume"), f"of {wording.volumes(copy.size for copy in copies)}"),
        Cell(wording.data(stored) if stored else "not measured"),
    )


def _level(servers: t.Iterable[FrozenServer]) -> str:
    levels = [one.consistency for one in servers]
    return consistency.weakest(levels) if levels and set(levels) <= set(consistency.LEVELS) else wording.UNKNOWN


def restored_projects(run: RestoreRun) -> t.Iterator[Section]:
    heads = ("Project", "Servers", "State", "Volumes", "Ready after")
    rows = tuple(_restored_row(project, _of(project, run.servers), run) for project in run.point.projects)
    if rows:
        lead = "The application is in several projects, of which the first one leads, by their ids at the checkpoint. What follows is of all of them."
        yield Section("projects", "Projects", lead, table=Table(heads, rows))


def _restored_row(project: str, servers: t.Sequence[RestoredServer], run: RestoreRun) -> tuple[Cell, ...]:
    well, volumes = sum(one.is_well for one in servers), [one for one in run.volumes if one.project == project]
    ready = [one.ready_at for one in servers if one.ready_at]
    return (
        Cell(project),
        _names(servers),
        Cell(f"{well} of {len(servers)} as they shall be", state="good" if well == len(servers) else "bad"),
        Cell(str(len(volumes)), f"of {wording.volumes(one.size for one in volumes)}"),
        Cell(wording.duration(between(run.began_at, max(ready))) if ready else "no times are known"),
    )


def _names(servers: t.Iterable[_Server]) -> Cell:
    return Cell(", ".join(one.name for one in servers) or "–")


def _of(project: str, servers: t.Iterable[_Server]) -> list[_Server]:
    return [one for one in servers if one.project == project]
