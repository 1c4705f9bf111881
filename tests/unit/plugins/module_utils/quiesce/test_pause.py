# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, FreezeFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import pause as quiesce_pause
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.pause import PauseDriver
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime, server

DB = server("db")
MARK = {"osdr_freeze": "{}"}


class Nova:
    """Shows a server in one state after the other, and then in the last one.

    :param states: statuses, or pairs of them with the task that is under way.
    """

    def __init__(self, *states):
        self._states = [(one, None) if isinstance(one, str) else one for one in states]
        self.calls = []

    def server(self, server_id):
        status, task = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        return server("db", id=server_id, status=status, task_state=task, fault="No memory")

    def pause(self, server_id):
        self.calls.append(("pause", server_id))

    def unpause(self, server_id):
        self.calls.append(("unpause", server_id))


class Guards:
    """The process beside the controller."""

    def __init__(self):
        self.calls = []

    def arm(self, which, seconds):
        self.calls.append(("arm", which.name, seconds))

    def disarm(self, which):
        self.calls.append(("disarm", which.name))
        return True


@pytest.fixture
def time(monkeypatch):
    time = FakeTime()
    monkeypatch.setattr(quiesce_pause, "Waiter", lambda timeout, interval: Waiter(timeout, interval, time.clock))
    return time


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        pytest.param({}, THAWED, id="running"),
        pytest.param({"status": "PAUSED", "metadata": MARK}, FROZEN, id="paused by us"),
        pytest.param({"status": "PAUSED"}, None, id="paused by somebody else"),
        pytest.param({"status": "SHUTOFF"}, None, id="off"),
        pytest.param({"status": "SHUTOFF", "metadata": MARK}, None, id="off and marked"),
        pytest.param({"task_state": "rebooting"}, None, id="busy"),
    ],
)
def test_only_what_runs_can_be_paused(changes, state):
    found = PauseDriver(None, 5).probe(server("db", **changes))
    assert (found.state, found.problem is None) == (state, state is not None)
    assert found.guard == (state and "controller")


def test_why_a_server_cannot_be_paused_is_told():
    assert "Server db (id-db) is ACTIVE (rebooting); only a running" in PauseDriver(None, 5).probe(server("db", task_state="rebooting")).problem


def test_a_freeze_is_confirmed_by_what_nova_shows(time):
    nova = Nova(("ACTIVE", "pausing"), ("PAUSED", "pausing"), "PAUSED")
    assert PauseDriver(nova, 5).freeze(DB, 10) is None
    assert (nova.calls, round(time.seconds, 1)) == ([("pause", "id-db")], 0.4)


def test_a_freeze_that_does_not_come_is_a_failure_in_time(time):
    with pytest.raises(WaitTimeout, match=r"after 3 s waiting for server db \(id-db\) to be PAUSED"):
        PauseDriver(Nova(("ACTIVE", "pausing")), 60).freeze(DB, 3)
    assert 3 <= time.seconds < 3.5


def test_a_server_that_goes_to_an_error_is_told_with_its_fault(time):
    with pytest.raises(FreezeFailed, match=r"db \(id-db\) went to ERROR instead of PAUSED: No memory"):
        PauseDriver(Nova(("ACTIVE", "pausing"), "ERROR"), 60).freeze(DB, 30)
    assert time.seconds < 1


@pytest.mark.parametrize(
    "states",
    [
        pytest.param(["PAUSED", ("PAUSED", "unpausing"), "ACTIVE"], id="paused"),
        pytest.param([("ACTIVE", "pausing"), ("ACTIVE", "pausing"), "PAUSED", "ACTIVE"], id="being paused, by a request whose answer was lost"),
    ],
)
def test_a_thaw_is_confirmed_by_what_nova_shows(time, states):
    nova = Nova(*states)
    assert PauseDriver(nova, 5).thaw(DB).interrupted is None
    assert nova.calls == [("unpause", "id-db")]


def refusing(nova, status):
    """A driver whose request to pause was answered with that."""

    def refuse(server_id):
        raise CloudError("Nova could not pause.", **({"http_status": status} if status else {}))

    nova.pause = refuse
    driver = PauseDriver(nova, 5)
    with pytest.raises(CloudError):
        driver.freeze(DB, 10)
    return driver


@pytest.mark.parametrize("status", [500, 503, 504, None])
def test_who_may_be_paused_yet_is_not_thawed(time, status):
    """It is only a proxy that gave up; the thaw is not confirmed until there was something to thaw."""
    nova = Nova("ACTIVE", "ACTIVE", "PAUSED", ("PAUSED", "unpausing"), "ACTIVE")
    driver = refusing(nova, status)
    for _time in range(2):
        with pytest.raises(FreezeFailed, match=r"did not answer whether it pauses server db \(id-db\), which is ACTIVE"):
            driver.thaw(DB)
    assert driver.thaw(DB).interrupted is None
    assert nova.calls == [("unpause", "id-db")]
    # What was asked for has come and gone.
    assert driver.thaw(DB).interrupted == "it was ACTIVE when it was to be unpaused"


def test_who_is_certainly_not_paused_is_thawed(time):
    assert refusing(Nova("ACTIVE"), 409).thaw(DB).interrupted == "it was ACTIVE when it was to be unpaused"


def test_a_nova_that_does_not_answer_is_not_waited_for_for_ever(time):
    nova, answered = Nova("ACTIVE"), threading.Event()
    nova.pause = lambda server_id: answered.wait(5)
    driver = PauseDriver(nova, 5)
    try:
        with pytest.raises(WaitTimeout, match=r"server db \(id-db\) to be PAUSED"):
            driver.freeze(DB, 0.05)
        with pytest.raises(FreezeFailed, match="it may be paused yet"):
            driver.thaw(DB)
    finally:
        answered.set()


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF", "ERROR"])
def test_who_is_not_paused_had_not_been_frozen_all_the_time(time, status):
    nova = Nova(status)
    assert PauseDriver(nova, 5).thaw(DB).interrupted == f"it was {status} when it was to be unpaused"
    assert nova.calls == []


def test_a_thaw_that_does_not_come_is_a_failure_in_time(time):
    with pytest.raises(WaitTimeout, match="to be ACTIVE"):
        PauseDriver(Nova("PAUSED"), 5).thaw(DB)
    assert 5 <= time.seconds < 5.5


def test_the_guard_is_beside_the_controller():
    guards = Guards()
    driver = PauseDriver(None, 5, guards)
    driver.arm_guard(DB, 120)
    assert driver.disarm_guard(DB) is True
    assert guards.calls == [("arm", "db", 120), ("disarm", "db")]


def test_the_guard_itself_has_none():
    driver = PauseDriver(None, 5)
    driver.arm_guard(DB, 120)
    assert driver.disarm_guard(DB) is False
