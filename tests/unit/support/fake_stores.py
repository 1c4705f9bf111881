# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two sites with backups in object stores, for tests of pure code."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import itertools
import json
import threading
from types import SimpleNamespace

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.object_store import StoredObject
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.copies.objects import Location, read_link
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sites import Sites
from ansible_collections.osdr.openstack.plugins.module_utils.copies.transport import Effort, Stores
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import BackupRecord, Quota, marks
from ansible_collections.osdr.openstack.plugins.module_utils.work.progress import Progress
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeBackups, FakeTime, backup, snapshot, volume

SWIFT = "cinder.backup.drivers.swift.SwiftBackupDriver"
CONTAINER = "backups"
BLOCKS = (b"first block", b"second block")
_STREAMED_BYTES = 16


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def location(name, volume_name=None, container=CONTAINER):
    """Where the Swift driver puts a backup."""
    return Location(f"backup-{name}", container, f"volume_volume-{volume_name or name}/20260101000000/az_nova_backup_backup-{name}")


def record(name, parent=None, service=SWIFT, **changes):
    """An exported record, as Cinder writes it."""
    where = location(name)
    fields = {
        "id": where.backup_id,
        "parent_id": f"backup-{parent}" if parent else None,
        "container": where.container,
        "service_metadata": where.prefix,
        "volume_id": f"volume-{name}",
        "size": 1,
        "object_count": 4,
        **changes,
    }
    return BackupRecord(service, base64.b64encode(json.dumps(fields).encode()).decode())


def link(name, parent=None, **changes):
    return read_link(record(name, parent, **changes))


def block_sums(blocks, size=11):
    """The object with the SHA-256 of every block, as Cinder writes it."""
    document = {"backup_name": "n", "chunk_size": size, "sha256s": [hashlib.sha256(one).hexdigest() for one in blocks], "version": "1.0.0"}
    return json.dumps(document, sort_keys=True, indent=4, separators=(",", ": ")).encode()


def facts_of(block):
    """What the list of a backup says of an object."""
    return {"offset": 0, "length": len(block), "compression": "none", "md5": md5(block)}


def listing(where, objects):
    return json.dumps({"backup_id": where.backup_id, "objects": [{name: facts} for name, facts in objects.items()]}).encode()


def backup_objects(where, blocks=BLOCKS):
    """All objects of a whole backup."""
    data = {f"{where.prefix}-{number:05}": block for number, block in enumerate(blocks, 1)}
    listed = listing(where, {name: facts_of(block) for name, block in data.items()})
    return {**data, where.block_sums_name: block_sums(blocks), where.list_name: listed}


class FakeSwift:
    """An object store with containers, which refuses content that its ETag did not promise, as Swift does.

    :param objects: in the container of the backups, which is not there when this is None.
    """

    def __init__(self, site="remote", objects=None):
        self.cloud = SimpleNamespace(site=site, clock=SiteClock(site))
        self.containers = {} if objects is None else {CONTAINER: dict(objects)}
        #: Names in the order in which they came.
        self.written = []
        #: Content by name that is read although the container lists another one.
        self.rotten = {}
        #: So many calls from now on are answered with 503.
        self.down = 0
        self.listings = 0
        #: Whether the site's catalogue has it.
        self.exists = True
        self._lock = threading.Lock()

    def answer(self):
        with self._lock:
            if self.down > 0:
                self.down -= 1
                raise CloudError(f"Site '{self.cloud.site}' does not answer.", http_status=503)

    def check_access(self):
        self.answer()

    def has_container(self, container):
        self.answer()
        return container in self.containers

    def names(self, container, prefix=""):
        return [one.name for one in self.objects(container, prefix)]

    def objects(self, container, prefix=""):
        self.answer()
        self.listings += 1
        found = sorted(self.containers.get(container, {}).items())
        return [StoredObject(name, len(content), md5(content)) for name, content in found if name.startswith(prefix)]

    def read(self, container, name, at_most):
        with self.stream(container, name) as blocks:
            return b"".join(blocks)[:at_most]

    @contextlib.contextmanager
    def stream(self, container, name, timeout=None):
        self.answer()
        if name not in self.containers.get(container, {}):
            raise NotFound(f"There is no object {container}/{name}.", http_status=404)
        content = self.rotten.get(name, self.containers[container][name])
        yield (content[at : at + _STREAMED_BYTES] for at in range(0, len(content), _STREAMED_BYTES))

    def ensure_container(self, container):
        self.answer()
        self.containers.setdefault(container, {})

    def write_stream(self, container, wanted, blocks, timeout):
        content = b"".join(blocks)
        self.answer()
        if container not in self.containers:
            raise NotFound(f"There is no container {container}.", http_status=404)
        if (len(content), md5(content)) != (wanted.size, wanted.checksum):
            raise CloudError("Unprocessable Entity.", http_status=422)
        self.containers[container][wanted.name] = content
        self.written.append(wanted.name)

    def put(self, where, blocks=BLOCKS):
        """A whole backup is there."""
        self.containers.setdefault(where.container, {}).update(backup_objects(where, blocks))


class FakeSite(FakeBackups):
    """The Cinder of a site that keeps its backups in an object store; everything takes a second.

    :param names: of volumes that have a snapshot of the checkpoint ``noon`` of the application ``shop``.
    :param failing: ids of volumes whose backups fail, and ``import``, ``restore``, ``clone`` and ``upload``.
    """

    def __init__(self, name, store, time, *names, failing=()):
        super().__init__()
        self.cloud.site = name
        self.store = store
        self.time = time
        self.failing = set(failing)
        self.calls = []
        #: The driver of its backup service. Others than Swift's leave no object in the store.
        self.service = SWIFT
        #: Of what it stores; a driver that stores no objects has none to count.
        self.counts_objects = True
        self.limits = {"backups": -1, "backup_gigabytes": -1, "volumes": -1, "gigabytes": -1}
        self.allowed_to_import = True
        #: What the volumes made from backups contain, and the metadata that the backups hold of their volumes.
        self.restored_blocks = BLOCKS
        self.restored_metadata = {}
        self.glance = self.cloud.service("image")
        #: What its Glance says of images differently.
        self.image_facts = {}
        self._snapshots = []
        self.snapshot("noon", *names)
        self._volumes = {one.id: one for one in map(volume, names)}
        self._records = {}
        self._due = []
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def called(self, name):
        """What a call was made with, every time."""
        return [arguments for called, *arguments in self.calls if called == name]

    # Volumes and snapshots

    def snapshot(self, checkpoint, *names, **changes):
        """Volumes have a snapshot of a checkpoint of the application ``shop``."""
        marked = {"metadata": marks("shop", checkpoint), **changes}
        self._snapshots += [snapshot(one, id=f"snapshot-{one}-{checkpoint}", **marked) for one in names]

    def snapshots(self, checkpoint=None):
        return [one for one in self._snapshots if checkpoint in (None, one.metadata.get("osdr_checkpoint"))]

    def volumes(self):
        return self._list(self._volumes)

    def volume(self, volume_id):
        found = {one.id: one for one in self.volumes()}
        if volume_id not in found:
            raise NotFound(f"There is no volume {volume_id}.")
        return found[volume_id]

    def create_volume_from_backup(self, backup_id, wanted):
        with self._call("create_volume_from_backup", backup_id, wanted):
            made = dataclasses.replace(volume(f"made-{next(self._numbers)}"), status="restoring-backup", **wanted)
            self._volumes[made.id] = made
            # Cinder replaces the metadata of a volume by those that the backup has, if any.
            end = {"status": "error_restoring"} if "restore" in self.failing else {"status": "available"}
            end |= {"metadata": self.restored_metadata} if self.restored_metadata else {}
            self._later(self._volumes, made.id, **end)
            return made

    def create_empty_volume(self, wanted):
        with self._call("create_empty_volume", wanted):
            made = dataclasses.replace(volume(f"made-{next(self._numbers)}"), status="creating", **wanted)
            self._volumes[made.id] = made
            self._later(self._volumes, made.id, status="available")
            return made

    def restore_backup(self, backup_id, volume_id):
        with self._call("restore_backup", backup_id, volume_id):
            if self.volume(volume_id).status != "available":
                raise CloudError(f"Volume {volume_id} to be restored to must be available.", http_status=400)
            self._change(self._volumes, volume_id, status="restoring-backup")
            self._later(self._volumes, volume_id, status="error_restoring" if "restore" in self.failing else "available")

    def create_volume_from_snapshot(self, snapshot_id, wanted):
        with self._call("create_volume_from_snapshot", snapshot_id, wanted):
            made = dataclasses.replace(volume(f"made-{next(self._numbers)}"), status="creating", **wanted)
            self._volumes[made.id] = made
            self._later(self._volumes, made.id, status="error" if "clone" in self.failing else "available")
            return made

    def set_volume_image_metadata(self, volume_id, metadata):
        with self._call("set_volume_image_metadata", volume_id, metadata):
            merged = {**self._volumes[volume_id].image_metadata, **metadata}
            self._change(self._volumes, volume_id, image_metadata=merged)

    def upload_volume(self, volume_id, name):
        with self._call("upload_volume", volume_id, name):
            if self.volume(volume_id).status != "available":
                raise CloudError(f"Volume {volume_id} is not available.", http_status=400)
            image_id = f"image-{self.cloud.site}-{next(self._numbers)}"
            self.glance.add(image_id, name=name, status="saving", **self._volumes[volume_id].image_metadata)
            self._change(self._volumes, volume_id, status="uploading")
            self._due.append((self.time.seconds + 1, lambda: self._end_upload(image_id, volume_id)))
            return image_id

    def _end_upload(self, image_id, volume_id):
        if "upload" in self.failing:
            self.glance.by_id.pop(image_id)
        else:
            # At the remote site there are only restored volumes, at the primary one only such as are made of snapshots.
            self.glance.complete(image_id, b"".join(self.restored_blocks), **self.image_facts)
        self._change(self._volumes, volume_id, status="available")

    def delete_volume(self, volume_id):
        with self._call("delete_volume", volume_id):
            self._expect_deletable(self._volumes[volume_id])
            self._due.append((self.time.seconds + 1, lambda: self._volumes.pop(volume_id)))

    # Backups

    def backups(self):
        return self._list(self.by_id)

    def backup(self, backup_id):
        return next((one for one in self.backups() if one.id == backup_id), None)

    def create_backup(self, volume_id, wanted):
        with self._call("create_backup", volume_id, wanted):
            # A name that no two sites have in common: that is true of ids.
            number = next(self._numbers)
            name = f"{self.cloud.site}-{number}"
            container = wanted.get("container", CONTAINER) if self.service == SWIFT else f"{number}/of/posix"
            where = location(name, volume_id.removeprefix("volume-"), container)
            incremental = wanted.get("incremental", False)
            parents = [one.id for one in self._list(self.by_id) if one.volume_id == volume_id and one.status == "available"]
            self.by_id[where.backup_id] = backup(
                wanted["name"],
                id=where.backup_id,
                volume_id=volume_id,
                snapshot_id=wanted.get("snapshot_id"),
                status="creating",
                container="",
                object_count=0,
                is_incremental=incremental,
                data_timestamp=f"2026-01-01T12:00:{number:02}",
                availability_zone="nova",
                metadata=wanted["metadata"],
            )
            parent = parents[-1].removeprefix("backup-") if incremental else None
            facts = {"container": where.container, "service_metadata": where.prefix, "object_count": len(BLOCKS) if self.counts_objects else 0}
            self._records[where.backup_id] = record(name, parent, service=self.service, **facts)
            self._due.append((self.time.seconds + 1, lambda: self._end_backup(where, volume_id)))
            return where.backup_id

    def _end_backup(self, where, volume_id):
        if volume_id in self.failing:
            self._change(self.by_id, where.backup_id, status="error", fail_reason="The store is full")
            return
        if self.service == SWIFT:
            self.store.put(where, self.restored_blocks if volume_id.startswith("volume-made") else BLOCKS)
        self._change(self.by_id, where.backup_id, status="available", container=where.container, object_count=len(BLOCKS) if self.counts_objects else 0)

    def delete_backup(self, backup_id, force=False):
        with self._call("delete_backup", backup_id, force):
            self._expect_deletable(self.by_id[backup_id], force)
            self._due.append((self.time.seconds + 1, lambda: self.by_id.pop(backup_id)))

    def hold(self, name, parent=None, **changes):
        """A finished backup with its record is there."""
        one = backup(name, **{"availability_zone": "nova", "is_incremental": parent is not None, **changes})
        self.by_id[one.id] = one
        where = location(name, one.volume_id.removeprefix("volume-"))
        self._records[one.id] = record(name, parent, service=self.service, service_metadata=where.prefix)
        return one

    def export_record(self, backup_id):
        if backup_id not in self._records:
            raise NotFound(f"There is no backup {backup_id}.", http_status=404)
        status = self.backup(backup_id).status
        if status != "available":
            raise CloudError(f"Backup status must be available and not {status}.", http_status=400)
        return self._records[backup_id]

    def may_import(self):
        return self.allowed_to_import

    def import_record(self, exported):
        fields = json.loads(base64.b64decode(exported.backup_url))
        with self._call("import_record", fields["id"]):
            known = {key: fields[key] for key in ("id", "volume_id", "size", "object_count")}
            known["is_incremental"] = bool(fields["parent_id"])
            self.by_id[fields["id"]] = backup("imported", status="creating", container="", metadata={}, **known)
            self._records[fields["id"]] = exported
            if "import" in self.failing:
                self._later(self.by_id, fields["id"], status="error", fail_reason="No such driver")
            else:
                self._later(self.by_id, fields["id"], status="available", container=fields["container"])
            return fields["id"]

    # Quotas

    def quotas(self):
        used = {"volumes": len(self._volumes), "gigabytes": sum(one.size for one in self._volumes.values())}
        return {name: Quota(name, limit, used.get(name, len(self.by_id))) for name, limit in self.limits.items()}

    # What passes by itself

    @contextlib.contextmanager
    def _call(self, *call):
        with self._lock:
            self.calls.append(call)
            yield

    def _list(self, resources):
        with self._lock:
            for due in [one for one in self._due if one[0] <= self.time.seconds]:
                self._due.remove(due)
                due[1]()
            return list(resources.values())

    def _later(self, resources, key, **changes):
        self._due.append((self.time.seconds + 1, lambda: self._change(resources, key, **changes)))

    @staticmethod
    def _expect_deletable(one, force=False):
        if not (force or one.status == "available" or one.status.startswith("error")):
            raise CloudError(f"{one.id} is {one.status}.", http_status=400)

    @staticmethod
    def _change(resources, key, **changes):
        if key in resources:
            resources[key] = dataclasses.replace(resources[key], **changes)


class TwoSites:
    """A primary site with volumes to protect, and a remote one.

    :param shared: whether both use one object store.
    :param failing: as :class:`FakeSite` has it, at either site.
    """

    def __init__(self, *names, shared=False, failing=()):
        self.time = FakeTime()
        store = FakeSwift("primary")
        self.stores = Stores(store, store if shared else FakeSwift("remote"))
        self.primary = FakeSite("primary", self.stores.primary, self.time, *names, failing=failing)
        self.remote = FakeSite("remote", self.stores.remote, self.time, failing=failing)
        self.sites = Sites(self.primary, self.primary, self.remote, self.remote, self.stores)
        # One after the other: time would pass for each of several threads.
        self.effort = Effort(concurrency=1, stall_timeout=60, clock=self.time.clock)
        self.waiter = Waiter(timeout=60, interval=1, clock=self.time.clock)
        self.progress = Progress(clock=self.time.clock)
