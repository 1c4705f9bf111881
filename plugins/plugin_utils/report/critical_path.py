# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The critical path of a restore: the longest chain of steps that have to wait for each other. No restore is faster.

A server waits for its own volumes and for every server of the previous tier. Waiting for anything else (limits, the API,
volumes of other servers) is not part of the chain; it shows in the ratio.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .facts import RestoredServer, RestoreRun


@dataclasses.dataclass(frozen=True)
class PathLink:
    """A step of the critical path.

    :param kind: ``volume`` or ``server``.
    """

    kind: str
    name: str
    tier: str
    seconds: float


def critical_path(run: RestoreRun) -> tuple[PathLink, ...]:
    """The chain, its first link first; empty when no times are known."""
    chain: tuple[PathLink, ...] = ()
    for servers in run.tiers.values():
        chain = max((_chain_to(server, chain) for server in servers), key=length)
    return chain


def length(chain: t.Iterable[PathLink]) -> float:
    """Seconds that a chain takes."""
    return round(sum(link.seconds for link in chain), 3)


def ratio(run: RestoreRun) -> float | None:
    """How many times the chain's seconds the restore took; None when either is not known."""
    least = length(critical_path(run))
    return round(run.seconds / least, 2) if run.seconds and least else None


def _chain_to(server: RestoredServer, before: tuple[PathLink, ...]) -> tuple[PathLink, ...]:
    """The longest chain that ends with a server.

    :param before: the longest chain that ends with the previous tier.
    """
    volumes = [(_link("volume", volume.name, server.tier, volume.seconds),) for volume in server.volumes if volume.seconds]
    waited_for = max([before, *volumes], key=length)
    return (*waited_for, _link("server", server.name, server.tier, server.seconds)) if server.seconds else waited_for


def _link(kind: str, name: str, tier: str, seconds: float | None) -> PathLink:
    return PathLink(kind, name, tier, max(seconds or 0.0, 0.0))
