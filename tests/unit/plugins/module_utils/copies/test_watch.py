# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.watch import BackupWatch
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import WaitTimeout
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import CONTAINER, FakeSwift, location
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime, backup

STALL = 60


def under_way(name, begun=True, **changes):
    return backup(name, **{"status": "creating", "container": CONTAINER if begun else "", **changes})


class Watched:
    """Backups that are watched every second."""

    def __init__(self, store="the store"):
        self.time = FakeTime()
        self.store = FakeSwift(objects={}) if store == "the store" else store
        self.watch = BackupWatch(self.store, STALL, self.time.clock)

    def store_more(self, name, size):
        objects = self.store.containers[CONTAINER]
        objects[f"{location(name).prefix}-{len(objects):05}"] = b"." * size

    def see(self, seconds, *backups, meanwhile=lambda second: None):
        for second in range(seconds):
            self.watch.see(backups)
            self.time.sleep(1)
            meanwhile(second)


def test_what_nobody_begins_is_told():
    watched = Watched()
    watched.see(STALL, under_way("db", begun=False))
    with pytest.raises(WaitTimeout, match="Backup backup-db of volume volume-db was not begun by any backup service for 60 s") as raised:
        watched.see(1, under_way("db", begun=False))
    assert raised.value.as_result() == {"code": "timeout", "resource_type": "backup", "resource_id": "backup-db"}


def test_what_is_not_begun_waits_for_what_is_and_then_has_its_own_time():
    watched = Watched()
    grow = {"meanwhile": lambda second: watched.store_more("front", 1)}
    watched.see(5 * STALL, under_way("front"), under_way("db", begun=False), **grow)
    watched.see(STALL - 1, under_way("db", begun=False))
    with pytest.raises(WaitTimeout, match="backup-db .*was not begun"):
        watched.see(1, under_way("db", begun=False))


def test_being_begun_is_getting_on():
    watched = Watched()
    watched.see(STALL - 1, under_way("db", begun=False))
    watched.see(STALL, under_way("db"))


def test_a_full_backup_must_store_more():
    watched = Watched()
    watched.see(3 * STALL, under_way("db"), meanwhile=lambda second: watched.store_more("db", 1))
    with pytest.raises(WaitTimeout, match="backup-db of volume volume-db has stored nothing more for 60 s"):
        watched.see(STALL + 11, under_way("db"))


def test_what_another_backup_stores_does_not_count():
    watched = Watched()
    with pytest.raises(WaitTimeout, match="backup-db "):
        watched.see(2 * STALL, under_way("db"), under_way("front"), meanwhile=lambda second: watched.store_more("front", 1))


@pytest.mark.parametrize(
    ("store", "changes"),
    [
        pytest.param("the store", {"is_incremental": True}, id="an increment, which reads what has not changed"),
        pytest.param(None, {}, id="in a store that cannot be looked at"),
    ],
)
def test_whether_some_get_on_cannot_be_told(store, changes):
    Watched(store).see(5 * STALL, under_way("db", **changes))


def test_a_store_that_does_not_answer_for_a_while_ends_nothing():
    watched = Watched()
    watched.store_more("db", 7)
    watched.see(1, under_way("db"))
    watched.store.down = 3
    watched.see(31, under_way("db"))
    assert watched.watch.stored == 7
    watched.store_more("db", 7)
    watched.see(STALL, under_way("db"))
    assert watched.watch.stored == 14


def test_a_store_is_not_asked_all_the_time():
    watched = Watched()
    watched.see(30, under_way("db"))
    assert watched.store.listings == 3


def test_what_has_ended_still_counts():
    watched = Watched()
    watched.store_more("db", 5)
    watched.store_more("front", 6)
    watched.see(1, under_way("db"), under_way("front"))
    watched.see(20, under_way("front"))
    assert watched.watch.stored == 11


def test_where_nothing_is_under_way_nothing_is_asked_of_a_backup():
    watched = Watched()
    watched.see(2 * STALL)
    assert (watched.watch.stored, watched.store.listings) == (0, 0)


@pytest.mark.parametrize(("seconds", "listings"), [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_the_store_is_looked_at_every_ten_seconds(seconds, listings):
    watched = Watched()
    watched.see(seconds, under_way("db"))
    assert watched.store.listings == listings


def test_what_is_not_begun_is_not_looked_for():
    """Without a container it would be the whole account that is listed."""
    watched = Watched()
    watched.see(1, under_way("db", begun=False))
    assert watched.store.listings == 0


def test_what_goes_to_no_container_of_the_store_is_not_expected_there():
    """Backups of other drivers than Swift's."""
    watched = Watched()
    watched.see(10 * STALL, under_way("db", container="of/posix"))
    assert watched.watch.stored == 0
