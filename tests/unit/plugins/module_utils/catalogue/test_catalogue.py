# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import catalogue as module
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue, CheckpointChoice, parse_time
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Busy, CloudError, Interrupted, InvalidInput, ManifestInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.signed import Seal
from ansible_collections.osdr.openstack.plugins.module_utils.stores.store import StoredDocument
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

KEY = "correct horse battery staple"
SEAL = Seal(KEY, "project/catalogue")
TEN = shop.taken("ten", "2026-01-01T10:00:00Z")
NOON = shop.taken("noon", "2026-01-01T12:00:00.500Z", "crash")
ONE = shop.taken("one", "2026-01-01T13:00:00Z", "paused")


def catalogue(*manifests, key=None, **objects):
    made = Catalogue(FakeStore(**objects), key)
    for manifest in manifests:
        made.publish(manifest)
    return made


def ids(listing):
    return [one.checkpoint.id for one in listing.manifests]


def test_checkpoints_are_listed_the_newest_first():
    same_second = shop.taken("earlier", "2026-01-01T12:00:00Z")
    assert ids(catalogue(TEN, ONE, same_second, NOON).checkpoints("shop")) == ["one", "noon", "earlier", "ten"]


def test_applications_are_apart():
    others = catalogue(TEN, shop.taken("noon", application="shop-2"))
    assert ids(others.checkpoints("shop")) == ["ten"]
    assert others.applications() == ["shop", "shop-2"]


def test_what_cannot_be_a_manifest_by_its_name_is_nobodys():
    found = catalogue(TEN, **{"shop/notes.txt": b"", "shop/a/b.json": b"", "shop/": b"", "readme.json": b""})
    assert (ids(found.checkpoints("shop")), found.checkpoints("shop").damaged) == (["ten"], ())
    assert found.applications() == ["shop"]


def test_one_damaged_manifest_hides_no_other():
    found = catalogue(TEN, ONE, **{"shop/noon.json": b"{", "shop/night.json": b""}).checkpoints("shop")
    assert ids(found) == ["one", "ten"]
    assert [one.name for one in found.damaged] == ["shop/night.json", "shop/noon.json"]
    assert all("container 'catalogue' of site 'remote'" in one.problem for one in found.damaged)


def test_a_manifest_in_the_place_of_another_is_damaged():
    swapped = catalogue(**{"shop/noon.json": TEN.dump(), "shop-2/ten.json": TEN.dump()})
    (damaged,) = swapped.checkpoints("shop").damaged
    assert "is of checkpoint 'ten' of application 'shop'" in damaged.problem
    with pytest.raises(ManifestInvalid, match="the wrong place"):
        swapped.find("shop-2", "ten")


def test_an_endless_manifest_is_damaged(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 2**20)
    (damaged,) = catalogue(**{"shop/noon.json": b" " * 2**21}).checkpoints("shop").damaged
    assert "more than 1 MiB" in damaged.problem


def test_with_a_key_only_its_own_signatures_count():
    objects = {"shop/ten.json": TEN.dump(SEAL), "shop/noon.json": NOON.dump(), "shop/one.json": ONE.dump(Seal("another", "project/catalogue"))}
    signed = catalogue(key=KEY, **objects).checkpoints("shop")
    assert ids(signed) == ["ten"]
    assert ["not signed" in one.problem or "another key" in one.problem for one in signed.damaged] == [True, True]
    assert ids(catalogue(**objects).checkpoints("shop")) == ["one", "noon", "ten"]


def test_what_is_published_with_a_key_is_signed():
    made = catalogue(TEN, key=KEY)
    assert made.find("shop", "ten") == TEN
    assert made._store.content["shop/ten.json"] == TEN.dump(SEAL)


def test_what_another_run_published_meanwhile_is_told_and_kept():
    made, other = catalogue(key=KEY), dataclasses.replace(TEN, checkpoint=dataclasses.replace(TEN.checkpoint, consistency="crash"))
    made.publish_new(TEN)
    made.publish_new(TEN)
    with pytest.raises(Busy, match="Another run has published checkpoint 'ten' of application 'shop' meanwhile.") as raised:
        made.publish_new(other)
    assert (made.find("shop", "ten"), raised.value.hint) == (TEN, "Let it finish; then re-run this one.")


def test_what_another_run_published_and_removed_meanwhile_is_told_too():
    made = catalogue()
    made._store.write_new = lambda name, content: None
    with pytest.raises(Busy):
        made.publish_new(TEN)


def test_an_empty_key_is_no_key():
    with pytest.raises(InvalidInput, match="hmac_key is empty"):
        Catalogue.of(None, {"container": "catalogue", "hmac_key": ""})


def test_what_vanishes_while_it_is_listed_is_not_there():
    made = catalogue(TEN)
    made._store.documents = lambda folder="": [StoredDocument("shop/noon.json", 1), StoredDocument("shop/ten.json", 1)]
    found = made.checkpoints("shop")
    assert (ids(found), found.damaged) == (["ten"], ())


def test_a_store_that_fails_is_no_damaged_manifest():
    def fail(name, at_most):
        raise CloudError("Site 'remote' could not read.")

    made = catalogue(TEN)
    made._store.read = fail
    with pytest.raises(CloudError, match="could not read"):
        made.checkpoints("shop")


@pytest.mark.parametrize("name", ["noon", "one"])
def test_an_object_that_the_store_cannot_read_hides_no_other(name):
    made = catalogue(TEN, ONE, **{"shop/noon.json": b"{}"})
    read = made._store.read

    def refuse(object_name, at_most):
        if object_name == f"shop/{name}.json":
            raise CloudError("Site 'remote' broke off the object.", http_status=409)
        return read(object_name, at_most)

    made._store.read = refuse
    found = made.checkpoints("shop")
    assert ids(found) == [one for one in ("one", "ten") if one != name]
    assert [one.problem for one in found.damaged if one.checkpoint == name] == ["Site 'remote' broke off the object."]


def test_being_told_to_stop_is_no_damaged_manifest():
    made = catalogue(TEN, ONE)
    read = made._store.read

    def stop(name, at_most):
        if name == "shop/one.json":
            raise Interrupted("Stopped by SIGTERM.")
        return read(name, at_most)

    made._store.read = stop
    with pytest.raises(Interrupted):
        made.checkpoints("shop")


def test_without_a_key_so_much_is_read_and_the_small_ones_first(monkeypatch):
    huge = {f"shop/{name}.json": b" " * 10**6 for name in ("a", "b", "z")}
    monkeypatch.setattr(module, "LARGEST_UNSIGNED_IN_ALL", 2**20)
    found = catalogue(TEN, NOON, **huge).checkpoints("shop")
    assert ids(found) == ["noon", "ten"]
    assert ["was not read" in one.problem for one in found.damaged] == [False, True, True]
    assert "1 MiB" in found.damaged[-1].problem
    with_key = catalogue(TEN, NOON, key=KEY, **huge).checkpoints("shop")
    assert (ids(with_key), [one.problem for one in with_key.damaged if "was not read" in one.problem]) == (["noon", "ten"], [])


def test_only_one_manifest_is_parsed_at_a_time(monkeypatch):
    parsing, most = set(), []
    load = module.read_manifest

    def counted(*arguments):
        parsing.add(threading.get_ident())
        most.append(len(parsing))
        try:
            return load(*arguments)
        finally:
            parsing.discard(threading.get_ident())

    monkeypatch.setattr(module, "read_manifest", counted)
    many = [shop.taken(f"c{number}", "2026-01-01T10:00:00Z") for number in range(20)]
    assert len(ids(catalogue(*many).checkpoints("shop"))) == 20
    assert set(most) == {1}


# Where a document belongs


@pytest.mark.parametrize(
    ("project", "container", "is_here"),
    [("project", "catalogue", True), ("project", "other", False), ("of-the-other-site", "catalogue", False)],
)
def test_with_a_key_only_what_was_signed_for_this_place_counts(project, container, is_here):
    content = TEN.dump(Seal(KEY, f"{project}/{container}"))
    found = catalogue(key=KEY, **{"shop/ten.json": content}).checkpoints("shop")
    assert ids(found) == (["ten"] if is_here else [])
    assert [f"signed for another place: {project}/{container}, not project/catalogue" in one.problem for one in found.damaged] == [True] * (not is_here)
    # Whoever may write can forge what is not verified, so there it is no obstacle to those who moved the catalogue.
    assert ids(catalogue(**{"shop/ten.json": content}).checkpoints("shop")) == ["ten"]


def test_what_an_earlier_version_signed_is_read_and_told():
    old = shop.signed_by_first_form(TEN, KEY)
    found = catalogue(NOON, key=KEY, **{"shop/ten.json": old}).checkpoints("shop")
    assert (ids(found), found.unbound) == (["noon", "ten"], ["ten"])


def test_a_checkpoint_is_found_by_its_id():
    made = catalogue(TEN, **{"shop/noon.json": b"{"})
    assert (made.find("shop", "ten"), made.find("shop", "one")) == (TEN, None)
    with pytest.raises(ManifestInvalid, match="Object 'shop/noon.json'"):
        made.find("shop", "noon")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, "one"),
        ({"checkpoint": "ten"}, "ten"),
        ({"checkpoint": "nine"}, None),
        ({"not_after": "2026-01-01T12:59:59Z"}, "noon"),
        ({"not_after": "2026-01-01T13:00:00Z"}, "one"),
        ({"not_after": "2026-01-01T13:00:00+01:00"}, "ten"),
        ({"not_after": "2026-01-01T07:00:00-05:00"}, "ten"),
        ({"not_after": "2026-01-01T09:59:59Z"}, None),
        ({"consistency": "crash"}, "one"),
        ({"consistency": "paused"}, "one"),
        ({"consistency": "quiesced"}, "ten"),
        ({"consistency": "offline"}, None),
        ({"checkpoint": "noon", "consistency": "quiesced"}, None),
        ({"checkpoint": "one", "not_after": "2026-01-01T12:00:00Z"}, None),
        ({"not_after": "2026-01-01T12:30:00Z", "consistency": "paused"}, "ten"),
    ],
)
def test_the_newest_that_is_good_enough_is_selected(choice, expected):
    if "not_after" in choice:
        choice = {**choice, "not_after": parse_time(choice["not_after"])}
    selected = catalogue(TEN, NOON, ONE).checkpoints("shop").select(CheckpointChoice(**choice))
    assert (selected.checkpoint.id if selected else None) == expected


def test_a_damaged_checkpoint_is_not_selected_by_its_id():
    listing = catalogue(TEN, **{"shop/noon.json": b"{"}).checkpoints("shop")
    assert listing.select(CheckpointChoice()) == TEN
    with pytest.raises(ManifestInvalid, match="Object 'shop/noon.json'") as raised:
        listing.select(CheckpointChoice("noon"))
    assert "os_catalogue_rebuild" in raised.value.hint


def test_a_damaged_one_that_is_called_latest_does_not_stand_for_the_newest():
    assert catalogue(TEN, **{"shop/latest.json": b"{"}).checkpoints("shop").select(CheckpointChoice()) == TEN


NO_MOMENTS = ["", "yesterday", "2026-11-22", "2026-11-22T12:00:00", "2026-13-22T12:00:00Z", "12:00Z", "1763812800"]


@pytest.mark.parametrize("text", [*NO_MOMENTS, "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_is_none_is_refused(text):
    with pytest.raises(InvalidInput, match="is not a time with an offset") as raised:
        parse_time(text)
    assert "2026-11-22T12:00:00Z" in raised.value.hint


def test_a_choice_is_told_in_words():
    choice = CheckpointChoice("noon", parse_time("2026-01-01T12:00:00Z"), "quiesced")
    assert str(choice) == "checkpoint 'noon' not after 2026-01-01T12:00:00+00:00 that is at least quiesced-consistent"
