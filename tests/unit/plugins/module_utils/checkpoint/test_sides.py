# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a checkpoint of a project's servers lacks at either site, for the set of snapshots and for its copies."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Overview
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint import sides
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint.intended import IntendedCheckpoint
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint.sides import Side
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import Sampling
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Quota, marks
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Content
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.job import GroupingOptions, SnapshotJob
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.seeing import Seeing
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import Storages, Wanted, survey
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import FakeCinder
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeBackups, backup, server, volume

NAMES = ("orders", "payments")
SHOP = Application.parse({"name": "shop", "tiers": [{"name": "database", "servers": list(NAMES)}]})
NOON = marks("shop", "noon")


class Primary(FakeCinder):
    """A site with volumes, their snapshots and backups."""

    def __init__(self):
        super().__init__(*(volume(name) for name in NAMES))
        self.made = []

    def backups(self):
        return self.made

    def may_snapshot(self, which):
        return True


def earlier(name, evidence=None, copies=()):
    """An earlier checkpoint, as the catalogue reads it."""
    bare = SimpleNamespace(id=name)
    return SimpleNamespace(application=SHOP, checkpoint=SimpleNamespace(id=name, evidence=evidence or {}, bare=bare), copies=copies)


class Clouds:
    """Two sites, each with room for as many backups as are said."""

    def __init__(self, monkeypatch):
        self.primary, self.remote = Primary(), FakeBackups()
        self.servers = {name: server(name) for name in NAMES}
        self.remote.may_import = lambda: True
        self.room(primary=2, remote=2)
        self.earlier, self.site = [], None
        self.records = {"primary": None, "remote": None}
        monkeypatch.setattr(Delivery, "problems", lambda delivery, sites: [])

    def room(self, **room):
        for site, storage, made in (("primary", self.primary, self.primary.made), ("remote", self.remote, self.remote.by_id)):
            limits = {"backups": Quota("backups", room[site], len(made)), "backup_gigabytes": Quota("backup_gigabytes", -1, 0)}
            limits |= {name: Quota(name, room.get(name, -1), 0) for name in ("volumes", "gigabytes")}
            storage.quotas = lambda limits=limits: limits

    @property
    def wanted(self):
        return Wanted(SHOP, "noon", "crash", survey(SHOP, self.servers, Storages([self.primary])))

    def take(self):
        job = SnapshotJob(Storages([self.primary]), None, self.wanted, GroupingOptions("individual"), self.primary.waiter, 1)
        nova = SimpleNamespace(server=lambda server_id: server(server_id.removeprefix("id-")))
        job.snapshots.take(job.units(), None, Seeing(nova, self.wanted, 1), Interruption())

    def back_up(self, **changes):
        """Both sites know a backup of each snapshot."""
        for one in self.primary.snapshots():
            made = backup(one.volume_id, volume_id=one.volume_id, snapshot_id=one.id, **{"metadata": NOON, **changes})
            self.primary.made.append(made)
            self.remote.by_id[made.id] = made

    def catalogue(self, site):
        return SimpleNamespace(overview=lambda _name, keep: Overview(tuple(map(keep, self.earlier)), ()), active=lambda _name: self.records[site])

    def proved(self, volume_id, **content):
        """The volume's content was proved by an earlier checkpoint."""
        copy = SimpleNamespace(volume_id=volume_id, content=Content("2026-01-01T12:00:00.000Z", "earlier", **content))
        self.earlier = [earlier("earlier", copies=(copy,))]

    def problems(self, *arguments, **how):
        return self.judge(*arguments, **how).problems

    def judge(self, wanted=None, quiesce=None, depth="records", runs=2, at_once=1):
        delivery = Delivery("shared", depth, Sampling("noon", runs))
        intended = IntendedCheckpoint(SHOP, "noon", "crash", self.site, GroupingOptions("individual"), quiesce, delivery, 1, at_once)
        stores = SimpleNamespace(remote=SimpleNamespace(exists=True))
        sites = SimpleNamespace(primary=self.primary, exporting=self.primary, remote=self.remote, importing=self.remote, stores=stores)
        side = Side(sites, None, self.catalogue("primary"), self.catalogue("remote"))
        return side.judge(intended, self.wanted if wanted is None else wanted)


@pytest.fixture
def clouds(monkeypatch):
    return Clouds(monkeypatch)


def test_a_new_checkpoint_needs_room_at_both_sites(clouds):
    assert clouds.problems() == []
    clouds.room(primary=1, remote=0)
    first, second = clouds.problems()
    assert "'backups' of the project on site 'primary' is 1 too small" in first
    assert "'backups' of the project on site 'remote' is 2 too small" in second


def test_a_root_disk_that_is_no_volume_needs_no_room_for_backups_but_both_glances(clouds):
    clouds.servers = {name: server(name, boots_from_image=True, volumes=()) for name in NAMES}
    clouds.room(primary=0, remote=0)
    assert clouds.problems() == []
    glance = clouds.remote.cloud.connection.image
    glance.get = lambda *_args, **_options: glance._answered(lambda: glance._found("nothing"))
    (problem,) = clouds.problems()
    assert "Site 'remote' could not list images" in problem


def test_a_proof_of_content_needs_room_for_the_volumes_that_this_run_proves(clouds):
    clouds.room(primary=2, remote=4, volumes=1)
    assert clouds.problems(depth="restore", at_once=8) == []
    (problem,) = clouds.problems(depth="restore", at_once=8, runs=1)
    assert "'volumes' of the project on site 'remote' is 1 too small" in problem
    assert clouds.problems(depth="restore", runs=1) == []
    # A volume that was passed over twice has its turn, besides a new one.
    clouds.proved("volume-orders", passed_over=2)
    assert len(clouds.problems(depth="restore", at_once=8)) == 1


def test_what_was_backed_up_of_these_snapshots_needs_no_more_room(clouds):
    clouds.take()
    clouds.back_up()
    clouds.room(primary=2, remote=2)
    assert clouds.problems() == []


def test_what_is_replaced_gives_its_room(clouds):
    clouds.take()
    clouds.back_up()
    clouds.primary._snapshots.clear()
    clouds.room(primary=2, remote=2)
    assert clouds.problems() == []
    clouds.remote.by_id.clear()
    clouds.room(primary=2, remote=1)
    assert len(clouds.problems()) == 1


def test_backups_that_cannot_give_place_to_those_of_new_snapshots_are_told_before_they_are_taken(clouds):
    clouds.take()
    clouds.back_up(has_dependents=True)
    assert clouds.problems() == []
    clouds.primary._snapshots.clear()
    first, second = clouds.problems()
    assert "other backups build on it" in first
    assert "other backups build on it" in second


def window_of(seconds):
    """The evidence of a window."""

    def at(second):
        return f"2026-11-22T12:00:{second:02d}.000Z"

    return {
        "window": {"started": at(0), "ended": at(seconds)},
        "servers": [{"name": "orders", "requested_at": at(0), "frozen_at": at(1)}],
        "snapshots": [{"requested_at": at(1), "complete_at": at(2)}],
    }


def test_what_windows_of_the_last_checkpoints_took_is_learnt_on_the_way(clouds):
    clouds.earlier = [earlier(f"c{number}", window_of(10 + number)) for number in range(7)]
    clouds.earlier.insert(0, earlier("noon", window_of(50)))
    clouds.earlier.insert(1, earlier("of nobody frozen"))
    found = clouds.judge()
    # That of an interrupted run with the same id is replaced, and old ones tell little.
    assert [(one.checkpoint, one.thaw) for one in found.measured] == [(f"c{number}", 8 + number) for number in range(5)]
    assert found.answer == pytest.approx(0, abs=60)
    assert {one.id for unit in found.units for one in unit.volumes} == {f"volume-{name}" for name in NAMES}


def test_nothing_is_learnt_of_a_set_that_is_there(clouds):
    clouds.take()
    clouds.back_up()
    assert clouds.judge().answer is None


@pytest.mark.parametrize(("quiesce", "count"), [({"driver": "pause"}, 0), (None, 1)], ids=["the run thaws it", "the run freezes nobody"])
def test_what_a_dead_run_left_paused_does_not_end_the_next(clouds, quiesce, count):
    assert clouds.problems(quiesce=quiesce) == []
    mark = json.dumps({"driver": "pause", "until": "2020-01-01T00:00:00Z", "token": "t"})
    clouds.servers["orders"] = server("orders", status="PAUSED", metadata={"osdr_freeze": mark})
    assert len(clouds.problems(quiesce=quiesce)) == count


def test_no_checkpoint_is_taken_where_the_application_does_not_run(clouds):
    clouds.records["remote"] = ActiveRecord("shop", "elsewhere", "2026-01-01T12:00:00Z", "")
    assert clouds.problems() == [], "nobody asks"
    clouds.site = "primary"
    (problem,) = clouds.problems()
    assert "runs at site 'elsewhere'" in problem
    # The newer record counts, whichever catalogue has it.
    clouds.records["primary"] = ActiveRecord("shop", "primary", "2026-01-01T13:00:00Z", "")
    assert clouds.problems() == []


def test_a_project_without_servers_lacks_nothing_for_them(clouds):
    clouds.room(primary=0, remote=0)
    assert len(clouds.problems()) == 2
    assert clouds.problems(clouds.wanted.of_project("another")) == []


@pytest.mark.parametrize("admin", [None, "admin"])
def test_a_project_is_reached_by_its_own_options_at_both_sites(monkeypatch, admin):
    def cloud(name):
        return SimpleNamespace(site=name, project_id=f"project of {name}", clock=f"clock of {name}", setting=lambda _name: None)

    def connected(primary, accounts):
        return SimpleNamespace(primary=SimpleNamespace(cloud=primary), remote=SimpleNamespace(cloud=cloud(accounts)))

    monkeypatch.setattr(sides, "connect", lambda options: cloud(options["cloud"]))
    monkeypatch.setattr(sides, "connect_other", cloud)
    monkeypatch.setattr(sides, "Accounts", SimpleNamespace(parse=lambda options: options["remote_cloud"]))
    monkeypatch.setattr(sides, "Sites", SimpleNamespace(connect=connected))
    options = {"cloud": "ours", "remote_cloud": "remote-ours", "admin_cloud": admin, "container": "dr", "hmac_key": None}
    side = Side.connect(options)
    assert (side.project_id, side.remote_project_id) == ("project of ours", "project of remote-ours")
    assert side.clocks == ("clock of ours", "clock of remote-ours")
    assert (side.own.place, side.catalogue.place) == ("container 'dr' of site 'ours'", "container 'dr' of site 'remote-ours'")
    assert (side.admin and side.admin.cloud.site) == admin
