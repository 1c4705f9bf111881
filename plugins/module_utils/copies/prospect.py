# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, before the first server is frozen, whether a checkpoint that is about to be taken could be copied."""

from __future__ import annotations

import dataclasses
import typing as t

from ..mirror.options import MirrorOptions
from .check import ceph_problems, import_problems, quota_problems
from .delivery import Delivery
from .image_copying import image_problems
from .mirroring import prospect_problems
from .plan import adoptable, backups_of, deletion_problems
from .sites import Sites


@dataclasses.dataclass(frozen=True)
class Prospect:
    """A checkpoint that will be copied.

    :param metadata: its marks.
    :param sizes: of its volumes in GiB, per id.
    :param snapshot_ids: per volume id; empty for a snapshot that is yet to be taken.
    :param concurrency: how many copies are made and proved in parallel.
    :param images: how many root disks that are no volumes.
    :param zones: of the services that will make the backups, per volume id; empty where unknown.
    """

    metadata: t.Mapping[str, str]
    sizes: t.Mapping[str, int]
    snapshot_ids: t.Mapping[str, str]
    concurrency: int
    images: int = 0
    zones: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def problems(self, sites: Sites, delivery: Delivery, mirror: MirrorOptions | None = None) -> list[str]:
        """Why it could not be copied.

        :param mirror: how the storage that mirrors the volumes is reached; None where backups are made.
        """
        problems = image_problems(sites, self.images, self.metadata) if self.images else []
        if mirror:
            driver = mirror.driver(sites.primary.cloud.site, sites.remote.cloud.site)
            problems += prospect_problems(sites, mirror, driver, self.sizes)
        elif self.sizes:
            problems += self._backup_problems(sites, delivery) + import_problems(sites.importing) + delivery.problems(sites)
        return problems

    def _backup_problems(self, sites: Sites, delivery: Delivery) -> list[str]:
        backups = sites.primary.backups()
        mine = backups_of(self.metadata, backups, self.snapshot_ids)
        there = sites.remote.backups()
        done = adoptable(mine, self.snapshot_ids)
        gone = [b for b in mine if b not in done]
        problems = deletion_problems(gone, sites.primary.cloud.site, there)
        backed_up = {b.volume_id for b in done}
        new = [size for volume, size in self.sizes.items() if volume not in backed_up]
        zones = {volume: self.zones.get(volume, "") for volume in self.sizes if volume not in backed_up}
        problems += ceph_problems(sites.exporting, zones, [b for b in backups if b not in gone], self.concurrency)
        known = {b.id for b in there}
        rooms = delivery.rooms((self.sizes[one] for one in delivery.restored(self.sizes, backups)), self.concurrency, sites)
        gone_there = [b for b in gone if b.id in known]
        for storage, old, proved in zip((sites.primary, sites.remote), (gone, gone_there), rooms, strict=True):
            problems += quota_problems(storage, len(new) - len(old), sum(new) - sum(b.size for b in old), proved)
        return problems
