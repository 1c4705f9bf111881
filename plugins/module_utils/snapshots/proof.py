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

from ..quiesce.drivers import consistencies
from ..quiesce.window import Member
from ..work.clock import Moment

#: What snapshots are that were taken while a driver's freeze held.
LEVEL_OF_DRIVER = consistencies()


@dataclasses.dataclass(frozen=True)
class Taken:
    """When a snapshot was requested, and when it was seen complete."""

    requested: Moment
    complete: Moment


def of_frozen(member: Member, taken: t.Iterable[Taken]) -> tuple[str, str]:
    """Consistency of a server that was to be frozen around its snapshots, and why.

    :param taken: of all snapshots of the server's volumes.
    """
    doubt = member.doubt or _doubt_of_times(member, taken)
    if doubt:
        return "crash", doubt
    level = member.driver.consistency
    return level, f"{'paused' if level == 'paused' else 'frozen'} around every snapshot"


def _doubt_of_times(member: Member, taken: t.Iterable[Taken]) -> str | None:
    for one in taken:
        before = one.requested.monotonic < member.frozen.monotonic
        after = one.complete.monotonic > member.thaw_requested.monotonic
        if before or after:
            return "a snapshot was not taken within the freeze"
    return None
