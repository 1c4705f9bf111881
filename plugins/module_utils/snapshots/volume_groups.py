# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, change and dissolve the volume groups of an application.

A group binds its volumes: Cinder neither deletes nor migrates them while they are in one. So a group of this collection exists
only as long as it has snapshots.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..core.errors import CloudError, ResourceFailed, WaitTimeout
from ..core.records import VolumeGroup
from ..work.pool import attempt_each, each
from ..work.waiting import Waiter
from .grouping import Landscape, Unit, is_ours, mark_of_group

#: Cinder takes the ids as one string of at most 255 characters.
_IDS_PER_UPDATE = 6


def look(storage: BlockStorage, admin: BlockStorage | None) -> Landscape:
    """Read the storage of a project.

    :param admin: the same cloud as an administrator; None when there is no such thing, and nothing is known of backends.
    """
    volumes = storage.volumes()
    members: dict[str, set[str]] = {}
    for volume in volumes:
        if volume.group_id:
            members.setdefault(volume.group_id, set()).add(volume.id)
    seen = _seen_by_admin(storage, admin or storage)
    usable = {one.id for one in storage.group_types()}
    return Landscape(
        groups=tuple(storage.groups()),
        members={group_id: frozenset(ids) for group_id, ids in members.items()},
        volume_types=storage.volume_types(),
        pools=seen["pools"],
        backends=seen["backends"],
        group_types=tuple(one for one in seen["group_types"] if one.id in usable),
    )


def _seen_by_admin(storage: BlockStorage, admin: BlockStorage) -> dict[str, t.Any]:
    """What only administrators see; empty for other credentials."""
    try:
        pools = tuple(admin.pools())
        volumes = admin.volumes_of_project(storage.cloud.project_id)
        group_types = admin.group_types()
    except CloudError as error:
        if error.http_status != 403:
            raise
        return {"pools": None, "backends": {}, "group_types": ()}
    return {"pools": pools, "backends": {v.id: v.backend for v in volumes if v.backend}, "group_types": group_types}


class VolumeGroups:
    """The groups of an application in one project.

    :param waiter: how long one change of a group may take.
    """

    def __init__(self, storage: BlockStorage, application: str, waiter: Waiter) -> None:
        self._storage = storage
        self._application = application
        self._waiter = waiter

    def prepare(self, units: t.Sequence[Unit], insist: bool) -> list[Unit]:
        """Make the groups that units lack, and give every group of ours exactly its volumes.

        :param insist: fail where a group cannot be had, instead of going without it.
        """
        own = [unit for unit in units if unit.is_ours]
        self._take_out({unit.group.id: unit for unit in own if unit.group})
        return [self._with_group(unit, insist) if unit.is_ours else unit for unit in units]

    def _with_group(self, unit: Unit, insist: bool) -> Unit:
        created = None
        try:
            group_id = unit.group.id if unit.group else None
            if group_id is None:
                group_id = created = self._create(unit)
                self._await(created, "be made")
            missing = {volume.id for volume in unit.volumes} - self._members(group_id)
            self._change(group_id, add=sorted(missing))
            return dataclasses.replace(unit, group=self._group(group_id))
        except (CloudError, ResourceFailed, WaitTimeout) as error:
            if created:
                attempt_each([created], self._delete, 1)
            if insist:
                raise
            return unit.individually(f"no group could be made: {error}")

    def dissolve(self) -> None:
        """Delete our groups without snapshots; their volumes are kept."""
        in_use = {snapshot.group_id for snapshot in self._storage.group_snapshots()}
        free = [group.id for group in self._own() if group.id not in in_use]
        # One that refuses does not keep the others.
        each(free, self._delete, 1)

    def _own(self) -> list[VolumeGroup]:
        return [group for group in self._storage.groups() if is_ours(group, self._application)]

    def _take_out(self, wanted: t.Mapping[str, Unit]) -> None:
        """Take volumes out of groups of ours that are not, or no longer, theirs."""
        # Cinder changes available groups only; their volumes show as being in a group of ours that cannot be used.
        for group in (one for one in self._own() if one.status == "available"):
            unit = wanted.get(group.id)
            keep = {volume.id for volume in unit.volumes} if unit else set()
            self._change(group.id, remove=sorted(self._members(group.id) - keep))

    def _members(self, group_id: str) -> set[str]:
        return {volume.id for volume in self._storage.volumes() if volume.group_id == group_id}

    def _create(self, unit: Unit) -> str:
        backend = t.cast(str, unit.backend)
        wanted = {
            "name": f"{self._application}.{backend}"[:255],
            "description": mark_of_group(self._application, backend),
            "group_type": t.cast(t.Any, unit.group_type).id,
            "volume_types": sorted({volume.volume_type for volume in unit.volumes}),
            "availability_zone": unit.volumes[0].availability_zone or None,
        }
        return self._storage.create_group(wanted)

    def _change(self, group_id: str, add: t.Sequence[str] = (), remove: t.Sequence[str] = ()) -> None:
        for start in range(0, max(len(add), len(remove)), _IDS_PER_UPDATE):
            part = slice(start, start + _IDS_PER_UPDATE)
            self._storage.update_group(group_id, add[part], remove[part])
            self._await(group_id, "be changed")

    def _await(self, group_id: str, purpose: str) -> None:
        def available() -> bool | None:
            group = self._group(group_id)
            if group.status.startswith("error"):
                raise ResourceFailed(
                    f"Volume group {group.label} on site '{self._storage.cloud.site}' could not {purpose} ({group.status}).",
                    self._storage.failure_reason(group_id) or "Check the logs of the volume service.",
                )
            return True if group.status == "available" else None

        self._waiter.until(f"volume group {group_id} to {purpose}", available)

    def _group(self, group_id: str) -> VolumeGroup:
        found = next((group for group in self._storage.groups() if group.id == group_id), None)
        if found is None:
            raise ResourceFailed(f"Volume group {group_id} on site '{self._storage.cloud.site}' was deleted meanwhile. Re-run.")
        return found

    def _delete(self, group_id: str) -> None:
        self._change(group_id, remove=sorted(self._members(group_id)))
        self._storage.delete_group(group_id)

        def gone() -> bool | None:
            return None if any(group.id == group_id for group in self._own()) else True

        self._waiter.until(f"the deletion of volume group {group_id}", gone)
