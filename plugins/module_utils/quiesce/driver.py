# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of the drivers that freeze servers."""

from __future__ import annotations

import abc
import dataclasses
import typing as t

from ..core.records import Server

FROZEN = "frozen"
THAWED = "thawed"

#: What the snapshots of a driver's servers are.
QUIESCED = "quiesced"
PAUSED = "paused"

#: Statuses of servers whose guest does not run: nothing of it can be frozen.
GUESTLESS = frozenset({"SHUTOFF", "SHELVED", "SHELVED_OFFLOADED"})


def has_no_guest(server: Server) -> bool:
    """Whether Nova shows for certain that a server's guest does not run."""
    return server.status in GUESTLESS and not server.task_state


@dataclasses.dataclass(frozen=True)
class Support:
    """What a driver found when it looked at a server.

    :param problem: why the driver cannot freeze it and what to do; None when it can.
    :param state: ``frozen`` or ``thawed``; None when that is unknown. ``frozen`` with a problem: no other driver may take it either.
    :param guard: where its guards would run: ``nova``, ``guest``, ``nova, guest`` or ``controller``.
    :param image_problem: why Nova can make no image of the server during a freeze, and what to do; None when it can.
    :param longest: seconds for which the site lets a server be frozen at most; None for as long as anybody wants.
    :param answer: seconds until the guest agent answered, by the way that a freeze takes, too; None where none was asked.
    """

    problem: str | None = None
    state: str | None = None
    guard: str | None = None
    image_problem: str | None = None
    longest: int | None = None
    answer: float | None = None


@dataclasses.dataclass(frozen=True)
class Thaw:
    """A confirmed thaw of one server.

    :param filesystems: number of file systems thawed; None when the driver cannot know.
    :param interrupted: what shows that the server had not been frozen all the time; None when nothing does.
    :param was_over: whether the freeze had come, and somebody else had ended it.
    """

    filesystems: int | None = None
    interrupted: str | None = None
    was_over: bool = False

    @property
    def found_frozen(self) -> bool:
        """Whether the thaw ended a freeze."""
        return not self.interrupted and self.filesystems != 0

    @property
    def has_arrived(self) -> bool:
        """Whether the freeze is known to have come: it comes once, and cannot come any more then."""
        return self.found_frozen or self.was_over


class QuiesceDriver(abc.ABC):
    """Freezes and thaws single servers. Every call is bounded in time and raises
    :class:`~..core.errors.DrError`; calls for different servers may come from different threads.
    """

    name: t.ClassVar[str]
    #: What snapshots taken while it holds are.
    consistency: t.ClassVar[str] = QUIESCED
    #: Whether it asks the guest agent, whose answer shows that a guest has booted.
    asks_agent: t.ClassVar[bool] = True
    #: Whether a freeze that it asked for may still arrive when a thaw has found nothing to do, and its guard does not come with it.
    freezes_late: t.ClassVar[bool] = False

    @abc.abstractmethod
    def probe(self, server: Server) -> Support:
        """Look whether the server can be frozen, without freezing it."""

    def recall(self, server: Server, found: Support) -> None:
        """Take what another process found when it probed the server for what this driver would find."""
        return

    @abc.abstractmethod
    def arm_guard(self, server: Server, seconds: int) -> None:
        """Start the timer that thaws the server when nobody else has done so by then.

        :param server: with the mark of the freeze that is guarded.
        """

    @abc.abstractmethod
    def freeze(self, server: Server, seconds: float) -> int | None:
        """Freeze within so many seconds, and return the number of file systems frozen, None when it cannot be known."""

    @abc.abstractmethod
    def thaw(self, server: Server) -> Thaw:
        """Thaw and confirm it; safe to call twice.

        :raises DrError: when the server was not seen thawed, whatever else it was, or when a freeze that was asked for here may still arrive.
        """

    def thaw_problem(self, server: Server) -> str | None:
        """Why it cannot thaw a server that it froze, without trying; None when nothing speaks against it."""
        return None

    @abc.abstractmethod
    def disarm_guard(self, server: Server) -> bool:
        """Stop the timer of a thawed server; returns whether it had fired."""
