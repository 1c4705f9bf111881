# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thaw what was left frozen, found by the marks on the servers alone."""

from __future__ import annotations

import typing as t

from ..cloud.compute import Compute
from ..core import leeway
from ..core.errors import DrError, FreezeFailed
from ..core.records import Server
from ..core.text import told
from ..work.pool import attempt_each
from .driver import THAWED, QuiesceDriver, has_no_guest
from .drivers import Reach, driver_of, drivers
from .mark import FreezeMark, FreezeMarks


class Thawing:
    """Thaws marked servers, each by the driver that its mark names.

    :param reach: how they are reached; its timeout is that for the thaw of one server.
    """

    def __init__(self, reach: Reach) -> None:
        self._drivers = drivers(reach)
        self._marks = FreezeMarks(reach.compute)
        self._timeout = reach.thaw_timeout

    def thaw(self, server: Server) -> bool:
        """Thaw a server; nothing is done when the freeze whose mark it was seen with has ended meanwhile.

        :returns: whether the server was still frozen.
        """
        # It may stand still meanwhile, and so may those that wait for their turn.
        with leeway.hurried():
            found = self._marks.server(server.id)
            seen, mark = FreezeMark.of(server), FreezeMark.of(found)
            if seen is None or mark is None or not mark.is_same(seen):
                return False
            with leeway.limited(self._timeout):
                was_frozen = not has_no_guest(found) and self._thaw(found, mark)
            self._marks.remove(found, mark)
            return was_frozen

    def _thaw(self, server: Server, mark: FreezeMark) -> bool:
        """Thaw a server; returns whether it was still frozen."""
        try:
            return _thaw(driver_of(mark, self._drivers), server, mark)
        except DrError:
            if _is_seen_thawed(server, mark, self._drivers):
                return False
            raise


def thaw_problem(server: Server, known: t.Mapping[str, QuiesceDriver]) -> str | None:
    """Why what an earlier run left frozen, or marked as frozen, cannot be thawed; None when nothing speaks against it.

    :param known: every driver by its name.
    """
    mark = FreezeMark.of(server)
    if mark is None or has_no_guest(server):
        return None
    problem = driver_of(mark, known).thaw_problem(server)
    if problem is None or _is_seen_thawed(server, mark, known):
        return None
    return (
        f"Server {server.label} has the mark of a freeze that an earlier run left ({told(mark.driver)}, guard until {told(mark.until)}), and it cannot be "
        f"thawed: {problem} Run the playbook osdr.openstack.thaw, for libvirt with dr_thaw_libvirt_uri, or while the server is shut down."
    )


def _is_seen_thawed(server: Server, mark: FreezeMark, known: t.Mapping[str, QuiesceDriver]) -> bool:
    """Whether the server's agent says through another driver that it is thawed, long after the time of its guard."""
    if not mark.is_outlived or mark.driver not in known:
        return False
    others = (driver for name, driver in known.items() if name != mark.driver and driver.asks_agent)
    found = (driver.probe(server) for driver in others)
    return any(support.problem is None and support.state == THAWED for support in found)


def _thaw(driver: QuiesceDriver, server: Server, mark: FreezeMark) -> bool:
    """Thaw one server.

    :returns: whether the server was still frozen.
    """
    thaw = driver.thaw(server)
    if driver.freezes_late and not (thaw.has_arrived or mark.frozen or mark.is_leftover):
        raise FreezeFailed(
            f"Server {server.label} is not frozen, but its freeze may have been requested and may still arrive.",
            f"Its guard stays armed. Re-run after {mark.over}, when the freeze can no longer arrive.",
        )
    _disarm(driver, server)
    return thaw.found_frozen


def _disarm(driver: QuiesceDriver, server: Server) -> None:
    """A guard that cannot be disarmed fires into a running server, which does no harm."""
    try:
        driver.disarm_guard(server)
    except DrError:
        return


class Leftovers:
    """All marked servers, whoever marked them.

    :param everywhere: in all projects, not only in that of the credentials.
    """

    def __init__(self, compute: Compute, everywhere: bool) -> None:
        servers = compute.servers(everywhere=everywhere)
        self._marked = [(server, mark) for server in servers if (mark := FreezeMark.of(server))]
        #: Servers of which Nova does not show whether they are marked.
        self._unknown = [server for server in servers if not server.is_known]

    def thaw(self, thawing: Thawing, concurrency: int) -> dict[str, bool]:
        """Thaw each server, even when others fail.

        :returns: whether it was still frozen, per server id.
        :raises FreezeFailed: naming all whose thaw could not be confirmed; the others are thawed.
        """
        servers = [server for server, _mark in self._marked]
        outcomes = attempt_each(servers, lambda server: _attempt(thawing, server), concurrency)
        self.report([f"{server.label}: {outcome.error}" for server, outcome in zip(servers, outcomes, strict=True) if outcome.error])
        return {server.id: bool(outcome.value) for server, outcome in zip(servers, outcomes, strict=True)}

    def report(self, failed: t.Sequence[str] = ()) -> None:
        """Report failures.

        :raises FreezeFailed: when a thaw failed, or it is unknown whether one is needed.
        """
        failed = [*failed, *(f"{server.label}: its cell does not answer, so it is unknown whether it is marked." for server in self._unknown)]
        if failed:
            raise FreezeFailed(
                f"The thaw of {len(failed)} of {len(self._marked) + len(self._unknown)} servers could not be confirmed. " + " ".join(failed),
                "They keep their marks. Remove the causes and re-run; a hard reboot also thaws a server.",
            )

    def describe(self, was_frozen: t.Mapping[str, bool]) -> dict[str, t.Any]:
        """The result, as a module returns it."""
        return {
            "changed": bool(self._marked),
            "thaw": [
                {
                    "id": server.id,
                    "name": server.name,
                    "project_id": server.project_id,
                    "driver": mark.driver,
                    "guard_until": mark.until,
                    "was_frozen": was_frozen.get(server.id),
                }
                for server, mark in self._marked
            ],
            "diff": {
                "before": {server.label: "marked as frozen" for server, _mark in self._marked},
                "after": {server.label: "thawed" for server, _mark in self._marked},
            },
        }


def _attempt(thawing: Thawing, server: Server) -> bool:
    try:
        return thawing.thaw(server)
    except DrError:
        raise
    except Exception as error:
        # Of whatever kind: it is the failure of one server.
        raise FreezeFailed(f"Its thaw ended with {told(repr(error))}.") from error


def thaw_leftovers(reach: Reach, everywhere: bool, concurrency: int, is_real: bool) -> dict[str, t.Any]:
    """Thaw all marked servers, and describe which were, or would be, thawed."""
    leftovers = Leftovers(reach.compute, everywhere)
    if is_real:
        return leftovers.describe(leftovers.thaw(Thawing(reach), concurrency))
    leftovers.report()
    return leftovers.describe({})
