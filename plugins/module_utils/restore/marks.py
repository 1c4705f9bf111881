# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks by which a restore or a drill finds what it made. Pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..application.definition import require_beside_id, require_checkpoint_id, require_drill_id, require_name
from ..core.marking import Mark
from ..core.records import FloatingIp, Port, Server, Trunk, Volume
from ..manifest.manifest import Manifest
from .site import RestoreSite

Marked = t.TypeVar("Marked")
Described = t.TypeVar("Described", FloatingIp, Port)

#: Whose the ports are by which routers join subnets.
INTERFACE = "network:router_interface"


def owner_of(manifest: Manifest) -> Mark:
    """The restore, or the drill, or what is done beside the application, that makes things of a manifest."""
    return Mark(manifest.application.name, manifest.checkpoint.id, drill=manifest.drill, apart=manifest.beside)


def named_owner(application: str, checkpoint: str, drill: str | None = None, beside: str | None = None) -> Mark:
    """The same, by what somebody calls it: whose the marks are needs no manifest.

    :raises InvalidInput: for what cannot be a name or an id.
    """
    return Mark(
        require_name("the name of an application", application),
        require_checkpoint_id(checkpoint),
        drill=None if drill is None else require_drill_id(drill),
        apart=None if beside is None else require_beside_id(beside),
    )


def mark_of(manifest: Manifest, source: str) -> Mark:
    return dataclasses.replace(owner_of(manifest), source=source)


def _belongs(mark: Mark | None, owner: Mark) -> bool:
    return mark is not None and mark.is_of(owner)


def bears_mark_of(owner: Mark, text: str | None) -> bool:
    """Whether a description or a public key is that of something that a restore or drill made."""
    return _belongs(Mark.of_text(text), owner)


def made_with(mark: Mark, there: Described | None) -> Described | None:
    """What is there, where it has this very mark: of what somebody else made, nobody asks what it lacks."""
    return there if there and Mark.of_text(there.description) == mark else None


def by_mark(found: t.Iterable[Marked], read: t.Callable[[Marked], Mark | None]) -> t.Mapping[Mark | None, list[Marked]]:
    """Index resources by their mark, so that each mark is read once."""
    marked: dict[Mark | None, list[Marked]] = collections.defaultdict(list)
    for one in found:
        marked[read(one)].append(one)
    return marked


def is_restored_elsewhere(mark: Mark, volumes: t.Iterable[Volume]) -> bool:
    """Whether a drill, or another one, or the restore itself has a volume of the same copy."""
    others = (Mark.of_volume(volume) for volume in volumes)
    return any(other is not None and other != mark and dataclasses.replace(other, drill=mark.drill, apart=mark.apart) == mark for other in others)


def made_volumes(owner: Mark, volumes: t.Iterable[Volume]) -> list[Volume]:
    """All volumes that a restore or drill made."""
    return [volume for volume in volumes if _belongs(Mark.of_volume(volume), owner)]


@dataclasses.dataclass(frozen=True)
class MadeServers:
    """Servers and what leads to them that a restore or drill made.

    :param left: what others use by now, each with the reason why it stays.
    """

    servers: tuple[Server, ...]
    floating_ips: tuple[FloatingIp, ...]
    ports: tuple[Port, ...]
    trunks: tuple[Trunk, ...] = ()
    left: tuple[str, ...] = ()

    @classmethod
    def of(cls, owner: Mark, site: RestoreSite) -> MadeServers:
        servers = tuple(one for one in site.servers if _belongs(Mark.of_metadata(one.metadata), owner))
        ports = tuple(one for one in site.ports if bears_mark_of(owner, one.description) and not _is_of_router(one))
        going = {port.id for port in site.ports if port in ports or port.device_id in {one.id for one in servers}}
        uses = [(one, sorted(one.ports - going)) for one in site.floating_ips if bears_mark_of(owner, one.description)]
        return cls(
            servers=servers,
            floating_ips=tuple(one for one, others in uses if not others),
            ports=ports,
            trunks=tuple(one for one in site.trunks if bears_mark_of(owner, one.description)),
            left=tuple(f"Floating address {one.ip_address} stays: it leads to port {others[0]} of others." for one, others in uses if others),
        )

    @property
    def anything(self) -> bool:
        return bool(self.servers or self.floating_ips or self.ports or self.trunks)


def _is_of_router(port: Port) -> bool:
    """Interfaces of routers go with these; one that a killed run made belongs to none yet."""
    return port.device_owner.startswith("network:") and bool(port.device_id)
