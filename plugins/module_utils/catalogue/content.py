# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long ago it was proved that copies of an application's volumes have the right content. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..copies.verification import RESTORE
from ..manifest.manifest import Content, Manifest


@dataclasses.dataclass(frozen=True)
class VolumeContent:
    """The last proof of one volume's content.

    :param verified: how far the copy of this checkpoint was verified.
    """

    server: str
    device: str
    volume_id: str
    verified: str
    content: Content

    def age(self, now: datetime.datetime) -> float | None:
        """Seconds since the last proof; None when there was none."""
        moment = self.content.moment
        return round((now - moment).total_seconds(), 1) if moment else None

    def as_dict(self, now: datetime.datetime) -> dict[str, t.Any]:
        return {
            "server": self.server,
            "device": self.device,
            "volume_id": self.volume_id,
            "verified": self.verified,
            "proved_at": self.content.proved_at or None,
            "proved_by": self.content.proved_by or None,
            "how": self.content.how or None,
            "age": self.age(now),
        }


@dataclasses.dataclass(frozen=True)
class ApplicationContent:
    """The last proofs of the content of all volumes of a checkpoint."""

    volumes: tuple[VolumeContent, ...]

    @classmethod
    def of(cls, manifest: Manifest) -> ApplicationContent:
        copies, holders = {copy.volume_id: copy for copy in manifest.copies}, manifest.description.holders
        found = ((volume, copies[volume.source_id], holders[volume.source_id][0]) for volume in manifest.description.volumes)
        return cls(tuple(VolumeContent(server, volume.device, volume.source_id, copy.verified, copy.content) for volume, copy, server in found))

    @property
    def unproved(self) -> list[VolumeContent]:
        """Volumes whose content was never proved."""
        return [one for one in self.volumes if not one.content.proved_at]

    @property
    def oldest(self) -> datetime.datetime | None:
        """Moment of the oldest of the last proofs; None while a volume has none."""
        moments = [one.content.moment for one in self.volumes]
        return None if None in moments else min(t.cast("list[datetime.datetime]", moments), default=None)

    def age(self, now: datetime.datetime) -> float | None:
        """Seconds since the oldest of the last proofs; None while a volume has none."""
        return round((now - self.oldest).total_seconds(), 1) if self.oldest else None

    def as_dict(self, now: datetime.datetime) -> dict[str, t.Any]:
        compared = sum(one.content.how == RESTORE for one in self.volumes)
        return {"age": self.age(now), "unproved": len(self.unproved), "compared": compared, "volumes": [one.as_dict(now) for one in self.volumes]}
