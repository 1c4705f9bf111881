# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of drivers, which freeze servers; the only module that knows them all.

A new driver is a file of its own and a line of :data:`_KINDS`.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.compute import Compute
from ..core.errors import InvalidInput
from .driver import QuiesceDriver
from .guard_process import GuardProcess
from .libvirt import LibvirtDriver
from .mark import FreezeMark
from .nova import NovaDriver
from .pause import PauseDriver
from .unknown import UnknownDriver

#: Stands for the best driver that works.
AUTO = "auto"


def _no_guards(driver: str) -> GuardProcess | None:
    return None


@dataclasses.dataclass(frozen=True)
class Reach:
    """How drivers reach the servers of a cloud.

    :param compute: with credentials that may freeze and thaw.
    :param libvirt_uri: of a compute host's libvirt; None when there is none.
    :param thaw_timeout: seconds that the thaw of a server may take.
    :param guard_timeout: seconds for which a server is frozen at most; 0 for thawing only.
    :param guards: makes the process that holds a driver's guards beside the controller, by the driver's name; none for thawing only.
    """

    compute: Compute
    libvirt_uri: str | None
    thaw_timeout: int
    guard_timeout: int = 0
    guards: t.Callable[[str], GuardProcess | None] = _no_guards


class _DriverKind(t.NamedTuple):
    driver: type[QuiesceDriver]
    make: t.Callable[[Reach], QuiesceDriver]


#: The best first.
_KINDS = (
    _DriverKind(NovaDriver, lambda reach: NovaDriver(reach.compute, reach.guard_timeout, reach.thaw_timeout)),
    _DriverKind(LibvirtDriver, lambda reach: LibvirtDriver(reach.libvirt_uri, reach.thaw_timeout, reach.guards(LibvirtDriver.name))),
    _DriverKind(PauseDriver, lambda reach: PauseDriver(reach.compute, reach.thaw_timeout, reach.guards(PauseDriver.name))),
)


def drivers(reach: Reach) -> dict[str, QuiesceDriver]:
    """Every driver by its name, the best first."""
    return {kind.driver.name: kind.make(reach) for kind in _KINDS}


def driver_of(mark: FreezeMark, known: t.Mapping[str, QuiesceDriver]) -> QuiesceDriver:
    """The driver that a mark names: nobody else can tell of its freeze, nor end it.

    :param known: every driver by its name.
    """
    return known.get(mark.driver) or UnknownDriver()


def driver_named(name: str, reach: Reach) -> QuiesceDriver:
    """The driver of this name.

    :raises InvalidInput: when there is none.
    """
    for kind in _KINDS:
        if kind.driver.name == name:
            return kind.make(reach)
    raise InvalidInput(f"'{name}' is not a driver that freezes servers; use one of {', '.join(kind.driver.name for kind in _KINDS)}.")


def consistencies() -> dict[str, str]:
    """The consistency of snapshots taken during a driver's freeze, by the driver's name."""
    return {kind.driver.name: kind.driver.consistency for kind in _KINDS}


def require_reach(name: str, libvirt_uri: str | None) -> None:
    """Refuse a driver without what it needs to reach servers.

    :raises InvalidInput: when libvirt_uri is missing.
    """
    if name == LibvirtDriver.name and not libvirt_uri:
        raise InvalidInput("The driver libvirt needs libvirt_uri.", "For example qemu+ssh://root@{host}/system?no_tty=1.")
