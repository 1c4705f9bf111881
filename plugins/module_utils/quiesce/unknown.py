# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for the driver of a mark that names none: the mark is damaged, or of another version."""

from __future__ import annotations

from ..core.errors import FreezeFailed
from ..core.records import Server
from ..core.text import told
from .driver import QuiesceDriver, Support, Thaw
from .mark import FreezeMark


class UnknownDriver(QuiesceDriver):
    """Can do nothing but say so: what another driver says of such a server may be of no freeze at all."""

    name = "unknown"

    def probe(self, server: Server) -> Support:
        return Support(str(_failure(server)))

    def arm_guard(self, server: Server, seconds: int) -> None:
        raise _failure(server)

    def freeze(self, server: Server, seconds: float) -> int | None:
        raise _failure(server)

    def thaw(self, server: Server) -> Thaw:
        raise _failure(server)

    def thaw_problem(self, server: Server) -> str | None:
        return str(_failure(server))

    def disarm_guard(self, server: Server) -> bool:
        raise _failure(server)


def _failure(server: Server) -> FreezeFailed:
    mark = FreezeMark.of(server)
    return FreezeFailed(
        f"The mark of server {server.label} names the unknown driver '{told(mark.driver if mark else '')}'.",
        "Thaw the server by hand and remove its metadata osdr_freeze.",
    )
