# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cinder's RBD driver with groups that are truly consistent.

Cinder's own driver snapshots the volumes of a group one after the other, whatever the group's type promises. This one
maps groups of a consistent type to groups of librbd, which stalls the writes to all images of a group for the moment
in which it snapshots them. It leaves groups of other types to Cinder's generic code, as any driver does.

Groups and their snapshots have the ids that Cinder gives them as their names in the pool.
"""

from __future__ import annotations

import contextlib

from cinder import exception
from cinder.volume import volume_utils
from cinder.volume.drivers import rbd
from oslo_utils import units


def is_consistent(group_or_snapshot):
    """Whether there is a group, or a snapshot of one, and it is of a consistent type."""
    return bool(group_or_snapshot) and volume_utils.is_group_a_cg_snapshot_type(group_or_snapshot)


def demand_consistent(group_or_snapshot):
    """Leave groups of other types to Cinder's generic code, which this error makes it run."""
    if not is_consistent(group_or_snapshot):
        raise NotImplementedError


class ConsistentRBDDriver(rbd.RBDDriver):
    """RBD images as volumes, and librbd's groups as groups."""

    def _update_volume_stats(self):
        super()._update_volume_stats()
        self._stats["consistent_group_snapshot_enabled"] = True

    @contextlib.contextmanager
    def _pool(self):
        """The pool of the volumes. Cinder cleans up only after errors of its own kind."""
        with rbd.RADOSClient(self) as client:
            try:
                yield client.ioctx
            except self.rbd.Error as problem:
                raise exception.VolumeBackendAPIException(data=str(problem)) from problem

    def _group(self, pool, group_id):
        return self.rbd.Group(pool, group_id)

    def create_group(self, context, group):
        demand_consistent(group)
        with self._pool() as pool:
            self.RBDProxy().group_create(pool, group.id)

    def update_group(self, context, group, add_volumes=None, remove_volumes=None):
        demand_consistent(group)
        with self._pool() as pool:
            members = self._group(pool, group.id)
            for volume in add_volumes or []:
                members.add_image(pool, volume.name)
            for volume in remove_volumes or []:
                # A volume that failed to be created in the group has no image.
                with contextlib.suppress(self.rbd.ObjectNotFound):
                    members.remove_image(pool, volume.name)
        return None, None, None

    def delete_group(self, context, group, volumes):
        demand_consistent(group)
        for volume in volumes:
            self.delete_volume(volume)
        # A group or a snapshot that failed to be created is not there.
        with self._pool() as pool, contextlib.suppress(self.rbd.ObjectNotFound):
            self.RBDProxy().group_remove(pool, group.id)
        return None, None

    def create_group_snapshot(self, context, group_snapshot, snapshots):
        demand_consistent(group_snapshot)
        with self._pool() as pool:
            self._group(pool, group_snapshot.group_id).create_snap(group_snapshot.id)
        return None, None

    def delete_group_snapshot(self, context, group_snapshot, snapshots):
        demand_consistent(group_snapshot)
        with self._pool() as pool, contextlib.suppress(self.rbd.ObjectNotFound):
            self._group(pool, group_snapshot.group_id).remove_snap(group_snapshot.id)
        return None, None

    def create_group_from_src(
        self, context, group, volumes, group_snapshot=None, snapshots=None, source_group=None, source_vols=None
    ):
        self.create_group(context, group)
        if group_snapshot:
            made = [self.create_volume_from_snapshot(volume, source) for volume, source in zip(volumes, snapshots, strict=True)]
        else:
            made = self._copy_group(group, volumes, source_group, source_vols)
        return None, [{"id": volume.id, **update} for volume, update in zip(volumes, made, strict=True)]

    def _copy_group(self, group, volumes, source_group, source_vols):
        """Copy all volumes of a group as they are in one moment."""
        with self._pool() as pool:
            source = self._group(pool, source_group.id)
            source.create_snap(group.id)
            try:
                return [self._copy(original.name, group.id, volume) for volume, original in zip(volumes, source_vols, strict=True)]
            finally:
                source.remove_snap(group.id)

    def create_volume_from_snapshot(self, volume, snapshot):
        if is_consistent(snapshot.group_snapshot):
            return self._copy(snapshot.volume_name, snapshot.group_snapshot.id, volume)
        return super().create_volume_from_snapshot(volume, snapshot)

    def _copy(self, image_name, snapshot_id, volume):
        """Make a volume of what an image was in a snapshot of its group: Ceph 16 cannot clone that."""
        with rbd.RBDVolumeProxy(self, image_name, read_only=True) as image:
            taken = {snap["group"]["snap_name"]: snap["id"] for snap in image.list_snaps() if "group" in snap}
            image.set_snap_by_id(taken[snapshot_id])
            image.copy(image.ioctx, volume.name)
            self._resize(volume, size=max(image.size(), volume.size * units.Gi))
        return self._setup_volume(volume)

    def _setup_volume(self, volume, volume_type=None):
        """The end of every way in which a volume is made; it may be made in a group."""
        update = super()._setup_volume(volume, volume_type)
        if is_consistent(volume.group):
            self.update_group(None, volume.group, add_volumes=[volume])
        return update

    def delete_volume(self, volume):
        """Ceph refuses to remove an image that is in a group."""
        if is_consistent(volume.group):
            self.update_group(None, volume.group, remove_volumes=[volume])
        super().delete_volume(volume)
