# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a checkpoint into the catalogue, and out of it.

Its backups keep the manifest too, in pieces. They get them before the manifest is published, and lose them after it is
removed: what is in the catalogue can always be written anew, but for what is about to go.
"""

from __future__ import annotations

import typing as t

from ..cloud.block_storage import BlockStorage
from ..core.records import Backup, marks
from ..manifest import pieces as manifest_pieces
from ..manifest.manifest import Manifest
from ..work.pool import each
from .catalogue import Catalogue

#: Metadata per id of the backups whose metadata is to be replaced.
Pieces = t.Mapping[str, t.Mapping[str, str]]
#: So many backups are marked at once.
_WRITERS = 8


class Publication:
    """The catalogue of a site, and the backups that its checkpoints consist of."""

    def __init__(self, catalogue: Catalogue, storage: BlockStorage) -> None:
        self.catalogue = catalogue
        self.storage = storage

    @property
    def site(self) -> str:
        return self.storage.cloud.site

    def pieces_to_store(self, manifest: Manifest, backups: t.Iterable[Backup]) -> Pieces:
        """What the backups of a checkpoint lack.

        :param backups: all of the project.
        """
        own = {copy.copy_id for copy in manifest.copies}
        return manifest_pieces.to_store(manifest.dump(self.catalogue.seal), [one for one in backups if one.id in own])

    def pieces_to_remove(self, application: str, checkpoint: str) -> Pieces:
        """What the backups of a checkpoint still hold of its manifest."""
        mine = marks(application, checkpoint).items()
        return manifest_pieces.to_remove([one for one in self.storage.backups() if mine <= one.metadata.items()])

    def publish(self, manifest: Manifest, pieces: Pieces) -> None:
        self._mark(pieces)
        self.catalogue.publish(manifest)

    def withdraw(self, application: str, checkpoint: str, pieces: Pieces) -> None:
        self.catalogue.remove(application, checkpoint)
        self._mark(pieces)

    def _mark(self, pieces: Pieces) -> None:
        storage = self.storage
        each(pieces.items(), lambda piece: storage.mark_backup(*piece), _WRITERS)
