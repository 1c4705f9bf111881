# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether restored servers do their work: the health checks between one tier and the next.

Checks come out of a manifest, which is untrusted. One that is a command is only made when the operator wants that.
"""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .application import Application, Tier
from .errors import WaitTimeout
from .health_check import AGENT, COMMAND, HTTP, PORT, Check
from .probes import Probes, Subject
from .waiting import Waiter

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
}


@dataclasses.dataclass(frozen=True)
class Gates:
    """What the servers of a tier must pass before the next tier begins.

    :param ask: makes a check once, and tells what was found instead of what is wanted.
    :param runs_commands: whether checks that are commands are made; they are left out otherwise.
    """

    ask: Ask = Probes().ask
    runs_commands: bool = False

    def checks_of(self, tier: Tier) -> list[Check]:
        return [check for check in tier.checks if self.runs_commands or check.kind != COMMAND]

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
