# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, ConsistencyTooLow, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.modules import os_cg_snapshot
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import FakeCinder
from ansible_collections.osdr.openstack.tests.unit.support.fakes import group_snapshot, server, volume

NAMES = ("orders", "payments")
NOON = "2026-11-22T12:00:00.000Z"
SHOP = {"name": "shop", "tiers": [{"name": "database", "servers": list(NAMES)}]}


class Cloud:
    """A site with two servers of a volume each, as the module sees it.

    :param trouble: what goes wrong with the storage.
    """

    def __init__(self, monkeypatch, **trouble):
        self.servers = {name: server(name) for name in NAMES}
        self.cinder = FakeCinder(*(volume(name) for name in NAMES), **trouble)
        self.cinder.may_snapshot = lambda which: True
        nova = SimpleNamespace(
            resolve=lambda names, project_ids: {name: self.servers[name] for name in names},
            server=lambda server_id: self.servers[server_id.removeprefix("id-")],
        )
        monkeypatch.setattr(os_cg_snapshot, "connect", lambda params: "cloud")
        monkeypatch.setattr(os_cg_snapshot, "BlockStorage", lambda cloud: self.cinder)
        monkeypatch.setattr(os_cg_snapshot, "Compute", lambda cloud: nova)
        monkeypatch.setattr(os_cg_snapshot, "Waiter", lambda timeout, interval: self.cinder.waiter)

    def freeze(self, token="t", driver="libvirt"):
        mark = {"driver": driver, "until": "2999-01-01T00:00:00Z", "token": token, "requested": NOON, "frozen": NOON, "filesystems": 2}
        self.servers = {name: server(name, metadata={"osdr_freeze": json.dumps(mark)}) for name in NAMES}

    def thaw(self, token="t", intact=True):
        self.servers = {name: server(name) for name in NAMES}
        facts = {"freeze": token, "intact": intact, "interrupted": None, "thawed_at": "2026-11-22T12:00:09.000Z"}
        return {"servers": [{"id": f"id-{name}", **facts} for name in NAMES]}

    def run(self, check_mode=False, **changes):
        params = {
            "application": SHOP,
            "name": "noon",
            "state": "present",
            "consistency": None,
            "quiesce": None,
            "grouping": "auto",
            "group_type": None,
            "admin_cloud": None,
            "projects": [],
            "thaw": None,
            "concurrency": 4,
            "timeout": 60,
            **changes,
        }
        module = SimpleNamespace(params=params, check_mode=check_mode, warn=pytest.fail)
        job = os_cg_snapshot.Run(module, Interruption())
        return job.absent() if params["state"] == "absent" else job.present()


@pytest.fixture
def cloud(monkeypatch):
    return Cloud(monkeypatch)


def test_a_set_is_taken_once_and_removed_once(cloud):
    taken = cloud.run()
    assert taken["changed"]
    assert [one["strategy"] for one in taken["grouping"]] == ["consistent_group"]
    again = cloud.run()
    assert not again["changed"]
    assert again["cg_snapshot"] == taken["cg_snapshot"]
    assert cloud.run(state="absent")["changed"]
    assert not cloud.run(state="absent")["changed"]
    assert cloud.cinder.snapshots() == cloud.cinder.groups() == []


def back_up(cloud):
    """Cinder backs up one of the snapshots."""
    first = cloud.cinder.snapshots()[0]
    cloud.cinder._change(cloud.cinder._snapshots, first.id, status="backing-up")
    return first


def test_a_set_that_is_being_backed_up_is_adopted(cloud):
    taken = cloud.run()
    back_up(cloud)
    again = cloud.run()
    assert (again["changed"], again["cg_snapshot"]) == (False, taken["cg_snapshot"])


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_set_that_is_not_good_enough_is_not_touched_while_it_is_being_backed_up(cloud, check_mode):
    cloud.run()
    busy = back_up(cloud)
    before = cloud.cinder.snapshots()
    with pytest.raises(CheckFailed, match=f"Snapshot {busy.id} of volume {busy.volume_id} on site 'primary' is of a set that must be taken again"):
        cloud.run(check_mode, consistency="quiesced")
    assert cloud.cinder.snapshots() == before
    assert cloud.cinder.called("delete_group_snapshot") == []


def test_check_mode_changes_nothing_and_tells_the_groups(cloud):
    found = cloud.run(check_mode=True)
    assert (found["changed"], found["cg_snapshot"]) == (True, None)
    assert found["diff"]["after"]["grouping"] == found["grouping"]
    assert cloud.cinder.calls == []


def test_several_projects_are_for_administrators(cloud):
    with pytest.raises(InvalidInput, match="give admin_cloud"):
        cloud.run(projects=["p1", "p2"])


def test_grouping_is_told_as_it_was_done(monkeypatch):
    taken = Cloud(monkeypatch, refusing=["create_group"]).run()
    assert {one["strategy"] for one in taken["cg_snapshot"]["snapshots"]} == {"individual"}
    assert {one["strategy"] for one in taken["grouping"]} == {"individual"}


def test_a_run_that_fails_before_the_freeze_leaves_no_group(cloud, monkeypatch):
    def fail(*arguments):
        raise CloudError("The login is not renewed.")

    monkeypatch.setattr(os_cg_snapshot, "Seeing", fail)
    with pytest.raises(CloudError, match="not renewed"):
        cloud.run()
    assert len(cloud.cinder.called("create_group")) == 1
    assert cloud.cinder.groups() == []


def test_a_set_within_somebody_elses_freeze_is_completed_by_its_thaw(cloud):
    cloud.freeze()
    pending = cloud.run(consistency="quiesced")["cg_snapshot"]
    assert (pending["consistency"], {one["pending"] for one in pending["servers"]}) == ("crash", {"quiesced"})
    thaw = cloud.thaw()
    complete = cloud.run(consistency="quiesced", thaw=thaw)
    assert (complete["changed"], complete["cg_snapshot"]["consistency"]) == (True, "quiesced")
    assert not cloud.run(consistency="quiesced", thaw=thaw)["changed"]


def test_a_thaw_without_a_set_confirms_nothing(cloud):
    with pytest.raises(CheckFailed, match="There is no whole set of this name"):
        cloud.run(consistency="quiesced", thaw=cloud.thaw())


def test_a_thaw_that_does_not_confirm_enough_leaves_nothing(cloud):
    cloud.freeze()
    cloud.run(consistency="quiesced")
    with pytest.raises(ConsistencyTooLow):
        cloud.run(consistency="quiesced", thaw=cloud.thaw(intact=False))
    assert cloud.cinder.snapshots() == cloud.cinder.groups() == []


def test_a_set_that_awaits_the_thaw_of_a_former_freeze_is_taken_again_within_the_next(cloud):
    cloud.freeze("first")
    cloud.run(consistency="quiesced")
    # Whoever was to confirm it died.
    cloud.thaw("first")
    cloud.freeze("second")
    assert cloud.run(consistency="quiesced")["changed"]
    assert cloud.run(consistency="quiesced", thaw=cloud.thaw("second"))["cg_snapshot"]["consistency"] == "quiesced"


def test_the_remains_of_a_set_are_a_change_too(cloud):
    remains = group_snapshot("g", description=json.dumps({"osdr_application": "shop", "osdr_checkpoint": "noon"}), project_id="project")
    cloud.cinder._group_snapshots[remains.id] = remains
    assert cloud.run(state="absent")["changed"]
    assert cloud.cinder.group_snapshots() == []


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_server_that_an_earlier_run_left_paused_is_thawed_and_then_fit_for_it(cloud, monkeypatch, check_mode):
    class Quiescer:
        """Finds one server left paused, and thaws it."""

        compute = SimpleNamespace(cloud=SimpleNamespace(warm_up=lambda seconds: None))

        def __init__(self, *arguments):
            pass

        def resolve(self, application, project_ids):
            mark = json.dumps({"driver": "pause", "until": "2020-01-01T00:00:00Z", "token": "t"})
            return {**cloud.servers, "orders": server("orders", status="PAUSED", metadata={"osdr_freeze": mark})}

        def thaw_leftovers(self, servers):
            assert not check_mode
            return cloud.servers

        def choose(self, servers):
            return {}

        def members(self, application, servers, choices):
            return []

        def window(self, steps, interruption):
            return None

    monkeypatch.setattr(os_cg_snapshot, "Quiescer", Quiescer)
    options = {
        "driver": "pause",
        "admin_cloud": None,
        "libvirt_uri": None,
        "freeze_timeout": 5,
        "budget": 10,
        "guard_timeout": 20,
    }
    assert cloud.run(check_mode, quiesce=options, consistency="crash")["changed"]


def test_no_set_is_taken_under_the_word_for_the_newest_checkpoint(cloud):
    with pytest.raises(InvalidInput, match="cannot have the id 'latest'"):
        cloud.run(name="latest")
    assert cloud.run(name="latest", state="absent")["changed"] is False
