# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a roll-back."""

from __future__ import annotations

from ansible_collections.osdr.openstack.plugins.module_utils.core.text import counted

from . import wording
from .facts import KeptVolume, RestoredServer, RollBackRun
from .restore_view import course, problems, servers_figure, volumes, volumes_figure
from .view import Cell, Figure, Page, Section, Table

_COURSE = "The volumes are made while the application runs. Then its servers are stopped and built anew, tier by tier with their health checks."


def roll_back_page(run: RollBackRun) -> Page:
    where = f" at site {run.site}" if run.site else ""
    when = f", begun {wording.day_and_time(run.began_at)}" if run.began_at else ""
    return Page(
        heading="Roll-back",
        point=run.point,
        about=f"{run.point.consistency or 'not known to be'}-consistent, rolled back{where}{when}",
        figures=(_outage(run), _lost(run), servers_figure(run), volumes_figure(run), _kept_figure(run)),
        problems=problems(run),
        sections=(course(run, _COURSE), _servers(run), volumes(run), _kept(run)),
    )


def _outage(run: RollBackRun) -> Figure:
    return Figure("Out of service", wording.duration(run.outage), "from the first stop until every health check had passed")


def _lost(run: RollBackRun) -> Figure:
    return Figure("Gone back by", wording.duration(run.age), "what was written since is on the old volumes only")


def _kept_figure(run: RollBackRun) -> Figure:
    return Figure("Kept for the way back", counted(len(run.kept), "volume"), f"of {wording.volumes(one.size for one in run.kept)}")


def _servers(run: RollBackRun) -> Section:
    levels = dict(run.levels)
    heads = ("Server", "Data", "State", "Addresses", "Ready at")
    lead = "Each server was built anew with its ports and addresses. Its data is what the checkpoint has."
    return Section("servers", "What was rolled back", lead, table=Table(heads, tuple(_server_row(one, levels[one.name]) for one in run.servers)))


def _server_row(server: RestoredServer, level: str) -> tuple[Cell, ...]:
    return (
        Cell(server.name, wording.place(server.tier, server.project)),
        Cell(f"{level}-consistent" if level else wording.UNKNOWN, ", ".join(one.name for one in server.volumes)),
        Cell(server.status or wording.UNKNOWN, state="good" if server.is_well else "bad"),
        Cell(", ".join((*server.fixed_ips, *server.floating_ips)) or "–"),
        Cell("was there already" if server.was_there else wording.day_and_time(server.ready_at)),
    )


def _kept(run: RollBackRun) -> Section:
    lead = (
        f"The old volumes, marked osdr_kept = {run.id or wording.UNKNOWN}. The playbook roll_back_undo builds the servers on them again. When the application "
        "is as it should be, the playbook roll_back_accept removes them; there is no way back then."
    )
    return Section("kept", "Kept for the way back", lead, table=Table(("Volume", "Size", "Id"), tuple(map(_kept_row, run.kept))) if run.kept else None)


def _kept_row(volume: KeptVolume) -> tuple[Cell, ...]:
    return (
        Cell(volume.name or "without a name"),
        Cell(wording.UNKNOWN if volume.size is None else f"{volume.size} GiB"),
        Cell(volume.volume_id),
    )
