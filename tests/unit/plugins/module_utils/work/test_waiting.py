# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Call, Waiter, within


class Time:
    """A clock that only moves when somebody sleeps."""

    def __init__(self):
        self.seconds = 0.0

    def clock(self):
        return Clock(now=lambda: self.seconds, sleep=self.sleep)

    def sleep(self, seconds):
        self.seconds += seconds


def test_the_first_answer_ends_the_waiting():
    time = Time()
    answers = iter([None, None, "done"])
    assert Waiter(10, 2, time.clock()).until("it", lambda: next(answers)) == "done"
    assert time.seconds == 4


def test_no_answer_in_time_names_what_was_waited_for():
    with pytest.raises(WaitTimeout, match="after 10 s waiting for the flood"):
        Waiter(10, 2, Time().clock()).until("the flood", lambda: None)


def test_a_call_that_does_not_come_back_is_left_behind_and_may_be_waited_for_again():
    come = threading.Event()
    call = Call("the train", lambda: come.wait() and "it came")
    with pytest.raises(WaitTimeout, match="after 0.01 s waiting for the train"):
        call.result(0.01)
    assert not call.is_over(0)
    come.set()
    assert call.is_over(10)
    assert call.result(10) == "it came"


@pytest.mark.parametrize("error", [DrError("broken."), KeyError("broken")], ids=repr)
def test_the_error_of_a_call_is_raised(error):
    def fail():
        raise error

    with pytest.raises(type(error), match="broken"):
        within(10, "it", fail)
