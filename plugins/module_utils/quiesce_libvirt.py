# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezing through libvirt on the compute hosts: for the cloud's operator, on any Nova."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import secrets
import threading
import typing as t

from .errors import FreezeFailed
from .guest_guard import arm_command, disarm_command, has_fired
from .libraries import library
from .quiesce_driver import FROZEN, THAWED, QuiesceDriver, Support
from .records import Server
from .waiting import Waiter

_NEEDED_COMMANDS = ("guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-fsfreeze-status")
#: A connection that does not answer is closed after so many seconds times so many tries.
_KEEPALIVE = (5, 3)


@dataclasses.dataclass(frozen=True)
class AgentTimeouts:
    """Seconds that the guest agent gets: to answer a question, and to freeze with its hooks."""

    answer: int = 5
    freeze: int = 30


class LibvirtDriver(QuiesceDriver):
    """Talks to the guest agents through libvirt.

    :param uri: libvirt URI in which ``{host}`` stands for the hypervisor's host name.
    """

    name = "libvirt"

    def __init__(self, uri: str, timeouts: AgentTimeouts) -> None:
        self._hosts = _Hosts(uri)
        self._timeouts = timeouts

    def probe(self, server: Server) -> Support:
        if not server.hypervisor:
            return Support(
                f"The hypervisor of server {server.label} is not shown to these credentials; "
                "give those of an administrator for the libvirt driver."
            )
        try:
            return self._probe_agent(server)
        except FreezeFailed as error:
            return Support(str(error))

    def _probe_agent(self, server: Server) -> Support:
        state = self._state(server)
        info = self._ask(server, "guest-info")
        enabled = {c["name"] for c in info["supported_commands"] if c["enabled"] or state == FROZEN}
        missing = [name for name in _NEEDED_COMMANDS if name not in enabled]
        if missing:
            return Support(f"The guest agent of server {server.label} does not allow {', '.join(missing)}.")
        if "guest-exec" not in enabled:
            return Support(
                f"No guard can be armed in server {server.label}: its guest agent does not allow guest-exec. "
                "Allow it in the agent's configuration."
            )
        return Support(state=state)

    def arm_guard(self, server: Server, seconds: int) -> None:
        self._run(server, arm_command(secrets.token_hex(8), seconds), "arm the guard")

    def freeze(self, server: Server) -> int:
        return self._ask(server, "guest-fsfreeze-freeze", timeout=self._timeouts.freeze)

    def thaw(self, server: Server) -> int:
        thawed = self._ask(server, "guest-fsfreeze-thaw", timeout=self._timeouts.freeze)
        if self._state(server) != THAWED:
            raise FreezeFailed(f"Server {server.label} is still frozen after a thaw.")
        return thawed

    def disarm_guard(self, server: Server) -> bool:
        return has_fired(self._run(server, disarm_command(), "disarm the guard"))

    def _state(self, server: Server) -> str:
        return FROZEN if self._ask(server, "guest-fsfreeze-status") == "frozen" else THAWED

    def _run(self, server: Server, command: t.Sequence[str], purpose: str) -> str:
        """Run a command in the guest and return what it printed."""
        arguments = {"path": command[0], "arg": list(command[1:]), "capture-output": True}
        pid = self._ask(server, "guest-exec", arguments)["pid"]

        def ended() -> dict[str, t.Any] | None:
            status = self._ask(server, "guest-exec-status", {"pid": pid})
            return status if status["exited"] else None

        waiter = Waiter(timeout=self._timeouts.answer, interval=0.05)
        status = waiter.until(f"server {server.label} to {purpose}", ended)
        if status.get("exitcode") != 0:
            raise FreezeFailed(
                f"Server {server.label} could not {purpose}: {_decoded(status, 'err-data') or status}."
            )
        return _decoded(status, "out-data")

    def _ask(
        self,
        server: Server,
        command: str,
        arguments: t.Mapping[str, t.Any] | None = None,
        timeout: int | None = None,
    ) -> t.Any:
        """Send one command to the guest agent and return its answer."""
        request = json.dumps({"execute": command, **({"arguments": arguments} if arguments else {})})
        return self._hosts.ask(server, request, command, timeout or self._timeouts.answer)


def _decoded(status: t.Mapping[str, t.Any], stream: str) -> str:
    return base64.b64decode(status.get(stream, "")).decode(errors="replace").strip()


class _Hosts:
    """One libvirt connection per compute host, shared by all threads."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._libvirt = _library()
        self._connections: dict[str, t.Any] = {}
        self._lock = threading.Lock()

    def ask(self, server: Server, request: str, command: str, timeout: int) -> t.Any:
        """Pass a request to a server's guest agent.

        :raises FreezeFailed: when host, domain or agent do not do their part in time.
        """
        with self._failing(server, command):
            domain = self._connection(server).lookupByUUIDString(server.id)
            agent = library("libvirt_qemu", "libvirt-python")
            answer = agent.qemuAgentCommand(domain, request, timeout, 0)
        return json.loads(answer)["return"]

    def _connection(self, server: Server) -> t.Any:
        host = t.cast(str, server.hypervisor)
        with self._lock:
            connection = self._connections.get(host)
            if connection is None or not connection.isAlive():
                connection = self._libvirt.open(self._uri.format(host=host))
                connection.setKeepAlive(*_KEEPALIVE)
                self._connections[host] = connection
            return connection

    @contextlib.contextmanager
    def _failing(self, server: Server, command: str) -> t.Iterator[None]:
        try:
            yield
        except self._libvirt.libvirtError as error:
            raise FreezeFailed(
                f"Server {server.label} on host {server.hypervisor}: {command} failed: {error.get_error_message()}.",
                _HINTS.get(error.get_error_code()),
                server_id=server.id,
            ) from error


#: By libvirt's error code: what the operator can do.
_HINTS = {
    38: "Check that the compute host's libvirt can be reached from here and that the URI is right.",
    42: "The server does not run there; check whether it was just moved or stopped.",
    74: "Give the image the property hw_qemu_guest_agent=yes and rebuild or recreate the server.",
    86: "Install and start qemu-guest-agent in the server, or find out why it does not answer.",
}


def _library() -> t.Any:
    """libvirt, quiet, and with the event loop that keepalive needs."""
    libvirt = library("libvirt", "libvirt-python")
    libvirt.registerErrorHandler(lambda context, error: None, None)
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=_run_events, args=(libvirt,), daemon=True).start()
    return libvirt


def _run_events(libvirt: t.Any) -> t.NoReturn:
    while True:
        libvirt.virEventRunDefaultImpl()
