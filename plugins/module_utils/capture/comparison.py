# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare an application as it runs with a checkpoint."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..cloud.compute import Compute
from ..cloud.session import Cloud
from ..core.errors import NotFound
from ..core.records import Server
from ..manifest.changes import Change, changes, difference
from ..manifest.manifest import ApplicationDescription, Manifest
from ..manifest.user_data import without_user_data
from .describe import describe
from .job import missing_of
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

    def __str__(self) -> str:
        return f"server {self.name} ({self.id}) is {' and '.join(self.reasons)}, but in no tier of the application"


@dataclasses.dataclass(frozen=True)
class Running:
    """What runs at a site now of an application.

    :param strangers: who stands beside it.
    :param failures: why some of what is not protected could not be looked at.
    """

    description: ApplicationDescription
    strangers: tuple[Stranger, ...]
    failures: tuple[str, ...] = ()


def running(cloud: Cloud, application: Application, concurrency: int) -> Running:
    """What runs at a site now of an application: of its servers, those that are there.

    :param concurrency: how many calls at once.
    :raises NotFound: when none of its servers is there.
    :raises CheckFailed: when it cannot be described.
    """
    servers = Compute(cloud).servers()
    present = _present(application, servers)
    if not present.tiers:
        raise NotFound(
            f"Site '{cloud.site}' has none of the servers of application '{application.name}' in the project.", "Check source_cloud, and its project."
        )
    seen = look(cloud, present, concurrency)
    missing, failures = missing_of(cloud, seen, concurrency)
    description = dataclasses.replace(describe(present, seen), missing=tuple(missing))
    return Running(description, tuple(strangers(seen, servers)), failures)


def _present(application: Application, servers: t.Iterable[Server]) -> Application:
    """The application without the servers that are gone, and without tiers that have none left."""
    known = {text for server in servers for text in (server.id, server.name)}
    narrowed = [dataclasses.replace(tier, servers=tuple(one for one in tier.servers if one in known)) for tier in application.tiers]
    return dataclasses.replace(application, tiers=tuple(tier for tier in narrowed if tier.servers))


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


def compared(since: Manifest, later: str | None, now: Running) -> dict[str, t.Any]:
    """What has changed since a checkpoint, as results show it.

    :param later: id of the checkpoint that is compared with it; None for what runs, of which nobody may see the user data.
    """
    before = since.description if later else without_user_data(since.description)
    after = dataclasses.replace(now.description, missing=before.missing) if now.failures else now.description
    found = changes(before, after)
    return {
        "since": since.checkpoint.id,
        "later": later,
        "changes": [{**dataclasses.asdict(one), "text": str(one)} for one in found],
        "strangers": [{**dataclasses.asdict(one), "text": str(one)} for one in now.strangers],
        "diff": {
            "before_header": f"checkpoint {since.checkpoint.id}",
            "after_header": f"checkpoint {later}" if later else "what runs now",
            **_diff(found, now.strangers),
        },
    }


def _diff(found: t.Iterable[Change], strangers: t.Iterable[Stranger]) -> dict[str, t.Any]:
    """The differences as Ansible shows them with --diff."""
    before, after = ({" ".join(part): attributes for part, attributes in side.items()} for side in difference(found))
    beside = {f"server {one.name} of no tier": {"reasons": one.reasons} for one in strangers}
    return {"before": before, "after": {**after, **beside}}
