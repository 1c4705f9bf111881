# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose drivers for servers by a module's options, and open a freeze window."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..application.definition import Application
from ..cloud.compute import Compute
from ..cloud.session import Cloud, connect_other, own_options
from ..core.consistency import satisfies
from ..core.errors import NOTHING_DONE, CheckFailed, InvalidInput
from ..core.records import Server
from ..core.states import Treatment, refusal, stands_still, state_of
from ..work.interruption import Interruption
from ..work.pool import attempt_each, each
from . import guard_loop
from .driver import FROZEN, PAUSED, THAWED, QuiesceDriver, Support
from .drivers import AUTO, Reach, driver_of, drivers, require_reach
from .earlier_probe import EarlierProbe
from .guard_process import Guarded, GuardProcess
from .mark import LONGEST_FREEZE, FreezeMark, FreezeMarks, held_problem, is_leftover
from .thawing import Thawing, thaw_problem
from .window import FreezeWindow, Limits, Member


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclasses.dataclass(frozen=True)
class QuiesceOptions:
    """How servers are to be frozen; the fields are the options of the fragment ``quiesce``.

    :param reach: the options by which a guard beside the controller reaches the cloud.
    :param probes: what an earlier step found out about servers, per id.
    """

    driver: str
    admin_cloud: str | dict[str, t.Any] | None = dataclasses.field(repr=False)
    libvirt_uri: str | None
    freeze_timeout: int
    budget: int
    guard_timeout: int
    reach: t.Mapping[str, t.Any] = dataclasses.field(repr=False)
    probes: t.Mapping[str, EarlierProbe] = dataclasses.field(default_factory=dict)

    @classmethod
    def parse(cls, params: t.Mapping[str, t.Any], auth: t.Mapping[str, t.Any]) -> QuiesceOptions:
        """Read the options of the fragment ``quiesce``.

        :param auth: the module's options of the fragment ``auth``, among others.
        :raises InvalidInput: when the guards would fire within the budget, or libvirt cannot be reached.
        """
        admin = params["admin_cloud"]
        reach = {"cloud": admin} if admin else own_options(auth)
        own = (field.name for field in dataclasses.fields(cls) if field.name not in ("reach", "probes"))
        options = cls(**{name: params[name] for name in own}, reach=reach)
        for name in ("freeze_timeout", "budget", "guard_timeout"):
            if not 1 <= getattr(options, name) <= LONGEST_FREEZE:
                raise InvalidInput(f"{name} is {getattr(options, name)} s; it must be between 1 and {LONGEST_FREEZE} s.")
        if options.guard_timeout <= options.budget:
            raise InvalidInput(
                f"guard_timeout ({options.guard_timeout} s) must be more than budget ({options.budget} s): "
                "the guard thaws when the budget is exceeded."
            )
        require_reach(options.driver, options.libvirt_uri)
        return options


@dataclasses.dataclass(frozen=True)
class Choice:
    """The driver for a server, and why it was chosen.

    :param support: what the driver found; its problem says why no driver will do.
    :param passed_over: why better drivers do not qualify, per name.
    :param at: when it was found.
    """

    driver: QuiesceDriver
    support: Support
    passed_over: t.Mapping[str, str]
    at: datetime.datetime = dataclasses.field(default_factory=_now)


class Quiescer:
    """The ways to freeze and thaw servers of one cloud.

    :param cloud: where the servers are; its project is theirs.
    :param least: the least acceptable consistency: it decides whether servers may be paused.
    """

    #: What was changed so far, for messages.
    done: str = NOTHING_DONE

    def __init__(self, cloud: Cloud, options: QuiesceOptions, least: str, concurrency: int) -> None:
        self._options = options
        self._least = least
        self._concurrency = concurrency
        admin = connect_other(options.admin_cloud) if options.admin_cloud else cloud
        # Only administrators may name a project, even their own.
        self._project_ids = () if admin.project_id == cloud.project_id else (cloud.project_id,)
        self.compute = Compute(admin)
        self._reach = Reach(self.compute, options.libvirt_uri, options.freeze_timeout, options.guard_timeout, self._guards)
        self._drivers = drivers(self._reach)

    def _guards(self, driver: str) -> GuardProcess:
        """The process for guards beside the controller; it starts when it is first needed."""
        options = self._options
        guarded = Guarded(driver, options.reach, options.libvirt_uri, options.freeze_timeout)
        return GuardProcess(guarded, guard_loop.__name__)

    def resolve(self, application: Application, project_ids: t.Sequence[str] = ()) -> dict[str, Server]:
        """Server per name in the definition, with what the drivers must know of it.

        :param project_ids: where they are, for administrators; in the cloud's project when there are none.
        """
        return self.compute.resolve(application.servers, project_ids or self._project_ids)

    def thaw_leftovers(self, servers: t.Mapping[str, Server]) -> dict[str, Server]:
        """Thaw what an earlier run left frozen, or as frozen in its agent's eyes, beyond its guard's time.

        :returns: the servers as they are then.
        """
        leftovers = [server for server in running(servers.values()) if is_leftover(server)]
        if not leftovers:
            return dict(servers)
        each(leftovers, Thawing(self._reach).thaw, self._concurrency)
        self.done = f"all that this step has done is to thaw what an earlier run had left frozen ({', '.join(sorted(one.label for one in leftovers))})"
        return {name: self.compute.server(server.id) for name, server in servers.items()}

    def choose(self, servers: t.Collection[Server], to_thaw: bool = False) -> dict[str, Choice]:
        """Probe servers for the best driver that is allowed, per server id; freezes nothing.

        :param to_thaw: what a mark names is the one, also when its guard's time is over: no other can tell.
        """
        outcomes = attempt_each(servers, lambda server: self._choose_for(server, to_thaw), self._concurrency)
        best = next(iter(self._drivers.values()))
        return {
            server.id: outcome.value or Choice(best, Support(str(outcome.error)), {})
            for server, outcome in zip(servers, outcomes, strict=True)
        }

    def _choose_for(self, server: Server, to_thaw: bool) -> Choice:
        holder = self._holder(server, to_thaw)
        if holder and (held := held_problem(server)):
            # Nobody asks about it: while a probe through Nova is under way, Nova refuses the freeze that the other run asks for.
            return Choice(holder, Support(held, state=FROZEN), {})
        if holder:
            support = holder.probe(server)
            return Choice(holder, support if to_thaw else _still_frozen(server, support), {})
        if is_leftover(server) and not to_thaw and (stuck := thaw_problem(server, self._drivers)):
            return Choice(self._candidates()[0], Support(stuck), {})
        if server.status == "PAUSED" and is_leftover(server):
            # It is thawed before it is frozen; until then nobody can be asked about it.
            return Choice(self._candidates()[0], Support(state=THAWED), {})
        if state_of(server).treatment is Treatment.REFUSED and not to_thaw:
            # An agent may answer all the same, as that of a rescue system does, and freeze something else.
            return Choice(self._candidates()[0], Support(refusal(server)), {})
        if server.locked and not _sees_as_administrator(server):
            problem = f"Server {server.label} is locked, so its own project can neither mark nor freeze it; unlock it, or give admin_cloud."
            return Choice(self._candidates()[0], Support(problem), {})
        known = None if to_thaw or server.boots_from_image or is_leftover(server) else self._known(server)
        return known or self._best_for(server)

    def _best_for(self, server: Server) -> Choice:
        """The best driver that works, found out by asking."""
        passed_over: dict[str, str] = {}
        for driver in self._candidates():
            support = driver.probe(server)
            # What one driver holds is no other's to freeze, also while it cannot say more.
            if support.problem is None or support.state == FROZEN:
                if support.problem is None and is_leftover(server):
                    support = dataclasses.replace(support, state=THAWED)
                return Choice(driver, support, passed_over)
            passed_over[driver.name] = support.problem
        reasons = " ".join(f"{name}: {reason}" for name, reason in passed_over.items())
        problem = reasons if len(passed_over) > 1 else next(iter(passed_over.values()))
        return Choice(driver, Support(problem), {})

    def _holder(self, server: Server, to_thaw: bool) -> QuiesceDriver | None:
        """The driver that froze a server, according to its mark: only that can thaw it.

        None when there is no mark, or its guard's time is over and the server is thawed before it is frozen.
        """
        mark = FreezeMark.of(server)
        if mark is None or (mark.is_leftover and mark.driver in self._drivers and not to_thaw):
            return None
        return driver_of(mark, self._drivers)

    def _known(self, server: Server) -> Choice | None:
        """What an earlier step of this run has chosen for a server; None where that does not count any more."""
        probe, candidates = self._options.probes.get(server.id), {driver.name: driver for driver in self._candidates()}
        if probe is None or probe.driver not in candidates or not probe.counts_at(_now(), self._options.guard_timeout):
            return None
        driver = candidates[probe.driver]
        driver.recall(server, probe.support)
        return Choice(driver, probe.support, probe.passed_over, probe.at)

    def _candidates(self) -> list[QuiesceDriver]:
        """Drivers that may freeze a server."""
        if self._options.driver != AUTO:
            return [self._drivers[self._options.driver]]
        return [driver for driver in self._drivers.values() if satisfies(driver.consistency, self._least)]

    def members(
        self, application: Application, servers: t.Mapping[str, Server], choices: t.Mapping[str, Choice]
    ) -> list[list[Member]]:
        """Members in the order in which they are frozen, without servers that stand still by themselves.

        Servers to be paused come last and all at once, whatever their tiers: what counts is one moment for all.
        """
        tiers = [
            [
                _member(servers[name], tier.name, choices[servers[name].id])
                for name in tier.servers
                if servers[name].id in choices
            ]
            for tier in application.freeze_order
        ]
        paused = [m for tier in tiers for m in tier if m.driver.consistency == PAUSED]
        frozen = [[m for m in tier if m not in paused] for tier in tiers]
        return [step for step in (*frozen, paused) if step]

    def window(self, steps: t.Sequence[t.Sequence[Member]], interruption: Interruption) -> FreezeWindow:
        options = self._options
        limits = Limits(options.freeze_timeout, options.budget, options.guard_timeout, self._concurrency)
        return FreezeWindow(steps, limits, FreezeMarks(self.compute), interruption)


def _sees_as_administrator(server: Server) -> bool:
    """Whether the credentials that were shown a server are an administrator's: Nova shows its host to no others."""
    return server.hypervisor is not None


def _member(server: Server, tier: str, choice: Choice) -> Member:
    return Member(server, tier, choice.driver, choice.support.guard)


def _still_frozen(server: Server, support: Support) -> Support:
    """What was found of a server whose freeze was not ended: nobody else may freeze it before that, or before the time of its guard is over."""
    if support.problem or support.state == FROZEN:
        return support
    return Support(
        f"Server {server.label} is not frozen any more, but its freeze was not ended. End it with os_server_quiesce state=unquiesced, "
        "or wait until the time of its guard is over."
    )


def answer_of(choices: t.Iterable[Choice]) -> float | None:
    """Seconds in which the quicker ones of the guest agents answered (the lower quartile); None when none was asked."""
    answers = sorted(one.support.answer for one in choices if one.support.answer is not None)
    return answers[len(answers) // 4] if answers else None


def longest_of(choices: t.Iterable[Choice]) -> int | None:
    """Seconds for which the site lets all of the servers be frozen; None where it does not say."""
    return min((one.support.longest for one in choices if one.support.longest is not None), default=None)


def running(servers: t.Iterable[Server]) -> list[Server]:
    """Servers that must be frozen: all but those that stand still by themselves, as one that is shut down or that its owner has paused."""
    return [server for server in servers if not stands_still(server)]


def refuse_problems(choices: t.Mapping[str, Choice], done: str = NOTHING_DONE) -> None:
    """Require that all servers can be frozen.

    :param done: what was changed so far.
    :raises CheckFailed: naming every server that cannot be frozen, and why.
    """
    problems = [choice.support.problem for choice in choices.values() if choice.support.problem]
    if problems:
        raise CheckFailed("Not all servers can be frozen", problems, done)


def freeze_problems(servers: t.Collection[Server], choices: t.Mapping[str, Choice]) -> list[str]:
    """Why a freeze window over these servers cannot be opened now."""
    problems = [_freeze_problem(server, choices[server.id].support) for server in servers if server.id in choices]
    return [problem for problem in problems if problem]


def foreseen(servers: t.Iterable[Server], choices: t.Mapping[str, Choice]) -> list[dict[str, t.Any]]:
    """How each server would be frozen, and what would thaw it whatever happens."""
    chosen = [(server, choices[server.id]) for server in servers if server.id in choices]
    return [
        {"id": server.id, "name": server.name, **EarlierProbe(server.id, one.driver.name, one.support, one.passed_over, one.at).described()}
        for server, one in chosen
    ]


def _freeze_problem(server: Server, support: Support) -> str | None:
    if support.problem is None and support.state == FROZEN:
        # Somebody else's freeze is not ours to time.
        return f"Server {server.label} is frozen already; thaw it first with os_server_quiesce state=unquiesced."
    return support.problem or (support.image_problem if server.boots_from_image else None)
