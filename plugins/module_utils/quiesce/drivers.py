# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to freeze servers that there are: the only file that knows each of them.

A new one is a file of its own and a line of :data:`_KINDS`.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.compute import Compute
from ..core.errors import InvalidInput
from .driver import QuiesceDriver
from .guard_process import GuardProcess
from .libvirt import LibvirtDriver
from .nova import NovaDriver
from .pause import PauseDriver

#: Stands for the best driver that works.
AUTO = "auto"


def _no_guards(driver: str) -> GuardProcess | None:
    return None


@dataclasses.dataclass(frozen=True)
class Reach:
    """How the servers of a cloud are reached by those who freeze and thaw them.

    :param compute: whose credentials may do it.
    :param libvirt_uri: of a compute host's libvirt; None when there is none.
    :param thaw_timeout: seconds that the thaw of a server may take.
    :param guard_timeout: seconds for which a server will be frozen at most; 0 for those who only thaw.
    :param guards: what holds a driver's guards beside the controller, by the driver's name; nothing for those who only thaw.
    """

    compute: Compute
    libvirt_uri: str | None
    thaw_timeout: int
    guard_timeout: int = 0
    guards: t.Callable[[str], GuardProcess | None] = _no_guards


class _Kind(t.NamedTuple):
    driver: type[QuiesceDriver]
    make: t.Callable[[Reach], QuiesceDriver]


#: The best first.
_KINDS = (
    _Kind(NovaDriver, lambda reach: NovaDriver(reach.compute, reach.guard_timeout, reach.thaw_timeout)),
    _Kind(LibvirtDriver, lambda reach: LibvirtDriver(reach.libvirt_uri, reach.thaw_timeout, reach.guards(LibvirtDriver.name))),
    _Kind(PauseDriver, lambda reach: PauseDriver(reach.compute, reach.thaw_timeout, reach.guards(PauseDriver.name))),
)


def drivers(reach: Reach) -> dict[str, QuiesceDriver]:
    """Every driver by its name, the best first."""
    return {kind.driver.name: kind.make(reach) for kind in _KINDS}


def driver_named(name: str, reach: Reach) -> QuiesceDriver:
    """:raises InvalidInput: when there is none of this name."""
    for kind in _KINDS:
        if kind.driver.name == name:
            return kind.make(reach)
    raise InvalidInput(f"There is no driver '{name}' that freezes and thaws servers.")


def consistencies() -> dict[str, str]:
    """What snapshots are that were taken while a driver's freeze held, by the driver's name."""
    return {kind.driver.name: kind.driver.consistency for kind in _KINDS}


def require_reach(name: str, libvirt_uri: str | None) -> None:
    """:raises InvalidInput: when a driver is named that cannot reach anybody."""
    if name == LibvirtDriver.name and not libvirt_uri:
        raise InvalidInput("The driver libvirt needs libvirt_uri.", "For example qemu+ssh://root@{host}/system?no_tty=1.")
