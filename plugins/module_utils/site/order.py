# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which applications are recovered: wave by wave, what others depend on first, then the more urgent. Pure."""

from __future__ import annotations

import graphlib
import heapq
import typing as t


class Ordered(t.Protocol):
    """What has a place in the order."""

    @property
    def name(self) -> str: ...

    @property
    def wave(self) -> str | None: ...

    @property
    def priority(self) -> int: ...

    @property
    def depends_on(self) -> t.Sequence[str]: ...


One = t.TypeVar("One", bound=Ordered)


def cycle_among(needs: t.Mapping[str, t.Iterable[str]]) -> list[str]:
    """Names of applications each of which depends on the next one, the last one being the first again; none where there is no such circle."""
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        # It names each before that which depends on it.
        return list(reversed(error.args[1]))
    return []


def in_order(applications: t.Iterable[One], waves: t.Sequence[str]) -> tuple[One, ...]:
    """Applications in the order of their recovery.

    :param applications: whose dependencies form no circle.
    """
    by_name = {one.name: one for one in applications}
    sorter = graphlib.TopologicalSorter({name: [other for other in one.depends_on if other in by_name] for name, one in by_name.items()})
    sorter.prepare()
    ready: list[tuple[int, int, str]] = []
    found = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(ready, (*place_of(by_name[name], waves), name))
        *_place, name = heapq.heappop(ready)
        found.append(by_name[name])
        sorter.done(name)
    return tuple(found)


def place_of(one: Ordered, waves: t.Sequence[str]) -> tuple[int, int]:
    """The place among those that wait for nothing: the wave's number, then the priority."""
    return waves.index(one.wave) if one.wave else 0, one.priority
