# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Swift, as far as disaster recovery needs it: small documents, and the objects of backups."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from urllib.parse import quote, urlsplit, urlunsplit

from ..core.errors import NotFound
from .session import Cloud
from .streams import Body, beginning, blocks_of

#: Answers a request on condition that there is no such object.
_IS_THERE = 412
_NOT_THERE = 404


@dataclasses.dataclass(frozen=True)
class StoredObject:
    """An object as its container lists it.

    :param size: bytes.
    :param checksum: MD5 in hexadecimal digits, as Swift keeps it of every object.
    """

    name: str
    size: int
    checksum: str


class ObjectStore:
    """Documents and backups in the object store of one cloud.

    :param cloud: whose; the containers belong to its project.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def _api(self) -> t.Any:
        return self.cloud.service("object_store")

    @property
    def exists(self) -> bool:
        """Whether the site has an object store."""
        return self.cloud.has("object-store")

    def check_access(self) -> None:
        """Require that the object store can be used.

        :raises CloudError: when the credentials have no account in the store, or it does not answer.
        """
        with self.cloud.calling("reach the object store"):
            self.cloud.check(self._api.head("/"))

    def names(self, container: str, prefix: str = "") -> list[str]:
        """Names of all objects with a prefix; none when there is no such container."""
        return [found.name for found in self.objects(container, prefix)]

    def objects(self, container: str, prefix: str = "") -> list[StoredObject]:
        """All objects with a prefix; none when there is no such container."""
        try:
            with self.cloud.calling(f"list container {container}"):
                return [_stored(found) for found in self._api.objects(container, prefix=prefix)]
        except NotFound:
            return []

    def read(self, container: str, name: str, at_most: int) -> bytes:
        """Read at most so many bytes of an object.

        :raises NotFound: when there is no such object.
        """
        with self.stream(container, name) as blocks:
            return beginning(blocks, at_most)

    @contextlib.contextmanager
    def stream(self, container: str, name: str, timeout: float | None = None) -> t.Iterator[t.Iterator[bytes]]:
        """Stream the content of an object in blocks, so that memory use stays small.

        :param timeout: seconds without a byte after which the object store counts as dead.
        :raises NotFound: when there is no such object.
        """
        with self.cloud.calling(f"read object {container}/{name}"):
            response = self._api.get(_path(container, name), stream=True, timeout=timeout)
            self.cloud.check(response)
        with contextlib.closing(response):
            yield blocks_of(response, f"Site '{self.cloud.site}' broke off object {container}/{name}")

    def has_container(self, container: str) -> bool:
        with self.cloud.calling(f"look for container {container}"):
            response = self._api.head(f"/{quote(container)}")
            if response.status_code == _NOT_THERE:
                return False
            self.cloud.check(response)
        return True

    def ensure_container(self, container: str) -> None:
        with self.cloud.calling(f"make container {container}"):
            self.cloud.check(self._api.put(f"/{quote(container)}"))

    def write(self, container: str, name: str, content: bytes, content_type: str) -> None:
        """Store an object in one request, so that readers see all of it or none; makes the container."""
        self.ensure_container(container)
        with self.cloud.calling(f"write object {container}/{name}"):
            headers = {"Content-Type": content_type}
            self.cloud.check(self._api.put(_path(container, name), data=content, headers=headers))

    def write_new(self, container: str, name: str, content: bytes, content_type: str) -> None:
        """Like :meth:`write`, unless there is an object by that name.

        Swift looks before it writes, so requests that overlap may all be carried out. What has only Swift's API may store it in any case.
        """
        self.ensure_container(container)
        with self.cloud.calling(f"write object {container}/{name}"):
            headers = {"Content-Type": content_type, "If-None-Match": "*"}
            response = self._api.put(_path(container, name), data=content, headers=headers)
            if response.status_code != _IS_THERE:
                self.cloud.check(response)

    def write_stream(self, container: str, wanted: StoredObject, blocks: t.Iterator[bytes], timeout: float) -> None:
        """Store an object of known size and checksum; the store refuses it if either does not match.

        :param timeout: seconds without a byte taken after which the object store counts as dead.
        """
        headers = {"ETag": wanted.checksum, "Content-Type": "application/octet-stream"}
        with self.cloud.calling(f"write object {container}/{wanted.name}"):
            body = Body(wanted.size, blocks)
            self.cloud.check(self._api.put(_path(container, wanted.name), data=body, headers=headers, timeout=timeout))

    def refer(self, container: str, name: str, target: str) -> None:
        """Make an object with the content of another one in the same container: as a link where the store has links, else as a copy that the store makes."""
        header = {"X-Symlink-Target": f"{quote(container)}/{quote(target)}"} if self._has_links else {"X-Copy-From": _path(container, target)}
        with self.cloud.calling(f"make object {container}/{name} of {target}"):
            self.cloud.check(self._api.put(_path(container, name), data=b"", headers={**header, "Content-Length": "0"}))

    @property
    def _has_links(self) -> bool:
        """A store without links would take one for an empty object."""
        return bool(self.cloud.remembered("links between objects", self._ask_for_links))

    def _ask_for_links(self) -> bool:
        with self.cloud.calling("tell what the object store can do"):
            endpoint = urlsplit(self._api.get_endpoint())
            path = endpoint.path.partition("/v1")[0] + "/info"
            response = self._api.get(urlunsplit((endpoint.scheme, endpoint.netloc, path, "", "")))
            return response.status_code == 200 and "symlink" in response.json()

    def delete(self, container: str, name: str) -> None:
        with self.cloud.calling(f"delete object {container}/{name}"):
            self._api.delete_object(name, ignore_missing=True, container=container)


def _stored(found: t.Any) -> StoredObject:
    return StoredObject(found.name, found.content_length or 0, found.etag or "")


def _path(container: str, name: str) -> str:
    return f"/{quote(container)}/{quote(name)}"
