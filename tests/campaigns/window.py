# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks the freeze window: the real code, faked drivers and storage that know the truth, virtual time, random schedules.

Nobody may stay frozen, and no set may claim more than is true. Before each attack, known faults are put in, and each must be found.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import math
import random
import sys
import typing as t
from unittest import mock

import counting
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError, FreezeFailed
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import pause
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED, QuiesceDriver, Support, Thaw
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.pause import PauseDriver
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots import proof
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.evidence import Evidence
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import CONSISTENT_GROUP, INDIVIDUAL, Unit
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.requests import Requests
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.seeing import Seeing
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.taking import SnapshotSet
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import ServerVolumes, Storages, Wanted
from ansible_collections.osdr.openstack.plugins.module_utils.work import waiting
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support.fakes import attached, group_snapshot, server, snapshot, volume, volume_group
from virtual import Gone, World

FREEZE, BUDGET, GUARD, CONCURRENCY = 20, 40, 60, 3
#: So many schedules are made when nobody says how many.
GOAL = 100_000
#: Seconds after which everything that can still happen has happened.
_QUIET = 2000
#: Seconds beyond the guard's time for which a server may stand still: a late freeze, the tries of a guard.
_SLACK = 15
#: Seconds for which a guard tries: longer than a process is stopped for, and a request is under way.
_GUARD_LASTS = 300
_FILESYSTEMS = 2
#: What those servers are called that stood still at their cuts.
_FROZEN = ("quiesced", "paused")


@dataclasses.dataclass(frozen=True)
class Freeze:
    """A time for which a server truly stood still. The end is not known while it lasts."""

    begin: float
    end: float | None = None

    def holds(self, moment: float) -> bool:
        return self.begin <= moment and (self.end is None or moment < self.end)


class Site:
    """The servers as they truly are, and the marks on them.

    :param faults: how often, from 0 to 1, a single request goes wrong.
    """

    def __init__(self, world: World, faults: float) -> None:
        self.world = world
        self.faults = faults
        self.freezes: dict[str, list[Freeze]] = {}
        self.marks: dict[str, FreezeMark] = {}
        #: When each server's thaw was first asked for.
        self.thaw_asked: dict[str, float] = {}

    def latency(self) -> float:
        return self.world.random.choice([0.01, 0.05, 0.3, 2.0]) * self.world.random.uniform(0.5, 1.5)

    def goes_wrong(self) -> bool:
        return self.world.random.random() < self.faults

    def is_frozen(self, server_id: str) -> bool:
        found = self.freezes.get(server_id)
        return bool(found and found[-1].end is None)

    def freeze(self, server_id: str) -> None:
        if not self.is_frozen(server_id):
            self.freezes.setdefault(server_id, []).append(Freeze(self.world.now))

    def thaw(self, server_id: str) -> int:
        """:returns: how many file systems there were to thaw."""
        if not self.is_frozen(server_id):
            return 0
        last = self.freezes[server_id].pop()
        self.freezes[server_id].append(dataclasses.replace(last, end=self.world.now))
        return _FILESYSTEMS

    # Marks, as FreezeMarks has them

    def put(self, which: t.Any, mark: FreezeMark) -> None:
        self.world.sleep(self.latency())
        if self.goes_wrong():
            raise CloudError("The mark was refused.")
        self.marks[which.id] = mark
        self.world.sleep(self.latency())

    def remove(self, which: t.Any, mark: FreezeMark | None = None) -> None:
        self.world.sleep(self.latency())
        if mark is None or mark.is_same(self.marks.get(which.id)):
            self.marks.pop(which.id, None)

    def current(self, server_id: str) -> FreezeMark | None:
        self.world.sleep(self.latency())
        if self.goes_wrong():
            raise CloudError("Nova is away.")
        return self.marks.get(server_id)


class Driver(QuiesceDriver):
    """Freezes in the site. Counts file systems or does not; its guard acts as long as its mark stands."""

    name = "fake"

    def __init__(self, site: Site, counts: bool) -> None:
        self._site = site
        self._world = site.world
        self._counts = counts
        self._armed: dict[str, float] = {}
        self._fired: set[str] = set()
        #: Servers that may be frozen yet: there was no answer.
        self._unsure: set[str] = set()
        self.guard_tries = 10**9

    def probe(self, server: t.Any) -> Support:
        return Support()

    def arm_guard(self, server: t.Any, seconds: int) -> None:
        self._world.sleep(self._site.latency())
        if self._site.goes_wrong():
            raise FreezeFailed("The guard was not armed.")
        self._armed[server.id] = self._world.now + seconds
        token = self._site.marks[server.id].token if server.id in self._site.marks else ""
        self._world.later(seconds, lambda: self._fire(server.id, token, self.guard_tries))
        self._world.sleep(self._site.latency())

    def _fire(self, server_id: str, token: str, tries: int) -> None:
        mark = self._site.marks.get(server_id)
        # Long after its time nothing can arrive any more that it would have to end.
        if server_id not in self._armed or (mark and mark.token != token) or not tries or self._world.now > self._armed[server_id] + _GUARD_LASTS:
            return
        self._fired.add(server_id)
        self._site.thaw(server_id)
        if self._world.now < _QUIET:
            self._world.later(2, lambda: self._fire(server_id, token, tries - 1))

    def freeze(self, server: t.Any, seconds: float) -> int | None:
        self._world.sleep(self._site.latency())
        effect = self._site.latency()
        fate = self._world.random.random() if self._site.goes_wrong() else 1
        if fate < 0.3:
            raise FreezeFailed("The agent refused.")
        if fate < 0.6:
            effect += self._world.random.choice([0, 5, 20])
        self._world.later(effect, lambda: self._site.freeze(server.id))
        if fate < 0.6:
            self._unsure.add(server.id)
            raise FreezeFailed("The answer was lost.")
        self._world.sleep(effect + self._site.latency())
        return _FILESYSTEMS if self._counts else None

    def thaw(self, server: t.Any) -> Thaw:
        self._site.thaw_asked.setdefault(server.id, self._world.now)
        self._world.sleep(self._site.latency())
        if self._site.goes_wrong():
            raise FreezeFailed("The host is away.")
        was_frozen = self._site.is_frozen(server.id)
        thawed = self._site.thaw(server.id)
        self._world.sleep(self._site.latency())
        if self._site.is_frozen(server.id):
            raise FreezeFailed("It is still frozen.")
        if not was_frozen and self.is_unsure(server.id):
            raise FreezeFailed("It may be frozen yet.")
        self._unsure.discard(server.id)
        return Thaw(thawed) if self._counts else Thaw(None, None if was_frozen else "it was not frozen any more")

    def is_unsure(self, server_id: str) -> bool:
        return server_id in self._unsure

    def disarm_guard(self, server: t.Any) -> bool:
        self._world.sleep(self._site.latency())
        if self._site.goes_wrong():
            raise FreezeFailed("The guard does not answer.")
        self._armed.pop(server.id, None)
        return server.id in self._fired


class Guards:
    """The guards beside the controller, as the driver that pauses has them."""

    def __init__(self, driver: Driver) -> None:
        self.arm = driver.arm_guard
        self.disarm = driver.disarm_guard


class Nova:
    """Pauses in the site, as the real driver asks for it; migrates servers, and then shows nothing else of them."""

    def __init__(self, site: Site, servers: t.Sequence[t.Any]) -> None:
        self._site = site
        self._world = site.world
        self._servers = {one.id: one for one in servers}
        self._tasks: dict[str, str] = {}
        self.migrating: set[str] = set()

    def server(self, server_id: str) -> t.Any:
        self._world.sleep(self._site.latency())
        if self._site.goes_wrong():
            raise CloudError("Nova is away.")
        is_frozen, found = self._site.is_frozen(server_id), self._servers[server_id]
        if server_id in self.migrating:
            return dataclasses.replace(found, status="MIGRATING", task_state="migrating", power_state=3 if is_frozen else 1)
        status, power = ("PAUSED", 3) if is_frozen else ("ACTIVE", 1)
        return dataclasses.replace(found, status=status, task_state=self._tasks.get(server_id), power_state=power)

    def pause(self, server_id: str) -> None:
        self._change(server_id, "pausing", lambda: self._site.freeze(server_id))

    def unpause(self, server_id: str) -> None:
        self._site.thaw_asked.setdefault(server_id, self._world.now)
        self._change(server_id, "unpausing", lambda: self._site.thaw(server_id))

    def _change(self, server_id: str, task: str, effect: t.Callable[[], t.Any]) -> None:
        self._world.sleep(self._site.latency())
        fate = self._world.random.random() if self._site.goes_wrong() else 1
        if fate < 0.3 or server_id in self.migrating:
            raise CloudError("Nova refused.", http_status=409)

        def begin() -> None:
            self._tasks[server_id] = task
            self._world.later(self._site.latency(), end)

        def end() -> None:
            effect()
            self._tasks.pop(server_id, None)

        if fate < 0.6:
            self._world.later(self._world.random.choice([0, 5, 20]), begin)
            raise CloudError("The answer was lost.")
        begin()
        self._world.sleep(self._site.latency())


@dataclasses.dataclass
class Making:
    """A snapshot and the truth of it."""

    shown: t.Any
    asked: float
    cut: float
    done: float
    status: str = "available"


class Cinder:
    """A project's storage, whose lists may come from a database that lags behind."""

    def __init__(self, site: Site, volumes: t.Sequence[t.Any], lag: float, slowness: float) -> None:
        self.cloud = mock.Mock(project_id="project", site="primary", clock=SiteClock("primary"))
        self._site, self._world = site, site.world
        self._volumes = volumes
        self._lag = lag
        self._slowness = slowness
        self._seconds = self._world.random.choice([0, 0, 0, 15])
        self.made: dict[str, Making] = {}
        self.groups: dict[str, Making] = {}
        #: When the first snapshot of each volume was asked for.
        self.asked: dict[str, float] = {}
        #: When the last snapshot of each volume was, or will be, there, whatever becomes of it.
        self.done: dict[str, float] = {}

    def _request(self, volume_ids: t.Iterable[str]) -> None:
        self.asked.update({one: self._world.now for one in volume_ids if one not in self.asked})
        self._world.sleep(self._site.latency() + self._seconds)
        if self._site.goes_wrong():
            raise CloudError("Cinder refused.")

    def _make(self, which: t.Any, name: str, metadata: t.Mapping[str, str], group: str | None, cut: float) -> t.Any:
        number = len(self.made)
        created = self._world.clock.wall().isoformat(timespec="seconds").removesuffix("+00:00")
        shown = snapshot(name, id=f"s{number}", volume_id=which.id, created_at=created, metadata=dict(metadata), project_id="project", group_snapshot_id=group)
        done = self.done[which.id] = cut + self._site.latency()
        status = "error" if self._site.goes_wrong() else "available"
        self.made[shown.id] = Making(shown, self._world.now, cut, done, status)
        return shown

    def _cut(self) -> float:
        return self._world.now + self._site.latency() * self._slowness

    def create_snapshot(self, volume_id: str, name: str, metadata: t.Mapping[str, str]) -> t.Any:
        self._request([volume_id])
        shown = self._make(next(v for v in self._volumes if v.id == volume_id), name, metadata, None, self._cut())
        self._world.sleep(self._site.latency())
        return shown

    def create_group_snapshot(self, group_id: str, name: str, description: str) -> str:
        self._request(one.id for one in self._volumes if one.group_id == group_id)
        shown = group_snapshot(name, id=f"g{len(self.groups)}", description=description, project_id="project", group_id=group_id)
        cut = self._cut()
        for one in self._volumes:
            if one.group_id == group_id:
                self._make(one, name, {}, shown.id, cut)
        self.groups[shown.id] = Making(shown, self._world.now, cut, cut + self._site.latency())
        self._world.sleep(self._site.latency())
        return shown.id

    def _list(self, made: t.Mapping[str, Making]) -> list[t.Any]:
        self._world.sleep(self._site.latency())
        seen = self._world.now - self._world.random.choice([0, self._lag])
        found = [
            dataclasses.replace(one.shown, status=one.status if one.done <= seen else "creating")
            for one in made.values()
            if one.asked <= seen
        ]
        self._world.sleep(self._site.latency())
        return found

    def snapshots(self) -> list[t.Any]:
        return self._list(self.made)

    def newest_snapshots(self) -> t.Iterator[t.Any]:
        yield from reversed(self.snapshots())

    def creating_snapshots(self) -> set[str]:
        return {one.id for one in self.snapshots() if one.status == "creating"}

    def group_snapshots(self) -> list[t.Any]:
        return self._list(self.groups)

    def delete_snapshot(self, snapshot_id: str) -> None:
        self._world.sleep(self._site.latency())
        self.made.pop(snapshot_id, None)

    def delete_group_snapshot(self, group_snapshot_id: str) -> None:
        self._world.sleep(self._site.latency())
        self.groups.pop(group_snapshot_id, None)
        self.made = {key: one for key, one in self.made.items() if one.shown.group_snapshot_id != group_snapshot_id}

    def set_snapshot_metadata(self, snapshot_id: str, metadata: t.Mapping[str, str]) -> None:
        self._world.sleep(self._site.latency())

    def rename_snapshot(self, snapshot_id: str, name: str) -> None:
        self._world.sleep(self._site.latency())

    def failure_reason(self, resource_id: str) -> str:
        return ""


class Schedule:
    """One random course of events around one window.

    :param seed: makes it, and makes it again.
    """

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.world = World(self.random)
        self.site = Site(self.world, self.random.choice([0, 0, 0.02, 0.1, 0.1]))
        self.interruption = Interruption()
        self.least = self.random.choice(["quiesced", "quiesced", "crash"])
        names = [f"s{number}" for number in range(self.random.randint(1, 5))]
        group = volume_group("g") if self.random.random() < 0.3 else None
        of = {name: [f"{name}-{n}" for n in range(self.random.randint(1, 2))] for name in names}
        for number in range(self.random.choice([0, 0, 1, 2]) if len(names) > 1 else 0):
            for name in self.random.sample(names, 2):
                of[name].append(f"shared-{number}")
        volumes = [
            volume(one, project_id="project", group_id=group and group.id, attachments=attached(*(name for name in names if one in of[name])))
            for one in dict.fromkeys(one for name in names for one in of[name])
        ]
        self.servers = [server(name) for name in names]
        self.driver: QuiesceDriver = Driver(self.site, self.random.random() < 0.5)
        self.nova: Nova | None = None
        if self.random.random() < 0.3:
            self.nova = Nova(self.site, self.servers)
            self.least = self.random.choice(["paused", "crash"])
            self.driver = PauseDriver(t.cast(t.Any, self.nova), FREEZE, t.cast(t.Any, Guards(self.driver)), self.world.clock)
        self.cinder = Cinder(self.site, volumes, self.random.choice([0, 0.05, 0.1, 1, 10]), self.random.choice([1, 1, 3, 15]))
        self.of = {one.id: [v for v in volumes if v.name in of[one.name]] for one in self.servers}
        self.tiers = self._tiers()
        self.units = [Unit(CONSISTENT_GROUP, "b", tuple(volumes), "", group)] if group else [Unit(INDIVIDUAL, "b", tuple(volumes), "")]
        self.evidence: Evidence | None = None
        #: What ended the run.
        self.error: BaseException | None = None
        #: Whose thaw the process said it could not confirm, and who was frozen when it ended by itself.
        self.unconfirmed: set[str] = set()
        self.frozen_at_end: set[str] = set()
        self._plan_events()

    def _plan_events(self) -> None:
        within, world = self.random.uniform, self.world
        events = {
            "stall": lambda at: world.stall(at, self.random.choice([1, 10, 50, 100])),
            "kill": lambda at: world.later(at, world.kill),
            "stall and kill": self._stall_and_kill,
            "signals": lambda at: [world.later(at + gap, world.signal) for gap in (0, self.random.choice([0, 0, 0.001, 1]))],
            "thawed by somebody": lambda at: world.later(at, self._thaw_by_somebody),
            "frozen anew": lambda at: world.later(at, self._freeze_anew),
            "migrated": lambda at: world.later(at, self._migrate),
        }
        self.events = [name for name in events if self.random.random() < (0.3 if name == "frozen anew" else 0.15)]
        for name in self.events:
            events[name](within(0, self.random.choice([3, 10, 40])))

    def _stall_and_kill(self, at: float) -> None:
        seconds = self.random.choice([10, 59, 70])
        self.world.stall(at, seconds)
        self.world.later(at + seconds + self.random.uniform(0, 10), self.world.kill)

    def _migrate(self) -> None:
        which = self.random.choice(self.servers).id
        if self.nova:
            self.nova.migrating.add(which)
            self.world.later(self.random.choice([1, 30, 200]), lambda: t.cast(Nova, self.nova).migrating.discard(which))

    def _thaw_by_somebody(self) -> None:
        which = self.random.choice(self.servers).id
        self.site.thaw(which)
        self.site.marks.pop(which, None)

    def _freeze_anew(self) -> None:
        """The playbook thaw, and then another run, which ends its freeze when it likes."""
        which = self.random.choice(self.servers).id
        if not self.site.is_frozen(which):
            return
        self.site.thaw(which)
        mark = FreezeMark.new("fake", "2999-01-01T00:00:00Z")

        def freeze() -> None:
            self.site.marks[which] = mark
            self.site.freeze(which)

        def thaw() -> None:
            if self.site.marks.get(which) == mark:
                del self.site.marks[which]
            self.site.thaw(which)

        self.world.later(self.random.choice([0.01, 0.5]), freeze)
        self.world.later(self.random.uniform(20, 60), thaw)

    def _tiers(self) -> list[list[t.Any]]:
        """The servers in up to three tiers, in the order in which they are frozen."""
        cuts = sorted(self.random.randint(0, len(self.servers)) for _cut in range(self.random.choice([0, 1, 1, 2])))
        edges = [0, *cuts, len(self.servers)]
        return [tier for begin, end in itertools.pairwise(edges) if (tier := self.servers[begin:end])]

    def window(self) -> FreezeWindow:
        tiers = [[Member(one, f"tier {number}", self.driver) for one in tier] for number, tier in enumerate(self.tiers)]
        return FreezeWindow(tiers, Limits(FREEZE, BUDGET, GUARD, CONCURRENCY), t.cast(t.Any, self.site), self.interruption, self.world.clock)

    def run(self) -> None:
        application = Application("shop", (Tier("tier", tuple(one.name for one in self.servers)),))
        members = tuple(ServerVolumes(one, "tier", tuple(self.of[one.id])) for one in self.servers)
        wanted = Wanted(application, "noon", self.least, members)
        storages = Storages(t.cast(t.Any, [self.cinder]))
        seeing = Seeing(t.cast(t.Any, mock.Mock(server=lambda key: next(one for one in self.servers if one.id == key))), wanted, CONCURRENCY)
        taking = SnapshotSet(storages, wanted, Waiter(300, 1, self.world.clock), CONCURRENCY)
        self.world.on_signal = lambda: self.interruption._receive(15, None)

        def bounded(seconds: float, what: str, call: t.Callable[[], t.Any]) -> t.Any:
            return waiting.within(seconds, what, call, self.world.clock)

        with self.world.installed(), mock.patch.object(pause, "within", bounded):
            try:
                self.evidence = taking.take(self.units, self.window(), seeing, self.interruption)
            except (DrError, Gone) as error:
                self.error = error
                self.unconfirmed = set(error.facts.get("unconfirmed", ())) if isinstance(error, DrError) else set()
            finally:
                self.frozen_at_end = {key for key in self.of if self.site.is_frozen(key) and not self.world.is_killed}
                self.world.end()
        self.world.run_out(_QUIET)

    # What must hold

    def violations(self) -> list[str]:
        undisturbed = [*self._out_of_turn()] if not (self.events or self.site.faults or isinstance(self.error, FreezeFailed)) else []
        hung = ["the run waits for what never comes"] if isinstance(self.error, Gone) and not self.world.is_killed else []
        return [*self._left_frozen(), *self._claims(), *self._late_requests(), *undisturbed, *hung]

    def _left_frozen(self) -> t.Iterator[str]:
        if "frozen anew" not in self.events:
            yield from (f"{key} was left to its guard, and nobody was told" for key in self.frozen_at_end - self.unconfirmed)
        for key, freezes in self.site.freezes.items():
            if freezes[-1].end is None:
                yield f"{key} stayed frozen"
            elif freezes[-1].end - freezes[0].begin > GUARD + _SLACK and not {"frozen anew", "stall", "stall and kill"} & set(self.events):
                yield f"{key} stood still for {freezes[-1].end - freezes[0].begin:.1f} s"

    def _claims(self) -> t.Iterator[str]:
        if self.evidence is None:
            return
        claimed = [key for key, one in self.evidence.servers.items() if one.consistency in _FROZEN]
        if self.evidence.whole.consistency in _FROZEN and len(claimed) < len(self.servers):
            yield "the whole claims more than its parts"
        all_held = True
        for key in claimed:
            cuts = [one.cut for one in self.cinder.made.values() if one.shown.volume_id in {v.id for v in self.of[key]}]
            if not cuts or not any(all(freeze.holds(cut) for cut in cuts) for freeze in self.site.freezes.get(key, [])):
                all_held = False
                yield f"{key} claims to have stood still, and was not frozen at its cut"
        if self.evidence.whole.consistency not in _FROZEN:
            return
        yield from self._effects_without_causes()
        if all_held and not self._was_one_moment():
            yield "there was no moment at which all servers stood still, until their cuts"

    def _was_one_moment(self) -> bool:
        """Whether there was a moment from which on each server stood still until all of its own cuts."""
        cuts = {one.shown.volume_id: one.cut for one in self.cinder.made.values()}
        holding = [
            [freeze for freeze in self.site.freezes[key] if all(freeze.holds(cuts[v.id]) for v in self.of[key])] for key in self.of
        ]
        latest = max(freezes[0].begin for freezes in holding)
        return all(min(cuts[v.id] for v in self.of[key]) >= latest for key in self.of)

    def _effects_without_causes(self) -> t.Iterator[str]:
        """Snapshots that may show what a write has led to which another one does not show.

        Whoever runs, writes; what it has written is known to everybody else at once, whoever carries the news. So the earliest write that a
        snapshot lacks may have led to the latest that another one has, if it came before that.
        """
        cuts = {one.shown.volume_id: one.cut for one in self.cinder.made.values()}
        writers = {volume_id: [key for key in self.of if any(v.id == volume_id for v in self.of[key])] for volume_id in cuts}
        lacked = {one: min(self._runs_from(key, cut) for key in writers[one]) for one, cut in cuts.items()}
        shown = {one: max(self._runs_until(key, cut) for key in writers[one]) for one, cut in cuts.items()}
        yield from (
            f"the snapshot of {effect} may show what a write led to that the snapshot of {cause} lacks"
            for cause in cuts
            for effect in cuts
            if lacked[cause] < shown[effect]
        )

    def _runs_from(self, key: str, moment: float) -> float:
        """The first moment from then on at which a server runs."""
        ends = [t.cast(float, freeze.end) for freeze in self.site.freezes.get(key, []) if freeze.holds(moment)]
        return ends[0] if ends else moment

    def _runs_until(self, key: str, moment: float) -> float:
        """The last moment until then at which a server ran."""
        begins = [freeze.begin for freeze in self.site.freezes.get(key, []) if freeze.holds(moment)]
        return begins[0] if begins else moment

    def _late_requests(self) -> t.Iterator[str]:
        late = [
            v.id for key, volumes in self.of.items() for v in volumes if self.cinder.asked.get(v.id, 0) > self.site.thaw_asked.get(key, math.inf)
        ]
        if late and self.least != "crash":
            yield f"snapshots of {', '.join(late)} were asked for after the thaw of a server that writes to them"

    def _out_of_turn(self) -> t.Iterator[str]:
        """What a window that nothing disturbs must not do, whatever it claims then."""
        frozen = {key: self.site.freezes[key][0] for key in self.of}
        latest = max(freeze.begin for freeze in frozen.values())
        yield from (f"{key} was thawed before all were frozen" for key, at in self.site.thaw_asked.items() if at < latest)
        yield from (f"a snapshot of {volume_id} was asked for before all were frozen" for volume_id, at in self.cinder.asked.items() if at < latest)
        for before, after in itertools.pairwise(reversed(self.tiers)):
            first = min(self.site.thaw_asked.get(one.id, math.inf) for one in after)
            yield from (f"a tier was thawed before {one.id}, which comes first" for one in before if t.cast(float, frozen[one.id].end) > first)
        # Later, the budget may have passed.
        in_time = min(freeze.begin for freeze in frozen.values()) + BUDGET / 2
        for key, at in self.site.thaw_asked.items():
            if at < in_time and any(self.cinder.done.get(v.id, math.inf) > at for v in self.of[key]):
                yield f"{key} was thawed before its own snapshots were there"
        if self.evidence and self.evidence.whole.consistency not in _FROZEN and max(self.site.thaw_asked.values()) < in_time:
            yield f"the set is called {self.evidence.whole.consistency}, and is more"


# Planted faults


def _old_rule(self: Requests, sight: t.Any) -> None:
    """What does not show as being taken is taken."""
    creating = {one.id for one in [*sight.snapshots, *sight.groups] if one.status == "creating"}
    shown = dataclasses.replace(
        sight,
        snapshots=[snapshot("", id=key[0], volume_id=v.id, group_snapshot_id=key[0] if key[1] else None)
                   for key, (unit, _at) in self._open_now().items() if key[0] not in creating for v in unit.volumes],
        groups=[group_snapshot("", id=key[0]) for key in self._open_now() if key[1] and key[0] not in creating],
    )
    _NOTE(self, shown)


_NOTE = Requests.note


@contextlib.contextmanager
def _lonely_guard() -> t.Iterator[None]:
    """A guard that fires once, and a window that does not look at the time."""
    arm = Driver.arm_guard

    def once(self: Driver, which: t.Any, seconds: int) -> None:
        self.guard_tries = 1
        arm(self, which, seconds)

    def unlimited(self: FreezeWindow, member: Member) -> float:
        return 1000.0

    with mock.patch.object(Driver, "arm_guard", once), mock.patch.object(FreezeWindow, "_guarded", unlimited):
        yield


@contextlib.contextmanager
def _each_signal_counts() -> t.Iterator[None]:
    """Every signal raises, wherever it comes, and the second one while the first is dealt with."""

    def close(self: FreezeWindow) -> None:
        if len(self._interruption._received) == 1 and self._interruption._is_raised:
            self._interruption._is_raised = False
            self._interruption._shields = 0
            self._interruption._receive(15, None)
        _CLOSE(self)

    with mock.patch.object(FreezeWindow, "close", close):
        yield


_CLOSE = FreezeWindow.close
_FREEZE, _RELEASE, _TAKE_FROZEN = FreezeWindow._freeze, FreezeWindow.release, SnapshotSet._take_frozen


def _thaw_at_once(self: FreezeWindow, member: Member) -> None:
    """The first server is thawed as soon as it is frozen."""
    _FREEZE(self, member)
    if member is self.members[0]:
        member.thaw(self._clock)


def _ask_before(self: SnapshotSet, window: FreezeWindow, requests: Requests) -> None:
    """A snapshot is asked for before anybody is frozen."""
    number, unit = next(iter(requests.waiting.items()))
    self._ask_for(number, unit, requests, {})
    _TAKE_FROZEN(self, window, requests)
    self._await(requests)


def _release_all(self: FreezeWindow, is_done_with: t.Callable[[t.Any], bool]) -> None:
    """Whoever is frozen is released, whatever is still to be taken."""
    _RELEASE(self, lambda _server: True)


def _release_in_any_order(self: FreezeWindow, is_done_with: t.Callable[[t.Any], bool]) -> None:
    for member in self.members:
        if not member.thaw_requested and is_done_with(member.server):
            self._thawers().begin(member)


def _first_writer(self: Wanted) -> dict[str, frozenset[str]]:
    """A shared volume is a matter of one of its servers."""
    return {one.server.id: frozenset(v.id for v in one.volumes if v.attachments[0].server_id == one.server.id) for one in self.members}


def _one_after_the_other(self: SnapshotSet, window: FreezeWindow, requests: Requests) -> None:
    """Each server is frozen around its own snapshots, as making images of one after the other does."""
    for member in window.members:
        own = {volume.id for volume in self._wanted.servers[member.server.id][1]}
        with FreezeWindow([[member]], window._limits, window._marks, window._interruption, window._clock):
            for number, unit in requests.waiting.items():
                if {volume.id for volume in unit.volumes} & own:
                    self._ask_for(number, unit, requests, {})
            self._await(requests)


@contextlib.contextmanager
def _believed(*rules: str, **planted: t.Any) -> t.Iterator[None]:
    """A fault in how a set is taken, and evidence that does not know the rules against it.

    :param planted: what to put in the place of methods of the window, or of the set.
    """
    with contextlib.ExitStack() as stack:
        for rule in rules:
            stack.enter_context(mock.patch.object(proof, rule, lambda *facts: None))
        for name, act in planted.items():
            stack.enter_context(mock.patch.object(FreezeWindow if hasattr(FreezeWindow, name) else SnapshotSet, name, act))
        yield


#: Per fault what puts it in.
FAULTS: dict[str, t.Callable[[], contextlib.AbstractContextManager[t.Any]]] = {
    "a list that does not name it proves that it is taken": lambda: mock.patch.object(Requests, "note", _old_rule),
    "a guard that fires once, and freezes after it": _lonely_guard,
    "a thaw that found nothing is believed while the freeze may still arrive": lambda: mock.patch.object(Driver, "is_unsure", lambda self, key: False),
    "a second signal skips the thaw": _each_signal_counts,
    "another run's mark is taken for one's own": lambda: mock.patch.object(FreezeWindow, "_is_replaced", lambda self, member: False),
    "whoever does not show as paused runs": lambda: mock.patch.object(pause, "_state_of", lambda one: FROZEN if one.status == "PAUSED" else THAWED),
    "snapshots are asked for beside the thaw": lambda: mock.patch.object(Requests, "stop", lambda self: None),
    "a server is thawed before all are frozen": lambda: _believed(_freeze=_thaw_at_once),
    "a snapshot is asked for before all are frozen": lambda: _believed(_take_frozen=_ask_before),
    "a snapshot is asked for before all are frozen, and believed": lambda: _believed("_doubt_of_times", "_doubt_of_moment", _take_frozen=_ask_before),
    "a server is thawed before its own snapshots are seen available": lambda: _believed(release=_release_all),
    "a server is thawed before its own snapshots are seen available, and believed": lambda: _believed("_doubt_of_times", release=_release_all),
    "tiers are thawed in any order": lambda: _believed(release=_release_in_any_order),
    "a shared volume keeps only one of its servers": lambda: mock.patch.object(Wanted, "written_by", property(_first_writer)),
    "each server is frozen around its own snapshots only": lambda: _believed("_doubt_of_moment", _take_frozen=_one_after_the_other),
}

#: Which violation a fault must be found by, where others would do as well.
FOUND_BY = {
    "a snapshot is asked for before all are frozen": "was asked for before all were frozen",
    "a snapshot is asked for before all are frozen, and believed": "lacks",
    "a server is thawed before all are frozen": "was thawed before all were frozen",
    "a server is thawed before its own snapshots are seen available": "was thawed before its own snapshots were there",
    "a server is thawed before its own snapshots are seen available, and believed": "was not frozen at its cut",
    "tiers are thawed in any order": "a tier was thawed before",
    "a shared volume keeps only one of its servers": "was thawed before its own snapshots were there",
    "each server is frozen around its own snapshots only": "lacks",
}


def violations_of(seed: str) -> list[str]:
    schedule = Schedule(seed)
    schedule.run()
    return schedule.violations()


def attack(seed: int, count: int) -> int:
    found = 0
    for number in range(count):
        name = f"{seed}/{number}"
        for violation in violations_of(name):
            found += 1
            print(f"schedule {name}: {violation}", flush=True)
        counting.tell_progress(number + 1, count, found)
    print(f"{count} schedules of the window of seed {seed}, {found} violations")
    return found


def self_check(seed: int, count: int = 5000) -> int:
    """See that the attack finds what it should: faults are put in one at a time, until a schedule finds each.

    :returns: how many planted faults were not found within so many schedules.
    """
    missed = 0
    for fault, planted in FAULTS.items():
        told = FOUND_BY.get(fault, "")
        with planted():
            found = next((number for number in range(count) if any(told in one for one in violations_of(f"{seed}/{number}"))), None)
        missed += found is None
        print(f"planted: {fault}: " + ("NOT FOUND" if found is None else f"found by schedule {seed}/{found}"))
    print(f"{len(FAULTS)} planted faults, {missed} not found")
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=GOAL)
    options = parser.parse_args()
    missed = self_check(options.seed)
    return bool(attack(options.seed, options.count) + missed)


if __name__ == "__main__":
    sys.exit(main())
