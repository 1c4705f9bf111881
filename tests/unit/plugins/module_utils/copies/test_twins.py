# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypted volumes are restored from twins of their backups, of which nothing is left, and the backups themselves stay as they are."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies import twins
from ansible_collections.osdr.openstack.plugins.module_utils.copies.objects import Location
from ansible_collections.osdr.openstack.plugins.module_utils.copies.twins import Scaffolding, Twins, rewritten, twin_id
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, InvalidInput, ResourceFailed
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.volume_keys import Opener
from ansible_collections.osdr.openstack.tests.unit.support import sealing
from ansible_collections.osdr.openstack.tests.unit.support.encrypted_site import (
    FULL,
    INCREMENT,
    VOLUME,
    EncryptedSite,
    prefix,
    sealed_copy,
)

MARK = Mark("shop", "noon", VOLUME)
DRILL = Mark("shop", "noon", VOLUME, "7")


@pytest.fixture(autouse=True)
def barbican(monkeypatch):
    monkeypatch.setattr(twins, "KeyManager", lambda cloud: cloud.keys)


@pytest.fixture
def site(monkeypatch):
    made = EncryptedSite()
    encryption = SimpleNamespace(of_volume=lambda volume_id: (None, made.keys_of_volumes[volume_id]))
    monkeypatch.setattr(twins, "VolumeEncryption", lambda _cloud: encryption)
    return made


def ensure(site, mark=MARK, private=None):
    return Twins(site.site, Opener(private or sealing.pair()[0]), site.waiter, 4).ensure(sealed_copy(), mark, "ceph-encrypted")


def base_of(site, backup_id):
    listing = json.loads(site.store.content[site.fields[backup_id]["service_metadata"] + "_metadata"])
    return json.loads(listing["volume_meta"])["volume-base-metadata"]


def test_a_volume_is_restored_from_twins_that_know_the_key_and_the_type_of_this_site(site):
    before = copy.deepcopy(site.fields)
    made = ensure(site)
    full, increment = (twin_id(MARK, one) for one in (FULL, INCREMENT))
    assert (made.copy_id, made.chain) == (increment, (full, increment))
    ((key_id, (name, key)),) = site.keys.by_id.items()
    assert (name, key) == (f"osdr-restore {MARK.text()}", sealing.VOLUME_KEY)
    last, first = site.fields[increment], site.fields[full]
    assert (last["encryption_key_id"], last["parent_id"], first["encryption_key_id"], first["parent_id"]) == (key_id, full, None, None)
    for one in (full, increment):
        assert base_of(site, one) == {"display_name": "data", "volume_type_id": "type-of-the-remote", "encryption_key_id": key_id}
    assert {one: site.fields[one] for one in before} == before


def test_cinder_finds_exactly_the_objects_that_the_list_of_a_twin_names(site):
    for one in ensure(site).chain:
        place = site.fields[one]["service_metadata"]
        listing = json.loads(site.store.content[place + "_metadata"])
        listed = [name for entry in listing["objects"] for name in entry]
        assert sorted(listed) == [name for name in site.store.names("backups", place) if name != place + "_metadata"]
        assert listing["backup_id"] == one
        assert site.store.kinds[place + "_metadata"] == "application/json"
    assert set(site.store.referred.values()) == {f"{prefix(FULL)}-00001", f"{prefix(FULL)}-00002", f"{prefix(INCREMENT)}-00001"}


def test_nothing_takes_a_twin_for_a_copy_of_the_volume(site):
    made = ensure(site)
    for one in made.chain:
        assert (site.fields[one]["volume_id"], site.fields[one]["metadata"]) == (one, {})


def test_the_twin_that_holds_the_key_comes_first_so_that_a_killed_run_leaves_no_key_alone(site):
    made = ensure(site)
    assert site.calls == [("import", one) for one in reversed(made.chain)]


def test_a_second_run_makes_nothing_and_stores_no_second_key(site):
    ensure(site)
    before, calls = copy.deepcopy((site.fields, site.store.content)), list(site.calls)
    ensure(site)
    assert ((site.fields, site.store.content), site.calls, site.keys.stored) == (before, calls, 1)


def test_a_key_that_a_run_stored_and_had_no_use_for_is_replaced(site):
    site.keys.store(f"osdr-restore {MARK.text()}", sealing.VOLUME_KEY)
    ensure(site)
    assert list(site.keys.by_id) == ["key-2"]


def test_a_run_that_was_killed_while_it_referred_to_objects_is_completed(site):
    made = ensure(site)
    place = site.fields[made.copy_id]["service_metadata"]
    for name in site.store.names("backups", place):
        site.store.delete("backups", name)
    ensure(site)
    assert len(site.store.names("backups", place)) == 2
    assert base_of(site, made.copy_id)["encryption_key_id"] == "key-1"


def test_an_import_that_failed_is_done_again_by_the_next_run(site):
    increment = twin_id(MARK, INCREMENT)
    site.broken.add(increment)
    with pytest.raises(ResourceFailed, match="could not import the record of a backup of an encrypted volume"):
        ensure(site)
    assert ensure(site).copy_id == increment
    assert list(site.keys.by_id) == ["key-2"]


def test_a_wrong_key_ends_it_before_anything_is_made(site):
    with pytest.raises(InvalidInput, match="was sealed for another private key"):
        ensure(site, private=sealing.pair(2)[0])
    assert (site.twins, site.keys.by_id) == ({}, {})


def test_all_of_it_goes_with_its_objects_and_key_and_nothing_else_does(site):
    objects = dict(site.store.content)
    ensure(site)
    ensure(site, DRILL)
    Scaffolding.of(site, DRILL.owner).remove(site, site.waiter)
    assert {fields["display_description"] for fields in site.twins.values()} == {MARK.text()}
    Scaffolding.of(site, MARK).remove(site, site.waiter)
    assert (site.twins, site.keys.by_id, site.store.content) == ({}, {}, objects)
    assert not Scaffolding.of(site, MARK).shown()


def test_the_key_of_a_restored_volume_stays_though_it_has_the_name_of_the_one_that_goes(site):
    clone = site.restore(ensure(site).copy_id)
    assert site.keys.by_id[clone][0] == f"osdr-restore {MARK.text()}"
    Scaffolding.of(site, MARK).remove(site, site.waiter)
    assert (site.twins, list(site.keys.by_id)) == ({}, [clone])
    assert not Scaffolding.of(site, MARK.owner).shown()
    # Somebody took the volume's backups away, and wants it once more.
    ensure(site)
    assert clone in site.keys.by_id


def test_what_is_left_is_shown_by_name(site):
    made = ensure(site)
    shown = Scaffolding.of(site, MARK.owner).shown()
    assert shown["keys"] == [f"osdr-restore {MARK.text()}"]
    assert shown["backups"] == sorted(f"osdr-restore-{old} ({new})" for old, new in zip((FULL, INCREMENT), made.chain, strict=True))


def test_backups_and_secrets_of_others_are_not_taken_for_it(site):
    site.fields[FULL]["display_description"] = MARK.text()
    site.keys.store("mine", sealing.VOLUME_KEY)
    site.keys.store(MARK.text(), sealing.VOLUME_KEY)
    assert Scaffolding.of(site, MARK.owner).shown() == {}


def test_a_site_without_a_key_manager_has_no_keys_to_remove(site):
    ensure(site)
    site.cloud.has = lambda _service: False
    site.keys.names = None
    site.keys.exists = False
    assert list(Scaffolding.of(site, MARK.owner).shown()) == ["backups"]


def test_a_twin_that_cannot_be_deleted_is_told(site, monkeypatch):
    made = ensure(site)
    monkeypatch.setattr(site, "delete_backup", lambda one: site.fields[one].update(status="error_deleting"))
    with pytest.raises(ResourceFailed, match=f"Backup osdr-restore-{INCREMENT} \\({made.copy_id}\\) on site 'remote'"):
        Scaffolding.of(site, MARK.owner).remove(site, site.waiter)


HERE, THERE = Location(FULL, "backups", "here"), Location("twin", "backups", "there")
DAMAGED = {
    "no JSON": b"{",
    "no objects": b"{}",
    "objects of another backup": b'{"objects": [{"elsewhere-00001": {}}]}',
    "no metadata": b'{"objects": [], "volume_meta": "["}',
    "metadata of another kind": b'{"objects": [], "volume_meta": "{\\"volume-base-metadata\\": 7}"}',
    "deep": b"[" * 100000,
}


@pytest.mark.parametrize("listing", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_list_is_told(listing):
    with pytest.raises(CloudError, match="Object here_metadata of backup .* is damaged"):
        rewritten(listing, HERE, THERE, {})


@pytest.mark.parametrize("metadata", [None, json.dumps({"version": 1})])
def test_metadata_of_an_older_form_get_the_form_by_which_cinder_restores_keys(metadata):
    listing = json.dumps({"objects": [{"here-00001": {}}], "volume_meta": metadata}).encode()
    names, changed = rewritten(listing, HERE, THERE, {"encryption_key_id": "key"})
    assert (names, json.loads(changed)["objects"]) == (["here-00001"], [{"there-00001": {}}])
    assert json.loads(json.loads(changed)["volume_meta"]) == {"version": 2, "volume-base-metadata": {"encryption_key_id": "key"}}


def test_a_type_that_is_not_there_is_told_before_anything_is_made(site):
    with pytest.raises(CloudError, match="has no volume type 'other'"):
        Twins(site.site, Opener(sealing.pair()[0]), site.waiter, 4).ensure(sealed_copy(), MARK, "other")
    assert (site.twins, site.keys.by_id) == ({}, {})
