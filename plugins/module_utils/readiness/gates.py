# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks of restored servers: the gates between one tier and the next.

Checks come from a manifest, which is untrusted. A check that is a command runs only if the operator allows it.

No network leads to the servers of a drill. What can be seen from outside replaces their checks, and nothing more is claimed.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
import typing as t

from ..application.checks import AGENT, COMMAND, CONSOLE, HTTP, PORT, Check
from ..application.definition import Application, Tier
from ..core.errors import CheckFailed, InvalidInput, WaitTimeout
from ..work.waiting import Waiter
from .probes import Probes, Subject

#: What happens to checks that are commands. REFUSE, the first, is the default.
REFUSE, SKIP, RUN = ("refuse", "skip", "run")

Ask = t.Callable[[Check, Subject, float], "str | None"]

#: Seconds that an attempt gets also when there is nearly no time left.
_LEAST_SECONDS = 1.0

_CONNECTION_HINT = "Check its console, its security groups, and that the network lets this host connect to it; then re-run."
_HINTS = {
    PORT: _CONNECTION_HINT,
    HTTP: _CONNECTION_HINT,
    AGENT: "Check its console, that its guest agent is running, and that these credentials may ask it; then re-run.",
    COMMAND: "Run the command by hand with the same environment (OSDR_SERVER_ADDRESS, ...) and check the server's console; then re-run.",
    CONSOLE: "Check its console, and that the expression matches what such a server writes there; then re-run.",
}

#: What makes a check, in words, per kind.
_MADE_BY = {PORT: "connection", HTTP: "connection", AGENT: "guest agent", COMMAND: "command", CONSOLE: "console log"}


@dataclasses.dataclass(frozen=True)
class Gates:
    """What the servers of a tier must pass before the next tier begins.

    :param ask: makes a check once, and returns what it found instead of the wanted result.
    :param runs_commands: whether checks that are commands are made; otherwise they are left out.
    """

    ask: Ask = Probes().ask
    runs_commands: bool = False

    def checks_of(self, tier: Tier) -> list[Check]:
        """The checks that are made for a tier."""
        return [check for check in tier.checks if self._is_made(check)]

    def made_by(self, check: Check) -> list[str]:
        """What makes a check of the manifest; empty when it is not made."""
        return [_MADE_BY[check.kind]] if self._is_made(check) else []

    def _is_made(self, check: Check) -> bool:
        return self.runs_commands or check.kind != COMMAND

    def wait(self, subject: Subject, checks: t.Iterable[Check], waiter: Waiter) -> bool:
        """Wait until all checks of a server pass; each has its own time from the start.

        :param waiter: for its interval and clock.
        :returns: whether any check failed at first.
        :raises WaitTimeout: naming the server, the check, and its last result.
        """
        started = waiter.clock.now()
        found = [self._wait_for(subject, check, started + check.timeout, waiter) for check in checks]
        return any(found)

    def _wait_for(self, subject: Subject, check: Check, deadline: float, waiter: Waiter) -> list[str]:
        """Wait until one check passes.

        :returns: the problem of each failed attempt.
        """
        clock = waiter.clock
        found: list[str] = []

        def passes() -> bool | None:
            problem = self.ask(check, subject, max(_LEAST_SECONDS, deadline - clock.now()))
            if problem:
                found.append(problem)
            return None if problem else True

        try:
            Waiter(max(0.0, deadline - clock.now()), waiter.interval, clock).until(check.label, passes)
        except WaitTimeout as error:
            raise WaitTimeout(
                f"Server '{subject.name}' at {subject.address} is active but not ready after {check.timeout} s: {check.label}: {found[-1]}.",
                _HINTS[check.kind],
                server_id=subject.server_id,
                check=check.as_dict(),
                found=found[-1],
            ) from error
        return found


@dataclasses.dataclass(frozen=True)
class DrillGates(Gates):
    """The gates of a drill. Only checks of guest agents are made as they are.

    :param probes: what replaces each other check; when empty, nothing does.
    :param timeout: seconds that a server gets for them; None for those of the longest check that they replace.
    """

    probes: tuple[Check, ...] = ()
    timeout: int | None = None

    def checks_of(self, tier: Tier) -> list[Check]:
        agents = [check for check in tier.checks if check.kind == AGENT]
        seconds = [check.timeout for check in tier.checks if check.kind != AGENT]
        if not seconds:
            return agents
        return [*agents, *(dataclasses.replace(one, timeout=max(seconds) if self.timeout is None else self.timeout) for one in self.probes)]

    def made_by(self, check: Check) -> list[str]:
        made = [check] if check.kind == AGENT else self.probes
        return [_MADE_BY[one.kind] for one in made]


@dataclasses.dataclass(frozen=True)
class DrillProbe:
    """What replaces the checks in a drill.

    :param agent: whether guest agents must answer.
    :param console: a regular expression that must match something in each server's console log; None for none.
    :param timeout: seconds that each server gets; None for those of the longest of its tier's checks.
    """

    agent: bool = False
    console: str | None = None
    timeout: int | None = None

    def checks(self) -> tuple[Check, ...]:
        """The checks that this stands for.

        :raises InvalidInput: when ``console`` is not a regular expression.
        """
        try:
            re.compile(self.console or "")
        except re.error as error:
            raise InvalidInput(f"'{self.console}' is not a regular expression ({error}), so consoles cannot be searched for it.") from error
        return (*([Check(agent=True)] if self.agent else []), *([Check(console=self.console)] if self.console else []))


def gates_for(application: Application, is_drill: bool, commands: str, probe: DrillProbe, ask: Ask) -> Gates:
    """The gates for an application's servers, in a real restore or a drill.

    :param commands: what happens to checks that are commands.
    :raises CheckFailed: when there are commands that nobody has decided about.
    """
    problems = command_problems(application, commands)
    if problems:
        raise CheckFailed("The health checks need a decision", problems)
    if is_drill:
        return DrillGates(ask, probes=probe.checks(), timeout=probe.timeout)
    return Gates(ask, commands == RUN)


def asks_agents(application: Application) -> bool:
    return any(check.kind == AGENT for tier in application.tiers for check in tier.checks)


def command_problems(application: Application, policy: str) -> list[str]:
    """Commands of a manifest that nobody has decided about."""
    if policy != REFUSE:
        return []
    return [
        f"The manifest contains a health check of tier '{tier}' that runs a command on this host: {command}. Review it; "
        "then allow such commands (command_checks: run), or restore without these checks (command_checks: skip)."
        for tier, command in _commands(application)
    ]


def command_warnings(application: Application, policy: str) -> list[str]:
    """Warnings about checks that are not made."""
    if policy != SKIP:
        return []
    return [f"Health check of tier '{tier}' skipped (command_checks: skip): {command}." for tier, command in _commands(application)]


def _commands(application: Application) -> t.Iterator[tuple[str, str]]:
    """Every command, quoted for a shell, with its tier."""
    for tier in application.tiers:
        for check in tier.checks:
            if check.kind == COMMAND:
                yield tier.name, shlex.join(check.command)
