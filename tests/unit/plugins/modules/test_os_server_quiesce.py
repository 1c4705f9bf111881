# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.freeze_window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce_driver import FROZEN, THAWED
from ansible_collections.osdr.openstack.plugins.modules import os_server_quiesce
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils.fakes import FakeDriver, FakeMarks, server

MARK = {"driver": "fake", "until": "2999-01-01T00:00:00Z", "token": "t", "frozen": "2026-11-22T12:00:00.000Z", "filesystems": 2}


def window(driver, metadata=None):
    members = [Member(server("orders", metadata=metadata or {}), "database", driver)]
    return FreezeWindow([members], Limits(30, 60, 120, 4), FakeMarks(), Interruption())


def shown(opened, target):
    return os_server_quiesce._server(opened.members[0], target)


def thawed(driver):
    adopted = window(driver, {"osdr_freeze": json.dumps(MARK)})
    adopted.adopt()
    adopted.close()
    return shown(adopted, THAWED)


def test_a_freeze_is_shown():
    opened = window(FakeDriver())
    opened.open()
    opened.publish()
    found = shown(opened, FROZEN)
    assert (found["state"], found["filesystems"], found["intact"], found["interrupted"]) == (FROZEN, 2, None, None)
    assert found["freeze"] == opened.members[0].mark.token
    assert found["requested_at"]
    assert found["frozen_at"]
    assert found["thawed_at"] is None


def test_a_thaw_is_shown_as_what_confirms_a_set():
    found = thawed(FakeDriver())
    assert (found["state"], found["freeze"], found["intact"], found["interrupted"]) == (THAWED, "t", True, None)
    assert found["thawed_at"]


def test_a_thaw_does_not_claim_to_know_when_the_freeze_was_confirmed():
    found = thawed(FakeDriver())
    assert (found["requested_at"], found["frozen_at"]) == (None, None)


@pytest.mark.parametrize(
    ("driver", "reason"),
    [
        (FakeDriver(interrupted={"orders": "it was rebooted"}), "it was rebooted"),
        (FakeDriver(fired=["orders"]), "the guard fired"),
        (FakeDriver(thawed_counts={"orders": 1}), "2 file systems were frozen and 1 thawed"),
    ],
)
def test_a_freeze_that_may_not_have_held_is_not_intact_and_says_why(driver, reason):
    found = thawed(driver)
    assert found["intact"] is False
    assert reason in found["interrupted"]


def test_where_there_was_nothing_to_do_nothing_is_claimed():
    found = shown(window(FakeDriver()), THAWED)
    assert (found["freeze"], found["intact"], found["thawed_at"]) == (None, None, None)
