# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Thawing what was left frozen, by the marks on the servers alone."""

from __future__ import annotations

from ..cloud.compute import Compute
from ..core.errors import DrError, FreezeFailed
from ..core.records import Server
from .driver import QuiesceDriver
from .libvirt import LibvirtDriver
from .mark import FreezeMark, FreezeMarks
from .nova import NovaDriver
from .pause import PauseDriver


class Thawing:
    """Thaws marked servers, each by the driver that its mark names.

    :param timeout: seconds that the thaw of one server may take.
    """

    def __init__(self, compute: Compute, libvirt_uri: str | None, timeout: int) -> None:
        drivers: list[QuiesceDriver] = [
            NovaDriver(compute, 0, timeout),
            LibvirtDriver(libvirt_uri, timeout),
            PauseDriver(compute, timeout),
        ]
        self._drivers = {driver.name: driver for driver in drivers}
        self._marks = FreezeMarks(compute)

    def thaw(self, server: Server) -> bool:
        """:returns: whether the server was still frozen."""
        name = FreezeMark.of(server).driver
        driver = self._drivers.get(name)
        if driver is None:
            raise FreezeFailed(
                f"The mark of server {server.label} names the unknown driver '{name}'.",
                "Thaw the server by hand and remove its metadata osdr_freeze.",
            )
        is_off = server.status == "SHUTOFF"
        thaw = None if is_off else driver.thaw(server)
        if not is_off:
            _disarm(driver, server)
        self._marks.remove(server)
        return bool(thaw and not thaw.interrupted and thaw.filesystems != 0)


def _disarm(driver: QuiesceDriver, server: Server) -> None:
    """A guard that cannot be disarmed fires into a running server, which does no harm."""
    try:
        driver.disarm_guard(server)
    except DrError:
        return
