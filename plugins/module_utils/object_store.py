# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swift, as far as disaster recovery needs it: small documents in one container."""

from __future__ import annotations

import contextlib
import typing as t
from urllib.parse import quote

from .cloud import Cloud
from .errors import CloudError, NotFound
from .libraries import library

_CHUNK = 2**20


class ObjectStore:
    """Documents in the object store of one cloud.

    :param cloud: whose; the containers belong to its project.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.connection.object_store

    def names(self, container: str, prefix: str = "") -> list[str]:
        """Names of all objects with a prefix; none when there is no such container."""
        try:
            with self.cloud.calling(f"list container {container}"):
                return [found.name for found in self._api.objects(container, prefix=prefix)]
        except NotFound:
            return []

    def read(self, container: str, name: str, at_most: int) -> bytes:
        """The first so many bytes of an object, however large it is.

        :raises NotFound: when there is no such object.
        """
        requests = library("requests", "requests")
        with self.cloud.calling(f"read object {container}/{name}"):
            with contextlib.closing(self._api.get(_path(container, name), stream=True)) as response:
                self.cloud.check(response)
                try:
                    return _first(response.iter_content(_CHUNK), at_most)
                except requests.RequestException as error:
                    raise CloudError(f"Site '{self.cloud.site}' broke off object {container}/{name}: {error}.", "Try again.") from error

    def write(self, container: str, name: str, content: bytes, content_type: str) -> None:
        """Store an object in one request, so that readers see all of it or none; makes the container."""
        with self.cloud.calling(f"write object {container}/{name}"):
            self.cloud.check(self._api.put(f"/{quote(container)}"))
            self.cloud.check(
                self._api.put(_path(container, name), data=content, headers={"Content-Type": content_type})
            )

    def delete(self, container: str, name: str) -> None:
        with self.cloud.calling(f"delete object {container}/{name}"):
            self._api.delete_object(name, ignore_missing=True, container=container)


def _first(chunks: t.Iterable[bytes], at_most: int) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) >= at_most:
            break
    return bytes(content[:at_most])


def _path(container: str, name: str) -> str:
    return f"/{quote(container)}/{quote(name)}"
