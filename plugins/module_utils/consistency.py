# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is true of a set of snapshots, computed from evidence and never from intent.

All comparisons use the monotonic clock of the one process that asked for freeze,
snapshots and thaw, so the clocks of the clouds do not matter: a snapshot requested after
the freeze was confirmed, and seen complete before the thaw was requested, was taken in
between.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .freeze_window import Member, Moment

#: From the best to the least.
LEVELS = ("offline", "quiesced", "paused", "crash")


@dataclasses.dataclass(frozen=True)
class Taken:
    """When a snapshot was requested, and when it was seen complete."""

    requested: Moment
    complete: Moment


def weakest(levels: t.Iterable[str]) -> str:
    """The consistency of a whole is that of its weakest part."""
    return max(levels, key=LEVELS.index)


def satisfies(level: str, least: str) -> bool:
    return LEVELS.index(level) <= LEVELS.index(least)


def of_frozen(member: Member, taken: t.Iterable[Taken]) -> tuple[str, str]:
    """Consistency of a server that was to be frozen around its snapshots, and why.

    :param taken: of all snapshots of the server's volumes.
    """
    doubt = _doubt(member, taken)
    if doubt:
        return "crash", doubt
    level = member.driver.consistency
    return level, f"{'paused' if level == 'paused' else 'frozen'} around every snapshot"


def _doubt(member: Member, taken: t.Iterable[Taken]) -> str | None:
    if member.frozen is None or member.thaw_requested is None or member.thawed is None:
        return "the freeze or the thaw was not confirmed"
    if member.guard_fired is not False:
        return "the guard fired, or could not be asked whether it did"
    if member.interrupted:
        return member.interrupted
    if member.filesystems_frozen == 0 or member.filesystems_thawed != member.filesystems_frozen:
        return f"{member.filesystems_frozen} file systems were frozen and {member.filesystems_thawed} thawed"
    for one in taken:
        before = one.requested.monotonic < member.frozen.monotonic
        after = one.complete.monotonic > member.thaw_requested.monotonic
        if before or after:
            return "a snapshot was not taken within the freeze"
    return None
