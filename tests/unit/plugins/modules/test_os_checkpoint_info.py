# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
import re
import time
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core import records
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, InvalidInput, ManifestInvalid, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import pieces
from ansible_collections.osdr.openstack.plugins.modules import os_checkpoint_info
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeBackups, FakeStore, backup

NOON = shop.manifest()


def run(objects, storage=None, key=None, **changes):
    params = {"application": "shop", "checkpoint": "latest", "not_after": None, "consistency": None, "require": True, "with_manifest": False, **changes}
    warnings = []
    module = SimpleNamespace(params=params, warn=warnings.append)
    found = os_checkpoint_info.run(module, Catalogue(FakeStore(**objects), key), storage or FakeBackups())
    return {**found, "warnings": warnings}


def test_the_newest_is_returned_and_the_damaged_are_told():
    found = run({"shop/noon.json": NOON.dump(), "shop/one.json": b"{"})
    assert (found["checkpoint"]["id"], "manifest" in found) == ("noon", False)
    assert [one["id"] for one in found["checkpoints"]] == ["noon"]
    (damaged,) = found["damaged"]
    assert damaged["name"] == "shop/one.json"
    assert found["warnings"] == [damaged["problem"]]


def test_without_require_nothing_is_an_answer():
    assert run({}, require=False)["checkpoint"] is None


@pytest.mark.parametrize("require", [True, False])
def test_a_damaged_one_that_is_asked_for_is_an_error(require):
    with pytest.raises(ManifestInvalid, match="Object 'shop/noon.json'"):
        run({"shop/noon.json": b"{"}, checkpoint="noon", require=require)


@pytest.mark.parametrize(
    ("objects", "changes", "hint"),
    [
        ({}, {}, "no checkpoints at all"),
        ({"shop/noon.json": b"{"}, {}, "No checkpoint can be read. 1 damaged and unusable; os_catalogue_rebuild .*Object 'shop/noon.json'"),
        ({"shop/noon.json": NOON.dump()}, {"checkpoint": "ten"}, r"There are: noon \(quiesced, of 2026-01-01T12:00:00Z\)"),
        ({"shop/noon.json": NOON.dump(), "shop/one.json": b""}, {"consistency": "offline"}, "There are: noon .*1 damaged"),
    ],
)
def test_what_is_missing_is_told_with_what_there_is(objects, changes, hint):
    with pytest.raises(NotFound, match="Application 'shop' has no checkpoint .*in container 'catalogue' of site 'remote'") as raised:
        run(objects, **changes)
    assert re.search(hint, raised.value.hint)


def test_nonsense_is_refused():
    with pytest.raises(InvalidInput, match="'noon' is not a time with an offset"):
        run({}, not_after="noon")


def published(*manifests):
    """A site with the backups of checkpoints, and what its catalogue holds."""
    backups = [one for manifest in manifests for one in kept_by_backups(manifest)]
    return {f"shop/{one.checkpoint.id}.json": one.dump() for one in manifests}, FakeBackups(*backups)


def kept_by_backups(manifest):
    """Backups that keep a manifest in pieces, as old as its data."""
    ids = [f"{manifest.checkpoint.id}-{number}" for number in range(2)]
    time = manifest.checkpoint.created_at.rstrip("Z")
    marks = records.marks(manifest.application.name, manifest.checkpoint.id)
    return [backup(one, id=one, data_timestamp=time, metadata={**marks, **share}) for one, share in pieces.split(manifest.dump(), ids).items()]


TEN, ONE = shop.taken("ten", "2026-01-01T10:00:00Z"), shop.taken("one", "2026-01-01T13:00:00Z")


def test_a_manifest_that_was_deleted_is_missed_when_it_is_the_newest():
    objects, site = published(TEN, NOON, ONE)
    assert run(objects, site)["warnings"] == []
    for gone, missed in ((["one"], ["one"]), (["ten"], []), (["noon", "one"], ["noon", "one"]), (["ten", "noon", "one"], ["noon", "one", "ten"])):
        left = {name: content for name, content in objects.items() if name[len("shop/") : -len(".json")] not in gone}
        warnings = run(left, site, require=False)["warnings"]
        assert [re.search(r"checkpoint '(.*?)'", one)[1] for one in warnings] == missed
        assert all("is missing from" in one and "os_catalogue_rebuild" in one for one in warnings)


def test_one_that_is_damaged_is_not_missed_besides():
    objects, site = published(TEN, NOON)
    assert len(run({**objects, "shop/noon.json": b"{"}, site)["warnings"]) == 1


@pytest.mark.parametrize("metadata", [{"osdr_application": "shop-2"}, {"osdr_manifest": None}], ids=["another application's", "one that was never published"])
def test_backups_of_others_are_nothing_that_is_missed(metadata):
    objects, site = published(NOON)
    for one in kept_by_backups(ONE):
        changed = {key: value for key, value in {**one.metadata, **metadata}.items() if value is not None}
        site.by_id[one.id] = dataclasses.replace(one, metadata=changed)
    assert run(objects, site)["warnings"] == []


def test_an_older_manifest_under_a_reused_id_is_told():
    reused = shop.taken("noon", "2026-01-02T12:00:00Z")
    _objects, site = published(reused)
    (warning,) = run({"shop/noon.json": NOON.dump()}, site)["warnings"]
    assert "(of 2026-01-01T12:00:00Z) differs from the one in the backups (of 2026-01-02T12:00:00Z)" in warning
    assert run({"shop/noon.json": reused.dump()}, site)["warnings"] == []


def test_pieces_that_cannot_be_compared_are_told():
    objects, site = published(NOON)
    site.by_id["noon-0"] = dataclasses.replace(site.by_id["noon-0"], metadata={**site.by_id["noon-0"].metadata, "osdr_manifest_0000": "x"})
    (warning,) = run(objects, site)["warnings"]
    assert "cannot be compared" in warning


def test_without_the_backups_it_is_told_that_nobody_knows():
    site = FakeBackups()

    def fail():
        raise CloudError("Site 'remote' could not list backups.")

    site.backups = fail
    found = run({"shop/noon.json": NOON.dump()}, site)
    assert found["checkpoint"]["id"] == "noon"
    assert found["warnings"] == ["It cannot be told whether the catalogue lacks what the backups know of: Site 'remote' could not list backups."]


def test_a_signature_without_a_place_is_told_where_signatures_count():
    objects = {"shop/noon.json": shop.signed_by_first_form(NOON, "secret")}
    (warning,) = run(objects, key="secret")["warnings"]
    assert "do not say to which catalogue they belong" in warning and "noon" in warning
    assert run(objects)["warnings"] == []


def test_how_far_the_clock_of_the_site_is_ahead_is_told():
    storage, answered = FakeBackups(), time.monotonic()
    assert run({}, storage, require=False)["clock_ahead"] == 0
    storage.cloud.clock.note_record("2126-01-01T12:00:00", answered, answered)
    assert run({}, storage, require=False)["clock_ahead"] > 10**9


def test_what_was_selected_is_told_in_short_with_the_digest_by_which_it_is_found_again():
    content = NOON.dump()
    assert run({"shop/noon.json": content})["checkpoint"] == {
        "id": "noon",
        "digest": json.loads(content)["digest"],
        "application": "shop",
        "created_at": "2026-01-01T12:00:00Z",
        "site": "primary",
        "consistency": "quiesced",
        "servers": 2,
        "volumes": 3,
        "gigabytes": sum(one["size"] for one in shop.document()["copies"]),
        "incremental": sum(one["incremental"] for one in shop.document()["copies"]),
        "window": NOON.checkpoint.evidence.get("window"),
        "tiers": [{"name": "database", "servers": ["orders-db"]}, {"name": "front", "servers": ["shop-front"]}],
        "together": None,
    }


@pytest.mark.parametrize(("objects", "manifest"), [({"shop/noon.json": NOON.dump()}, shop.document()), ({}, None)])
def test_the_manifest_is_returned_only_to_those_who_want_to_look_at_it(objects, manifest):
    assert run(objects, require=False, with_manifest=True)["manifest"] == manifest


def test_lists_have_a_few_figures_of_each_checkpoint_however_large_it_is():
    (listed,) = run({"shop/noon.json": NOON.dump()})["checkpoints"]
    assert not [value for value in listed.values() if isinstance(value, (list, dict))]
