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
from ..core.image_marks import root_of, root_properties, root_size
from ..core.records import Image, ImageSnapshot, RootDisk
from .evidence import EVIDENCE_KEYS

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
        return [_snapshot(one) for one in self._images.images() if root_of(one)]

    def snapshot(self, image_id: str) -> ImageSnapshot:
        """One that was asked for. Nova removes an image that it cannot make: what is gone has failed."""
        return _snapshot(self._images.image(image_id) or Image(image_id, "", "killed", "", {}))

    def create(self, disk: RootDisk, name: str, metadata: t.Mapping[str, str], quiesce_token: str | None) -> str:
        """Start making an image; returns its id.

        An image inherits the properties of that which its server boots from: no evidence of another one must come with them.
        """
        properties = {**dict.fromkeys(EVIDENCE_KEYS, ""), **metadata, **root_properties(disk.id, disk.size)}
        return self._compute.create_image(disk.id, name, properties, quiesce_token)

    def set_metadata(self, image_id: str, metadata: t.Mapping[str, str]) -> None:
        self._images.set_properties(image_id, metadata)

    def delete(self, image_id: str) -> None:
        self._images.delete(image_id)


def _snapshot(image: Image) -> ImageSnapshot:
    return ImageSnapshot(
        id=image.id,
        name=image.name,
        volume_id=root_of(image) or "",
        size=root_size(image),
        status=_STATUSES.get(image.status, "error"),
        created_at=image.created_at,
        metadata=image.properties,
        project_id=image.project_id,
        is_cut=image.status in _CUT,
    )
