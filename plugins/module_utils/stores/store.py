# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a catalogue asks of the place where its documents are: no more than every such place can do.

All documents are small (the largest has 32 MiB), so each is written and read by one request. Nothing is asked about order, times or versions.
"""

from __future__ import annotations

import abc
import dataclasses

#: What all documents are.
CONTENT_TYPE = "application/json"


@dataclasses.dataclass(frozen=True)
class StoredDocument:
    """A document as it is listed.

    :param size: bytes.
    """

    name: str
    size: int


class CatalogueStore(abc.ABC):
    """The documents of one catalogue, by names like ``shop/noon.json``.

    All methods raise :class:`CloudError` when the store refuses, fails or does not answer, and :class:`InvalidInput` for names that could lead elsewhere.
    Whoever else may write to it may have put anything there: names that no catalogue gives, sizes that are not true, contents without an end.
    """

    @property
    @abc.abstractmethod
    def place(self) -> str:
        """The store's name in messages."""

    @property
    @abc.abstractmethod
    def identity(self) -> str:
        """The project and container whose catalogue it is, to which documents are sealed: the same wherever a catalogue is moved to."""

    @abc.abstractmethod
    def documents(self, folder: str = "") -> list[StoredDocument]:
        """All documents, or all whose names begin with a folder and a slash; none before the first one is written."""

    @abc.abstractmethod
    def read(self, name: str, at_most: int) -> bytes:
        """Read at most so many bytes of a document.

        :raises NotFound: when there is no such document.
        """

    @abc.abstractmethod
    def write(self, name: str, content: bytes) -> None:
        """Write a document, in place of one that is there: readers see all of it, or what was there before."""

    @abc.abstractmethod
    def write_new(self, name: str, content: bytes) -> None:
        """Write a document unless there is one by that name.

        Where a store knows no such condition, it is written in any case; where it looks before it writes, as Swift does, requests that overlap may all be
        carried out, the last one in the end. So callers look before, and read afterwards whose it is.
        """

    @abc.abstractmethod
    def delete(self, name: str) -> None:
        """Remove a document, if it is there."""

    def names(self, folder: str = "") -> list[str]:
        """Names of all documents, or of those in a folder."""
        return [one.name for one in self.documents(folder)]
