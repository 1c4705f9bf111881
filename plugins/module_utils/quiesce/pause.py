# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pausing servers: no file system is flushed, but all servers stand still for one moment, on any Nova."""

from __future__ import annotations

import typing as t

from ..cloud.compute import Compute
from ..core.errors import CloudError, FreezeFailed, WaitTimeout
from ..core.records import Server
from ..work.clock import SYSTEM_CLOCK, Clock
from ..work.waiting import Waiter, within
from .driver import FROZEN, PAUSED, THAWED, QuiesceDriver, Support, Thaw, has_no_guest
from .guard_process import GuardProcess
from .mark import FreezeMark

_POLL_SECONDS = 0.2
#: Nova's number for a guest that runs, by what its hypervisor says.
_RUNNING = 1


class PauseDriver(QuiesceDriver):
    """Asks Nova to pause and unpause; the guard is a process beside the controller.

    :param thaw_timeout: seconds that unpausing may take.
    :param guards: None in the guard itself.
    """

    name = "pause"
    consistency = PAUSED
    asks_agent = False
    freezes_late = True

    def __init__(self, compute: Compute, thaw_timeout: int, guards: GuardProcess | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._compute = compute
        self._thaw_timeout = thaw_timeout
        self._guards = guards
        self._clock = clock
        #: Ids of servers that Nova may pause yet: it did not answer whether it does.
        self._unsure: set[str] = set()

    def probe(self, server: Server) -> Support:
        state = _state_of(server)
        if state == THAWED and server.status == "ACTIVE":
            return Support(state=THAWED, guard="controller", image_problem=_too_long(server))
        if state == FROZEN and FreezeMark.of(server):
            return Support(state=FROZEN, guard="controller")
        return Support(f"Server {server.label} is {server.state}; only a running server can be paused.")

    def arm_guard(self, server: Server, seconds: int) -> None:
        if self._guards:
            self._guards.arm(server, seconds)

    def freeze(self, server: Server, seconds: float) -> int | None:
        within(seconds, f"server {server.label} to be PAUSED", lambda: self._pause(server, seconds))
        return None

    def _pause(self, server: Server, seconds: float) -> None:
        self._unsure.add(server.id)
        try:
            self._compute.pause(server.id)
        except CloudError as error:
            if not error.may_pass:
                self._unsure.discard(server.id)
            raise
        # From its answer on, what Nova shows tells it.
        self._unsure.discard(server.id)
        self._await(server, "PAUSED", (FROZEN,), seconds)

    def thaw(self, server: Server) -> Thaw:
        found = self._await(server, "seen running or paused", (FROZEN, THAWED), self._thaw_timeout)
        if _state_of(found) == THAWED:
            if server.id in self._unsure:
                raise FreezeFailed(f"Nova did not confirm the pause of server {server.label}, which is {found.status}; it may still be paused.")
            return Thaw(interrupted=f"it was {found.status} when it was to be unpaused")
        self._compute.unpause(server.id)
        self._await(server, "ACTIVE", (THAWED,), self._thaw_timeout)
        self._unsure.discard(server.id)
        return Thaw()

    def _await(self, server: Server, wanted: str, states: t.Collection[str], seconds: float) -> Server:
        """Wait until Nova shows for certain that a server is in one of these states.

        :raises FreezeFailed: when it does not in time, or cannot any more.
        """
        seen: list[str] = []

        def reached() -> Server | None:
            found = self._compute.server(server.id)
            seen[:] = [found.state]
            if found.status == "ERROR":
                raise FreezeFailed(
                    f"Server {server.label} is in ERROR instead of {wanted}, and may be paused: {found.fault or 'Nova does not say why'}.",
                    "Hard-reboot it, which thaws it, or repair it.",
                )
            return found if _state_of(found) in states else None

        try:
            return Waiter(seconds, _POLL_SECONDS, self._clock).until(f"server {server.label} to be {wanted}", reached)
        except WaitTimeout as error:
            raise FreezeFailed(f"Server {server.label} is {seen[0]} after {seconds:g} s, not {wanted}.") from error

    def disarm_guard(self, server: Server) -> bool:
        return self._guards.disarm(server) if self._guards else False


def _too_long(server: Server) -> str:
    return (
        f"Server {server.label} boots from an image, and Nova resumes no paused server until it has uploaded the image that it makes of it; "
        "use the driver nova or libvirt, or boot the server from a volume."
    )


def _state_of(server: Server) -> str | None:
    """Whether a server is frozen or thawed; None unless Nova shows that for certain.

    One that is being migrated may be paused, as may one of which Nova knows nothing, and one that an administrator has declared to be ACTIVE.
    """
    if server.task_state:
        return None
    if server.status == "PAUSED":
        return FROZEN
    runs = server.status == "ACTIVE" and server.power_state == _RUNNING
    return THAWED if runs or has_no_guest(server) else None
