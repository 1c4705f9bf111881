# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks on images.

An image inherits the properties of that which its server boots from, also if somebody makes it who knows nothing of us. So a property
alone makes no image ours: each mark has an id with it that only the image has which it was put on.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .numbers import is_whole
from .records import APPLICATION_KEY, CHECKPOINT_KEY, Image, ImageCopy

#: On an image that Nova makes for a set of snapshots: of which server it is, and the size of its root disk in GiB.
_SERVER_KEY, _SIZE_KEY = "osdr_root", "osdr_root_size"
#: By which Nova says of which server an image was made.
_INSTANCE_KEY = "instance_uuid"
#: On a copy: a JSON object with all that is known of it. Nova cuts off what others inherit of it.
_COPY_KEY = "osdr_copy"
_OURS = "osdr_"
#: What begins with one of these does not travel: it is of a site, or of another image.
_OF_SITE = (
    *(_OURS, "os_glance", "owner_", "base_image_ref", "image_location", "image_state", "image_type", "instance_uuid", "instance_owner", "user_id"),
    *("boot_roles", "bdm_v2", "block_device_mapping", "img_signature", "cinder_encryption_key_id", "kernel_id", "ramdisk_id", "root_device_name"),
)


def root_properties(server_id: str, size: int) -> dict[str, str]:
    """The mark for an image that Nova is asked for.

    :param size: of the root disk in GiB.
    """
    return {_SERVER_KEY: server_id, _SIZE_KEY: str(size)}


def root_of(image: Image) -> str | None:
    """Id of the server of whose root disk Nova made the image for a set of snapshots; None for other images."""
    server = image.properties.get(_SERVER_KEY)
    return server if server and image.properties.get(_INSTANCE_KEY) == server else None


def root_size(image: Image) -> int:
    """GiB of the root disk; 0 when the image does not tell."""
    size = image.properties.get(_SIZE_KEY, "")
    return int(size) if size.isdecimal() else 0


@dataclasses.dataclass(frozen=True)
class CopyMark:
    """The mark on a copy.

    :param image: its own id.
    :param of: id of the image that it is a copy of.
    :param root: id of the server of whose root disk that is.
    :param size: of the root disk in GiB.
    :param metadata: the marks that all parts of copies have, and perhaps a piece of a manifest.
    :param digest: SHA-512 of the data that were read, once what was stored has turned out to be the same; empty until then.
    """

    image: str
    of: str
    root: str
    size: int
    metadata: t.Mapping[str, str]
    digest: str

    def properties(self) -> dict[str, str]:
        return {_COPY_KEY: json.dumps({**dataclasses.asdict(self), "metadata": dict(self.metadata)}, separators=(",", ":"))}

    @classmethod
    def on(cls, image: Image) -> CopyMark | None:
        """The mark of a copy; None for other images."""
        try:
            facts = json.loads(image.properties.get(_COPY_KEY, ""))
            mark = cls(*(facts[field.name] for field in dataclasses.fields(cls)))
        # A property may have 65535 characters, which is deep enough for anything.
        except (KeyError, TypeError, ValueError, RecursionError):
            return None
        texts = (mark.of, mark.root, mark.digest)
        is_sound = isinstance(mark.metadata, dict) and is_whole(mark.size) and all(isinstance(one, str) for one in (*texts, *mark.metadata.values()))
        return mark if is_sound and mark.image == image.id else None


def unmarked_properties(properties: t.Mapping[str, str]) -> dict[str, str]:
    """Properties of an image, or of a volume that was made of one, without our marks."""
    return {key: value for key, value in properties.items() if not key.startswith(_OURS)}


def travelling(image: Image) -> dict[str, str]:
    """The properties of an image that its copies have too."""
    return {key: value for key, value in image.properties.items() if not key.startswith(_OF_SITE)}


def part_of(image: Image) -> ImageCopy | None:
    """The image as a part of copies: a copy, or what one is made of; None for other images."""
    mark = CopyMark.on(image)
    if mark:
        return ImageCopy(image.id, image.name, mark.root, image.status, image.created_at, mark.metadata, mark.of)
    root = root_of(image)
    if root is None:
        return None
    marks = {key: image.properties[key] for key in (APPLICATION_KEY, CHECKPOINT_KEY) if key in image.properties}
    return ImageCopy(image.id, image.name, root, image.status, image.created_at, marks)
