# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, ResourceFailed
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Pool
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import CONSISTENT_GROUP, INDIVIDUAL
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.job import GroupingOptions, SnapshotJob
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.seeing import Seeing
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import Storages, Wanted, survey
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import FakeCinder
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server, volume

SHOP = Application("shop", (Tier("database", ("orders", "payments")),))
SERVERS = {name: server(name) for name in ("orders", "payments")}
NOVA = SimpleNamespace(server=lambda server_id: server(server_id.removeprefix("id-")))


class Job(SnapshotJob):
    """A set of two servers' volumes in one project, taken without a freeze."""

    def __init__(self, policy="auto", **trouble):
        self.cinder = FakeCinder(*(volume(name) for name in SERVERS), **trouble)
        self.cinder.may_snapshot = lambda which: True
        storages = Storages([self.cinder])
        wanted = Wanted(SHOP, "noon", "crash", survey(SHOP, SERVERS, storages))
        super().__init__(storages, None, wanted, GroupingOptions(policy), self.cinder.waiter, 4)
        self._seeing = Seeing(NOVA, wanted, 4)

    def run(self):
        with self.whole_or_nothing(Interruption()):
            return self.snapshots.take(self.prepare(self.units()), None, self._seeing, Interruption())

    def is_clean(self):
        return not self.cinder.snapshots() and not self.cinder.group_snapshots() and not self.cinder.groups()


def strategies(evidence):
    return {one.strategy for one in evidence.snapshots.values()}


def test_a_set_of_a_group_is_taken_adopted_and_removed():
    job = Job()
    assert strategies(job.run()) == {CONSISTENT_GROUP}
    assert not job.plan(is_confirmed=False).changed
    assert {one.group_id for one in job.cinder.volumes()} == {job.cinder.groups()[0].id}
    job.delete()
    assert job.is_clean()
    assert {one.group_id for one in job.cinder.volumes()} == {None}


def test_groups_are_looked_at_often_since_the_set_waits_for_them():
    job, pauses = Job(), []
    sleep = job.cinder.time.sleep
    job.cinder.time.sleep = lambda seconds: (pauses.append(seconds), sleep(seconds))[1]
    job = SnapshotJob(Storages([job.cinder]), None, job._wanted, GroupingOptions("auto"), job.cinder.waiter, 4)
    job.prepare(job.units())
    assert set(pauses) == {0.5}


def test_a_group_serves_the_next_set_too():
    job = Job()
    job.run()
    job.snapshots.delete()
    job.run()
    assert len(job.cinder.called("create_group")) == 1


def test_a_set_that_fails_leaves_neither_snapshots_nor_groups():
    job = Job(failing=["volume-orders"])
    with pytest.raises(ResourceFailed, match="of volume volume-orders: error"):
        job.run()
    assert job.is_clean()


def test_what_fails_after_its_groups_are_made_leaves_none():
    job = Job()
    with pytest.raises(KeyError), job.whole_or_nothing(Interruption()):
        job.prepare(job.units())
        assert job.cinder.groups()
        raise KeyError("a question before the freeze")
    assert job.is_clean()


def test_a_group_that_is_refused_is_gone_without_unless_it_is_demanded():
    assert strategies(Job(refusing=["create_group"]).run()) == {INDIVIDUAL}
    demanding = Job("consistent", refusing=["create_group"])
    with pytest.raises(CloudError, match="Not allowed"):
        demanding.run()
    assert demanding.is_clean()


def test_all_problems_are_found_at_once():
    job = Job("consistent")
    assert job.problems(job.plan(is_confirmed=False), job.units()) == []
    job.cinder.pools = lambda: [Pool("host@ceph#pool", False)]
    job.cinder.may_snapshot = lambda which: False
    first, second = job.problems(job.plan(is_confirmed=False), job.units())
    assert "cannot be snapshotted as one consistent group" in first
    assert "may not take snapshots in project project" in second


def test_before_a_freeze_logins_are_renewed_and_the_question_of_the_freeze_is_tried():
    job, asked = Job(), []
    job.cinder.cloud.warm_up = asked.append
    job.cinder.creating_snapshots = lambda: asked.append("creating")
    job.warm_up(120)
    assert asked == [120, "creating"]
