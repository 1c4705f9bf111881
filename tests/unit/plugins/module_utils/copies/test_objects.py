# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import dataclasses
import json
import re

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.object_store import StoredObject
from ansible_collections.osdr.openstack.plugins.module_utils.copies.objects import BackupObjects, inspect, listed_backups, problems_of, read_link, stored_bytes
from ansible_collections.osdr.openstack.plugins.module_utils.copies.transport import location_of
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import BackupRecord
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import (
    BLOCKS,
    CONTAINER,
    SWIFT,
    FakeSwift,
    backup_objects,
    facts_of,
    link,
    listing,
    location,
    record,
)
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup

HERE = location("db")
ONE, TWO = f"{HERE.prefix}-00001", f"{HERE.prefix}-00002"
LISTED = {ONE: facts_of(BLOCKS[0]), TWO: facts_of(BLOCKS[1])}


def encoded(text):
    return base64.b64encode(text.encode()).decode()


# Records


def test_a_record_tells_where_the_objects_are_and_what_it_builds_on():
    found = link("db", parent="older")
    assert (found.backup_id, found.parent_id, found.location) == ("backup-db", "backup-older", HERE)
    assert link("db").parent_id is None


@pytest.mark.parametrize(
    "exported",
    [
        pytest.param(record("db", service="cinder.backup.drivers.ceph.CephBackupDriver"), id="another driver"),
        pytest.param(record("db", container=None), id="no container"),
        pytest.param(record("db", service_metadata=None), id="no prefix"),
        pytest.param(record("db", service_metadata=""), id="an empty prefix"),
        pytest.param(record("db", service_metadata={"prefix": "volume"}), id="a prefix that is no text"),
        pytest.param(record("db", service_metadata=7), id="a prefix that is a number"),
        pytest.param(record("db", container=["backups"]), id="a container that is no text"),
        pytest.param(BackupRecord(None, record("db").backup_url), id="no driver"),
    ],
)
def test_where_the_objects_of_others_are_is_not_known(exported):
    assert read_link(exported).location is None


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("e", id="no base64"),
        pytest.param(base64.b64encode(b"\xff").decode(), id="no text"),
        pytest.param(encoded("{"), id="no JSON"),
        pytest.param(encoded("[1]"), id="no object"),
        pytest.param(encoded("1"), id="a number"),
        pytest.param(encoded("{}"), id="no id"),
        pytest.param(encoded('"text"'), id="a text"),
        pytest.param(encoded('{"id": 7}'), id="an id that is no text"),
        pytest.param(encoded('{"id": "a", "parent_id": ["b"]}'), id="a parent that is no text"),
        pytest.param(encoded("[" * 100_000), id="too deep"),
        pytest.param(encoded('{"id": "a", "size": ' + "9" * 5000 + "}"), id="a number that is too long"),
        pytest.param(None, id="nothing"),
    ],
)
def test_a_record_that_is_none_is_told(url):
    with pytest.raises(CloudError, match="cannot be read"):
        read_link(BackupRecord(SWIFT, url))


@pytest.mark.parametrize(
    ("exported", "error", "says"),
    [
        pytest.param(record("db", service="cinder.backup.drivers.nfs.NFSBackupDriver"), InvalidInput, "made by the driver 'cinder.*nfs", id="another driver"),
        pytest.param(record("db", service_metadata=7), CloudError, "record of backup backup-db does not say where its objects are", id="a damaged record"),
    ],
)
def test_objects_that_cannot_be_found_are_told(exported, error, says):
    with pytest.raises(error, match=says):
        location_of(read_link(exported))


# Inventories


def inventory(objects):
    return BackupObjects.take(FakeSwift(objects=objects), HERE)


WHOLE = inventory(backup_objects(HERE))


def without(*names):
    return BackupObjects(HERE, {name: one for name, one in WHOLE.objects.items() if name not in names})


def with_other(**changes):
    return BackupObjects(HERE, {**WHOLE.objects, ONE: dataclasses.replace(WHOLE.objects[ONE], **changes)})


def test_an_inventory_has_the_objects_of_one_backup():
    store = FakeSwift(objects={**backup_objects(HERE), **backup_objects(location("older", "db")), "volume_volume-db": b""})
    assert BackupObjects.take(store, HERE) == WHOLE
    assert WHOLE.objects.keys() == {ONE, TWO, HERE.block_sums_name, HERE.list_name}
    assert without(HERE.block_sums_name, HERE.list_name).stored_bytes == sum(map(len, BLOCKS))


def test_the_names_are_those_that_cinder_gives():
    assert (HERE.list_name, HERE.block_sums_name) == (f"{HERE.prefix}_metadata", f"{HERE.prefix}_sha256file")


def test_there_is_nothing_where_there_is_no_container():
    assert BackupObjects.take(FakeSwift(), HERE).objects == {}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        pytest.param(BackupObjects(HERE, dict(reversed(WHOLE.objects.items()))), True, id="another order"),
        pytest.param(without(TWO), False, id="one less"),
        pytest.param(with_other(size=99), False, id="another size"),
        pytest.param(with_other(checksum="0" * 32), False, id="another checksum"),
        pytest.param(with_other(name="other"), False, id="another name"),
    ],
)
def test_a_digest_tells_whether_anything_has_changed(other, same):
    assert (other.digest == WHOLE.digest) is same
    assert re.fullmatch("sha256:[0-9a-f]{64}", WHOLE.digest)


@pytest.mark.parametrize(
    ("there", "names"),
    [
        pytest.param(WHOLE, [], id="all there"),
        # Alphabetically it would come before the block sums.
        pytest.param(BackupObjects(HERE, {}), [ONE, TWO, HERE.block_sums_name, HERE.list_name], id="nothing there"),
        pytest.param(with_other(checksum="0" * 32), [ONE], id="another content"),
        pytest.param(without(HERE.list_name, TWO), [TWO, HERE.list_name], id="the list and an object"),
    ],
)
def test_what_is_lacking_is_named_the_list_last(there, names):
    assert [one.name for one in there.lacking(WHOLE)] == names


def test_what_only_one_has_the_other_need_not_have():
    assert WHOLE.lacking(without(TWO)) == []


# Problems


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(WHOLE, [], id="whole"),
        pytest.param(without(ONE, TWO), [f"object {ONE} is missing", f"object {TWO} is missing"], id="missing"),
        pytest.param(with_other(checksum="0" * 32), [f"object {ONE} is damaged"], id="another content"),
        pytest.param(with_other(size=3), [f"object {ONE} is damaged"], id="another size"),
        pytest.param(without(HERE.block_sums_name), [f"object {HERE.block_sums_name} is missing"], id="no block sums"),
        pytest.param(
            BackupObjects(HERE, {**WHOLE.objects, f"{HERE.prefix}-00003": StoredObject(f"{HERE.prefix}-00003", 1, "")}),
            [f"object {HERE.prefix}-00003 is not listed and prevents the restore"],
            id="one too many",
        ),
    ],
)
def test_what_keeps_a_backup_from_being_restored(found, expected):
    assert problems_of(found, listing(HERE, LISTED)) == expected


@pytest.mark.parametrize(
    ("size", "damaged"),
    [
        pytest.param(1, False, id="smaller than the data"),
        pytest.param(0, True, id="empty"),
        pytest.param(len(BLOCKS[0]), True, id="no smaller than the data"),
    ],
)
def test_of_compressed_objects_only_the_size_tells(size, damaged):
    listed = {**LISTED, ONE: {**LISTED[ONE], "compression": "zlib"}}
    problems = problems_of(with_other(size=size, checksum="another"), listing(HERE, listed))
    assert problems == ([f"object {ONE} is damaged"] if damaged else [])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(listing(HERE, LISTED)[:-1], id="cut off"),
        pytest.param(b"\xff\xfe\xff", id="no text"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"{}", id="no objects"),
        pytest.param(b'{"objects": [1]}', id="objects that are none"),
        pytest.param(b'{"objects": [{"a": 1}]}', id="facts that are none"),
        pytest.param(listing(HERE, {ONE: {"length": 1, "compression": "none"}}), id="no checksum"),
        pytest.param(listing(HERE, {ONE: {**LISTED[ONE], "length": "11"}}), id="a length that is no number"),
        pytest.param(listing(HERE, {ONE: {**LISTED[ONE], "length": None, "compression": "zlib"}}), id="no length of what is compressed"),
        pytest.param(b'{"objects": ' + b"[" * 100_000, id="too deep"),
        pytest.param(b'{"objects": 7}', id="a number of objects"),
        pytest.param(b'{"objects": null}', id="nothing listed"),
        pytest.param(
            json.dumps({"backup_id": HERE.backup_id, "objects": [{ONE: LISTED[ONE]}, {ONE: LISTED[ONE]}, {TWO: LISTED[TWO]}]}).encode(),
            id="an object twice",
        ),
    ],
)
def test_a_list_that_is_damaged_is_the_one_problem(content):
    assert problems_of(WHOLE, content) == [f"object {HERE.list_name} is damaged"]


def test_the_list_of_another_backup_is_the_one_problem():
    foreign = json.dumps({**json.loads(listing(HERE, LISTED)), "backup_id": "backup-other"}).encode()
    assert problems_of(WHOLE, foreign) == [f"object {HERE.list_name} belongs to another backup"]


def test_a_backup_is_inspected_in_its_store():
    objects = backup_objects(HERE)
    assert inspect(FakeSwift(objects=objects), HERE) == (WHOLE, [])
    objects[ONE] = b"rotten"
    assert inspect(FakeSwift(objects=objects), HERE)[1] == [f"object {ONE} is damaged"]


def test_a_backup_without_its_list_is_not_looked_at_further():
    objects = {ONE: BLOCKS[0]}
    assert inspect(FakeSwift(objects=objects), HERE) == (inventory(objects), [f"object {HERE.list_name} is missing"])


# What a store has of a volume


def test_only_backups_with_a_list_are_listed():
    whole, unfinished, other = location("whole", "db"), location("unfinished", "db"), location("other", "db2")
    objects = {**backup_objects(whole), **backup_objects(unfinished), **backup_objects(other)}
    del objects[unfinished.list_name]
    assert listed_backups(FakeSwift(objects=objects), CONTAINER, "volume-db") == {"backup-whole"}
    assert listed_backups(FakeSwift(objects=objects), "elsewhere", "volume-db") == set()


def test_the_bytes_of_a_backup_that_is_not_finished_are_counted():
    store = FakeSwift(objects={ONE: BLOCKS[0], **backup_objects(location("older", "db"))})
    assert stored_bytes(store, backup("db")) == len(BLOCKS[0])
    assert stored_bytes(store, backup("db", container="elsewhere")) == 0


# Odd answers

ODD = (None, True, 0, -1, 2**70, 1.5, float("nan"), "", "text", "\0", [], [[]], [None], {}, {"": None}, {"a": {"b": []}})


def variants(document):
    """The document with each of its places replaced by each odd value, and without it."""
    yield from ODD
    if isinstance(document, dict):
        for key, value in document.items():
            yield {one: each for one, each in document.items() if one != key}
            yield from ({**document, key: variant} for variant in variants(value))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from ([*document[:number], variant, *document[number + 1 :]] for variant in variants(value))


def test_no_record_ends_in_a_traceback():
    fields = json.loads(base64.b64decode(record("db", parent="older").backup_url))
    read = 0
    for variant in variants(fields):
        exported = BackupRecord(SWIFT, encoded(json.dumps(variant)))
        try:
            found = read_link(exported)
        except CloudError:
            continue
        read += 1
        texts = [found.backup_id, found.parent_id or "", *(dataclasses.astuple(found.location) if found.location else ())]
        assert all(isinstance(one, str) for one in texts)
    assert read > 50


def test_no_list_ends_in_a_traceback_or_passes_for_a_whole_one():
    whole = json.loads(listing(HERE, LISTED))
    passed = []
    for variant in variants(whole):
        found = problems_of(WHOLE, json.dumps(variant).encode())
        assert all(isinstance(one, str) for one in found)
        passed += [] if found else [variant]
    # Where the data of an object belongs is known by a restore alone: any number may be right.
    assert all({*one["objects"][0], *one["objects"][1]} == {ONE, TWO} for one in passed)
    assert {facts["md5"] for one in passed for entry in one["objects"] for facts in entry.values()} == {facts["md5"] for facts in LISTED.values()}
    assert {type(facts["offset"]) for one in passed for entry in one["objects"] for facts in entry.values()} == {int}
    assert 0 < len(passed) < 10
