# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks on volumes that are copies.

They never equal the marks of a volume that a restore made (see :mod:`.marking`), and no restore or drill takes such a volume for its own.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .records import Volume, VolumeCopy

#: Of which volume and of which of its snapshots it is a copy, and when that was taken.
_OF_KEY, _SNAPSHOT_KEY, _TIME_KEY = "osdr_copy_of", "osdr_copy_snapshot", "osdr_copy_time"
#: What the storage said when its data were complete.
_RECEIPT_KEY = "osdr_copy_receipt"
#: Its own id, which it gets last.
_COMPLETE_KEY = "osdr_copy"
#: What Cinder takes as a value.
_LONGEST = 255


@dataclasses.dataclass(frozen=True)
class VolumeCopyMark:
    """The mark with which a copy is made.

    :param of: id of the volume.
    :param snapshot: id of its snapshot.
    :param time: of the snapshot, as the clouds write it.
    :param receipt: what the storage said when its data were complete.
    :param metadata: the marks that all parts of copies have.
    """

    of: str
    snapshot: str
    time: str
    receipt: str
    metadata: t.Mapping[str, str]

    def as_metadata(self) -> dict[str, str]:
        own = {_OF_KEY: self.of, _SNAPSHOT_KEY: self.snapshot, _TIME_KEY: self.time, _RECEIPT_KEY: self.receipt[:_LONGEST]}
        return {**self.metadata, **own}


def complete_mark(volume_id: str) -> dict[str, str]:
    """What a copy gets last."""
    return {_COMPLETE_KEY: volume_id}


def copy_of(volume: Volume) -> VolumeCopy | None:
    """The volume as a part of copies; None for other volumes."""
    found = volume.metadata
    if not (found.get(_OF_KEY) and found.get(_SNAPSHOT_KEY)):
        return None
    return VolumeCopy(
        id=volume.id,
        volume_id=found[_OF_KEY],
        snapshot_id=found[_SNAPSHOT_KEY],
        size=volume.size,
        status=volume.status,
        volume_type=volume.volume_type,
        availability_zone=volume.availability_zone,
        is_complete=found.get(_COMPLETE_KEY) == volume.id,
        data_timestamp=found.get(_TIME_KEY, ""),
        metadata=found,
    )
