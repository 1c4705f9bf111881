# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a checkpoint of many servers takes: its window against a bare script's, requests, processor time, memory and standstill; and reading many of them.

Servers and volumes only pretend (tests/lab/many_servers.yml has to be played before); APIs, the quiesce API, messages and databases are the lab's. So
it is these that bound the window, and the ratios that count: of the same calls, as many at once, by a script with nothing around them.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

import openstack
import openstack.config
import reading
from effort import most_mebibytes
from freeze import BareNova
from laboratory import wait
from window import OPTIONS, BareScript, Part, Taken, remove_snapshots, take

SIZES = (10, 50, 100, 200)
VOLUMES = 2
#: Of the project, the flavor, the volume type and its zone.
PRETENDED = "pretended"
PREFIX = "many-"
#: How the servers are made: the lab's Cinder serves as many requests at once.
AT_ONCE = 5
#: Of the collection's requests, and of the script's: enough to keep the lab's APIs busy. More only wait there, and looks at snapshots behind them.
CONCURRENCY = 8
#: As long as the quiesce API allows: two cores serve all the requests.
GUARD = 300
FREEZING = {**OPTIONS, "driver": "nova", "budget": 270, "guard_timeout": GUARD}
GOALS = {
    "window ÷ that of the bare script": 1.1,
    "requests per server and volume": 6.0,
    "longest standstill ÷ the bare script's window": 0.8,
    "processor s for the recovery point of the catalogue": reading.GOAL_SECONDS,
    "MiB for the recovery point of the catalogue": reading.GOAL_MIB,
    "processor s for the check of a restore of 1,000 servers": reading.GOAL_OF_RESTORE,
}


def reach() -> dict[str, t.Any]:
    """The primary site in the project of these servers."""
    shop = openstack.config.OpenStackConfig().cloud_config["clouds"]["primary"]
    return {**shop, "auth": {**shop["auth"], "project_name": PRETENDED}}


class Fleet:
    """Servers that only pretend, each with the same number of volumes."""

    def __init__(self) -> None:
        self.cloud = openstack.connect(**reach())
        self._pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)

    def grow(self, size: int) -> None:
        """Make servers until there are so many."""
        numbers = range(len(self._servers()), size)
        # Cinder learns of a new zone with the first of them.
        disks = [*map(self._volumes_of, numbers[:1]), *self._pool.map(self._volumes_of, numbers[1:])]
        wait("the volumes to be made", lambda: all(one.status == "available" for one in self._volumes() if not one.attachments), 900, 1)
        list(self._pool.map(self._boot, numbers, disks))
        wait("the servers to run", lambda: all(one.status == "ACTIVE" for one in self._running()), 1800, 2)

    def part(self, size: int) -> Part:
        """The first servers."""
        servers = {one.name: one.id for one in sorted(self._servers(), key=lambda one: one.name)[:size]}
        chosen = set(servers.values())
        volumes = tuple(one.id for one in self._volumes() if {each["server_id"] for each in one.attachments} & chosen)
        assert len(volumes) == size * VOLUMES, f"{len(volumes)} volumes of {size} servers"
        return Part(servers, volumes)

    def remove(self) -> None:
        remove_snapshots(self.cloud)
        list(self._pool.map(self.cloud.compute.delete_server, self._servers()))
        wait("the servers to be removed", lambda: not self._servers(), 1800, 2)
        wait("the volumes to be removed", self._is_without_volumes, 900, 2)

    def _is_without_volumes(self) -> bool:
        """Whether there are none; asks for the removal of those that no server had."""
        left = self._volumes()
        list(self._pool.map(self.cloud.block_storage.delete_volume, [one for one in left if one.status in ("available", "error")]))
        return not left

    def _servers(self) -> list[t.Any]:
        return list(self.cloud.compute.servers())

    def _running(self) -> list[t.Any]:
        servers = self._servers()
        failed = [one.name for one in servers if one.status == "ERROR"]
        assert not failed, f"not made: {failed}"
        return servers

    def _volumes(self) -> list[t.Any]:
        return list(self.cloud.block_storage.volumes())

    def _volumes_of(self, number: int) -> list[str]:
        storage = self.cloud.block_storage
        made = [
            storage.create_volume(size=1, name=f"{PREFIX}{number:04}-{disk}", volume_type=PRETENDED, availability_zone=PRETENDED) for disk in range(VOLUMES)
        ]
        return [one.id for one in made]

    def _boot(self, number: int, volumes: t.Sequence[str]) -> None:
        self.cloud.block_storage.set_volume_bootable_status(volumes[0], True)
        disk = {"source_type": "volume", "destination_type": "volume", "delete_on_termination": True}
        self.cloud.compute.create_server(
            name=f"{PREFIX}{number:04}",
            flavor_id=self.cloud.compute.find_flavor(PRETENDED).id,
            networks="none",
            block_device_mapping=[{**disk, "uuid": one, "boot_index": -1 if place else 0} for place, one in enumerate(volumes)],
        )


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a set by the collection took: see :class:`window.Taken`; and processor seconds and the most MiB of its process."""

    taken: Taken
    processor: float
    mebibytes: float


def taken_by_itself(size: int, concurrency: int) -> Cost:
    """A set, taken by a process that does nothing else."""
    answer = subprocess.run([sys.executable, __file__, f"--take={size}", f"--concurrency={concurrency}"], check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(answer.stdout.splitlines()[-1])
    return Cost(Taken(**found["taken"]), found["processor"], found["mebibytes"])


def taken_here(size: int, concurrency: int) -> dict[str, t.Any]:
    part = Fleet().part(size)
    start = time.process_time()
    taken = take(part, FREEZING, reach(), concurrency)
    return {"taken": dataclasses.asdict(taken), "processor": time.process_time() - start, "mebibytes": most_mebibytes()}


@dataclasses.dataclass(frozen=True)
class Row:
    """What was seen of so many servers: seconds of the bare script, and what each set cost."""

    size: int
    bare: float
    costs: t.Sequence[Cost]

    def median(self, what: t.Callable[[Cost], float]) -> float:
        return statistics.median(map(what, self.costs))

    @property
    def window(self) -> float:
        return self.median(lambda one: one.taken.seconds)

    @property
    def requests(self) -> float:
        return self.median(lambda one: one.taken.requests) / (self.size * (1 + VOLUMES))

    @property
    def longest(self) -> float:
        return self.median(lambda one: max(one.taken.standstills))

    def __str__(self) -> str:
        middle = self.median(lambda one: statistics.median(one.taken.standstills))
        frozen, asked = self.median(lambda one: one.taken.frozen), self.median(lambda one: one.taken.asked)
        return (
            f"| {self.size} | {self.size * VOLUMES} | {self.window:.1f} | {self.bare:.1f} | {self.window / self.bare:.2f} | {self.requests:.2f} "
            f"| {self.median(lambda one: one.processor):.1f} | {self.median(lambda one: one.mebibytes):.0f} "
            f"| {middle:.1f} | {self.longest:.1f} | {middle / self.bare:.2f} | {self.longest / self.bare:.2f} "
            f"| {self.size / frozen:.1f} | {self.size * VOLUMES / asked:.1f} |"
        )


def measure(fleet: Fleet, size: int, rounds: int, concurrency: int) -> Row:
    fleet.grow(size)
    part = fleet.part(size)
    script = BareScript(fleet.cloud, BareNova(openstack.connect(cloud="primary-admin"), GUARD), concurrency)
    bare, costs = [], []
    for _round in range(rounds):
        bare.append(script.seconds(part))
        remove_snapshots(fleet.cloud)
        costs.append(taken_by_itself(size, concurrency))
    return Row(size, statistics.median(bare), costs)


def windows(sizes: t.Sequence[int], rounds: int, concurrency: int) -> list[Row]:
    """Print a row per size of the group."""
    print(
        "| servers | volumes | window s | bare script s | ratio | requests per server and volume | processor s | MiB | standstill, median s | longest s "
        "| median ÷ bare | longest ÷ bare | frozen per s | snapshots asked for per s |"
    )
    print("|" + " --- |" * 14)
    fleet, rows = Fleet(), []
    fleet.remove()
    try:
        for size in sizes:
            rows.append(measure(fleet, size, rounds, concurrency))
            print(rows[-1], flush=True)
    finally:
        fleet.remove()
    return rows


def documents(checkpoints: int, servers: int) -> dict[str, float]:
    """What reading costs: the catalogue for its recovery point, and one checkpoint for the check of its restore."""
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        reading.write_catalogue(directory, checkpoints, servers)
        point, check = (reading.measured(what, directory, checkpoints, servers) for what in ("recovery_point", "restore"))
    return {
        "processor s for the recovery point of the catalogue": point.seconds,
        "MiB for the recovery point of the catalogue": point.mebibytes,
        "processor s for the check of a restore of 1,000 servers": check.seconds,
    }


def judged(rows: t.Sequence[Row], read: t.Mapping[str, float]) -> None:
    """Print what is aimed at, and whether the largest group and the catalogue meet it."""
    seen = dict(read)
    if rows:
        last = rows[-1]
        ratios = (last.window / last.bare, last.requests, last.longest / last.bare)
        seen |= dict(zip(GOALS, ratios, strict=False))
    print("\n| goal | at most | seen | met |\n| --- | --- | --- | --- |")
    for goal, value in seen.items():
        print(f"| {goal} | {GOALS[goal]:g} | {value:.2f} | {'yes' if value <= GOALS[goal] else 'no'} |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="of the groups; none to leave the lab alone")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY, help="of the collection and of the script")
    parser.add_argument("--checkpoints", type=int, default=300, help="of the catalogue; 0 for none")
    parser.add_argument("--servers", type=int, default=200, help="of each of its checkpoints")
    parser.add_argument("--take", type=int, metavar="SIZE", help="only take a set of so many servers that are there, in this process")
    options = parser.parse_args()
    if options.take:
        print(json.dumps(taken_here(options.take, options.concurrency)))
        return 0
    rows = windows(sorted(options.sizes), options.rounds, options.concurrency) if options.sizes else []
    judged(rows, documents(options.checkpoints, options.servers) if options.checkpoints else {})
    return 0


if __name__ == "__main__":
    sys.exit(main())
