# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest of everything in a volume, computed by the site's Glance of an image that Cinder makes of the volume.

So the content of volumes can be compared whatever the driver of their backups is: no store of backups is looked at, and no data passes
through here.
"""

from __future__ import annotations

import dataclasses

from ..cloud.block_storage import BlockStorage
from ..cloud.images import Images
from ..core.errors import CloudError
from ..core.records import Image
from ..work.waiting import Waiter
from . import scratch

_UPLOADING, _ACTIVE = "uploading", "active"
#: What was written may show a little later where it is asked for: that may be another server of the database.
_LAG_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class Digest:
    """What Glance computed of an image.

    :param algorithm: its name, e.g. ``sha512``.
    :param value: in hexadecimal digits.
    :param size: of the image in bytes.
    """

    algorithm: str
    value: str
    size: int


def digest_of(storage: BlockStorage, volume_id: str, backup_id: str, waiter: Waiter) -> Digest:
    """Have an image made of a volume that was made to be compared, and leave it there.

    :param backup_id: of the backup whose copy is compared; the image is marked with it.
    :param waiter: gives up when no image can have become of a volume of that size.
    :raises CloudError: when there is no image or no digest of it.
    """
    # Cinder gives the image the properties, so that it has its mark from the beginning.
    storage.set_volume_image_metadata(volume_id, scratch.mark(backup_id))
    image_id = storage.upload_volume(volume_id, scratch.name(backup_id))
    idle: list[float] = []

    def look() -> Digest | None:
        # Cinder frees the volume last.
        if storage.volume(volume_id).status == _UPLOADING:
            return None
        idle.append(waiter.clock.now())
        image = Images(storage.cloud).image(image_id)
        if (image is None or image.status != _ACTIVE) and idle[-1] < idle[0] + _LAG_SECONDS:
            return None
        return _read(storage.cloud.site, volume_id, image)

    return waiter.until(f"image {scratch.name(backup_id)}", look)


def _read(site: str, volume_id: str, image: Image | None) -> Digest:
    if image is None or image.status != _ACTIVE:
        raise CloudError(
            f"Site '{site}' could not make an image of volume {volume_id} to compare it ({image.status if image else 'it is gone'}).",
            "Check the logs of its cinder-volume and glance-api, and that its image store has room.",
        )
    if not image.hash_value:
        raise CloudError(f"Site '{site}' keeps no digest of image {image.id}, so volumes cannot be compared there.", "Choose verification: readable.")
    return Digest(image.hash_algo, image.hash_value, image.size)
