# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import DEPTHS, RECORDS, RESTORE, Proof
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import CONTAINER, location
from ansible_collections.osdr.openstack.tests.unit.support.proving import DATA, HERE, Proving

# Records


def test_records_are_proved_without_a_look_at_the_store():
    site = Proving(RECORDS)
    site.store.down = 10**6
    assert site.prove() == Proof()


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(
    ("name", "changes", "says"),
    [
        pytest.param("db", None, "Backup backup-db of volume volume-db is not available there", id="it is unknown"),
        pytest.param("older", None, "Backup backup-older of volume volume-db is not available there", id="its parent is unknown"),
        pytest.param("older", {"status": "error"}, "Backup backup-older of volume volume-db is not available", id="its parent failed"),
        pytest.param("db", {"status": "creating"}, "Backup backup-db of volume volume-db is not available", id="it is under way"),
        pytest.param("db", {"size": 2}, "It has another backup with id backup-db of volume volume-db", id="it has another size"),
        pytest.param("db", {"object_count": 5}, "It has another backup with id backup-db", id="it has other objects"),
    ],
)
def test_what_the_site_does_not_know_as_it_is_does_not_count(depth, name, changes, says):
    site = Proving(depth)
    del site.remote.by_id[f"backup-{name}"]
    if changes:
        site.remote.hold(name, **changes)
    with pytest.raises(CloudError, match=f"The copies at site 'remote' are incomplete. {says}"):
        site.prove()
    assert site.remote.calls == []


def test_a_backup_that_is_being_restored_is_there():
    site = Proving(RECORDS)
    site.remote.hold("db", status="restoring")
    assert site.prove() == Proof()


def test_all_that_is_wrong_is_told_at_once():
    site = Proving(RECORDS)
    site.remote.by_id.clear()
    with pytest.raises(CloudError, match="backup-older .*backup-db "):
        site.prove()


# Objects


def test_the_proof_is_of_the_backup_itself():
    site = Proving()
    proof = site.prove()
    assert proof.stored_bytes == sum(len(one) for name, one in site.store.containers[CONTAINER].items() if name.startswith(HERE.prefix))
    assert proof.inventory.startswith("sha256:")
    site.store.put(location("older"), (b"other", b"blocks"))
    assert site.prove() == proof
    site.store.put(HERE, (b"other", b"second block"))
    assert site.prove() != proof


@pytest.mark.parametrize("name", ["older", "db"])
def test_every_backup_of_the_chain_must_be_whole(name):
    site = Proving()
    lost = f"{location(name).prefix}-00002"
    del site.store.containers[CONTAINER][lost]
    with pytest.raises(CloudError, match=f"Backup backup-{name} in container 'backups', which volume volume-db needs: object {lost} is missing"):
        site.prove()


def test_many_problems_are_told_in_few_words():
    site = Proving()
    site.store.put(HERE, [bytes([number]) for number in range(20)])
    for name in [one for one in site.store.containers[CONTAINER] if one.startswith(f"{HERE.prefix}-")]:
        del site.store.containers[CONTAINER][name]
    with pytest.raises(CloudError) as raised:
        site.prove()
    assert str(raised.value).count("is missing") == 5


def test_an_object_that_is_listed_late_is_waited_for():
    site = Proving()
    content = site.store.containers[CONTAINER].pop(DATA)
    site.later(10, lambda: site.store.containers[CONTAINER].update({DATA: content}))
    site.prove()
    assert site.time.seconds == 10


def test_an_object_that_never_comes_is_not_waited_for_long():
    site = Proving()
    del site.store.containers[CONTAINER][DATA]
    with pytest.raises(CloudError, match="is missing"):
        site.prove()
    assert site.time.seconds == 30


def test_a_proof_of_the_content_is_dated_by_the_clock_of_the_site_that_restored():
    site, answered = Proving(RESTORE), time.monotonic()
    site.remote.cloud.clock.note_record("2126-01-01T12:00:00", answered, answered)
    assert site.prove().proved_at > "2100"
