# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a restored server does its work: its health checks, made from where the module runs."""

from __future__ import annotations

import socket
import typing as t

from .application import Check
from .errors import WaitTimeout
from .waiting import Waiter

#: Seconds for one attempt; a guest that boots does not refuse, it does not answer.
_ATTEMPT = 2.0


def accepts(address: str, port: int) -> bool:
    """Whether a TCP connection can be made."""
    try:
        socket.create_connection((address, port), timeout=_ATTEMPT).close()
    except OSError:
        return False
    return True


def wait_until_ready(
    name: str,
    address: str,
    checks: t.Iterable[Check],
    waiter: Waiter,
    connect: t.Callable[[str, int], bool] = accepts,
) -> None:
    """Wait until all checks of a server pass; each has its own time from the start.

    :param waiter: for its interval and clock.
    :raises WaitTimeout: naming the server, the address and the port.
    """
    started = waiter.clock.now()
    for check in checks:
        left = started + check.timeout - waiter.clock.now()
        _wait_for(name, address, check, Waiter(max(0.0, left), waiter.interval, waiter.clock), connect)


def _wait_for(
    name: str, address: str, check: Check, waiter: Waiter, connect: t.Callable[[str, int], bool]
) -> None:
    try:
        waiter.until(f"port {check.port}", lambda: connect(address, check.port) or None)
    except WaitTimeout as error:
        raise WaitTimeout(
            f"Server '{name}' is active but does not accept connections at {address} port {check.port} after {check.timeout} s.",
            "Look at its console, and whether its security groups and the way from here allow the connection; then run again.",
        ) from error
