# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large contents on their way from one service to another, a block at a time: never more than a block is in memory."""

from __future__ import annotations

import typing as t

from ..core.errors import CloudError
from ..core.libraries import library

_BLOCK_BYTES = 256 * 1024


def blocks_of(response: t.Any, broken_off: str) -> t.Iterator[bytes]:
    """The content of a streamed answer.

    :param broken_off: a sentence without its end, for a link that breaks.
    """
    requests = library("requests", "requests")
    try:
        yield from response.iter_content(_BLOCK_BYTES)
    except requests.RequestException as error:
        raise CloudError(f"{broken_off}: {error}.", "Try again.") from error


def beginning(blocks: t.Iterable[bytes], at_most: int) -> bytes:
    """At most so many bytes of a content, of which no more is taken."""
    content = bytearray()
    for block in blocks:
        content += block
        if len(content) >= at_most:
            break
    return bytes(content[:at_most])


class Body:
    """Blocks as a file of known length, which is what makes requests send a Content-Length and not keep them all."""

    def __init__(self, size: int, blocks: t.Iterator[bytes]) -> None:
        self._size = size
        self._blocks = blocks
        #: Whoever sends takes small pieces of a block: what is left must not be copied with each of them.
        self._rest = memoryview(b"")

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> t.Iterator[bytes]:
        return self._blocks

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        size = len(self._rest) if size < 0 else size
        taken, self._rest = self._rest[:size], self._rest[size:]
        return bytes(taken)
