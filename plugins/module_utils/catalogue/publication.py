# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a checkpoint into the catalogue, and out of it.

What its copies consist of keeps the manifest too, in pieces: these parts get them before the manifest is published, and lose them after it is
removed: what is in the catalogue can always be written anew, but for what is about to go.
"""

from __future__ import annotations

import typing as t

from ..cloud.block_storage import BlockStorage
from ..copies import methods
from ..copies.method import Part
from ..core.records import marks
from ..manifest import pieces as manifest_pieces
from ..manifest.manifest import Manifest
from ..work.pool import each
from .catalogue import Catalogue

#: Parts of copies whose metadata is to be replaced, each with what it is to have.
Pieces = t.Sequence[tuple[Part, t.Mapping[str, str]]]
#: So many parts are marked at once.
_WRITERS = 8


class Publication:
    """The catalogue of a site, and the parts of the copies of its checkpoints."""

    def __init__(self, catalogue: Catalogue, storage: BlockStorage) -> None:
        self.catalogue = catalogue
        self.storage = storage

    @property
    def site(self) -> str:
        return self.storage.cloud.site

    def pieces_to_store(self, manifest: Manifest, parts: t.Iterable[Part]) -> Pieces:
        """What the parts of a checkpoint's copies lack of its manifest.

        :param parts: all of the project.
        """
        holders = methods.carriers(manifest, parts)
        return _pieces(holders, manifest_pieces.to_store(manifest.dump(self.catalogue.key), holders))

    def pieces_to_remove(self, application: str, checkpoint: str) -> Pieces:
        """What the parts of a checkpoint's copies still hold of its manifest."""
        mine = marks(application, checkpoint).items()
        holders = [one for one in methods.look(self.storage) if mine <= one.metadata.items()]
        return _pieces(holders, manifest_pieces.to_remove(holders))

    def publish(self, manifest: Manifest, pieces: Pieces) -> None:
        self._mark(pieces)
        self.catalogue.publish(manifest)

    def withdraw(self, application: str, checkpoint: str, pieces: Pieces) -> None:
        self.catalogue.remove(application, checkpoint)
        self._mark(pieces)

    def _mark(self, pieces: Pieces) -> None:
        each(pieces, lambda one: methods.mark(self.storage, *one), _WRITERS)


def _pieces(holders: t.Iterable[Part], metadata: t.Mapping[str, t.Mapping[str, str]]) -> Pieces:
    """:param metadata: per id of the parts whose metadata is to be replaced."""
    return [(one, metadata[one.id]) for one in holders if one.id in metadata]
