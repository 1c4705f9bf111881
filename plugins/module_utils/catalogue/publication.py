# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Publish a checkpoint in the catalogue, and withdraw it.

The parts of its copies keep the manifest too, in pieces. They get these before the manifest is published and lose them after it is removed,
so that everything in the catalogue can be rebuilt, except what is about to be removed.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..copies import methods
from ..copies.method import Part
from ..core.errors import CheckFailed, InvalidInput
from ..core.records import marks
from ..core.text import told
from ..manifest import pieces as manifest_pieces
from ..manifest.draft import COPIES, DESCRIPTION, SNAPSHOTS, Draft
from ..manifest.manifest import Manifest
from ..manifest.schema import SCHEMA_VERSION
from ..work.pool import each
from .catalogue import Catalogue, Damaged
from .recovery_point import unavailable

#: Parts of copies, each with its new metadata.
Pieces = t.Sequence[tuple[Part, t.Mapping[str, str]]]
#: How many parts are marked in parallel.
_WRITERS = 8


@dataclasses.dataclass(frozen=True)
class CatalogueChange:
    """What is to be changed about a checkpoint.

    :param before: what the catalogue has of it.
    :param changed: whether anything is to be done.
    """

    before: Manifest | Damaged | None
    pieces: Pieces
    changed: bool


def composed(names: tuple[str, str], site: str, draft: Draft, together: t.Mapping[str, t.Any] | None = None) -> Manifest:
    """Make the manifest of what other modules have kept of a checkpoint.

    :param names: of the application and the checkpoint.
    :param together: of one part of an application over several projects, as os_checkpoint_check returns it.
    :raises InvalidInput: when the draft lacks something, or is of another checkpoint.
    """
    application, checkpoint = names
    description, taken = draft.needed(DESCRIPTION, "os_application_info"), draft.needed(SNAPSHOTS, "os_cg_snapshot")
    copied = draft.needed(COPIES, "os_backup_replicate")
    try:
        found = {
            "os_application_info": (description["application"]["name"], checkpoint),
            "os_cg_snapshot": (taken["application"], taken["name"]),
            "os_backup_replicate": (application, copied["checkpoint"]),
        }
        point = {
            "id": checkpoint,
            "created_at": taken["taken_at"],
            "site": site,
            "consistency": taken["consistency"],
            "server_consistency": {one["name"]: one["consistency"] for one in taken["servers"]},
            "evidence": {part: taken[part] for part in ("window", "clock", "servers", "snapshots")},
            "together": together,
        }
        document = {"schema_version": SCHEMA_VERSION, "checkpoint": point, **description, "copies": copied["copies"]}
    except (KeyError, TypeError) as error:
        raise InvalidInput(
            f"The draft is not what other modules keep there: {error!r} is missing or has the wrong type.", "Remove it, and take the checkpoint again."
        ) from error
    for module, whose in found.items():
        if whose != names:
            raise InvalidInput(
                f"What {module} has kept in the draft is of checkpoint '{told(whose[1])}' of application '{told(whose[0])}', not of '{checkpoint}' of "
                f"'{application}'.",
                "Give each checkpoint a directory of its own.",
            )
    return Manifest.parse(document)


class Publication:
    """The catalogue of a site, and the parts of the copies of its checkpoints."""

    def __init__(self, catalogue: Catalogue, storage: BlockStorage) -> None:
        self.catalogue = catalogue
        self.storage = storage

    @property
    def site(self) -> str:
        return self.storage.cloud.site

    def pieces_to_store(self, manifest: Manifest, parts: t.Iterable[Part]) -> Pieces:
        """Pieces of the manifest that the parts of a checkpoint's copies do not have yet.

        :param parts: all of the project.
        """
        holders = methods.carriers(manifest, parts)
        return _pieces(holders, manifest_pieces.to_store(manifest.dump(self.catalogue.seal), holders))

    def pieces_to_remove(self, application: str, checkpoint: str) -> Pieces:
        """Pieces of the manifest that the parts of a checkpoint's copies still have."""
        mine = marks(application, checkpoint).items()
        holders = [one for one in methods.look(self.storage) if mine <= one.metadata.items()]
        return _pieces(holders, manifest_pieces.to_remove(holders))

    def to_publish(self, manifest: Manifest) -> CatalogueChange:
        """The change that publishes a checkpoint.

        :raises CheckFailed: when the checkpoint could not be restored.
        """
        before = self.catalogue.look(manifest.application.name, manifest.checkpoint.id)
        parts = methods.look(self.storage)
        pieces = self.pieces_to_store(manifest, parts)
        change = CatalogueChange(before, pieces, before != manifest or bool(pieces))
        problems = unavailable(manifest, methods.by_id(parts), self.site) if change.changed else []
        if problems:
            raise CheckFailed(f"Checkpoint '{manifest.checkpoint.id}' cannot be published", problems)
        return change

    def to_withdraw(self, application: str, checkpoint: str) -> CatalogueChange:
        before = self.catalogue.look(application, checkpoint)
        pieces = self.pieces_to_remove(application, checkpoint)
        return CatalogueChange(before, pieces, bool(before or pieces))

    def publish(self, manifest: Manifest, pieces: Pieces, is_new: bool = False) -> None:
        """Publish a checkpoint.

        :param is_new: whether the catalogue had nothing of it.
        :raises Busy: when it is there by now, published by another run.
        """
        self._mark(pieces)
        (self.catalogue.publish_new if is_new else self.catalogue.publish)(manifest)

    def withdraw(self, application: str, checkpoint: str, pieces: Pieces) -> None:
        self.catalogue.remove(application, checkpoint)
        self._mark(pieces)

    def _mark(self, pieces: Pieces) -> None:
        each(pieces, lambda one: methods.mark(self.storage, *one), _WRITERS)


def _pieces(holders: t.Iterable[Part], metadata: t.Mapping[str, t.Mapping[str, str]]) -> Pieces:
    """Pair parts with their new metadata.

    :param metadata: per id of the parts that get new metadata.
    """
    return [(one, metadata[one.id]) for one in holders if one.id in metadata]
