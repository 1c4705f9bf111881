# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Cinder for tests of pure code: what is asked of it takes time, and it refuses what the real one refuses."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import threading

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import GroupType, Pool
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import cloud_with_images
from ansible_collections.osdr.openstack.tests.unit.support.fakes import (
    FakeTime,
    group_snapshot,
    snapshot,
    volume_group,
)

POOL = "host@ceph#pool"
CONSISTENT = GroupType("type-consistent", "consistent", True)
GENERIC = GroupType("type-generic", "generic", False)
_LONGEST = 255


class FakeCinder:
    """The storage of one project; everything takes a second of its clock.

    :param refusing: names of calls that are answered with 400.
    :param failing: names of calls that are accepted and end in an error, and ids of volumes whose snapshots do.
    :param seconds: that the snapshot of a volume takes, per volume id; 1 for others.
    :param lag: seconds until lists show what was asked for.
    """

    def __init__(self, *volumes, project_id="project", groups=(), refusing=(), failing=(), seconds=None, time=None, lag=0):
        self.cloud = cloud_with_images("primary", project_id)
        self.time = time or FakeTime()
        self.cloud.clock = SiteClock("primary", lambda: self.time.seconds, self.time.wall)
        #: By how much its clock is ahead of ours.
        self.ahead = datetime.timedelta()
        self.calls = []
        #: How often the snapshots themselves were looked at within a freeze.
        self.looked = 0
        self.refusing, self.failing = set(refusing), set(failing)
        self.seconds = seconds or {}
        self.limits = {}
        self.lag = lag
        self._shown_from = {}
        self._volumes = {one.id: dataclasses.replace(one, project_id=project_id) for one in volumes}
        self._groups = {one.id: one for one in groups}
        self._snapshots, self._group_snapshots = {}, {}
        self._due = []
        self._numbers = (f"{project_id}-{number}" for number in itertools.count(1))
        self._lock = threading.RLock()

    @property
    def waiter(self):
        return Waiter(timeout=60, interval=1, clock=self.time.clock)

    def called(self, name):
        """What a call was made with, every time."""
        return [arguments for called, *arguments in self.calls if called == name]

    # Volumes

    def volumes(self):
        return self._list(self._volumes)

    def volumes_of_project(self, _project_id):
        return [dataclasses.replace(one, backend=POOL) for one in self.volumes()]

    def volume_types(self):
        return {"ceph": "type-ceph", "ssd": "type-ssd"}

    def pools(self):
        return [Pool(POOL, True)]

    def quotas(self):
        return self.limits

    def failure_reason(self, resource_id):
        return f"The driver says no to {resource_id}." if self.failing else ""

    # Groups

    def group_types(self):
        return [CONSISTENT, GENERIC]

    def groups(self):
        return self._list(self._groups)

    def create_group(self, wanted):
        with self._call("create_group", wanted):
            types = frozenset(self.volume_types()[name] for name in wanted["volume_types"])
            group = volume_group(
                f"made-{next(self._numbers)}",
                status="creating",
                description=wanted["description"],
                group_type_id=wanted["group_type"],
                volume_type_ids=types,
            )
            self._groups[group.id] = group
            self._end("create_group", self._groups, group.id)
            return group.id

    def update_group(self, group_id, add, remove):
        with self._call("update_group", group_id, tuple(add), tuple(remove)):
            group = self._groups[group_id]
            self._expect(group.status == "available", f"The group is {group.status}")
            self._expect(len(",".join(add)) <= _LONGEST and len(",".join(remove)) <= _LONGEST, "Too long")
            self._expect(all(self._volumes[one].group_id is None for one in add), "The volume is in another group")
            types = {self.volume_types()[self._volumes[one].volume_type] for one in add}
            self._expect(types <= group.volume_type_ids, "The volume's type is not one of the group's")
            self._expect(all(self._volumes[one].group_id == group_id for one in remove), "The volume is not in the group")
            self._change(self._groups, group_id, status="updating")
            if self._end("update_group", self._groups, group_id) == "available":
                moves = {**dict.fromkeys(add, group_id), **dict.fromkeys(remove)}
                self._due += [(self.time.seconds + 1, self._mover(one, where)) for one, where in moves.items()]

    def _mover(self, volume_id, group_id):
        return lambda: self._change(self._volumes, volume_id, group_id=group_id)

    def delete_group(self, group_id):
        with self._call("delete_group", group_id):
            self._expect(self._groups[group_id].status in ("available", "error"), "The group is busy")
            self._expect(group_id not in {one.group_id for one in self._volumes.values()}, "The group contains volumes")
            self._expect(group_id not in {one.group_id for one in self._group_snapshots.values()}, "The group has snapshots")
            self._change(self._groups, group_id, status="deleting")
            self._due.append((self.time.seconds + 1, lambda: self._groups.pop(group_id)))

    # Group snapshots

    def group_snapshots(self):
        return self._list(self._group_snapshots)

    def create_group_snapshot(self, group_id, name, description):
        with self._call("create_group_snapshot", group_id):
            made = group_snapshot(
                name,
                id=f"group-snapshot-{next(self._numbers)}",
                status="creating",
                description=description,
                group_id=group_id,
                project_id=self.cloud.project_id,
            )
            self._group_snapshots[made.id] = made
            self._shown_from[made.id] = self.time.seconds + self.lag
            self._end("create_group_snapshot", self._group_snapshots, made.id)
            for volume in self._volumes.values():
                if volume.group_id == group_id:
                    self._begin_snapshot(volume, name, {}, made.id)
            return made.id

    def delete_group_snapshot(self, group_snapshot_id):
        with self._call("delete_group_snapshot", group_snapshot_id):
            self._expect(self._group_snapshots[group_snapshot_id].status in ("available", "error"), "The group snapshot is busy")
            self._change(self._group_snapshots, group_snapshot_id, status="deleting")
            for one in [one for one in self._snapshots.values() if one.group_snapshot_id == group_snapshot_id]:
                self._begin_deletion(one.id)
            self._due.append((self.time.seconds + 1, lambda: self._group_snapshots.pop(group_snapshot_id)))

    # Snapshots

    def snapshots(self):
        return self._list(self._snapshots)

    def newest_snapshots(self):
        self.looked += 1
        yield from reversed(self.snapshots())

    def creating_snapshots(self):
        return {one.id for one in self.snapshots() if one.status == "creating"}

    def create_snapshot(self, volume_id, name, metadata):
        with self._call("create_snapshot", volume_id):
            return self._begin_snapshot(self._volumes[volume_id], name, metadata, None)

    def delete_snapshot(self, snapshot_id):
        with self._call("delete_snapshot", snapshot_id):
            one = self._snapshots[snapshot_id]
            self._expect(one.status in ("available", "error"), f"The snapshot is {one.status}")
            self._expect(one.group_snapshot_id is None, "The snapshot is part of a group")
            self._begin_deletion(snapshot_id)

    def set_snapshot_metadata(self, snapshot_id, metadata):
        with self._call("set_snapshot_metadata", snapshot_id):
            self._expect(all(len(value) <= _LONGEST for value in metadata.values()), "Too long")
            merged = {**self._snapshots[snapshot_id].metadata, **metadata}
            self._change(self._snapshots, snapshot_id, metadata=merged)

    def rename_snapshot(self, snapshot_id, name):
        with self._call("rename_snapshot", snapshot_id):
            self._change(self._snapshots, snapshot_id, name=name)

    def _begin_snapshot(self, volume, name, metadata, group_snapshot_id):
        made = snapshot(
            name,
            id=f"snapshot-{next(self._numbers)}",
            volume_id=volume.id,
            status="creating",
            created_at=(self.time.wall() + self.ahead).isoformat(timespec="seconds").removesuffix("+00:00"),
            metadata=dict(metadata),
            project_id=self.cloud.project_id,
            group_snapshot_id=group_snapshot_id,
        )
        self._snapshots[made.id] = made
        self._shown_from[made.id] = self.time.seconds + self.lag
        self._end(volume.id, self._snapshots, made.id, self.seconds.get(volume.id, 1))
        return made

    def _begin_deletion(self, snapshot_id):
        self._change(self._snapshots, snapshot_id, status="deleting")
        self._due.append((self.time.seconds + 1, lambda: self._snapshots.pop(snapshot_id)))

    # How it works

    def _call(self, name, *arguments):
        with self._lock:
            self.calls.append((name, *arguments))
        self._expect(name not in self.refusing, "Not allowed")
        return self._lock

    @staticmethod
    def _expect(is_fine, message):
        if not is_fine:
            raise CloudError(f"Site 'primary' could not do it: {message}.", http_status=400)

    def _end(self, what, where, key, seconds=1):
        """Let something become what it will be; returns that."""
        status = "error" if what in self.failing else "available"
        self._due.append((self.time.seconds + seconds, lambda: self._change(where, key, status=status)))
        return status

    def _change(self, where, key, **changes):
        if key in where:
            where[key] = dataclasses.replace(where[key], **changes)

    def _list(self, where):
        with self._lock:
            now = [act for seconds, act in self._due if seconds <= self.time.seconds]
            self._due = [(seconds, act) for seconds, act in self._due if seconds > self.time.seconds]
            for act in now:
                act()
            return [one for key, one in where.items() if self._shown_from.get(key, 0) <= self.time.seconds]
