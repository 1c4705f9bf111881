# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.work.pool import Crew, attempt_all, attempt_each, each, run_all


def fail():
    raise DrError("broken.")


def test_all_outcomes_are_kept():
    outcomes = attempt_all({"good": lambda: 1, "bad": fail}, 2)
    assert outcomes["good"].value == 1
    assert str(outcomes["bad"].error) == "broken."


def test_one_error_is_raised_as_it_is_and_several_together():
    assert run_all({"a": lambda: 1, "b": lambda: 2}, 1) == {"a": 1, "b": 2}
    with pytest.raises(DrError, match=r"^broken\.$"):
        run_all({"good": lambda: 1, "bad": fail}, 2)
    with pytest.raises(DrError, match="2 of 2 operations failed"):
        run_all({"a": fail, "b": fail}, 2)


def halve(number):
    if number % 2:
        raise DrError(f"{number} is odd.")
    return number // 2


def test_what_came_of_each_item_is_in_the_order_of_the_items():
    assert each([8, 2, 6], halve, 2) == [4, 1, 3]
    assert each([], halve, 2) == []


def test_an_item_that_fails_costs_no_other_its_turn():
    done = []
    with pytest.raises(DrError, match="3 is odd"):
        each([3, 2, 4], lambda number: done.append(halve(number)), 1)
    assert done == [1, 2]


def test_an_error_may_be_the_outcome_of_its_item():
    outcomes = attempt_each([2, 3], halve, 2)
    assert outcomes[0].value == 1
    assert str(outcomes[1].error) == "3 is odd."


def test_a_fault_of_ours_costs_no_other_its_turn_and_is_raised():
    done = []

    def act(number):
        if number == 3:
            raise OverflowError("too much")
        done.append(number)

    with pytest.raises(OverflowError, match="too much"):
        attempt_each([3, 2, 4], act, 1)
    assert done == [2, 4]


@pytest.mark.parametrize("concurrency", [0, -1])
def test_what_could_never_begin_is_refused_in_words(concurrency):
    with pytest.raises(InvalidInput, match=f"With concurrency {concurrency}, nothing would ever be done. Give a number from 1 on."):
        attempt_all({1: lambda: 1}, concurrency)


# A crew


def test_what_a_crew_is_at_work_on_is_not_begun_again_and_what_it_has_done_may_be():
    may_go_on, done = threading.Event(), []

    def act(item):
        may_go_on.wait(60)
        done.append(item)

    crew = Crew(act, 2)
    crew.begin("orders")
    crew.begin("orders")
    assert crew.is_busy_with("orders")
    may_go_on.set()
    crew.finish(["orders"])
    assert (done, crew.is_busy_with("orders")) == (["orders"], False)
    crew.finish(["orders", "payments"])
    crew.end()
    assert sorted(done) == ["orders", "orders", "payments"]


def test_a_crew_works_on_as_many_items_at_once_as_it_may_and_whoever_brings_them_goes_on():
    at_once, together = [], threading.Barrier(2, timeout=60)

    def act(item):
        together.wait()
        at_once.append(item)

    crew = Crew(act, 2)
    for item in "abcd":
        crew.begin(item)
    crew.end()
    assert sorted(at_once) == ["a", "b", "c", "d"]


def test_a_crew_that_ends_has_done_all_that_was_begun():
    done = []
    crew = Crew(done.append, 1)
    for item in (1, 2, 3):
        crew.begin(item)
    crew.end()
    assert done == [1, 2, 3]


def test_a_fault_of_ours_is_raised_when_a_crew_is_waited_for():
    crew = Crew(lambda item: {}[item], 1)
    with pytest.raises(KeyError):
        crew.finish(["nothing"])
    crew.end()
