# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks by which a restore or a drill finds what it made. Pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..core.marking import Mark
from ..core.records import FloatingIp, Port, Server, Trunk, Volume
from ..manifest.manifest import Manifest
from .site import RestoreSite

Marked = t.TypeVar("Marked")


def owner_of(manifest: Manifest) -> Mark:
    """The restore, or the drill, or what is done beside the application, that makes things of a manifest."""
    return Mark(manifest.application.name, manifest.checkpoint.id, drill=manifest.drill, apart=manifest.beside)


def mark_of(manifest: Manifest, source: str) -> Mark:
    return dataclasses.replace(owner_of(manifest), source=source)


def _belongs(mark: Mark | None, owner: Mark) -> bool:
    return mark is not None and mark.is_of(owner)


def bears_mark_of(owner: Mark, text: str | None) -> bool:
    """Whether a description or a public key is that of something that a restore or drill made."""
    return _belongs(Mark.of_text(text), owner)


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
    """Servers and what leads to them that a restore or drill made."""

    servers: tuple[Server, ...]
    floating_ips: tuple[FloatingIp, ...]
    ports: tuple[Port, ...]
    trunks: tuple[Trunk, ...] = ()

    @classmethod
    def of(cls, owner: Mark, site: RestoreSite) -> MadeServers:
        return cls(
            servers=tuple(one for one in site.servers if _belongs(Mark.of_metadata(one.metadata), owner)),
            floating_ips=tuple(one for one in site.floating_ips if bears_mark_of(owner, one.description)),
            # Interfaces of routers go with these.
            ports=tuple(one for one in site.ports if bears_mark_of(owner, one.description) and not one.device_owner.startswith("network:")),
            trunks=tuple(one for one in site.trunks if bears_mark_of(owner, one.description)),
        )

    @property
    def anything(self) -> bool:
        return bool(self.servers or self.floating_ips or self.ports or self.trunks)
