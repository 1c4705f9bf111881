# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Cinder says of the encryption of volumes and of their types."""

from __future__ import annotations

import typing as t

from ..core.encryption import Encryption
from .session import Cloud


class VolumeEncryption:
    """The encryption of volumes and types of one cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def of_volume(self, volume_id: str) -> tuple[Encryption, str]:
        """How an encrypted volume is encrypted, and the id of its key."""
        with self.cloud.calling(f"show the encryption of volume {volume_id}"):
            told = self._ask(f"/volumes/{volume_id}/encryption")
            return _encryption(told), str(told["encryption_key_id"])

    def of_type(self, type_id: str) -> Encryption | None:
        """How the volumes of a type are encrypted, None where they are not; by default only administrators see it."""
        with self.cloud.calling(f"show the encryption of volume type {type_id}"):
            told = self._ask(f"/types/{type_id}/encryption")
            return _encryption(told) if told.get("provider") else None

    def _ask(self, path: str) -> dict[str, t.Any]:
        return self.cloud.json(self.cloud.service("block_storage").get(path))


def _encryption(told: t.Mapping[str, t.Any]) -> Encryption:
    return Encryption(told["provider"], told["cipher"], told["key_size"])
