# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.errors import CheckFailed
from ansible_collections.osdr.openstack.plugins.module_utils.group_snapshot import (
    Plan,
    ServerVolumes,
    Wanted,
    plan_present,
    quota_problems,
    state_problems,
    survey,
)
from ansible_collections.osdr.openstack.plugins.module_utils.records import Quota
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils.fakes import server, snapshot, volume

SEALED = {"osdr_set": "{}"}


def wanted(**changes):
    members = (
        ServerVolumes(server("orders"), "database", (volume("orders"), volume("shared"))),
        ServerVolumes(server("payments", **changes), "database", (volume("payments"), volume("shared"))),
    )
    application = Application("shop", (Tier("database", ("orders", "payments")),))
    return Wanted(application, "noon", "quiesced", members)


def whole():
    return [snapshot(name, metadata=SEALED) for name in ("orders", "payments", "shared")]


def test_a_volume_of_two_servers_is_snapshotted_once():
    assert [v.name for v in plan_present(wanted(), []).create] == ["orders", "shared", "payments"]


def test_a_whole_set_is_adopted():
    assert not plan_present(wanted(), whole()).changed


@pytest.mark.parametrize(
    "current",
    [
        pytest.param(whole()[:2], id="one is missing"),
        pytest.param([*whole()[:2], snapshot("shared", metadata={})], id="one was never sealed"),
        pytest.param([*whole()[:2], snapshot("shared", metadata=SEALED, status="error")], id="one failed"),
        pytest.param([*whole(), snapshot("former", metadata=SEALED)], id="one of a volume that is gone"),
    ],
)
def test_a_set_that_is_not_whole_is_taken_again(current):
    plan = plan_present(wanted(), current)
    assert plan.delete == tuple(current)
    assert len(plan.create) == 3


class Storage:
    class cloud:
        site = "primary"

    def __init__(self, **quotas):
        self._quotas = {name: Quota(name, *numbers) for name, numbers in quotas.items()}

    def quotas(self):
        return self._quotas


def test_quota_counts_what_is_deleted_first():
    plan = Plan(delete=tuple(whole()[:1]), create=tuple(wanted().volumes.values()))
    assert quota_problems(plan, Storage(snapshots=(10, 8), gigabytes=(-1, 500))) == []
    problems = quota_problems(plan, Storage(snapshots=(10, 9), gigabytes=(10, 9)))
    assert len(problems) == 2
    assert "quota 'snapshots' of the project on site 'primary' is 1 too small: 2 more are needed, 9 of 10" in problems[0]


def test_servers_and_volumes_in_no_state_for_it_are_named():
    assert state_problems(wanted()) == []
    assert state_problems(wanted(status="SHUTOFF")) == []
    assert "payments (id-payments) is PAUSED;" in state_problems(wanted(status="PAUSED"))[0]
    assert "ACTIVE (migrating)" in state_problems(wanted(task_state="migrating"))[0]


def test_a_server_without_volumes_is_named():
    application = Application("shop", (Tier("front", ("front",)),))
    storage = Storage()
    storage.volumes = list
    with pytest.raises(CheckFailed, match=r"Server front \(id-front\) has no volumes"):
        survey(application, {"front": server("front", volumes=())}, storage)
