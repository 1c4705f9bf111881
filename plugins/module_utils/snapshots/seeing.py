# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe what surrounds the snapshots of a set: freezes that others hold, and servers that stand still by themselves."""

from __future__ import annotations

import typing as t

from ..cloud.compute import Compute
from ..core.records import Server
from ..core.states import ServerState, stands_still, state_of
from ..quiesce.mark import FreezeMark
from ..work.pool import each
from .wanted import Wanted


class Seeing:
    """Observes the servers around the snapshots of a set.

    :param compute: may show all servers of the set.
    """

    def __init__(self, compute: Compute, wanted: Wanted, concurrency: int) -> None:
        self._compute = compute
        self._servers = [member.server for member in wanted.members]
        self._concurrency = concurrency

    def standing(self) -> dict[str, FreezeMark]:
        """Freezes of os_server_quiesce that are confirmed and not being ended, per server id."""
        marked = [server.id for server in self._servers if FreezeMark.stands_on(server)]
        found = each(marked, self._compute.server, self._concurrency)
        return {one.id: t.cast(FreezeMark, FreezeMark.of(one)) for one in found if FreezeMark.stands_on(one)}

    def still(self) -> dict[str, ServerState]:
        """The servers that stood still by themselves before the snapshots and have ever since: the state of each, per id."""
        before = {server.id: server for server in self._servers if stands_still(server)}
        found = each(before, self._compute.server, self._concurrency)
        return {one.id: state_of(one) for one in found if stands_still(one) and _is_unchanged(before[one.id], one)}


def _is_unchanged(before: Server, after: Server) -> bool:
    """Whether nothing was done to a server: one that was started and stopped meanwhile is another one to Nova."""
    return (before.status, before.updated_at) == (after.status, after.updated_at)
