# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of no application, which nobody protects. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.records import Server


@dataclasses.dataclass(frozen=True)
class Unprotected:
    """The servers of a project that nobody protects.

    :param gigabytes: GiB of data of each, by the server's id.
    :param is_planned: whether the site plan has the project.
    """

    project: str
    servers: tuple[Server, ...]
    gigabytes: t.Mapping[str, int]
    is_planned: bool = True

    @property
    def since(self) -> str:
        """When the oldest of them was made."""
        return min(server.created_at for server in self.servers)

    def summary(self) -> dict[str, t.Any]:
        return {"count": len(self.servers), "gigabytes": sum(self.gigabytes.values()), "since": self.since}

    def as_dict(self) -> dict[str, t.Any]:
        listed = [{"id": one.id, "name": one.name, "gigabytes": self.gigabytes[one.id], "since": one.created_at} for one in self.servers]
        return {"project": self.project, "planned": self.is_planned, **self.summary(), "servers": sorted(listed, key=lambda one: (one["since"], one["id"]))}


def unprotected(project: str, strays: t.Iterable[Server], sizes: t.Mapping[str, int], is_planned: bool = True) -> Unprotected:
    """Those of a project, the oldest first.

    :param sizes: GiB of each volume of the project, by its id.
    """
    servers = tuple(sorted(strays, key=lambda one: (one.created_at, one.id)))
    return Unprotected(project, servers, {server.id: _gigabytes(server, sizes) for server in servers}, is_planned)


def _gigabytes(server: Server, sizes: t.Mapping[str, int]) -> int:
    root = server.flavor.disk if server.boots_from_image else 0
    return root + server.flavor.ephemeral + sum(sizes.get(volume, 0) for volume, _goes_with_it in server.volumes)
