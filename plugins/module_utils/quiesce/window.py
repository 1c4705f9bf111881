# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The freeze window: guards armed, tiers frozen in order, thawed in reverse, whatever happens.

The window knows nothing of how servers are frozen (see :mod:`quiesce_driver`) nor of
what is done while they are.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..core.errors import DrError, FreezeFailed
from ..core.records import Server
from ..work.clock import SYSTEM_CLOCK, Clock, Moment
from ..work.interruption import Interruption
from ..work.pool import attempt_all
from .driver import QuiesceDriver
from .mark import FreezeMark, FreezeMarks

#: How often, and with how many seconds between, a thaw is tried before it is given up.
_THAW_TRIES = 3
_THAW_PAUSE = 1.0


@dataclasses.dataclass
class Member:
    """A server in the window and what has happened to it."""

    server: Server
    tier: str
    driver: QuiesceDriver
    #: Where its guard runs.
    guard: str | None = None
    freeze_requested: Moment | None = None
    frozen: Moment | None = None
    #: None where the driver cannot know.
    filesystems_frozen: int | None = None
    thaw_requested: Moment | None = None
    thawed: Moment | None = None
    filesystems_thawed: int | None = None
    #: What showed at the thaw that the server had not been frozen all the time.
    interrupted: str | None = None
    guard_armed: bool = False
    #: When the guard fires at the latest.
    guard_until: Moment | None = None
    guard_fired: bool | None = None
    #: Why the thaw could not be confirmed.
    thaw_error: str | None = None
    #: What everybody sees of the freeze.
    mark: FreezeMark | None = None

    def freeze(self, seconds: float) -> None:
        self.freeze_requested = Moment.now()
        self.filesystems_frozen = self.driver.freeze(self.server, seconds)
        self.frozen = Moment.now()

    def thaw(self) -> None:
        self.thaw_requested = self.thaw_requested or Moment.now()
        thaw = self.driver.thaw(self.server)
        if thaw.filesystems is not None:
            self.filesystems_thawed = (self.filesystems_thawed or 0) + thaw.filesystems
        self.interrupted = self.interrupted or thaw.interrupted
        self.thawed = Moment.now()

    @property
    def doubt(self) -> str | None:
        """Why it is not certain that the server was frozen all the time; None when it is."""
        if self.frozen is None or self.thaw_requested is None or self.thawed is None:
            return "the freeze or the thaw was not confirmed"
        if self.guard_fired is not False:
            return "the guard fired, or could not be asked whether it did"
        if self.interrupted:
            return self.interrupted
        if self.filesystems_frozen == 0 or self.filesystems_thawed != self.filesystems_frozen:
            return f"{self.filesystems_frozen} file systems were frozen and {self.filesystems_thawed} thawed"
        return None


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds of a window.

    :param freeze: seconds that the freeze of one server may take.
    :param budget: seconds from the first freeze request within which the thaw must begin.
    :param guard: seconds after which the guards thaw; more than the budget.
    :param concurrency: servers frozen or thawed at once.
    """

    freeze: int
    budget: int
    guard: int
    concurrency: int


class FreezeWindow:
    """Use as a context manager: inside, all members are frozen; afterwards they are thawed.

    :param tiers: members per tier, in the order in which they are to be frozen.
    """

    def __init__(
        self,
        tiers: t.Sequence[t.Sequence[Member]],
        limits: Limits,
        marks: FreezeMarks,
        interruption: Interruption,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._tiers = tiers
        self._limits = limits
        self._marks = marks
        self._interruption = interruption
        self._clock = clock

    @property
    def members(self) -> list[Member]:
        return [member for tier in self._tiers for member in tier]

    def __enter__(self) -> FreezeWindow:
        self.open()
        return self

    def __exit__(self, *exc_info: t.Any) -> None:
        self.close()

    def open(self) -> None:
        """Arm all guards, then freeze tier by tier.

        :raises FreezeFailed: when a guard or a freeze failed; everything is thawed by then.
        """
        try:
            self._each(self.members, self._arm, "The guards could not be armed")
            for tier in self._tiers:
                self._each(tier, self._freeze, "The servers could not be frozen")
                self.check_budget()
        except BaseException:
            self.close()
            raise

    def publish(self) -> None:
        """Say on the servers that they are frozen by now, for those who rely on it in other processes.

        :raises FreezeFailed: when that could not be done; everything is thawed by then.
        """
        try:
            self._each(self.members, self._publish, "The freeze could not be marked on the servers")
        except BaseException:
            self.close()
            raise

    def adopt(self) -> None:
        """Take over members that another process has frozen, so that :meth:`close` thaws them."""
        for member in self.members:
            member.freeze_requested = Moment.now()
            member.guard_armed = True
            member.mark = FreezeMark.of(member.server)
        # Before the first thaw, nobody may take the freeze for one that still stands.
        outcomes = attempt_all({m.server.id: _bound(self._announce_thaw, m) for m in self.members}, self._limits.concurrency)
        for member in self.members:
            if outcomes[member.server.id].error:
                member.interrupted = "its thaw could not be announced"

    def close(self) -> None:
        """Thaw every member in the reverse order, disarm the guards of those that are thawed.

        :raises FreezeFailed: when a thaw could not be confirmed, with what to do.
        """
        with self._interruption.shielded():
            self._thaw_all()
            # The guard of a server whose thaw is not confirmed is what is left to thaw it; its mark tells others to try.
            armed = [member for member in self.members if member.guard_armed and not member.thaw_error]
            attempt_all({m.server.id: _bound(self._disarm, m) for m in armed}, self._limits.concurrency)
            self._report_unconfirmed()

    @property
    def started(self) -> Moment | None:
        """When the first server's freeze was requested."""
        return min(_known(m.freeze_requested for m in self.members), key=_monotonic, default=None)

    @property
    def all_frozen(self) -> Moment | None:
        """When the last server's freeze was confirmed: the moment the data stands for."""
        return max(_known(m.frozen for m in self.members), key=_monotonic, default=None)

    @property
    def ended(self) -> Moment | None:
        """When the last server's thaw was confirmed."""
        return max(_known(m.thawed for m in self.members), key=_monotonic, default=None)

    def remaining(self) -> float:
        """Seconds left of the budget."""
        started = self.started
        return self._limits.budget - (time.monotonic() - started.monotonic if started else 0)

    def check_budget(self) -> None:
        """:raises FreezeFailed: when the budget is used up."""
        if self.remaining() <= 0:
            late = [m.server.label for m in self.members if m.freeze_requested and not m.frozen]
            raise FreezeFailed(
                f"The freeze window exceeded its budget of {self._limits.budget} s"
                + (f" while freezing {', '.join(late)}." if late else "."),
                "Raise the budget, or find out what is slow.",
            )

    def _arm(self, member: Member) -> None:
        # Set first: a guard whose confirmation was lost must be disarmed all the same.
        member.guard_armed = True
        member.guard_until = Moment.now().after(self._limits.guard)
        member.mark = FreezeMark.new(member.driver.name, str(member.guard_until))
        self._marks.put(member.server, member.mark)
        member.driver.arm_guard(member.server, self._limits.guard)

    def _publish(self, member: Member) -> None:
        member.mark = dataclasses.replace(
            t.cast(FreezeMark, member.mark),
            requested=str(member.freeze_requested),
            frozen=str(member.frozen),
            filesystems=member.filesystems_frozen,
            guard=member.guard,
        )
        self._marks.put(member.server, member.mark)

    def _announce_thaw(self, member: Member) -> None:
        if not member.mark:
            return
        if member.mark.frozen:
            member.frozen = member.freeze_requested
            member.filesystems_frozen = member.mark.filesystems
        self._marks.put(member.server, dataclasses.replace(member.mark, thawing=True))

    def _freeze(self, member: Member) -> None:
        member.freeze(max(0, min(self._limits.freeze, self.remaining())))

    def _thaw_all(self) -> None:
        """Thaw tier by tier; what fails is tried again when all others have had their turn."""
        steps = [[member for member in tier if member.freeze_requested] for tier in reversed(self._tiers)]
        for attempt in range(_THAW_TRIES):
            if attempt and any(steps):
                self._clock.sleep(_THAW_PAUSE)
            for step in steps:
                attempt_all({m.server.id: _bound(self._thaw, m) for m in step}, self._limits.concurrency)
            steps = [[member for member in step if member.thaw_error] for step in steps]

    @staticmethod
    def _thaw(member: Member) -> None:
        try:
            member.thaw()
        except Exception as error:
            # Of whatever kind: the other servers must be thawed all the same.
            member.thaw_error = str(error) if isinstance(error, DrError) else repr(error)
        else:
            member.thaw_error = None

    def _disarm(self, member: Member) -> None:
        try:
            member.guard_fired = member.driver.disarm_guard(member.server)
        finally:
            self._marks.remove(member.server)

    def _each(
        self, members: t.Sequence[Member], act: t.Callable[[Member], None], failure: str
    ) -> None:
        # A second signal would leave behind what is under way, and a freeze could come after its thaw.
        with self._interruption.shielded():
            outcomes = attempt_all({m.server.id: _bound(act, m) for m in members}, self._limits.concurrency)
        errors = [outcome.error for outcome in outcomes.values() if outcome.error]
        if errors:
            raise FreezeFailed(
                f"{failure}; all servers are thawed again. " + " ".join(str(error) for error in errors)
            )

    def _report_unconfirmed(self) -> None:
        stuck = [member for member in self.members if member.thaw_error]
        if stuck:
            listed = " ".join(f"{m.server.label}: {m.thaw_error}" for m in stuck)
            raise FreezeFailed(
                f"The thaw of {len(stuck)} of {len(self.members)} servers could not be confirmed. {listed}",
                f"Their guards thaw them at the latest {self._limits.guard} s after they were armed. Check them, and run "
                "the playbook osdr.openstack.thaw until it succeeds.",
                unconfirmed=[m.server.id for m in stuck],
            )


def _bound(act: t.Callable[[Member], None], member: Member) -> t.Callable[[], None]:
    return lambda: act(member)


def _known(moments: t.Iterable[Moment | None]) -> list[Moment]:
    return [moment for moment in moments if moment]


def _monotonic(moment: Moment) -> float:
    return moment.monotonic
