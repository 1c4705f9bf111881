# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import Quiescer
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.modules import os_server_quiesce
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeMarks, server

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


# A whole run

PARAMS = {
    "application": {"name": "shop", "tiers": [{"name": "database", "servers": ["orders"]}]},
    "driver": "auto",
    "admin_cloud": None,
    "libvirt_uri": "test:///",
    "consistency": "quiesced",
    "freeze_timeout": 5,
    "budget": 10,
    "guard_timeout": 20,
    "concurrency": 4,
}


def test_what_was_left_frozen_is_thawed_by_who_froze_it_however_long_ago(monkeypatch):
    """Nova would say that it had thawed the server before, whoever froze it."""
    drivers = {"nova": FakeDriver(interrupted={"orders": "Nova had thawed it before"}), "libvirt": FakeDriver()}
    drivers["libvirt"].frozen.add("id-orders")
    left = json.dumps({**MARK, "driver": "libvirt", "until": "2020-01-01T00:00:00Z"})
    metadata = {"id-orders": {"osdr_freeze": left}}

    class Left(Quiescer):
        """Finds one server that was left frozen."""

        def __init__(self, params, cloud, options, least, concurrency):
            self._options, self._least, self._concurrency = options, least, concurrency
            self._drivers = drivers
            for name, driver in drivers.items():
                driver.name = name
            self.compute = SimpleNamespace(
                set_metadata=lambda server_id, values: metadata[server_id].update(values),
                delete_metadata=lambda server_id, key: metadata[server_id].pop(key),
                server=lambda server_id: server("orders", metadata=metadata[server_id]),
            )

        def resolve(self, application):
            return {"orders": server("orders", metadata=dict(metadata["id-orders"]))}

    monkeypatch.setattr(os_server_quiesce, "connect", lambda params: None)
    monkeypatch.setattr(os_server_quiesce, "Quiescer", Left)
    module = SimpleNamespace(params={**PARAMS, "state": "unquiesced"}, check_mode=False)
    found = os_server_quiesce.run(module, Interruption())
    assert [(one["driver"], one["state"]) for one in found["quiesce"]["servers"]] == [("libvirt", THAWED)]
    assert not drivers["libvirt"].frozen
    assert metadata == {"id-orders": {}}
