# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether restored servers do their work: the health checks between one tier and the next.

Checks come out of a manifest, which is untrusted. One that is a command is only made when the operator wants that.

To the servers of a drill no network leads. What can be seen from outside stands for their checks, and nothing else is claimed.
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

#: What becomes of checks that are commands. REFUSE is first, because it is what happens without a word.
REFUSE, SKIP, RUN = COMMAND_POLICIES = ("refuse", "skip", "run")

Ask = t.Callable[[Check, Subject, float], "str | None"]

#: Seconds that an attempt gets also when there is nearly no time left.
_LEAST_SECONDS = 1.0

_CONNECTION_HINT = "Look at its console, and whether its security groups and the way from here allow the connection; then run again."
_HINTS = {
    PORT: _CONNECTION_HINT,
    HTTP: _CONNECTION_HINT,
    AGENT: "Look at its console, whether its guest agent is started, and whether these credentials may ask it; then run again.",
    COMMAND: "Run the command by hand with the same environment (OSDR_SERVER_ADDRESS, ...) and look at the console; then run again.",
    CONSOLE: "Look at its console, and whether what is looked for is what such a server says there; then run again.",
}

#: What a check is made by, in words, per kind.
_MADE_BY = {PORT: "connection", HTTP: "connection", AGENT: "guest agent", COMMAND: "command", CONSOLE: "console log"}


@dataclasses.dataclass(frozen=True)
class Gates:
    """What the servers of a tier must pass before the next tier begins.

    :param ask: makes a check once, and tells what was found instead of what is wanted.
    :param runs_commands: whether checks that are commands are made; they are left out otherwise.
    """

    ask: Ask = Probes().ask
    runs_commands: bool = False

    def checks_of(self, tier: Tier) -> list[Check]:
        """What is made for the checks of a tier."""
        return [check for check in tier.checks if self._is_made(check)]

    def made_by(self, check: Check) -> list[str]:
        """What a check of the manifest is made by; empty when it is not made."""
        return [_MADE_BY[check.kind]] if self._is_made(check) else []

    def _is_made(self, check: Check) -> bool:
        return self.runs_commands or check.kind != COMMAND

    def wait(self, subject: Subject, checks: t.Iterable[Check], waiter: Waiter) -> bool:
        """Wait until all checks of a server pass; each has its own time from the start.

        :param waiter: for its interval and clock.
        :returns: whether there was anything to wait for.
        :raises WaitTimeout: naming server, check, and what was found last.
        """
        started = waiter.clock.now()
        found = [self._wait_for(subject, check, started + check.timeout, waiter) for check in checks]
        return any(found)

    def _wait_for(self, subject: Subject, check: Check, deadline: float, waiter: Waiter) -> list[str]:
        """:returns: what was found instead of what is wanted, every time."""
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
    """The same for the servers of a drill. Only their guest agents can be asked as they are.

    :param probes: what stands for each other check; nothing does when empty.
    :param timeout: seconds that a server gets for them; those of the longest check that they stand for when None.
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
    """What is to stand for the checks of a drill.

    :param agent: whether guest agents must answer.
    :param console: a regular expression that must match something in each server's console log; None for none.
    :param timeout: seconds that each server gets; None for those of the longest of its tier's checks.
    """

    agent: bool = False
    console: str | None = None
    timeout: int | None = None

    def checks(self) -> tuple[Check, ...]:
        """:raises InvalidInput: when consoles cannot be searched for that."""
        try:
            re.compile(self.console or "")
        except re.error as error:
            raise InvalidInput(f"'{self.console}' is no regular expression ({error}), so no console can be searched for it.") from error
        return (*([Check(agent=True)] if self.agent else []), *([Check(console=self.console)] if self.console else []))


def gates_for(application: Application, is_drill: bool, commands: str, probe: DrillProbe, ask: Ask) -> Gates:
    """What servers of an application must pass, in a real restore or a drill.

    :param commands: what becomes of checks that are commands.
    :raises CheckFailed: when there are commands that nobody has decided about.
    """
    problems = command_problems(application, commands)
    if problems:
        raise CheckFailed("The health checks are not to be made as they are", problems)
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
        f"The checkpoint's manifest wants to have a command run here as a health check of tier '{tier}': {command}. Read it; "
        "then have such commands run (command_checks: run), or restore without these checks (command_checks: skip)."
        for tier, command in _commands(application)
    ]


def command_warnings(application: Application, policy: str) -> list[str]:
    """Checks that are not made."""
    if policy != SKIP:
        return []
    return [f"A health check of tier '{tier}' is not made, as command_checks says: {command}." for tier, command in _commands(application)]


def _commands(application: Application) -> t.Iterator[tuple[str, str]]:
    """Every command with its tier, as a shell would take it."""
    for tier in application.tiers:
        for check in tier.checks:
            if check.kind == COMMAND:
                yield tier.name, shlex.join(check.command)
