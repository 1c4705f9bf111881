# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezing through the quiesce API of a Nova that the role nova_quiesce_api has given it."""

from __future__ import annotations

import math
import threading
import time
import typing as t

from ..cloud.compute import Compute
from ..core.errors import CloudError, DrError, FreezeFailed, NotFound
from ..core.records import Server
from ..work.waiting import Waiter
from .driver import FROZEN, THAWED, QuiesceDriver, Support, Thaw

#: Seconds that an answer may take beyond what the API itself waits for a guest agent.
_TRANSPORT_SECONDS = 5
_POLL_SECONDS = 0.5


class NovaDriver(QuiesceDriver):
    """Asks Nova, which is the guard too: it thaws by itself when the time that it was given is over.

    :param compute: whose credentials the policies os_compute_api:os-quiesce allow to do so.
    :param guard_timeout: seconds for which a server will be frozen at most.
    :param thaw_timeout: seconds that a thaw may take.
    """

    name = "nova"

    def __init__(self, compute: Compute, guard_timeout: int, thaw_timeout: int) -> None:
        self._compute = compute
        self._guard_timeout = guard_timeout
        self._thaw_timeout = thaw_timeout
        self._deadlines: dict[str, float] = {}
        self._fired: dict[str, bool] = {}
        self._lock = threading.Lock()

    def probe(self, server: Server) -> Support:
        try:
            found = self._compute.quiesce_state(server.id)
        except NotFound:
            return Support(
                f"Site '{self._compute.cloud.site}' has no quiesce API; its operator can install it with the role "
                "osdr.openstack.nova_quiesce_api."
            )
        except CloudError as error:
            return Support(f"Server {server.label} cannot be frozen: {error}")
        return self._judge(server, found)

    def _judge(self, server: Server, found: t.Mapping[str, t.Any]) -> Support:
        if found["state"] in ("quiescing", "quiesced"):
            return Support(state=FROZEN, guard="nova")
        if found["state"] != "none":
            return Support(
                f"Server {server.label} is still being thawed by Nova, since its guest agent did not answer in time. "
                "Find out why it does not, or wait.",
                state=FROZEN,
            )
        if found["max_timeout"] < self._guard_timeout:
            return Support(
                f"Site '{self._compute.cloud.site}' lets nobody freeze a server for more than {found['max_timeout']} s; "
                f"lower guard_timeout ({self._guard_timeout} s) and budget."
            )
        probe = {"probe": True, "timeout": self._thaw_timeout}
        try:
            self._compute.quiesce_action(server.id, "quiesce", probe, self._thaw_timeout + _TRANSPORT_SECONDS)
        except DrError as error:
            return Support(f"Server {server.label} cannot be frozen: {error}")
        return Support(state=THAWED, guard="nova")

    def arm_guard(self, server: Server, seconds: int) -> None:
        # Nova starts its timer with the freeze; that it is not late is seen to here.
        with self._lock:
            self._deadlines[server.id] = time.monotonic() + seconds

    def freeze(self, server: Server, seconds: float) -> int | None:
        left = self._deadlines[server.id] - time.monotonic()
        if left < 1:
            raise FreezeFailed(f"Server {server.label} was not frozen: its guard's time was over before.")
        self._compute.quiesce_action(server.id, "quiesce", {"timeout": math.floor(left)}, seconds)
        return None

    def thaw(self, server: Server) -> Thaw:
        waiter = Waiter(timeout=self._thaw_timeout, interval=_POLL_SECONDS)
        thaw = waiter.until(f"the thaw of server {server.label}", lambda: self._try_thaw(server))
        with self._lock:
            self._fired[server.id] = thaw.interrupted is not None
        return thaw

    def _try_thaw(self, server: Server) -> Thaw | None:
        try:
            answer = self._compute.quiesce_action(
                server.id, "unquiesce", None, self._thaw_timeout + _TRANSPORT_SECONDS
            )
        except CloudError as error:
            if error.http_status != 409:
                raise
            # It is thawed already, or Nova is at work on it.
            if self._compute.quiesce_state(server.id)["state"] == "none":
                return Thaw(interrupted="Nova had thawed it before")
            return None
        if answer["intact"]:
            return Thaw()
        return Thaw(interrupted="its guest agent was not frozen any more when it was to be thawed")

    def disarm_guard(self, server: Server) -> bool:
        with self._lock:
            self._deadlines.pop(server.id, None)
            return self._fired.pop(server.id, False)
