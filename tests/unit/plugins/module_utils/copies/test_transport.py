# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.copies.transport import COPY, EXTERNAL, MIRROR, SHARED, TRANSPORTS, RateLimit, Transport
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError, InvalidInput, NotFound, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import (
    CONTAINER,
    TwoSites,
    backup_objects,
    link,
    location,
)

HERE = location("db")
ONE, TWO = f"{HERE.prefix}-00001", f"{HERE.prefix}-00002"
ALL = [ONE, TWO, HERE.block_sums_name, HERE.list_name]


class Bringing(TwoSites):
    """A backup that the primary store has, and a way to bring it to the remote one."""

    def __init__(self, name=COPY, there=(), **effort):
        super().__init__()
        self.here, self.there = self.stores.primary, self.stores.remote
        self.here.put(HERE)
        if there:
            self.there.containers[CONTAINER] = {one: self.here.containers[CONTAINER][one] for one in there}
        self.transport = Transport(name, self.stores, dataclasses.replace(self.effort, **effort), self.progress)

    def deliver(self, *links):
        return self.transport.deliver(links or [link("db")])

    def come(self, *names, at):
        """The store's own engine brings objects at a second; the clock tells when."""
        sleep = self.time.sleep

        def passing(seconds):
            sleep(seconds)
            if self.time.seconds >= at:
                self.there.containers.setdefault(CONTAINER, {}).update({one: self.here.containers[CONTAINER][one] for one in names})

        self.time.sleep = passing
        self.transport = Transport(EXTERNAL, self.stores, dataclasses.replace(self.effort, clock=self.time.clock), self.progress)


def test_the_option_offers_all_transports():
    assert args.REPLICATION["transport"]["choices"] == [*TRANSPORTS, MIRROR]


# Bandwidth


@pytest.mark.parametrize("rate", [None, 0])
def test_without_a_limit_nobody_waits(rate):
    RateLimit(rate, Clock(now=lambda: 0.0, sleep=pytest.fail)).take(10**12)


def test_all_threads_together_stay_below_the_limit():
    delays = []
    limit = RateLimit(10, Clock(now=lambda: 0.0, sleep=delays.append))
    threads = [threading.Thread(target=limit.take, args=(20,)) for _number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(delays) == [2, 4, 6, 8]


def test_what_was_not_used_is_not_made_up_for():
    site = TwoSites()
    limit = RateLimit(10, site.time.clock)
    site.time.sleep(100)
    limit.take(20)
    limit.take(20)
    assert site.time.seconds == 104


def test_copying_keeps_to_the_limit():
    site = Bringing(bandwidth=10)
    site.deliver()
    assert site.time.seconds == pytest.approx(sum(map(len, site.here.containers[CONTAINER].values())) / 10)


# What is missing


def test_what_is_missing_is_told_once_for_chains_that_share_a_backup():
    site = Bringing(there=[ONE])
    missing = site.transport.missing([link("db"), link("db")])
    assert [one.wanted.name for one in missing] == [TWO, HERE.block_sums_name, HERE.list_name]
    assert [one.is_list for one in missing] == [False, False, True]


def test_in_a_shared_store_nothing_is_missing_nor_looked_at():
    site = TwoSites()
    transport = Transport(SHARED, None, site.effort, site.progress)
    foreign = link("db", service="cinder.backup.drivers.ceph.CephBackupDriver")
    assert (transport.missing([foreign]), transport.deliver([foreign])) == ([], 0)


def test_objects_that_cannot_be_found_are_told_with_a_way_out():
    site = Bringing()
    with pytest.raises(InvalidInput, match="Backup backup-db was made by the driver 'ceph'.* use transport: shared"):
        site.deliver(link("db", service="ceph"))


# Copying


def test_all_objects_are_copied_what_lists_them_last():
    site = Bringing()
    assert site.deliver() == 4
    assert site.there.containers == site.here.containers
    assert sorted(site.there.written[:-1]) == sorted(ALL[:-1])
    assert site.there.written[-1] == HERE.list_name
    size = sum(map(len, site.here.containers[CONTAINER].values()))
    assert site.progress.line.startswith("copying backups: 4 of 4 objects, ")
    assert (site.progress._done_bytes, site.progress._size) == (size, size)


def test_the_lists_of_a_whole_chain_come_after_all_other_objects():
    site = Bringing()
    older = location("older")
    site.here.put(older)
    site.deliver(link("older"), link("db", parent="older"))
    assert set(site.there.written[-2:]) == {HERE.list_name, older.list_name}


def test_what_is_there_is_not_copied_again():
    site = Bringing(there=ALL[:2])
    assert site.deliver() == 2
    assert site.there.written == ALL[2:]
    assert site.deliver() == 0
    assert site.there.written == ALL[2:]


def test_what_is_different_is_copied_over():
    site = Bringing(there=ALL)
    site.there.containers[CONTAINER][TWO] = b"another block"
    assert site.deliver() == 1
    assert site.there.containers == site.here.containers


def test_a_failed_copy_leaves_no_list_behind():
    site = Bringing()
    stream = site.here.stream

    def refuse(container, name, timeout):
        if name == TWO:
            raise NotFound("There is no object.", http_status=404)
        return stream(container, name, timeout)

    site.here.stream = refuse
    with pytest.raises(NotFound):
        site.deliver()
    assert HERE.list_name not in site.there.written
    site.here.stream = stream
    assert site.deliver() == 2
    assert site.there.containers == site.here.containers


def test_a_damaged_object_is_told_at_once_and_its_backup_is_named():
    site = Bringing()
    site.here.rotten[TWO] = b"second blocc"
    with pytest.raises(CloudError, match=f"Object {CONTAINER}/{TWO} on site 'primary' is damaged: .* Backup backup-db is unusable") as raised:
        site.deliver()
    assert not raised.value.may_pass
    assert site.time.seconds == 0
    assert TWO not in site.there.containers[CONTAINER]


@pytest.mark.parametrize("which", ["here", "there"])
def test_a_store_that_fails_for_a_while_is_borne(which):
    site = Bringing()
    store = getattr(site, which)
    make = site.there.ensure_container

    def fail_from_now_on(container):
        make(container)
        store.down = 5

    site.there.ensure_container = fail_from_now_on
    assert site.deliver() == 4
    assert site.there.containers == site.here.containers
    # Only what has arrived counts, not what was tried.
    assert site.progress._done_bytes == site.progress._size


def test_a_store_that_never_answers_again_ends_the_copying():
    site = Bringing()
    make = site.there.ensure_container

    def die(container):
        make(container)
        site.there.down = 10**6

    site.there.ensure_container = die
    with pytest.raises(DrError, match="3 of 3 operations failed: Site 'remote' does not answer"):
        site.deliver()
    # Everything of the first wave had its own time.
    assert site.time.seconds == 3 * 60


# A store that replicates itself


def test_all_objects_are_waited_for():
    site = Bringing(EXTERNAL)
    site.come(*ALL, at=30)
    assert site.deliver() == 0
    assert site.time.seconds == 30
    assert site.there.written == []


def test_what_has_come_already_is_not_waited_for():
    site = Bringing(EXTERNAL, there=ALL)
    assert site.deliver() == 0
    assert site.time.seconds == 0


def test_as_long_as_objects_come_it_does_not_stand_still():
    site = Bringing(EXTERNAL)
    for number, name in enumerate(ALL, 1):
        site.come(name, at=50 * number)
    site.deliver()
    assert site.time.seconds == 200
    assert site.progress.line.startswith("waiting for the store's own replication: 4 of 4 objects, ")


def test_a_replication_that_stands_still_names_the_container():
    site = Bringing(EXTERNAL)
    site.come(ONE, at=40)
    with pytest.raises(WaitTimeout, match="container 'backups' from site 'primary' to site 'remote' has stalled: for 60 s none of 3 missing"):
        site.deliver()
    assert site.time.seconds == 100
    # One has come, with all of its bytes and no more.
    assert (site.progress._done_steps, site.progress._done_bytes) == (1, len(site.here.containers[CONTAINER][ONE]))


def test_each_container_that_stands_still_is_named_once():
    site = Bringing(EXTERNAL)
    site.here.containers["archive"] = backup_objects(location("front"))
    with pytest.raises(WaitTimeout, match="of container 'archive', 'backups' from"):
        site.deliver(link("front", container="archive"), link("db"))


def failing_between(site, begin, end, status):
    """The remote store answers no listing for some seconds."""
    listed = site.there.objects

    def objects(container, prefix):
        if begin <= site.time.seconds < end:
            raise CloudError("Site 'remote' could not list.", http_status=status)
        return listed(container, prefix)

    site.there.objects = objects


def test_a_store_that_does_not_answer_for_a_while_is_asked_again():
    site = Bringing(EXTERNAL)
    site.come(*ALL, at=40)
    failing_between(site, 10, 50, status=503)
    assert site.deliver() == 0
    assert site.time.seconds == 50


def test_a_store_that_refuses_ends_the_waiting():
    site = Bringing(EXTERNAL)
    failing_between(site, 10, 50, status=403)
    with pytest.raises(CloudError, match="could not list"):
        site.deliver()
    assert site.time.seconds == 10


def test_a_store_that_does_not_answer_for_long_does_not_count_as_one_that_stands_still():
    site = Bringing(EXTERNAL)
    site.come(*ALL, at=70)
    failing_between(site, 5, 62, status=503)
    site.deliver()
    assert site.time.seconds == 70


@pytest.mark.parametrize("name", [COPY, EXTERNAL])
def test_stores_that_do_not_answer_at_first_are_asked_again_for_each_backup(name):
    site = Bringing(name)
    site.here.put(location("front"))
    site.come(*ALL, *backup_objects(location("front")), at=40) if name == EXTERNAL else None
    failing_between(site, 0, 30, status=503)
    site.deliver(link("db"), link("front"))
    assert site.there.containers[CONTAINER].keys() == site.here.containers[CONTAINER].keys()
