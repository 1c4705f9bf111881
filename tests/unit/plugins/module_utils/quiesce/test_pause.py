# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, FreezeFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.pause import PauseDriver
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime, server

DB = server("db")
MARK = {"osdr_freeze": "{}"}
RUNNING, ASLEEP = 1, 3


class Nova:
    """Shows a server in one state after the other, and then in the last one.

    :param states: statuses, or tuples of them with the task that is under way and, where it does not go without saying, what the hypervisor says.
    """

    def __init__(self, *states):
        self._states = [(one, None) if isinstance(one, str) else one for one in states]
        self.calls = []

    def server(self, server_id):
        status, task, *power = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        power = power or [RUNNING if status == "ACTIVE" else ASLEEP]
        return server("db", id=server_id, status=status, task_state=task, power_state=power[0], fault="No memory")

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
def time():
    return FakeTime()


def pausing(nova, time, seconds=5):
    return PauseDriver(nova, seconds, clock=time.clock)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        pytest.param({}, THAWED, id="running"),
        pytest.param({"status": "PAUSED", "metadata": MARK}, FROZEN, id="paused by us"),
        pytest.param({"status": "PAUSED"}, None, id="paused by somebody else"),
        pytest.param({"status": "SHUTOFF"}, None, id="off"),
        pytest.param({"status": "SHUTOFF", "metadata": MARK}, None, id="off and marked"),
        pytest.param({"task_state": "rebooting"}, None, id="busy"),
        pytest.param({"status": "PAUSED", "task_state": "migrating", "metadata": MARK}, None, id="paused and busy"),
        pytest.param({"power_state": ASLEEP}, None, id="said to run, and paused"),
        pytest.param({"status": "UNKNOWN"}, None, id="in a cell that is down"),
    ],
)
def test_only_what_runs_can_be_paused(changes, state):
    found = PauseDriver(None, 5).probe(server("db", **changes))
    assert (found.state, found.problem is None) == (state, state is not None)
    assert found.guard == (state and "controller")


def test_why_a_server_cannot_be_paused_is_told():
    assert "Server db (id-db) is ACTIVE (rebooting); only a running" in PauseDriver(None, 5).probe(server("db", task_state="rebooting")).problem


def test_a_paused_server_is_not_resumed_while_an_image_of_it_is_uploaded():
    assert "Nova resumes no paused server until it has uploaded the image" in PauseDriver(None, 5).probe(server("db")).image_problem


def test_a_freeze_is_confirmed_by_what_nova_shows(time):
    nova = Nova(("ACTIVE", "pausing"), ("PAUSED", "pausing"), "PAUSED")
    assert pausing(nova, time).freeze(DB, 10) is None
    assert (nova.calls, round(time.seconds, 1)) == ([("pause", "id-db")], 0.4)


def test_a_freeze_that_does_not_come_is_a_failure_in_time(time):
    with pytest.raises(FreezeFailed, match=r"Server db \(id-db\) is ACTIVE \(pausing\) after 3 s, not PAUSED"):
        pausing(Nova(("ACTIVE", "pausing")), time, 60).freeze(DB, 3)
    assert 3 <= time.seconds < 3.5


def test_a_server_that_goes_to_an_error_is_told_with_its_fault_and_the_way_out(time):
    with pytest.raises(FreezeFailed, match=r"db \(id-db\) is in ERROR instead of PAUSED, and may be paused: No memory\. Hard-reboot it"):
        pausing(Nova(("ACTIVE", "pausing"), "ERROR"), time, 60).freeze(DB, 30)
    assert time.seconds < 1


@pytest.mark.parametrize(
    "states",
    [
        pytest.param(["PAUSED", ("PAUSED", "unpausing"), "ACTIVE"], id="paused"),
        pytest.param([("ACTIVE", "pausing"), ("ACTIVE", "pausing"), "PAUSED", "ACTIVE"], id="being paused, by a request whose answer was lost"),
        pytest.param([("MIGRATING", "migrating"), ("PAUSED", "migrating"), "PAUSED", "ACTIVE"], id="paused, and being migrated"),
        pytest.param(["UNKNOWN", "PAUSED", "UNKNOWN", "ACTIVE"], id="paused, in a cell that comes back"),
        pytest.param([("ACTIVE", None, ASLEEP), "PAUSED", ("ACTIVE", None, ASLEEP), "ACTIVE"], id="Nova is behind its hypervisor"),
    ],
)
def test_a_thaw_is_confirmed_by_what_nova_shows(time, states):
    nova = Nova(*states)
    assert pausing(nova, time).thaw(DB).interrupted is None
    assert nova.calls == [("unpause", "id-db")]
    # Nothing that it showed was left out.
    assert len(nova._states) == 1


#: Of none of these it can be said that the guest runs.
UNCERTAIN = [
    ("MIGRATING", "migrating"),
    ("MIGRATING", None),
    "UNKNOWN",
    "",
    "ok",
    "SUSPENDED",
    "RESCUE",
    "REBOOT",
    "VERIFY_RESIZE",
    "BUILD",
    "active",
    ("ACTIVE", "migrating"),
    ("ACTIVE", "image_snapshot"),
    ("PAUSED", "unpausing"),
    ("SHUTOFF", "powering-on"),
    ("ACTIVE", None, ASLEEP),
    ("ACTIVE", None, None),
    ("ACTIVE", None, 0),
    ("ACTIVE", None, "RUNNING"),
]


@pytest.mark.parametrize("state", UNCERTAIN, ids=repr)
def test_what_is_not_seen_thawed_is_not_thawed(time, state):
    nova = Nova(state)
    shown = state if isinstance(state, str) else state[0]
    with pytest.raises(FreezeFailed, match=rf"Server db \(id-db\) is {shown}.* after 5 s, not seen running or paused"):
        pausing(nova, time).thaw(DB)
    assert 5 <= time.seconds < 5.5
    assert nova.calls == []


@pytest.mark.parametrize("state", UNCERTAIN, ids=repr)
def test_an_unpause_is_over_only_when_the_guest_is_seen_to_run(time, state):
    with pytest.raises(FreezeFailed, match="after 5 s, not ACTIVE"):
        pausing(Nova("PAUSED", state), time).thaw(DB)


@pytest.mark.parametrize("before", [[], ["PAUSED"]])
def test_a_server_in_an_error_may_be_paused(time, before):
    with pytest.raises(FreezeFailed, match=r"is in ERROR instead of .*, and may be paused"):
        pausing(Nova(*before, "ERROR"), time).thaw(DB)


def refusing(nova, status, time):
    """A driver whose request to pause was answered with that."""

    def refuse(server_id):
        raise CloudError("Nova could not pause.", **({"http_status": status} if status else {}))

    nova.pause = refuse
    driver = pausing(nova, time)
    with pytest.raises(CloudError):
        driver.freeze(DB, 10)
    return driver


@pytest.mark.parametrize("status", [500, 503, 504, None])
def test_who_may_be_paused_yet_is_not_thawed(time, status):
    """It is only a proxy that gave up; the thaw is not confirmed until there was something to thaw."""
    nova = Nova("ACTIVE", "ACTIVE", "PAUSED", ("PAUSED", "unpausing"), "ACTIVE")
    driver = refusing(nova, status, time)
    for _time in range(2):
        with pytest.raises(FreezeFailed, match=r"did not confirm the pause of server db \(id-db\), which is ACTIVE"):
            driver.thaw(DB)
    assert driver.thaw(DB).interrupted is None
    assert nova.calls == [("unpause", "id-db")]
    # What was asked for has come and gone.
    assert driver.thaw(DB).interrupted == "it was ACTIVE when it was to be unpaused"


def test_who_is_certainly_not_paused_is_thawed(time):
    assert refusing(Nova("ACTIVE"), 409, time).thaw(DB).interrupted == "it was ACTIVE when it was to be unpaused"


def test_a_nova_that_does_not_answer_is_not_waited_for_for_ever(time):
    nova, answered = Nova("ACTIVE"), threading.Event()
    nova.pause = lambda server_id: answered.wait()
    driver = pausing(nova, time)
    try:
        with pytest.raises(WaitTimeout, match=r"server db \(id-db\) to be PAUSED"):
            driver.freeze(DB, 0.05)
        with pytest.raises(FreezeFailed, match="it may still be paused"):
            driver.thaw(DB)
    finally:
        answered.set()


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF", "SHELVED_OFFLOADED"])
def test_who_is_seen_not_paused_had_not_been_frozen_all_the_time(time, status):
    nova = Nova(status)
    assert pausing(nova, time).thaw(DB).interrupted == f"it was {status} when it was to be unpaused"
    assert nova.calls == []


def test_a_thaw_that_does_not_come_is_a_failure_in_time(time):
    with pytest.raises(FreezeFailed, match="is PAUSED after 5 s, not ACTIVE"):
        pausing(Nova("PAUSED"), time).thaw(DB)
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
