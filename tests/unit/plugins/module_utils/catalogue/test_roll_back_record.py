# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import roll_back_record
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.roll_back_record import BEGUN, ROLLED_BACK, RollBackRecord
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import RollBackRecordInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.signed import Seal
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.memory.running import Documents

RECORD = RollBackRecord("20260101T140000Z", "primary", "noon", "2026-01-01T14:00:00.000Z", BEGUN, shop.manifest().description)


def damaged(**changes):
    return json.dumps({**json.loads(RECORD.dump()), **changes}).encode()


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


def test_the_record_of_a_newer_release_is_refused_and_not_misread():
    with pytest.raises(RollBackRecordInvalid):
        RollBackRecord.load(damaged(schema_version=2), "shop")


def test_somebody_elses_record_is_refused():
    with pytest.raises(RollBackRecordInvalid, match="of another application, 'shop'; somebody put it in the wrong place"):
        RollBackRecord.load(RECORD.dump(), "blog")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b"{}", damaged(more=1), damaged(servers=[])),
        *(damaged(state="done"), damaged(id="../x"), damaged(id=7), damaged(checkpoint="../x"), damaged(checkpoint=7)),
        *(damaged(site=""), damaged(site="x" * 256), damaged(site=7), damaged(since="x" * 41), damaged(since=7)),
    ],
)
def test_what_is_no_record_is_refused(content):
    with pytest.raises(RollBackRecordInvalid):
        RollBackRecord.load(content, "shop")


def test_a_definition_that_contradicts_itself_is_refused():
    application = RECORD.before.application
    twice = dataclasses.replace(application, tiers=application.tiers * 2)
    record = dataclasses.replace(RECORD, before=dataclasses.replace(RECORD.before, application=twice))
    with pytest.raises(RollBackRecordInvalid, match="contradicts itself"):
        RollBackRecord.load(record.dump(), "shop")


def test_what_is_too_large_is_not_read(monkeypatch):
    monkeypatch.setattr(roll_back_record, "LARGEST_ROLL_BACK", 100)
    with pytest.raises(RollBackRecordInvalid, match="so it is not a record"):
        RollBackRecord.load(RECORD.dump(), "shop")


def test_without_the_key_it_is_not_believed():
    with pytest.raises(RollBackRecordInvalid):
        RollBackRecord.load(RECORD.dump(), "shop", Seal("secret", "ours/osdr-catalogue"))


def test_the_catalogue_keeps_one_per_application():
    store = Documents(lambda: None)
    catalogue = Catalogue(store, "osdr-catalogue", "secret")
    assert catalogue.roll_back("shop") is None
    catalogue.set_roll_back(RECORD)
    assert (catalogue.roll_back("shop"), catalogue.roll_back("blog"), [*store.there]) == (RECORD, None, ["shop/_roll-back.json"])
    store.there["shop/_roll-back.json"] = b"{}"
    with pytest.raises(RollBackRecordInvalid, match="Object 'shop/_roll-back.json' in container 'osdr-catalogue' of site 'remote'"):
        catalogue.roll_back("shop")
    catalogue.remove_roll_back("shop")
    assert store.there == {}
