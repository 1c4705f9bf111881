# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every way of copying volumes to the remote site can do, whatever travels.

A copy is of one volume and one checkpoint. What a site keeps for it are its *parts*: the backups of a chain, an image, the snapshots
of a mirrored volume. Everything outside this package asks a method about copies and their parts, and knows neither what they
consist of nor by which service they are kept. :mod:`methods` finds the method of a copy.
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
        """Unique within all methods, and the same at both sites."""

    @property
    def volume_id(self) -> str:
        """Of the volume at its own site."""

    @property
    def status(self) -> str:
        """In the words of the service that keeps it."""

    @property
    def metadata(self) -> t.Mapping[str, str]:
        """With the marks, and perhaps a share of a manifest."""

    @property
    def data_timestamp(self) -> str:
        """The moment of its data, as the clouds write it."""

    @property
    def is_usable(self) -> bool:
        """Whether it can be restored from, now or when what is done with it has ended."""

    @property
    def is_under_way(self) -> bool:
        """Whether it is being made: nothing can be done with it meanwhile."""

    @property
    def is_being_restored(self) -> bool:
        """Whether a volume is being made of it."""


#: Per id.
Parts = t.Mapping[str, Part]


@dataclasses.dataclass(frozen=True)
class Lack:
    """A part that a copy needs, and that is not there or not usable.

    :param what: begins a sentence: ``Backup 6a3a4d43``.
    :param state: goes on with it: ``is not known``.
    :param remedy: what brings it there; the beginning of a sentence.
    """

    what: str
    state: str
    remedy: str


class CopyMethod(abc.ABC):
    """One way of copying volumes to the remote site; keeps nothing itself.

    Questions about copies are pure: they take what was seen. What is done at a site takes the site's block storage, whose cloud
    leads to the other services.
    """

    #: In manifests.
    name: t.ClassVar[str]
    #: The record of its parts, and of no other method's.
    part_type: t.ClassVar[type]
    #: What brings a part to a site that lacks it; the beginning of a sentence.
    remedy: t.ClassVar[str]
    #: Where to look when a volume could not be made from a copy; the beginning of a sentence.
    where_to_look: t.ClassVar[str]

    # Of one copy

    @abc.abstractmethod
    def needs(self, copy: Copy) -> tuple[str, ...]:
        """Ids of all parts without which the copy cannot be restored: they are what retention keeps."""

    @abc.abstractmethod
    def carriers(self, copy: Copy) -> tuple[str, ...]:
        """Ids of those parts that are of this checkpoint alone: they bear its marks and keep shares of its manifest. There may be none."""

    @abc.abstractmethod
    def label(self, copy: Copy) -> str:
        """What a message calls it."""

    @abc.abstractmethod
    def part_label(self, part_id: str) -> str:
        """What a message calls a part, at the beginning of a sentence."""

    @abc.abstractmethod
    def extent(self, document: t.Mapping[str, t.Any]) -> str:
        """What a reader of a report is told about what the copy consists of.

        :param document: the copy in a manifest that nobody has validated.
        """

    @abc.abstractmethod
    def pending(self, volume_id: str, size: int) -> Copy:
        """A copy that is yet to be made, for a manifest that is only looked at; it needs nothing.

        :param size: of the volume, in GiB.
        """

    def lacks(self, copy: Copy, parts: Parts) -> list[Lack]:
        """What keeps the copy from being restored at a site."""
        return [
            Lack(self.part_label(one), f"is {parts[one].status}" if one in parts else "is not known", self.remedy)
            for one in self.needs(copy)
            if one not in parts or not parts[one].is_usable
        ]

    def is_being_restored(self, copy: Copy, parts: Parts) -> bool:
        return any(parts[one].is_being_restored for one in self.needs(copy) if one in parts)

    # Of parts

    @abc.abstractmethod
    def builds_on(self, part: Part, parts: t.Sequence[Part]) -> t.Iterable[str]:
        """Ids of the parts that another one of this method needs, also when it is in no manifest, as those of others are.

        :param parts: all that the site knows.
        """

    @abc.abstractmethod
    def removal_order(self, parts: t.Iterable[Part]) -> list[list[Part]]:
        """Lists of parts to be removed one after the other; different lists at once."""

    # At a site

    @abc.abstractmethod
    def look(self, storage: BlockStorage, copies: t.Iterable[Copy], limit: int) -> list[Part]:
        """All parts that the project at a site has.

        :param copies: whose parts are wanted also where they belong to another project, as far as the credentials may see them.
        :param limit: how many calls at once.
        """

    @abc.abstractmethod
    def create_volume(self, storage: BlockStorage, copy: Copy, body: t.Mapping[str, t.Any]) -> Volume:
        """Start making a volume from a copy.

        :param body: name, description, size, type, zone and metadata as Cinder's creation of volumes takes them.
        :raises Busy: when it cannot be begun now, but when another restore has ended.
        """

    @abc.abstractmethod
    def mark(self, storage: BlockStorage, part: Part, metadata: t.Mapping[str, str]) -> None:
        """Replace the metadata of a carrier."""

    @abc.abstractmethod
    def delete(self, storage: BlockStorage, part: Part) -> None:
        """Start removing a part.

        :raises CloudError: with status 400 when it has to be left alone: others build on it, or it is in use.
        """

    @abc.abstractmethod
    def is_gone(self, storage: BlockStorage, part: Part) -> bool | None:
        """Whether a part that was to be removed is; None as long as it is not.

        :raises ResourceFailed: when it will not go.
        """


@dataclasses.dataclass(frozen=True)
class Copied:
    """What came of the copying of a checkpoint, or would.

    :param before: ids of the volumes that had been backed up, or whatever the method does at the primary site.
    :param after: those that are now, or would be.
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
    """Getting the data of one checkpoint to the remote site by one method; what an earlier run has done is adopted."""

    @abc.abstractmethod
    def carry_out(self) -> Copied:
        """:raises DrError: when not all copies are whole at the remote site in the end; what is done is kept."""

    @abc.abstractmethod
    def foresee(self) -> Copied:
        """The copies that are there already, and whether anything is left to do.

        :raises DrError: for what would end the run at once.
        """
