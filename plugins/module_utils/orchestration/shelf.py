# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of all runs in the store of a catalogue.

Each part has one writer, so nothing is asked of the store but that what was written is read and listed from then on.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..catalogue.catalogue import Catalogue
from ..cloud.session import Cloud
from ..core.errors import NotFound, RunPartInvalid
from ..manifest.signed import Seal
from ..stores.configured import configured_store
from ..stores.store import CatalogueStore
from .part import LARGEST_PART, RunPart

if t.TYPE_CHECKING:
    from typing import Self


@dataclasses.dataclass(frozen=True)
class Shelved:
    """The parts that are there.

    :param unreadable: what is wrong with documents that are no parts.
    """

    parts: tuple[RunPart, ...]
    unreadable: tuple[str, ...] = ()


class PartShelf:
    """The parts in one store.

    :param seal: that of the catalogue.
    """

    def __init__(self, store: CatalogueStore, seal: Seal) -> None:
        self._store = store
        self._seal = seal

    @classmethod
    def of(cls, cloud: Cloud, params: t.Mapping[str, t.Any]) -> Self:
        """Those in the catalogue that the options of the fragment ``catalogue`` name."""
        return cls(configured_store(cloud, params["container"]), Catalogue.of(cloud, params).seal)

    def parts(self, known: t.Collection[str] = ()) -> Shelved:
        """All parts but those of some names; what vanishes meanwhile is not there."""
        found, unreadable = [], []
        for name in self._store.names(RunPart.name):
            if name not in known:
                try:
                    found += self._read(name)
                except RunPartInvalid as error:
                    unreadable.append(f"Object '{name}' in {self._store.place}: {error}")
        return Shelved(tuple(found), tuple(unreadable))

    def write(self, part: RunPart) -> None:
        self._store.write(part.object_name, part.dump(self._seal))

    def remove(self, part: RunPart) -> None:
        self._store.delete(part.object_name)

    def _read(self, name: str) -> list[RunPart]:
        try:
            part = RunPart.load(self._store.read(name, LARGEST_PART + 1), self._seal)
        except NotFound:
            return []
        if part.object_name != name:
            raise RunPartInvalid(f"The {RunPartInvalid.what} is of another place, '{part.object_name}'; somebody moved it.")
        return [part]


class ClosedShelf(PartShelf):
    """For what must not change anything: a run that is only predicted is nobody's business."""

    def __init__(self) -> None:
        pass

    def parts(self, known: t.Collection[str] = ()) -> Shelved:
        return Shelved(())

    def write(self, part: RunPart) -> None:
        pass

    def remove(self, part: RunPart) -> None:
        pass
