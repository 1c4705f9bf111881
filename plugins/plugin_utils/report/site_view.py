# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about a whole site."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.core.text import counted, interval

from . import wording
from .given import Given
from .view import Cell, Figure, Section, Table

_NONE = "–"


@dataclasses.dataclass(frozen=True)
class SitePage:
    """What the page shows.

    :param written_at: as text, and as the stamp that machines read; None where it is not known.
    """

    primary: str
    remote: str
    written_at: str
    stamp: str | None
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]


def site_page(given: t.Any) -> SitePage:
    """The page of what M(osdr.openstack.os_site_status_info) returned."""
    status = Given(given)
    written_at = status.moment("written_at")
    return SitePage(
        primary=status.text("primary"),
        remote=status.text("remote"),
        written_at=wording.day_and_time(written_at),
        stamp=wording.stamp(written_at),
        figures=tuple(_figures(status)),
        sections=(_todo(status), _applications(status), _recovery(status), _there(status), _unprotected(status)),
    )


# Figures


def _figures(status: Given) -> t.Iterator[Figure]:
    levels = [one.text("level") for one in status.each("alerts")]
    critical = levels.count("critical")
    yield Figure("To do", str(len(levels)), f"{critical} of them critical", "bad" if critical else "" if levels else "good")
    applications = status.each("applications")
    on_time = sum(one.number("age") is not None and not one.flag("late") for one in applications)
    state = "good" if on_time == len(applications) else "bad"
    yield Figure("Recovery points on time", f"{on_time} of {len(applications)}", _oldest(applications), state)
    yield _recovery_time(status.inside("recovery"))
    yield _unprotected_servers(status.each("unprotected"))


def _oldest(applications: t.Sequence[Given]) -> str:
    ages = [age for one in applications if (age := one.number("age")) is not None]
    return f"the oldest: {wording.duration(max(ages))}" if ages else "nothing can be restored"


def _recovery_time(recovery: Given) -> Figure:
    unknown = recovery.texts("unknown")
    if recovery.number("seconds") is None or (unknown and not recovery.texts("critical_path")):
        return Figure("Recovery of the whole plan", wording.UNKNOWN)
    note = f"at least: without {counted(len(unknown), 'application')}" if unknown else "predicted from drills"
    return Figure("Recovery of the whole plan", wording.duration(recovery.number("seconds")), note)


def _unprotected_servers(projects: t.Sequence[Given]) -> Figure:
    count, size = (sum(one.count(key) or 0 for one in projects) for key in ("count", "gigabytes"))
    return Figure("Servers that nobody protects", str(count), f"with {wording.volumes([size])}", "bad" if count else "good")


# Sections


def _todo(status: Given) -> Section:
    alerts = status.each("alerts")
    if not alerts:
        return Section("todo", "To do", "Nothing.")
    lead = "Critical is what keeps an application from being recovered as its policy promises."
    return Section("todo", "To do", lead, table=Table(("Where", "What"), tuple(map(_alert_row, alerts))))


def _alert_row(one: Given) -> tuple[Cell, ...]:
    level = one.text("level")
    return Cell(one.text("where"), level, "bad" if level == "critical" else ""), Cell(one.text("what"), one.text("todo"))


def _applications(status: Given) -> Section:
    heads = ("Application", "Recovery point", "Last drill", "Recovery time", "Changes", "Lacking there")
    rows = tuple(_application_row(one) for one in status.each("applications"))
    lead = "In the order of their recovery. Changes are those since the last drill; what is lacking there would make a restore fail now."
    return Section("applications", "Applications", lead, table=Table(heads, rows))


def _application_row(one: Given) -> tuple[Cell, ...]:
    about = ", ".join(filter(None, (one.text("wave"), *one.texts("projects"), one.text("policy"))))
    changes = Cell(str(len(one.texts("changes"))) if one.inside("drill") else _NONE)
    return Cell(one.text("host"), about), _point(one), _drill(one), _time(one), changes, _missing(one)


def _point(one: Given) -> Cell:
    if one.number("age") is None:
        is_known = one.count("restorable") is not None
        return Cell("nothing" if is_known else wording.UNKNOWN, _wanted(one), "bad")
    is_bad = one.flag("late") or one.value.get("consistent_enough") is False
    return Cell(f"{wording.duration(one.number('age'))}, {one.text('consistency')}", _wanted(one), "bad" if is_bad else "good")


def _wanted(one: Given) -> str:
    seconds = one.count("interval")
    wanted = [f"every {interval(seconds)}" if seconds else "", one.text("least_consistency")]
    return f"wanted: {', '.join(filter(None, wanted))}" if any(wanted) else ""


def _drill(one: Given) -> Cell:
    drill, seconds = one.inside("drill"), one.count("drill_interval")
    wanted = f"wanted: every {interval(seconds)}" if seconds else ""
    state = "" if seconds is None else "bad" if one.flag("drill_due") else "good"
    if not drill:
        return Cell("none", wanted, state)
    return Cell(f"{wording.duration(drill.number('age'))} ago", wanted, state)


def _time(one: Given) -> Cell:
    """What is predicted, and of the last drill what it took and was predicted to take."""
    drill, unmeasured = one.inside("drill"), one.texts("unmeasured")
    predicted = one.number("predicted_seconds")
    notes = [] if one.flag("predicted_by_own_drills") or predicted is None else ["by drills of others"]
    notes += [f"never measured: {', '.join(unmeasured)}"] if unmeasured else []
    if drill.number("recovery_seconds") is not None:
        expected = drill.number("predicted_seconds")
        told = f", predicted {wording.duration(expected)}" if expected is not None else ""
        notes.append(f"the last drill took {wording.duration(drill.number('recovery_seconds'))}{told}")
    return Cell(wording.duration(predicted), "; ".join(notes))


def _missing(one: Given) -> Cell:
    if one.value.get("missing") is None:
        return Cell(wording.UNKNOWN)
    count = len(one.texts("missing"))
    return Cell(counted(count, "thing"), "see above", "bad") if count else Cell("nothing", state="good")


def _recovery(status: Given) -> Section:
    recovery = status.inside("recovery")
    path, unknown = recovery.texts("critical_path"), recovery.texts("unknown")
    at_once, deviation = recovery.count("at_once"), recovery.number("deviation")
    told = [f"{'No more than ' + str(at_once) if at_once else 'Any number of'} applications are recovered at once, wave by wave."]
    told += [f"The time is not known of {', '.join(unknown)}; they count as if they took none."] if unknown else []
    told += [f"Predictions of the last drills were off by {deviation:.0%}, in the middle."] if deviation is not None else ["No drill was predicted so far."]
    seconds = {one.text("host"): one.number("predicted_seconds") for one in status.each("applications")}
    rows = tuple((Cell(name), Cell(wording.duration(seconds.get(name)))) for name in path)
    table = Table(("Application, after the one above it", "Recovery time"), rows) if rows else None
    return Section("recovery", "Recovery of the whole plan", " ".join(told), table=table)


def _there(status: Given) -> Section:
    rows = [*_hosts(status.inside("capacity")), *_stands_on(status.inside("infrastructure"))]
    heads = ("Kind", "Needed, or as at the primary site", "Left, or not so")
    lead = "What quotas and single applications lack is under To do." if rows else "Neither hosts nor what applications stand on are known."
    return Section("there", "At the remote site", lead, table=Table(heads, tuple(rows)) if rows else None)


def _hosts(room: Given) -> t.Iterator[tuple[Cell, ...]]:
    if not room:
        return
    servers, lacking = room.count("servers") or 0, room.count("without_room") or 0
    yield Cell("Servers"), Cell(str(servers)), Cell(f"no room for {lacking}" if lacking else "room for all", state="bad" if lacking else "good")
    vcpus, memory = room.inside("vcpus"), room.inside("memory")
    yield Cell("Processors"), Cell(str(vcpus.count("needed"))), Cell(str(vcpus.count("left")))
    yield Cell("Memory"), *(Cell(wording.data((memory.count(key) or 0) * 1024**2)) for key in ("needed", "left"))


def _stands_on(infrastructure: Given) -> t.Iterator[tuple[Cell, ...]]:
    counts = infrastructure.inside("counts")
    for kind in counts.value:
        found = counts.inside(kind)
        others = {state: found.count(state) or 0 for state in ("missing", "different", "unknown")}
        told = ", ".join(f"{count} {state}" for state, count in others.items() if count)
        yield Cell(str(kind).replace("_", " ")), Cell(str(found.count("same") or 0)), Cell(told or _NONE)


def _unprotected(status: Given) -> Section:
    projects = status.each("unprotected")
    if not projects:
        return Section("unprotected", "Servers that nobody protects", "None is known.")
    heads = ("Project", "Servers", "Size", "Since")
    return Section("unprotected", "Servers that nobody protects", "", table=Table(heads, tuple(map(_unprotected_row, projects))))


def _unprotected_row(one: Given) -> tuple[Cell, ...]:
    names = [server.text("name") for server in one.each("servers")]
    return (
        Cell(one.text("project"), "" if one.flag("planned") else "not in the plan"),
        Cell(str(one.count("count")), wording.some(names)),
        Cell(wording.volumes([one.count("gigabytes")])),
        Cell(wording.day_and_time(one.moment("since"))),
    )
