# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver for Nova's quiesce API against the answers that the filter gives."""

from __future__ import annotations

import datetime
import json

import openstack
import pytest
import requests
from ansible_collections.osdr.openstack.plugins.module_utils.cloud import repeating
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError, FreezeFailed
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.nova import NovaDriver
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime, server

NOVA = "http://nova.example/v2.1"
SERVER = f"{NOVA}/servers/id-db"
SHOW = f"{SERVER}/os-quiesce"
ACTION = f"{SERVER}/action"
DB = server("db")
#: Nova's clock, an hour behind.
NOW = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
TOKEN = "0123456789abcdef"
MARK = json.dumps({"driver": "nova", "until": "2026-11-29T12:00:00.000Z", "token": TOKEN})
MARKED = server("db", metadata={"osdr_freeze": MARK})


def at(seconds):
    return (NOW + datetime.timedelta(seconds=seconds)).isoformat()


def quiesce(state, **more):
    return {"quiesce": {"state": state, "now": at(0), "max_timeout": 300, "default_timeout": 60, **more}}


def frozen(until=100, token=TOKEN):
    return quiesce("quiesced", until=at(until), token=token)


def ended(outcome="unquiesced", intact=True, token=TOKEN):
    return quiesce("none", last={"token": token, "outcome": outcome, "intact": intact, "at": at(0)})


def conflict(message):
    return {"status_code": 409, "json": {"conflictingRequest": {"code": 409, "message": message}}}


def answers(*contents):
    return [content if "status_code" in content else {"status_code": 202, "json": content} for content in contents]


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def driver(requests_mock, time):
    version = {"id": "v2.1", "status": "CURRENT", "version": "2.100", "min_version": "2.1", "links": [{"rel": "self", "href": NOVA}]}
    for url in (NOVA, f"{NOVA}/"):
        requests_mock.get(url, json={"version": version})
    connection = openstack.connect(auth_type="none", endpoint=NOVA, compute_endpoint_override=NOVA)
    repeating.install(connection)
    return NovaDriver(Compute(Cloud(connection, "primary")), guard_timeout=120, thaw_timeout=1, clock=time.clock)


@pytest.fixture
def armed(driver, requests_mock):
    """A driver whose guard is armed for 100 seconds."""
    requests_mock.get(SHOW, json=quiesce("none"))
    driver.arm_guard(MARKED, 100)
    return driver


@pytest.fixture
def holding(armed, requests_mock):
    """A driver that has frozen the server."""
    requests_mock.post(ACTION, status_code=202, json=frozen())
    armed.freeze(DB, 5)
    return armed


def test_a_site_without_the_api_is_named_with_the_role_that_helps(driver, requests_mock):
    requests_mock.get(SHOW, status_code=404)
    problem = driver.probe(DB).problem
    assert "Site 'primary' has no quiesce API" in problem
    assert "nova_quiesce_api" in problem


def test_credentials_that_may_not_are_named(driver, requests_mock):
    requests_mock.get(SHOW, status_code=403, json={"forbidden": {"code": 403, "message": "Policy doesn't allow it"}})
    assert "lack the permission" in driver.probe(DB).problem


@pytest.mark.parametrize(("limit", "is_told"), [(60, True), (119, True), (120, False)])
def test_a_limit_below_the_guard_is_told(driver, requests_mock, limit, is_told):
    requests_mock.get(SHOW, json=quiesce("none", max_timeout=limit))
    requests_mock.post(ACTION, status_code=202, json=quiesce("none"))
    requests_mock.get(SERVER, json={"server": {"id": "id-db"}})
    problem = f"Site 'primary' limits a freeze to {limit} s ([quiesce] max_timeout); lower guard_timeout (120 s) and budget."
    assert driver.probe(DB).problem == (problem if is_told else None)


@pytest.mark.parametrize("state", ["quiesced", "quiescing"])
def test_a_frozen_server_is_not_probed(driver, requests_mock, state):
    requests_mock.get(SHOW, json=quiesce(state))
    assert driver.probe(DB).state == FROZEN


def test_a_server_that_nova_is_still_thawing_cannot_be_frozen(driver, requests_mock):
    requests_mock.get(SHOW, json=quiesce("unquiescing"))
    found = driver.probe(DB)
    assert "Server db (id-db) is still being thawed" in found.problem
    # Thus it is neither passed over to another driver nor taken for thawed.
    assert found.state == FROZEN


def probe(driver, requests_mock, console, **more):
    """Probe a server that runs and whose console shows something."""
    requests_mock.get(SHOW, json=quiesce("none"))
    action = requests_mock.post(ACTION, [*answers(quiesce("none")), {"json": {"output": console}, **more}])
    return driver.probe(DB), action


def test_the_agent_is_probed_within_the_time_of_a_freeze(driver, requests_mock):
    support, action = probe(driver, requests_mock, "")
    assert (support.state, support.guard) == (THAWED, "nova")
    assert action.request_history[0].json() == {"quiesce": {"probe": True, "timeout": 1}}
    assert action.request_history[0].timeout == (6, 6)


def test_a_probe_tells_how_quickly_the_agent_answers_and_for_how_long_the_site_lets_a_server_be_frozen(driver, requests_mock, time):
    requests_mock.get(SHOW, json=quiesce("none", max_timeout=300))
    asked = []

    def answer(request, context):
        # The console is read afterwards, and is no part of it.
        time.sleep(7 if asked else 3)
        asked.append(request)
        context.status_code = 202
        return quiesce("none", max_timeout=300)

    requests_mock.post(ACTION, json=answer)
    support = driver.probe(DB)
    assert (support.answer, support.longest, len(asked)) == (3, 300, 2)


@pytest.mark.parametrize(
    ("seconds", "age", "guard"),
    [
        (120, 3, "nova, guest"),
        (1, 3, "nova, guest"),
        (120, -119, "nova, guest"),
        (120, 119, "nova, guest"),
        (120, 120, "nova"),
        (120, -120, "nova"),
        (0, 3, "nova"),
    ],
)
def test_a_guard_in_the_guest_is_known_by_what_its_hook_says_to_the_probe(driver, requests_mock, time, seconds, age, guard):
    now = int(time.wall().timestamp())
    # What an earlier one said does not count, however fresh it is.
    console = f"boot\nosdr-guard: 120 s at {now}\nosdr-guard: {seconds} s at {now - age}\nlogin:"
    support, action = probe(driver, requests_mock, console)
    assert (support.state, support.guard) == (THAWED, guard)
    assert action.last_request.json() == {"os-getConsoleOutput": {"length": 50}}


@pytest.mark.parametrize("content", [{}, {"create_image": False}, {"create_image": "yes"}])
def test_an_api_that_lets_nobody_have_an_image_made_is_too_old_for_servers_that_boot_from_one(driver, requests_mock, content):
    requests_mock.get(SHOW, json={"quiesce": {**quiesce("none")["quiesce"], **content}})
    requests_mock.post(ACTION, status_code=202, json=quiesce("none"))
    problem = driver.probe(DB).image_problem
    assert problem.startswith("Server db (id-db) boots from an image, and the quiesce API of site 'primary' is too old to let Nova make an image of a frozen")
    requests_mock.get(SHOW, json={"quiesce": {**quiesce("none")["quiesce"], "create_image": True}})
    assert driver.probe(DB).image_problem is None


@pytest.mark.parametrize("answer", [{"status_code": 403}, {"status_code": 500}, {"json": {"output": None}}])
def test_a_console_that_cannot_be_read_shows_no_guard(driver, requests_mock, answer):
    support, _action = probe(driver, requests_mock, "", **answer)
    assert (support.problem, support.guard) == (None, "nova")


def test_an_agent_that_does_not_answer_is_told_of_its_server(driver, requests_mock):
    requests_mock.get(SHOW, json=quiesce("none"))
    requests_mock.post(ACTION, **conflict("QEMU guest agent is not connected"))
    assert "db (id-db)" in driver.probe(DB).problem
    assert "not connected" in driver.probe(DB).problem


def test_the_deadline_is_counted_by_novas_clock_from_when_the_guard_was_armed(armed, requests_mock):
    action = requests_mock.post(ACTION, status_code=202, json=frozen())
    assert armed.freeze(DB, 5) is None
    assert action.last_request.json() == {"quiesce": {"until": at(100), "token": TOKEN}}
    assert action.last_request.timeout == (5, 5)


@pytest.mark.parametrize(("passed", "freezes"), [(98.5, True), (99, True), (99.5, False), (100, False)])
def test_a_guard_whose_time_is_over_freezes_nobody(armed, requests_mock, time, passed, freezes):
    requests_mock.post(ACTION, status_code=202, json=frozen())
    time.sleep(passed)
    if freezes:
        armed.freeze(DB, 5)
    else:
        with pytest.raises(FreezeFailed, match="guard's time was over"):
            armed.freeze(DB, 5)


@pytest.mark.parametrize(
    "answer", [frozen(until=99), frozen(until=101), frozen(token="another"), quiesce("none"), quiesce("quiescing", until=at(100), token=TOKEN)]
)
def test_a_freeze_that_is_not_what_was_asked_for_is_none(armed, requests_mock, answer):
    requests_mock.post(ACTION, status_code=202, json=answer)
    with pytest.raises(FreezeFailed, match=r"did not freeze server db \(id-db\) as it was asked to"):
        armed.freeze(DB, 5)


def test_a_freeze_whose_answer_is_lost_is_found_and_not_asked_for_again(armed, requests_mock):
    action = requests_mock.post(ACTION, exc=requests.exceptions.ConnectionError)
    requests_mock.get(SHOW, json=frozen())
    armed.freeze(DB, 5)
    assert action.call_count == 1


@pytest.mark.parametrize("shown", [ended(), frozen(until=90)])
def test_a_freeze_that_was_found_otherwise_than_it_was_asked_for_is_none(armed, requests_mock, shown):
    action = requests_mock.post(ACTION, exc=requests.exceptions.ConnectionError)
    requests_mock.get(SHOW, json=shown)
    with pytest.raises(FreezeFailed, match="did not freeze"):
        armed.freeze(DB, 5)
    assert action.call_count == 1


def test_a_freeze_of_which_nova_knows_nothing_is_asked_for_again_in_what_is_left_of_its_time(armed, requests_mock, time, passing):
    def unavailable(request, context):
        time.sleep(2)
        context.status_code = 503

    action = requests_mock.post(ACTION, [{"text": unavailable}, {"status_code": 202, "json": frozen()}])
    armed.freeze(DB, 5)
    assert [request.timeout for request in action.request_history] == [(5, 5), (3, 3)]
    assert passing.pauses == [0.5]


def test_a_freeze_that_nova_does_not_answer_is_given_up_in_time(armed, requests_mock, passing):
    requests_mock.post(ACTION, status_code=503)
    with pytest.raises(CloudError):
        armed.freeze(DB, 5)
    assert passing.pauses == [0.5, 1.0, 2.0]


def test_a_thaw_names_its_freeze_and_tells_that_it_had_held(holding, requests_mock):
    action = requests_mock.post(ACTION, status_code=202, json=ended())
    assert holding.thaw(DB).interrupted is None
    assert action.last_request.json() == {"unquiesce": {"token": TOKEN}}
    assert action.last_request.timeout == (6, 6)
    assert holding.disarm_guard(DB) is False


@pytest.mark.parametrize(
    ("outcome", "intact", "interrupted", "fired"),
    [
        ("unquiesced", False, "its guest agent was not frozen any more when it was to be thawed", False),
        ("expired", False, "Nova's guard had thawed it before, or its guest could not hold the freeze", True),
        ("expired", True, "Nova's guard had thawed it before, or its guest could not hold the freeze", True),
        ("restarted", False, "it was restarted while it was frozen", False),
        ("stopped", False, "it was switched off while it was frozen", False),
        ("unknown", False, "Nova never froze it", False),
    ],
)
def test_a_freeze_that_did_not_hold_is_told_of(holding, requests_mock, outcome, intact, interrupted, fired):
    requests_mock.post(ACTION, status_code=202, json=ended(outcome, intact))
    assert holding.thaw(DB).interrupted == interrupted
    assert holding.disarm_guard(DB) is fired


def test_intact_is_only_what_is_true(holding, requests_mock):
    requests_mock.post(ACTION, status_code=202, json=ended(intact="yes"))
    assert holding.thaw(DB).interrupted


def test_a_server_that_another_run_holds_is_left_to_it(holding, requests_mock):
    action = requests_mock.post(ACTION, **conflict("is held by another freeze"))
    for state in ("quiesced", "quiescing", "unquiescing"):
        requests_mock.get(SHOW, json=quiesce(state, token="another", until=at(50)))
        assert "frozen by somebody else now" in holding.thaw(DB).interrupted
    assert all(request.json() == {"unquiesce": {"token": TOKEN}} for request in action.request_history)


@pytest.mark.parametrize("state", ["quiescing", "unquiescing"])
def test_a_thaw_that_nova_is_at_work_on_is_waited_for_and_not_asked_for_again(holding, requests_mock, time, state):
    action = requests_mock.post(ACTION, **conflict("busy"))
    requests_mock.get(SHOW, [{"json": quiesce(state, token=TOKEN, until=at(50))}, {"json": ended("expired", False)}])
    assert "guard" in holding.thaw(DB).interrupted
    assert action.call_count == 1
    # It is frozen meanwhile, so it is looked at often.
    assert time.seconds == 0.5


def test_a_thaw_that_a_late_freeze_may_follow_is_waited_for(holding, requests_mock):
    requests_mock.post(ACTION, status_code=202, json=quiesce("unquiescing", token=TOKEN, until=at(5)))
    requests_mock.get(SHOW, json=quiesce("unquiescing", token=TOKEN, until=at(5)))
    with pytest.raises(DrError, match="thaw of server db"):
        holding.thaw(DB)


def test_a_server_that_was_only_busy_is_asked_again(holding, requests_mock):
    requests_mock.post(ACTION, answers(conflict("busy"), ended()))
    requests_mock.get(SHOW, json=frozen())
    assert holding.thaw(DB).interrupted is None


@pytest.mark.parametrize("shown", [quiesce("none"), ended(token="another"), ended("something new")])
def test_a_server_of_whose_freeze_nova_does_not_say_that_it_ended_is_not_thawed(holding, requests_mock, shown):
    """Not even when it says that there is none: what was dropped was not seen thawed."""
    action = requests_mock.post(ACTION, **conflict("is not quiesced"))
    requests_mock.get(SHOW, json=shown)
    with pytest.raises(DrError, match="thaw of server db"):
        holding.thaw(DB)
    # As long as there is time, it is asked to see to it.
    assert action.call_count > 2


@pytest.mark.parametrize("status", [404, 500, 504])
def test_other_refusals_are_failures(holding, requests_mock, status):
    requests_mock.post(ACTION, status_code=status)
    with pytest.raises(CloudError):
        holding.thaw(DB)


def test_another_process_thaws_by_the_mark(driver, requests_mock):
    action = requests_mock.post(ACTION, status_code=202, json=ended())
    assert driver.thaw(server("db", metadata={"osdr_freeze": MARK})).interrupted is None
    assert action.last_request.json() == {"unquiesce": {"token": TOKEN}}


@pytest.mark.parametrize("metadata", [{}, {"osdr_freeze": "damaged"}])
def test_without_a_mark_whatever_freeze_there_is_is_ended(driver, requests_mock, metadata):
    action = requests_mock.post(ACTION, status_code=202, json=ended(token="req-1"))
    assert driver.thaw(server("db", metadata=metadata)).interrupted is None
    assert action.last_request.json() == {"unquiesce": None}


def test_without_a_mark_a_server_of_which_nova_knows_nothing_is_thawed_and_was_not_frozen(driver, requests_mock):
    requests_mock.post(ACTION, **conflict("is not quiesced"))
    requests_mock.get(SHOW, json=quiesce("none"))
    assert driver.thaw(DB).interrupted == "Nova never froze it"


def test_without_a_mark_what_somebody_else_holds_is_not_thawed(driver, requests_mock):
    requests_mock.post(ACTION, **conflict("is held by another freeze"))
    requests_mock.get(SHOW, json=frozen(token="another"))
    with pytest.raises(DrError, match="thaw of server db"):
        driver.thaw(DB)


def test_a_guard_that_is_disarmed_is_forgotten(holding, requests_mock):
    assert holding.disarm_guard(DB) is False
    action = requests_mock.post(ACTION, status_code=202, json=ended("expired", token="other"))
    holding.thaw(DB)
    assert action.last_request.json() == {"unquiesce": None}
    assert holding.disarm_guard(DB) is True
    assert holding.disarm_guard(DB) is False


def test_a_clock_at_the_end_of_time_arms_no_guard(holding, requests_mock):
    requests_mock.get(SHOW, json=quiesce("none", now="9999-12-31T23:59:59Z"))
    with pytest.raises(FreezeFailed, match="makes no sense"):
        holding.arm_guard(MARKED, 100)


NONSENSE = {
    "a page": {"text": "<html>Welcome</html>"},
    "nothing": {"text": ""},
    "null": {"json": None},
    "a list": {"json": []},
    "a text": {"json": "none"},
    "another object": {"json": {"server": {}}},
    "null inside": {"json": {"quiesce": None}},
    "a list inside": {"json": {"quiesce": []}},
    "no state": {"json": {"quiesce": {"now": at(0), "max_timeout": 300}}},
    "a state of another type": {"json": quiesce(["none"])},
    "a state of a dictionary": {"json": quiesce({})},
    "an unknown state": {"json": quiesce("thawed")},
    "no time": {"json": {"quiesce": {"state": "none", "max_timeout": 300}}},
    "a number for a time": {"json": quiesce("none", now=5)},
    "no time at all": {"json": quiesce("none", now="soon")},
    "a time without a zone": {"json": quiesce("none", now="2026-11-29T12:00:00")},
    "a limit that is no number": {"json": quiesce("none", max_timeout="300")},
    "no limit": {"json": quiesce("none", max_timeout=None)},
    "a limit of a boolean": {"json": quiesce("none", max_timeout=True)},
    "an end of a text": {"json": quiesce("none", last="unquiesced")},
    "an end of a list": {"json": quiesce("none", last=[1])},
    "an outcome of a list": {"json": ended(["unquiesced"])},
    "a token of a number": {"json": ended(token=5)},
    "a token of a dictionary": {"json": quiesce("quiesced", until=at(100), token={})},
    "an end in no time": {"json": quiesce("quiesced", until=None, token=TOKEN)},
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_an_answer_that_makes_no_sense_is_neither_a_freeze_nor_a_thaw_nor_an_end_of_the_module(holding, requests_mock, answer):
    shown = requests_mock.get(SHOW, status_code=200, **answer)
    action = requests_mock.post(ACTION, status_code=200, **answer)
    support = holding.probe(DB)
    assert "Server db (id-db) cannot be frozen" in support.problem
    assert (support.state, action.called) == (None, False)
    for act in (lambda: holding.arm_guard(MARKED, 100), lambda: holding.freeze(DB, 5), lambda: holding.thaw(DB)):
        with pytest.raises(DrError, match="id-db.*makes no sense"):
            act()
    requests_mock.post(ACTION, **conflict("busy"))
    with pytest.raises(DrError, match="makes no sense"):
        holding.thaw(DB)
    assert shown.call_count == 3


@pytest.mark.parametrize("status", [404, 500])
def test_what_stops_a_thaw_is_told_before(driver, requests_mock, status):
    requests_mock.get(SHOW, status_code=status)
    assert "Site 'primary' could not ask the quiesce API about server id-db" in driver.thaw_problem(DB)
    # How long a freeze may last does not matter for a thaw.
    requests_mock.get(SHOW, json=quiesce("none", max_timeout=1))
    assert driver.thaw_problem(DB) is None
