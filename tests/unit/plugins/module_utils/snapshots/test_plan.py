# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.evidence import Evidence, ServerEvidence, SetEvidence, SnapshotEvidence
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import INDIVIDUAL
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.plan import SnapshotPlan, plan_present
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import ServerVolumes, Wanted
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server, snapshot, volume

NOON = "2026-11-22T12:00:00.000Z"
NAMES = ("orders", "payments")


def wanted(**tokens):
    """A set of two servers, each under the mark of its token if there is one."""
    marks = {name: {"osdr_freeze": json.dumps({"driver": "libvirt", "until": NOON, "token": tokens[name]})} if name in tokens else {} for name in NAMES}
    members = tuple(ServerVolumes(server(name, metadata=marks[name]), "database", (volume(name),)) for name in NAMES)
    return Wanted(Application("shop", (Tier("database", NAMES),)), "noon", "quiesced", members)


def awaiting(**tokens):
    """The snapshots of a set that awaits the thaws of these freezes; its other servers are quiesced."""
    servers = {
        f"id-{name}": ServerEvidence(f"id-{name}", "crash", "", "quiesced", {"token": tokens[name]})
        if name in tokens
        else ServerEvidence(f"id-{name}", "quiesced", "", None, {})
        for name in NAMES
    }
    one = SnapshotEvidence(NOON, NOON, INDIVIDUAL, None, "")
    evidence = Evidence(SetEvidence("crash", NOON, None, 0), servers, {f"volume-{name}": one for name in NAMES})
    return [snapshot(name, metadata=evidence.metadata(f"volume-{name}", f"id-{name}")) for name in NAMES]


@pytest.mark.parametrize(
    ("now", "is_adopted"),
    [
        pytest.param({"orders": "t", "payments": "u"}, True, id="both stand"),
        pytest.param({"orders": "t", "payments": "v"}, False, id="one was replaced"),
        pytest.param({"orders": "t"}, False, id="one has ended"),
        pytest.param({}, False, id="both have ended"),
    ],
)
def test_a_set_that_awaits_a_thaw_is_adopted_as_long_as_the_freezes_stand(now, is_adopted):
    found = awaiting(orders="t", payments="u")
    assert plan_present(wanted(**now), found, is_confirmed=False).changed is not is_adopted
    assert not plan_present(wanted(**now), found, is_confirmed=True).changed


def test_only_the_freezes_that_are_awaited_have_to_stand():
    assert not plan_present(wanted(orders="t"), awaiting(orders="t"), is_confirmed=False).changed
    assert not plan_present(wanted(orders="t", payments="another"), awaiting(orders="t"), is_confirmed=False).changed
    assert not plan_present(wanted(), awaiting(), is_confirmed=False).changed


def test_a_server_that_is_no_part_of_the_application_any_more_is_not_waited_for():
    found = awaiting(orders="t", payments="u")
    less = wanted(orders="t")
    only = Wanted(less.application, "noon", "quiesced", (ServerVolumes(less.members[0].server, "database", (volume("orders"), volume("payments"))),))
    assert not plan_present(only, found, is_confirmed=False).changed


def test_a_plan_changes_something_when_it_deletes_or_creates():
    assert not SnapshotPlan((), ()).changed
    assert SnapshotPlan((), (volume("orders"),)).changed
    assert SnapshotPlan((snapshot("orders"),), ()).changed
    assert plan_present(wanted(), []).changed


def test_a_set_is_taken_again_once_a_volume_is_larger_than_its_snapshot():
    found = awaiting(orders="t", payments="u")
    sizes = [dataclasses.replace(one, size=size) for one, size in zip(found, (1, 2), strict=True)]
    assert not plan_present(wanted(), found).changed
    assert {one.id for one in plan_present(wanted(), sizes).create} == {"volume-orders", "volume-payments"}
