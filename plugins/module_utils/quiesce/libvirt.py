# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezing through libvirt on the compute hosts: for the cloud's operator, on any Nova."""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import secrets
import threading
import typing as t

from ..core.errors import DrError, FreezeFailed
from ..core.hosts import host_in_uri
from ..core.libraries import library
from ..core.numbers import is_whole
from ..core.records import Server
from ..core.text import told
from ..work.clock import SYSTEM_CLOCK, Clock
from ..work.waiting import Waiter, within
from .driver import FROZEN, THAWED, QuiesceDriver, Support, Thaw
from .guard_process import GuardProcess
from .guest_guard import arm_command, disarm_command, has_fired
from .mark import TURN_SECONDS

_NEEDED_COMMANDS = ("guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-fsfreeze-status")
#: A connection that does not answer is closed after so many seconds times so many tries.
_KEEPALIVE = (5, 3)
_CONNECT_SECONDS = 15
#: What a guest agent gets to answer a question.
_ANSWER_SECONDS = 5
#: More than that no guest has.
_MOST_FILESYSTEMS = 10**6


class LibvirtDriver(QuiesceDriver):
    """Talks to the guest agents through libvirt.

    The guard is inside the guest where its agent allows to start one, else beside the controller.

    :param uri: libvirt URI in which ``{host}`` stands for the hypervisor's host name; None when there is none.
    :param thaw_timeout: seconds that a thaw may take with its hooks.
    :param guards: the process that holds guards beside the controller.
    """

    name = "libvirt"
    freezes_late = True

    def __init__(self, uri: str | None, thaw_timeout: int, guards: GuardProcess | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._uri = uri
        self._clock = clock
        self._hosts = _Hosts(uri or "")
        self._thaw_timeout = thaw_timeout
        self._guards = guards
        self._guarded_from_outside: set[str] = set()
        #: Ids of servers whose freeze was confirmed here.
        self._frozen: set[str] = set()
        #: By server: until when a freeze may still come of which libvirt did not say what became.
        self._outstanding: dict[str, float] = {}

    def probe(self, server: Server) -> Support:
        if not self._uri:
            return Support("libvirt_uri is not given, so the compute hosts' libvirt cannot be reached.")
        if not server.hypervisor:
            return Support(
                f"These credentials do not see the hypervisor of server {server.label}; "
                "the libvirt driver needs an administrator's (admin_cloud)."
            )
        try:
            with _understanding(server):
                return self._probe_agent(server)
        except DrError as error:
            return Support(str(error))

    def _probe_agent(self, server: Server) -> Support:
        state, asked = self._state(server), self._clock.now()
        info = self._ask(server, "guest-info")
        answer = self._clock.now() - asked
        enabled = {c["name"] for c in info["supported_commands"] if c["enabled"] or state == FROZEN}
        missing = [name for name in _NEEDED_COMMANDS if name not in enabled]
        if missing:
            return Support(f"The guest agent of server {server.label} does not allow {', '.join(missing)}.")
        if "guest-exec" in enabled:
            return Support(state=state, guard="guest", answer=answer)
        found = Support(state=state, guard="controller", answer=answer)
        self.recall(server, found)
        return found

    def recall(self, server: Server, found: Support) -> None:
        if found.guard == "controller":
            self._guarded_from_outside.add(server.id)

    def arm_guard(self, server: Server, seconds: int) -> None:
        if self._guards and server.id in self._guarded_from_outside:
            self._guards.arm(server, seconds)
        else:
            with _understanding(server):
                self._run(server, arm_command(secrets.token_hex(8), seconds), "arm the guard")

    def freeze(self, server: Server, seconds: float) -> int:
        timeout = max(1, int(seconds))
        self._outstanding[server.id] = self._clock.now() + timeout + TURN_SECONDS
        try:
            with _understanding(server):
                frozen = _count(self._ask(server, "guest-fsfreeze-freeze", timeout=timeout))
        except _Answered:
            # Whatever became of it: the agent does one thing after the other, so a thaw that it answers comes after the freeze.
            del self._outstanding[server.id]
            raise
        del self._outstanding[server.id]
        self._frozen.add(server.id)
        return frozen

    def thaw(self, server: Server) -> Thaw:
        has_come = self._has_come(server)
        with _understanding(server):
            thawed = _count(self._ask_to_thaw(server))
            if self._state(server) != THAWED:
                raise FreezeFailed(f"Server {server.label} is still frozen after a thaw.")
        thaw = Thaw(filesystems=thawed, was_over=has_come and not thawed)
        if thaw.has_arrived:
            self._outstanding.pop(server.id, None)
        self._refuse_outstanding(server)
        return thaw

    def thaw_problem(self, server: Server) -> str | None:
        return self.probe(server).problem

    def _has_come(self, server: Server) -> bool:
        """Whether a freeze is known to have come: the agent says so until it is asked to thaw, also when the guard in the guest has thawed it."""
        if server.id in self._frozen:
            return True
        try:
            with _understanding(server):
                return self._state(server) == FROZEN
        except DrError:
            # It is thawed all the same.
            return False

    def _ask_to_thaw(self, server: Server) -> t.Any:
        """Thaw; hooks that fail behind a thaw, as they do when the guest's own guard has fired, get a second chance."""
        try:
            return self._ask(server, "guest-fsfreeze-thaw", timeout=self._thaw_timeout)
        except FreezeFailed:
            if self._state(server) != THAWED:
                raise
            return self._ask(server, "guest-fsfreeze-thaw", timeout=self._thaw_timeout)

    def _refuse_outstanding(self, server: Server) -> None:
        left = self._outstanding.get(server.id, 0) - self._clock.now()
        if left > 0:
            raise FreezeFailed(
                f"Server {server.label} is thawed, but libvirt did not report the result of its freeze, which may still be carried out "
                f"for {left:.0f} s. Its guard stays armed."
            )

    def disarm_guard(self, server: Server) -> bool:
        if self._guards and server.id in self._guarded_from_outside:
            return self._guards.disarm(server)
        with _understanding(server):
            return has_fired(self._run(server, disarm_command(), "disarm the guard"))

    def _state(self, server: Server) -> str:
        state = self._ask(server, "guest-fsfreeze-status")
        if state not in (FROZEN, THAWED):
            raise ValueError(f"'{told(state)}' is not a state of file systems")
        return t.cast(str, state)

    def _run(self, server: Server, command: t.Sequence[str], purpose: str) -> str:
        """Run a command in the guest and return what it printed."""
        arguments = {"path": command[0], "arg": list(command[1:]), "capture-output": True}
        pid = self._ask(server, "guest-exec", arguments)["pid"]

        def ended() -> dict[str, t.Any] | None:
            status = self._ask(server, "guest-exec-status", {"pid": pid})
            return status if status["exited"] else None

        waiter = Waiter(_ANSWER_SECONDS, 0.05, self._clock)
        status = waiter.until(f"server {server.label} to {purpose}", ended)
        if status.get("exitcode") != 0:
            raise FreezeFailed(
                f"Server {server.label} could not {purpose}: {told(_decoded(status, 'err-data') or status)}."
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
        return self._hosts.ask(server, request, command, timeout or _ANSWER_SECONDS)


class _Answered(FreezeFailed):
    """A failure reported by libvirt or the agent itself: the request is no longer under way."""


def _count(answer: t.Any) -> int:
    """A number of file systems."""
    if not is_whole(answer) or not 0 <= answer <= _MOST_FILESYSTEMS:
        raise ValueError(f"{told(repr(answer))} is not a number of file systems")
    return answer


@contextlib.contextmanager
def _understanding(server: Server) -> t.Iterator[None]:
    """Turn errors in handling a guest agent's answer into a failure of this server: guests may answer anything."""
    try:
        yield
    except DrError:
        raise
    except Exception as error:
        # Of whatever kind: what can be wrong with an answer is the guest's to think of.
        raise _Answered(f"The guest agent of server {server.label} gave an invalid answer ({told(repr(error))}).") from error


def _decoded(status: t.Mapping[str, t.Any], stream: str) -> str:
    return base64.b64decode(status.get(stream, "")).decode(errors="replace").strip()


class _Hosts:
    """One libvirt connection per compute host, shared by all threads."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._connections: dict[str, t.Any] = {}
        #: For what belongs to all hosts; never held while one of them is waited for.
        self._lock = threading.Lock()
        #: One that does not answer keeps nobody waiting but its own servers.
        self._host_locks: dict[str, threading.Lock] = {}

    @functools.cached_property
    def _libvirt(self) -> t.Any:
        return _library()

    def ask(self, server: Server, request: str, command: str, timeout: int) -> t.Any:
        """Pass a request to a server's guest agent.

        :raises FreezeFailed: when host, domain or agent do not do their part in time.
        """
        if not self._uri or not server.hypervisor:
            lacking = "libvirt_uri" if not self._uri else "credentials that see on which host it runs"
            raise FreezeFailed(f"Server {server.label} cannot be reached through libvirt without {lacking}.", f"Give {lacking}.", server_id=server.id)
        with self._failing(server, command):
            domain = self._connection(server).lookupByUUIDString(server.id)
            agent = library("libvirt_qemu", "libvirt-python")
            answer = agent.qemuAgentCommand(domain, request, timeout, 0)
        return json.loads(answer)["return"]

    def _connection(self, server: Server) -> t.Any:
        host = _host_of(server)
        with self._lock:
            libvirt, host_lock = self._libvirt, self._host_locks.setdefault(host, threading.Lock())
        with host_lock:
            connection = self._connections.get(host)
            if connection is None or not connection.isAlive():
                uri = self._uri.replace("{host}", host)
                connection = within(_CONNECT_SECONDS, f"libvirt at {uri}", lambda: libvirt.open(uri))
                connection.setKeepAlive(*_KEEPALIVE)
                self._connections[host] = connection
            return connection

    @contextlib.contextmanager
    def _failing(self, server: Server, command: str) -> t.Iterator[None]:
        try:
            yield
        except self._libvirt.libvirtError as error:
            # What its driver for guests says, the daemon has said; anything else may be a connection that broke.
            kind = _Answered if error.get_error_domain() == _OF_GUESTS else FreezeFailed
            raise kind(
                f"Server {server.label} on host {server.hypervisor}: {command} failed: {told(error.get_error_message())}.",
                _HINTS.get(error.get_error_code()),
                server_id=server.id,
            ) from error


def _host_of(server: Server) -> str:
    """The host as written in a URI; refuses names that would choose another program or host."""
    host = host_in_uri(server.hypervisor or "")
    if host is None:
        raise FreezeFailed(
            f"The hypervisor of server {server.label} is called '{told(server.hypervisor)}', which is not a host name.",
            "Find out who gave it that name. No connection was made.",
        )
    return host


#: libvirt's number for errors of its driver for guests of QEMU.
_OF_GUESTS = 10

#: By libvirt's error code: what the operator can do.
_HINTS = {
    38: "Check that the compute host's libvirt can be reached from here and that the URI is right.",
    42: "The server does not run there; check whether it has just been moved or stopped.",
    74: "Give the image the property hw_qemu_guest_agent=yes and rebuild or recreate the server.",
    86: "Install and start qemu-guest-agent in the server, or find out why it does not answer.",
}


def _library() -> t.Any:
    """Import libvirt, silence it and run the event loop that keepalive needs."""
    libvirt = library("libvirt", "libvirt-python")
    libvirt.registerErrorHandler(lambda context, error: None, None)
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=_run_events, args=(libvirt,), daemon=True).start()
    return libvirt


def _run_events(libvirt: t.Any) -> t.NoReturn:
    while True:
        libvirt.virEventRunDefaultImpl()
