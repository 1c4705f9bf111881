# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a restore. A drill is a restore with another heading."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.core.text import counted

from . import wording
from .critical_path import PathLink, critical_path, length, ratio
from .facts import RestoredAddress, RestoredServer, RestoredVolume, RestoreRun
from .given import between
from .projects_view import restored_projects
from .timeline import Lane, LaneGroup, Timeline, spans
from .view import Cell, Figure, Page, Section, Table

_HEADINGS = {"restore": "Restore"}
_LEGEND = (("volume", "volume restored"), ("building", "server built"), ("checking", "health checks"))
_CHAIN_LEGEND = (("volume", "volume restored"), ("building", "server built and ready"))
_COURSE = "All volumes are restored at once. A server is built when its own volumes are ready and the previous tier has passed its health checks."


def restore_page(run: RestoreRun) -> Page:
    where = f" to site {run.site}" if run.site else ""
    when = f", begun {wording.day_and_time(run.began_at)}" if run.began_at else ""
    return Page(
        heading=_HEADINGS[run.kind],
        point=run.point,
        about=f"{run.point.consistency or 'not known to be'}-consistent, restored{where}{when}",
        figures=(_recovery_time(run), _recovery_point(run), servers_figure(run), volumes_figure(run), _chain_figure(run)),
        problems=problems(run),
        sections=(*restored_projects(run), course(run, _COURSE), _chain(run), _servers(run), *_addresses(run), volumes(run)),
    )


def problems(run: RestoreRun) -> tuple[str, ...]:
    """What needs attention: first what was not restored as it should be, then the warnings of the run."""
    found = [f"Server {one.name} is not active: its status is {one.status or wording.UNKNOWN}." for one in run.servers if not one.is_well]
    found += [
        f"Volume {one.name} of server {', '.join(one.servers)} is not usable: its status is {one.status or wording.UNKNOWN}."
        for one in run.volumes
        if one.status not in ("available", "in-use")
    ]
    return (*found, *_part(run), *_earlier(run), *run.warnings)


def _part(run: RestoreRun) -> t.Iterator[str]:
    if 0 < len(run.servers) < run.of_servers:
        yield f"Only a part was restored: {len(run.servers)} of the {counted(run.of_servers, 'server')} of the checkpoint."


def _earlier(run: RestoreRun) -> t.Iterator[str]:
    servers, volumes = (sum(one.was_there for one in things) for things in (run.servers, run.volumes))
    parts = [counted(count, one) for count, one in ((servers, "server"), (volumes, "volume")) if count]
    if parts:
        yield f"An earlier run had restored {' and '.join(parts)} already, so the times are not those of a whole restore."


# Figures


def _recovery_time(run: RestoreRun) -> Figure:
    return Figure("Recovery time (RTO)", wording.duration(run.seconds), "from the start until every health check had passed")


def _recovery_point(run: RestoreRun) -> Figure:
    return Figure("Recovery point (RPO)", wording.duration(run.age), "age of the data when the restore began")


def servers_figure(run: RestoreRun) -> Figure:
    well, off = sum(server.is_well for server in run.servers), sum(server.is_off for server in run.servers)
    state = "good" if well == len(run.servers) else "bad"
    told = f"active or off as at the checkpoint ({off})" if off else "active"
    return Figure("Servers", f"{well} of {len(run.servers)}", f"{told}, in {counted(len(run.tiers), 'tier')}", state)


def volumes_figure(run: RestoreRun) -> Figure:
    return Figure("Volumes", str(len(run.volumes)), f"of {wording.volumes(volume.size for volume in run.volumes)}")


def _chain_figure(run: RestoreRun) -> Figure:
    times = ratio(run)
    if times is None:
        return Figure("Critical path", wording.UNKNOWN)
    return Figure("Critical path", wording.duration(length(critical_path(run))), f"the restore took {times:.2f} times that")


# The course


def course(run: RestoreRun, lead: str) -> Section:
    title = "Course"
    groups = tuple(LaneGroup(tier, tuple(_lane(server, run) for server in servers)) for tier, servers in run.tiers.items())
    timeline = _timeline(run, _LEGEND, groups)
    if timeline is None:
        return Section("course", title, "No times are known.")
    return Section("course", title, lead, timeline)


def _timeline(run: RestoreRun, legend: tuple[tuple[str, str], ...], groups: tuple[LaneGroup, ...]) -> Timeline | None:
    drawn = [span for group in groups for lane in group.lanes for span in lane.spans]
    if run.began_at is None or not drawn:
        return None
    ends = [span.end for span in drawn] + ([run.ended_at] if run.ended_at else [])
    seconds = between(run.began_at, max(ends))
    present = {span.kind for span in drawn}
    return Timeline(tuple(one for one in legend if one[0] in present), run.began_at, seconds, groups) if seconds and seconds > 0 else None


def _lane(server: RestoredServer, run: RestoreRun) -> Lane:
    timed = [one for one in server.volumes if one.requested_at and one.ready_at]
    drawn = spans(
        *(("volume", line, f"volume {one.name} restored", one.requested_at, one.ready_at) for line, one in enumerate(timed)),
        ("building", len(timed), "server built", server.created_at, server.active_at),
        ("checking", len(timed), "health checks", server.active_at, server.ready_at),
    )
    return Lane(server.name, _lane_note(server, run), _lane_story(server, run), drawn)


def _lane_note(server: RestoredServer, run: RestoreRun) -> str:
    if server.ready_at:
        return f"ready after {wording.duration(between(run.began_at, server.ready_at))}"
    return "was there already" if server.was_there else "not ready"


def _lane_story(server: RestoredServer, run: RestoreRun) -> str:
    def at(moment: datetime.datetime | None) -> str:
        return wording.offset(between(run.began_at, moment))

    parts = [f"volume {one.name} from {at(one.requested_at)} to {at(one.ready_at)}" for one in server.volumes if one.requested_at and one.ready_at]
    steps = [("building requested", server.created_at), ("active", server.active_at), ("ready", server.ready_at)]
    parts += [f"{what} at {at(moment)}" for what, moment in steps if moment]
    return "; ".join(parts) or "No times are known."


# The critical path


def _chain(run: RestoreRun) -> Section:
    title, chain, times = "Critical path", critical_path(run), ratio(run)
    timeline = _timeline(run, _CHAIN_LEGEND, (LaneGroup("", tuple(_waterfall(chain, run.began_at))),)) if run.began_at else None
    if timeline is None or times is None:
        return Section("path", title, "No times are known.")
    lead = (
        f"The longest chain of steps that had to wait for each other takes {wording.duration(length(chain))}; the whole restore took "
        f"{wording.duration(run.seconds)}, {times:.2f} times that."
    )
    return Section("path", title, lead, timeline)


def _waterfall(chain: t.Iterable[PathLink], began_at: datetime.datetime) -> t.Iterator[Lane]:
    """Draw the links one after the other, as if nothing else had taken any time."""
    start = began_at
    for link in chain:
        end = start + datetime.timedelta(seconds=link.seconds)
        what = "volume restored" if link.kind == "volume" else "server built and ready"
        kind = "volume" if link.kind == "volume" else "building"
        note = f"{what}: {wording.duration(link.seconds)}"
        yield Lane(link.name, note, note, spans((kind, 0, note, start, end)))
        start = end


# The tables


def _servers(run: RestoreRun) -> Section:
    heads = ("Server", "State", "Addresses", "Floating addresses", "Ready after")
    rows = tuple(_server_row(server, run) for server in run.servers)
    return Section("servers", "Servers", "Fixed addresses follow the checkpoint and the mapping; floating addresses are new.", table=Table(heads, rows))


def _server_row(server: RestoredServer, run: RestoreRun) -> tuple[Cell, ...]:
    return (
        Cell(server.name, wording.place(server.tier, server.project)),
        Cell(server.status or wording.UNKNOWN, state="good" if server.is_well else "bad"),
        Cell(", ".join(server.fixed_ips) or "–"),
        Cell(", ".join(server.floating_ips) or "–"),
        Cell("was there already" if server.was_there else wording.duration(between(run.began_at, server.ready_at))),
    )


def _addresses(run: RestoreRun) -> t.Iterator[Section]:
    """What leads to an application besides its servers' own addresses, if anything does."""
    heads = ("Port", "Addresses", "Floating addresses")
    rows = tuple(_address_row(one) for one in run.addresses)
    if rows:
        lead = "Virtual addresses, ports of trunks, and floating addresses that forward ports."
        yield Section("addresses", "Addresses on no server", lead, table=Table(heads, rows))


def _address_row(one: RestoredAddress) -> tuple[Cell, ...]:
    called = Cell(one.name or "without a name", one.network) if one.network else Cell("forwards ports")
    return called, Cell(", ".join(one.fixed_ips) or "–"), Cell(", ".join(one.floating_ips) or "–")


def volumes(run: RestoreRun) -> Section:
    heads = ("Volume", "Size", "State", "Restored in")
    return Section("volumes", "Volumes", "", table=Table(heads, tuple(_volume_row(volume) for volume in run.volumes)))


def _volume_row(volume: RestoredVolume) -> tuple[Cell, ...]:
    return (
        Cell(volume.name, ", ".join(volume.servers)),
        Cell(wording.UNKNOWN if volume.size is None else f"{volume.size} GiB"),
        Cell(volume.status or wording.UNKNOWN),
        Cell("was there already" if volume.was_there else wording.duration(volume.seconds)),
    )
