# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What copying costs: against bare backups, against what has changed, and in memory and requests.

All are measured in turn in one run; the ratios count, not the seconds.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

import openstack
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.object_store import ObjectStore
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.objects import Link, Location
from ansible_collections.osdr.openstack.plugins.module_utils.copies.options import ReplicationOptions
from ansible_collections.osdr.openstack.plugins.module_utils.copies.plan import WantedBackups
from ansible_collections.osdr.openstack.plugins.module_utils.copies.replication import Replication
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sites import Accounts, Sites
from ansible_collections.osdr.openstack.plugins.module_utils.copies.transport import COPY, SHARED, Effort, Stores, Transport
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import OBJECTS
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import BackupRecord, marks
from ansible_collections.osdr.openstack.plugins.module_utils.work.progress import Progress
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from copies import CLOUDS, backups, remove_backup
from laboratory import LAB_DIR, in_site, module, unique, wait
from window import Requests

THROUGHPUT_GOAL = 0.95
INCREMENT_GOAL = 1.1
CONCURRENCY = 4
VOLUMES = 4
GIB = 2
#: Of the part that is written, so that a backup has something to do.
WRITTEN_MIB = 512
CHANGED_MIB = 32
#: Longer than the compression looks back.
NOISE_BYTES = 8 * 1024**2
CONTAINER = "osdr-bench"
OBJECT_BYTES = 32 * 1024**2


class Volumes:
    """Volumes with data, snapshotted as if they were of an application."""

    def __init__(self, cloud: openstack.connection.Connection) -> None:
        self.name = unique("bench")
        self._storage = cloud.block_storage
        self._ids: list[str] = []
        self._checkpoints = 0

    def make(self) -> None:
        for number in range(VOLUMES):
            self._ids.append(self._storage.create_volume(name=f"{self.name}-{number}", size=GIB).id)
        wait("volumes", lambda: all(self._storage.get_volume(one).status == "available" for one in self._ids), 120)
        self.write(WRITTEN_MIB)

    def write(self, mib: int) -> None:
        """Write to the beginning of each volume what was never there, and does not get smaller by compression."""
        with tempfile.NamedTemporaryFile(dir=LAB_DIR) as noise:
            noise.write(os.urandom(NOISE_BYTES))
            noise.flush()
            for volume in self._ids:
                image = f"rbd:volumes/volume-{volume}:conf=/etc/ceph/ceph.conf"
                in_site("qemu-io", "-f", "raw", "-c", f"write -s {noise.name} 0 {mib}M", image)

    def snapshot(self) -> str:
        self._checkpoints += 1
        checkpoint = f"{self.name}-{self._checkpoints}"
        made = [
            self._storage.create_snapshot(volume_id=one, name=checkpoint, metadata=marks(self.name, checkpoint), is_forced=True).id
            for one in self._ids
        ]
        wait("snapshots", lambda: all(self._storage.get_snapshot(one).status == "available" for one in made), 120)
        return checkpoint

    def remove(self) -> None:
        for site in ("remote", "primary"):
            for backup in backups(site, self.name):
                remove_backup(site, backup.id)
        for snapshot in self._storage.snapshots():
            if snapshot.volume_id in self._ids:
                self._storage.delete_snapshot(snapshot.id)
        wait("snapshots to go", lambda: not [one for one in self._storage.snapshots() if one.volume_id in self._ids], 120)
        for volume in self._ids:
            self._storage.delete_volume(volume)


def bare_seconds(cloud: openstack.connection.Connection, application: str, checkpoint: str) -> float:
    """The same backups by plain calls, at the same concurrency, with nothing around them."""
    storage = cloud.block_storage
    snapshots = [one for one in storage.snapshots() if (one.metadata or {}).get("osdr_checkpoint") == checkpoint]

    def back_up(snapshot: t.Any) -> str:
        body = {"volume_id": snapshot.volume_id, "snapshot_id": snapshot.id, "name": "bare", "metadata": {"osdr_application": application}}
        backup = storage.create_backup(**body).id
        while storage.get_backup(backup).status == "creating":
            time.sleep(1)
        return backup

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(back_up, snapshots))
    return time.monotonic() - start


def replicate(volumes: Volumes, checkpoint: str) -> list[dict[str, t.Any]]:
    """:returns: the copies."""
    arguments = {**CLOUDS, "application": volumes.name, "checkpoint": checkpoint, "concurrency": CONCURRENCY}
    result = module("os_backup_replicate", **arguments)
    assert "replication" in result, result
    return result["replication"]["copies"]


@dataclasses.dataclass(frozen=True)
class Course:
    """Seconds of what os_backup_replicate does one after the other."""

    looking: float
    backing_up: float
    delivering: float


def course(volumes: Volumes, checkpoint: str) -> Course:
    sites = Sites.connect(connect({"cloud": "primary"}), Accounts.parse(CLOUDS))
    wanted, effort = WantedBackups(volumes.name, checkpoint, full_every=7), Effort(CONCURRENCY, stall_timeout=600)
    job = Replication(sites, ReplicationOptions(wanted, Delivery(SHARED, OBJECTS), effort), Waiter(1800, 1.0), Progress())
    start = time.monotonic()
    plan = job.plan()
    planned = time.monotonic()
    made = job.back_up(plan)
    backed_up = time.monotonic()
    job.deliver(job.chains(made))
    return Course(planned - start, backed_up - planned, time.monotonic() - backed_up)


def throughput(cloud: openstack.connection.Connection, rounds: int) -> tuple[float, Course]:
    """Medians of the seconds by a bare script and by the collection, full backups all."""
    bare: list[float] = []
    ours: list[Course] = []
    for _number in range(rounds):
        for is_bare in (True, False):
            volumes = Volumes(cloud)
            volumes.make()
            try:
                checkpoint = volumes.snapshot()
                if is_bare:
                    bare.append(bare_seconds(cloud, volumes.name, checkpoint))
                else:
                    ours.append(course(volumes, checkpoint))
            finally:
                volumes.remove()
    medians = {field.name: statistics.median(getattr(one, field.name) for one in ours) for field in dataclasses.fields(Course)}
    return statistics.median(bare), Course(**medians)


def increment(cloud: openstack.connection.Connection) -> tuple[int, int]:
    """Bytes that an increment holds before compression, and bytes in blocks that differ from the backup before."""
    volumes = Volumes(cloud)
    volumes.make()
    try:
        full = replicate(volumes, volumes.snapshot())
        volumes.write(CHANGED_MIB)
        more = replicate(volumes, volumes.snapshot())
        assert all(one["incremental"] for one in more)
        before = {one["volume_id"]: block_sums(one) for one in full}
        moved = sum(sum(facts["length"] for entry in listing(one) for facts in entry.values()) for one in more)
        changed = 0
        for one in more:
            size, sums = block_sums(one)
            changed += size * sum(a != b for a, b in zip(before[one["volume_id"]][1], sums, strict=True))
        return moved, changed
    finally:
        volumes.remove()


def read(copy: dict[str, t.Any], suffix: str) -> dict[str, t.Any]:
    store = openstack.connect(cloud="remote-backup").object_store
    name = next(one.name for one in store.objects(copy["container"]) if one.name.endswith(f"_backup_{copy['copy_id']}{suffix}"))
    return store.get(f"/{copy['container']}/{name}").json()


def listing(copy: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return read(copy, "_metadata")["objects"]


def block_sums(copy: dict[str, t.Any]) -> tuple[int, list[str]]:
    document = read(copy, "_sha256file")
    return document["chunk_size"], document["sha256s"]


def store_of(cloud: str) -> ObjectStore:
    return ObjectStore(connect({"cloud": cloud}))


def fill(gib: int) -> None:
    """Objects of a backup at the primary site; their content does not matter here."""
    store, content = store_of("primary-backup"), os.urandom(OBJECT_BYTES)
    store.ensure_container(CONTAINER)
    for number in range(gib * 1024**3 // OBJECT_BYTES):
        store.cloud.connection.object_store.put(f"/{CONTAINER}/bench-{number:05d}", data=content).raise_for_status()
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert store.objects(CONTAINER)[0].checksum == digest


def empty() -> None:
    for cloud in ("primary-backup", "remote-backup"):
        store = store_of(cloud)
        for one in store.objects(CONTAINER):
            store.delete(CONTAINER, one.name)


def copy_once() -> None:
    """In a process of its own: copy, and print what it took."""
    requests = Requests()
    effort = Effort(CONCURRENCY, stall_timeout=60)
    transport = Transport(COPY, Stores(store_of("primary-backup"), store_of("remote-backup")), effort, Progress())
    link = Link(BackupRecord("", ""), "bench", None, Location("bench", CONTAINER, "bench-"))
    start = time.monotonic()
    with requests.counted():
        objects = transport.deliver([link])
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"objects": objects, "requests": requests.count, "mib": peak, "seconds": seconds}, sys.stdout)


def copying(gib: int) -> dict[str, float]:
    with contextlib.ExitStack() as stack:
        stack.callback(empty)
        fill(gib)
        done = subprocess.run([sys.executable, __file__, "--copy-once"], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 16], help="GiB to copy")
    parser.add_argument("--copy-once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.copy_once:
        copy_once()
        return
    cloud = openstack.connect(cloud="primary")
    bare, ours = throughput(cloud, options.rounds)
    print(f"{VOLUMES} volumes of {GIB} GiB, {CONCURRENCY} at once, medians of {options.rounds} rounds, in turn.\n")
    print("| bare backups s | the same by os_backup_replicate s | throughput ratio | looking before s | importing and proving after s |")
    print("| --- | --- | --- | --- | --- |")
    ratio = f"{bare / ours.backing_up:.2f} (goal {THROUGHPUT_GOAL})"
    print(f"| {bare:.1f} | {ours.backing_up:.1f} | {ratio} | {ours.looking:.1f} | {ours.delivering:.1f} |\n", flush=True)
    moved, changed = increment(cloud)
    print(f"Increments: {moved / 1024**2:.1f} MiB for {changed / 1024**2:.1f} MiB in changed blocks, {moved / changed:.2f} (goal {INCREMENT_GOAL}).\n")
    print("| copied GiB | objects | requests per object | largest memory MiB | MiB/s |\n| --- | --- | --- | --- | --- |")
    for gib in options.sizes:
        found = copying(gib)
        per_object = found["requests"] / found["objects"]
        print(f"| {gib} | {found['objects']} | {per_object:.2f} | {found['mib']:.0f} | {gib * 1024 / found['seconds']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
