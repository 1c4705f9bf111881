# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.errors import FreezeFailed, Interrupted
from ansible_collections.osdr.openstack.plugins.module_utils.freeze_window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.module_utils.waiting import Clock
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils.fakes import FakeDriver, FakeMarks, server


def window(driver, tiers=(("front",), ("orders", "payments")), budget=60, interruption=None, marks=None):
    members = [[Member(server(name), f"tier{number}", driver) for name in tier] for number, tier in enumerate(tiers)]
    clock = Clock(sleep=lambda seconds: None)
    return FreezeWindow(members, Limits(30, budget, 120, 4), marks or FakeMarks(), interruption or Interruption(), clock)


def test_guards_are_armed_before_anything_is_frozen():
    driver = FakeDriver()
    with window(driver):
        pass
    actions = [action for action, _name in driver.calls]
    assert actions.index("freeze") > max(n for n, action in enumerate(actions) if action == "arm")


def test_tiers_are_frozen_in_order_and_thawed_in_reverse():
    driver = FakeDriver()
    with window(driver):
        assert driver.frozen == {"id-front", "id-orders", "id-payments"}
    assert driver.names("freeze")[0] == "front"
    assert driver.names("thaw")[-1] == "front"
    assert not driver.frozen


def test_a_failing_freeze_thaws_everything_and_names_the_server():
    driver = FakeDriver(failing={("freeze", "orders")})
    with pytest.raises(FreezeFailed, match="freeze of orders failed"), window(driver):
        pytest.fail("the window must not open")
    assert not driver.frozen
    # The reply was lost perhaps, so the server whose freeze failed is thawed as well.
    assert set(driver.names("thaw")) == {"front", "orders", "payments"}
    assert set(driver.names("disarm")) == {"front", "orders", "payments"}


def test_a_guard_that_cannot_be_armed_freezes_nobody():
    driver = FakeDriver(failing={("arm", "payments")})
    with pytest.raises(FreezeFailed, match="guards could not be armed"), window(driver):
        pytest.fail("the window must not open")
    assert not driver.names("freeze")
    assert set(driver.names("disarm")) == {"front", "orders", "payments"}


def test_a_thaw_that_cannot_be_confirmed_is_a_failure_after_trying_all():
    driver = FakeDriver(failing={("thaw", "orders")})
    with pytest.raises(FreezeFailed, match="thaw of 1 of 3 servers could not be confirmed") as raised, window(driver):
        pass
    assert raised.value.facts["unconfirmed"] == ["id-orders"]
    assert driver.names("thaw").count("orders") == 3
    assert driver.frozen == {"id-orders"}


def test_an_error_inside_thaws_and_is_raised():
    driver = FakeDriver()
    with pytest.raises(KeyError), window(driver):
        raise KeyError("inside")
    assert not driver.frozen


def test_an_interruption_inside_thaws():
    driver = FakeDriver()
    interruption = Interruption()
    with pytest.raises(Interrupted), window(driver, interruption=interruption):
        interruption._receive(15, None)
    assert not driver.frozen


def test_a_signal_during_the_thaw_does_not_stop_it():
    driver = FakeDriver()
    interruption = Interruption()
    original = driver.thaw

    def thaw(which):
        interruption._receive(15, None)
        return original(which)

    driver.thaw = thaw
    with pytest.raises(Interrupted), window(driver, interruption=interruption):
        pass
    assert not driver.frozen


def test_a_budget_that_is_used_up_thaws_and_says_so():
    driver = FakeDriver()
    with pytest.raises(FreezeFailed, match="budget of 0 s"), window(driver, budget=0):
        pytest.fail("the window must not open")
    assert not driver.frozen


def test_times_enclose_the_inside():
    driver = FakeDriver()
    with window(driver) as opened:
        inside = opened.all_frozen
    assert opened.started.monotonic <= inside.monotonic <= opened.ended.monotonic


def test_an_adopted_window_is_thawed():
    driver = FakeDriver()
    adopted = window(driver)
    adopted.adopt()
    adopted.close()
    assert driver.names("thaw") == ["orders", "payments", "front"] or driver.names("thaw") == ["payments", "orders", "front"]
    assert {member.guard_fired for member in adopted.members} == {False}


def test_servers_are_marked_from_before_the_freeze_until_after_the_thaw():
    driver, marks = FakeDriver(), FakeMarks()
    seen = []
    original = driver.freeze

    def freeze(which, seconds):
        seen.append(marks.current(which.id))
        return original(which, seconds)

    driver.freeze = freeze
    with window(driver, marks=marks):
        assert set(marks.marked) == {"id-front", "id-orders", "id-payments"}
    assert all(mark and mark.driver == "fake" for mark in seen)
    assert not marks.marked


def test_a_server_whose_thaw_is_not_confirmed_keeps_its_mark():
    marks = FakeMarks()
    with pytest.raises(FreezeFailed), window(FakeDriver(failing={("thaw", "orders")}), marks=marks):
        pass
    assert set(marks.marked) == {"id-orders"}


def test_no_freeze_may_take_longer_than_its_own_limit_and_the_budget():
    driver = FakeDriver()
    with window(driver, budget=10):
        pass
    assert all(0 < seconds <= 10 for seconds in driver.seconds.values())
