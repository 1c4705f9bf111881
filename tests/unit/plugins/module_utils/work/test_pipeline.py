# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading

from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock
from ansible_collections.osdr.openstack.plugins.module_utils.work.pipeline import Pipeline
from ansible_collections.osdr.openstack.plugins.module_utils.work.pool import Outcome
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter


class Cloud:
    """Work that takes some seconds of a clock that only moves when somebody sleeps."""

    def __init__(self, seconds, refused=()):
        self.now = 0.0
        self.ends = {}
        self.most = 0
        self.questions = 0
        self._seconds = seconds
        self._refused = refused
        self._lock = threading.Lock()

    @property
    def waiter(self):
        return Waiter(timeout=30, interval=1, clock=Clock(now=lambda: self.now, sleep=self._sleep))

    def _sleep(self, seconds):
        self.now += seconds

    def start(self, key):
        if key in self._refused:
            raise ResourceFailed(f"{key} was refused.")
        with self._lock:
            self.ends[key] = self.now + self._seconds[key]

    def look(self, keys):
        self.questions += 1
        self.most = max(self.most, len(keys))
        return {key: Outcome(value=self.now) for key in keys if self.ends[key] <= self.now}

    def run(self, concurrency):
        starts = {key: lambda key=key: self.start(key) for key in self._seconds}
        return Pipeline(starts, self.look, lambda key: f"piece {key}").run(concurrency, self.waiter)


def test_everything_goes_on_at_once_within_the_concurrency():
    cloud = Cloud(dict.fromkeys("abcdef", 3))
    outcomes = cloud.run(concurrency=2)
    assert [outcome.value for outcome in outcomes.values()] == [3, 3, 6, 6, 9, 9]
    assert cloud.most == 2


def test_a_free_place_is_taken_at_once():
    assert Cloud({"slow": 9, "a": 3, "b": 3, "c": 3}).run(concurrency=2)["c"].value == 9


def test_one_question_serves_all():
    cloud = Cloud(dict.fromkeys("abcdef", 3))
    cloud.run(concurrency=6)
    assert cloud.questions == 4


def test_what_may_not_be_begun_is_asked_about_until_it_may():
    cloud = Cloud({"a": 3, "b": 3})
    starts = {key: lambda key=key: cloud.start(key) for key in "ab"}
    pipeline = Pipeline(starts, cloud.look, lambda key: f"piece {key}", startable=lambda keys: [key for key in keys if key == "a" or cloud.now >= 5])
    outcomes = pipeline.run(2, cloud.waiter)
    assert [outcome.value for outcome in outcomes.values()] == [3, 8]


def test_it_can_be_advanced_round_by_round():
    cloud = Cloud({"a": 1, "b": 1})
    pipeline = Pipeline({key: lambda key=key: cloud.start(key) for key in "ab"}, cloud.look, lambda key: f"piece {key}")
    seen = []
    while not pipeline.ended:
        pipeline.advance(1, cloud.waiter)
        seen.append([key for key in "ab" if pipeline.outcome(key)])
        cloud.now += 1
    assert seen == [[], ["a"], ["a"], ["a", "b"]]


def test_what_is_done_already_takes_no_time():
    cloud = Cloud(dict.fromkeys("abcdef", 0))
    cloud.run(concurrency=2)
    assert cloud.now == 0


def test_a_piece_that_is_refused_does_not_stop_the_others():
    outcomes = Cloud({"a": 1, "b": 1}, refused={"a"}).run(concurrency=1)
    assert isinstance(outcomes["a"].error, ResourceFailed)
    assert outcomes["b"].value == 1


def test_each_piece_has_its_own_time():
    outcomes = Cloud({"a": 25, "b": 25, "never": 1000}).run(concurrency=1)
    assert (outcomes["a"].value, outcomes["b"].value) == (25, 50)
    assert isinstance(outcomes["never"].error, WaitTimeout)
    assert str(outcomes["never"].error).startswith("Timed out after 30 s waiting for piece never. ")
    assert "option timeout" in outcomes["never"].error.hint


def test_a_piece_that_moves_data_may_take_as_long_as_they_need():
    cloud = Cloud({"small": 1000, "big": 1000})
    starts = {key: lambda key=key: cloud.start(key) for key in ("small", "big")}
    pipeline = Pipeline(starts, cloud.look, lambda key: f"piece {key}", size={"small": 1, "big": 10}.__getitem__)
    outcomes = pipeline.run(2, cloud.waiter)
    assert str(outcomes["small"].error).startswith("Timed out after 130 s waiting for piece small. ")
    assert outcomes["big"].value == 1000


def test_no_work_is_no_work():
    assert Cloud({}).run(concurrency=4) == {}
