# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies that are volumes at the remote site, made of what its storage mirrored: a copy has one part, which needs no others.

Restores and drills clone them by ordinary requests to Cinder, which need neither the storage nor an administrator. :mod:`.mirroring` makes
them.
"""

from __future__ import annotations

import typing as t

from ..cloud.block_storage import BlockStorage
from ..core.errors import NotFound, ResourceFailed
from ..core.records import Volume, VolumeCopy
from ..core.volume_marks import copy_of
from ..manifest.manifest import Copy
from ..work.pool import each
from .method import CopyMethod, Part


class MirroredVolume(CopyMethod):
    name = "mirrored_volume"
    part_type = VolumeCopy
    remedy = "it cannot be made again"
    where_to_look = "Check the log of the site's cinder-volume, and that its storage has room"

    # Of one copy

    def needs(self, copy: Copy) -> tuple[str, ...]:
        return copy.chain

    def carriers(self, copy: Copy) -> tuple[str, ...]:
        return (copy.copy_id,)

    def label(self, copy: Copy) -> str:
        return f"volume {copy.copy_id}"

    def part_label(self, part_id: str) -> str:
        return f"Volume {part_id}"

    def extent(self, document: t.Mapping[str, t.Any]) -> str:
        return "1 mirrored volume"

    def pending(self, volume_id: str, size: int) -> Copy:
        return Copy(volume_id, self.name, "", (), size, False, 0)

    def misfit(self, part: Part, volume_type: str, zone: str) -> str:
        """Cinder clones a volume within its zone, and to another type only if a storage has both, which it does not tell."""
        copy = t.cast(VolumeCopy, part)
        wanted = {"of type": (volume_type, copy.volume_type), "in availability zone": (zone, copy.availability_zone)}
        wrong = [f"{words} '{has}' and not '{wish}'" for words, (wish, has) in wanted.items() if wish and wish != has]
        return f"{self.part_label(copy.id)} is {' and '.join(wrong)}; map the one to the other" if wrong else ""

    # Of parts

    def bases(self, needing: t.Iterable[Part], parts: t.Iterable[Part]) -> set[str]:
        return set()

    def removal_order(self, parts: t.Iterable[Part]) -> list[list[Part]]:
        return [[part] for part in parts]

    # At a site

    def look(self, storage: BlockStorage, copies: t.Iterable[Copy], concurrency: int) -> list[Part]:
        """All such volumes of the project, and those of other projects that are wanted, as far as an administrator sees them."""
        listed = _parts(storage.volumes())
        wanted = {one for copy in copies for one in self.needs(copy)} - {one.id for one in listed}
        others = each(sorted(wanted), lambda one: _volume(storage, one), concurrency)
        return [*listed, *_parts(one for one in others if one)]

    def create_volume(self, storage: BlockStorage, copy: Copy, body: t.Mapping[str, t.Any]) -> Volume:
        return storage.create_volume_from_volume(copy.copy_id, body)

    def mark(self, storage: BlockStorage, part: Part, metadata: t.Mapping[str, str]) -> None:
        storage.replace_volume_metadata(part.id, metadata)

    def delete(self, storage: BlockStorage, part: Part) -> None:
        storage.delete_volume(part.id)

    def is_gone(self, storage: BlockStorage, part: Part) -> bool | None:
        found = _volume(storage, part.id)
        if found and found.status == "error_deleting":
            raise ResourceFailed(
                f"Volume {part.id}, a copy of volume {part.volume_id}, on site '{storage.cloud.site}' could not be deleted: it is {found.status}.",
                f"{self.where_to_look}; then prune again.",
                resource_type="volume",
                resource_id=part.id,
            )
        return None if found else True


def _parts(volumes: t.Iterable[Volume]) -> list[VolumeCopy]:
    return [part for one in volumes if (part := copy_of(one))]


def _volume(storage: BlockStorage, volume_id: str) -> Volume | None:
    try:
        return storage.volume(volume_id)
    except NotFound:
        return None
