# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The consistency of a set of snapshots, computed from evidence and never from intent.

All comparisons use the monotonic clock of the one process that asked for freeze,
snapshots and thaw, so the clocks of the clouds do not matter: a snapshot requested after
the freeze was confirmed, and seen complete before the thaw was requested, was taken in
between.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..quiesce.driver import QUIESCED
from ..quiesce.drivers import consistencies
from ..quiesce.mark import FreezeMark
from ..quiesce.window import Member
from ..work.clock import Moment

#: What snapshots are that were taken while a driver's freeze held.
LEVEL_OF_DRIVER = consistencies()
_NO_TIME = "its mark does not say when its guard fires"
_NO_FREEZE = "its mark does not say when it was frozen"


@dataclasses.dataclass(frozen=True)
class Taken:
    """When a snapshot was requested, and when it was seen complete."""

    requested: Moment
    complete: Moment


def of_frozen(member: Member, taken: t.Sequence[Taken], hold: int | None = None) -> tuple[str, str]:
    """Consistency of a server that was to be frozen around its snapshots, and why.

    :param taken: of all snapshots of the server's volumes.
    :param hold: seconds for which its guest holds a freeze at most; None for as long as it is told to.
    """
    doubt = member.doubt or _doubt_of_times(member.frozen, member.thaw_requested, taken) or _doubt_of_hold(member, taken, hold)
    if doubt:
        return "crash", doubt
    level = member.driver.consistency
    return level, f"{'paused' if level == 'paused' else 'frozen'} around every snapshot"


def doubt_of_mark(mark: FreezeMark, taken: t.Sequence[Taken], hold: int | None = None) -> str | None:
    """Why snapshots may not have been taken within somebody else's freeze, according to its mark; None when they were.

    Its guard uses the wall clock. Marks are metadata of servers, which anybody in the project can write.

    :param hold: seconds for which the guest holds a freeze at most; None for as long as it is told to.
    """
    if not (_is_time(mark.requested) and _is_time(mark.frozen)):
        return _NO_FREEZE
    try:
        until = datetime.datetime.fromisoformat(mark.until)
        last = max(one.complete.wall for one in taken)
        is_over = last >= until
    except (ArithmeticError, TypeError, ValueError):
        return _NO_TIME
    if is_over:
        return "a snapshot was complete only after the guard's time was over"
    # What is left is a time at which no guard fires.
    if mark.is_leftover_at(last):
        return _NO_TIME
    is_counted = mark.filesystems is not None or LEVEL_OF_DRIVER.get(mark.driver) != QUIESCED
    requested = datetime.datetime.fromisoformat(t.cast(str, mark.requested))
    return None if is_counted else _let_go((last - requested).total_seconds(), hold)


def _is_time(text: str | None) -> bool:
    try:
        return datetime.datetime.fromisoformat(text or "").tzinfo is not None
    except ValueError:
        return False


def _doubt_of_hold(member: Member, taken: t.Iterable[Taken], hold: int | None) -> str | None:
    """Why a guest that lets go by itself may have done so before the last snapshot; None where what it thawed was counted."""
    if member.driver.consistency != QUIESCED or member.filesystems_thawed is not None or member.freeze_requested is None:
        return None
    return _let_go(max(one.complete.monotonic for one in taken) - member.freeze_requested.monotonic, hold)


def _let_go(seconds: float, hold: int | None) -> str | None:
    """Why a freeze may have been over.

    :param seconds: from the request to freeze until the last snapshot was complete: nobody knows when in between the guest began to hold.
    """
    if hold is None or seconds < hold:
        return None
    return f"Windows holds a freeze for {hold} s, and the last snapshot was complete {seconds:.1f} s after it was asked for"


def _doubt_of_times(frozen: Moment | None, thawed: Moment | None, taken: t.Iterable[Taken]) -> str | None:
    """Why the times do not prove that the freeze was around all snapshots; None when they do.

    :param thawed: when the thaw was asked for.
    """
    if frozen and thawed and all(frozen.monotonic <= one.requested.monotonic and one.complete.monotonic <= thawed.monotonic for one in taken):
        return None
    return "a snapshot was not taken within the freeze"
