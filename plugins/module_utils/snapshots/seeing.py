# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe what surrounds the snapshots of a set: freezes that others hold, and servers that are shut down."""

from __future__ import annotations

import typing as t

from ..cloud.compute import Compute
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

    def still_off(self) -> set[str]:
        """Ids of the servers that were shut down before the snapshots, and still are."""
        off = {server.id for server in self._servers if server.status == "SHUTOFF"}
        return {one for one in off if self._compute.server(one).status == "SHUTOFF"}
