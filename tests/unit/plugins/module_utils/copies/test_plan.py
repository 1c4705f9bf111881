# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import random

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.plan import (
    BackupSight,
    WantedBackups,
    adoptable,
    deletion_problems,
    plan_backups,
    snapshot_problems,
)
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.pieces import LABEL_KEY
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup, snapshot

WANTED = WantedBackups("shop", "noon", full_every=3)
MINE = marks("shop", "noon")
EARLIER = marks("shop", "morning")
KNOWN = {"backup-db", *(f"backup-{n}" for n in range(9))}


def mine(name, **changes):
    return backup(name, **{"metadata": EARLIER, "availability_zone": "nova", **changes})


def chain(length, **changes):
    return [
        mine("db", id=f"backup-{n}", is_incremental=n > 0, data_timestamp=f"2026-01-01T0{n}:00:00", **changes) for n in range(length)
    ]


def planned(backups, wanted=WANTED, **changes):
    values = {"snapshots": [snapshot("db")], "backups": backups, "known": KNOWN, "zones": {"volume-db": "nova"}}
    return plan_backups(wanted, BackupSight(**{**values, **changes}))


@pytest.mark.parametrize(
    ("backups", "incremental"),
    [
        pytest.param([], False, id="nothing to build on"),
        pytest.param(chain(1), True, id="a full one"),
        pytest.param(chain(2), True, id="a chain with room"),
        pytest.param(chain(3), False, id="the chain is full"),
        pytest.param([mine("db", size=2)], False, id="the volume was resized"),
        pytest.param([mine("db", status="error")], False, id="only a failed one"),
        pytest.param([mine("db", data_timestamp="2026-01-03T00:00:00")], False, id="only a newer one"),
        pytest.param([mine("db", is_incremental=True)], False, id="its full one is gone"),
        pytest.param([mine("other")], False, id="only of another volume"),
        pytest.param([mine("db", id="lost")], False, id="one that the remote site has lost"),
        pytest.param([mine("db", metadata={})], False, id="one of somebody else"),
        pytest.param([mine("db", metadata=marks("bank", "noon"))], False, id="one of another application"),
        pytest.param([*chain(1), mine("db", metadata={}, data_timestamp="2026-01-01T05:00:00")], False, id="somebody else's is newer"),
        pytest.param(chain(1, availability_zone="local"), False, id="one in another store"),
        pytest.param(chain(1, status="restoring"), False, id="the newest is being restored, so that Cinder would take another one"),
    ],
)
def test_incremental_where_there_is_a_chain_to_continue(backups, incremental):
    assert [new.incremental for new in planned(backups).create] == [incremental]


@pytest.mark.parametrize("odd", [0, 1], ids=["the full one", "the increment"])
@pytest.mark.parametrize(
    ("changes", "incremental"),
    [
        pytest.param({}, True, id="like the others"),
        pytest.param({"metadata": {}}, False, id="of somebody else"),
        pytest.param({"metadata": marks("bank", "morning")}, False, id="of another application"),
        pytest.param({"availability_zone": "local"}, False, id="in another store"),
        pytest.param({"id": "lost"}, False, id="lost at the remote site"),
    ],
)
def test_every_link_of_a_chain_has_to_be_ours_and_known(odd, changes, incremental):
    links = chain(2)
    links[odd] = dataclasses.replace(links[odd], **changes)
    for found in (links, links[::-1]):
        assert planned(found).create[0].incremental is incremental


@pytest.mark.parametrize(("restored", "incremental"), [(0, True), (1, False)], ids=["what it builds on", "the newest"])
def test_only_the_newest_has_to_be_at_hand(restored, incremental):
    links = chain(2)
    links[restored] = dataclasses.replace(links[restored], status="restoring")
    assert planned(links).create[0].incremental is incremental


def test_a_chain_begins_with_the_newest_full_one():
    full_again = mine("db", id="backup-5", data_timestamp="2026-01-01T05:00:00")
    assert planned([*chain(3), full_again]).create[0].incremental


@pytest.mark.parametrize("moment", ["2026-01-02T00:00:00", "2026-01-01T23:59:59"])
def test_only_what_is_older_than_the_snapshot_is_built_on(moment):
    (new,) = planned([mine("db", data_timestamp=moment)], snapshots=[snapshot("db", created_at="2026-01-02T00:00:00")]).create
    assert new.incremental is (moment < "2026-01-02")


def test_the_zone_that_is_asked_for_is_the_one_that_must_hold_the_chain():
    local = WantedBackups("shop", "noon", full_every=3, availability_zone="local")
    assert not planned(chain(1), local).create[0].incremental
    assert planned(chain(1, availability_zone="local"), local).create[0].incremental


def test_a_new_backup_names_only_what_was_asked_for():
    (new,) = planned([]).create
    assert new.body(WANTED) == {"name": new.snapshot.name, "snapshot_id": "snapshot-db", "incremental": False, "metadata": MINE}
    assert new.body(WantedBackups("shop", "noon", 3, "local", "box")).items() >= {"availability_zone": "local", "container": "box"}.items()


@pytest.mark.parametrize(("status", "says"), [("backing-up", "was interrupted"), ("error", "Retake the snapshots")])
def test_a_snapshot_that_cannot_be_backed_up_is_named(status, says):
    (problem,) = snapshot_problems(planned([], snapshots=[snapshot("db", status=status)]), "primary")
    assert "Snapshot snapshot-db" in problem
    assert says in problem


def test_what_an_earlier_run_made_is_adopted():
    made = backup("db", metadata=MINE)
    plan = planned([made])
    assert (plan.create, plan.delete, plan.adopt) == ((), (), (made,))
    assert plan.finished == [made]


def test_one_under_way_is_adopted_but_not_finished():
    plan = planned([backup("db", metadata=MINE, status="creating")])
    assert not plan.create
    assert plan.finished == []


def test_a_failed_one_is_made_again():
    failed = backup("db", metadata=MINE, status="error")
    plan = planned([failed])
    assert plan.delete == (failed,)
    assert len(plan.create) == 1


def stale(**changes):
    """A backup of this checkpoint, of a snapshot that was replaced."""
    return mine("db", **{"metadata": MINE, "snapshot_id": "snapshot-of-yesterday", **changes})


@pytest.mark.parametrize("status", ["available", "restoring", "creating"])
def test_a_backup_of_another_snapshot_is_of_another_moment(status):
    old = stale(status=status)
    plan = planned([old])
    assert (plan.adopt, plan.delete) == ((), (old,))
    assert [(new.snapshot.id, new.incremental) for new in plan.create] == [("snapshot-db", False)]


def test_what_is_about_to_go_is_not_built_on():
    old = stale(is_incremental=True, data_timestamp="2026-01-01T05:00:00")
    assert not planned([old]).create[0].incremental
    assert planned([*chain(1), old]).create[0].incremental


def test_only_volumes_whose_snapshots_were_replaced_are_backed_up_again():
    other = backup("other", metadata=MINE)
    plan = planned([stale(), other], snapshots=[snapshot("db"), snapshot("other")])
    assert plan.adopt == (other,)
    assert [new.snapshot.volume_id for new in plan.create] == ["volume-db"]


def test_what_is_yet_to_be_taken_has_no_backup():
    found = backup("db", metadata=MINE)
    assert adoptable([found], {"volume-db": "snapshot-db"}) == adoptable([found], {}) == [found]
    assert adoptable([found], {"volume-db": ""}) == []


@pytest.mark.parametrize(
    ("changes", "record", "says"),
    [
        pytest.param({}, {}, None, id="nothing needs it"),
        pytest.param({"status": "error"}, None, None, id="it failed and the remote site never knew it"),
        pytest.param({"status": "creating"}, None, "it is creating. Re-run when that has ended", id="under way"),
        pytest.param({}, {"status": "restoring"}, "it is restoring. Re-run", id="a drill reads it"),
        pytest.param({"has_dependents": True}, {}, "other backups build on it. Give another id", id="built on"),
        pytest.param({}, {"metadata": {LABEL_KEY: "1:ab"}}, "a checkpoint with this id was published with it. Give another id", id="published"),
    ],
)
def test_a_backup_that_has_to_give_place_and_cannot_is_told(changes, record, says):
    there = [] if record is None else [stale(**record)]
    found = deletion_problems([stale(**changes)], "primary", there)
    assert [says in one for one in found] == ([True] if says else [])
    assert all(one.startswith("Backup backup-db of volume volume-db on site 'primary'") for one in found)


def test_backups_of_another_checkpoint_are_left_alone():
    other = backup("db", metadata=marks("shop", "evening"), status="error")
    assert planned([other]).delete == ()


# By chance


class Chance:
    """A project in which ours, other tools and the other direction have backups of two volumes, as chance made them."""

    VOLUMES = ("volume-db", "volume-web", "volume-away")
    METADATA = (MINE, EARLIER, marks("bank", "noon"), {}, {"osdr_application": "shop"}, {"osdr_checkpoint": "noon"})

    def __init__(self, seed):
        self._random = random.Random(seed)
        self.snapshots = [snapshot("db", created_at="2026-01-01T05:00:00"), snapshot("web", created_at="2026-01-01T05:00:00")]
        self.backups = [self._backup(number) for number in range(self._random.randrange(9))]
        self.known = {one.id for one in self.backups if self._random.random() < 0.8}
        self.plan = planned(self.backups, snapshots=self.snapshots, known=self.known, zones=dict.fromkeys(self.VOLUMES, "nova"))

    def _backup(self, number):
        volume = self._random.choice(self.VOLUMES)
        metadata = self._random.choice(self.METADATA)
        ours = snapshot(volume.removeprefix("volume-")).id
        return backup(
            str(number),
            volume_id=volume,
            snapshot_id=self._random.choice([ours, "of yesterday", None]),
            status=self._random.choice(["available"] * 4 + ["restoring", "creating", "error", "deleting"]),
            is_incremental=self._random.random() < 0.5,
            data_timestamp=f"2026-01-01T0{self._random.randrange(8)}:00:0{number}",
            availability_zone=self._random.choice(["nova"] * 4 + ["local"]),
            metadata=metadata,
        )

    def is_of_this_checkpoint(self, one):
        return one.metadata == MINE and one.volume_id != "volume-away"

    def chain_of(self, new):
        """What Cinder would build on, the newest first: the newest of what is left that is whole and older than the snapshot."""
        left = [
            one
            for one in self.backups
            if one not in self.plan.delete and one.volume_id == new.snapshot.volume_id and one.data_timestamp < new.snapshot.created_at
        ]
        usable = sorted((one for one in left if one.status in ("available", "restoring")), key=lambda one: one.data_timestamp, reverse=True)
        parent = max((one for one in left if one.status == "available"), key=lambda one: one.data_timestamp, default=None)
        below = usable[usable.index(parent) :] if parent else []
        full = next((number for number, one in enumerate(below) if not one.is_incremental), None)
        return below[: full + 1] if full is not None else []


WORLDS = 400


def test_nothing_of_others_is_adopted_deleted_or_built_on():
    for seed in range(WORLDS):
        judge(Chance(seed))


def judge(world):
    plan = world.plan
    assert all(world.is_of_this_checkpoint(one) for one in (*plan.delete, *plan.adopt))
    assert not {one.id for one in plan.delete} & {one.id for one in plan.adopt}
    assert sorted([*(one.volume_id for one in plan.adopt), *(new.snapshot.volume_id for new in plan.create)]) == ["volume-db", "volume-web"]
    for new in plan.create:
        if new.incremental:
            links = world.chain_of(new)
            assert links
            assert {one.metadata.get("osdr_application") for one in links} == {"shop"}
            assert {one.availability_zone for one in links} == {"nova"}
            assert {one.id for one in links} <= world.known
            assert len(links) < WANTED.full_every


def test_chance_makes_chains_that_are_continued_and_backups_of_others():
    worlds = [Chance(seed) for seed in range(WORLDS)]
    assert sum(new.incremental for world in worlds for new in world.plan.create) > 20
    assert sum(bool(world.plan.delete) for world in worlds) > 20
    assert sum(bool(world.plan.adopt) for world in worlds) > 20
