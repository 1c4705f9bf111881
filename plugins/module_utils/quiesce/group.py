# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freeze and thaw an application's servers in separate tasks, between which others may do their work."""

from __future__ import annotations

import typing as t

from ..application.definition import Application
from ..core.errors import CheckFailed
from ..core.records import Server
from ..work.clock import Moment
from ..work.interruption import Interruption
from .driver import FROZEN, THAWED
from .mark import FreezeMark, held_problem
from .quiescer import Choice, Quiescer, refuse_problems, running
from .window import Member

#: By the states that a play asks for.
TARGETS = {"quiesced": FROZEN, "unquiesced": THAWED}

Tiers = t.Sequence[t.Sequence[Member]]


class Group:
    """The servers of an application."""

    def __init__(self, quiescer: Quiescer, application: Application, interruption: Interruption) -> None:
        self._quiescer = quiescer
        self._application = application
        self._interruption = interruption

    def bring(self, target: str, is_real: bool) -> dict[str, t.Any]:
        """Freeze or thaw all servers, and describe what was, or would be, done.

        :raises CheckFailed: naming every server that cannot be frozen, or is another run's.
        """
        servers = self._quiescer.resolve(self._application)
        if target == FROZEN and is_real:
            servers = self._quiescer.thaw_leftovers(servers)
        choices = self._quiescer.choose(running(servers.values()), to_thaw=target == THAWED)
        if target == FROZEN:
            refuse_problems(choices, self._quiescer.done)
        _refuse_others(servers.values(), self._quiescer.done)
        before = _states_before(servers.values(), choices, target)
        tiers = self._quiescer.members(self._application, servers, choices)
        todo = [[member for member in tier if before[member.server.id] != target] for tier in tiers]
        if any(todo) and is_real:
            self._act(todo, target)
        return {
            "changed": any(todo),
            "quiesce": {
                "application": self._application.name,
                "servers": [
                    {"passed_over": choices[member.server.id].passed_over, **describe(member, target)} for tier in tiers for member in tier
                ],
            },
            "diff": {"before": _shown(tiers, before), "after": _shown(tiers, dict.fromkeys(before, target))},
        }

    def _act(self, todo: Tiers, target: str) -> None:
        window = self._quiescer.window(todo, self._interruption)
        if target == FROZEN:
            window.open()
            window.publish()
            return
        # A signal in between must not leave them frozen.
        with self._interruption.shielded():
            window.adopt()
            window.close()


def _refuse_others(servers: t.Iterable[Server], done: str) -> None:
    """Refuse servers that another run holds frozen for itself: its freeze can neither be relied on nor ended."""
    problems = [held_problem(server) for server in servers]
    problems += [f"Server {server.label} is {server.status or 'unknown'}: its cell does not answer." for server in servers if not server.is_known]
    found = [problem for problem in problems if problem]
    if found:
        raise CheckFailed("Not all servers can be frozen or thawed", found, done)


def _states_before(servers: t.Iterable[Server], choices: t.Mapping[str, Choice], target: str) -> dict[str, str | None]:
    """State per server.

    A marked server was frozen by this collection. It counts as frozen until it is thawed, even if its guard fired or it does not answer.
    A server without a mark that does not answer counts as thawed.
    """
    found = {server_id: choice.support.state for server_id, choice in choices.items()}
    if target == FROZEN:
        return found
    marked = {server.id: FROZEN for server in servers if server.id in choices and FreezeMark.of(server)}
    silent = {server_id: THAWED for server_id, state in found.items() if state is None}
    return {**found, **silent, **marked}


def describe(member: Member, target: str) -> dict[str, t.Any]:
    """A server as results show it."""
    return {
        "id": member.server.id,
        "name": member.server.name,
        "tier": member.tier,
        "state": target,
        "driver": member.driver.name,
        "filesystems": member.filesystems_frozen if target == FROZEN else member.filesystems_thawed,
        "requested_at": _text(member.freeze_requested if target == FROZEN else None),
        "frozen_at": _text(member.frozen if target == FROZEN else None),
        "thawed_at": _text(member.thawed),
        "guard": member.guard,
        "guard_until": _text(member.guard_until),
        "guard_fired": member.guard_fired,
        "interrupted": member.doubt if member.thawed else None,
        "freeze": member.mark.token if member.mark else None,
        "intact": None if target == FROZEN or not member.thawed else member.doubt is None,
    }


def _text(moment: Moment | None) -> str | None:
    return str(moment) if moment else None


def _shown(tiers: Tiers, states: t.Mapping[str, str | None]) -> dict[str, str | None]:
    return {member.server.label: states[member.server.id] for tier in tiers for member in tier}
