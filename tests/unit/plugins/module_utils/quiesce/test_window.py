# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, FreezeFailed, Interrupted
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock, Moment
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeMarks, server


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


def test_an_error_of_any_kind_in_one_thaw_leaves_nobody_else_frozen():
    driver, marks = FakeDriver(), FakeMarks()
    thaw = driver.thaw
    driver.thaw = lambda which: thaw(which) if which.name != "orders" else {}["no such thing"]
    with pytest.raises(FreezeFailed, match=r"orders \(id-orders\): KeyError\('no such thing'\)"), window(driver, marks=marks):
        pass
    assert driver.frozen == {"id-orders"}
    assert set(marks.marked) == {"id-orders"}


def test_a_thaw_that_fails_is_tried_again_only_after_those_of_all_others():
    driver = FakeDriver(failing={("thaw", "orders")})
    with pytest.raises(FreezeFailed), window(driver, tiers=(("front",), ("orders",))):
        pass
    assert driver.names("thaw") == ["orders", "front", "orders", "orders"]


def test_a_thaw_that_succeeds_at_last_is_confirmed():
    driver, errors = FakeDriver(), [FreezeFailed("The host is away."), FreezeFailed("The host is away.")]
    thaw = driver.thaw

    def fail_twice(which):
        if which.name == "orders" and errors:
            raise errors.pop()
        return thaw(which)

    driver.thaw = fail_twice
    with window(driver) as opened:
        pass
    assert not driver.frozen
    assert set(driver.names("disarm")) == {"front", "orders", "payments"}
    assert {member.doubt for member in opened.members} == {None}


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


def test_no_freeze_comes_after_its_thaw_however_many_signals_there_are():
    driver, end = FakeDriver(), threading.Event()
    freeze = driver.freeze

    def be_told_to_stop(which, seconds):
        for _time in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
            end.wait(0.05)
        return freeze(which, seconds)

    driver.freeze = be_told_to_stop
    with Interruption().installed() as interruption, pytest.raises(Interrupted):
        window(driver, tiers=(("orders",), ("front",)), interruption=interruption).open()
    assert driver.names("freeze") == driver.names("thaw") == ["orders"]
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


def test_a_server_whose_thaw_is_not_confirmed_keeps_its_guard_and_its_mark():
    driver, marks = FakeDriver(failing={("thaw", "orders")}), FakeMarks()
    with pytest.raises(FreezeFailed, match="Their guards thaw them at the latest 120 s"), window(driver, marks=marks):
        pass
    assert set(driver.names("disarm")) == {"front", "payments"}
    assert set(marks.marked) == {"id-orders"}


def test_an_adopted_server_whose_thaw_is_not_confirmed_keeps_its_guard_and_its_mark_too():
    driver, marks = FakeDriver(failing={("thaw", "orders")}), FakeMarks()
    adopted = frozen_by_others(driver, marks, "orders", "payments")
    adopted.adopt()
    with pytest.raises(FreezeFailed, match="could not be confirmed"):
        adopted.close()
    assert driver.names("disarm") == ["payments"]
    assert set(marks.marked) == {"id-orders"}


def test_no_freeze_may_take_longer_than_its_own_limit_and_the_budget():
    driver = FakeDriver()
    with window(driver, budget=10):
        pass
    assert all(0 < seconds <= 10 for seconds in driver.seconds.values())


# A freeze that outlives its process


def test_a_freeze_is_published_with_all_that_others_need_to_judge_it():
    marks = FakeMarks()
    opened = window(FakeDriver(), tiers=(("orders",),), marks=marks)
    opened.open()
    (member,) = opened.members
    member.guard = "nova"
    before = marks.current("id-orders")
    assert before.frozen is None
    opened.publish()
    assert marks.current("id-orders") == dataclasses.replace(
        before, requested=str(member.freeze_requested), frozen=str(member.frozen), filesystems=2, guard="nova"
    )


class RefusingMarks(FakeMarks):
    """Refuses marks of some servers.

    :param when: tells by the mark.
    """

    def __init__(self, *names, when):
        super().__init__()
        self._names, self._when = names, when

    def put(self, server, mark):
        if server.name in self._names and self._when(mark):
            raise CloudError(f"No mark on {server.name}.")
        super().put(server, mark)


def test_a_freeze_that_cannot_be_published_is_ended():
    driver = FakeDriver()
    opened = window(driver, marks=RefusingMarks("orders", when=lambda mark: mark.frozen))
    opened.open()
    with pytest.raises(FreezeFailed, match="could not be marked on the servers.*No mark on orders"):
        opened.publish()
    assert not driver.frozen


def frozen_by_others(driver, marks, *names, **changes):
    """A window over servers that another process has frozen and marked."""
    facts = {"driver": "fake", "until": "2999-01-01T00:00:00Z", "token": "t", "frozen": "2026-11-22T12:00:00.000Z", "filesystems": 2}
    text = json.dumps({**facts, **changes})
    members = [Member(server(name, metadata={"osdr_freeze": text}), "tier", driver) for name in names]
    driver.frozen |= {member.server.id for member in members}
    clock = Clock(sleep=lambda seconds: None)
    return FreezeWindow([members], Limits(30, 60, 120, 4), marks, Interruption(), clock)


def thawed(driver, marks, *names, **changes):
    """Members after their thaw, by name."""
    adopted = frozen_by_others(driver, marks, *names, **changes)
    adopted.adopt()
    adopted.close()
    return {member.server.name: member for member in adopted.members}


def test_an_adopted_freeze_that_held_is_beyond_doubt():
    member = thawed(FakeDriver(), FakeMarks(), "orders")["orders"]
    assert member.doubt is None
    assert member.mark.token == "t"


def test_all_thaws_are_announced_before_the_first():
    driver, marks = FakeDriver(), FakeMarks()
    seen = []
    original = driver.thaw

    def thaw(which):
        seen.append({key: mark.thawing for key, mark in marks.marked.items()})
        return original(which)

    driver.thaw = thaw
    thawed(driver, marks, "orders", "payments")
    assert seen[0] == {"id-orders": True, "id-payments": True}
    assert not marks.marked


def test_a_thaw_that_cannot_be_announced_is_done_all_the_same_and_spoils_the_freeze():
    driver = FakeDriver()
    members = thawed(driver, RefusingMarks("orders", when=lambda mark: mark.thawing), "orders", "payments")
    assert not driver.frozen
    assert members["orders"].doubt == "its thaw could not be announced"
    assert members["payments"].doubt is None


@pytest.mark.parametrize(
    ("driver", "changes", "doubt"),
    [
        pytest.param(FakeDriver(), {"frozen": None}, "not confirmed", id="the freeze was never confirmed"),
        pytest.param(FakeDriver(), {"filesystems": 3}, "3 file systems were frozen and 2 thawed", id="another number was thawed"),
        pytest.param(FakeDriver(fired=["orders"]), {}, "the guard fired", id="the guard fired"),
        pytest.param(FakeDriver(interrupted={"orders": "it was rebooted"}), {}, "it was rebooted", id="it was rebooted"),
    ],
)
def test_an_adopted_freeze_that_may_not_have_held_is_doubted(driver, changes, doubt):
    assert doubt in thawed(driver, FakeMarks(), "orders", **changes)["orders"].doubt


def test_an_adopted_server_without_a_mark_is_thawed_and_doubted():
    driver, marks = FakeDriver(), FakeMarks()
    adopted = window(driver, tiers=(("orders",),), marks=marks)
    adopted.adopt()
    assert not marks.marked
    adopted.close()
    assert driver.names("thaw") == ["orders"]
    assert "not confirmed" in adopted.members[0].doubt


def test_a_mark_keeps_its_token_through_the_whole_freeze():
    marks = FakeMarks()
    opened = window(FakeDriver(), tiers=(("orders",),), marks=marks)
    opened.open()
    token = marks.current("id-orders").token
    opened.publish()
    assert marks.current("id-orders").token == token
    assert FreezeMark.new("fake", "").token != token


# Doubt


def member_of(**changes):
    now = Moment.now()
    values = {"frozen": now, "thaw_requested": now, "thawed": now, "guard_fired": False, "filesystems_frozen": 2, "filesystems_thawed": 2}
    return Member(server("orders"), "tier", FakeDriver(), **{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        pytest.param({}, None, id="it held"),
        pytest.param({"filesystems_frozen": None, "filesystems_thawed": None}, None, id="nobody can count"),
        pytest.param({"frozen": None}, "not confirmed", id="no freeze"),
        pytest.param({"thaw_requested": None}, "not confirmed", id="no thaw was asked for"),
        pytest.param({"thawed": None}, "not confirmed", id="no thaw"),
        pytest.param({"guard_fired": True}, "the guard fired", id="the guard fired"),
        pytest.param({"guard_fired": None}, "could not be asked", id="the guard is silent"),
        pytest.param({"interrupted": "it was rebooted"}, "it was rebooted", id="interrupted"),
        pytest.param({"filesystems_frozen": 0, "filesystems_thawed": 0}, "0 file systems were frozen", id="nothing was frozen"),
        pytest.param({"filesystems_thawed": 3}, "2 file systems were frozen and 3 thawed", id="another number"),
    ],
)
def test_what_makes_a_freeze_doubtful(changes, doubt):
    found = member_of(**changes).doubt
    assert found == doubt if doubt is None else doubt in found
