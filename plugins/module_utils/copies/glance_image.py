# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies that are images at the remote site: a copy has one part, which needs no others.

The images that Nova made at the primary site are parts of no copy; as parts they are found and removed once no checkpoint needs
them. :mod:`.image_copying` brings their data to the remote site.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.images import Images
from ..core.errors import CloudError
from ..core.image_marks import CopyMark, part_of
from ..core.records import ImageCopy, Volume
from ..manifest.manifest import Copy
from ..work.pool import each
from .method import CopyMethod, Part

#: How Glance refuses to delete what is in use, or protected.
_REFUSED = (403, 409)


class GlanceImage(CopyMethod):
    name = "glance_image"
    part_type = ImageCopy
    remedy = "copy it again (os_backup_replicate)"
    where_to_look = "Check that the site's Glance can be reached, and the log of its cinder-volume"

    # Of one copy

    def needs(self, copy: Copy) -> tuple[str, ...]:
        return copy.chain

    def carriers(self, copy: Copy) -> tuple[str, ...]:
        return (copy.copy_id,)

    def label(self, copy: Copy) -> str:
        return f"image {copy.copy_id}"

    def part_label(self, part_id: str) -> str:
        return f"Image {part_id}"

    def extent(self, document: t.Mapping[str, t.Any]) -> str:
        return "1 image"

    def pending(self, volume_id: str, size: int) -> Copy:
        return Copy(volume_id, self.name, "", (), size, False, 0)

    # Of parts

    def bases(self, needing: t.Iterable[Part], parts: t.Iterable[Part]) -> set[str]:
        return set()

    def removal_order(self, parts: t.Iterable[Part]) -> list[list[Part]]:
        return [[part] for part in parts]

    # At a site

    def look(self, storage: BlockStorage, copies: t.Iterable[Copy], concurrency: int) -> list[Part]:
        """All images of the project that are parts, and those of other projects that are wanted.

        Where no copy is wanted, a Glance that does not answer has none: it must not keep volumes from being restored. What lacks a part stays.
        """
        wanted = {one for copy in copies for one in self.needs(copy)}
        images = Images(storage.cloud)
        try:
            listed = [part for part in map(part_of, images.images()) if part]
        except CloudError:
            if wanted:
                raise
            return []
        others = each(sorted(wanted - {part.id for part in listed}), images.image, concurrency)
        return [*listed, *(part for image in others if image and (part := part_of(image)))]

    def create_volume(self, storage: BlockStorage, copy: Copy, body: t.Mapping[str, t.Any]) -> Volume:
        return storage.create_volume_from_image(copy.copy_id, body)

    def mark(self, storage: BlockStorage, part: Part, metadata: t.Mapping[str, str]) -> None:
        images = Images(storage.cloud)
        image = images.image(part.id)
        mark = image and CopyMark.on(image)
        if mark:
            images.set_properties(part.id, dataclasses.replace(mark, metadata=metadata).properties())

    def delete(self, storage: BlockStorage, part: Part) -> None:
        """Delete an image, but none that a server of the project boots from: Nova needs it to move or rebuild that."""
        site = storage.cloud.site
        users = [server.label for server in Compute(storage.cloud).servers() if server.image_id == part.id]
        if users:
            raise CloudError(f"Image {part.id} on site '{site}' is what these servers boot from: {', '.join(users)}.", http_status=400)
        try:
            Images(storage.cloud).delete(part.id)
        except CloudError as error:
            if error.http_status not in _REFUSED:
                raise
            raise CloudError(error.message, http_status=400) from error

    def is_gone(self, storage: BlockStorage, part: Part) -> bool | None:
        return Images(storage.cloud).image(part.id) is None or None
