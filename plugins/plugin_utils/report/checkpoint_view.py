# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a checkpoint."""

from __future__ import annotations

import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import unproved
from ansible_collections.osdr.openstack.plugins.module_utils.core.text import counted

from . import wording
from .facts import CheckpointRun, CopiedVolume, FrozenServer
from .given import between
from .projects_view import frozen_projects
from .timeline import Lane, LaneGroup, Timeline, spans
from .view import Cell, Figure, Page, Section, Table

_LEGEND = (("freezing", "freeze requested"), ("frozen", "frozen, until the thaw was confirmed"), ("snapshot", "a snapshot being taken"))
_OLDEST = "the oldest of the last proofs of each volume, by a restore"
_PROVED = {"records": "its record", "objects": "all its objects", "readable": "by a restore, not compared", "restore": "by a restore"}


def checkpoint_page(run: CheckpointRun) -> Page:
    return Page(
        heading="Checkpoint",
        point=run.point,
        about=f"taken on site {run.point.site}" if run.point.site else "",
        figures=(_consistency(run), _window(run), _skew(run), _recovery_point(run), _copied(run), _proved(run)),
        problems=problems(run),
        sections=(*frozen_projects(run), _freeze(run), _evidence(run), _copies(run), *_changes(run)),
    )


def problems(run: CheckpointRun) -> tuple[str, ...]:
    """What needs attention: first what the evidence shows, then the warnings of the run."""
    found = [] if run.meets_policy or not run.least else [_unmet(run)]
    found += [problem for server in run.servers for problem in _server_problems(server)]
    return (*found, *run.warnings)


def _unmet(run: CheckpointRun) -> str:
    return f"The checkpoint is {run.point.consistency or 'not known to be'}-consistent; {run.least} was asked for."


def _server_problems(server: FrozenServer) -> t.Iterator[str]:
    if not server.consistency:
        yield f"There is no evidence for server {server.name}."
    if server.pending:
        yield f"The thaw of server {server.name} has not been confirmed; once it is, its snapshots are {server.pending}-consistent."
    if server.frozen_at and not (server.thawed_at or server.pending):
        yield f"It is not known when server {server.name} was thawed."
    if server.guard_until and server.thawed_at and server.thawed_at > server.guard_until:
        yield f"Server {server.name} was thawed later than its guard should have thawed it."


# Figures


def _consistency(run: CheckpointRun) -> Figure:
    value = run.point.consistency or wording.UNKNOWN
    if not run.least:
        return Figure("Consistency", value)
    note = f"{run.least} was asked for: {'met' if run.meets_policy else 'not met'}"
    return Figure("Consistency", value, note, "good" if run.meets_policy else "bad")


def _window(run: CheckpointRun) -> Figure:
    if run.window_seconds is None:
        return Figure("Freeze window", "none", "nothing was frozen")
    longest = max((server.seconds for server in run.servers if server.seconds is not None), default=None)
    return Figure("Freeze window", wording.duration(run.window_seconds), f"one server at most {wording.duration(longest)}")


def _skew(run: CheckpointRun) -> Figure:
    return Figure("Skew", wording.duration(run.skew), "between the first and the last snapshot, at most")


def _recovery_point(run: CheckpointRun) -> Figure:
    name = "Recovery point (RPO)"
    if run.age is None:
        return Figure(name, wording.UNKNOWN, "an earlier run published the checkpoint")
    return Figure(name, wording.duration(run.age), "age of the data when it could be restored at the remote site")


def _copied(run: CheckpointRun) -> Figure:
    stored = sum(copy.stored_bytes for copy in run.copies)
    kept = f", {wording.data(stored)} stored" if stored else ""
    return Figure("Copies", counted(len(run.copies), "volume"), f"of {wording.volumes(copy.size for copy in run.copies)}{kept}")


def _proved(run: CheckpointRun) -> Figure:
    name, total = "Content last proved", len(run.copies)
    if run.never_proved:
        note = f"{run.never_proved} of {counted(total, 'volume')} never restored to prove the copies"
        return Figure(name, "never" if run.never_proved == total else "not all", note)
    only_restored = sum(copy.proved_how != "restore" for copy in run.copies)
    note = f"{_OLDEST}, {only_restored} of them not compared" if only_restored else _OLDEST
    return Figure(name, wording.UNKNOWN if run.proof_age is None else f"{wording.duration(run.proof_age)} ago", note)


# The freeze


def _freeze(run: CheckpointRun) -> Section:
    title, timeline = "Freeze window", _timeline(run)
    if timeline is None:
        return Section("freeze", title, "No times are known.")
    if run.window_started is None:
        return Section("freeze", title, "Nothing was frozen; these are the snapshots.", timeline)
    lead = f"Opened {wording.day_and_time(run.window_started)}, and lasted {wording.duration(run.window_seconds)}."
    return Section("freeze", title, lead, timeline)


def _timeline(run: CheckpointRun) -> Timeline | None:
    lanes = {server.name: _lane(server, run) for server in sorted(run.servers, key=_asked)}
    times = [time for lane in lanes.values() for span in lane.spans for time in (span.start, span.end)]
    times += [time for time in (run.window_started, run.window_ended) if time]
    start, seconds = min(times, default=None), between(min(times, default=None), max(times, default=None))
    if start is None or not seconds:
        return None
    present = {span.kind for lane in lanes.values() for span in lane.spans}
    return Timeline(tuple(one for one in _LEGEND if one[0] in present), start, seconds, (LaneGroup("", tuple(lanes.values())),))


def _asked(server: FrozenServer) -> tuple[bool, float]:
    """Sort key: in the order of the freeze, servers without times last."""
    moments = [server.requested_at, *(one.requested_at for one in server.snapshots)]
    first = next((moment for moment in moments if moment), None)
    return (first is None, first.timestamp() if first else 0.0)


def _lane(server: FrozenServer, run: CheckpointRun) -> Lane:
    snapshots = [("snapshot", line, f"snapshot of {one.volume}", one.requested_at, one.complete_at) for line, one in enumerate(server.snapshots)]
    drawn = spans(
        ("freezing", None, "freeze requested", server.requested_at, server.frozen_at),
        ("frozen", None, "frozen", server.frozen_at, server.thawed_at),
        *snapshots,
    )
    return Lane(server.name, _lane_note(server), _lane_story(server, run), drawn)


def _lane_note(server: FrozenServer) -> str:
    if server.seconds is None:
        return "not frozen"
    return f"{server.tier}: {wording.duration(server.seconds)}"


def _lane_story(server: FrozenServer, run: CheckpointRun) -> str:
    origin = run.window_started or min((one.requested_at for one in server.snapshots if one.requested_at), default=None)
    freeze = [("freeze requested", server.requested_at), ("frozen", server.frozen_at), ("thawed", server.thawed_at)]
    parts = [f"{what} at {wording.offset(between(origin, moment))}" for what, moment in freeze if moment]
    parts += [
        f"snapshot of {one.volume} from {wording.offset(between(origin, one.requested_at))} to {wording.offset(between(origin, one.complete_at))}"
        for one in server.snapshots
    ]
    return "; ".join(parts) or "No times are known."


# The tables


def _evidence(run: CheckpointRun) -> Section:
    heads = ("Server", "Consistency", "Driver", "Guard", "File systems", "Frozen for", "Reason")
    lead = "The consistency of each server, and the evidence for it."
    return Section("evidence", "Evidence", lead, table=Table(heads, tuple(_evidence_row(server, run) for server in run.servers)))


def _evidence_row(server: FrozenServer, run: CheckpointRun) -> tuple[Cell, ...]:
    is_too_little = not server.consistency or (run.least and not run.is_enough(server.consistency))
    return (
        Cell(server.name, wording.place(server.tier, server.project)),
        Cell(server.consistency or wording.UNKNOWN, state="bad" if is_too_little else ""),
        Cell(server.driver or "–"),
        Cell(server.guard or "–"),
        Cell("–" if server.filesystems is None else str(server.filesystems)),
        Cell("–" if server.seconds is None else wording.duration(server.seconds)),
        Cell(server.reason or "–"),
    )


def _copies(run: CheckpointRun) -> Section:
    heads = ("Volume", "Size", "Stored", "Kind", "Consists of", "Proved at the remote site", "Content last proved")
    lead = f"A restore starts from these. Each needs all of its parts. {unproved(copy.verified for copy in run.copies)}".strip()
    return Section("copies", "Copies", lead, table=Table(heads, tuple(_copy_row(copy) for copy in run.copies)))


def _copy_row(copy: CopiedVolume) -> tuple[Cell, ...]:
    return (
        Cell(copy.volume, ", ".join(copy.servers)),
        Cell(wording.UNKNOWN if copy.size is None else f"{copy.size} GiB"),
        Cell(wording.data(copy.stored_bytes) if copy.stored_bytes else "not measured"),
        Cell("incremental" if copy.incremental else "full"),
        Cell(copy.extent or wording.UNKNOWN),
        Cell(_PROVED.get(copy.verified, copy.verified or wording.UNKNOWN)),
        _last_proof(copy),
    )


def _last_proof(copy: CopiedVolume) -> Cell:
    if not copy.proved_at:
        return Cell("never")
    return Cell(wording.day_and_time(copy.proved_at), f"by checkpoint {copy.proved_by}" + ("" if copy.proved_how == "restore" else ", not compared"))


def _changes(run: CheckpointRun) -> t.Iterator[Section]:
    if not run.since:
        return
    lead = f"The last drill passed with checkpoint {run.since}. "
    if not run.changes:
        yield Section("changes", "Changes since the last drill", lead + "Nothing has changed since.")
        return
    table = Table(("Change",), tuple((Cell(one),) for one in run.changes))
    yield Section("changes", "Changes since the last drill", lead + "These changes were not part of it.", table=table)
