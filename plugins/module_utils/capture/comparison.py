# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare an application as it runs with a checkpoint."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..cloud.compute import Compute
from ..cloud.session import Cloud
from ..core.records import Server
from ..manifest.manifest import ApplicationDescription
from .describe import describe
from .look import CaptureSite, look

_OF_SERVERS = "compute:"


@dataclasses.dataclass(frozen=True)
class Stranger:
    """A server beside an application's own ones that is in none of its tiers, so that no checkpoint has it.

    :param reasons: what it shares with the application.
    """

    id: str
    name: str
    reasons: tuple[str, ...]


def running(cloud: Cloud, application: Application, concurrency: int) -> tuple[ApplicationDescription, list[Stranger]]:
    """What runs at a site now of an application, and who stands beside it.

    :param concurrency: how many calls at once.
    :raises CheckFailed: when it cannot be described.
    """
    seen = look(cloud, application, concurrency)
    return describe(application, seen), strangers(seen, Compute(cloud).servers())


def strangers(seen: CaptureSite, servers: t.Iterable[Server]) -> list[Stranger]:
    """Servers on the application's networks or in its server groups that belong to no tier, by name.

    :param servers: all of the project.
    """
    own = {server.id for server in seen.servers.values()}
    others = sorted((server for server in servers if server.id not in own), key=lambda server: (server.name, server.id))
    found = [Stranger(server.id, server.name, tuple(_reasons(seen, own, server))) for server in others]
    return [one for one in found if one.reasons]


def _reasons(seen: CaptureSite, own: t.Collection[str], other: Server) -> t.Iterator[str]:
    networks = {port.network_id for port in seen.ports if port.device_id in own}
    shared = {port.network_id for port in seen.ports if port.device_id == other.id and port.device_owner.startswith(_OF_SERVERS)} & networks
    yield from (f"on network {name}" for name in sorted(seen.networks[one].name for one in shared if one in seen.networks))
    groups = [group for group in seen.server_groups if other.id in group.member_ids and group.member_ids & set(own)]
    yield from (f"in server group {name}" for name in sorted(group.name for group in groups))
