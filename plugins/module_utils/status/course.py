# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be done to recover an application, and in which order: its volumes at once, its servers tier by tier. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..catalogue.drill_record import DrillRecord
from ..manifest.manifest import Manifest


@dataclasses.dataclass(frozen=True)
class CourseServer:
    """A server, which waits for its volumes and for the previous tier.

    :param volumes: GiB of each.
    """

    name: str
    volumes: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class RecoveryCourse:
    """The way of an application, tier by tier in boot order."""

    tiers: tuple[tuple[CourseServer, ...], ...]

    @classmethod
    def of_manifests(cls, manifests: t.Sequence[Manifest]) -> RecoveryCourse:
        """That of a checkpoint.

        :param manifests: of all its parts. Tiers of one name are one.
        """
        tiers: dict[str, list[CourseServer]] = {}
        order = manifests[0].checkpoint.together.tiers if manifests[0].checkpoint.together else [one.name for one in manifests[0].application.tiers]
        for manifest in manifests:
            for server in manifest.description.servers:
                tiers.setdefault(server.tier, []).append(CourseServer(server.name, tuple(volume.size for volume in server.volumes)))
        return cls(tuple(tuple(tiers[name]) for name in order if name in tiers))

    @classmethod
    def of_record(cls, record: DrillRecord) -> RecoveryCourse:
        """That which was drilled."""
        tiers: dict[str, list[CourseServer]] = {}
        for server in record.servers:
            sizes = tuple(volume["size"] for volume in record.volumes if server["name"] in volume["servers"])
            tiers.setdefault(server["tier"], []).append(CourseServer(server["name"], sizes))
        return cls(tuple(map(tuple, tiers.values())))

    @property
    def servers(self) -> list[CourseServer]:
        return [server for tier in self.tiers for server in tier]

    def seconds(self, of_server: t.Callable[[CourseServer], float], of_volume: t.Callable[[int], float]) -> float:
        """How long its critical path takes.

        :param of_server: seconds from the request for a server until its checks have passed.
        :param of_volume: seconds for a volume of so many GiB.
        """
        reached = 0.0
        for tier in self.tiers:
            starts = {server: max([reached, *map(of_volume, server.volumes)]) for server in tier}
            reached = max(start + of_server(server) for server, start in starts.items())
        return reached
