# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records and drivers for tests of pure code."""

from __future__ import annotations

import dataclasses
import datetime
import threading

from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, FreezeFailed, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import (
    Attachment,
    Backup,
    Flavor,
    GroupSnapshot,
    Server,
    Snapshot,
    Volume,
    VolumeGroup,
)
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED, QuiesceDriver, Support, Thaw
from ansible_collections.osdr.openstack.plugins.module_utils.stores.names import folder_prefix, parts_of
from ansible_collections.osdr.openstack.plugins.module_utils.stores.store import CatalogueStore, StoredDocument
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import cloud_with_images


def server(name, **changes):
    values = {
        "id": f"id-{name}",
        "name": name,
        "status": "ACTIVE",
        "task_state": None,
        "project_id": "project",
        "hypervisor": "host",
        "instance_name": "instance-1",
        "flavor": Flavor("", "small", 1, 128, 1, 0, 0),
        "boots_from_image": False,
        "key_name": None,
        "availability_zone": "nova",
        "config_drive": True,
        "description": "",
        "fault": "",
        "metadata": {},
        "tags": (),
        "volumes": ((f"volume-{name}", False),),
        "power_state": 1,
    }
    return Server(**{**values, **changes})


def volume(name, **changes):
    values = {
        "id": f"volume-{name}",
        "name": name,
        "size": 1,
        "status": "in-use",
        "volume_type": "ceph",
        "bootable": True,
        "availability_zone": "nova",
        "encrypted": False,
        "multiattach": False,
        "metadata": {},
        "attachments": (),
    }
    return Volume(**{**values, **changes})


def snapshot(name, **changes):
    values = {
        "id": f"snapshot-{name}",
        "name": name,
        "volume_id": f"volume-{name}",
        "size": 1,
        "status": "available",
        "created_at": "2026-01-02T00:00:00",
        "metadata": {},
    }
    return Snapshot(**{**values, **changes})


def attached(*names):
    """Attachments to servers by their names."""
    return tuple(Attachment(f"id-{name}", "/dev/vda") for name in names)


def volume_group(name, **changes):
    values = {
        "id": f"group-{name}",
        "name": name,
        "status": "available",
        "description": "",
        "group_type_id": "type-consistent",
        "volume_type_ids": frozenset({"type-ceph"}),
    }
    return VolumeGroup(**{**values, **changes})


def group_snapshot(name, **changes):
    values = {
        "id": f"group-snapshot-{name}",
        "name": name,
        "status": "available",
        "description": "",
        "group_id": f"group-{name}",
    }
    return GroupSnapshot(**{**values, **changes})


def backup(name, **changes):
    values = {
        "id": f"backup-{name}",
        "name": name,
        "volume_id": f"volume-{name}",
        "snapshot_id": f"snapshot-{name}",
        "size": 1,
        "status": "available",
        "fail_reason": "",
        "is_incremental": False,
        "has_dependents": False,
        "object_count": 4,
        "container": "backups",
        "created_at": "2026-01-01T00:00:00",
        "data_timestamp": "2026-01-01T00:00:00",
        "metadata": {},
    }
    return Backup(**{**values, **changes})


class FakeDriver(QuiesceDriver):
    """Remembers what was asked for, and fails where told to.

    :param failing: (action, server name) pairs that raise, every time.
    :param thawed_counts: file systems thawed per server name, 2 for others.
    :param interrupted: what the thaw of a server name tells about a freeze that did not hold.
    """

    name = "fake"

    def __init__(self, failing=(), thawed_counts=None, fired=(), interrupted=None):
        self.calls = []
        self.seconds = {}
        self._interrupted = interrupted or {}
        self.frozen = set()
        self._failing = set(failing)
        self._thawed_counts = thawed_counts or {}
        self._fired = set(fired)
        self._lock = threading.Lock()

    def _record(self, action, which):
        with self._lock:
            self.calls.append((action, which.name))
        if (action, which.name) in self._failing:
            raise FreezeFailed(f"{action} of {which.name} failed.")

    def probe(self, server):
        return Support(state=FROZEN if server.id in self.frozen else THAWED)

    def arm_guard(self, server, seconds):
        self._record("arm", server)

    def freeze(self, server, seconds):
        self._record("freeze", server)
        self.seconds[server.name] = seconds
        self.frozen.add(server.id)
        return 2

    def thaw(self, server):
        self._record("thaw", server)
        self.frozen.discard(server.id)
        return Thaw(filesystems=self._thawed_counts.get(server.name, 2), interrupted=self._interrupted.get(server.name))

    def disarm_guard(self, server):
        self._record("disarm", server)
        return server.name in self._fired

    def names(self, action):
        return [name for called, name in self.calls if called == action]


class FakeMarks:
    """Marks of frozen servers, per server id."""

    def __init__(self):
        self.marked = {}

    def put(self, server, mark):
        self.marked[server.id] = mark

    def remove(self, server, mark=None):
        self.marked.pop(server.id, None)

    def current(self, server_id):
        return self.marked.get(server_id)


class FakeTime:
    """A clock that only moves when somebody sleeps, or waits for what is stuck."""

    START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)

    def __init__(self):
        self.seconds = 0.0
        self._changed = threading.Condition()
        self._is_stuck = False

    @property
    def clock(self):
        return Clock(now=lambda: self.seconds, sleep=self.sleep, wall=self.wall, wait=self.wait)

    def sleep(self, seconds):
        with self._changed:
            self.seconds += seconds

    def wall(self):
        return self.START + datetime.timedelta(seconds=self.seconds)

    def wait(self, future, seconds):
        """What another thread does takes no time, unless it says that it is stuck."""
        future.add_done_callback(lambda _future: self._tell(self._is_stuck))
        with self._changed:
            self._changed.wait_for(lambda: future.done() or self._is_stuck)
        if not future.done():
            self.seconds += max(0, seconds)
        return future.done()

    def get_stuck(self):
        """From now on, nobody waits for other threads in vain for longer than no time."""
        self._tell(True)

    def get_going(self):
        self._tell(False)

    def _tell(self, is_stuck):
        with self._changed:
            self._is_stuck = is_stuck
            self._changed.notify_all()


class FakeStore(CatalogueStore):
    """A catalogue's store in memory; counts what is written."""

    place = "container 'catalogue' of site 'remote'"
    identity = "project/catalogue"

    def __init__(self, **documents):
        self.content = dict(documents)
        self.writes = 0
        self._lock = threading.Lock()

    def documents(self, folder=""):
        prefix = folder_prefix(folder)
        return [StoredDocument(name, len(content)) for name, content in sorted(self.content.items()) if name.startswith(prefix)]

    def read(self, name, at_most):
        parts_of(name)
        if name not in self.content:
            raise NotFound(f"There is no object {name}.", http_status=404)
        return self.content[name][:at_most]

    def write(self, name, content):
        parts_of(name)
        self.writes += 1
        self.content[name] = content

    def write_new(self, name, content):
        with self._lock:
            if name not in self.content:
                self.write(name, content)

    def delete(self, name):
        parts_of(name)
        self.content.pop(name, None)


class FakeBackups:
    """The backups of a project, whose metadata can be replaced."""

    def __init__(self, *backups):
        self.cloud = cloud_with_images("remote")
        self.by_id = {one.id: one for one in backups}
        self.writes = 0

    def backups(self):
        return list(self.by_id.values())

    def each_backup(self):
        return iter(self.backups())

    def volumes(self):
        return []

    def backup(self, backup_id):
        return self.by_id.get(backup_id)

    def mark_backup(self, backup_id, metadata):
        self.writes += 1
        self.by_id[backup_id] = dataclasses.replace(self.by_id[backup_id], metadata=dict(metadata))


class FakeCopies(FakeBackups):
    """The backups and snapshots of one site. What is deleted is gone when it is looked for the second time.

    :param journal: where several sites note, in their order, what is deleted.
    :param refused: ids of backups that Cinder refuses to delete, with the status of its answer.
    :param broken: ids of backups that go to an error instead, with its reason.
    """

    def __init__(self, site, backups=(), snapshots=(), journal=None, refused=None, broken=None):
        super().__init__(*backups)
        self.cloud = cloud_with_images(site)
        self.journal = [] if journal is None else journal
        self.refused, self.broken = refused or {}, broken or {}
        self._snapshots = {one.id: one for one in snapshots}
        self.volumes_by_id = {}
        self._lock = threading.Lock()

    def snapshots(self):
        return list(self._snapshots.values())

    def volumes(self):
        return list(self.volumes_by_id.values())

    def volume(self, volume_id):
        if volume_id not in self.volumes_by_id:
            raise NotFound(f"There is no volume {volume_id}.")
        return self.volumes_by_id[volume_id]

    def delete_volume(self, volume_id):
        self._note(volume_id)
        del self.volumes_by_id[volume_id]

    def backup(self, backup_id):
        found = self.by_id.get(backup_id)
        if found and found.status == "deleting":
            del self.by_id[backup_id]
        return found

    def delete_backup(self, backup_id):
        self._note(backup_id)
        if backup_id in self.refused:
            raise CloudError(f"Site '{self.cloud.site}' could not delete backup {backup_id}.", http_status=self.refused[backup_id])
        reason = self.broken.get(backup_id)
        status = "deleting" if reason is None else "error"
        self.by_id[backup_id] = dataclasses.replace(self.by_id[backup_id], status=status, fail_reason=reason or "")

    def delete_snapshot(self, snapshot_id):
        self._note(snapshot_id)
        del self._snapshots[snapshot_id]

    def delete_group_snapshot(self, group_snapshot_id):
        self._note(group_snapshot_id)
        with self._lock:
            self._snapshots = {key: one for key, one in self._snapshots.items() if one.group_snapshot_id != group_snapshot_id}

    def _note(self, what):
        with self._lock:
            self.journal.append((self.cloud.site, what))
