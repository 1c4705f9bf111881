# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sweep of the filter: who is thawed first when many are due, and what cells and agents that hang keep waiting."""

from __future__ import annotations

import collections
import heapq
import itertools
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.tests.unit.support.nova_internals import AWAY, Cell, Context, Deployment, InstanceNotFound, loaded

HEALTHY_SECONDS = 0.3


@pytest.fixture
def nova():
    return Deployment()


@pytest.fixture
def api(nova):
    with loaded(nova) as module:
        yield module


class Pool:
    """Carries out jobs in the clock's time, many at once: each ends when its guest's agent has answered, or was given up."""

    def __init__(self, nova):
        self._nova, self._jobs, self._numbers, self.at_once, self.ended = nova, [], itertools.count(), 0, {}

    def submit(self, work, job):
        seconds = job.patience if self._nova.guests[job.instance.uuid].hangs else HEALTHY_SECONDS
        heapq.heappush(self._jobs, (self._nova.clock.now().timestamp() + seconds, next(self._numbers), work, job))
        self.at_once = max(self.at_once, len(self._jobs))

    @property
    def running(self):
        return [job for *_when, job in self._jobs]

    def run_until(self, moment):
        while self._jobs and self._jobs[0][0] <= moment:
            end, _number, work, job = heapq.heappop(self._jobs)
            self._nova.clock.turn(end - self._nova.clock.now().timestamp())
            work(job)
            self.ended[job.instance.uuid] = end
        self._nova.clock.turn(moment - self._nova.clock.now().timestamp())


class Site:
    """The sweep of one process over a deployment, whose threads do what they are to do at once, or never."""

    def __init__(self, api, nova, monkeypatch):
        self.api, self.nova, self.threads, self.hanging, self.seconds = api, nova, [], set(), 0.0
        self.thawers = api.Thawers(api.Quiescer(api.Computes()))
        self.pool = self.thawers._pool = Pool(nova)
        self.sweeper = api.Sweeper(self.thawers._quiescer)
        # One for all cells, where it does not matter.
        self.sweeper._thawers = collections.defaultdict(lambda: self.thawers)
        monkeypatch.setattr(api, "_thread", self._thread)
        monkeypatch.setattr(api, "time", SimpleNamespace(monotonic=lambda: self.seconds))
        api.LOG.reset_mock()

    def _thread(self, name, act, *arguments):
        self.threads.append(name)
        hangs = name in self.hanging
        if not hangs:
            act(*arguments)
        return SimpleNamespace(is_alive=lambda: hangs and name in self.hanging)

    def freeze(self, uuid, seconds=10, token=None, **columns):
        self.nova.server(uuid, **columns)
        wish = self.api.Wish(self.nova.clock.now() + self.api.datetime.timedelta(seconds=seconds), token, False)
        self.api.Quiescer(self.api.Computes()).quiesce(Context(), self.nova.instance(uuid), wish)
        return self.nova.guests[uuid]

    def sweep(self, rounds=1):
        """Sweep as often, every five seconds."""
        for _round in range(rounds):
            self.sweeper.sweep()
            self.seconds += 5
            self.pool.run_until(self.nova.clock.now().timestamp() + 5)

    def record(self, uuid="id-db"):
        return self.api.Record.of(self.nova.instance(uuid))

    def said(self, level):
        return [call.args[0] % call.args[1:] for call in getattr(self.api.LOG, level).call_args_list]


@pytest.fixture
def site(api, nova, monkeypatch):
    return Site(api, nova, monkeypatch)


def test_only_those_whose_time_is_over_are_thawed(site, nova):
    due, held = site.freeze("id-due", seconds=10), site.freeze("id-held", seconds=100)
    site.sweep(2)
    assert (due.is_frozen, held.is_frozen) == (True, True)
    site.sweep(2)
    assert (due.is_frozen, held.is_frozen, site.record("id-due")) == (False, True, None)
    assert nova.log[-1] == ("id-due", "unquiesce", "shop")


def test_one_that_is_due_this_moment_is_due(site, nova):
    guest = site.freeze("id-db", seconds=5)
    site.sweep(2)
    assert not guest.is_frozen


def test_servers_of_all_cells_are_thawed_but_none_of_cell0(site, nova):
    nova.cells.append(Cell("cell2"))
    guests = [site.freeze(f"id-{name}", cell=name) for name in ("cell1", "cell2", "cell0")]
    site.sweep(6)
    assert [guest.is_frozen for guest in guests] == [False, False, True]


def test_a_cell_whose_database_is_down_keeps_no_other_waiting(site, nova):
    nova.cells.append(Cell("cell2"))
    nova.broken["db-cell1"] = RuntimeError("gone away")
    first, second = site.freeze("id-1", cell="cell1"), site.freeze("id-2", cell="cell2")
    site.sweep(6)
    assert (first.is_frozen, second.is_frozen) == (True, False)
    assert "Searching cell cell1 failed; it is tried again." in site.said("exception")
    nova.broken.clear()
    site.sweep(2)
    assert not first.is_frozen


def test_a_cell_whose_database_hangs_keeps_no_other_waiting_and_is_named(site, nova):
    nova.cells.append(Cell("cell2"))
    site.hanging.add("quiesce-sweep-cell cell1")
    first, second = site.freeze("id-1", cell="cell1"), site.freeze("id-2", cell="cell2")
    site.sweep(6)
    assert (first.is_frozen, second.is_frozen) == (True, False)
    # No second thread waits for the same database.
    assert site.threads.count("quiesce-sweep-cell cell1") == 1
    assert site.said("error") == []
    site.sweep(9)
    assert site.said("error")[0] == "Searching cell cell1 has taken 65 s so far; its servers are thawed when it answers."
    site.hanging.clear()
    site.sweep(2)
    assert not first.is_frozen


def test_a_cell_whose_database_hangs_in_the_midst_of_thaws_takes_no_threads_from_others(api, nova, monkeypatch):
    nova.cells.append(Cell("cell2"))
    site = Site(api, nova, monkeypatch)
    site.sweeper = api.Sweeper(site.thawers._quiescer)
    pools = {}
    monkeypatch.setattr(api.concurrent.futures, "ThreadPoolExecutor", lambda max_workers: pools.setdefault(len(pools), Pool(nova)))
    for number in range(70):
        site.freeze(f"id-{number}", seconds=0, cell="cell1", project_id=f"p{number}")
    healthy = site.freeze("id-db", seconds=0, cell="cell2")
    site.sweeper.sweep()
    first, second = pools[0], pools[1]
    # Those of the first cell never come back.
    assert len(first.running) == 64
    second.run_until(nova.clock.now().timestamp() + 1)
    assert not healthy.is_frozen
    site.sweeper.sweep()
    assert len(pools) == 2


def test_cells_that_are_known_are_swept_while_their_list_cannot_be_had(site, nova):
    site.sweep()
    site.hanging.add("quiesce-sweep-the list of cells")
    guest = site.freeze("id-db")
    site.sweep(4)
    assert not guest.is_frozen


def test_a_process_without_the_lock_leaves_the_sweep_to_another(site, api, monkeypatch):
    swept, pauses = [], []

    class Enough(BaseException):
        pass

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) > 5:
            raise Enough

    lock = SimpleNamespace(acquired=False, answers=[False, True])

    def acquire(blocking):
        assert blocking is False
        lock.acquired = lock.answers.pop(0)
        return lock.acquired

    lock.acquire = acquire
    site.sweeper._lock = lock

    def sweep():
        swept.append(len(pauses))
        if len(swept) == 2:
            raise RuntimeError("once")

    monkeypatch.setattr(site.sweeper, "sweep", sweep)
    monkeypatch.setattr(api, "time", SimpleNamespace(sleep=sleep))
    with pytest.raises(Enough):
        site.sweeper._run()
    assert swept == [2, 3, 4, 5]
    assert all(2.5 <= seconds <= 5 for seconds in pauses)
    assert api.LOG.exception.call_count == 1


def test_the_lock_is_where_nova_s_others_are(api):
    conf = api.CONF
    for lock_path, expected in (("/lock", "/lock"), (None, "/state")):
        conf.oslo_concurrency.lock_path, conf.state_path = lock_path, "/state"
        api.Sweeper(None)
        assert api.fasteners.InterProcessLock.call_args.args == (f"{expected}/nova-quiesce-sweep",)


def test_the_sweep_runs_in_a_thread_that_ends_with_the_process(api, monkeypatch):
    done = []
    thread = api._thread("name", done.append, "ran")
    thread.join(60)
    assert (thread.daemon, thread.name, done) == (True, "name", ["ran"])
    started = []
    monkeypatch.setattr(api, "_thread", lambda *arguments: started.append(arguments))
    sweeper = api.Sweeper(None)
    sweeper.start()
    assert started == [("quiesce-sweep", sweeper._run)]


# Many at once ------------------------------------------------------------------------------------


@pytest.mark.parametrize("projects", [1, 2])
def test_a_healthy_server_is_thawed_soon_behind_400_whose_agents_hang(site, nova, projects):
    start = nova.clock.now().timestamp()
    for number in range(400):
        site.freeze(f"id-hung{number}", seconds=55, project_id="shop").hangs = True
    healthy = site.freeze("id-healthy", seconds=60, project_id="shop" if projects == 1 else "other")
    site.sweep(60)
    assert not healthy.is_frozen
    late = site.pool.ended["id-healthy"] - start - 60
    # Alone in its project it finds a free thread at once; in the same one all first tries come before.
    assert late < (10 if projects == 2 else 75)


def test_hung_agents_leave_room_for_others_when_they_are_asked_again(site, nova):
    for number in range(400):
        site.freeze(f"id-hung{number}", seconds=5, project_id=f"project{number % 20}").hangs = True
    site.sweep(40)
    retries = [job for job in site.pool.running if job.tries]
    assert 0 < len(retries) <= 16
    start = nova.clock.now().timestamp()
    for number in range(100):
        site.freeze(f"id-new{number}", seconds=5, project_id=f"project{number % 20}")
    site.sweep(5)
    assert all(not nova.guests[f"id-new{number}"].is_frozen for number in range(100))
    assert max(site.pool.ended[f"id-new{number}"] for number in range(100)) - start < 15


def test_no_more_than_64_are_thawed_at_once_and_no_more_than_32_of_a_project(site, nova):
    for number in range(200):
        site.freeze(f"id-{number}", seconds=0, project_id="shop").hangs = True
    site.sweep()
    site.sweep()
    assert site.pool.at_once == 32
    for number in range(200, 400):
        site.freeze(f"id-{number}", seconds=0, project_id=f"project{number % 3}").hangs = True
    site.sweep(3)
    assert site.pool.at_once == 64


def job(api, uuid, project="shop", tries=0, until=0):
    return api.Job(None, SimpleNamespace(uuid=uuid, project_id=project), SimpleNamespace(until=until, token="t"), tries)


def test_who_is_thawed_next(api):
    first, second, again, other = job(api, "1", until=1), job(api, "2", until=2), job(api, "3", tries=1, until=0), job(api, "4", "other", until=5)
    assert api._next([], []) is None
    assert api._next([second, first], []) is first
    assert api._next([again, second], []) is second
    assert api._next([first, other], [second]) is other
    assert api._next([again], [job(api, str(number), f"p{number}", tries=2) for number in range(15)]) is again
    assert api._next([again], [job(api, str(number), f"p{number}", tries=1) for number in range(16)]) is None
    assert api._next([first], [job(api, str(number), f"p{number}", tries=1) for number in range(16)]) is first
    # Only what was tried before counts among retries.
    assert api._next([again], [job(api, str(number), f"p{number}") for number in range(16)]) is again
    assert api._next([first], [job(api, str(number)) for number in range(31)]) is first
    assert api._next([first, other], [job(api, str(number)) for number in range(32)]) is other
    assert api._next([first], [job(api, str(number), f"p{number}") for number in range(63)]) is first
    assert api._next([first], [job(api, str(number), f"p{number}") for number in range(64)]) is None


def test_first_tries_are_short_and_later_ones_as_long_as_an_agent_may_take(api):
    assert [job(api, "1", tries=tries).patience for tries in (0, 1, 2)] == [5, 30, 30]
    api.CONF.quiesce.agent_timeout = 3
    assert job(api, "1").patience == 3


def test_tries_come_at_growing_intervals_of_a_minute_at_most(site, nova):
    guest = site.freeze("id-db", seconds=0)
    guest.fails_with = AWAY
    tried = []
    real = guest.ask
    guest.ask = lambda method, seconds: (tried.append(nova.clock.now().timestamp()), real(method, seconds))
    site.sweep(60)
    pauses = [round(later - earlier) for earlier, later in itertools.pairwise(tried)]
    # Each is taken up by the first sweep after its pause: of 5, 10, 20, 40, 60 and 60 seconds, and what the try took.
    assert pauses[:6] == [10, 15, 25, 45, 65, 65]
    assert site.said("warning")[-1] == f"Server id-db could not be thawed yet: {AWAY}"


def test_one_that_was_thawed_but_may_be_frozen_late_is_thawed_at_every_sweep(site, nova):
    guest = site.freeze("id-db", seconds=0)
    nova.rows["id-db"].system_metadata["quiesce_settled"] = (nova.clock.now() + site.api.datetime.timedelta(seconds=40)).isoformat()
    guest.calls.clear()
    site.sweep(12)
    assert guest.calls == [("unquiesce_instance", 5)] * len(guest.calls)
    # Each sets the next moment to five seconds from when it was done.
    assert (len(guest.calls), site.record()) == (5, None)


def test_a_new_freeze_of_a_server_does_not_wait_for_what_its_last_one_had_to(site, nova):
    guest = site.freeze("id-db", seconds=0, token="first")
    guest.fails_with = AWAY
    site.sweep(12)
    guest.fails_with = None
    nova.restarts(uuid="id-db")
    site.sweep(14)
    assert site.record() is None
    wish = site.api.Wish(nova.clock.now(), "second", False)
    site.api.Quiescer(site.api.Computes()).quiesce(Context(), nova.instance("id-db"), wish)
    site.sweep()
    assert not guest.is_frozen


def test_a_server_that_is_being_thawed_is_not_taken_twice(site, nova):
    guest = site.freeze("id-db", seconds=0)
    guest.hangs = True
    site.sweeper.sweep()
    site.sweeper.sweep()
    assert len(site.pool.running) == 1


def test_one_that_waits_is_thawed_by_what_is_known_latest(site, nova, api):
    for number in range(64):
        site.freeze(f"id-{number}", seconds=0, project_id=f"p{number}").hangs = True
    site.freeze("id-db", seconds=1, project_id="shop")
    nova.clock.turn(1)
    site.sweeper.sweep()
    site.sweeper.sweep()
    (waiting,) = site.thawers._waiting.values()
    nova.rows["id-db"].vm_state = "paused"
    site.sweeper.sweep()
    (later,) = site.thawers._waiting.values()
    assert (waiting.instance.vm_state, later.instance.vm_state) == ("active", "paused")


def test_one_that_waits_is_thawed_as_soon_as_there_is_room_and_not_at_the_next_sweep(site, nova):
    for number in range(64):
        site.freeze(f"id-{number}", seconds=0, project_id=f"p{number}").hangs = True
    waiting = site.freeze("id-db", seconds=1, project_id="shop")
    nova.clock.turn(1)
    site.sweeper.sweep()
    site.pool.run_until(nova.clock.now().timestamp() + 6)
    assert not waiting.is_frozen


def test_a_server_that_is_gone_or_busy_does_no_harm(site, nova):
    gone, busy, fine = site.freeze("id-gone", seconds=0), site.freeze("id-busy", seconds=0), site.freeze("id-fine", seconds=0)
    site.sweeper.sweep()
    del nova.rows["id-gone"]
    nova.rows["id-busy"].task_state = "migrating"
    site.pool.run_until(nova.clock.now().timestamp() + 5)
    assert (gone.is_frozen, busy.is_frozen, fine.is_frozen) == (True, True, False)
    assert "Server id-gone is gone." in site.said("info")
    assert "Server id-busy is being worked on; it is looked at again." in site.said("info")
    assert (site.thawers._failed, site.thawers._running) == ({}, {})


def test_whatever_goes_wrong_with_one_server_the_next_is_thawed(site, nova):
    broken, fine = site.freeze("id-broken", seconds=0), site.freeze("id-fine", seconds=0)
    broken.fails_with = KeyError("of whatever kind")
    site.sweep(3)
    assert (broken.is_frozen, fine.is_frozen) == (True, False)
    assert site.said("exception")[0] == "Server id-broken could not be thawed yet."
    broken.fails_with = None
    site.sweep(20)
    assert not broken.is_frozen


def test_a_server_is_thawed_as_its_owner_in_its_cell(site, nova, api, monkeypatch):
    site.freeze("id-db", seconds=0)
    found = []
    monkeypatch.setattr(site.thawers._quiescer, "expire", lambda context, instance, record, patience: found.append((context, instance._context)) or True)
    site.sweep(2)
    context, of_instance = found[0]
    assert context is of_instance
    assert (context.db_connection, context.mq_connection, context.cell_uuid, context.project_id) == ("db-cell1", "mq-cell1", "cell1", "shop")


def test_what_is_done_with_is_not_remembered(site, nova):
    site.freeze("id-db", seconds=0).hangs = True
    site.sweep(3)
    assert list(site.thawers._failed) == [("id-db", site.record().token)]
    nova.guests["id-db"].hangs = False
    site.sweep(20)
    assert (site.record(), site.thawers._failed) == (None, {})


# Claims of processes that died -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "age", "given_back"), [("quiescing", 36, True), ("unquiescing", 36, True), ("quiescing", 34, False), ("rebooting", 3600, False)]
)
def test_a_task_whose_process_died_before_it_did_anything_is_taken_away(site, nova, task, age, given_back):
    site.sweep()
    row = nova.server("id-db", task_state=task)
    nova.clock.turn(age)
    site.sweeper.sweep()
    assert row.task_state == (None if given_back else task)


def test_a_task_with_a_record_is_for_the_thaw_to_end(site, nova):
    site.sweep()
    site.freeze("id-db", seconds=100)
    nova.rows["id-db"].task_state = "unquiescing"
    nova.clock.turn(90)
    site.sweeper.sweep()
    assert nova.rows["id-db"].task_state == "unquiescing"


def test_one_task_that_cannot_be_taken_away_keeps_no_other(site, nova):
    site.sweep()
    rows = [nova.server(f"id-{number}", task_state="quiescing") for number in range(3)]
    nova.clock.turn(60)

    def on_save(instance):
        if instance.uuid == "id-0":
            raise InstanceNotFound

    nova.on_save = on_save
    site.sweeper.sweep()
    assert [row.task_state for row in rows] == ["quiescing", None, None]
    assert site.said("info") == ["Server id-0 is being worked on after all, or gone."]
