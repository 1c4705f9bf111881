# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.plan import (
    Sight,
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
    return plan_backups(wanted, Sight(**{**values, **changes}))


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


def test_the_zone_that_is_asked_for_is_the_one_that_must_hold_the_chain():
    local = WantedBackups("shop", "noon", full_every=3, availability_zone="local")
    assert not planned(chain(1), local).create[0].incremental
    assert planned(chain(1, availability_zone="local"), local).create[0].incremental


def test_a_new_backup_names_only_what_was_asked_for():
    (new,) = planned([]).create
    assert new.body(WANTED) == {"name": new.snapshot.name, "snapshot_id": "snapshot-db", "incremental": False, "metadata": MINE}
    assert new.body(WantedBackups("shop", "noon", 3, "local", "box")).items() >= {"availability_zone": "local", "container": "box"}.items()


@pytest.mark.parametrize(("status", "says"), [("backing-up", "was broken off"), ("error", "Take the snapshots anew")])
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
        pytest.param({"status": "creating"}, None, "it is creating. Run the same again when that has ended", id="under way"),
        pytest.param({}, {"status": "restoring"}, "it is restoring. Run the same again", id="a drill reads it"),
        pytest.param({"has_dependents": True}, {}, "others build on it. Give another id", id="built on"),
        pytest.param({}, {"metadata": {LABEL_KEY: "1:ab"}}, "a checkpoint of this id was published with it. Give another id", id="published"),
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
