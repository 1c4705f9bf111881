# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import random

from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock
from ansible_collections.osdr.openstack.plugins.module_utils.work.pool import attempt_all, each
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter, within
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime


def pauses_of(passing, told=None):
    """The pauses of something that is tried until it may not be tried again."""
    before, tries = len(passing.pauses), leeway.Tries()
    while tries.wait(told):
        pass
    return passing.pauses[before:]


def test_what_limits_already_still_does(passing):
    with leeway.limited(10), leeway.limited(60):
        assert sum(pauses_of(passing, 3)) == 9
    with leeway.limited(longest_pause=2), leeway.limited(10, longest_pause=5):
        assert pauses_of(passing, 60) == [2, 2, 2, 2]


def test_a_limit_ends_with_what_it_is_around(passing):
    with leeway.limited(1):
        assert pauses_of(passing) == [0.5]
    assert sum(pauses_of(passing)) > 60


def test_nothing_is_tried_again_at_the_very_end(passing):
    with leeway.limited(4):
        assert pauses_of(passing, 2) == [2]
    with leeway.limited(0):
        assert pauses_of(passing) == []


def test_pauses_differ_so_that_not_all_come_back_at_one_moment(passing, monkeypatch):
    asked = []
    monkeypatch.setattr(random, "uniform", lambda least, most: asked.append((least, most)) or 1.25)
    with leeway.limited(3):
        assert pauses_of(passing) == [0.625, 1.25]
    assert set(asked) == {(0.75, 1.25)}


def test_no_more_tries_are_made_than_there_may_be(passing):
    tries = leeway.Tries(most=2, pause=4)
    assert [tries.wait(), tries.wait(), tries.wait()] == [True, True, False]
    assert passing.pauses == [4, 4]


def test_a_service_is_left_alone_for_as_long_as_it_asks_for_or_not_asked_again(passing):
    assert pauses_of(passing, 90) == [90]
    assert pauses_of(passing, 121) == []


def test_the_pace_of_a_service_is_kept_for_longer_than_failures_are_put_up_with(passing):
    tries = leeway.Tries()
    assert [tries.wait(200, is_pace=True) for _number in range(5)] == [True] * 4 + [False]
    with leeway.limited(10):
        assert not leeway.Tries().wait(60, is_pace=True)
    with leeway.hurried(10):
        assert leeway.Tries().wait(60, is_pace=True)
    assert passing.pauses == [200] * 4 + [1]


def test_what_has_only_been_asked_to_come_back_has_not_failed(passing):
    tries = leeway.Tries()
    tries.wait(100)
    tries.wait(100, is_pace=True)
    assert tries.wait(100)


def test_patience_counts_from_the_first_failure(passing):
    with leeway.patient(10):
        passing.sleep(100)
        assert pauses_of(passing, 4) == [4, 4]
        # Of whatever is tried there.
        assert pauses_of(passing, 4) == []
        leeway.succeed()
        assert pauses_of(passing, 4) == [4, 4]


def test_an_answer_to_one_thing_does_not_renew_the_patience_with_all(passing):
    with leeway.patient(10):
        for _number in range(3):
            with leeway.patient(6):
                pauses_of(passing, 4)
                leeway.succeed()
    assert passing.pauses == [4, 4]


def test_who_says_to_come_back_at_once_is_left_alone_for_a_moment(passing):
    leeway.Tries().wait(0)
    assert passing.pauses == [0.5]


# What is begun in other threads


def test_what_is_done_in_parallel_keeps_the_deadline(passing):
    with leeway.limited(4):
        assert each([1, 2], lambda _one: leeway.Tries(pause=5).wait(), 2) == [False, False]
        assert attempt_all({"one": lambda: leeway.Tries(pause=5).wait()}, 1)["one"].value is False


def test_a_bounded_call_tries_for_no_longer_than_it_may_take(passing):
    assert within(4, "it", lambda: sum(pauses_of(passing, 1))) == 3
    with leeway.limited(2):
        assert within(4, "it", lambda: sum(pauses_of(passing, 1))) == 1


def test_what_is_waited_for_is_asked_for_no_longer_than_the_wait(passing):
    time = FakeTime()
    waited = Waiter(10, 4, Clock(now=lambda: time.seconds, sleep=lambda seconds: setattr(time, "seconds", time.seconds + seconds)))
    asked = []

    def ask():
        asked.append(len(pauses_of(passing, 1)))
        return True if len(asked) == 3 else None

    assert waited.until("it", ask)
    assert asked == [9, 5, 1]
