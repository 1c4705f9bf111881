# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard's loop in a time of its own: it passes when the loop has nothing to do but to wait."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import io
import json
import queue
import signal
import threading
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, FreezeFailed, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import guard_loop
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import Thaw
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.guard_loop import GuardLoop
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeMarks, FakeTime, server

DB, FRONT = server("db"), server("front")
GONE = NotFound("There is no such server.", http_status=404, request_id="req-1")


def mark(minutes=60, token="ours"):
    """A mark whose time is over, or is not, on the wall."""
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    return FreezeMark("fake", until.isoformat(), token)


class Requests:
    """What the loop is told and when; time passes when it waits for more.

    :param script: by seconds, what it is told then: a request, or a call.
    """

    def __init__(self, time, script=()):
        self._time = time
        self._script = sorted(dict(script).items())
        self._queue: queue.SimpleQueue = queue.SimpleQueue()

    def put(self, request):
        self._queue.put(request)

    def get(self, timeout):
        if timeout is None and not self._script:
            # Somebody is at work.
            return self._queue.get(timeout=60)
        try:
            return self._queue.get_nowait()
        except queue.Empty:
            return self._pass_time(timeout)

    def _pass_time(self, timeout):
        until = float("inf") if timeout is None else self._time.seconds + timeout
        if self._script and self._script[0][0] <= until:
            due, told = self._script.pop(0)
            self._time.seconds = max(self._time.seconds, due)
            if callable(told):
                told()
                raise queue.Empty
            return told
        self._time.seconds = until
        raise queue.Empty


class AtOnce(concurrent.futures.Executor):
    """Does everything in the moment in which it is asked to."""

    def __init__(self, _workers):
        pass

    def submit(self, act, *arguments):
        future = concurrent.futures.Future()
        try:
            future.set_result(act(*arguments))
        except BaseException as error:
            future.set_exception(error)
        return future


@dataclasses.dataclass
class Guarded:
    """What a loop is about, and what became of it.

    :param thawed: when which server was thawed.
    """

    driver: FakeDriver = dataclasses.field(default_factory=FakeDriver)
    marks: FakeMarks = dataclasses.field(default_factory=FakeMarks)
    time: FakeTime = dataclasses.field(default_factory=FakeTime)
    answers: list = dataclasses.field(default_factory=list)
    thawed: list = dataclasses.field(default_factory=list)

    def __post_init__(self):
        thaw = self.driver.thaw

        def timed(which):
            self.thawed.append((round(self.time.seconds), which.name))
            return thaw(which)

        self.driver.thaw = timed

    def run(self, script):
        """:param script: see :class:`Requests`; the controller's process is gone after its last line."""
        GuardLoop(self.driver, self.marks, Requests(self.time, script), self.answers.append, 60, self.time.clock).run()
        return self


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.setattr(guard_loop.concurrent.futures, "ThreadPoolExecutor", AtOnce)


@pytest.fixture
def guarded(pool):
    found = Guarded()
    found.marks.put(DB, mark())
    return found


def arm(seconds, one=DB, number=1):
    return {"arm": dataclasses.asdict(mark().on(one)), "seconds": seconds, "number": number}


def disarm(one=DB, number=2):
    return {"disarm": one.id, "number": number}


# A guard that is armed


def test_a_guard_fires_when_its_time_is_over_and_its_controller_is_gone(guarded):
    guarded.run({0: arm(60), 1: None})
    assert guarded.answers == [{"number": 1, "armed": "id-db"}]
    assert guarded.thawed == [(60, "db")]
    # Nobody else is there to take it away.
    assert not guarded.marks.marked


def test_a_guard_that_was_disarmed_does_not_fire(guarded):
    guarded.run({0: arm(60), 59: disarm(), 1000: None})
    assert guarded.answers[-1] == {"number": 2, "fired": False}
    assert not guarded.thawed


def test_a_guard_that_fired_says_so(guarded):
    guarded.run({0: arm(60), 61: disarm(), 1000: None})
    assert guarded.answers[-1] == {"number": 2, "fired": True}


def test_of_a_server_that_it_does_not_guard_it_says_that_it_did_not_fire(guarded):
    guarded.run({0: disarm(FRONT), 1: None})
    assert guarded.answers == [{"number": 2, "fired": False}]


@pytest.mark.parametrize("trouble", [None, CloudError("Nova does not answer."), OverflowError("nonsense")], ids=repr)
def test_a_server_without_a_mark_that_can_be_read_is_not_guarded(guarded, trouble):
    def current(_server_id):
        if trouble:
            raise trouble

    guarded.marks.current = current
    guarded.run({0: arm(1), 10: None})
    assert (guarded.answers, guarded.thawed) == ([{"number": 1, "armed": None}], [])


def test_a_server_that_another_run_marked_meanwhile_is_not_guarded(guarded):
    """It would be thawed by this run's time, with that run's mark."""
    guarded.marks.put(DB, mark(token="of another run"))
    guarded.run({0: arm(1), 10: None})
    assert (guarded.answers, guarded.thawed) == ([{"number": 1, "armed": None}], [])


def test_servers_are_guarded_each_by_its_own_time(guarded):
    guarded.marks.put(FRONT, mark())
    guarded.run({0: arm(60), 5: arm(10, FRONT, number=2), 6: None})
    assert guarded.thawed == [(15, "front"), (60, "db")]


def test_the_end_of_the_machine_fires_at_once(guarded):
    assert guarded.run({0: arm(3600), 7: "now", 8: None}).thawed[0] == (7, "db")


# It lives as long as its mark stands


def test_a_freeze_that_lands_after_the_guard_fired_is_thawed_too(guarded):
    """A controller that was stopped between arming and freezing goes on, or a pause comes late."""
    guarded.driver._thawed_counts["db"] = 0

    def land():
        guarded.driver._thawed_counts["db"] = 2
        guarded.driver.frozen.add("id-db")

    guarded.run({0: arm(60), 300: land, 310: disarm(), 311: None})
    assert not guarded.driver.frozen
    times = [at for at, _name in guarded.thawed]
    assert times[0] == 60
    # It looks every two seconds.
    assert {after - before for before, after in zip(times, times[1:], strict=False)} == {2}
    assert times[-1] >= 300


def test_as_long_as_the_controller_is_there_the_mark_is_its_to_take_away(guarded):
    held = []
    guarded.run({0: arm(60), 500: lambda: held.append(dict(guarded.marks.marked)), 501: guarded.marks.marked.clear, 502: None})
    assert list(held[0]) == ["id-db"]
    assert guarded.thawed[-1][0] >= 498


def test_alone_it_stays_until_no_freeze_can_come_any_more(guarded):
    guarded.driver._thawed_counts["db"] = 0
    guarded.run({0: arm(60), 1: None, 400: lambda: guarded.marks.put(DB, dataclasses.replace(guarded.marks.current("id-db"), until="2026-01-01T00:00:00Z"))})
    assert guarded.thawed[0] == (60, "db")
    assert guarded.thawed[-1][0] in (400, 402)
    assert not guarded.marks.marked


def test_a_mark_that_is_gone_ends_the_guard(guarded):
    guarded.run({0: arm(60), 30: guarded.marks.marked.clear, 31: None})
    assert not guarded.thawed


def test_a_later_freeze_of_the_same_server_is_not_its_to_thaw(guarded):
    later = mark(token="of another run")
    guarded.run({0: arm(60), 30: lambda: guarded.marks.put(DB, later), 31: None})
    assert not guarded.thawed
    assert guarded.marks.marked == {"id-db": later}


def test_only_its_own_mark_is_taken_away(guarded):
    taken = []
    guarded.marks.remove = lambda which, its: taken.append((which.id, its.token)) or guarded.marks.marked.clear()
    token = guarded.marks.current("id-db").token
    guarded.run({0: arm(60), 1: None})
    assert taken == [("id-db", token)]


# Whatever happens


def failing(guarded, errors, action="thaw"):
    """Has the driver, or the marks, raise these one after the other, and then do what it should."""
    target = guarded.driver if action == "thaw" else guarded.marks
    act = getattr(target, action)

    def raise_first(*arguments):
        if errors:
            raise errors.pop(0)
        return act(*arguments)

    setattr(target, action, raise_first)


ERRORS = [FreezeFailed("It is MIGRATING."), CloudError("Nova does not answer."), OverflowError("inf"), RecursionError("deep"), MemoryError(), KeyError("x")]


@pytest.mark.parametrize("action", ["thaw", "remove"])
def test_what_fails_in_whatever_way_is_tried_again(guarded, action):
    errors = list(ERRORS)
    failing(guarded, errors, action)
    guarded.run({0: arm(60), 1: None})
    assert not errors
    assert guarded.thawed[-1] == (60 + 2 * len(ERRORS) if action == "remove" else 60 + 2 * len(ERRORS), "db")
    assert not guarded.marks.marked


@pytest.mark.parametrize("error", [*ERRORS, NotFound("There is nothing at this address.", http_status=404)], ids=repr)
def test_without_nova_a_guard_fires_all_the_same_and_does_not_end(guarded, error):
    """A proxy may say as well that there is no such server."""
    errors = []
    current = guarded.marks.current

    def read(server_id):
        if errors:
            raise errors.pop(0)
        return current(server_id)

    guarded.marks.current = read
    is_understood = isinstance(error, CloudError)
    guarded.run({0: arm(60), 1: None, 2: lambda: errors.extend([error] * 3)})
    assert [at for at, _name in guarded.thawed] == ([60, 62, 64, 66] if is_understood or isinstance(error, FreezeFailed) else [66])
    assert not guarded.marks.marked


def test_who_can_thaw_without_nova_does_not_wait_for_it_for_long(guarded, passing):
    current = guarded.marks.current

    def read(server_id):
        tries = leeway.Tries()
        while tries.wait(60):
            pass
        return current(server_id)

    guarded.run({0: arm(60), 1: lambda: setattr(guarded.marks, "current", read), 2: None})
    assert guarded.thawed
    assert (set(passing.pauses), len(passing.pauses)) == ({1.0}, 9)


def test_a_guard_that_thaws_asks_again_soon(guarded, passing):
    thaw = guarded.driver.thaw

    def slowly(which):
        leeway.Tries().wait(60)
        return thaw(which)

    guarded.driver.thaw = slowly
    guarded.run({0: arm(60), 1: None})
    assert passing.pauses == [1.0]


def test_a_server_that_is_gone_is_not_guarded_any_more(guarded):
    def gone(_server_id):
        raise GONE

    guarded.run({0: arm(60), 1: lambda: setattr(guarded.marks, "current", gone), 2: None})
    assert not guarded.thawed


def test_one_server_that_hangs_keeps_no_other_frozen():
    names = [f"s{number}" for number in range(30)]
    made, released = Guarded(), threading.Semaphore(0)
    thaw, requests = made.driver.thaw, Requests(made.time)
    first = set(names)

    def hang(which):
        if which.name == "hung":
            # It would time out here if one of the others waited for it.
            assert all(released.acquire(timeout=60) for _name in names)
        found = thaw(which)
        if which.name in first:
            first.remove(which.name)
            released.release()
        return found

    def answer(content):
        made.answers.append(content)
        if len(made.answers) == len(names) + 1:
            requests.put(None)

    made.driver.thaw = hang
    for number, name in enumerate(["hung", *names]):
        made.marks.put(server(name), mark())
        requests.put(arm(1, server(name), number))
    GuardLoop(made.driver, made.marks, requests, answer, 120, made.time.clock).run()
    assert {name for _at, name in made.thawed} == {"hung", *names}
    assert not made.marks.marked


def test_a_thaw_that_never_ends_is_given_up_and_tried_again(guarded, monkeypatch):
    tries = []

    def give_up(seconds, what, call):
        tries.append((seconds, what))
        if len(tries) == 2:
            raise FreezeFailed("Timed out.")
        return call()

    monkeypatch.setattr(guard_loop, "within", give_up)
    guarded.run({0: arm(60), 1: None})
    assert tries == [(60, "the mark of server db (id-db)")] + [(60, "the thaw of server db (id-db)")] * 2
    assert guarded.thawed == [(62, "db")]


@pytest.mark.parametrize("nonsense", [5, {}, {"arm": 5, "number": 3}, {"disarm": ["x"], "number": 3}, "later"], ids=repr)
def test_nonsense_that_it_is_told_ends_no_guard(guarded, nonsense):
    assert guarded.run({0: arm(60), 1: nonsense, 2: None}).thawed[0][1] == "db"


def test_a_thread_that_cannot_be_started_ends_no_guard(guarded, monkeypatch):
    refusals = [RuntimeError("can't start new thread")] * 3

    class Full(AtOnce):
        def submit(self, act, *arguments):
            if act.__name__ == "_look" and refusals:
                raise refusals.pop()
            return super().submit(act, *arguments)

    monkeypatch.setattr(guard_loop.concurrent.futures, "ThreadPoolExecutor", Full)
    assert [name for _at, name in guarded.run({0: arm(60), 1: None}).thawed] == ["db"]
    assert not refusals


@pytest.mark.parametrize(
    ("thaw", "is_found", "has_arrived"),
    [
        (Thaw(2), True, True),
        (Thaw(None), True, True),
        (Thaw(0), False, False),
        (Thaw(0, was_over=True), False, True),
        (Thaw(None, "it was ACTIVE"), False, False),
        (Thaw(2, "it was reset"), False, False),
    ],
)
def test_a_thaw_tells_whether_there_was_a_freeze_to_end_and_whether_it_may_come(thaw, is_found, has_arrived):
    assert (thaw.found_frozen, thaw.has_arrived) == (is_found, has_arrived)


def test_alone_it_ends_with_a_freeze_that_somebody_else_has_ended(guarded):
    guarded.driver.thaw = lambda which: guarded.thawed.append((guarded.time.seconds, which.name)) or Thaw(0, was_over=True)
    assert guarded.run({0: arm(60), 1: None}).thawed == [(60, "db")]
    assert not guarded.marks.marked


# The process around it


@pytest.fixture
def process(monkeypatch):
    """The process without its surroundings; tells what it was made of."""
    found = SimpleNamespace(signals={}, loop=None, made=None)

    class Loop:
        def __init__(self, *arguments):
            found.made = arguments

        def run(self):
            found.loop = "ran"

    monkeypatch.setattr(guard_loop.signal, "signal", found.signals.__setitem__)
    monkeypatch.setattr(guard_loop.sys, "stdin", io.StringIO('{"disarm": "id-db"}\n{"arm": {"i'))
    monkeypatch.setattr(guard_loop, "connect", lambda options: f"cloud by {options}")
    monkeypatch.setattr(guard_loop, "GuardLoop", Loop)
    return found


def setup(**changes):
    return {"driver": "pause", "cloud": "options", "libvirt_uri": "test:///", "thaw_timeout": 5, "copy": None, **changes}


def test_the_process_guards_by_the_driver_and_the_cloud_that_it_is_given(process):
    guard_loop.main(setup())
    driver, marks, _requests, _answer, patience = process.made
    assert (process.loop, driver.name, driver._thaw_timeout, patience) == ("ran", "pause", 5, 65)
    assert driver._compute is marks._compute
    assert driver._compute.cloud == "cloud by options"


def test_only_the_end_of_the_machine_is_heard_of_and_hurries(process):
    guard_loop.main(setup())
    assert process.signals[signal.SIGINT] == process.signals[signal.SIGHUP] == signal.SIG_IGN
    requests = process.made[2]
    assert requests.get(timeout=60) == {"disarm": "id-db"}
    # What follows is half a line: its controller was killed.
    assert requests.get(timeout=60) is None
    process.signals[signal.SIGTERM](signal.SIGTERM, None)
    assert requests.get(timeout=60) == "now"


def test_who_waits_for_the_controllers_next_word_keeps_the_process_from_nothing(process, monkeypatch):
    """One that failed, or has nobody left to guard, ends although its controller lives."""
    readers = queue.SimpleQueue()
    monkeypatch.setattr(guard_loop, "_read_requests", lambda requests, lines: readers.put((requests, lines, threading.current_thread().daemon)))
    guard_loop.main(setup())
    assert readers.get(timeout=60) == (process.made[2], guard_loop.sys.stdin, True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"driver": "vmware"}, "'vmware' is not a driver"), ({"cloud": None}, "The cloud refuses.")],
)
def test_what_keeps_it_from_guarding_is_told(process, monkeypatch, capfd, changes, reason):
    def connect(options):
        if options is None:
            raise CloudError("The cloud refuses.")

    monkeypatch.setattr(guard_loop, "connect", connect)
    guard_loop.main(setup(**changes))
    (line,) = capfd.readouterr().out.splitlines()
    assert reason in json.loads(line)["failed"]
    assert process.loop is None


def test_an_answer_is_a_line(capfd):
    guard_loop._answer({"number": 1})
    guard_loop._answer({"number": 2})
    assert capfd.readouterr().out == '{"number": 1}\n{"number": 2}\n'
