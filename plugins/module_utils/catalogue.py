# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: the manifests in the remote site's object store.

A checkpoint exists for a restore only once its manifest is here. An object is written
by one request, so it is there as a whole or not at all.
"""

from __future__ import annotations

import typing as t

from .errors import ManifestInvalid, NotFound
from .manifest import Manifest
from .object_store import ObjectStore

#: Selects the newest checkpoint.
LATEST = "latest"
_SUFFIX = ".json"


class Catalogue:
    """The checkpoints in one container of one site."""

    def __init__(self, store: ObjectStore, container: str) -> None:
        self._store = store
        self._container = container

    @property
    def place(self) -> str:
        """How messages call it."""
        return f"container '{self._container}' of site '{self._store.cloud.site}'"

    def checkpoints(self, application: str) -> list[Manifest]:
        """All checkpoints of an application, the newest first.

        :raises ManifestInvalid: naming the object that cannot be read.
        """
        names = self._store.names(self._container, prefix=f"{application}/")
        manifests = [self._load(name) for name in names if name.endswith(_SUFFIX)]
        return sorted(manifests, key=lambda one: one.checkpoint.created_at, reverse=True)

    def find(self, application: str, checkpoint: str) -> Manifest | None:
        """A checkpoint by id, or the newest one; None when there is none."""
        if checkpoint == LATEST:
            return next(iter(self.checkpoints(application)), None)
        try:
            return self._load(_object_name(application, checkpoint))
        except NotFound:
            return None

    def publish(self, manifest: Manifest) -> None:
        name = _object_name(manifest.application.name, manifest.checkpoint.id)
        self._store.write(self._container, name, manifest.dump(), "application/json")

    def remove(self, application: str, checkpoint: str) -> None:
        self._store.delete(self._container, _object_name(application, checkpoint))

    def _load(self, name: str) -> Manifest:
        content = self._store.read(self._container, name)
        try:
            return Manifest.load(content)
        except ManifestInvalid as error:
            raise ManifestInvalid(f"Object '{name}' in {self.place}: {error.message}", error.hint) from error


def _object_name(application: str, checkpoint: str) -> str:
    return f"{application}/{checkpoint}{_SUFFIX}"


def summary(manifest: Manifest) -> dict[str, t.Any]:
    """What a list of checkpoints says of one."""
    return {
        "id": manifest.checkpoint.id,
        "application": manifest.application.name,
        "created_at": manifest.checkpoint.created_at,
        "site": manifest.checkpoint.site,
        "consistency": manifest.checkpoint.consistency,
        "servers": [server.name for server in manifest.description.servers],
        "volumes": len(manifest.description.volumes),
        "gigabytes": sum(volume.size for volume in manifest.description.volumes),
    }
