# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of a whole site that are kept in a catalogue at the remote site, for the day on which nothing else of them is left.

There is one of each kind, sealed as manifests are. Like everything read from a catalogue, they are untrusted.
"""

from __future__ import annotations

import abc
import typing as t

from ..catalogue.catalogue import Catalogue, parse_time
from ..cloud.session import Cloud
from ..core.errors import DocumentInvalid, InvalidInput, NotFound
from ..manifest import signed
from ..manifest.conforming import Form
from ..stores.configured import configured_store
from ..stores.store import CatalogueStore

if t.TYPE_CHECKING:
    from typing import Self

Kept = t.TypeVar("Kept", bound="KeptDocument")


class KeptDocument(abc.ABC):
    """A document of one kind."""

    #: Of the object that holds it.
    name: t.ClassVar[str]
    #: Bytes.
    largest: t.ClassVar[int]
    form: t.ClassVar[Form]
    invalid: t.ClassVar[type[DocumentInvalid]]
    #: The member that says when it was written, in ISO 8601.
    time: t.ClassVar[str]

    @abc.abstractmethod
    def as_document(self) -> dict[str, t.Any]:
        """The document in the form of its schema."""

    @classmethod
    @abc.abstractmethod
    def of_document(cls, document: t.Mapping[str, t.Any]) -> Self:
        """Make it of what follows the schema."""

    def dump(self, seal: signed.Seal = signed.UNSEALED) -> bytes:
        return signed.dump(self.as_document(), seal)

    @classmethod
    def load(cls, content: bytes, seal: signed.Seal = signed.UNSEALED) -> Self:
        """Read a kept document.

        :raises DocumentInvalid: when it is damaged, not signed with the key, or of another place.
        """
        if len(content) > cls.largest:
            raise cls.invalid(f"The {cls.invalid.what} has more than {cls.largest >> 20} MiB, so it is none.")
        document = signed.load(content, seal, cls.invalid).document
        signed.validate(document, cls.form, cls.invalid)
        try:
            parse_time(document[cls.time])
        except InvalidInput as error:
            raise cls.invalid(f"The {cls.invalid.what} has an invalid time: {document[cls.time]}.") from error
        return cls.of_document(document)


class DocumentKeeper(t.Generic[Kept]):
    """The document of one kind in the store of a catalogue.

    :param seal: that of the catalogue.
    """

    kind: type[Kept]

    def __init__(self, store: CatalogueStore, seal: signed.Seal) -> None:
        self._store = store
        self._seal = seal

    @classmethod
    def of(cls, cloud: Cloud, params: t.Mapping[str, t.Any]) -> Self:
        """The keeper in the catalogue that the options of the fragment ``catalogue`` name."""
        return cls(configured_store(cloud, params["container"]), Catalogue.of(cloud, params).seal)

    def read(self) -> Kept | None:
        """What is kept; None when there is nothing.

        :raises DocumentInvalid: when it is damaged.
        """
        name, invalid = self.kind.name, self.kind.invalid
        try:
            return self.kind.load(self._store.read(name, self.kind.largest + 1), self._seal)
        except NotFound:
            return None
        except invalid as error:
            raise invalid(f"Object '{name}' in {self._store.place}: {error.message}", error.hint) from error

    def content_of(self, kept: Kept) -> bytes:
        """A document as it is written.

        :raises InvalidInput: when nobody would read it again.
        """
        content, largest = kept.dump(self._seal), self.kind.largest
        what = self.kind.invalid.what.removeprefix("kept ")
        if len(content) > largest:
            raise InvalidInput(
                f"The {what} would take {len(content):,} bytes in {self._store.place}; more than {largest >> 20} MiB cannot be kept.",
                "Divide the site plan into plans for fewer projects.",
            )
        try:
            self.kind.load(content, self._seal)
        except self.kind.invalid as error:
            raise InvalidInput(f"The {what} cannot be kept in {self._store.place}, because nobody could read it again: {error.message}") from error
        return content

    def write(self, kept: Kept) -> None:
        """Keep a document.

        :raises InvalidInput: as :meth:`content_of` does.
        """
        self._store.write(self.kind.name, self.content_of(kept))
