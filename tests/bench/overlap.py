# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it saves that each server is thawed as soon as its own snapshots are there, and how long windows of many servers would be: the real code,
a simulated site, virtual time.

Compared with barriers, where all stand still until the last snapshot of all is there, only ratios count. How long windows would be follows from the
rates, which are those of the lab (tests/bench/scale.py) unless others are given.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import random
import statistics
import sys
import typing as t
from unittest import mock

from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import QuiesceDriver, Support, Thaw
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots import taking
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import CONSISTENT_GROUP, INDIVIDUAL, Unit
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.requests import Requests
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.seeing import Seeing
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.taking import SnapshotSet
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import ServerVolumes, Storages, Wanted
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeMarks, attached, group_snapshot, server, snapshot, volume
from virtual import World

SIZES = (10, 50, 100, 200, 500, 1000)
#: What is foreseen: servers, and processes that each API has.
FORESEEN, PROCESSES = (200, 500, 1000), (2, 4, 8, 16)
#: What the lab has of Nova's API and of Cinder's: tests/bench/scale.py tells how long windows are there.
LAB = (2, 1)
#: For the longest standstill, as a share of the window with barriers, at 200 servers.
GOAL = 0.8
CONCURRENCY = 16


@dataclasses.dataclass(frozen=True)
class Rates:
    """How quick a site is, in seconds; as the lab was with 200 servers, all of it on two busy cores.

    :param nova: processes of its API.
    :param cinder: of Cinder's.
    :param freeze: one process of Nova's API for one freeze, the guest's part included; a thaw takes as long.
    :param request: one process of Cinder's API for one snapshot.
    :param snapshot: from then until it is available.
    """

    nova: int = 4
    cinder: int = 4
    freeze: float = 0.16
    request: float = 0.08
    snapshot: float = 1.0


class Service:
    """An API of so many processes, each of which serves one request after the other."""

    def __init__(self, world: World, processes: int) -> None:
        self._world = world
        self._free = [0.0] * processes
        self.requests = 0

    def serve(self, seconds: float) -> None:
        self.requests += 1
        first = min(range(len(self._free)), key=self._free.__getitem__)
        self._free[first] = max(self._world.now, self._free[first]) + seconds * self._world.random.uniform(0.7, 1.3)
        self._world.sleep(self._free[first] - self._world.now)


class Driver(QuiesceDriver):
    name = "simulated"

    def __init__(self, nova: Service, rates: Rates) -> None:
        self._nova, self._rates = nova, rates

    def probe(self, server: t.Any) -> Support:
        return Support()

    def arm_guard(self, server: t.Any, seconds: int) -> None:
        return

    def freeze(self, server: t.Any, seconds: float) -> int:
        self._nova.serve(self._rates.freeze)
        return 1

    def thaw(self, server: t.Any) -> Thaw:
        self._nova.serve(self._rates.freeze)
        return Thaw(1)

    def disarm_guard(self, server: t.Any) -> bool:
        return False


class Cinder:
    """Lists take as long as a request, and a millisecond for each snapshot that they show."""

    def __init__(self, world: World, rates: Rates, volumes: t.Collection[str]) -> None:
        self.cloud = mock.Mock(project_id="project", site="primary", clock=SiteClock("primary"))
        self._world, self._rates, self._volumes = world, rates, volumes
        self._group: tuple[t.Any, float] | None = None
        self.api = Service(world, rates.cinder)
        self._made: dict[str, tuple[t.Any, float]] = {}

    def create_snapshot(self, volume_id: str, name: str, metadata: t.Mapping[str, str]) -> t.Any:
        self.api.serve(self._rates.request)
        shown = snapshot(name, id=f"s{len(self._made)}", volume_id=volume_id, metadata=dict(metadata), project_id="project", status="creating")
        self._made[shown.id] = (shown, self._world.now + self._rates.snapshot * self._world.random.uniform(0.5, 1.5))
        return shown

    def _all(self) -> list[t.Any]:
        return [dataclasses.replace(one, status="available") if done <= self._world.now else one for one, done in self._made.values()]

    def snapshots(self) -> list[t.Any]:
        self.api.serve(self._rates.request + len(self._made) / 1000)
        return self._all()

    def newest_snapshots(self) -> t.Iterator[t.Any]:
        for number, one in enumerate(reversed(self._all())):
            if number % 100 == 0:
                self.api.serve(self._rates.request + min(100, len(self._made)) / 1000)
            yield one

    def creating_snapshots(self) -> set[str]:
        self.api.serve(self._rates.request / 2)
        return {one.id for one in self._all() if one.status == "creating"}

    def create_group_snapshot(self, group_id: str, name: str, description: str) -> str:
        self.api.serve(self._rates.request)
        done = self._world.now + self._rates.snapshot * self._world.random.uniform(0.5, 1.5)
        self._group = (group_snapshot(name, group_id=group_id, description=description, status="creating"), done)
        made, _done = self._group
        for one in self._volumes:
            shown = snapshot(name, id=f"s{one}", volume_id=one, group_snapshot_id=made.id, project_id="project", status="creating")
            self._made[shown.id] = (shown, done)
        return made.id

    def group_snapshots(self) -> list[t.Any]:
        self.api.serve(self._rates.request / 2)
        return [dataclasses.replace(one, status="available") if done <= self._world.now else one for one, done in filter(None, [self._group])]

    def rename_snapshot(self, snapshot_id: str, name: str) -> None:
        return

    def set_snapshot_metadata(self, snapshot_id: str, metadata: t.Mapping[str, str]) -> None:
        return


@contextlib.contextmanager
def barriers() -> t.Iterator[None]:
    """Everybody stands still until everything is there, and nobody looks before everything is asked for."""
    with (
        mock.patch.object(FreezeWindow, "release", lambda self, is_done_with: None),
        mock.patch.object(Requests, "sort", lambda self, turns: None),
        mock.patch.object(taking, "_is_worth_a_look", lambda requests, volumes: False),
    ):
        yield


@dataclasses.dataclass(frozen=True)
class Scale:
    """What is snapshotted, and how.

    :param volumes_each: of each server.
    :param is_group: whether all volumes are one consistent group.
    :param concurrency: requests at once.
    """

    servers: int
    volumes_each: int
    is_group: bool = False
    concurrency: int = CONCURRENCY

    @property
    def limits(self) -> Limits:
        """More than enough."""
        return Limits(freeze=600, budget=3600, guard=7200, concurrency=self.concurrency)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a window took, in seconds; and how many requests to Cinder each volume took."""

    window: float
    median: float
    longest: float
    requests: float


def simulate(scale: Scale, rates: Rates, seed: int) -> Outcome:
    world = World(random.Random(seed))
    found = [server(f"s{number}") for number in range(scale.servers)]
    of = {one.id: tuple(volume(f"{one.name}-{n}", project_id="project", attachments=attached(one.name)) for n in range(scale.volumes_each)) for one in found}
    volumes = tuple(one for all_ in of.values() for one in all_)
    cinder, driver = Cinder(world, rates, [one.id for one in volumes]), Driver(Service(world, rates.nova), rates)
    application = Application("shop", (Tier("all", tuple(one.name for one in found)),))
    wanted = Wanted(application, "noon", "quiesced", tuple(ServerVolumes(one, "all", of[one.id]) for one in found))
    storages = Storages(t.cast(t.Any, [cinder]))
    window = FreezeWindow([[Member(one, "all", driver) for one in found]], scale.limits, t.cast(t.Any, Marks()), Interruption(), world.clock)
    seeing = Seeing(t.cast(t.Any, mock.Mock()), wanted, scale.concurrency)
    unit = Unit(CONSISTENT_GROUP, "b", volumes, "", t.cast(t.Any, mock.Mock(id="group"))) if scale.is_group else Unit(INDIVIDUAL, "b", volumes, "")
    asked: list[int] = []
    with world.installed(), mock.patch.object(SnapshotSet, "_refuse_failed", lambda *_given: asked.append(cinder.api.requests) or []):
        job = SnapshotSet(storages, wanted, Waiter(3600, 1, world.clock), scale.concurrency)
        evidence = job.take([unit], window, seeing, Interruption())
        world.end()
    assert evidence.whole.consistency == "quiesced", evidence.servers
    still = [member.thawed.monotonic - member.freeze_requested.monotonic for member in window.members]
    return Outcome(window.standstill, statistics.median(still), max(still), asked[0] / len(volumes))


class Marks(FakeMarks):
    """Takes no time: marks are put before the window and removed after it."""

    def current(self, server_id: str) -> t.Any:
        return self.marked.get(server_id)


def foresee(volumes_each: int, rates: Rates, seed: int) -> None:
    """Print how long windows would be at sites of more or fewer API processes, with and without a consistent group."""
    print(f"\nOne process takes {rates.freeze:g} s for a freeze or a thaw, {rates.request:g} s for a snapshot; Cinder then {rates.snapshot:g} s.\n")
    print("| servers | volumes | processes of Nova's API | of Cinder's | concurrency | window s | longest standstill s | with a consistent group: window s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for size in FORESEEN:
        for nova, cinder in (LAB, *((one, one) for one in PROCESSES)):
            here = dataclasses.replace(rates, nova=nova, cinder=cinder)
            scale = Scale(size, volumes_each, concurrency=max(CONCURRENCY, 2 * nova))
            alone, group = simulate(scale, here, seed), simulate(dataclasses.replace(scale, is_group=True), here, seed)
            told = f"{scale.concurrency} | {alone.window:.0f} | {alone.longest:.0f} | {group.window:.0f}"
            print(f"| {size} | {size * volumes_each} | {nova} | {cinder} | {told} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--volumes", type=int, default=2, help="of each server")
    parser.add_argument("--seed", type=int, default=1)
    for name, what in (("freeze", "a freeze takes"), ("request", "a request for a snapshot takes"), ("snapshot", "Cinder then needs for it")):
        parser.add_argument(f"--{name}", type=float, default=getattr(Rates, name), help=f"seconds that {what}")
    options = parser.parse_args()
    rates = Rates(freeze=options.freeze, request=options.request, snapshot=options.snapshot)
    print("| servers | volumes | window ÷ with barriers | median standstill ÷ | longest standstill ÷ | requests to Cinder per volume | with barriers |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    longest = {}
    for size in options.sizes:
        overlapping = simulate(Scale(size, options.volumes), rates, options.seed)
        with barriers():
            barred = simulate(Scale(size, options.volumes), rates, options.seed)
        longest[size] = overlapping.longest / barred.window
        print(
            f"| {size} | {size * options.volumes} | {overlapping.window / barred.window:.2f} | {overlapping.median / barred.median:.2f} "
            f"| {longest[size]:.2f} | {overlapping.requests:.2f} | {barred.requests:.2f} |",
            flush=True,
        )
    foresee(options.volumes, rates, options.seed)
    if 200 in longest:
        print(f"\nAt 200 servers the longest standstill is {longest[200]:.2f} of a window with barriers, goal {GOAL}.")
        return int(longest[200] > GOAL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
