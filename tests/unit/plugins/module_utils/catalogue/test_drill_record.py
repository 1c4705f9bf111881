# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.drill_record import DrillRecord, outcome_of, successful
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrillRecordInvalid, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import signed as signed_document
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.signed import Seal
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

RECORD = shop.drilled()
EARLIER = shop.drilled(drill="6", checkpoint="dawn", finished_at="2026-01-01T06:00:00Z")
FAILED = shop.drilled(drill="8", finished_at="2026-01-01T13:00:00Z", outcome="failed", recovery_seconds=None, problem="It broke.")


def changed(**changes):
    """The stored record with other members."""
    document = {key: value for key, value in json.loads(RECORD.dump()).items() if key != "digest"}
    return signed_document.dump({**document, **changes})


def test_what_was_written_is_read():
    assert DrillRecord.load(RECORD.dump()) == RECORD
    assert DrillRecord.load(FAILED.dump(Seal("key")), Seal("key")) == FAILED


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"{", "record of the drill is not a JSON document"),
        (RECORD.dump().replace(b"71.4", b"1.4"), "digest does not match"),
        (changed(more=1), "does not follow its schema"),
        (changed(schema_version=2), "does not follow its schema"),
        (changed(drill="a/b"), "does not follow its schema"),
        (changed(outcome="splendid"), "does not follow its schema"),
        (changed(servers=[{"name": "x"}]), "does not follow its schema"),
        (changed(recovery_seconds=-1), "does not follow its schema"),
        (changed(recovery_seconds=None), "has no recovery time"),
        (changed(finished_at="2026-02-30T12:30:00Z"), "an invalid time"),
    ],
)
def test_what_is_no_record_is_refused(content, told):
    with pytest.raises(DrillRecordInvalid, match=told):
        DrillRecord.load(content)


def test_with_a_key_only_its_own_signatures_count():
    with pytest.raises(DrillRecordInvalid, match="is not signed"):
        DrillRecord.load(RECORD.dump(), Seal("key"))
    with pytest.raises(DrillRecordInvalid, match="does not match hmac_key"):
        DrillRecord.load(RECORD.dump(Seal("other")), Seal("key"))


@pytest.mark.parametrize(
    ("problem", "made_by", "outcome"),
    [("", ["guest agent"], "passed"), ("", [], "unchecked"), ("It broke.", ["guest agent"], "failed"), ("It broke.", [], "failed")],
)
def test_a_drill_has_passed_when_all_checks_were_made(problem, made_by, outcome):
    checks = [{"check": "port 22", "made_by": ["connection"]}, {"check": "port 5432", "made_by": made_by}]
    assert outcome_of(problem, [{"checks": checks}, {"checks": []}]) == outcome


def test_an_application_without_checks_has_passed_when_it_is_there():
    assert outcome_of("", [{"checks": []}]) == "passed"


def test_the_name_says_when_it_was_and_how_it_ended():
    assert RECORD.object_name == "shop/noon/20260101T123000Z-passed-7.drill.json"
    others = ["shop/noon.json", "shop/noon.drill.json", "shop/noon/20260101T123000Z-passed-7.json", "shop/noon/x/20260101T123000Z-passed-7.drill.json"]
    names = [EARLIER.object_name, *others, RECORD.object_name, FAILED.object_name]
    assert successful(names) == [RECORD.object_name, EARLIER.object_name]


# In the catalogue


def catalogue(*records, key=None, **objects):
    store = FakeStore(**{**objects, **{one.object_name: one.dump(Seal(key, "project/catalogue")) for one in records}})
    return Catalogue(store, key)


def test_the_newest_that_passed_is_found():
    assert catalogue(EARLIER, RECORD, FAILED).last_successful_drill("shop") == RECORD
    assert catalogue(EARLIER, FAILED).last_successful_drill("shop") == EARLIER
    assert catalogue(FAILED).last_successful_drill("shop") is None
    assert catalogue(RECORD).last_successful_drill("blog") is None


@pytest.mark.parametrize("content", [b"{", EARLIER.dump(), FAILED.dump()], ids=["damaged", "of another drill", "of one that failed"])
def test_what_proves_nothing_is_passed_over(content):
    assert catalogue(EARLIER, **{RECORD.object_name: content}).last_successful_drill("shop") == EARLIER


def test_without_its_signature_it_proves_nothing():
    forged = shop.drilled(drill="9", finished_at="2026-01-01T14:00:00Z")
    signed = catalogue(RECORD, key="key", **{forged.object_name: forged.dump()})
    assert signed.last_successful_drill("shop") == RECORD


def test_drills_are_no_checkpoints():
    mixed = catalogue(RECORD, **{"shop/noon.json": shop.manifest().dump()})
    assert [one.checkpoint.id for one in mixed.listing("shop").kept] == ["noon"]
    assert mixed.listing("shop").damaged == ()
    assert catalogue(RECORD).applications() == []


def test_it_is_kept_beside_the_manifest_and_signed():
    signed = catalogue(key="key")
    signed.record_drill(RECORD)
    assert signed.last_successful_drill("shop") == RECORD


# Of a drill that has just ended

CLOCK = SiteClock("remote", wall=lambda: NOW)
NOW = datetime.datetime(2026, 1, 1, 12, 30, tzinfo=datetime.UTC)
SERVER = {**RECORD.servers[0], "server_id": "x", "ports": []}


def params(**changes):
    values = {"application": "shop", "checkpoint": "noon", "drill": "7", "started": 1767270520.4, "recovery_seconds": 71.4}
    return {**values, "servers": [SERVER], "volumes": [], "problem": "", "left": [], **changes}


def volumes(started, requested, ready, **changes):
    """What a call that restores volumes returns."""
    volume = {"source_id": "v1", "name": "data", "servers": ["orders-db"], "size": 8, "volume_id": "x", "seconds": {"requested": requested, "ready": ready}}
    return {"started_at": f"2026-01-01 12:28:{started}+00:00", "volumes": [{**volume, **changes}], "changed": True}


def test_what_the_restore_returned_is_recorded():
    assert DrillRecord.of_run(params(), CLOCK) == RECORD


@pytest.mark.parametrize(
    ("calls", "seconds"),
    [
        ([volumes(42, 1.5, 9.0)], 7.5),
        ([volumes(42, 1.5, None), volumes(50, None, 22.5)], 29.0),
        ([volumes(50, None, 22.5)], None),
        ([{"servers": []}, volumes("?", 1, 2)], None),
    ],
    ids=["in one call", "requested by one, waited for by another", "requested by an earlier run", "at no time"],
)
def test_how_long_volumes_took_is_recorded(calls, seconds):
    record = DrillRecord.of_run(params(volumes=calls), CLOCK)
    assert record.volumes == ({"name": "data", "servers": ["orders-db"], "size": 8, "seconds": seconds},)
    assert DrillRecord.load(record.dump()) == record


def test_records_from_before_volumes_were_measured_are_read():
    document = {key: value for key, value in json.loads(RECORD.dump()).items() if key not in ("digest", "volumes")}
    assert DrillRecord.load(signed_document.dump(document)) == RECORD


def test_of_an_endless_problem_its_beginning_is_kept():
    assert DrillRecord.of_run(params(problem="x" * 10_001), CLOCK).problem == "x" * 10_000


def test_what_failed_before_any_server_was_there_is_recorded_too():
    record = DrillRecord.of_run(params(servers=[], recovery_seconds=None, problem="It broke.", left=["A network stays."]), CLOCK)
    assert (record.outcome, record.left) == ("failed", ("A network stays.",))
    assert DrillRecord.load(record.dump()) == record


@pytest.mark.parametrize("changes", [{"application": "../x"}, {"checkpoint": "latest"}, {"drill": "a b"}])
def test_names_that_would_lead_elsewhere_are_refused(changes):
    with pytest.raises(InvalidInput):
        DrillRecord.of_run(params(**changes), CLOCK)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"servers": [{"name": "shop"}]}, "required property"),
        ({"servers": [{**SERVER, "checks": [{}]}]}, "required property"),
        ({"servers": [{**SERVER, "seconds": None}]}, "servers/0/seconds"),
        ({"volumes": [volumes(42, 1, 2, size="x")]}, "volumes/0/size"),
        ({"volumes": [{"volumes": ["x"]}]}, "volumes/0"),
        ({"left": ["x"] * 10_001}, "too long"),
        ({"started": 1e30}, "started is 1e.30, which is no time"),
        ({"started": float("nan")}, "started is nan"),
        ({"recovery_seconds": None}, "has no recovery time"),
    ],
)
def test_what_is_no_result_of_a_restore_is_refused(changes, told):
    with pytest.raises((InvalidInput, DrillRecordInvalid), match=told):
        DrillRecord.of_run(params(**changes), CLOCK)


def test_both_times_are_by_the_clock_of_the_site():
    clock = SiteClock("remote", lambda: 0.0, lambda: NOW)
    clock.note_record((NOW + datetime.timedelta(seconds=90)).isoformat(), 0.0, 0.5)
    record = DrillRecord.of_run(params(), clock)
    for ours, theirs in ((RECORD.started_at, record.started_at), (RECORD.finished_at, record.finished_at)):
        assert datetime.datetime.fromisoformat(theirs) - datetime.datetime.fromisoformat(ours) == datetime.timedelta(seconds=90)
