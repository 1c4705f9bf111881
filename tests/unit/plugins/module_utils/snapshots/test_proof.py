# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core import consistency
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import Member
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots import proof
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Moment
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, server


def at(seconds):
    return Moment(seconds, datetime.datetime.fromtimestamp(seconds, datetime.UTC))


def member(**changes):
    values = {
        "freeze_requested": at(1),
        "frozen": at(2),
        "filesystems_frozen": 2,
        "thaw_requested": at(5),
        "thawed": at(6),
        "filesystems_thawed": 2,
        "guard_fired": False,
        "guard_until": at(60),
    }
    return Member(server("db"), "database", FakeDriver(), **{**values, **changes})


INSIDE = proof.Taken(at(3), at(4))


def test_snapshots_within_the_freeze_are_quiesced():
    assert proof.of_frozen(member(), [INSIDE], at(2))[0] == "quiesced"


def test_a_snapshot_may_be_asked_for_when_the_freeze_is_confirmed_and_complete_when_the_thaw_is_asked_for():
    assert proof.of_frozen(member(), [proof.Taken(at(2), at(5))], at(2))[0] == "quiesced"


def test_the_reason_says_how_the_server_was_held():
    paused = member()
    paused.driver.consistency = "paused"
    assert proof.of_frozen(paused, [INSIDE], at(2)) == ("paused", "paused around every snapshot")
    assert proof.of_frozen(member(), [INSIDE], at(2)) == ("quiesced", "frozen around every snapshot")


@pytest.mark.parametrize(
    ("changes", "taken"),
    [
        pytest.param({"frozen": None}, [INSIDE], id="freeze never confirmed"),
        pytest.param({"thawed": None}, [INSIDE], id="thaw never confirmed"),
        pytest.param({"guard_fired": True}, [INSIDE], id="guard fired"),
        pytest.param({"guard_fired": None}, [INSIDE], id="guard unknown"),
        pytest.param({"filesystems_thawed": 1}, [INSIDE], id="somebody else thawed one"),
        pytest.param({"interrupted": "it was rebooted"}, [INSIDE], id="the driver saw it thawed"),
        pytest.param({"filesystems_frozen": 2, "filesystems_thawed": None}, [INSIDE], id="thawed file systems unknown"),
        pytest.param({"filesystems_frozen": 0, "filesystems_thawed": 0}, [INSIDE], id="nothing was frozen"),
        pytest.param({"guard_until": at(4.5)}, [INSIDE], id="the guard's time was over before the thaw"),
        pytest.param({}, [INSIDE, proof.Taken(at(1.5), at(4))], id="requested before the freeze was confirmed"),
        pytest.param({}, [INSIDE, proof.Taken(at(3), at(5.5))], id="complete after the thaw was requested"),
    ],
)
def test_any_doubt_makes_it_crash(changes, taken):
    assert proof.of_frozen(member(**changes), taken, at(2))[0] == "crash"


def test_a_driver_that_cannot_count_is_believed_when_nothing_interrupted():
    uncounted = member(filesystems_frozen=None, filesystems_thawed=None)
    assert proof.of_frozen(uncounted, [INSIDE], at(2))[0] == "quiesced"


@pytest.mark.parametrize(
    ("levels", "weakest"), [(["quiesced", "offline"], "quiesced"), (["offline", "crash", "quiesced"], "crash"), (["offline"], "offline")]
)
def test_the_whole_is_its_weakest_part(levels, weakest):
    assert consistency.weakest(levels) == weakest


@pytest.mark.parametrize(
    ("level", "least", "enough"), [("offline", "quiesced", True), ("quiesced", "quiesced", True), ("paused", "quiesced", False), ("crash", "crash", True)]
)
def test_policy(level, least, enough):
    assert consistency.satisfies(level, least) is enough


@pytest.mark.parametrize(
    ("all_frozen", "taken", "doubt"),
    [
        pytest.param(at(3), INSIDE, None, id="asked for when the last server was frozen"),
        pytest.param(at(3.001), INSIDE, "a snapshot was asked for before all servers were frozen", id="asked for before"),
        pytest.param(at(5), proof.Taken(at(5), at(5)), None, id="thawed when the last server was frozen"),
        pytest.param(at(5.001), INSIDE, "it was thawed before all servers were frozen", id="thawed before"),
        pytest.param(None, INSIDE, "it was thawed before all servers were frozen", id="never all frozen"),
    ],
)
def test_every_server_must_have_stood_still_at_the_moment_at_which_the_last_one_was_frozen(all_frozen, taken, doubt):
    level, reason = proof.of_frozen(member(), [taken], all_frozen)
    assert (level, reason) == (("crash", doubt) if doubt else ("quiesced", "frozen around every snapshot"))
