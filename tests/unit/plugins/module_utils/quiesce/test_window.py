# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, FreezeFailed, Interrupted, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Moment
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeMarks, FakeTime, server


def window(driver, tiers=(("front",), ("orders", "payments")), budget=60, interruption=None, marks=None, time=None, concurrency=4):
    members = [[Member(server(name), f"tier{number}", driver) for name in tier] for number, tier in enumerate(tiers)]
    limits = Limits(30, budget, 120, concurrency)
    return FreezeWindow(members, limits, marks or FakeMarks(), interruption or Interruption(), (time or FakeTime()).clock)


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


def test_an_error_of_any_kind_in_disarming_one_does_not_hide_that_another_may_be_frozen():
    driver = FakeDriver(failing={("thaw", "orders")})
    driver.disarm_guard = lambda which: {}["no such thing"]
    with pytest.raises(FreezeFailed, match=r"could not be confirmed\. orders \(id-orders\)"), window(driver):
        pass
    assert driver.frozen == {"id-orders"}


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
    driver = FakeDriver()
    freeze = driver.freeze

    def be_told_to_stop(which, seconds):
        for _time in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
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


def test_a_guard_is_told_which_freeze_it_guards():
    driver, told = FakeDriver(), {}
    arm = driver.arm_guard

    def tell(which, seconds):
        told[which.id] = FreezeMark.of(which)
        arm(which, seconds)

    driver.arm_guard = tell
    with window(driver) as opened:
        assert told == {member.server.id: member.mark for member in opened.members}


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


# Time

FIVE_SECONDS = 5


class Slow:
    """Lets time pass in calls of a driver or of marks, per name of the call."""

    def __init__(self, time, what, **seconds):
        self._time, self._what, self._seconds = time, what, seconds
        self.at = {}

    def __getattr__(self, name):
        found = getattr(self._what, name)
        if name not in self._seconds:
            return found

        def act(*arguments):
            self.at.setdefault(name, []).append(self._time.seconds)
            self._time.sleep(self._seconds[name])
            return found(*arguments)

        return act


def slow_window(tiers=(("orders",),), marks=None, concurrency=4, budget=60, **seconds):
    """A window in which calls take time, its driver and its time."""
    time, driver = FakeTime(), FakeDriver()
    of_marks = {name: seconds.pop(name) for name in ("put", "current", "remove") if name in seconds}
    opened = window(Slow(time, driver, **seconds), tiers, budget, marks=Slow(time, marks or FakeMarks(), **of_marks), time=time, concurrency=concurrency)
    return opened, driver, time


def test_the_mark_and_the_guard_mean_the_same_moment_however_long_the_mark_takes():
    marks = FakeMarks()
    opened, driver, _time = slow_window(marks=marks, put=FIVE_SECONDS)
    armed = []
    driver.arm_guard = lambda which, seconds: armed.append(seconds)
    opened.open()
    (member,) = opened.members
    assert armed == [115]
    assert member.guard_until.monotonic == 120
    assert marks.current("id-orders").until == str(member.guard_until)


def test_a_guard_is_armed_for_whole_seconds_and_never_for_less_than_is_said():
    opened, driver, _time = slow_window(put=4.5)
    armed = []
    driver.arm_guard = lambda which, seconds: armed.append(seconds)
    opened.open()
    assert armed == [116]
    assert opened.members[0].guard_until.monotonic == 120.5


@pytest.mark.parametrize("seconds", [120, 500])
def test_no_guard_is_armed_when_its_mark_took_all_its_time(seconds):
    opened, driver, _time = slow_window(put=seconds)
    with pytest.raises(FreezeFailed, match=r"orders \(id-orders\) must not be frozen: its guard fires too soon"):
        opened.open()
    assert driver.names("arm") == driver.names("freeze") == []


def test_a_second_of_the_guards_time_is_enough():
    opened, driver, _time = slow_window(put=119.5)
    opened.open()
    assert driver.seconds == {"orders": 1}


@pytest.mark.parametrize("stopped", [119.5, 120, 3600])
def test_a_process_that_was_stopped_between_arming_and_freezing_freezes_nobody(stopped):
    opened, driver, _time = slow_window(arm_guard=stopped)
    with pytest.raises(FreezeFailed, match="Raise guard_timeout, or find out what delayed this process"):
        opened.open()
    assert driver.names("freeze") == []
    assert driver.names("disarm") == ["orders"]


def test_with_enough_of_the_guards_time_left_a_server_is_frozen_for_no_longer_than_that():
    opened, driver, _time = slow_window(arm_guard=100)
    opened.open()
    assert driver.seconds == {"orders": 20}


@pytest.mark.parametrize("stopped", [60, 130])
def test_a_process_that_was_stopped_between_two_tiers_freezes_no_more(stopped):
    opened, driver, _time = slow_window(tiers=(("front",), ("orders",)), freeze=stopped)
    with pytest.raises(FreezeFailed):
        opened.open()
    assert driver.names("freeze") == driver.names("thaw") == ["front"]
    assert not driver.frozen


def test_a_freeze_that_is_confirmed_after_its_guards_time_is_ended():
    opened, driver, _time = slow_window(budget=500, freeze=120)
    with pytest.raises(FreezeFailed, match="orders .* its guard fires too soon"):
        opened.open()
    assert not driver.frozen


def test_the_budget_counts_from_the_first_freeze_and_not_from_the_guards():
    opened, _driver, _time = slow_window(tiers=(("front",), ("orders",)), put=30, freeze=4)
    opened.open()
    assert opened.started.monotonic == 30 * 2
    assert opened.standstill == 8
    assert opened.expected_thaw == 8
    assert opened.remaining() == 60 - 8 - 8


def test_what_the_thaw_will_take_is_kept_of_the_budget():
    opened, driver, time = slow_window(tiers=(("front",), ("orders", "payments")), concurrency=1, freeze=2)
    opened.open()
    assert opened.expected_thaw == 2 * 3
    time.sleep(60 - 6 - 6 - 1)
    opened.check_budget()
    time.sleep(1)
    with pytest.raises(FreezeFailed, match="their thaw is expected to take 6.0 s"):
        opened.check_budget()


def test_the_quickest_freeze_tells_what_a_thaw_takes_and_never_more_than_a_quarter_of_the_budget():
    time, driver = FakeTime(), FakeDriver()
    opened, freeze = window(driver, (("front",), ("orders",)), time=time), driver.freeze
    driver.freeze = lambda which, seconds: (time.sleep({"front": 3, "orders": 20}[which.name]), freeze(which, seconds))[1]
    opened.open()
    assert opened.expected_thaw == 6
    for member in opened.members:
        member.frozen = member.freeze_requested.after(20)
    assert opened.expected_thaw == 15


def test_the_first_freezes_of_many_are_quicker_than_what_a_thaw_takes():
    """They were asked for before the site was busy with the others."""
    opened, _driver, time = slow_window(tiers=(tuple("abcdefgh"),), concurrency=2)
    for seconds, member in enumerate(opened.members, 1):
        member.freeze_requested, member.frozen = time.clock.moment(), time.clock.moment().after(seconds)
    assert opened.expected_thaw == 3 * 4


def test_as_soon_as_some_are_thawed_they_tell_what_the_thaw_of_the_others_takes():
    opened, _driver, time = slow_window(tiers=(("front",), ("a", "b", "c", "d")), concurrency=1, freeze=1)
    opened.open()
    assert opened.expected_thaw == 5
    for seconds, member in zip((2, 3, 10), opened.members[1:], strict=False):
        member.thaw_requested, member.thawed = time.clock.moment(), time.clock.moment().after(seconds)
    # That of the tier before comes after the last of this one.
    assert opened.expected_thaw == 3 * 2
    opened.members[1].thaw_error = "It is still frozen."
    assert opened.expected_thaw == 3 * 3


# Releasing


def done_with(*names):
    return lambda which: which.name in names


def waited_for(opened):
    """A window whose released servers have had their turn."""
    if opened._crew:
        opened._crew.end()
        opened._crew = None
    return opened


def test_a_server_that_is_not_needed_any_more_is_thawed_while_others_stand_still():
    driver = FakeDriver()
    with window(driver, (("orders", "payments", "stock"),)) as opened:
        opened.release(done_with("payments"))
        assert waited_for(opened) and driver.frozen == {"id-orders", "id-stock"}
        opened.release(done_with("payments", "stock"))
        assert waited_for(opened) and driver.frozen == {"id-orders"}
        assert opened.ended is None
    assert driver.names("thaw") == ["payments", "stock", "orders"]
    assert {member.doubt for member in opened.members} == {None}
    assert opened.ended is not None


def test_tiers_are_released_in_the_order_in_which_they_are_thawed():
    driver = FakeDriver()
    with window(driver, (("front",), ("web",), ("orders", "payments"))) as opened:
        opened.release(done_with("front", "web", "orders"))
        assert waited_for(opened) and driver.names("thaw") == ["orders"]
        opened.release(done_with("front", "orders", "payments"))
        assert waited_for(opened) and driver.names("thaw") == ["orders", "payments"]
        opened.release(done_with("front"))
        assert waited_for(opened) and driver.names("thaw") == ["orders", "payments"]
    assert driver.names("thaw") == ["orders", "payments", "web", "front"]
    assert [member.server.name for member in opened.thaw_order] == ["orders", "payments", "web", "front"]


def test_no_tier_is_released_before_one_whose_thaw_is_not_confirmed():
    driver, errors, thaw = FakeDriver(), [FreezeFailed("The host is away.")], None

    def fail_once(which):
        if errors:
            raise errors.pop()
        return thaw(which)

    thaw, driver.thaw = driver.thaw, fail_once
    with window(driver, (("front",), ("orders",))) as opened:
        opened.release(done_with("front", "orders"))
        assert waited_for(opened) and driver.names("thaw") == []
        opened.release(done_with("front", "orders"))
        assert waited_for(opened) and driver.names("thaw") == []
    # At the end it is tried again, and nobody is left.
    assert driver.names("thaw") == ["orders", "front"]
    assert not driver.frozen


def test_a_server_is_thawed_once_however_often_it_is_released():
    driver, is_thawing, may_go_on = FakeDriver(), threading.Event(), threading.Event()
    thaw = driver.thaw

    def thaw_slowly(which):
        is_thawing.set()
        may_go_on.wait(60)
        return thaw(which)

    driver.thaw = thaw_slowly
    with window(driver, (("orders", "payments"),)) as opened:
        opened.release(done_with("orders"))
        assert is_thawing.wait(60)
        opened.release(done_with("orders"))
        threading.Timer(0.05, may_go_on.set).start()
    assert sorted(driver.names("thaw")) == ["orders", "payments"]


def test_the_end_of_a_window_does_not_thaw_again_what_was_being_thawed_when_it_came():
    driver = FakeDriver()
    opened = window(driver, (("orders",),))
    opened.open()
    opened._thaw(opened.members[0])
    opened._thaw(opened.members[0])
    opened.close()
    assert driver.names("thaw") == ["orders"]


def test_a_signal_while_servers_are_released_ends_the_window_when_they_are_noted():
    driver, interruption = FakeDriver(), Interruption()

    def be_told_to_stop(which):
        interruption._receive(15, None)
        return which.name == "orders"

    with pytest.raises(Interrupted), window(driver, (("orders", "payments"),), interruption=interruption) as opened, opened.exposed():
        opened.release(be_told_to_stop)
        pytest.fail("the signal must end it")
    assert sorted(driver.names("thaw")) == ["orders", "payments"]
    assert not driver.frozen


def test_guards_and_marks_stay_until_all_are_thawed():
    driver, marks = FakeDriver(), FakeMarks()
    with window(driver, (("orders", "payments"),), marks=marks) as opened:
        opened.release(done_with("orders"))
        assert waited_for(opened) and set(marks.marked) == {"id-orders", "id-payments"}
        assert driver.names("disarm") == []
    assert marks.marked == {}


def test_a_window_that_goes_on_for_others_lasts_until_now():
    opened, _driver, time = slow_window(tiers=(("orders", "payments"),), thaw=1)
    opened.open()
    opened.release(done_with("orders"))
    waited_for(opened)
    time.sleep(10)
    assert (opened.standstill, opened.frozen_seconds) == (11, 11)
    opened.close()
    time.sleep(10)
    assert opened.standstill == 12


def test_before_the_first_freeze_nothing_of_the_budget_is_used():
    opened, _driver, time = slow_window()
    time.sleep(1000)
    assert (opened.standstill, opened.frozen_seconds, opened.expected_thaw, opened.remaining()) == (0, 0, 0, 60)


def test_before_a_freeze_is_confirmed_nobody_knows_what_a_thaw_takes():
    opened, _driver, time = slow_window()
    opened.members[0].freeze_requested = time.clock.moment()
    time.sleep(7)
    assert (opened.standstill, opened.frozen_seconds, opened.expected_thaw, opened.remaining()) == (7, 0, 0, 53)


def test_tiers_that_nobody_has_asked_to_freeze_have_no_part_in_what_the_thaw_will_take():
    opened, _driver, time = slow_window(tiers=(("front",), ("orders", "payments")), concurrency=1)
    front, orders, _payments = opened.members
    front.freeze_requested = time.clock.moment()
    time.sleep(2)
    front.frozen = time.clock.moment()
    assert (opened.expected_thaw, opened.remaining()) == (2, 60 - 2 - 2)
    orders.freeze_requested = time.clock.moment()
    assert opened.expected_thaw == 4


def test_who_has_no_guard_is_not_frozen():
    opened, driver, _time = slow_window()
    with pytest.raises(FreezeFailed, match="its guard fires too soon"):
        opened._freeze(opened.members[0])
    assert driver.calls == []


def test_a_concurrency_at_which_nothing_begins_is_refused_in_words_and_freezes_nobody():
    driver = FakeDriver()
    with pytest.raises(InvalidInput, match="With concurrency 0, nothing would ever be done"):
        window(driver, concurrency=0).open()
    assert driver.calls == []


def test_guards_that_were_never_armed_are_not_disarmed():
    driver = FakeDriver()
    window(driver).close()
    assert driver.calls == []


def test_a_budget_that_does_not_suffice_says_what_is_done_and_open_at_which_rate_and_what_to_change():
    opened, driver, _time = slow_window(tiers=(("front",), ("web",), ("orders",)), budget=30, concurrency=1, freeze=12)
    with pytest.raises(FreezeFailed) as raised:
        opened.open()
    told = str(raised.value)
    assert "The budget of 30 s was too short: after 24.0 s 2 of 3 servers were frozen (0.1 per second)" in told
    assert "Not frozen yet: orders (id-orders)." in told
    assert "Raise budget and guard_timeout" in told
    assert driver.names("freeze") == ["front", "web"]
    assert not driver.frozen


@pytest.mark.parametrize(("seconds", "rate"), [(0.5, "2.0"), (0.01, "10.0")])
def test_the_rate_of_a_short_freeze_is_told_too(seconds, rate):
    opened, _driver, _time = slow_window(freeze=seconds)
    opened.open()
    opened._limits = dataclasses.replace(opened._limits, budget=0)
    with pytest.raises(FreezeFailed, match=rf"1 of 1 servers were frozen \({rate} per second\)"):
        opened.check_budget()


def test_what_all_servers_fail_with_is_said_once():
    opened, _driver, _time = slow_window(tiers=(("front", "web", "orders"),), budget=0)
    with pytest.raises(FreezeFailed) as raised:
        opened.open()
    assert str(raised.value).count("budget of 0 s") == 1


def test_a_thaw_is_asked_for_once_however_often_it_is_tried():
    time, driver, errors = FakeTime(), FakeDriver(), [FreezeFailed("The host is away."), FreezeFailed("The host is away.")]
    opened, thaw = window(driver, (("orders",),), time=time), driver.thaw

    def fail_twice(which):
        time.sleep(FIVE_SECONDS)
        if errors:
            raise errors.pop()
        return thaw(which)

    driver.thaw = fail_twice
    opened.open()
    opened.close()
    (member,) = opened.members
    assert (member.thaw_requested.monotonic, member.thawed.monotonic) == (0, 3 * 5 + 2 * 1)
    assert opened.ended == member.thawed
    assert opened.standstill == 17


def test_file_systems_of_all_tries_of_a_thaw_count():
    driver, errors = FakeDriver(), [FreezeFailed("It is still frozen.")]
    thaw = driver.thaw

    def thaw_and_fail_once(which):
        found = thaw(which)
        if errors:
            opened.members[0].filesystems_thawed = 1
            raise errors.pop()
        return dataclasses.replace(found, filesystems=1)

    driver.thaw = thaw_and_fail_once
    with window(driver, (("orders",),)) as opened:
        pass
    assert opened.members[0].filesystems_thawed == 2
    assert opened.members[0].doubt is None


def test_a_thaw_that_is_asked_for_when_the_guard_fires_proves_nothing():
    opened, _driver, time = slow_window()
    opened.open()
    time.sleep(120)
    opened.close()
    assert "its guard's time was over" in opened.members[0].doubt


def test_a_window_stands_for_the_moment_when_the_last_server_was_frozen():
    opened, _driver, _time = slow_window(tiers=(("front",), ("orders",)), freeze=3, thaw=2)
    with opened:
        pass
    assert [moment.monotonic for moment in (opened.started, opened.all_frozen, opened.ended)] == [0, 6, 10]
    assert opened.standstill == 10
    assert opened.budget == 60


# Others


def after_the_thaw(change):
    """A member whose mark was changed by somebody while it was frozen, and the driver and the marks."""
    driver, marks = FakeDriver(), FakeMarks()
    with window(driver, (("orders",),), marks=marks) as opened:
        change(marks)
    return opened.members[0], driver, marks


def test_a_freeze_that_another_one_replaced_is_doubted_and_the_others_guard_and_mark_stay():
    other = FreezeMark.new("fake", "2999-01-01T00:00:00Z")
    member, driver, marks = after_the_thaw(lambda marks: marks.put(server("orders"), other))
    assert member.doubt == "somebody else has frozen it again meanwhile"
    assert marks.current("id-orders") == other
    assert driver.names("disarm") == []


def test_a_freeze_whose_mark_somebody_took_away_is_doubted_and_its_guard_is_disarmed():
    member, driver, _marks = after_the_thaw(lambda marks: marks.marked.clear())
    assert "somebody else has removed its mark" in member.doubt
    assert driver.names("disarm") == ["orders"]


def test_a_mark_that_cannot_be_read_after_the_thaw_is_a_doubt_and_goes_all_the_same():
    def break_reading(marks):
        def fail(server_id):
            raise CloudError("Nova is away.")

        marks.current = fail

    member, driver, marks = after_the_thaw(break_reading)
    assert member.doubt == "its mark could not be read after the thaw"
    assert driver.names("disarm") == ["orders"]
    assert marks.marked == {}


def test_what_the_thaw_showed_counts_more_than_what_the_mark_shows():
    driver, marks = FakeDriver(interrupted={"orders": "it was rebooted"}), FakeMarks()
    with window(driver, (("orders",),), marks=marks) as opened:
        marks.marked.clear()
    assert opened.members[0].doubt == "it was rebooted"


def test_an_adopted_server_that_another_run_freezes_by_now_is_left_to_that_run():
    driver, marks = FakeDriver(), FakeMarks()
    adopted = frozen_by_others(driver, marks, "orders", "payments")
    marks.marked["id-orders"] = other = FreezeMark.new("fake", "2999-01-01T00:00:00Z")
    put = marks.put

    def put_unless_held(which, mark):
        if not mark.is_same(marks.current(which.id)):
            raise FreezeFailed("It is held by another freeze.")
        put(which, mark)

    marks.put = put_unless_held
    adopted.adopt()
    with pytest.raises(FreezeFailed, match=r"orders \(id-orders\): another run has frozen it meanwhile, and will thaw it"):
        adopted.close()
    assert driver.names("thaw") == driver.names("disarm") == ["payments"]
    assert marks.marked == {"id-orders": other}


def test_the_mark_that_somebody_put_on_a_server_that_was_adopted_without_one_stays():
    driver, marks = FakeDriver(), FakeMarks()
    adopted = window(driver, tiers=(("orders",),), marks=marks)
    adopted.adopt()
    other = FreezeMark.new("fake", "2999-01-01T00:00:00Z")
    marks.put(server("orders"), other)
    adopted.close()
    assert marks.current("id-orders") == other


@pytest.mark.parametrize(
    ("until", "doubt"),
    [
        pytest.param("2026-11-22T12:00:00.001Z", None, id="not yet"),
        pytest.param("2026-11-22T12:00:00.000Z", "its guard's time was over", id="now"),
        pytest.param("noon", "its guard's time was over", id="nobody knows"),
    ],
)
def test_an_adopted_freeze_is_doubted_when_its_guards_time_is_over(until, doubt):
    found = thawed(FakeDriver(), FakeMarks(), "orders", until=until)["orders"].doubt
    assert found == doubt if doubt is None else doubt in found


# Signals


def test_in_a_window_a_signal_counts_only_where_it_may():
    driver, interruption, done = FakeDriver(), Interruption(), []
    with pytest.raises(Interrupted), window(driver, interruption=interruption) as opened:
        interruption._receive(15, None)
        done.append("not stopped")
        with opened.exposed():
            pytest.fail("it was told to stop")
    assert done == ["not stopped"]
    assert not driver.frozen


def test_a_signal_between_two_tiers_stops_the_freezing():
    driver, interruption = FakeDriver(), Interruption()
    freeze = driver.freeze
    driver.freeze = lambda which, seconds: (interruption._receive(15, None), freeze(which, seconds))[1]
    with pytest.raises(Interrupted):
        window(driver, (("front",), ("orders",)), interruption=interruption).open()
    assert driver.names("freeze") == driver.names("thaw") == ["front"]


def test_a_signal_while_guards_are_armed_freezes_nobody():
    driver, interruption = FakeDriver(), Interruption()
    driver.arm_guard = lambda which, seconds: interruption._receive(15, None)
    with pytest.raises(Interrupted):
        window(driver, interruption=interruption).open()
    assert driver.names("freeze") == []
    assert len(driver.names("disarm")) == 3


def test_a_signal_before_a_freeze_is_handed_over_ends_it_and_later_ones_are_the_next_ones_business():
    driver, interruption = FakeDriver(), Interruption()
    opened = window(driver, interruption=interruption)
    opened.open()
    interruption._receive(15, None)
    with pytest.raises(Interrupted):
        opened.publish()
    assert not driver.frozen
    late = Interruption()
    opened = window(driver, interruption=late)
    opened.open()
    opened._shield.callback(late._receive, 15, None)
    with pytest.raises(Interrupted):
        opened.publish()
    assert not driver.frozen
    second = Interruption()
    opened = window(driver, interruption=second)
    opened.open()
    opened.publish()
    with pytest.raises(Interrupted):
        second._receive(15, None)
    assert driver.frozen


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


def frozen_by_others(driver, marks, *names, time=None, **changes):
    """A window over servers that another process has frozen and marked."""
    facts = {"driver": "fake", "until": "2999-01-01T00:00:00Z", "token": "t", "frozen": "2026-11-22T12:00:00.000Z", "filesystems": 2}
    text = json.dumps({**facts, **changes})
    members = [Member(server(name, metadata={"osdr_freeze": text}), "tier", driver) for name in names]
    driver.frozen |= {member.server.id for member in members}
    marks.marked |= {member.server.id: FreezeMark.of(member.server) for member in members}
    return FreezeWindow([members], Limits(30, 60, 120, 4), marks, Interruption(), (time or FakeTime()).clock)


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
    assert members["orders"].doubt == "its mark could not be updated before the thaw"
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
    values = {
        "frozen": now,
        "thaw_requested": now,
        "thawed": now,
        "guard_fired": False,
        "guard_until": now.after(1),
        "filesystems_frozen": 2,
        "filesystems_thawed": 2,
    }
    return Member(server("orders"), "tier", FakeDriver(), **{**values, **{key: one(now) if callable(one) else one for key, one in changes.items()}})


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
        pytest.param({"guard_until": None}, "guard's time was over", id="nobody knows when the guard fires"),
        pytest.param({"guard_until": lambda now: now}, "guard's time was over", id="thawed when the guard fires"),
        pytest.param({"interrupted": "it was rebooted"}, "it was rebooted", id="interrupted"),
        pytest.param({"interrupted": "it was rebooted", "guard_fired": None}, "it was rebooted", id="interrupted, and no guard to ask"),
        pytest.param({"filesystems_frozen": 0, "filesystems_thawed": 0}, "0 file systems were frozen", id="nothing was frozen"),
        pytest.param({"filesystems_thawed": 3}, "2 file systems were frozen and 3 thawed", id="another number"),
    ],
)
def test_what_makes_a_freeze_doubtful(changes, doubt):
    found = member_of(**changes).doubt
    assert found == doubt if doubt is None else doubt in found


# On bad days of the clouds


class Unanswered:
    """Lets one call of a driver or of marks try until nothing more may be tried, as a request does that a service asks to come back in a minute."""

    def __init__(self, call):
        self._call = call

    def __call__(self, *arguments):
        tries = leeway.Tries()
        while tries.wait(60):
            pass
        return self._call(*arguments)


@pytest.mark.parametrize("name", ["arm_guard", "freeze", "disarm_guard"])
def test_no_request_of_a_driver_keeps_others_frozen(passing, name):
    driver = FakeDriver()
    setattr(driver, name, Unanswered(getattr(driver, name)))
    with window(driver, tiers=(("orders",),), budget=60):
        pass
    # Each as long as one server's freeze may take, and with short pauses.
    assert (set(passing.pauses), len(passing.pauses)) == ({1.0}, 29)


def test_no_server_that_cannot_be_thawed_holds_up_the_others_for_long(passing):
    driver, thaws = FakeDriver(), []

    class NeverThawed(Unanswered):
        def __call__(self, member):
            begun = len(passing.pauses)
            if member.name == "front":
                super().__call__(member)
                thaws.append(len(passing.pauses) - begun)
                raise CloudError("Nova is away.", http_status=503)
            thaws.append(member.name)
            return self._call(member)

    driver.thaw = NeverThawed(driver.thaw)
    with pytest.raises(FreezeFailed), window(driver, tiers=(("orders",), ("front",)), budget=60):
        pass
    assert thaws == [4, "orders", 29, 29]


def test_no_freeze_is_asked_for_again_after_what_is_left_of_the_budget(passing):
    driver = FakeDriver()
    driver.freeze = Unanswered(driver.freeze)
    with window(driver, tiers=(("orders",),), budget=10):
        pass
    assert len(passing.pauses) == 9


@pytest.mark.parametrize("name", ["put", "current", "remove"])
def test_no_request_for_a_mark_keeps_others_frozen(passing, name):
    marks = FakeMarks()
    setattr(marks, name, Unanswered(getattr(marks, name)))
    with window(FakeDriver(), tiers=(("orders",),), marks=marks) as opened:
        before = len(passing.pauses)
        assert before == (29 if name == "put" else 0)
        opened.publish()
    assert set(passing.pauses) == {1.0}
    assert len(passing.pauses) <= 2 * 29


def test_the_thaw_of_what_others_froze_does_not_wait_for_marks(passing):
    driver, marks = FakeDriver(), FakeMarks()
    adopted = frozen_by_others(driver, marks, "orders")
    marks.put = Unanswered(marks.put)
    adopted.adopt()
    assert sum(passing.pauses) == 4
