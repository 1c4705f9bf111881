# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person must do, one alert for each thing: what is wrong, where, and what to do about it. Pure.

What keeps an application from being recovered as its policy promises is critical, and what may have that effect, or proves nothing of it, is a warning.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.text import counted, duration, interval, listed
from .capacity import SiteCapacity
from .judged import Judged
from .site_status import SiteStatus

CRITICAL, WARNING = LEVELS = ("critical", "warning")
#: Of changes and of reasons, so many are told.
_MOST_TOLD = 5


@dataclasses.dataclass(frozen=True)
class Alert:
    """Something that a person must do.

    :param kind: one word, the same for alerts of one sort.
    :param where: an application, a project or a site.
    :param todo: may be empty where ``what`` says it too.
    """

    level: str
    kind: str
    where: str
    what: str
    todo: str = ""

    @property
    def text(self) -> str:
        return " ".join(filter(None, (f"{self.where}: {self.what}", self.todo)))

    def as_dict(self) -> dict[str, str]:
        return {**dataclasses.asdict(self), "text": self.text}


def alerts(status: SiteStatus) -> list[Alert]:
    """Everything that there is to do, the critical things first."""
    found = [*_of_sites(status), *_of_projects(status)]
    for one in status.applications:
        found += _of_application(one, status)
    return sorted(found, key=lambda alert: LEVELS.index(alert.level))


# Sites and projects


def _of_sites(status: SiteStatus) -> t.Iterator[Alert]:
    primary, remote = (f"Site '{one.name}'" for one in (status.plan.primary, status.plan.remote))
    if status.primary_problem:
        what = f"It cannot be asked, so nothing is known of servers without protection. {status.primary_problem}"
        yield Alert(CRITICAL, "unreadable", primary, what, "If it is gone, recover its applications; if not, restore the access to it.")
    if status.unprotected_problem:
        yield Alert(WARNING, "unreadable", primary, f"Servers of projects that the plan does not name are unknown. {status.unprotected_problem}")
    yield from (Alert(WARNING, "plan", primary, warning) for warning in status.warnings)
    if status.capacity and status.capacity.without_room:
        yield Alert(CRITICAL, "capacity", remote, _no_room(status.capacity), "Add or free hosts, or leave out of the plan what need not run there.")
    if status.capacity_problem:
        yield Alert(WARNING, "unreadable", remote, f"Whether its hosts have room for all servers is unknown. {status.capacity_problem}")
    if status.infrastructure_problem:
        what = f"What applications stand on could not be compared. {status.infrastructure_problem}"
        yield Alert(WARNING, "unreadable", remote, what)
    yield from _of_infrastructure(status.infrastructure or {}, remote)


def _no_room(room: SiteCapacity) -> str:
    return (
        f"For {room.without_room} of the {room.servers} servers that would be restored no host has room left: together they need {room.vcpus[0]} processors "
        f"and {room.memory[0]} MiB of memory, and {room.vcpus[1]} and {room.memory[1]} MiB are left."
    )


def _of_infrastructure(report: t.Mapping[str, t.Any], remote: str) -> t.Iterator[Alert]:
    for finding in report.get("findings", ()):
        if finding["needed_by"]:
            needers = listed([one["application"] or f"project {one['project']}" for one in finding["needed_by"]])
            todo = finding["by_hand"] or "Make it, or have site_check make it (dr_site_check_make)."
            yield Alert(WARNING, "infrastructure", remote, f"{finding['text']} Needed by {needers}.", todo)
    for gap in report.get("unseen", ()):
        yield Alert(WARNING, "unreadable", remote, f"Not compared: {gap}")


def _of_projects(status: SiteStatus) -> t.Iterator[Alert]:
    remote = status.plan.remote.name
    for name, problem in status.silent.items():
        yield Alert(CRITICAL, "unreadable", f"Project '{name}'", problem, "Nothing new in it is protected until it can be asked.")
    for name, problem in status.projects.problems.items():
        what = f"It cannot be asked at site '{remote}', so what can be restored of its applications is unknown. {problem}"
        yield Alert(CRITICAL, "unreadable", f"Project '{name}'", what)
    for name, project in status.projects.found.items():
        if project.stock_problem:
            what = f"What restores would lack at site '{remote}' is unknown. {project.stock_problem}"
            yield Alert(WARNING, "unreadable", f"Project '{name}'", what)
        yield from (Alert(WARNING, "clock", f"Project '{name}'", warning) for warning in project.cloud.clock.warnings)
    for joint in status.joint:
        what = f"Together, {listed(joint.applications)} need {joint.needed} of the quota '{joint.resource}' at site '{remote}', and {joint.left} are left."
        yield Alert(CRITICAL, "quota", f"Project '{joint.project}'", what, "Have the quota raised.")
    for one in status.unprotected:
        servers = listed([server.name for server in one.servers])
        summary = one.summary()
        what = f"Nobody protects {counted(summary['count'], 'server')} with {summary['gigabytes']} GiB, the oldest since {one.since}: {servers}."
        yield Alert(WARNING, "unprotected", f"Project '{one.project}'", what, "Mark them (dr:application), or take them into the site plan.")
    for name, gone in status.abandoned.items():
        what = f"There are checkpoints of {listed(gone)}, and no servers that are marked for them or that the plan names."
        yield Alert(WARNING, "abandoned", f"Project '{name}'", what, "Mark the servers again, or prune the checkpoints if they are not needed any more.")


# Applications


def _of_application(one: Judged, status: SiteStatus) -> t.Iterator[Alert]:
    where = f"Application '{one.application.host}'"
    yield from (Alert(CRITICAL, "problem", where, problem) for problem in _own_problems(one, status))
    if one.problem:
        yield Alert(CRITICAL, "unreadable", where, f"What can be restored of it is unknown. {one.problem}")
    if one.protection is None:
        return
    yield from (Alert(WARNING, "unusable", where, problem) for problem in one.protection.unusable)
    if one.active_site not in (None, status.plan.primary.name):
        what = f"According to the catalogue it runs at site '{one.active_site}', so what the plan says does not protect it."
        yield Alert(WARNING, "moved", where, what, "Protect it there, or bring it back (failback).")
        return
    yield from _of_point(one, where)
    yield from _of_drill(one, where)
    if one.missing:
        yield Alert(CRITICAL, "missing", where, f"Its restore at site '{status.plan.remote.name}' would fail now. {_first(one.missing, ' ')}")


def _own_problems(one: Judged, status: SiteStatus) -> list[str]:
    """Without what is told of its projects, or of the site."""
    told = () if status.primary_problem else one.application.problems
    return [problem for problem in told if not problem.startswith(tuple(status.silent.values()))]


def _of_point(one: Judged, where: str) -> t.Iterator[Alert]:
    if one.checkpoint is None:
        yield Alert(CRITICAL, "nothing", where, "Nothing can be restored.", "Take a checkpoint; find out why there is none.")
        return
    if one.is_late:
        level = CRITICAL if one.has_missed_one else WARNING
        age, wanted = duration(one.age or 0), interval(one.policy.interval or 0)
        what = f"The newest checkpoint that can be restored is {age} old, and policy '{one.policy.name}' wants one every {wanted}."
        yield Alert(level, "late", where, what, "Find out how the last runs of its checkpoint ended.")
    if one.is_consistent_enough is False:
        what = f"Its newest checkpoint is {one.checkpoint.consistency}-consistent, and policy '{one.policy.name}' wants {one.policy.consistency}."
        yield Alert(CRITICAL, "consistency", where, what, "Take a checkpoint; it tells what keeps it from being consistent.")


def _of_drill(one: Judged, where: str) -> t.Iterator[Alert]:
    if one.is_drill_due:
        was = f"The last drill passed {duration(one.drill_age)} ago" if one.drill_age is not None else "No drill has ever passed"
        wanted = interval(one.policy.drill_interval or 0)
        yield Alert(WARNING, "drill", where, f"{was}, and policy '{one.policy.name}' wants one every {wanted}.", "Drill it.")
    if one.changes:
        what = f"It has changed since the last drill: {_first(one.changes, '; ')}."
        yield Alert(WARNING, "changes", where, what, "See whether its restore allows for that, and drill it again.")
    if one.protection and one.protection.uncompared:
        yield Alert(WARNING, "changes", where, one.protection.uncompared, "Drill it again, or keep checkpoints for longer than drills are apart.")


def _first(sentences: t.Sequence[str], separator: str) -> str:
    """So many as fit into an alert, and how many more there are."""
    more = [f"and {len(sentences) - _MOST_TOLD} more"] if len(sentences) > _MOST_TOLD else []
    return separator.join([*sentences[:_MOST_TOLD], *more])


def level_of(found: t.Iterable[Alert]) -> str | None:
    """The highest level of all; None where there is no alert."""
    return min((alert.level for alert in found), key=LEVELS.index, default=None)
