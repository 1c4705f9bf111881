# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of every method of copying volumes to the remote site.

A copy is of one volume and one checkpoint. What a site keeps for it are its *parts*: the backups of a chain, an image, the snapshots
of a mirrored volume. Code outside this package asks a method about copies and their parts, and knows neither what they
consist of nor which service keeps them. :mod:`.methods` finds the method of a copy.
"""

from __future__ import annotations

import abc
import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..core.records import Volume
from ..manifest.manifest import Copy


class Part(t.Protocol):
    """Something that a site keeps for copies; a copy can be restored as long as all its parts are usable."""

    @property
    def id(self) -> str:
        """An id that is unique among the parts of all methods, and the same at both sites."""

    @property
    def volume_id(self) -> str:
        """Id of the volume at its own site."""

    @property
    def status(self) -> str:
        """Status as the service that keeps it calls it."""

    @property
    def metadata(self) -> t.Mapping[str, str]:
        """Metadata with the marks, and perhaps a piece of a manifest."""

    @property
    def data_timestamp(self) -> str:
        """The moment of its data, as the clouds write it."""

    @property
    def is_usable(self) -> bool:
        """Whether it can be restored from, now or once the current operation on it ends."""

    @property
    def is_under_way(self) -> bool:
        """Whether it is being made; nothing else can be done with it meanwhile."""

    @property
    def is_being_restored(self) -> bool:
        """Whether a volume is being made from it."""


#: Per id.
Parts = t.Mapping[str, Part]


class State(t.Protocol):
    """What counts of a part for those who want to restore from it."""

    @property
    def status(self) -> str:
        """As :class:`Part` has it."""

    @property
    def is_usable(self) -> bool:
        """As :class:`Part` has it."""


#: Per id of a part.
States = t.Mapping[str, State]


@dataclasses.dataclass(frozen=True)
class Lack:
    """A part that a copy needs but that is missing or unusable.

    :param what: beginning of a sentence: ``Backup 6a3a4d43``.
    :param state: its continuation: ``is unknown``.
    :param remedy: how to bring it there; beginning of a sentence.
    """

    what: str
    state: str
    remedy: str


class CopyMethod(abc.ABC):
    """One method of copying volumes to the remote site; has no state.

    Questions about copies are pure: they take what was seen. Operations at a site take its block storage, whose cloud leads to
    the other services.
    """

    #: Its name in manifests.
    name: t.ClassVar[str]
    #: The type of its parts, and of no other method's.
    part_type: t.ClassVar[type]
    #: How to bring a part to a site that lacks it; beginning of a sentence.
    remedy: t.ClassVar[str]
    #: Where to look when a volume could not be made from a copy; beginning of a sentence.
    where_to_look: t.ClassVar[str]

    # Of one copy

    @abc.abstractmethod
    def needs(self, copy: Copy) -> tuple[str, ...]:
        """Ids of all parts that a restore of the copy needs; retention keeps them."""

    @abc.abstractmethod
    def carriers(self, copy: Copy) -> tuple[str, ...]:
        """Ids of the parts of this checkpoint alone, which have its marks and keep pieces of its manifest. There may be none."""

    @abc.abstractmethod
    def label(self, copy: Copy) -> str:
        """The copy's name in messages."""

    @abc.abstractmethod
    def part_label(self, part_id: str) -> str:
        """A part's name in messages, at the beginning of a sentence."""

    @abc.abstractmethod
    def extent(self, document: t.Mapping[str, t.Any]) -> str:
        """What the copy consists of, in words for reports.

        :param document: the copy in an unvalidated manifest.
        """

    @abc.abstractmethod
    def pending(self, volume_id: str, size: int) -> Copy:
        """A placeholder for a copy that is yet to be made; it needs nothing.

        :param size: of the volume, in GiB.
        """

    def lacks(self, copy: Copy, parts: States) -> list[Lack]:
        """Parts whose absence or state prevents a restore of the copy at a site."""
        return [
            Lack(self.part_label(one), f"is {parts[one].status}" if one in parts else "is missing", self.remedy)
            for one in self.needs(copy)
            if one not in parts or not parts[one].is_usable
        ]

    def misfit(self, part: Part, volume_type: str, zone: str) -> str:
        """Why no such volume can be made from a part, at the beginning of a sentence; empty where nothing is in the way.

        :param volume_type: of the new volume, by its name at the site; empty for the default. The same holds for its zone.
        """
        return ""

    def is_being_restored(self, copy: Copy, parts: Parts) -> bool:
        return any(parts[one].is_being_restored for one in self.needs(copy) if one in parts)

    # Of parts

    def own(self, parts: t.Iterable[Part]) -> list[Part]:
        """Those of its own among the parts of all methods."""
        return [one for one in parts if isinstance(one, self.part_type)]

    @abc.abstractmethod
    def bases(self, needing: t.Iterable[Part], parts: t.Iterable[Part]) -> set[str]:
        """Ids of the parts that some need, even if they are in no manifest, like other people's.

        :param parts: all that the site knows.
        """

    @abc.abstractmethod
    def removal_order(self, parts: t.Iterable[Part]) -> list[list[Part]]:
        """Lists of parts to remove one after the other; the lists can be worked on in parallel."""

    # At a site

    def each(self, storage: BlockStorage) -> t.Iterator[Part]:
        """All parts that the project has at a site, one after the other as they are read."""
        yield from self.look(storage, (), 1)

    @abc.abstractmethod
    def look(self, storage: BlockStorage, copies: t.Iterable[Copy], concurrency: int) -> list[Part]:
        """All parts that the project has at a site.

        :param copies: copies whose parts are wanted even if they belong to another project, as far as the credentials may see them.
        :param concurrency: how many calls in parallel.
        """

    def fills(self, copy: Copy) -> bool:
        """Whether a volume is made empty, and gets its content by :meth:`fill_volume` when it is there."""
        return False

    @abc.abstractmethod
    def create_volume(self, storage: BlockStorage, copy: Copy, body: t.Mapping[str, t.Any]) -> Volume:
        """Start making a volume from a copy.

        :param body: name, description, size, type, zone and metadata as Cinder takes them when it creates volumes.
        :raises Busy: when another restore must end first.
        """

    def fill_volume(self, storage: BlockStorage, copy: Copy, volume: Volume) -> None:
        """Start giving an empty volume its content; only asked for where the method :meth:`fills`.

        :raises Busy: when another restore must end first.
        """
        raise AssertionError(f"{self.label(copy)} fills no volume.")

    @abc.abstractmethod
    def mark(self, storage: BlockStorage, part: Part, metadata: t.Mapping[str, str]) -> None:
        """Replace the metadata of a carrier."""

    @abc.abstractmethod
    def delete(self, storage: BlockStorage, part: Part) -> None:
        """Start removing a part.

        :raises CloudError: with status 400 when it cannot be removed: others build on it, or it is in use.
        """

    @abc.abstractmethod
    def is_gone(self, storage: BlockStorage, part: Part) -> bool | None:
        """True once a part has been removed; None until then.

        :raises ResourceFailed: when its removal failed.
        """


@dataclasses.dataclass(frozen=True)
class Copied:
    """The result of copying a checkpoint, or the predicted one.

    :param before: ids of the volumes that were backed up before, or whatever the method does at the primary site.
    :param after: ids of those that are now, or would be.
    """

    changed: bool
    before: tuple[str, ...]
    after: tuple[str, ...]
    copies: tuple[Copy, ...]

    def described(self) -> list[dict[str, t.Any]]:
        """The copies as a manifest takes them."""
        return [{**dataclasses.asdict(one), "chain": list(one.chain)} for one in self.copies]

    @property
    def diff(self) -> dict[str, t.Any]:
        return {"before": {"backed_up": list(self.before)}, "after": {"backed_up": list(self.after)}}


class Copying(abc.ABC):
    """Copies the data of one checkpoint to the remote site by one method; adopts what an earlier run did."""

    @abc.abstractmethod
    def check(self) -> None:
        """Check all that can be checked before the first change.

        :raises CheckFailed: when not all copies can be made.
        """

    @abc.abstractmethod
    def carry_out(self) -> Copied:
        """Make all copies.

        :raises DrError: when not all copies are complete at the remote site in the end; what was done is kept.
        """

    @abc.abstractmethod
    def foresee(self) -> Copied:
        """The copies that are there already, and whether anything is left to do.

        :raises DrError: for what would end the run immediately.
        """
