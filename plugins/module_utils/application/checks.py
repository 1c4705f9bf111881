# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks, as the definition of an application has them. Each is of exactly one kind."""

from __future__ import annotations

import dataclasses
import re
import typing as t

PORT, HTTP, AGENT, COMMAND = KINDS = ("port", "http", "agent", "command")
#: What may stand for a check where no network leads to a server; no application's definition has it.
CONSOLE = "console"

SCHEMES = ("http", "https")
PORTS = (1, 65535)
STATUSES = (100, 599)
#: Of a path, a text, or an argument of a command.
LONGEST_TEXT = 2048
MOST_ARGUMENTS = 100

#: What goes into a request as it is.
_PATH = re.compile(r"/[!-~]*")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


@dataclasses.dataclass(frozen=True)
class HttpCheck:
    """A GET that must be answered.

    :param port: None for the one of the scheme.
    :param host: the name to ask for, and in the certificate; None for the server's address.
    :param text: what the body must have in it; None for anything.
    """

    path: str = "/"
    port: int | None = None
    scheme: str = "http"
    host: str | None = None
    status: tuple[int, ...] = (200,)
    text: str | None = None
    validate_certs: bool = True

    @classmethod
    def parse(cls, data: t.Mapping[str, t.Any]) -> HttpCheck:
        return cls(**{**data, "status": tuple(data.get("status", cls.status))})

    @property
    def problems(self) -> list[str]:
        found = [f"status {one} is not between {STATUSES[0]} and {STATUSES[1]}" for one in self.status if not _within(one, STATUSES)]
        if not self.status:
            found.append("it accepts no status")
        if self.port is not None and not _within(self.port, PORTS):
            found.append(f"port {self.port} is not between {PORTS[0]} and {PORTS[1]}")
        if not _PATH.fullmatch(self.path) or len(self.path) > LONGEST_TEXT:
            found.append(f"'{self.path[:80]}' is no path ('/' and at most {LONGEST_TEXT - 1} characters of ASCII without blanks)")
        if self.host is not None and not _HOST.fullmatch(self.host):
            found.append(f"'{self.host[:80]}' is no host name")
        if len(self.text or "") > LONGEST_TEXT:
            found.append(f"its text is longer than {LONGEST_TEXT} characters")
        if self.scheme not in SCHEMES:
            found.append(f"'{self.scheme}' is no scheme; use {' or '.join(SCHEMES)}")
        return found


@dataclasses.dataclass(frozen=True)
class Check:
    """A condition that a restored server must meet before the next tier is started.

    :param port: a TCP port that must accept connections.
    :param agent: its guest agent must answer.
    :param command: program and arguments that must end with status 0 on the controller.
    :param timeout: seconds until the server counts as not ready.
    :param console: a regular expression that something in its console log must match.
    """

    port: int | None = None
    http: HttpCheck | None = None
    agent: bool = False
    command: tuple[str, ...] = ()
    timeout: int = 300
    console: str | None = None

    @classmethod
    def parse(cls, data: t.Mapping[str, t.Any]) -> Check:
        """Read a check as a module or a manifest has it, whatever is wrong with it."""
        http = data.get(HTTP)
        return cls(
            port=data.get(PORT),
            http=None if http is None else HttpCheck.parse(http),
            agent=bool(data.get(AGENT)),
            command=tuple(data.get(COMMAND) or ()),
            timeout=data.get("timeout", cls.timeout),
        )

    @property
    def _given(self) -> list[str]:
        given = {PORT: self.port is not None, HTTP: self.http is not None, AGENT: self.agent, COMMAND: bool(self.command), CONSOLE: self.console is not None}
        return [kind for kind, is_given in given.items() if is_given]

    @property
    def kind(self) -> str:
        return self._given[0]

    @property
    def label(self) -> str:
        """What is checked, in a few words."""
        if self.port is not None:
            return f"port {self.port}"
        if self.http:
            return f"{self.http.scheme} {self.http.path}" + (f" on port {self.http.port}" if self.http.port else "")
        if self.console is not None:
            return "its console log"
        return "its guest agent" if self.agent else f"command {self.command[0]}"

    @property
    def problems(self) -> list[str]:
        """The problems of the check's definition."""
        found = [] if self.timeout >= 0 else [f"its timeout is {self.timeout} s"]
        if not self._given:
            found.append(f"it checks nothing; give one of {', '.join(KINDS)}")
        if len(self._given) > 1:
            found.append(f"{' and '.join(self._given)} are several kinds; give each a check of its own")
        if self.port is not None and not _within(self.port, PORTS):
            found.append(f"port {self.port} is not between {PORTS[0]} and {PORTS[1]}")
        return [*found, *(self.http.problems if self.http else ()), *self._command_problems()]

    def _command_problems(self) -> t.Iterator[str]:
        if self.command and not self.command[0].strip():
            yield "its command has no program"
        if len(self.command) > MOST_ARGUMENTS:
            yield f"its command has more than {MOST_ARGUMENTS} arguments"
        if any(len(one) > LONGEST_TEXT or "\0" in one for one in self.command):
            yield f"an argument of its command is longer than {LONGEST_TEXT} characters or has a NUL in it"

    def as_dict(self) -> dict[str, t.Any]:
        """The check as a dictionary: its kind and its timeout."""
        values = {
            PORT: self.port,
            HTTP: self.http and {**dataclasses.asdict(self.http), "status": list(self.http.status)},
            AGENT: self.agent,
            COMMAND: list(self.command),
            CONSOLE: self.console,
        }
        return {self.kind: values[self.kind], "timeout": self.timeout}


def _within(number: int, limits: tuple[int, int]) -> bool:
    return limits[0] <= number <= limits[1]
