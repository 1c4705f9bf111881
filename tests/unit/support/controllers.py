# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers of runs over a whole site, in virtual time: each has as many workers as a test likes, may be killed, and is started again."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import heapq
import itertools

from ansible_collections.osdr.openstack.plugins.module_utils.manifest.signed import Seal
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.beginning import WantedRun, begin
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.controller import Controller
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.keeper import RENEW_SECONDS
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.local import Known, LocalState
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.part import DONE, FAILED, SKIPPED
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.shelf import PartShelf
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

BEGINNING = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
SEAL = Seal("secret", "project/catalogue")


class VirtualTime:
    """Seconds that pass when nothing is left to be done at a moment."""

    def __init__(self):
        self.seconds = 0.0
        self._events = []
        self._numbers = itertools.count()

    def now(self):
        return BEGINNING + datetime.timedelta(seconds=self.seconds)

    @property
    def clock(self):
        """For what sleeps by itself."""
        return Clock(now=lambda: self.seconds, sleep=self._sleep, wall=self.now)

    def _sleep(self, seconds):
        self.run(self.seconds + seconds)
        self.seconds += seconds

    def after(self, seconds, act):
        heapq.heappush(self._events, (self.seconds + seconds, next(self._numbers), act))

    def run(self, until=float("inf")):
        while self._events and self._events[0][0] <= until:
            self.seconds, _number, act = heapq.heappop(self._events)
            act()


@dataclasses.dataclass(frozen=True)
class Work:
    """What an application takes.

    :param fails: how often it fails before it succeeds.
    """

    seconds: float
    needs: dict = dataclasses.field(default_factory=dict)
    fails: int = 0


class Witness:
    """Sees what really happens, whatever controllers believe.

    :ivar spans: begin, end and result of all that was under way, per application.
    """

    def __init__(self, time, limits):
        self._time, self._limits = time, limits
        self.under_way = {}
        self.most = collections.Counter()
        self.spans = collections.defaultdict(list)
        self.order = []

    def begins(self, name, needs):
        assert name not in self.under_way, f"{name} is under way twice"
        self.under_way[name] = (self._time.seconds, needs)
        self.order.append(name)
        load = collections.Counter()
        for _since, held in self.under_way.values():
            for site, kinds in held.items():
                load.update({(site, kind): number for kind, number in kinds.items()})
        for (site, kind), number in load.items():
            assert number <= self._limits.get(site, {}).get(kind, float("inf")), f"{number} {kind} at {site}"
            self.most[site, kind] = max(self.most[site, kind], number)

    def ends(self, name, result):
        since, _needs = self.under_way.pop(name)
        self.spans[name].append((since, self._time.seconds, result))


class FakeController:
    """Ansible on one controller: so many hosts at once, each to its end; a keeper beside it.

    :param work: what each application takes.
    :param store: where the parts are.
    """

    #: Seconds between two looks of whoever waits, and of the keeper.
    POLL, LOOK = 1.0, 10.0

    def __init__(self, directory, time, witness, work, limits, store, workers=1000):
        directory.mkdir()
        self.local, self.shelf = LocalState(str(directory)), PartShelf(store, SEAL)
        self._time, self._witness, self._work = time, witness, work
        self._controller = Controller(lambda: self.shelf, self.local, time.now, limits)
        self._workers = workers
        self.is_killed = False
        self.is_over = False
        self.results = {}
        self.name = directory.name

    def begin(self, wanted: WantedRun):
        begun = begin(self.shelf, wanted, self.name, self._time.now, self._time.clock)
        self.local.write(Known(begun.part, is_published=False))
        self._controller.renew()
        self._time.after(self.LOOK, self._keep)
        self._time.after(RENEW_SECONDS, self._renew)
        self._left = list(self._controller.state().in_order) if len(begun.part.entrants) else []
        self._left = [name for name in self._left if name in begun.part.entrants]
        self._busy = 0
        self._next_hosts()
        return begun

    def kill(self, keeper_too=False):
        """All of its processes are gone; those of applications, too. Their work stays half done."""
        self.is_killed = True
        for name in [name for name in self._witness.under_way if name in self._mine]:
            self._witness.ends(name, "killed")
        if not keeper_too:
            self._time.after(self.LOOK, self._controller.abandon)

    @property
    def _mine(self):
        return self.local.read().own.entrants

    @property
    def part(self):
        return self.local.read().own

    def _keep(self):
        if not self.is_killed and self._controller.refresh():
            self._time.after(self.LOOK, self._keep)

    def _renew(self):
        if not self.is_killed and self._controller.renew():
            self._time.after(RENEW_SECONDS, self._renew)

    def _next_hosts(self):
        while self._left and self._busy < self._workers:
            self._busy += 1
            name = self._left.pop(0)
            if self._controller.ask(name, self._work[name].needs).is_over:
                self._host_ends(name)
            else:
                self._poll(name)
        if not self._left and not self._busy and not self.is_over:
            self.is_over = True
            self._controller.end()

    def _poll(self, name):
        if self.is_killed:
            return
        admission = self._controller.look(name)
        if admission.is_go:
            admission = self._controller.take(name)
        if admission.missing:
            self._controller.finish(name, SKIPPED, admission.missing)
            self._host_ends(name)
        elif admission.is_go:
            self._witness.begins(name, self.part.turns[name].needs)
            self._time.after(self._work[name].seconds, lambda: self._done(name))
        else:
            self._time.after(self.POLL, lambda: self._poll(name))

    def _done(self, name):
        if self.is_killed:
            return
        result = DONE
        if self._work[name].fails:
            self._work[name] = dataclasses.replace(self._work[name], fails=self._work[name].fails - 1)
            result = FAILED
        self._witness.ends(name, result)
        self._controller.finish(name, result, "It broke." if result == FAILED else "")
        self._host_ends(name)

    def _host_ends(self, name):
        self._busy -= 1
        self.results[name] = self.part.turns[name].state
        self._time.after(0, lambda: None if self.is_killed else self._next_hosts())


class SlowStore(FakeStore):
    """A store in which others do something between any two requests, as often as is said."""

    def __init__(self):
        super().__init__()
        self.meanwhile = None

    def _interrupted(self):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()

    def documents(self, folder=""):
        self._interrupted()
        return super().documents(folder)

    def read(self, name, at_most):
        self._interrupted()
        return super().read(name, at_most)

    def write(self, name, content):
        super().write(name, content)
        self._interrupted()
