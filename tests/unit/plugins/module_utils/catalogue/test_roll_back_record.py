# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import functools
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import roll_back_record
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.roll_back_record import BEGUN, ROLLED_BACK, RollBackRecord
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Busy, RollBackRecordInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import signed
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.signed import Seal
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.memory.running import Documents

RECORD = RollBackRecord("20260101T140000Z", "primary", "noon", "2026-01-01T14:00:00.000Z", BEGUN, shop.manifest().description)


DOCUMENT = {key: value for key, value in json.loads(RECORD.dump()).items() if key != "digest"}


def changed(**changes):
    """The stored record with other members, and the digest of them."""
    return signed.dump({**DOCUMENT, **changes})


@pytest.mark.parametrize("seal", [Seal(None, ""), Seal("secret", "project/osdr-catalogue")])
def test_a_record_is_read_as_it_was_written(seal):
    assert RollBackRecord.load(RECORD.dump(seal), "shop", seal) == RECORD


def test_it_tells_what_the_roll_back_has_come_to():
    assert RECORD.at(ROLLED_BACK).as_dict() == {
        "application": "shop",
        "id": "20260101T140000Z",
        "site": "primary",
        "checkpoint": "noon",
        "since": "2026-01-01T14:00:00.000Z",
        "state": "rolled_back",
    }


def test_somebody_elses_record_is_refused():
    with pytest.raises(RollBackRecordInvalid, match="of another application, 'shop'; somebody put it in the wrong place"):
        RollBackRecord.load(RECORD.dump(), "blog")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not a JSON document"),
        (b"[]", "not a JSON object"),
        (RECORD.dump().replace(b"noon", b"moon"), "digest does not match"),
        # Of a newer release: refused, never misread.
        (changed(schema_version=2), "schema: schema_version"),
        (changed(more=1), "schema.*'more' was unexpected"),
        (changed(servers=[]), "schema: servers"),
        (changed(state="done"), "schema: state"),
        (changed(id="../x"), "schema: id"),
        (changed(id=7), "schema: id"),
        (changed(checkpoint="../x"), "schema: checkpoint"),
        (changed(checkpoint="noon\n"), "schema: checkpoint"),
        (changed(checkpoint=7), "schema: checkpoint"),
        (changed(site=""), "schema: site"),
        (changed(site="x" * 256), "schema: site"),
        (changed(site=7), "schema: site"),
        (changed(since="x" * 41), "schema: since"),
        (changed(since=7), "schema: since"),
        (changed(missing=functools.reduce(lambda inner, _step: [inner], range(100), [])), "nested deeper"),
        *((signed.dump({key: DOCUMENT[key] for key in DOCUMENT if key != missing}), f"schema.*'{missing}' is a required") for missing in DOCUMENT),
    ],
)
def test_what_is_no_record_is_refused(content, told):
    with pytest.raises(RollBackRecordInvalid, match=told):
        RollBackRecord.load(content, "shop")


def test_the_longest_names_are_read():
    assert RollBackRecord.load(changed(site="x" * 255, since="x" * 40), "shop").site == "x" * 255


def test_a_definition_that_contradicts_itself_is_refused():
    application = RECORD.before.application
    twice = dataclasses.replace(application, tiers=application.tiers * 2)
    record = dataclasses.replace(RECORD, before=dataclasses.replace(RECORD.before, application=twice))
    with pytest.raises(RollBackRecordInvalid, match="contradicts itself"):
        RollBackRecord.load(record.dump(), "shop")


def test_what_is_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr(roll_back_record, "LARGEST_ROLL_BACK", len(RECORD.dump()))
    assert RollBackRecord.load(RECORD.dump(), "shop") == RECORD
    monkeypatch.setattr(roll_back_record, "LARGEST_ROLL_BACK", len(RECORD.dump()) - 1)
    with pytest.raises(RollBackRecordInvalid, match="so it is not a record"):
        RollBackRecord.load(RECORD.dump(), "shop")


def test_without_the_key_it_is_not_believed():
    with pytest.raises(RollBackRecordInvalid):
        RollBackRecord.load(RECORD.dump(), "shop", Seal("secret", "ours/osdr-catalogue"))


def test_the_catalogue_keeps_one_per_application():
    store = Documents(lambda: None)
    catalogue = Catalogue(store, "secret")
    assert catalogue.roll_back("shop") is None
    catalogue.set_roll_back(RECORD)
    assert (catalogue.roll_back("shop"), catalogue.roll_back("blog"), [*store.there]) == (RECORD, None, ["shop/_roll-back.json"])
    store.there["shop/_roll-back.json"] = b"{}"
    with pytest.raises(RollBackRecordInvalid, match="Object 'shop/_roll-back.json' in container 'catalogue' of site 'remote'"):
        catalogue.roll_back("shop")
    catalogue.remove_roll_back("shop")
    assert store.there == {}


def test_of_two_runs_at_once_one_begins_a_roll_back():
    catalogue = Catalogue(Documents(lambda: None))
    catalogue.begin_roll_back(RECORD)
    catalogue.begin_roll_back(RECORD)
    with pytest.raises(Busy, match="Another run has begun a roll-back of application 'shop' meanwhile"):
        catalogue.begin_roll_back(dataclasses.replace(RECORD, id="another"))
    assert catalogue.roll_back("shop") == RECORD
