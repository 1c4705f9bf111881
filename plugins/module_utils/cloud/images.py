# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Glance, as far as disaster recovery needs it.

All calls are plain ones: the SDK spreads the properties of an image over attributes of its own, and reads what it uploads into
memory unless it is a file.
"""

from __future__ import annotations

import contextlib
import typing as t

from ..core.errors import CloudError, NotFound
from ..core.records import Image, Quota
from .repeating import once
from .session import Cloud
from .shape import shaped
from .streams import Body, blocks_of

#: In which a property may be set whether or not there is one.
_PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
#: How Glance answers that does not tell the limits of a project.
_UNTOLD = (403, 404)
#: What Glance itself says of an image; all else are its properties.
_OWN = frozenset(
    {
        *("id", "name", "status", "visibility", "protected", "owner", "tags", "created_at", "updated_at", "size", "virtual_size"),
        *("min_disk", "min_ram", "disk_format", "container_format", "checksum", "os_hash_algo", "os_hash_value", "os_hidden"),
        *("self", "file", "schema", "locations", "direct_url", "stores"),
    }
)


class Images:
    """The images of one cloud.

    :param cloud: whose; every call acts in its project.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("image")

    def images(self) -> list[Image]:
        """All images that the project owns."""
        found: list[Image] = []
        query: dict[str, str] = {"owner": self.cloud.project_id}
        with self.cloud.calling("list images"):
            while True:
                answer = self.cloud.json(self._api.get("/images", params=query))
                found += [_image(one) for one in answer["images"]]
                if not answer.get("next"):
                    return found
                query = {**query, "marker": found[-1].id}

    def image(self, image_id: str) -> Image | None:
        try:
            with self.cloud.calling(f"show image {image_id}"):
                return _image(self.cloud.json(self._api.get(f"/images/{image_id}")))
        except NotFound:
            return None

    def quotas(self) -> dict[str, Quota]:
        """Limits and use of the project, sizes in MiB; empty where Glance does not use the limits of Keystone, is too old to tell them, or may not."""
        try:
            with self.cloud.calling("read the limits of images"):
                told = self.cloud.json(self._api.get("/info/usage"))["usage"]
        except CloudError as error:
            if error.http_status not in _UNTOLD:
                raise
            return {}
        return {name: Quota(name, one["limit"], one["usage"]) for name, one in told.items()}

    def create(self, wanted: t.Mapping[str, t.Any]) -> Image:
        """Make an image without data.

        :param wanted: its id, name, formats and properties as Glance takes them.
        """

        def create() -> Image:
            with self.cloud.calling(f"create image {wanted['name']}"):
                return _image(self.cloud.json(self._api.post("/images", json=dict(wanted))))

        return once(create, lambda: self.image(wanted["id"]))

    def set_properties(self, image_id: str, properties: t.Mapping[str, str]) -> None:
        """Set some properties; the others stay."""
        changes = [{"op": "add", "path": f"/{_pointer(name)}", "value": value} for name, value in properties.items()]
        with self.cloud.calling(f"mark image {image_id}", repeats=True):
            self.cloud.check(self._api.patch(f"/images/{image_id}", json=changes, headers={"Content-Type": _PATCH_TYPE}))

    def delete(self, image_id: str) -> None:
        """Delete an image, unless it is gone."""
        with contextlib.suppress(NotFound), self.cloud.calling(f"delete image {image_id}"):
            self.cloud.check(self._api.delete(f"/images/{image_id}"))

    @contextlib.contextmanager
    def stream(self, image_id: str, timeout: float) -> t.Iterator[t.Iterator[bytes]]:
        """Stream the data of an image in blocks, so that memory use stays small.

        :param timeout: seconds without a byte after which Glance counts as dead.
        """
        with self.cloud.calling(f"read image {image_id}"):
            response = self._api.get(f"/images/{image_id}/file", stream=True, timeout=timeout)
            self.cloud.check(response)
        with contextlib.closing(response):
            yield blocks_of(response, f"Site '{self.cloud.site}' broke off image {image_id}")

    def upload(self, image_id: str, blocks: t.Iterator[bytes], size: int, timeout: float) -> None:
        """Give an image its data, as they come.

        :param size: in bytes; 0 when it is not known.
        :param timeout: seconds without a byte taken after which Glance counts as dead.
        """
        headers = {"Content-Type": "application/octet-stream", "Accept": ""}
        with self.cloud.calling(f"write image {image_id}"):
            body = Body(size, blocks) if size else blocks
            self.cloud.check(self._api.put(f"/images/{image_id}/file", data=body, headers=headers, timeout=timeout))


@shaped
def _image(found: t.Mapping[str, t.Any]) -> Image:
    return Image(
        id=found["id"],
        name=found.get("name") or "",
        status=found["status"],
        created_at=found.get("created_at") or "",
        properties={key: str(value) for key, value in found.items() if key not in _OWN and value is not None},
        size=found.get("size") or 0,
        min_disk=found.get("min_disk") or 0,
        min_ram=found.get("min_ram") or 0,
        disk_format=found.get("disk_format") or "",
        container_format=found.get("container_format") or "",
        hash_algo=found.get("os_hash_algo") or "",
        hash_value=found.get("os_hash_value") or "",
        project_id=found.get("owner") or "",
    )


def _pointer(name: str) -> str:
    """A name in a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
