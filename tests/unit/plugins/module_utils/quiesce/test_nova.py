# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver for Nova's quiesce API against the answers that the filter gives."""

from __future__ import annotations

import openstack
import pytest
import requests
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError, FreezeFailed
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.nova import NovaDriver
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

NOVA = "http://nova.example/v2.1"
SHOW = f"{NOVA}/servers/id-db/os-quiesce"
ACTION = f"{NOVA}/servers/id-db/action"
DB = server("db")


def quiesce(state, **more):
    return {"quiesce": {"state": state, "max_timeout": 300, **more}}


def conflict(message):
    return {"status_code": 409, "json": {"conflictingRequest": {"code": 409, "message": message}}}


@pytest.fixture
def driver(requests_mock):
    version = {"id": "v2.1", "status": "CURRENT", "version": "2.100", "min_version": "2.1", "links": [{"rel": "self", "href": NOVA}]}
    for url in (NOVA, f"{NOVA}/"):
        requests_mock.get(url, json={"version": version})
    connection = openstack.connect(auth_type="none", endpoint=NOVA, compute_endpoint_override=NOVA)
    return NovaDriver(Compute(Cloud(connection, "primary")), guard_timeout=120, thaw_timeout=1)


def test_a_site_without_the_api_is_named_with_the_role_that_helps(driver, requests_mock):
    requests_mock.get(SHOW, status_code=404)
    problem = driver.probe(DB).problem
    assert "Site 'primary' has no quiesce API" in problem
    assert "nova_quiesce_api" in problem


def test_credentials_that_may_not_are_named(driver, requests_mock):
    requests_mock.get(SHOW, status_code=403, json={"forbidden": {"code": 403, "message": "Policy doesn't allow it"}})
    assert "lack the permission" in driver.probe(DB).problem


def test_a_limit_below_the_guard_is_told(driver, requests_mock):
    requests_mock.get(SHOW, json=quiesce("none", max_timeout=60))
    assert "lower guard_timeout (120 s)" in driver.probe(DB).problem


@pytest.mark.parametrize(("state", "expected"), [("quiesced", FROZEN), ("quiescing", FROZEN)])
def test_a_frozen_server_is_not_probed(driver, requests_mock, state, expected):
    requests_mock.get(SHOW, json=quiesce(state))
    assert driver.probe(DB).state == expected


def test_a_server_that_nova_is_still_thawing_cannot_be_frozen(driver, requests_mock):
    requests_mock.get(SHOW, json=quiesce("unquiescing"))
    found = driver.probe(DB)
    assert "Server db (id-db) is still being thawed" in found.problem
    # Thus it is neither passed over to another driver nor taken for thawed.
    assert found.state == FROZEN


def test_the_agent_is_probed_within_the_time_of_a_freeze(driver, requests_mock):
    requests_mock.get(SHOW, json=quiesce("none"))
    action = requests_mock.post(ACTION, status_code=202, json=quiesce("none"))
    assert driver.probe(DB).state == THAWED
    assert action.last_request.json() == {"quiesce": {"probe": True, "timeout": 1}}


def test_an_agent_that_does_not_answer_is_told_of_its_server(driver, requests_mock):
    requests_mock.get(SHOW, json=quiesce("none"))
    requests_mock.post(ACTION, **conflict("QEMU guest agent is not connected"))
    assert "db (id-db)" in driver.probe(DB).problem
    assert "not connected" in driver.probe(DB).problem


def test_the_timeout_is_what_is_left_of_the_guard(driver, requests_mock):
    action = requests_mock.post(ACTION, status_code=202, json=quiesce("quiesced"))
    driver.arm_guard(DB, 100)
    assert driver.freeze(DB, 5) is None
    assert action.last_request.json() == {"quiesce": {"timeout": 99}}
    assert action.last_request.timeout == 5


def test_a_guard_whose_time_is_over_freezes_nobody(driver):
    driver.arm_guard(DB, 0)
    with pytest.raises(FreezeFailed, match="guard's time was over"):
        driver.freeze(DB, 5)


def test_a_lost_answer_is_not_asked_for_again(driver, requests_mock):
    action = requests_mock.post(ACTION, exc=requests.exceptions.ReadTimeout)
    driver.arm_guard(DB, 100)
    with pytest.raises(CloudError):
        driver.freeze(DB, 5)
    assert action.call_count == 1


@pytest.mark.parametrize(("intact", "fired"), [(True, False), (False, True)])
def test_a_thaw_tells_whether_the_freeze_had_held(driver, requests_mock, intact, fired):
    requests_mock.post(ACTION, status_code=202, json=quiesce("none", intact=intact))
    assert (driver.thaw(DB).interrupted is None) is intact
    assert driver.disarm_guard(DB) is fired


def test_what_nova_thawed_itself_is_a_freeze_that_did_not_hold(driver, requests_mock):
    requests_mock.post(ACTION, **conflict("is not quiesced"))
    requests_mock.get(SHOW, json=quiesce("none"))
    assert "Nova had thawed it" in driver.thaw(DB).interrupted


def test_a_thaw_that_nova_is_busy_with_is_waited_for(driver, requests_mock):
    requests_mock.post(ACTION, [conflict("busy"), {"status_code": 202, "json": quiesce("none", intact=True)}])
    requests_mock.get(SHOW, json=quiesce("quiescing"))
    assert driver.thaw(DB).interrupted is None


def test_a_thaw_that_does_not_come_is_a_failure(driver, requests_mock):
    requests_mock.post(ACTION, **conflict("busy"))
    requests_mock.get(SHOW, json=quiesce("unquiescing"))
    with pytest.raises(DrError, match="thaw of server db"):
        driver.thaw(DB)
