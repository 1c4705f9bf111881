# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The encrypted volumes of an application: how they are encrypted, and whether their keys can be read when they are copied."""

from __future__ import annotations

import typing as t

from ..cloud.key_manager import KeyManager
from ..cloud.session import Cloud
from ..cloud.volume_encryption import VolumeEncryption
from ..core.encryption import Encryption
from ..core.errors import CheckFailed
from ..core.records import Volume
from ..work.pool import attempt_each
from .look import CaptureSite


def encryption_of(cloud: Cloud, seen: CaptureSite, concurrency: int) -> dict[str, Encryption]:
    """How the application's encrypted volumes are encrypted, per id.

    :raises CheckFailed: naming those whose keys cannot be read.
    """
    shown, keys = VolumeEncryption(cloud), KeyManager(cloud)

    def look(volume: Volume) -> Encryption:
        encryption, key_id = shown.of_volume(volume.id)
        # Only reading it shows whether it may be read.
        keys.key(key_id)
        return encryption

    volumes = list(_encrypted(seen))
    outcomes = attempt_each(volumes, look, concurrency)
    problems = [
        f"Volume {volume.label} is encrypted, and its key cannot be read: {outcome.error}"
        for volume, outcome in zip(volumes, outcomes, strict=True)
        if outcome.error
    ]
    if problems:
        raise CheckFailed(f"The application on site '{seen.site}' cannot be captured", problems)
    return {volume.id: outcome.value for volume, outcome in zip(volumes, outcomes, strict=True) if outcome.value}


def _encrypted(seen: CaptureSite) -> t.Iterator[Volume]:
    used = {volume_id for server in seen.servers.values() for volume_id, _delete in server.volumes}
    return (volume for volume in seen.volumes.values() if volume.encrypted and volume.id in used)
