# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Patience, Waiter
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime

BLIP = CloudError("It does not answer.", http_status=503)
REFUSAL = CloudError("It refuses.", http_status=403)


@pytest.fixture
def time():
    return FakeTime()


class Cloud:
    """Answers with one thing after the other, each of which took a second; errors are raised."""

    def __init__(self, time, *answers):
        self._time, self._answers = time, list(answers)
        self.asked = 0

    def ask(self):
        self.asked += 1
        self._time.sleep(1)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_blip_is_borne_and_the_answer_after_it_is_taken(time):
    cloud, patience = Cloud(time, BLIP, BLIP, "yes"), Patience(10, time.clock)
    assert [patience.ask(cloud.ask, "later") for _time in range(3)] == ["later", "later", "yes"]


def test_what_does_not_pass_in_time_is_raised(time):
    cloud, patience = Cloud(time, *[BLIP] * 4), Patience(3, time.clock)
    assert [patience.ask(cloud.ask, "later") for _time in range(3)] == ["later"] * 3
    with pytest.raises(CloudError, match="does not answer"):
        patience.ask(cloud.ask, "later")


def test_after_an_answer_the_next_blip_has_all_of_its_time(time):
    """However many blips there are in a long wait, only one that lasts ends it."""
    cloud, patience = Cloud(time, *[BLIP, BLIP, "yes"] * 5, *[BLIP] * 4), Patience(3, time.clock)
    assert [patience.ask(cloud.ask, None) for _time in range(18)] == [None, None, "yes"] * 5 + [None] * 3
    with pytest.raises(CloudError):
        patience.ask(cloud.ask, None)


def test_a_wait_goes_on_after_a_blip_with_the_time_that_is_left(time):
    cloud, patience = Cloud(time, None, BLIP, None, BLIP, "done"), Patience(10, time.clock)
    assert Waiter(60, 1, time.clock).until("it", lambda: patience.ask(cloud.ask, None)) == "done"
    assert (cloud.asked, time.seconds) == (5, 9)


def test_what_will_not_pass_is_raised_at_once(time):
    for error in (REFUSAL, DrError("broken.")):
        cloud = Cloud(time, error)
        with pytest.raises(type(error)):
            Patience(10**6, time.clock).ask(cloud.ask, None)


def test_what_may_be_done_any_number_of_times_is_done_until_it_succeeds(time):
    cloud = Cloud(time, BLIP, BLIP, None)
    assert Patience(60, time.clock).insist(cloud.ask) is None
    # Two seconds between two tries, none after the last.
    assert (cloud.asked, time.seconds) == (3, 7)


def test_insisting_ends_with_what_will_not_pass_or_has_not_passed(time):
    with pytest.raises(CloudError, match="refuses"):
        Patience(60, time.clock).insist(Cloud(time, BLIP, REFUSAL).ask)
    cloud = Cloud(time, *[BLIP] * 9)
    with pytest.raises(CloudError, match="does not answer"):
        Patience(6, time.clock).insist(cloud.ask)
    assert cloud.asked == 3


@pytest.mark.parametrize(("gibibytes", "seconds"), [(0, 30), (1, 130), (10, 1030)])
def test_what_moves_data_may_take_longer(gibibytes, seconds):
    waiter = Waiter(30, 2)
    assert (waiter.moving(gibibytes).timeout, waiter.moving(gibibytes).interval) == (seconds, 2)
