# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fencing: keep the servers of an application at a site from being started by mistake, and undo that.

Planning is pure. What is to be done follows from the servers' own state, so any run resumes where another ended.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import typing as t

from ..application.definition import Application, Tier
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..core.errors import CheckFailed, DrError, FenceIncomplete, ResourceFailed, WaitTimeout
from ..core.intent import Intent, intents_of, is_owners_lock
from ..core.records import APPLICATION_KEY, FENCE_KEY, LOCK_KEY, OFF_KEY, Server
from ..manifest.manifest import Manifest
from ..readiness.gates import Gates
from ..readiness.probes import Subject
from ..work.pool import Outcome, attempt_each, each
from ..work.waiting import Waiter
from .fence_mark import FenceMark, needs_admin

#: Statuses in which the guest does not run.
_AT_REST = ("SHUTOFF", "SUSPENDED", "PAUSED")
_STOPPING = "powering-off"
_STARTING = "powering-on"
_WAY_OUT = "bring it to ACTIVE or SHUTOFF and re-run."


def at_rest(server: Server) -> bool:
    """Whether the guest neither runs nor is about to."""
    return server.status in _AT_REST and not server.task_state


def is_fenced(server: Server) -> bool:
    return FenceMark.of(server) is not None and server.locked and at_rest(server)


def found_of(application: Application, servers: t.Iterable[Server]) -> dict[str, list[Server]]:
    """Servers of a project with the names, or ids, of an application's servers, per name in its definition."""
    servers = list(servers)
    by_id = {wanted: [one for one in servers if one.id == wanted] for wanted in application.servers}
    return {wanted: by_id[wanted] or [one for one in servers if one.name == wanted] for wanted in application.servers}


@dataclasses.dataclass(frozen=True)
class Members:
    """The servers of an application at a site, per name in its definition."""

    site: str
    application: Application
    servers: t.Mapping[str, Server]

    @classmethod
    def of(cls, site: str, application: Application, servers: t.Iterable[Server], origin: Manifest | None) -> Members:
        """Find the application's servers: all of them, and no others.

        :param servers: all of the project.
        :param origin: a checkpoint that was taken of these servers and knows their ids.
        :raises CheckFailed: naming the servers that may or may not be the application's.
        """
        found = found_of(application, servers)
        problems = [problem for name, there in found.items() for problem in _doubts(application, name, there, origin)]
        if not any(found.values()):
            problems.append("None of its servers exists there; check their names, and the project of the credentials.")
        if problems:
            raise CheckFailed(f"The servers of application '{application.name}' on site '{site}' cannot be identified", problems)
        return cls(site, application, {name: there[0] for name, there in found.items() if there})

    @property
    def absent(self) -> list[str]:
        return [name for name in self.application.servers if name not in self.servers]

    def of_tier(self, tier: Tier) -> list[Server]:
        return [self.servers[name] for name in tier.servers if name in self.servers]


def _doubts(application: Application, name: str, there: t.Sequence[Server], origin: Manifest | None) -> t.Iterator[str]:
    if len(there) > 1:
        ids = ", ".join(sorted(server.id for server in there))
        yield f"{len(there)} servers are called '{name}' ({ids}); name the one you mean by its id."
        return
    for server in there:
        owner = server.metadata.get(APPLICATION_KEY, application.name)
        known = {spec.name: spec.source_id for spec in origin.description.servers} if origin else {}
        if owner != application.name:
            yield f"Server {server.label} was restored for application '{owner}'; correct the application's definition."
        elif APPLICATION_KEY not in server.metadata and known.get(server.name, server.id) != server.id:
            yield (
                f"Server {server.label} has the name of one of the application, but checkpoint '{t.cast(Manifest, origin).checkpoint.id}' was taken of "
                f"{known[server.name]}; name the one you mean by its id."
            )


@dataclasses.dataclass(frozen=True)
class FenceStep:
    """What is to be done about one server, in this order.

    :param mark: the mark that the server gets.
    :param intent: how its owner wants it to be, which is kept beside the mark.
    """

    server: Server
    mark: FenceMark
    intent: Intent
    unlocks: bool
    marks: bool
    stops: bool
    locks: bool

    @property
    def changes(self) -> bool:
        return self.marks or self.stops or self.locks

    @property
    def asks(self) -> bool:
        """Whether Nova must be asked to stop it, because it is not stopping already."""
        return self.stops and self.server.task_state != _STOPPING


def plan_fence(members: Members, wanted: FenceMark, by_admin: bool) -> list[FenceStep]:
    """One step per server that is there.

    :param by_admin: whether an administrator locks.
    """
    intents = intents_of(members.servers.values())
    return [_fence_step(server, intents[server.id], wanted, by_admin) for server in members.servers.values()]


def _fence_step(server: Server, intent: Intent, wanted: FenceMark, by_admin: bool) -> FenceStep:
    current = FenceMark.of(server)
    mark = current if current and wanted.says_the_same(current) else wanted
    marks, stops = mark != current, not at_rest(server)
    # An administrator's lock serves the project too, and the project could not replace it.
    good = {mark.lock_reason(True)} if by_admin else {mark.lock_reason(True), mark.lock_reason(False)}
    locks = marks or stops or not server.locked or server.locked_reason not in good
    return FenceStep(server, mark, intent, unlocks=server.locked and locks and not by_admin, marks=marks, stops=stops, locks=locks)


def fence_problems(steps: t.Sequence[FenceStep]) -> list[str]:
    """Servers that can neither be stopped nor left as they are."""
    return [
        f"Server {step.server.label} is {_state(step.server)}; {_WAY_OUT}"
        for step in steps
        if step.stops and not _can_be_stopped(step.server)
    ] + _admin_problems(step.server for step in steps if step.unlocks)


def _admin_problems(unlocked: t.Iterable[Server]) -> list[str]:
    """Why the project's own credentials cannot unlock all servers.

    :param unlocked: the servers that are to be unlocked with them.
    """
    return [f"Server {server.label} was fenced by an administrator; give admin_cloud." for server in unlocked if needs_admin(server)]


def _state(server: Server) -> str:
    return f"{server.status} ({server.task_state})" if server.task_state else server.status


def _has_settled(server: Server) -> bool:
    """Whether it has stopped, or failed to."""
    return at_rest(server) or (server.status == "ERROR" and not server.task_state)


def _lack(step: FenceStep, by_admin: bool, outcome: Outcome[Server], error: DrError | None) -> str:
    """What a server lacks to be fenced, and why; empty when it is fenced."""
    if outcome.value is None:
        return f"Server {step.server.label} cannot be seen: {outcome.error}"
    left = _fence_step(outcome.value, step.intent, step.mark, by_admin)
    if not left.changes:
        return ""
    words = [_state(left.server)]
    words += ["not marked"] if left.marks else []
    if not left.server.locked:
        words.append("not locked")
    elif not (left.marks or left.stops):
        words.append("locked by others")
    return f"Server {step.server.label} is {', '.join(words)}" + (f": {error}" if error else ".")


def _can_be_stopped(server: Server) -> bool:
    return server.status == "ACTIVE" and server.task_state in (None, _STOPPING)


@dataclasses.dataclass(frozen=True)
class ReleaseStep:
    """What is to be done about one server, in this order."""

    server: Server
    unlocks: bool
    unmarks: bool
    starts: bool
    locks: bool

    @property
    def changes(self) -> bool:
        return self.unlocks or self.unmarks or self.starts or self.locks


def plan_release(members: Members, start: bool) -> list[ReleaseStep]:
    """One step per server that is there; locks that are not part of a fence stay, and those from before it come back.

    :param start: whether to start the servers that were not off before they were fenced.
    """
    return [_release_step(server, start) for server in members.servers.values()]


def _release_step(server: Server, start: bool) -> ReleaseStep:
    is_marked, intent = FenceMark.of(server) is not None, Intent.kept(server)
    starts = start and server.status != "ACTIVE" and not intent.is_off
    unlocks = server.locked and (is_marked or (starts and is_owners_lock(server)))
    return ReleaseStep(server, unlocks, is_marked, starts, locks=intent.lock is not None and (unlocks or not server.locked))


def release_problems(steps: t.Sequence[ReleaseStep], by_admin: bool) -> list[str]:
    """Servers that cannot be released or started."""
    problems = [] if by_admin else _admin_problems(step.server for step in steps if step.unlocks)
    problems += [
        f"Server {step.server.label} is {_state(step.server)}; bring it to SHUTOFF first."
        for step in steps
        if step.starts and step.server.status != "SHUTOFF"
    ]
    return problems + [
        f"Server {step.server.label} is locked ({step.server.locked_reason or 'no reason given'}), but not by a fence; unlock it first."
        for step in steps
        if step.starts and step.server.locked and not step.unlocks
    ]


Step = t.TypeVar("Step", FenceStep, ReleaseStep)


def addresses(network: Networking, servers: t.Iterable[Server]) -> dict[str, str]:
    """Where each server is reached, per its id: the floating address where it has one, else the first fixed one."""
    floating = {one.port_id: one.ip_address for one in network.floating_ips()}
    found: dict[str, str] = {}
    ports = network.ports()
    for server in servers:
        mine = [port for port in ports if port.device_id == server.id]
        reached = [floating[port.id] for port in mine if port.id in floating] + [ip.ip_address for port in mine for ip in port.fixed_ips]
        found.update({server.id: reached[0]} if reached else {})
    return found


class Fencing:
    """Carries out the plans.

    :param compute: acts with the credentials that own the lock.
    :param waiter: how long a tier may take to stop, or a server to start.
    :param gates: between one tier and the next when servers are started.
    """

    def __init__(self, compute: Compute, members: Members, waiter: Waiter, concurrency: int, gates: Gates) -> None:
        self._compute = compute
        self._members = members
        self._waiter = waiter
        self._concurrency = concurrency
        self._gates = gates

    def fence(self, steps: t.Sequence[FenceStep], by_admin: bool) -> None:
        """Mark all servers, then stop and lock them tier by tier, front end before database.

        :raises WaitTimeout: naming the servers that did not stop; those that stopped are fenced, the rest are left to the next run.
        """
        by_id = {step.server.id: step for step in steps}
        self._each(steps, self._mark)
        for tier in self._members.application.freeze_order:
            of_tier = [by_id[server.id] for server in self._members.of_tier(tier)]
            self._each([step for step in of_tier if step.asks], self._stop)
            self._await_stopped(tier, [step.server for step in of_tier if step.stops])
            self._each([step for step in of_tier if step.locks], lambda step: self._lock(step, by_admin))

    def fence_all(self, steps: t.Sequence[FenceStep], by_admin: bool) -> None:
        """Fence every server that can be fenced, even when others fail: a server that still writes is worse than a broken order.

        A server can be locked before it has stopped. But the project's own lock also keeps the project from stopping it, so the stop is requested first.

        :raises FenceIncomplete: at the end, naming the servers that are not fenced.
        """
        failed = self._try(steps, self._mark)
        failed |= self._try([step for step in steps if step.locks and (by_admin or not step.asks)], lambda step: self._lock(step, by_admin))
        by_id = {step.server.id: step for step in steps}
        for tier in self._members.application.freeze_order:
            of_tier = [by_id[server.id] for server in self._members.of_tier(tier)]
            refused = self._try([step for step in of_tier if step.asks], self._stop)
            failed |= refused | self._try([step for step in of_tier if step.asks and not by_admin], lambda step: self._lock(step, by_admin))
            self._await_settled(tier, [step for step in of_tier if step.stops and step.server.id not in refused])
        failed |= self._try([step for step in steps if step.marks], lambda step: self._mark_late(step, by_admin))
        self._refuse_incomplete(steps, by_admin, failed)

    def _try(self, steps: t.Sequence[FenceStep], act: t.Callable[[FenceStep], None]) -> dict[str, DrError]:
        """The errors, per id of the server."""
        outcomes = attempt_each(steps, act, self._concurrency)
        return {step.server.id: outcome.error for step, outcome in zip(steps, outcomes, strict=True) if outcome.error}

    def _await_settled(self, tier: Tier, steps: t.Collection[FenceStep]) -> None:
        def settled() -> bool | None:
            return all(outcome.value and _has_settled(outcome.value) for outcome in self._look(steps).values()) or None

        # Servers that are late are reported at the end, after all has been tried.
        with contextlib.suppress(WaitTimeout):
            self._waiter.until(f"tier '{tier.name}' to stop", settled)

    def _mark_late(self, step: FenceStep, by_admin: bool) -> None:
        """Mark a server that was in ERROR: Nova sets no metadata before it has stopped, and by then the project itself is locked out."""
        now = self._compute.server(step.server.id)
        if at_rest(now) and FenceMark.of(now) != step.mark:
            self._mark(dataclasses.replace(step, unlocks=not by_admin))
            self._lock(step, by_admin)

    def _refuse_incomplete(self, steps: t.Sequence[FenceStep], by_admin: bool, failed: t.Mapping[str, DrError]) -> None:
        now = self._look(steps)
        problems = [problem for step in steps if (problem := _lack(step, by_admin, now[step.server.id], failed.get(step.server.id)))]
        if problems:
            raise FenceIncomplete(self._members.application.name, self._members.site, problems)

    def _look(self, steps: t.Iterable[FenceStep]) -> dict[str, Outcome[Server]]:
        """The servers' state now, or why Nova does not show it."""
        ids = [step.server.id for step in steps]
        return dict(zip(ids, attempt_each(ids, self._compute.server, self._concurrency), strict=True))

    def _each(self, steps: t.Iterable[Step], act: t.Callable[[Step], t.Any]) -> None:
        each(steps, act, self._concurrency)

    def _mark(self, step: FenceStep) -> None:
        if step.unlocks:
            self._compute.unlock(step.server.id)
        if step.marks:
            kept = step.intent.metadata()
            # Of an earlier fence or a restore, and no longer true.
            for key in (OFF_KEY, LOCK_KEY):
                if key in step.server.metadata and key not in kept:
                    self._compute.delete_metadata(step.server.id, key)
            self._compute.set_metadata(step.server.id, {**step.mark.metadata(), **kept})

    def _stop(self, step: FenceStep) -> None:
        self._compute.stop(step.server.id)

    def _lock(self, step: FenceStep, by_admin: bool) -> None:
        self._compute.lock(step.server.id, step.mark.lock_reason(by_admin))

    def _await_stopped(self, tier: Tier, servers: t.Sequence[Server]) -> None:
        def stopped() -> bool | None:
            return None if self._running(servers) else True

        try:
            if servers:
                self._waiter.until(f"tier '{tier.name}' to stop", stopped)
        except WaitTimeout as error:
            late = " ".join(f"Server {one.label} is {_state(one)}." for one in self._running(servers))
            raise WaitTimeout(
                f"Tier '{tier.name}' on site '{self._members.site}' did not stop within {self._waiter.timeout:g} s. {late}",
                "Find out why it does not shut down, or shut it down from inside; then re-run, which resumes here.",
            ) from error

    def _running(self, servers: t.Iterable[Server]) -> list[Server]:
        now = {one.id: one for one in self._now(servers)}
        failed = [one for one in now.values() if one.status == "ERROR"]
        if failed:
            raise ResourceFailed(
                f"Server {failed[0].label} on site '{self._members.site}' went to ERROR: {failed[0].fault or 'Nova does not say why'}.",
                "See the log of the site's nova-compute, reset the server's state, and re-run.",
            )
        return [one for one in now.values() if not at_rest(one)]

    def _now(self, servers: t.Iterable[Server]) -> list[Server]:
        return each([server.id for server in servers], self._compute.server, self._concurrency)

    # Release

    def release(self, steps: t.Sequence[ReleaseStep], addresses: t.Mapping[str, str], owner: Compute) -> None:
        """Unlock and unmark all servers, then start those that shall run, tier by tier in boot order, each with its checks.

        :param addresses: the address for the checks, per server id.
        :param owner: acts in the servers' own project, whose locks are set again.
        """
        by_id = {step.server.id: step for step in steps}
        self._each(steps, self._free)
        for tier in self._members.application.tiers:
            starting = [by_id[server.id] for server in self._members.of_tier(tier) if by_id[server.id].starts]
            self._each([step for step in starting if step.server.task_state != _STARTING], lambda step: self._compute.start(step.server.id))
            self._each(starting, functools.partial(self._await_ready, tier, addresses))
        self._each([step for step in steps if step.locks], lambda step: owner.lock(step.server.id, Intent.kept(step.server).lock or ""))

    def _free(self, step: ReleaseStep) -> None:
        if step.unlocks:
            self._compute.unlock(step.server.id)
        if step.unmarks:
            self._compute.delete_metadata(step.server.id, FENCE_KEY)

    def _await_ready(self, tier: Tier, addresses: t.Mapping[str, str], step: ReleaseStep) -> None:
        server = step.server

        def runs() -> bool | None:
            return True if self._compute.server(server.id).status == "ACTIVE" else None

        self._waiter.until(f"server {server.label} on site '{self._members.site}' to run", runs)
        checks = self._gates.checks_of(tier)
        if checks and server.id not in addresses:
            raise ResourceFailed(f"Server {server.label} runs, but has no address for its health checks.")
        self._gates.wait(Subject(server.id, server.name, addresses.get(server.id, "")), checks, self._waiter)
