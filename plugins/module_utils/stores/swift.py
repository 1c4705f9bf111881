# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue in a container of the site's own object store."""

from __future__ import annotations

from ..cloud.object_store import ObjectStore
from .names import folder_prefix, parts_of
from .store import CONTENT_TYPE, CatalogueStore, StoredDocument


class SwiftStore(CatalogueStore):
    """One container, which is made with the first document."""

    def __init__(self, store: ObjectStore, container: str) -> None:
        self._store = store
        self._container = container

    @property
    def place(self) -> str:
        return f"container '{self._container}' of site '{self._store.cloud.site}'"

    @property
    def identity(self) -> str:
        return f"{self._store.cloud.project_id}/{self._container}"

    def documents(self, folder: str = "") -> list[StoredDocument]:
        return [StoredDocument(one.name, one.size) for one in self._store.objects(self._container, folder_prefix(folder))]

    def read(self, name: str, at_most: int) -> bytes:
        return self._store.read(self._container, _checked(name), at_most)

    def write(self, name: str, content: bytes) -> None:
        self._store.write(self._container, _checked(name), content, CONTENT_TYPE)

    def write_new(self, name: str, content: bytes) -> None:
        self._store.write_new(self._container, _checked(name), content, CONTENT_TYPE)

    def delete(self, name: str) -> None:
        self._store.delete(self._container, _checked(name))


def _checked(name: str) -> str:
    """The name, which is part of a URL, if it cannot lead out of the container."""
    return "/".join(parts_of(name))
