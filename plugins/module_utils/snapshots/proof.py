# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The consistency of a set of snapshots, computed from evidence and never from intent.

All comparisons use the monotonic clock of the one process that asked for freeze, snapshots and thaw, so the clocks of the clouds do
not matter: a snapshot requested after the freeze was confirmed, and seen complete before the thaw was requested, was taken in
between.

**Why the snapshots of a window are of one moment**, though no two of them are taken at once, and though the first servers run again
before the last snapshots are taken. Let T be the moment at which the freeze of the last server was confirmed. A server counts only if

1. all snapshots of volumes that it can write to were requested at T or later,
2. all of them were seen available before its own thaw was requested, and
3. nothing shows that its standstill was broken in between (:attr:`~..quiesce.window.Member.doubt`).

So T is within the standstill of every server, and the cut of every volume is after T and within the standstill of each server that
can write to it. Between T and its cut nothing changed a volume: nobody could write to it, and what had been written before was not on
its way any more, since a freeze ends with flushing the guest's caches and its disks, and a pause with completing and flushing what
the hypervisor has in hand; what a storage has acknowledged to have flushed, its snapshots show. Therefore each snapshot shows what its
volume held at T, whenever it was cut and whatever others did by then, and the set shows the application as it was at T.

That includes causal order. Let a write to A lead to a write to B, over whatever servers, clients and services and however quickly, and let
B's snapshot show the second one. Then B's volume held it at T; the first one was acknowledged before, so A's volume held that at T, and
A's snapshot shows it.

* *A server that is thawed already* may write while others are still being snapshotted: to its own volumes, whose snapshots are
  complete, and to shared ones only when theirs are, because they are among its own. What it sends to a server that stands still, that one
  answers after its own thaw. None of it gets into a snapshot.
* *Clients and servers outside the application* run all the time. What was acknowledged to them before T is in the set. What they do
  with it afterwards, at any server, comes after T and is in no snapshot. Those that write to a volume themselves are strangers, and
  make the set ``crash``.
* *A freeze that breaks* after others were thawed lets the server write what they have led to since T, perhaps before its own cut. That
  breaks the moment for this server, and only for it: the others' snapshots are complete, or their servers stand still. Its own evidence shows
  it, and the set is what its weakest server is.
* *A server that stands still by itself* does so from before the first snapshot until after the last one, or the set is ``crash``. So its
  volumes are the same at T and whenever they are cut, also when all others run again.
* *A server that was thawed is never needed again.* A snapshot that fails ends the set. Only who is content with ``crash`` has missing ones
  taken later, outside of all standstills, and they are called that.

What is cut *before* T would show T as well if its server stands still from then on until T. It is not asked for at any level all the same:
it would hold up the freezes that are awaited, be in vain when one of them fails, and rest on a standstill after the cut, of which
a guest that lets go by itself shows nothing. What is thawed before T, on the other hand, never fits.
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


def of_frozen(member: Member, taken: t.Sequence[Taken], all_frozen: Moment | None, hold: int | None = None) -> tuple[str, str]:
    """Consistency of a server that was to be frozen around its snapshots, and why.

    :param taken: of all snapshots of volumes that the server can write to.
    :param all_frozen: when the freeze of the last server was confirmed: the moment for which all must stand.
    :param hold: seconds for which its guest holds a freeze at most; None for as long as it is told to.
    """
    doubt = (
        member.doubt
        or _doubt_of_times(member.frozen, member.thaw_requested, taken)
        or _doubt_of_moment(all_frozen, member.thaw_requested, taken)
        or _doubt_of_hold(member, taken, hold)
    )
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


def _doubt_of_moment(all_frozen: Moment | None, thawed: Moment | None, taken: t.Iterable[Taken]) -> str | None:
    """Why the snapshots may not be of the moment at which all servers stood still; None when they are.

    :param thawed: when the thaw was asked for.
    """
    if all_frozen is None or thawed is None or thawed.monotonic < all_frozen.monotonic:
        return "it was thawed before all servers were frozen"
    if any(one.requested.monotonic < all_frozen.monotonic for one in taken):
        return "a snapshot was asked for before all servers were frozen"
    return None
