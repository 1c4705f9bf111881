# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The freeze window: arms guards, freezes tiers in order, and thaws them in reverse, whatever happens.

The window does not know how servers are frozen (see :mod:`.driver`), nor what is done meanwhile. Nobody is thawed on purpose before
all are frozen. From then on whoever is not needed any more may be released, while others still stand still.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import math
import statistics
import typing as t

from ..core import leeway
from ..core.errors import DrError, FreezeFailed
from ..core.records import Server
from ..core.text import listed
from ..work.clock import SYSTEM_CLOCK, Clock, Moment
from ..work.interruption import Interruption
from ..work.pool import Crew, attempt_each
from .driver import QuiesceDriver
from .mark import FreezeMark, FreezeMarks

#: How often, and with how many seconds between, a thaw is tried before it is given up.
_THAW_TRIES = 3
_THAW_PAUSE = 1.0
#: No freeze is begun with less than so many seconds left until its guard fires.
_LEAST_GUARDED = 1.0
#: What requests that are repeated for one server may hold up the thaw of others for.
_HOLD_UP_SECONDS = 5.0
#: The share of the budget that is kept for the thaw at most.
_THAW_SHARE = 0.25


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
    #: When the guard fires.
    guard_until: Moment | None = None
    guard_fired: bool | None = None
    #: Why the thaw could not be confirmed.
    thaw_error: str | None = None
    #: What everybody sees of the freeze.
    mark: FreezeMark | None = None

    def freeze(self, seconds: float, clock: Clock) -> None:
        self.freeze_requested = clock.moment()
        self.filesystems_frozen = self.driver.freeze(self.server, seconds)
        self.frozen = clock.moment()

    def thaw(self, clock: Clock) -> None:
        self.thaw_requested = self.thaw_requested or clock.moment()
        thaw = self.driver.thaw(self.server)
        if thaw.filesystems is not None:
            self.filesystems_thawed = (self.filesystems_thawed or 0) + thaw.filesystems
        self.interrupted = self.interrupted or thaw.interrupted
        self.thawed = clock.moment()

    @property
    def is_thawed(self) -> bool:
        """Whether its thaw is confirmed."""
        return self.thawed is not None and self.thaw_error is None

    @property
    def doubt(self) -> str | None:
        """Why it is not certain that the server was frozen all the time; None when it is."""
        if self.frozen is None or self.thaw_requested is None or self.thawed is None:
            return "the freeze or the thaw was not confirmed"
        if self.interrupted:
            return self.interrupted
        if self.guard_fired is not False:
            return "the guard fired, or could not be asked whether it did"
        if self.guard_until is None or self.thaw_requested.monotonic >= self.guard_until.monotonic:
            return "its guard's time was over before its thaw was asked for"
        if self.filesystems_frozen == 0 or self.filesystems_thawed != self.filesystems_frozen:
            return f"{self.filesystems_frozen} file systems were frozen and {self.filesystems_thawed} thawed"
        return None


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds of a window.

    :param freeze: seconds that the freeze of one server may take.
    :param budget: seconds for which servers stand still, from the first freeze request to the last thaw.
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
        self._shield = contextlib.ExitStack()
        self._crew: Crew[Member] | None = None
        #: Seconds for which the requests of one thaw are repeated: whoever can be thawed does not wait for whoever cannot.
        self._thaw_patience = min(limits.freeze, _HOLD_UP_SECONDS)

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

        From here to :meth:`close` or :meth:`publish` signals take effect only inside :meth:`exposed`: one between
        any two other steps would leave servers frozen.

        :raises FreezeFailed: when a guard or a freeze failed; everything is thawed by then.
        """
        self._shield.enter_context(self._interruption.shielded())
        try:
            self._each(self.members, self._arm, "The guards could not be armed")
            for tier in self._tiers:
                self._stop_if_told()
                self._each(tier, self._freeze, "The servers could not be frozen")
                self.check_budget()
        except BaseException:
            self.close()
            raise

    def exposed(self) -> contextlib.AbstractContextManager[None]:
        """Within the window, let a signal end what is inside, and then the freeze."""
        return self._interruption.exposed()

    @property
    def thaw_order(self) -> list[Member]:
        """The members in the order in which they are thawed: tiers in the reverse order, and within a tier first whoever was frozen first."""
        return [member for tier in reversed(self._tiers) for member in tier]

    def release(self, is_done_with: t.Callable[[Server], bool]) -> None:
        """Begin to thaw whoever need not stand still any longer; others go on standing still.

        Tiers keep their order: none is begun with before all servers of those that come before it were seen thawed. What fails is tried
        again by :meth:`close`.

        :param is_done_with: whether a server is not needed any more.
        """
        # A signal between beginning a thaw and noting that would have it done twice at once.
        with self._interruption.shielded():
            thawers = self._thawers()
            for tier in reversed(self._tiers):
                for member in tier:
                    if not member.thaw_requested and is_done_with(member.server):
                        thawers.begin(member)
                if not all(member.is_thawed for member in tier):
                    return

    def publish(self) -> None:
        """Mark the servers as frozen, for other processes that rely on it.

        :raises FreezeFailed: when that could not be done; everything is thawed by then.
        """
        try:
            self._each(self.members, self._publish, "The freeze could not be marked on the servers")
            # A signal that came meanwhile counts here, where it still ends the freeze.
            self._shield.close()
        except BaseException:
            self.close()
            raise

    def adopt(self) -> None:
        """Take over members that another process has frozen, so that :meth:`close` thaws them."""
        for member in self.members:
            member.freeze_requested = self._clock.moment()
            member.guard_armed = True
            member.mark = FreezeMark.of(member.server)
            member.guard_until = _until(member.mark, member.freeze_requested)
        # Before the first thaw, nobody may take the freeze for one that still stands.
        outcomes = attempt_each(self.members, self._announce_thaw, self._limits.concurrency)
        for member, outcome in zip(self.members, outcomes, strict=True):
            if outcome.error:
                member.interrupted = "its mark could not be updated before the thaw"
                if self._is_replaced(member):
                    member.freeze_requested, member.thaw_error = None, "another run has frozen it meanwhile, and will thaw it."

    def close(self) -> None:
        """Thaw every member in the reverse order, disarm the guards of those that are thawed.

        :raises FreezeFailed: when a thaw could not be confirmed, with what to do.
        """
        with self._shield, self._interruption.shielded():
            self._thaw_all()
            # The guard of a server whose thaw is not confirmed is what is left to thaw it; its mark tells others to try.
            armed = [member for member in self.members if member.guard_armed and not member.thaw_error]
            try:
                attempt_each(armed, self._disarm, self._limits.concurrency)
            finally:
                # Whatever went wrong: who may still be frozen counts more.
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
        """When the last server's thaw was confirmed; None as long as that of any that was to be frozen is not."""
        asked = [member for member in self.members if member.freeze_requested]
        if not all(member.thawed for member in asked):
            return None
        return max(_known(m.thawed for m in asked), key=_monotonic, default=None)

    @property
    def standstill(self) -> float:
        """Seconds since the first server's freeze was requested, until the last thaw if there was one."""
        if not self.started:
            return 0.0
        return (self.ended.monotonic if self.ended else self._clock.now()) - self.started.monotonic

    @property
    def frozen_seconds(self) -> float:
        """Seconds since the last server was frozen; 0 before."""
        return self._clock.now() - self.all_frozen.monotonic if self.all_frozen else 0.0

    @property
    def budget(self) -> int:
        """Seconds for which servers may stand still."""
        return self._limits.budget

    @property
    def expected_thaw(self) -> float:
        """Seconds that the thaw of whoever is not thawed yet will take: by the thaws so far, or else by the quicker ones of the freezes.

        With nothing to flush, a freeze is as much work as a thaw. The very quickest was asked for before the site was busy with others.
        """
        thaws = [m.thawed.monotonic - m.thaw_requested.monotonic for m in self.members if m.thaw_requested and m.thawed]
        freezes = [m.frozen.monotonic - m.freeze_requested.monotonic for m in self.members if m.freeze_requested and m.frozen]
        one = statistics.median(thaws) if thaws else _lower_quartile(freezes)
        left = [sum(1 for m in tier if m.freeze_requested and not m.is_thawed) for tier in self._tiers]
        rounds = sum(math.ceil(count / self._limits.concurrency) for count in left)
        return min(one * rounds, self._limits.budget * _THAW_SHARE)

    def remaining(self) -> float:
        """Seconds until the thaw must begin to be over within the budget."""
        return self._limits.budget - self.standstill - self.expected_thaw

    def check_budget(self) -> None:
        """Require that budget is left.

        :raises FreezeFailed: when the budget is used up.
        """
        if self.remaining() <= 0:
            late = [m.server.label for m in self.members if not m.frozen]
            done = len(self.members) - len(late)
            raise FreezeFailed(
                f"The budget of {self._limits.budget} s was too short: after {self.standstill:.1f} s {done} of {len(self.members)} "
                f"servers were frozen ({done / max(self.standstill, 0.1):.1f} per second), and their thaw is expected to take "
                f"{self.expected_thaw:.1f} s." + (f" Not frozen yet: {listed(late)}." if late else ""),
                "Raise budget and guard_timeout, raise concurrency, use fewer tiers, or find out which server's hooks are slow.",
            )

    def _stop_if_told(self) -> None:
        with self.exposed():
            return

    def _arm(self, member: Member) -> None:
        # Set first: a guard whose confirmation was lost must be disarmed all the same.
        member.guard_armed = True
        until = self._clock.moment().after(self._limits.guard)
        member.mark = FreezeMark.new(member.driver.name, str(until))
        with self._hurrying():
            self._marks.put(member.server, member.mark)
        # What the mark took is gone: the mark and the guard mean the same moment.
        armed = self._clock.moment()
        seconds = math.ceil(until.monotonic - armed.monotonic)
        if seconds < _LEAST_GUARDED:
            raise _too_late(member)
        member.guard_until = armed.after(seconds)
        with self._hurrying():
            member.driver.arm_guard(member.mark.on(member.server), seconds)

    def _publish(self, member: Member) -> None:
        member.mark = dataclasses.replace(
            t.cast(FreezeMark, member.mark),
            requested=str(member.freeze_requested),
            frozen=str(member.frozen),
            filesystems=member.filesystems_frozen,
            guard=member.guard,
        )
        with self._hurrying():
            self._marks.put(member.server, member.mark)

    def _announce_thaw(self, member: Member) -> None:
        if not member.mark:
            return
        if member.mark.frozen:
            member.frozen = member.freeze_requested
            member.filesystems_frozen = member.mark.filesystems
        with leeway.hurried(_HOLD_UP_SECONDS):
            self._marks.put(member.server, dataclasses.replace(member.mark, thawing=True))

    def _freeze(self, member: Member) -> None:
        """Freeze, unless it is too late: this process may have been stopped for any time since its guard was armed."""
        guarded = self._guarded(member)
        if guarded < _LEAST_GUARDED:
            raise _too_late(member)
        self.check_budget()
        seconds = min(self._limits.freeze, self.remaining(), guarded)
        with leeway.hurried(seconds):
            member.freeze(seconds, self._clock)
        if self._guarded(member) <= 0:
            raise _too_late(member)

    def _hurrying(self) -> contextlib.AbstractContextManager[None]:
        """Repeat requests for no longer than the freeze of a server may take: what is next in turn must not wait for them."""
        return leeway.hurried(self._limits.freeze)

    def _guarded(self, member: Member) -> float:
        """Seconds until a server's guard fires."""
        return member.guard_until.monotonic - self._clock.now() if member.guard_until else 0.0

    def _thawers(self) -> Crew[Member]:
        """Those who thaw."""
        self._crew = self._crew or Crew(self._thaw, self._limits.concurrency)
        return self._crew

    def _thaw_all(self) -> None:
        """Thaw tier by tier whoever is not thawed yet; retry failures after all others."""
        steps = [[member for member in tier if member.freeze_requested and not member.is_thawed] for tier in reversed(self._tiers)]
        if not (any(steps) or self._crew):
            return
        thawers = self._thawers()
        try:
            for attempt in range(_THAW_TRIES):
                if attempt and any(steps):
                    self._clock.sleep(_THAW_PAUSE)
                    self._thaw_patience = self._limits.freeze
                for step in steps:
                    thawers.finish(step)
                steps = [[member for member in step if member.thaw_error] for step in steps]
        finally:
            thawers.end()
            self._crew = None

    def _thaw(self, member: Member) -> None:
        """Thaw a server unless that is done, and note why it failed if it does."""
        if member.is_thawed:
            return
        try:
            with leeway.hurried(self._thaw_patience):
                member.thaw(self._clock)
        except Exception as error:
            # Of whatever kind: the other servers must be thawed all the same.
            member.thaw_error = str(error) if isinstance(error, DrError) else repr(error)
        else:
            member.thaw_error = None

    def _disarm(self, member: Member) -> None:
        with self._hurrying():
            if self._is_replaced(member):
                # Guard and mark on the server are those of the other freeze by now.
                member.interrupted = "somebody else has frozen it again meanwhile"
                return
            try:
                member.guard_fired = member.driver.disarm_guard(member.server)
            finally:
                self._marks.remove(member.server, member.mark)

    def _is_replaced(self, member: Member) -> bool:
        """Whether the mark is another freeze's; notes what makes it uncertain that this one held all the time."""
        try:
            found = self._marks.current(member.server.id)
        except DrError:
            member.interrupted = member.interrupted or "its mark could not be read after the thaw"
            return False
        if found is None and member.mark:
            member.interrupted = member.interrupted or "somebody else has removed its mark and may have thawed it"
        return bool(found and (member.mark is None or found.token != member.mark.token))

    def _each(
        self, members: t.Sequence[Member], act: t.Callable[[Member], None], failure: str
    ) -> None:
        outcomes = attempt_each(members, act, self._limits.concurrency)
        errors = dict.fromkeys(str(outcome.error) for outcome in outcomes if outcome.error)
        if errors:
            raise FreezeFailed(f"{failure}; all servers are thawed again. " + " ".join(errors))

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


def _until(mark: FreezeMark | None, now: Moment) -> Moment | None:
    """When the guard of a marked freeze fires; None when that is unknown: anybody in the project can write marks."""
    try:
        return now.after((datetime.datetime.fromisoformat(mark.until) - now.wall).total_seconds()) if mark else None
    except (OverflowError, TypeError, ValueError):
        return None


def _too_late(member: Member) -> FreezeFailed:
    return FreezeFailed(
        f"Server {member.server.label} must not be frozen: its guard fires too soon, or has fired.",
        "Raise guard_timeout, or find out what delayed this process between arming the guards and freezing.",
    )


def _lower_quartile(lengths: t.Collection[float]) -> float:
    """The length that a quarter of them falls short of; 0 when there are none."""
    return sorted(lengths)[len(lengths) // 4] if lengths else 0.0


def _known(moments: t.Iterable[Moment | None]) -> list[Moment]:
    return [moment for moment in moments if moment]


def _monotonic(moment: Moment) -> float:
    return moment.monotonic
