# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pausing servers: no file system is flushed, but all servers stand still for one moment, on any Nova."""

from __future__ import annotations

from ..cloud.compute import Compute
from ..core.errors import CloudError, FreezeFailed
from ..core.records import Server
from ..work.waiting import Waiter, within
from .driver import FROZEN, THAWED, QuiesceDriver, Support, Thaw
from .guard_process import GuardProcess
from .mark import FreezeMark

_POLL_SECONDS = 0.2


class PauseDriver(QuiesceDriver):
    """Asks Nova to pause and unpause; the guard is a process beside the controller.

    :param thaw_timeout: seconds that unpausing may take.
    :param guards: None in the guard itself.
    """

    name = "pause"
    consistency = "paused"

    def __init__(self, compute: Compute, thaw_timeout: int, guards: GuardProcess | None = None) -> None:
        self._compute = compute
        self._thaw_timeout = thaw_timeout
        self._guards = guards
        #: Ids of servers that Nova may pause yet: it did not answer whether it does.
        self._unsure: set[str] = set()

    def probe(self, server: Server) -> Support:
        if server.status == "ACTIVE" and not server.task_state:
            return Support(state=THAWED, guard="controller")
        if server.status == "PAUSED" and FreezeMark.of(server):
            return Support(state=FROZEN, guard="controller")
        busy = f" ({server.task_state})" if server.task_state else ""
        return Support(f"Server {server.label} is {server.status}{busy}; only a running server can be paused.")

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
        self._await(server, "PAUSED", seconds)

    def thaw(self, server: Server) -> Thaw:
        found = self._compute.server(server.id)
        if found.task_state == "pausing":
            found = self._await(server, "PAUSED", self._thaw_timeout)
        if found.status != "PAUSED" and server.id in self._unsure:
            raise FreezeFailed(f"Nova did not answer whether it pauses server {server.label}, which is {found.status}; it may be paused yet.")
        if found.status != "PAUSED":
            return Thaw(interrupted=f"it was {found.status} when it was to be unpaused")
        self._compute.unpause(server.id)
        self._await(server, "ACTIVE", self._thaw_timeout)
        self._unsure.discard(server.id)
        return Thaw()

    def _await(self, server: Server, status: str, seconds: float) -> Server:
        def reached() -> Server | None:
            found = self._compute.server(server.id)
            if found.status == "ERROR":
                raise FreezeFailed(f"Server {server.label} went to ERROR instead of {status}: {found.fault}.")
            return found if found.status == status and not found.task_state else None

        return Waiter(timeout=seconds, interval=_POLL_SECONDS).until(f"server {server.label} to be {status}", reached)

    def disarm_guard(self, server: Server) -> bool:
        return self._guards.disarm(server) if self._guards else False
