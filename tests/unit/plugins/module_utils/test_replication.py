# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.records import BackupRecord, marks
from ansible_collections.osdr.openstack.plugins.module_utils.replication import Wanted, parent_of, plan_backups
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils.fakes import backup, snapshot

WANTED = Wanted("shop", "noon", full_every=3)
MINE = marks("shop", "noon")
EARLIER = marks("shop", "morning")
KNOWN = {"backup-db"}


def chain(length):
    return [
        backup("db", id=f"backup-{n}", is_incremental=n > 0, data_timestamp=f"2026-01-01T0{n}:00:00") for n in range(length)
    ]


@pytest.mark.parametrize(
    ("backups", "incremental"),
    [
        pytest.param([], False, id="nothing to build on"),
        pytest.param(chain(1), True, id="a full one"),
        pytest.param(chain(2), True, id="a chain with room"),
        pytest.param(chain(3), False, id="the chain is full"),
        pytest.param([backup("db", size=2)], False, id="the volume was resized"),
        pytest.param([backup("db", status="error")], False, id="only a failed one"),
        pytest.param([backup("db", data_timestamp="2026-01-03T00:00:00")], False, id="only a newer one"),
        pytest.param([backup("db", is_incremental=True)], False, id="its full one is gone"),
        pytest.param([backup("other")], False, id="only of another volume"),
        pytest.param([backup("db", metadata=EARLIER)], True, id="one that the remote site knows"),
        pytest.param([backup("db", id="lost", metadata=EARLIER)], False, id="one that the remote site has lost"),
    ],
)
def test_incremental_where_there_is_a_chain_to_continue(backups, incremental):
    plan = plan_backups(WANTED, [snapshot("db")], backups, KNOWN)
    assert [new.incremental for new in plan.create] == [incremental]


def test_what_an_earlier_run_made_is_adopted():
    made = backup("db", metadata=MINE)
    plan = plan_backups(WANTED, [snapshot("db")], [made], KNOWN)
    assert (plan.create, plan.delete, plan.adopt) == ((), (), (made,))
    assert plan.finished == [made]


def test_one_under_way_is_adopted_but_not_finished():
    plan = plan_backups(WANTED, [snapshot("db")], [backup("db", metadata=MINE, status="creating")], KNOWN)
    assert not plan.create
    assert plan.finished == []


def test_a_failed_one_is_made_again():
    failed = backup("db", metadata=MINE, status="error")
    plan = plan_backups(WANTED, [snapshot("db")], [failed], KNOWN)
    assert plan.delete == (failed,)
    assert len(plan.create) == 1


def test_backups_of_another_checkpoint_are_left_alone():
    other = backup("db", metadata=marks("shop", "evening"), status="error")
    assert plan_backups(WANTED, [snapshot("db")], [other], KNOWN).delete == ()


def test_parent_is_read_from_the_record():
    def record(fields):
        return BackupRecord("driver", base64.b64encode(json.dumps(fields).encode()).decode())

    assert parent_of(record({"id": "b", "parent_id": "a"})) == "a"
    assert parent_of(record({"id": "a", "parent_id": None})) is None
