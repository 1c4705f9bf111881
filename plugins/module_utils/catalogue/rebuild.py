# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rebuild the catalogue from the manifests that the parts of copies keep. Pure, except :class:`Rebuild`."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..copies import methods
from ..copies.method import Part, Parts
from ..core.errors import ManifestInvalid
from ..core.records import APPLICATION_KEY, CHECKPOINT_KEY
from ..manifest import pieces as manifest_pieces
from ..manifest.manifest import Manifest
from ..manifest.signed import Seal
from ..work.pool import each
from .catalogue import LARGEST, Catalogue, Damaged, read_manifest
from .recovery_point import unavailable

#: How many manifests are published in parallel.
_WRITERS = 8
#: Names of an application and of a checkpoint.
Names = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class KeptManifest:
    """A manifest that the copies of a checkpoint keep, as it was stored."""

    names: Names
    manifest: Manifest
    content: bytes


@dataclasses.dataclass(frozen=True)
class Lost:
    """A checkpoint that cannot be rebuilt from its copies."""

    names: Names
    problem: str

    def as_dict(self) -> dict[str, str]:
        return {"application": self.names[0], "checkpoint": self.names[1], "problem": self.problem}


@dataclasses.dataclass(frozen=True)
class RebuildPlan:
    """What the rebuild publishes.

    :param present: what the catalogue has already.
    """

    publish: tuple[KeptManifest, ...]
    present: tuple[KeptManifest, ...]
    lost: tuple[Lost, ...]


def kept_manifests(parts: t.Iterable[Part], seal: Seal) -> list[KeptManifest | Lost]:
    """The manifests that the parts of copies keep, by checkpoint.

    :param seal: of the catalogue.
    """
    metadata = collections.defaultdict(list)
    for part in parts:
        if manifest_pieces.LABEL_KEY in part.metadata:
            metadata[_names(part)].append(part.metadata)
    return [_kept(names, found, seal) for names, found in sorted(metadata.items())]


def _names(part: Part) -> Names:
    return part.metadata.get(APPLICATION_KEY, ""), part.metadata.get(CHECKPOINT_KEY, "")


def _kept(names: Names, metadata: t.Sequence[t.Mapping[str, str]], seal: Seal) -> KeptManifest | Lost:
    try:
        content = manifest_pieces.join(metadata, LARGEST + 1)
        return KeptManifest(names, read_manifest(content, names, seal), content)
    except ManifestInvalid as error:
        return Lost(names, str(error))


def plan(
    kept: t.Iterable[KeptManifest | Lost], published: t.Mapping[Names, Manifest | Damaged | None], parts: t.Collection[Part], site: str
) -> RebuildPlan:
    """Decide what is published.

    :param published: what the catalogue has of each manifest that was kept.
    :param parts: of copies, all of the site's project.
    """
    publish, present, lost = [], [], []
    known = methods.by_id(parts)
    for one in kept:
        if isinstance(one, Lost):
            lost.append(one)
        elif one.manifest == published[one.names]:
            present.append(one)
        elif problem := _hindrance(one, published[one.names], known, site):
            lost.append(Lost(one.names, problem))
        else:
            publish.append(one)
    return RebuildPlan(tuple(publish), tuple(present), tuple(lost))


def _hindrance(kept: KeptManifest, published: Manifest | Damaged | None, parts: Parts, site: str) -> str:
    if isinstance(published, Manifest):
        return (
            "The catalogue has another manifest of this checkpoint, which was kept. If that one is wrong, remove its object; if the one in "
            "the backups is wrong, remove the checkpoint with os_checkpoint (state: absent)."
        )
    return " ".join(unavailable(kept.manifest, parts, site))


@dataclasses.dataclass(frozen=True)
class Rebuild:
    """One rebuild of a catalogue.

    :param published: what the catalogue had before of each manifest that the copies keep.
    """

    todo: RebuildPlan
    published: t.Mapping[Names, Manifest | Damaged | None]

    @classmethod
    def of(cls, catalogue: Catalogue, parts: t.Collection[Part], site: str, application: str | None) -> Rebuild:
        """Plan the rebuild.

        :param parts: all of the site's project.
        :param application: name of the only application to rebuild; None for all.
        """
        kept = [one for one in kept_manifests(parts, catalogue.seal) if application in (None, one.names[0])]
        published = catalogue.look_at([one.names for one in kept if isinstance(one, KeptManifest)])
        return cls(plan(kept, published, parts, site), published)

    def carry_out(self, catalogue: Catalogue) -> None:
        each(self.todo.publish, lambda one: self._publish(catalogue, one), _WRITERS)

    def _publish(self, catalogue: Catalogue, kept: KeptManifest) -> None:
        publish = catalogue.publish if self.published[kept.names] else catalogue.publish_new
        publish(kept.manifest, kept.content)
