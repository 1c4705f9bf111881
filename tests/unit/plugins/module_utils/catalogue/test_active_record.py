# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord, DamagedRecord
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import ActiveRecordInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import signed as signed_document
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.signed import Seal
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

KEY = "correct horse battery staple"
RECORD = ActiveRecord("shop", "remote", "2026-01-01T12:00:00.000Z", "noon")


def catalogue(key=None, **objects):
    return Catalogue(FakeStore(**objects), key)


def changed(**changes):
    return signed_document.dump({"schema_version": 1, **RECORD.as_dict(), **changes})


@pytest.mark.parametrize("key", [None, KEY])
def test_a_record_is_read_as_it_was_written(key):
    assert ActiveRecord.load(RECORD.dump(Seal(key)), "shop", Seal(key)) == RECORD


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not a JSON document"),
        (b"[]", "not a JSON object"),
        (b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", "nested deeper"),
        (b" " * 5000, "more than 4096 bytes"),
        (changed(site=""), "schema.*site"),
        (changed(site="x" * 256), "schema.*site"),
        (changed(checkpoint="../noon"), "schema.*checkpoint"),
        (changed(checkpoint="noon\n"), "schema.*checkpoint"),
        (changed(schema_version=2), "schema.*schema_version"),
        (changed(schema_version=True), "schema.*schema_version"),
        (changed(more="x"), "schema"),
        (changed(since="yesterday"), "invalid time: yesterday"),
        (changed(since="9999-12-31T23:59:59-01:00"), "invalid time: 9999"),
        (changed(since="2026-01-01T12:00:00"), "invalid time: 2026"),
        (changed(application="blog"), "is of another application, 'blog'"),
        (json.dumps({**RECORD.as_dict(), "schema_version": 1, "digest": "sha256:0"}).encode(), "digest does not match"),
    ],
)
def test_what_is_no_record_is_refused(content, expected):
    with pytest.raises(ActiveRecordInvalid, match=expected) as raised:
        ActiveRecord.load(content, "shop")
    assert "record of the active site" in str(raised.value)


@pytest.mark.parametrize("content", [RECORD.dump(), RECORD.dump(Seal("another"))])
def test_with_a_key_only_its_own_signature_counts(content):
    with pytest.raises(ActiveRecordInvalid, match="not signed|another key"):
        ActiveRecord.load(content, "shop", Seal(KEY))


def test_the_catalogue_keeps_it_and_takes_it_for_no_checkpoint():
    made = catalogue()
    made.publish(shop.manifest())
    made.set_active(RECORD)
    assert made.active("shop") == RECORD
    assert [one.checkpoint.id for one in made.listing("shop").kept] == ["noon"]
    assert (made.listing("shop").damaged, made.applications()) == ((), ["shop"])


def test_a_catalogue_without_a_record_has_none():
    assert catalogue().active("shop") is None


def test_a_damaged_record_says_where_it_is():
    found = catalogue(**{"shop/_active.json": b"{"}).active("shop")
    assert isinstance(found, DamagedRecord)
    assert found.problem.startswith("Object 'shop/_active.json' in container 'catalogue' of site 'remote': The record")


def test_a_signed_record_of_another_catalogue_is_damaged():
    elsewhere = RECORD.dump(Seal(KEY, "of-the-other-site/catalogue"))
    made = catalogue(KEY, **{"shop/_active.json": elsewhere})
    assert "signed for another place: of-the-other-site/catalogue" in made.active("shop").problem
    made.set_active(RECORD)
    assert made.active("shop") == RECORD


def test_a_record_that_an_earlier_version_signed_is_read():
    assert catalogue(KEY, **{"shop/_active.json": shop.signed_by_first_form(RECORD, KEY)}).active("shop") == RECORD
