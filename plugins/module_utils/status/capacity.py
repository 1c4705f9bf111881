# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the hosts of a site have room for all servers that would be restored there. Pure.

Only processors and memory count: which host may have which server by its zone, aggregates or traits, only the scheduler knows.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.placement import HostRoom
from ..core.records import Flavor

#: By this a flavor asks for processors of its own.
_PINNED = ("hw:cpu_policy", "dedicated")


@dataclasses.dataclass(frozen=True)
class SiteCapacity:
    """How many servers fit.

    :param vcpus: that all servers need together, and that is left; so ``memory`` in MiB.
    """

    servers: int
    without_room: int
    vcpus: tuple[int, int]
    memory: tuple[int, int]

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "servers": self.servers,
            "without_room": self.without_room,
            "vcpus": dict(zip(("needed", "left"), self.vcpus, strict=True)),
            "memory": dict(zip(("needed", "left"), self.memory, strict=True)),
        }


def capacity(flavors: t.Sequence[Flavor], rooms: t.Iterable[HostRoom]) -> SiteCapacity:
    """Put one server after the other, the largest first, where most memory is left. A better order may fit a few more of them.

    :param flavors: of the servers.
    """
    left = [_Left(room.vcpus, room.pinned, room.memory) for room in rooms]
    there = (sum(one.vcpus + one.pinned for one in left), sum(one.memory for one in left))
    placed = sum(_place(flavor, left) for flavor in sorted(flavors, key=lambda one: (one.ram, one.vcpus), reverse=True))
    needed = (sum(one.vcpus for one in flavors), sum(one.ram for one in flavors))
    return SiteCapacity(len(flavors), len(flavors) - placed, (needed[0], there[0]), (needed[1], there[1]))


@dataclasses.dataclass
class _Left:
    vcpus: int
    pinned: int
    memory: int


def _place(flavor: Flavor, hosts: t.Sequence[_Left]) -> bool:
    name, value = _PINNED
    kind = "pinned" if (flavor.extra_specs or {}).get(name) == value else "vcpus"
    fitting = [host for host in hosts if getattr(host, kind) >= flavor.vcpus and host.memory >= flavor.ram]
    if not fitting:
        return False
    chosen = max(fitting, key=lambda host: host.memory)
    setattr(chosen, kind, getattr(chosen, kind) - flavor.vcpus)
    chosen.memory -= flavor.ram
    return True
