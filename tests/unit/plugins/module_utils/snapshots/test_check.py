# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.core.consistency import LEVELS, satisfies
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Quota
from ansible_collections.osdr.openstack.plugins.module_utils.core.states import STATES, Treatment
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.check import (
    busy_problems,
    permission_problems,
    quota_problems,
    sharing_problems,
    state_problems,
)
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import CONSISTENT_GROUP, INDIVIDUAL, Unit
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.plan import SnapshotPlan
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import ServerVolumes, Storages, Wanted
from ansible_collections.osdr.openstack.tests.unit.support.fakes import (
    attached,
    server,
    snapshot,
    volume,
    volume_group,
)

ORDERS, PAYMENTS = volume("orders", project_id="p1"), volume("payments", project_id="p1")


def wanted(*volumes, least="quiesced", **changes):
    application = Application("shop", (Tier("database", ("orders",)),))
    members = (ServerVolumes(server("orders", **changes), "database", volumes or (volume("orders"),)),)
    return Wanted(application, "noon", least, members)


class Storage:
    """A project with quotas, in which one may snapshot or not."""

    def __init__(self, project_id="p1", may=True, **quotas):
        self.cloud = SimpleNamespace(site="primary", project_id=project_id)
        self.asked = []
        self._may = may
        self._quotas = {name: Quota(name, *numbers) for name, numbers in quotas.items()}

    def quotas(self):
        return self._quotas

    def may_snapshot(self, which):
        self.asked.append(which.id)
        return self._may


# States


def test_only_what_is_being_backed_up_cannot_give_place():
    busy = snapshot("orders", status="backing-up")
    (problem,) = busy_problems(SnapshotPlan((busy, snapshot("payments")), (ORDERS, PAYMENTS)), "primary")
    assert "Snapshot snapshot-orders of volume volume-orders on site 'primary'" in problem
    assert "Re-run when the backup finishes" in problem


def test_servers_and_volumes_in_no_state_for_it_are_named():
    assert state_problems(wanted()) == []
    assert state_problems(wanted(status="SHUTOFF")) == []
    assert "orders (id-orders) is RESCUE:" in state_problems(wanted(status="RESCUE"))[0]
    assert "ACTIVE (migrating)" in state_problems(wanted(task_state="migrating"))[0]
    assert "orders (volume-orders) is backing-up;" in state_problems(wanted(volume("orders", status="backing-up")))[0]
    assert state_problems(wanted(volume("orders", status="available"))) == []


def mark(**facts):
    """Made when the tests are collected, which may be long before they run."""
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=12)
    return {"osdr_freeze": json.dumps({"driver": "pause", "until": until.isoformat(), "token": "t", **facts})}


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        pytest.param({"metadata": mark(frozen="2026-11-22T12:00:00Z")}, 0, id="paused by us"),
        pytest.param({"metadata": mark()}, 1, id="not confirmed"),
        pytest.param({"metadata": mark(frozen="2026-11-22T12:00:00Z", thawing=True)}, 1, id="being unpaused"),
        pytest.param({"metadata": mark(frozen="2026-11-22T12:00:00Z"), "task_state": "unpausing"}, 1, id="something goes on"),
    ],
)
def test_a_paused_server_will_do_while_our_freeze_stands(changes, count):
    assert len(state_problems(wanted(status="PAUSED", **changes))) == count


@pytest.mark.parametrize(
    ("thaws", "changes", "count"),
    [
        pytest.param(True, {"metadata": mark(until="2020-01-01T00:00:00Z")}, 0, id="it will be thawed"),
        pytest.param(False, {"metadata": mark(until="2020-01-01T00:00:00Z")}, 1, id="nobody will thaw it"),
        pytest.param(False, {"metadata": mark(until="2020-01-01T00:00:00Z", frozen="2020-01-01T00:00:00Z")}, 1, id="nobody holds it any more"),
        pytest.param(True, {"metadata": mark()}, 1, id="its run may be under way"),
        pytest.param(True, {"metadata": mark(until="2020-01-01T00:00:00Z"), "task_state": "unpausing"}, 1, id="something goes on"),
    ],
)
def test_what_a_dead_run_left_paused_will_do_where_it_is_thawed_first(thaws, changes, count):
    problems = state_problems(wanted(status="PAUSED", **changes), thaws)
    assert len(problems) == count
    assert all("a freeze of another run has not been ended on it" in problem for problem in problems)


def test_what_was_suspended_while_it_was_frozen_is_frozen_in_its_memory():
    (problem,) = state_problems(wanted(status="SUSPENDED", metadata=mark(frozen="2026-11-22T12:00:00Z"), least="crash"), True)
    assert "orders (id-orders) is SUSPENDED: a freeze of another run has not been ended on it" in problem


@pytest.mark.parametrize("state", STATES, ids=lambda one: one.name)
@pytest.mark.parametrize("least", LEVELS)
def test_each_state_is_protected_or_refused_before_anything_is_frozen(state, least):
    problems = state_problems(wanted(status=state.name, least=least))
    assert bool(problems) is (state.treatment is Treatment.REFUSED or bool(state.level and not satisfies(state.level, least)))
    assert all(f"orders (id-orders) is {state.name}: it is {state.words}" in problem and state.remedy in problem for problem in problems)


def test_of_a_server_that_is_refused_the_volumes_are_not_blamed():
    reserved = volume("orders", status="reserved")
    (problem,) = state_problems(wanted(reserved, status="SHELVED_OFFLOADED"))
    assert "Unshelve it" in problem
    assert "is reserved; it must be in-use or available" in state_problems(wanted(reserved))[0]


@pytest.mark.parametrize(("least", "count"), [("quiesced", 1), ("paused", 1), ("crash", 0)])
def test_volumes_that_servers_outside_the_application_write_to_are_named(least, count):
    shared = volume("shared", attachments=attached("orders", "foreign"))
    problems = sharing_problems(wanted(shared, least=least))
    assert len(problems) == count
    assert all("shared (volume-shared) is also attached to server id-foreign" in problem for problem in problems)
    assert sharing_problems(wanted(volume("own", attachments=attached("orders")), least=least)) == []


# Quotas


def problems_of(plan, *storages, units=()):
    return quota_problems(plan, Storages(storages), units)


def creation(*volumes):
    return SnapshotPlan((), volumes)


def test_quota_counts_what_is_deleted_first():
    plan = SnapshotPlan((snapshot("orders", project_id="p1"),), (ORDERS, PAYMENTS, volume("front", project_id="p1")))
    assert problems_of(plan, Storage(snapshots=(10, 8), gigabytes=(-1, 500))) == []
    problems = problems_of(plan, Storage(snapshots=(10, 9), gigabytes=(10, 9)))
    assert len(problems) == 2
    assert "quota 'snapshots' of the project on site 'primary' is 1 too small: 2 more are needed, 9 of 10" in problems[0]


def test_quotas_are_those_of_each_project():
    plan = creation(ORDERS, volume("front", project_id="p2"))
    fine = problems_of(plan, Storage(snapshots=(1, 0)), Storage("p2", snapshots=(1, 0)))
    assert fine == []
    short = problems_of(plan, Storage(snapshots=(1, 0)), Storage("p2", snapshots=(1, 1)))
    assert len(short) == 1


def test_quotas_of_volume_types_count_too():
    plan = creation(ORDERS, volume("fast", project_id="p1", volume_type="ssd", size=5))
    quotas = {"snapshots": (-1, 0), "snapshots_ssd": (1, 1), "gigabytes_ssd": (10, 6), "snapshots_ceph": (1, 0)}
    problems = problems_of(plan, Storage(**quotas))
    assert [problem.partition("'")[2].partition("'")[0] for problem in problems] == ["snapshots_ssd", "gigabytes_ssd"]


def test_what_is_deleted_counts_for_its_volume_type():
    plan = SnapshotPlan((snapshot("orders", project_id="p1"),), (ORDERS,))
    assert problems_of(plan, Storage(snapshots_ceph=(1, 1), gigabytes_ceph=(1, 1))) == []


def test_only_groups_that_are_to_be_made_need_room():
    def unit(**changes):
        return Unit(CONSISTENT_GROUP, "b", (ORDERS, PAYMENTS), "it can", **changes)

    there = volume_group("there")
    full = Storage(groups=(10, 10))
    for fine in (unit(group=there, is_ours=True), unit(group=there), Unit(INDIVIDUAL, "b", (ORDERS,), "asked for")):
        assert problems_of(creation(ORDERS), full, units=[fine]) == []
    assert "quota 'groups'" in problems_of(creation(ORDERS), full, units=[unit(is_ours=True)])[0]


# Permissions


def test_projects_in_which_one_may_not_snapshot_are_named():
    allowed, refused = Storage("p1"), Storage("p2", may=False)
    plan = creation(*(volume(name, project_id=key) for name, key in (("a", "p1"), ("b", "p1"), ("c", "p2"))))
    problems = permission_problems(plan, Storages([allowed, refused]), 4)
    assert len(problems) == 1
    assert "project p2 on site 'primary'; they need the role member" in problems[0]
    assert len(allowed.asked) == 1


def test_only_volumes_in_use_can_tell_what_is_allowed():
    storage = Storage(may=False)
    assert permission_problems(creation(volume("free", project_id="p1", status="available")), Storages([storage]), 4) == []
    assert storage.asked == []
