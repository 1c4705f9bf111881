# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How volumes are encrypted, and their keys."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Encryption:
    """How the volumes of a type are encrypted, in Cinder's words.

    :param provider: the format, e.g. luks.
    :param key_size: bits.
    """

    provider: str
    cipher: str | None
    key_size: int | None

    def __str__(self) -> str:
        return ", ".join(str(one) for one in (self.provider, self.cipher, self.key_size and f"{self.key_size} bits") if one)


@dataclasses.dataclass(frozen=True)
class VolumeKey:
    """The key of a volume in clear. It is never shown, stored or logged.

    :param algorithm: as the key manager calls it, like ``bit_length``.
    """

    algorithm: str
    bit_length: int
    content: bytes = dataclasses.field(repr=False)
