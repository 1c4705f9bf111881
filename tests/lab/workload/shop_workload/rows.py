# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two databases hold: rows whose content follows from the seed and their key."""

from __future__ import annotations

import dataclasses
import random
import zlib

SMALLEST_PAYLOAD = 32
LARGEST_PAYLOAD = 2048


@dataclasses.dataclass(frozen=True, order=True)
class Key:
    """One step of one worker. Payment (w, n) follows order (w, n); order (w, n + 1) follows payment (w, n)."""

    worker: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.worker}/{self.sequence}"


def payload(seed: int, table: str, key: Key) -> bytes:
    """The same for every attempt, so that an insert whose outcome is unknown can be repeated."""
    source = random.Random(f"{seed}/{table}/{key}")
    return source.randbytes(source.randint(SMALLEST_PAYLOAD, LARGEST_PAYLOAD))


def checksum(key: Key, content: bytes) -> int:
    return zlib.crc32(f"{key}:".encode() + content)
