# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One attempt at a health check, made from where the module runs."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import os
import re
import socket
import ssl
import subprocess
import tempfile
import typing as t

from ..application.checks import AGENT, COMMAND, CONSOLE, HTTP, PORT, Check, HttpCheck
from ..cloud.compute import Compute
from ..cloud.session import Cloud, connect_other
from ..core.errors import CloudError, DrError
from ..core.hosts import host_in_uri
from ..core.records import Server
from ..core.text import LONGEST, told
from ..quiesce.driver import QuiesceDriver
from ..quiesce.drivers import AUTO, Reach, drivers, require_reach
from ..quiesce.mark import FreezeMark
from ..work.processes import ended, start
from ..work.waiting import within

#: Seconds for a connection; a guest that is booting does not refuse it, it does not answer.
_CONNECT_SECONDS = 2.0
#: Seconds for a request with its answer: a server can be slow for ever.
_REQUEST_SECONDS = 10.0
_AGENT_SECONDS = 5
#: How much of a console log is read.
_CONSOLE_LINES = 5000
#: How much of a body is read, in bytes.
_LARGEST_BODY = 2**20


@dataclasses.dataclass(frozen=True)
class Subject:
    """A server to check.

    :param address: where it is reached.
    """

    server_id: str
    name: str
    address: str


class Agents:
    """The guest agents of a site.

    :param compute: with credentials that may ask them.
    :param drivers: the ways to ask; any one suffices.
    """

    def __init__(self, compute: Compute, drivers: t.Sequence[QuiesceDriver]) -> None:
        self._compute = compute
        self._drivers = drivers

    @classmethod
    def of(cls, cloud: Cloud, driver: str, admin_cloud: str | dict[str, t.Any] | None, libvirt_uri: str | None) -> Agents:
        """Make it from the options by which servers are frozen there.

        :raises InvalidInput: when libvirt cannot be reached.
        """
        require_reach(driver, libvirt_uri)
        compute = Compute(connect_other(admin_cloud) if admin_cloud else cloud)
        known = drivers(Reach(compute, libvirt_uri, _AGENT_SECONDS)).values()
        return cls(compute, [one for one in known if one.asks_agent and driver in (AUTO, one.name)])

    def problem(self, server_id: str) -> str | None:
        """Why a server could not be frozen now; None when it could."""
        try:
            server = self._compute.server(server_id)
        except DrError as error:
            return str(error)
        mark = FreezeMark.of(server)
        if mark and not mark.is_leftover:
            # A probe through Nova thaws, whoever has frozen it.
            return f"Server {server.label} is being frozen by another run until {told(mark.until)}, so its guest agent was not asked."
        found = [f"{driver.name}: {problem}" if problem else "" for driver, problem in self._asked(server)]
        return " ".join(found) if all(found) else None

    def _asked(self, server: Server) -> t.Iterator[tuple[QuiesceDriver, str | None]]:
        for driver in self._drivers:
            problem = driver.probe(server).problem
            yield driver, problem
            if problem is None:
                return


class Probes:
    """Makes health checks.

    :param agents: needed for checks of guest agents.
    :param compute: needed for checks of console logs.
    """

    def __init__(self, agents: Agents | None = None, compute: Compute | None = None) -> None:
        self._agents = agents
        self._compute = compute

    def ask(self, check: Check, subject: Subject, seconds: float) -> str | None:
        """Make a check once, within about so many seconds.

        :returns: what was found instead of the wanted result; None when the check passed.
        """
        kinds: dict[str, t.Callable[[], str | None]] = {
            PORT: lambda: connection_problem(subject.address, t.cast(int, check.port)),
            HTTP: lambda: http_problem(subject.address, t.cast(HttpCheck, check.http)),
            AGENT: lambda: t.cast(Agents, self._agents).problem(subject.server_id),
            COMMAND: lambda: command_problem(check.command, subject, seconds),
            CONSOLE: lambda: console_problem(t.cast(Compute, self._compute), subject.server_id, t.cast(str, check.console)),
        }
        return kinds[check.kind]()


def console_problem(compute: Compute, server_id: str, pattern: str) -> str | None:
    """Why the check of a console log fails; None when it passes."""
    try:
        text = compute.console_tail(server_id, _CONSOLE_LINES)
    except CloudError as error:
        return error.message.rstrip(".")
    return None if re.search(pattern, text) else f"nothing matches '{pattern}'"


# Connections


def connection_problem(address: str, port: int) -> str | None:
    """Why no TCP connection can be made; None when one can."""
    try:
        _connect(address, port).close()
    except (OSError, ValueError) as error:
        return _reason(error)
    return None


def _connect(address: str, port: int) -> socket.socket:
    """Connect to a port.

    :raises ValueError: for what is not an address: it comes from clouds and manifests.
    """
    if host_in_uri(address) is None:
        raise ValueError(f"'{told(address)}' is neither an address nor a host name")
    return socket.create_connection((address, port), timeout=_CONNECT_SECONDS)


def http_problem(address: str, check: HttpCheck) -> str | None:
    """Why a GET is not answered as wanted; None when it is. The server itself is asked, without redirects or proxies."""
    try:
        return within(_REQUEST_SECONDS, "the answer", lambda: _answer_problem(address, check))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _reason(error)
    except DrError as error:
        return error.message.rstrip(".")


def _answer_problem(address: str, check: HttpCheck) -> str | None:
    with contextlib.closing(_connected(address, check)) as connection:
        connection.request("GET", check.path, headers={"User-Agent": "osdr.openstack", "Connection": "close"})
        answer = connection.getresponse()
        body = answer.read(_LARGEST_BODY).decode(errors="replace")
    if answer.status not in check.status:
        return f"status {answer.status} instead of {' or '.join(map(str, check.status))}"
    if check.text is not None and check.text not in body:
        return f"status {answer.status}, but no '{told(check.text)}' in the body, which begins with '{told(body)}'"
    return None


def _connected(address: str, check: HttpCheck) -> http.client.HTTPConnection:
    """A connection to the server's address that asks for the host that the check names."""
    secure = check.scheme == "https"
    name = check.host or address
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    # Without a port, it would take the end of an IPv6 address for one.
    connection = kind(host_in_uri(name) or "", check.port or kind.default_port)
    plain = _connect(address, connection.port)
    plain.settimeout(_REQUEST_SECONDS)
    try:
        connection.sock = _tls(check).wrap_socket(plain, server_hostname=name) if secure else plain
    except BaseException:
        plain.close()
        raise
    return connection


def _tls(check: HttpCheck) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not check.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


# Commands


def command_problem(command: t.Sequence[str], subject: Subject, seconds: float) -> str | None:
    """Why a command fails; None when it ends with status 0. It runs without a shell, in its own session, and is killed when its time is over."""
    with tempfile.TemporaryFile() as output:
        try:
            env = {**os.environ, **_environment(subject)}
            process = start(command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        except (OSError, ValueError) as error:
            return f"it cannot run: {_reason(error)}"
        status = ended(process, seconds)
        said = _tail(output)
    if status == 0:
        return None
    return ("it did not end" if status is None else f"exit status {status}") + (f", it said '{said}'" if said else "")


def _environment(subject: Subject) -> dict[str, str]:
    return {"OSDR_SERVER_ID": subject.server_id, "OSDR_SERVER_NAME": subject.name, "OSDR_SERVER_ADDRESS": subject.address}


def _tail(output: t.IO[bytes]) -> str:
    """The end of what a command said, on one line."""
    output.seek(max(0, output.seek(0, os.SEEK_END) - 4 * LONGEST))
    return told(" ".join(output.read().decode(errors="replace").split())[-LONGEST:])


def _reason(error: Exception) -> str:
    return told(getattr(error, "strerror", None) or str(error) or type(error).__name__)
