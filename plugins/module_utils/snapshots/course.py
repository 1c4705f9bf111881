# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan, check, take, confirm or remove a set of snapshots."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application, require_checkpoint_id, require_name
from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.session import Cloud, connect, connect_other
from ..core.errors import NOTHING_DONE, CheckFailed, InvalidInput
from ..core.records import Server, Snapshot
from ..quiesce.driver import QUIESCED
from ..quiesce.earlier_probe import EarlierProbe
from ..quiesce.quiescer import Choice, QuiesceOptions, Quiescer, freeze_problems, running
from ..quiesce.window import FreezeWindow
from ..work.interruption import Interruption
from ..work.waiting import Waiter
from . import grouping, holding
from .evidence import Evidence
from .forecast import Bounds, outlook_of
from .grouping import Unit
from .job import GroupingOptions, SnapshotJob
from .plan import SnapshotPlan
from .result import describe, parts_of
from .seeing import Seeing
from .wanted import Storages, Wanted, survey, warnings

#: How often Cinder is asked for what may take its time.
_POLL_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """The options for a set of snapshots.

    :param reach: the options by which its cloud is reached.
    :param admin: the same cloud as an administrator, by name or by its whole configuration; None when there is none.
    :param least: the least acceptable consistency.
    :param quiesce: how servers are frozen; None when they are not.
    :param projects: where the servers are; none when it is the project of the credentials.
    :param other_clouds: the same cloud in the other projects, where each is reached by credentials of its own.
    :param thaw: servers as os_server_quiesce returned them; None when no thaw is to be confirmed.
    :param timeout: seconds that any one resource may take.
    """

    reach: t.Mapping[str, t.Any]
    admin: str | dict[str, t.Any] | None
    application: Application
    name: str
    least: str
    grouping: GroupingOptions
    quiesce: QuiesceOptions | None
    projects: tuple[str, ...]
    other_clouds: tuple[t.Any, ...]
    thaw: t.Sequence[t.Mapping[str, t.Any]] | None
    timeout: int
    concurrency: int
    is_wanted: bool = True

    @classmethod
    def parse(cls, params: t.Mapping[str, t.Any], reach: t.Mapping[str, t.Any]) -> Settings:
        """Read the options.

        :param params: the options of os_cg_snapshot.
        :param reach: those of them by which it reaches its cloud.
        :raises InvalidInput: for names that a set cannot have, and for contradictory options.
        """
        quiesce = dict(params["quiesce"]) if params["quiesce"] else None
        admin = params["admin_cloud"] or (quiesce or {}).get("admin_cloud")
        if quiesce:
            quiesce["admin_cloud"] = quiesce["admin_cloud"] or admin
        if params["projects"] and params["other_clouds"]:
            raise InvalidInput("projects and other_clouds both say where the servers are.", "Give one of them.")
        is_wanted = params["state"] == "present"
        if (params["projects"] or (params["other_clouds"] and is_wanted)) and not admin:
            raise InvalidInput("Only administrators can list the servers of several projects.", "Give admin_cloud.")
        return cls(
            reach=reach,
            admin=admin,
            application=Application.parse(params["application"]),
            # A new set may become a checkpoint, which could not be found again by every name.
            name=require_checkpoint_id(params["name"]) if is_wanted else require_name("the name of a set of snapshots", params["name"]),
            least=params["consistency"] or _default_least(quiesce),
            grouping=GroupingOptions(params["grouping"], params["group_type"]),
            quiesce=_knowing(QuiesceOptions.parse(quiesce, reach), params["freezes"]) if quiesce else None,
            projects=tuple(params["projects"]),
            other_clouds=tuple(params["other_clouds"]),
            thaw=None if params["thaw"] is None else params["thaw"].get("servers") or [],
            timeout=params["timeout"],
            concurrency=params["concurrency"],
            is_wanted=is_wanted,
        )


def _knowing(options: QuiesceOptions, freezes: t.Iterable[t.Any]) -> QuiesceOptions:
    """The options, with what an earlier step found out about servers.

    :raises InvalidInput: when that is not what os_checkpoint_check returns.
    """
    probes = [EarlierProbe.parse(one) for one in freezes]
    return dataclasses.replace(options, probes={one.server_id: one for one in probes})


def _default_least(quiesce: t.Mapping[str, t.Any] | None) -> str:
    if quiesce is None:
        return "crash"
    return "paused" if quiesce["driver"] == "pause" else "quiesced"


class Course:
    """Makes a set of snapshots present or absent.

    :param warn: called with warnings for the operator.
    """

    def __init__(self, settings: Settings, interruption: Interruption, warn: t.Callable[[str], None]) -> None:
        self._settings = settings
        self._interruption = interruption
        self._warn = warn
        self._cloud = connect(settings.reach)
        clouds = [self._cloud.in_project(project_id) for project_id in settings.projects] or [self._cloud, *map(connect_other, settings.other_clouds)]
        self._storages = Storages(BlockStorage(cloud) for cloud in clouds)
        self._projects = settings.projects or (tuple(self._storages.by_project) if settings.other_clouds else ())

    def run(self, is_check: bool) -> dict[str, t.Any]:
        """The module's result.

        :param is_check: whether nothing is to be changed.
        """
        return self._present(is_check) if self._settings.is_wanted else self._absent(is_check)

    def _absent(self, is_check: bool) -> dict[str, t.Any]:
        """Remove the set by its marks alone: the servers may be long gone."""
        job = self._job(Wanted(self._settings.application, self._settings.name, "crash", ()))
        current, is_there = job.snapshots.current(), job.snapshots.exists
        if not is_check:
            job.delete()
        return {"changed": is_there, "cg_snapshot": None, "diff": _diff(current, [])}

    def _present(self, is_check: bool) -> dict[str, t.Any]:
        quiescer = self._quiescer()
        servers = self._servers(quiescer, is_check)
        settings = self._settings
        wanted = Wanted(settings.application, settings.name, settings.least, survey(settings.application, servers, self._storages))
        for warning in warnings(wanted):
            self._warn(warning)
        job = self._job(wanted)
        plan = job.plan(is_confirmed=settings.thaw is not None)
        if settings.thaw is not None:
            return self._confirm(wanted, job, plan, is_check)
        if not plan.changed:
            return self._unchanged(wanted, job)
        choices = quiescer.choose(running(servers.values())) if quiescer else {}
        units = job.units()
        problems = job.problems(plan, units, thaws_leftovers=quiescer is not None) + freeze_problems(servers.values(), choices)
        problems += self._storages.clock.problems
        problems += self._too_long(wanted, choices, units, job.answer)
        if problems:
            done = quiescer.done if quiescer else NOTHING_DONE
            raise CheckFailed(f"The snapshots of '{settings.application.name}' cannot be taken", problems, done)
        result = {"changed": True, "grouping": grouping.describe(units), "diff": _diff(plan.delete, wanted.volumes, units)}
        self._warn_of_holds(wanted, choices)
        if is_check:
            return {**result, "cg_snapshot": None}
        job.snapshots.delete()
        with job.whole_or_nothing(self._interruption):
            units = job.prepare(units)
            window = self._window(quiescer, servers, choices)
            self._warm_up(job, quiescer)
            seeing = Seeing(self._compute(), wanted, settings.concurrency)
            evidence = job.snapshots.take(units, window, seeing, self._interruption)
        self._warn_of_length(window)
        self._warn_of_clock()
        return {**result, "grouping": grouping.describe(units), **self._described(wanted, job, evidence)}

    def _confirm(self, wanted: Wanted, job: SnapshotJob, plan: SnapshotPlan, is_check: bool) -> dict[str, t.Any]:
        """Complete the evidence of a set with the thaw of the freeze around it."""
        current = job.snapshots.current()
        evidence = Evidence.read(current)
        if plan.changed or evidence is None:
            raise CheckFailed(
                f"The thaw around the set '{wanted.name}' cannot be confirmed",
                [f"'{wanted.application.name}' has no complete set of this name that could be {wanted.least}-consistent. Take the snapshots first."],
            )
        changed = any(server.pending for server in evidence.servers.values())
        if changed and not is_check:
            evidence = job.confirm(evidence, self._settings.thaw or [])
        return {"changed": changed, **self._described(wanted, job, evidence), "diff": _diff(current, _volumes_of(current))}

    def _described(self, wanted: Wanted, job: SnapshotJob, evidence: Evidence) -> dict[str, t.Any]:
        """The whole set, and of one over several projects what each of them has of it."""
        current = job.snapshots.current()
        described = {"cg_snapshot": describe(wanted, current, evidence)}
        parts = parts_of(wanted, current, evidence, self._projects)
        return {**described, "parts": parts} if parts else described

    def _unchanged(self, wanted: Wanted, job: SnapshotJob) -> dict[str, t.Any]:
        """A set that is there and good enough, as its own snapshots tell of it."""
        current = job.snapshots.current()
        described = self._described(wanted, job, t.cast(Evidence, Evidence.read(current)))
        return {"changed": False, **described, "diff": _diff(current, _volumes_of(current))}

    def _warm_up(self, job: SnapshotJob, quiescer: Quiescer | None) -> None:
        quiesce = self._settings.quiesce
        if quiescer and quiesce:
            job.warm_up(quiesce.guard_timeout)
            quiescer.compute.cloud.warm_up(quiesce.guard_timeout)

    def _too_long(self, wanted: Wanted, choices: t.Mapping[str, Choice], units: t.Sequence[Unit], cinder: float | None) -> list[str]:
        """Why the window cannot be as short as it has to be, by how quickly the site answers; warns where that matters less.

        :param cinder: seconds in which Cinder answered a request for a snapshot.
        """
        quiesce, settings = self._settings.quiesce, self._settings
        if not quiesce:
            return []
        problems, told = Bounds.of(quiesce, choices, settings.least).judge(outlook_of(wanted, choices, units, settings.concurrency, cinder))
        for warning in told:
            self._warn(warning)
        return problems

    def _warn_of_holds(self, wanted: Wanted, choices: t.Mapping[str, Choice]) -> None:
        quiesce = self._settings.quiesce
        frozen = [wanted.servers[one] for one, choice in choices.items() if choice.driver.consistency == QUIESCED]
        for warning in holding.warnings(frozen, quiesce.budget) if quiesce else ():
            self._warn(warning)

    def _warn_of_length(self, window: FreezeWindow | None) -> None:
        if window and window.standstill > window.budget:
            self._warn(
                f"The servers of '{self._settings.application.name}' stood still for {window.standstill:.1f} s, longer than the budget of "
                f"{window.budget} s, because their thaw took longer than expected. Find out what slows it down."
            )

    def _warn_of_clock(self) -> None:
        for warning in self._storages.clock.warnings:
            self._warn(warning)

    def _job(self, wanted: Wanted) -> SnapshotJob:
        settings = self._settings
        admin = BlockStorage(connect_other(settings.admin)) if settings.admin else None
        waiter = Waiter(timeout=settings.timeout, interval=_POLL_SECONDS)
        return SnapshotJob(self._storages, admin, wanted, settings.grouping, waiter, settings.concurrency)

    def _quiescer(self) -> Quiescer | None:
        settings = self._settings
        if settings.quiesce is None:
            return None
        return Quiescer(self._cloud, settings.quiesce, settings.least, settings.concurrency)

    def _window(
        self, quiescer: Quiescer | None, servers: t.Mapping[str, Server], choices: t.Mapping[str, Choice]
    ) -> FreezeWindow | None:
        if not quiescer:
            return None
        return quiescer.window(quiescer.members(self._settings.application, servers, choices), self._interruption)

    def _servers(self, quiescer: Quiescer | None, is_check: bool) -> dict[str, Server]:
        """The servers per name in the definition; what an earlier run left frozen is thawed."""
        settings = self._settings
        if not quiescer:
            return self._compute().resolve(settings.application.servers, self._projects)
        servers = quiescer.resolve(settings.application, self._projects)
        return servers if is_check else quiescer.thaw_leftovers(servers)

    def _compute(self) -> Compute:
        """Compute with credentials that see all servers of the set."""
        admin: Cloud | None = connect_other(self._settings.admin) if self._projects and self._settings.admin else None
        return Compute(admin or self._cloud)


def _volumes_of(snapshots: t.Iterable[Snapshot]) -> list[str]:
    return [snapshot.volume_id for snapshot in snapshots]


def _diff(before: t.Iterable[Snapshot], after: t.Iterable[str], units: t.Sequence[Unit] = ()) -> dict[str, t.Any]:
    plan = {"grouping": grouping.describe(units)} if units else {}
    return {
        "before": {"snapshots_of_volumes": sorted(_volumes_of(before))},
        "after": {"snapshots_of_volumes": sorted(after), **plan},
    }
