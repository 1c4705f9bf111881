# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import random
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.cinder_backup import CinderBackup
from ansible_collections.osdr.openstack.plugins.module_utils.copies.method import Lack
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Busy, CloudError, ResourceFailed
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Copy
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeBackups, FakeCopies, backup, volume

METHOD = CinderBackup()
COPY = dataclasses.replace(shop.manifest().copies[0], copy_id="two", chain=("one", "two"))
FULL = dataclasses.replace(COPY, chain=("two",))


def there(**statuses):
    """Parts of the copy, per id."""
    return {one: backup(one, id=one, status=status) for one, status in statuses.items()}


def lack(one, state):
    return Lack(f"Backup {one}", state, "import its record again (os_backup_replicate)")


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param(there(one="available", two="available"), [], id="whole"),
        pytest.param(there(one="restoring", two="available"), [], id="being restored"),
        pytest.param(there(two="available"), [lack("one", "is missing")], id="what it builds on is gone"),
        pytest.param(there(one="available", two="creating"), [lack("two", "is creating")], id="not finished"),
        pytest.param(there(one="error"), [lack("one", "is error"), lack("two", "is missing")], id="nothing of it"),
    ],
)
def test_a_copy_needs_its_whole_chain(parts, expected):
    assert METHOD.lacks(COPY, parts) == expected


def test_messages_call_a_copy_by_its_backup():
    assert METHOD.label(COPY) == "backup two"


def test_what_others_may_need_is_no_carrier():
    assert (METHOD.needs(COPY), METHOD.carriers(COPY)) == (("one", "two"), ("two",))


# At a site


def test_backups_of_another_project_are_asked_for_one_by_one():
    mine, theirs = backup("mine", id="one"), backup("theirs", id="two")
    asked = []

    def find(backup_id):
        asked.append(backup_id)
        return {"two": theirs}.get(backup_id)

    storage = SimpleNamespace(backups=lambda: [mine], backup=find)
    elsewhere = dataclasses.replace(COPY, chain=("one", "nowhere", "two"))
    assert METHOD.look(storage, [elsewhere, COPY], 4) == [mine, theirs]
    assert sorted(asked) == ["nowhere", "two"]
    assert METHOD.look(storage, [], 4) == [mine]


class Cinder(FakeBackups):
    """Restores, or refuses to as long as a backup has this status."""

    def __init__(self, status=None):
        super().__init__(*([backup("two", id="two", status=status)] if status else []))
        self.made = []

    def create_volume_from_backup(self, backup_id, body):
        if getattr(self.backup(backup_id), "status", None) != "available":
            raise CloudError("Invalid backup.", http_status=400)
        self.made.append((backup_id, body))
        return "volume"

    def restore_backup(self, backup_id, volume_id):
        self.create_volume_from_backup(backup_id, volume_id)

    def create_empty_volume(self, body):
        self.made.append((None, body))
        return "empty volume"


def restore(act, storage):
    if act == "create":
        METHOD.create_volume(storage, FULL, {})
    else:
        METHOD.fill_volume(storage, COPY, volume("db"))


def test_a_volume_is_made_from_the_checkpoints_own_backup():
    storage = Cinder("available")
    assert not METHOD.fills(FULL)
    assert METHOD.create_volume(storage, FULL, {"name": "db"}) == "volume"
    assert storage.made == [("two", {"name": "db"})]


def test_an_increment_is_restored_to_a_volume_that_is_there():
    # To one that it makes itself, Cinder before 29.0.0 writes no zeros, and what became zeros keeps the older data.
    storage = Cinder("available")
    assert METHOD.fills(COPY)
    assert METHOD.create_volume(storage, COPY, {"name": "db"}) == "empty volume"
    METHOD.fill_volume(storage, COPY, volume("db", id="made"))
    assert storage.made == [(None, {"name": "db"}), ("two", "made")]


@pytest.mark.parametrize("act", ["create", "fill"])
def test_a_backup_that_is_being_restored_is_busy_and_no_failure(act):
    with pytest.raises(Busy, match="Invalid backup. Another restore of this backup is still running."):
        restore(act, Cinder("restoring"))


@pytest.mark.parametrize("act", ["create", "fill"])
@pytest.mark.parametrize("status", [None, "error", "creating"])
def test_a_backup_that_cannot_be_restored_is_a_failure(status, act):
    with pytest.raises(CloudError, match="Invalid backup") as raised:
        restore(act, Cinder(status))
    assert not isinstance(raised.value, Busy)


def test_only_the_backup_itself_is_marked():
    storage = FakeBackups(backup("one", id="one"), backup("two", id="two"))
    METHOD.mark(storage, storage.by_id["two"], {"osdr_manifest": "1:0"})
    assert [one.metadata for one in storage.backups()] == [backup("one").metadata, {"osdr_manifest": "1:0"}]


def test_a_deleted_backup_is_gone_when_the_site_knows_it_no_longer():
    one = backup("one")
    storage = FakeCopies("remote", [one])
    assert METHOD.is_gone(storage, one) is None
    METHOD.delete(storage, one)
    assert [METHOD.is_gone(storage, one) for _look in range(2)] == [None, True]


@pytest.mark.parametrize(
    ("status", "reason", "said"), [("error", "No store", "No store"), ("error_deleting", "", "error_deleting")]
)
def test_a_backup_that_will_not_go_is_told(status, reason, said):
    one = backup("one", status=status, fail_reason=reason)
    with pytest.raises(ResourceFailed, match=f"Backup backup-one of volume volume-one on site 'remote' could not be deleted: {said}.") as raised:
        METHOD.is_gone(FakeCopies("remote", [one]), one)
    assert raised.value.as_result() == {"code": "resource_failed", "resource_type": "backup", "resource_id": "backup-one"}


# What builds on what


def of_volume(number, volume="db", **changes):
    values = {"volume_id": volume, "data_timestamp": f"2026-01-01T0{number}", "is_incremental": number > 0, "has_dependents": True}
    return backup(f"{volume}-{number}", **{**values, **changes})


CHAIN = [of_volume(0), of_volume(1), of_volume(2, has_dependents=False)]


def test_an_increment_builds_on_all_down_to_the_full_one():
    assert METHOD.bases([CHAIN[2]], CHAIN) == {"backup-db-1", "backup-db-0"}
    assert METHOD.bases([CHAIN[0]], CHAIN) == set()


def test_what_nobody_builds_on_is_not_built_on():
    beside = of_volume(1, has_dependents=False)
    assert METHOD.bases([CHAIN[2]], [CHAIN[0], beside]) == {"backup-db-0"}


def test_only_what_is_older_and_of_the_same_volume_is_built_on():
    assert METHOD.bases([CHAIN[1]], [CHAIN[2], of_volume(0, "other")]) == set()
    assert METHOD.bases([CHAIN[1]], [*CHAIN, of_volume(1, id="same moment", data_timestamp=CHAIN[1].data_timestamp)]) == {"backup-db-0"}


def built_on(part, parts):
    """The same by looking at all, as somebody would explain it."""
    while part and part.is_incremental:
        older = [one for one in parts if one.volume_id == part.volume_id and one.has_dependents and one.data_timestamp < part.data_timestamp]
        part = max(older, key=lambda one: one.data_timestamp, default=None)
        if part:
            yield part.id


@pytest.mark.parametrize("seed", range(30))
def test_what_many_build_on_is_what_each_does(seed):
    dice = random.Random(seed)
    parts = [
        of_volume(
            number,
            dice.choice(("db", "front")),
            id=f"b{number}",
            is_incremental=dice.random() < 0.8,
            has_dependents=dice.random() < 0.7,
            data_timestamp=f"2026-01-01T{dice.randrange(12):02}:00:00",
        )
        for number in range(20)
    ]
    needing = dice.sample(parts, 5)
    assert METHOD.bases(needing, parts) == {base for one in needing for base in built_on(one, parts)}


@pytest.mark.parametrize(("count", "asked"), [(50, (50, [])), (51, (0, [True]))])
def test_of_others_few_are_asked_for_one_by_one_and_many_by_one_list(count, asked):
    theirs = {f"their-{number}": backup(f"their-{number}", id=f"their-{number}") for number in range(count)}
    single, lists = [], []

    class Storage:
        def backups(self):
            return [backup("ours")]

        def each_backup(self, everywhere=False):
            lists.append(everywhere)
            return iter([backup("ours"), *theirs.values(), backup("strange")])

        def backup(self, backup_id):
            single.append(backup_id)
            return theirs[backup_id]

    wanted = [Copy(f"volume-{one}", "cinder_backup", one, (one,), 1, False, 1) for one in theirs]
    assert [one.id for one in METHOD.look(Storage(), wanted, 1)] == ["backup-ours", *sorted(theirs, key=str if count == 50 else list(theirs).index)]
    assert (len(single), lists) == asked


def test_backups_of_one_volume_go_newest_first_and_those_of_others_beside():
    found = METHOD.removal_order([CHAIN[0], of_volume(3, "other"), CHAIN[2], CHAIN[1]])
    assert [[one.id for one in each] for each in found] == [["backup-other-3"], ["backup-db-2", "backup-db-1", "backup-db-0"]]
