# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of root disks in a set of snapshots.

Nova makes the image of a server that boots from an image. When Glance is given the data of it, the disk has been copied (or
cloned and flattened, where disks and images are in the same Ceph) or the copy has been cut off from the disk: what the image is of lies between
the request and that moment. Nova's own task of the server proves less: it says ``image_uploading`` for a moment before the copy is made.
"""

from __future__ import annotations

import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.images import Images
from ..core.records import Image, ImageSnapshot, RootDisk
from .evidence import EVIDENCE_KEYS

#: Of which server an image is, and the size of its root disk in GiB.
_SERVER_KEY, _SIZE_KEY = "osdr_root", "osdr_root_size"
#: By which Nova says of which server an image was made.
_INSTANCE_KEY = "instance_uuid"
#: What Cinder would call the status of a snapshot.
_STATUSES = {"active": "available", "queued": "creating", "saving": "creating", "uploading": "creating", "importing": "creating"}
#: In which Glance is being given the data, or has them.
_CUT = ("saving", "uploading", "importing", "active")


class RootImages:
    """The images of root disks in one project, as a set of snapshots has them."""

    def __init__(self, images: Images, compute: Compute) -> None:
        self._images = images
        self._compute = compute

    @classmethod
    def beside(cls, storage: BlockStorage) -> RootImages:
        return cls(Images(storage.cloud), Compute(storage.cloud))

    def snapshots(self) -> list[ImageSnapshot]:
        """All of the project."""
        return [_snapshot(one) for one in self._images.images() if _is_ours(one)]

    def snapshot(self, image_id: str) -> ImageSnapshot:
        """One that was asked for. Nova removes an image that it cannot make: what is gone has failed."""
        return _snapshot(self._images.image(image_id) or Image(image_id, "", "killed", "", {}))

    def create(self, disk: RootDisk, name: str, metadata: t.Mapping[str, str], quiesce_token: str | None) -> str:
        """Start making an image; returns its id.

        An image inherits the properties of that which its server boots from: no evidence of another one must come with them.
        """
        properties = {**dict.fromkeys(EVIDENCE_KEYS, ""), **metadata, _SERVER_KEY: disk.id, _SIZE_KEY: str(disk.size)}
        return self._compute.create_image(disk.id, name, properties, quiesce_token)

    def set_metadata(self, image_id: str, metadata: t.Mapping[str, str]) -> None:
        self._images.set_properties(image_id, metadata)

    def delete(self, image_id: str) -> None:
        self._images.delete(image_id)


def _is_ours(image: Image) -> bool:
    """Whether Nova made an image for a set: one that somebody makes of a server that boots from ours inherits all our properties."""
    server = image.properties.get(_SERVER_KEY)
    return bool(server) and image.properties.get(_INSTANCE_KEY) == server


def _snapshot(image: Image) -> ImageSnapshot:
    size = image.properties.get(_SIZE_KEY, "")
    return ImageSnapshot(
        id=image.id,
        name=image.name,
        volume_id=image.properties.get(_SERVER_KEY, ""),
        size=int(size) if size.isdecimal() else 0,
        status=_STATUSES.get(image.status, "error"),
        created_at=image.created_at,
        metadata=image.properties,
        project_id=image.project_id,
        is_cut=image.status in _CUT,
    )
