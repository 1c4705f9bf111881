# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a group stands still for its snapshots: by the collection, by bare concurrent calls, and by what people do today.

All are measured in turn in one run; the ratios count, not the seconds.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import typing as t

import openstack
import psutil
import requests
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.course import Course, Settings
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from fleet import add_volumes, running
from freeze import URI, BareLibvirt, BareNova
from laboratory import ModuleRun, in_site, wait

GOAL = 1.15
GOAL_AGAINST_TASKS = 10
SIZES = (1, 2, 4, 8)
OPTIONS = {"driver": "libvirt", "admin_cloud": "primary-admin", "libvirt_uri": URI, "freeze_timeout": 30, "budget": 50, "guard_timeout": 60}
#: Of os_cg_snapshot, beside the application and how it is frozen.
MODULE = {
    "name": "bench",
    "state": "present",
    "consistency": "quiesced",
    "grouping": "auto",
    "group_type": None,
    "admin_cloud": None,
    "projects": [],
    "other_clouds": [],
    "thaw": None,
    "freezes": [],
    "timeout": 300,
}
#: A set by the tasks that people write today; the window is from the start of the first freeze to the end of the last thaw.
PLAYBOOK = pathlib.Path(__file__).with_name("tasks.yml")


@dataclasses.dataclass(frozen=True)
class Part:
    """Servers of the fleet by name, and the ids of their volumes."""

    servers: t.Mapping[str, str]
    volumes: tuple[str, ...]

    @property
    def application(self) -> dict[str, t.Any]:
        return {"name": "fleet", "tiers": [{"name": "all", "servers": list(self.servers)}]}


class Requests:
    """Counts the requests of this process to the clouds while it is active."""

    def __init__(self) -> None:
        self.count = 0

    @contextlib.contextmanager
    def counted(self) -> t.Iterator[None]:
        send, lock = requests.Session.send, threading.Lock()

        def counting(*args: t.Any, **kwargs: t.Any) -> requests.Response:
            with lock:
                self.count += 1
            return send(*args, **kwargs)

        requests.Session.send = counting
        try:
            yield
        finally:
            requests.Session.send = send


class BareScript:
    """Freezes, snapshots and thaws at once, with nothing around it: no guards, no checks, no evidence, no order."""

    def __init__(self, cloud: openstack.connection.Connection, freezer: BareNova | BareLibvirt, concurrency: int = 16) -> None:
        self._freezer, self._concurrency = freezer, concurrency
        self._endpoint = cloud.block_storage.get_endpoint()
        self._headers = {"X-Auth-Token": cloud.session.get_token(), "OpenStack-API-Version": "volume 3.66"}

    def seconds(self, part: Part) -> float:
        with concurrent.futures.ThreadPoolExecutor(self._concurrency) as pool:
            start = time.monotonic()
            list(pool.map(self._freezer.freeze, part.servers.values()))
            snapshots = set(pool.map(self._snapshot, part.volumes))
            while snapshots & self._creating():
                time.sleep(0.1)
            list(pool.map(self._freezer.thaw, part.servers.values()))
            return time.monotonic() - start

    def _snapshot(self, volume_id: str) -> str:
        body = {"snapshot": {"volume_id": volume_id, "name": "bare"}}
        answer = requests.post(f"{self._endpoint}/snapshots", json=body, headers=self._headers, timeout=60)
        answer.raise_for_status()
        return answer.json()["snapshot"]["id"]

    def _creating(self) -> set[str]:
        answer = requests.get(f"{self._endpoint}/snapshots?status=creating", headers=self._headers, timeout=60)
        return {one["id"] for one in answer.json()["snapshots"]}


@dataclasses.dataclass(frozen=True)
class Taken:
    """What a set by the collection cost.

    :param seconds: of the window.
    :param requests: in and around it.
    :param frozen: seconds until the last server was frozen.
    :param asked: seconds from the first request for a snapshot to the last.
    :param standstills: seconds for which each server stood still.
    """

    seconds: float
    requests: int
    frozen: float
    asked: float
    standstills: tuple[float, ...]


def take(part: Part, options: t.Mapping[str, t.Any], site: str | dict[str, t.Any] = "primary", concurrency: int = 16) -> Taken:
    """A set by the collection, as os_cg_snapshot takes it.

    :param options: how servers are frozen.
    :param site: the cloud, by name or by its whole configuration.
    """
    given, counter = {**MODULE, "application": part.application, "quiesce": dict(options), "concurrency": concurrency}, Requests()
    with counter.counted():
        taken = Course(Settings.parse(given, {"cloud": site}), Interruption(), print).run(is_check=False)["cg_snapshot"]
    assert taken["consistency"] == "quiesced", taken
    Course(Settings.parse({**given, "state": "absent"}, {"cloud": site}), Interruption(), print).run(is_check=False)
    asked = [_time(one["requested_at"]) for one in taken["snapshots"]]
    frozen = max(_time(one["frozen_at"]) for one in taken["servers"])
    return Taken(
        taken["window"]["seconds"],
        counter.count,
        (frozen - _time(taken["window"]["started"])).total_seconds(),
        (max(asked) - min(asked)).total_seconds(),
        tuple((_time(one["thawed_at"]) - _time(one["requested_at"])).total_seconds() for one in taken["servers"]),
    )


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def by_tasks(part: Part) -> float:
    """Seconds of the window of a playbook of openstack.cloud.volume_snapshot and virsh."""
    with tempfile.NamedTemporaryFile() as report:
        given = {"servers": list(part.servers.values()), "volumes": list(part.volumes), "report": report.name, "uri": URI.format(host="primary")}
        command = ["ansible-playbook", "--extra-vars", json.dumps(given), str(PLAYBOOK)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return float(pathlib.Path(report.name).read_text())


def by_images(cloud: openstack.connection.Connection, part: Part) -> float:
    """Seconds from the first to the last freeze of Nova's createImage on each server in turn."""
    start = time.monotonic()
    images = [cloud.compute.create_server_image(server_id, name="bench", wait=True, timeout=300) for server_id in part.servers.values()]
    seconds = time.monotonic() - start
    for image in images:
        cloud.image.delete_image(image)
    return seconds


def remove_snapshots(cloud: openstack.connection.Connection) -> None:
    """Those that scripts, tasks and images leave."""
    storage = cloud.block_storage

    def left() -> list[t.Any]:
        return [one for one in storage.snapshots() if one.name == "bare" or one.name.startswith(("tasks", "snapshot for bench"))]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(storage.delete_snapshot, left()))
    wait("the snapshots to be removed", lambda: not left(), 600, 0.5)


@contextlib.contextmanager
def propose_interval(seconds: float) -> t.Iterator[None]:
    """Have Ceph's monitor gather changes for so long before it commits them; every snapshot is such a change."""
    before = in_site("ceph", "config", "show", "mon.primary", "paxos_propose_interval").strip()
    in_site("ceph", "tell", "mon.primary", "config", "set", "paxos_propose_interval", str(seconds))
    try:
        yield
    finally:
        in_site("ceph", "tell", "mon.primary", "config", "set", "paxos_propose_interval", before)


def part_of(cloud: openstack.connection.Connection, fleet: t.Mapping[str, str], size: int) -> Part:
    servers = dict(list(fleet.items())[:size])
    attached = [(v.id, a["server_id"]) for v in cloud.block_storage.volumes() for a in v.attachments]
    return Part(servers, tuple(volume_id for volume_id, server_id in attached if server_id in servers.values()))


def compare_with_bare(
    cloud: openstack.connection.Connection, parts: t.Sequence[Part], driver: str, bare: BareScript, interval: float, rounds: int
) -> None:
    """Print a row per size of the group."""
    for part in parts:
        ours, theirs = [], []
        for _round in range(rounds):
            theirs.append(bare.seconds(part))
            ours.append(take(part, {**OPTIONS, "driver": driver}))
            remove_snapshots(cloud)
        median, bare_median = statistics.median(one.seconds for one in ours), statistics.median(theirs)
        per_volume = statistics.median(one.requests for one in ours) / len(part.volumes)
        print(
            f"| {interval} | {driver} | {len(part.servers)} | {len(part.volumes)} | {median:.2f} | {bare_median:.2f} | {median / bare_median:.2f} "
            f"| {per_volume:.1f} |",
            flush=True,
        )


def compare_with_today(cloud: openstack.connection.Connection, part: Part, interval: float) -> None:
    """Print what the window is by the ways that people go today."""
    ours = take(part, OPTIONS).seconds
    tasks, images = by_tasks(part), by_images(cloud, part)
    remove_snapshots(cloud)
    print(f"\n| {len(part.servers)} servers, {len(part.volumes)} volumes, interval {interval} s | window s | times longer |\n| --- | --- | --- |")
    print(f"| the collection | {ours:.2f} | 1 |")
    print(f"| virsh and openstack.cloud.volume_snapshot tasks | {tasks:.2f} | {tasks / ours:.1f} (goal {GOAL_AGAINST_TASKS}) |")
    print(f"| createImage of each server in turn | {images:.2f} | {images / ours:.1f}, and the servers do not fit together |", flush=True)


def module_effort(part: Part) -> None:
    """Print memory and processor time of the largest of Ansible's processes, which are not named after the module."""
    common = {"cloud": "primary", "name": "bench", "application": part.application}
    run = ModuleRun("os_cg_snapshot", **common, quiesce=OPTIONS)
    memory, processor = 0, 0.0
    while run.process.is_running():
        for process in run.controller():
            with contextlib.suppress(psutil.Error):
                memory = max(memory, process.memory_info().rss)
                processor = max(processor, sum(process.cpu_times()[:2]))
        time.sleep(0.05)
    assert run.result()["changed"]
    ModuleRun("os_cg_snapshot", **common, state="absent").result()
    print(f"\nThe largest of Ansible's processes for {len(part.volumes)} volumes: {memory / 2**20:.0f} MiB, {processor:.1f} s of processor.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--intervals", type=float, nargs="+", default=[1, 0.1], help="Ceph's paxos_propose_interval, seconds; its default is 1")
    options = parser.parse_args()
    cloud, admin = openstack.connect(cloud="primary"), openstack.connect(cloud="primary-admin")
    with running(cloud, max(SIZES)) as fleet:
        add_volumes(cloud, {server_id: ["ceph"] for server_id in fleet.values()})
        parts = [part_of(cloud, fleet, size) for size in SIZES]
        print(f"{options.rounds} rounds each, in turn; medians. Goal {GOAL}.\n")
        print("| paxos_propose_interval s | driver | servers | volumes | window s | bare script s | ratio | requests per volume |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for interval in options.intervals:
            with propose_interval(interval):
                for driver, freezer in (("nova", BareNova(admin)), ("libvirt", BareLibvirt("primary"))):
                    compare_with_bare(cloud, parts, driver, BareScript(cloud, freezer), interval, options.rounds)
        for interval in options.intervals:
            with propose_interval(interval):
                compare_with_today(cloud, parts[2], interval)
        module_effort(parts[3])
    return 0


if __name__ == "__main__":
    sys.exit(main())
