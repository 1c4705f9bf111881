# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import hashlib
import json
import random
import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import catalogue as module
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue, CheckpointChoice, parse_time
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import (
    Busy,
    CheckpointReplaced,
    CloudError,
    Interrupted,
    InvalidInput,
    ManifestInvalid,
    NotFound,
)
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import signed
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest, Outline
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
    return [one.checkpoint.id for one in listing.kept]


def test_checkpoints_are_listed_the_newest_first():
    same_second = shop.taken("earlier", "2026-01-01T12:00:00Z")
    assert ids(catalogue(TEN, ONE, same_second, NOON).listing("shop")) == ["one", "noon", "earlier", "ten"]


def test_applications_are_apart():
    others = catalogue(TEN, shop.taken("noon", application="shop-2"))
    assert ids(others.listing("shop")) == ["ten"]
    assert others.applications() == ["shop", "shop-2"]


def test_what_cannot_be_a_manifest_by_its_name_is_nobodys():
    found = catalogue(TEN, **{"shop/notes.txt": b"", "shop/a/b.json": b"", "shop/": b"", "readme.json": b""})
    assert (ids(found.listing("shop")), found.listing("shop").damaged) == (["ten"], ())
    assert found.applications() == ["shop"]


def test_one_damaged_manifest_hides_no_other():
    found = catalogue(TEN, ONE, **{"shop/noon.json": b"{", "shop/night.json": b""}).listing("shop")
    assert ids(found) == ["one", "ten"]
    assert [one.name for one in found.damaged] == ["shop/night.json", "shop/noon.json"]
    assert all("container 'catalogue' of site 'remote'" in one.problem for one in found.damaged)


def test_a_manifest_in_the_place_of_another_is_damaged():
    swapped = catalogue(**{"shop/noon.json": TEN.dump(), "shop-2/ten.json": TEN.dump()})
    (damaged,) = swapped.listing("shop").damaged
    assert "is of checkpoint 'ten' of application 'shop'" in damaged.problem
    with pytest.raises(ManifestInvalid, match="the wrong place"):
        swapped.find("shop-2", "ten")


def test_an_endless_manifest_is_damaged(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 2**20)
    (damaged,) = catalogue(**{"shop/noon.json": b" " * 2**21}).listing("shop").damaged
    assert "more than 1 MiB" in damaged.problem


def test_with_a_key_only_its_own_signatures_count():
    objects = {"shop/ten.json": TEN.dump(SEAL), "shop/noon.json": NOON.dump(), "shop/one.json": ONE.dump(Seal("another", "project/catalogue"))}
    signed = catalogue(key=KEY, **objects).listing("shop")
    assert ids(signed) == ["ten"]
    assert ["not signed" in one.problem or "another key" in one.problem for one in signed.damaged] == [True, True]
    assert ids(catalogue(**objects).listing("shop")) == ["one", "noon", "ten"]


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
    found = made.listing("shop")
    assert (ids(found), found.damaged) == (["ten"], ())


def test_a_store_that_fails_is_no_damaged_manifest():
    def fail(name, at_most):
        raise CloudError("Site 'remote' could not read.")

    made = catalogue(TEN)
    made._store.read = fail
    with pytest.raises(CloudError, match="could not read"):
        made.listing("shop")


@pytest.mark.parametrize("name", ["noon", "one"])
def test_an_object_that_the_store_cannot_read_hides_no_other(name):
    made = catalogue(TEN, ONE, **{"shop/noon.json": b"{}"})
    read = made._store.read

    def refuse(object_name, at_most):
        if object_name == f"shop/{name}.json":
            raise CloudError("Site 'remote' broke off the object.", http_status=409)
        return read(object_name, at_most)

    made._store.read = refuse
    found = made.listing("shop")
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
        made.listing("shop")


def test_without_a_key_so_much_is_read_and_the_small_ones_first(monkeypatch):
    huge = {f"shop/{name}.json": b" " * 10**6 for name in ("a", "b", "z")}
    monkeypatch.setattr(module, "LARGEST_UNSIGNED_IN_ALL", 2**20)
    found = catalogue(TEN, NOON, **huge).listing("shop")
    assert ids(found) == ["noon", "ten"]
    assert ["was not read" in one.problem for one in found.damaged] == [False, True, True]
    assert "1 MiB" in found.damaged[-1].problem
    with_key = catalogue(TEN, NOON, key=KEY, **huge).listing("shop")
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
    assert len(ids(catalogue(*many).listing("shop"))) == 20
    assert set(most) == {1}


# Where a document belongs


@pytest.mark.parametrize(
    ("project", "container", "is_here"),
    [("project", "catalogue", True), ("project", "other", False), ("of-the-other-site", "catalogue", False)],
)
def test_with_a_key_only_what_was_signed_for_this_place_counts(project, container, is_here):
    content = TEN.dump(Seal(KEY, f"{project}/{container}"))
    found = catalogue(key=KEY, **{"shop/ten.json": content}).listing("shop")
    assert ids(found) == (["ten"] if is_here else [])
    assert [f"signed for another place: {project}/{container}, not project/catalogue" in one.problem for one in found.damaged] == [True] * (not is_here)
    # Whoever may write can forge what is not verified, so there it is no obstacle to those who moved the catalogue.
    assert ids(catalogue(**{"shop/ten.json": content}).listing("shop")) == ["ten"]


def test_what_an_earlier_version_signed_is_read_and_told():
    old = shop.signed_by_first_form(TEN, KEY)
    found = catalogue(NOON, key=KEY, **{"shop/ten.json": old}).listing("shop")
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
    selected = catalogue(TEN, NOON, ONE).listing("shop").select(CheckpointChoice(**choice))
    assert selected == expected


def test_a_damaged_checkpoint_is_not_selected_by_its_id():
    listing = catalogue(TEN, **{"shop/noon.json": b"{"}).listing("shop")
    assert listing.select(CheckpointChoice()) == "ten"
    with pytest.raises(ManifestInvalid, match="Object 'shop/noon.json'") as raised:
        listing.select(CheckpointChoice("noon"))
    assert "os_catalogue_rebuild" in raised.value.hint


def test_a_damaged_one_that_is_called_latest_does_not_stand_for_the_newest():
    assert catalogue(TEN, **{"shop/latest.json": b"{"}).listing("shop").select(CheckpointChoice()) == "ten"


NO_MOMENTS = ["", "yesterday", "2026-11-22", "2026-11-22T12:00:00", "2026-13-22T12:00:00Z", "12:00Z", "1763812800"]


@pytest.mark.parametrize("text", [*NO_MOMENTS, "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_is_none_is_refused(text):
    with pytest.raises(InvalidInput, match="is not a time with an offset") as raised:
        parse_time(text)
    assert "2026-11-22T12:00:00Z" in raised.value.hint


def test_a_choice_is_told_in_words():
    choice = CheckpointChoice("noon", parse_time("2026-01-01T12:00:00Z"), "quiesced")
    assert str(choice) == "checkpoint 'noon' not after 2026-01-01T12:00:00+00:00 that is at least quiesced-consistent"


# Reading only the beginning


def outlined(outline):
    return type(outline).__name__, outline.checkpoint.id


def test_of_what_is_stored_as_today_only_the_beginning_is_read():
    objects = {"shop/ten.json": TEN.dump(SEAL), "shop/noon.json": NOON.dump(SEAL), "shop/one.json": shop.signed_by_first_form(ONE, KEY)}
    found = catalogue(key=KEY, **objects).overview("shop", outlined)
    # The first form has its members in another order.
    assert (found.kept, found.damaged) == ((("Manifest", "one"), ("Outline", "noon"), ("Outline", "ten")), ())


def test_the_beginning_tells_what_the_whole_does():
    ((outline, manifest),) = catalogue(NOON).overview("shop", lambda outline: (outline, NOON)).kept
    assert (outline.application, outline.checkpoint, outline.copies) == (manifest.application, manifest.checkpoint, manifest.copies)
    assert Outline.of(outline) == Outline.of(manifest)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (TEN.dump(), "not signed"),
        (TEN.dump(Seal("another", SEAL.place)), "another key"),
        (TEN.dump(Seal(KEY, "project/other")), "another place"),
        (TEN.dump(SEAL).replace(b"quiesced", b"crash", 1), "signature does not match"),
        (NOON.dump(SEAL), "the wrong place"),
        (b"", "not signed"),
    ],
    ids=["unsigned", "forged", "copied", "changed", "moved", "empty"],
)
def test_the_beginning_is_verified_as_the_whole_is(content, problem):
    (damaged,) = catalogue(key=KEY, **{"shop/ten.json": content}).overview("shop", outlined).damaged
    assert problem in damaged.problem


def test_the_newest_is_the_newest_that_is_whole():
    beheaded = signed.dump({**NOON.as_dict(), "servers": []})
    made = catalogue(TEN, **{"shop/noon.json": beheaded})
    assert made.named("shop", "latest") == TEN
    with pytest.raises(ManifestInvalid, match="Object 'shop/noon.json'") as raised:
        made.named("shop", "noon")
    assert "os_catalogue_rebuild" in raised.value.hint


def test_one_that_is_named_is_read_alone():
    made = catalogue(TEN, NOON)
    read, seen = made._store.read, []
    made._store.read = lambda name, at_most: seen.append(name) or read(name, at_most)
    assert (made.named("shop", "ten"), seen) == (TEN, ["shop/ten.json"])


# What somebody has chosen


def digest_of(content):
    return json.loads(content)["digest"]


@pytest.mark.parametrize("key", [None, KEY])
def test_what_was_chosen_is_read_again_by_its_id_and_digest(key):
    made = catalogue(TEN, NOON, key=key)
    digest = digest_of(made._store.content["shop/ten.json"])
    assert made.chosen("shop", "ten", digest) == made.chosen("shop", "ten") == TEN
    assert made.chosen("shop", "ten").digest == digest


def test_what_was_replaced_since_is_refused_by_its_name():
    made = catalogue(TEN)
    digest = digest_of(made._store.content["shop/ten.json"])
    made.publish(shop.taken("ten", "2026-01-01T10:00:00Z", "crash"))
    with pytest.raises(CheckpointReplaced, match="checkpoint 'ten' of application 'shop' in container 'catalogue' of site 'remote' was replaced"):
        made.chosen("shop", "ten", digest)
    assert made.chosen("shop", "ten").checkpoint.consistency == "crash"


@pytest.mark.parametrize(
    ("application", "checkpoint", "error", "message"),
    [
        ("shop", "latest", InvalidInput, "'latest', which stands for the newest one"),
        ("shop", "drill", NotFound, "Application 'shop' has no checkpoint 'drill' in container 'catalogue' of site 'remote'"),
        ("../shop", "ten", InvalidInput, "the name of an application"),
        ("shop", "../ten", InvalidInput, "the id of a checkpoint"),
        ("shop", "noon", ManifestInvalid, "Object 'shop/noon.json'"),
    ],
)
def test_only_one_that_is_there_can_have_been_chosen(application, checkpoint, error, message):
    with pytest.raises(error, match=message):
        catalogue(TEN, **{"shop/noon.json": b"{"}).chosen(application, checkpoint)


def test_what_was_chosen_is_verified_and_no_more_of_it_is_read_than_a_manifest_may_have(monkeypatch):
    with pytest.raises(ManifestInvalid, match="is not signed"):
        catalogue(key=KEY, **{"shop/ten.json": TEN.dump()}).chosen("shop", "ten")
    monkeypatch.setattr(module, "LARGEST", 100)
    made, asked = catalogue(TEN), []
    read = made._store.read
    made._store.read = lambda name, at_most: asked.append(at_most) or read(name, at_most)
    with pytest.raises(ManifestInvalid, match="has more than"):
        made.chosen("shop", "ten")
    assert asked == [101]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_changed_the_beginning_never_says_what_the_whole_does_not(seed):
    """Unsigned, so that all may be forged."""
    dice = random.Random(seed)
    for _change in range(30):
        body = bytearray(b"{" + NOON.dump()[85:])
        for _byte in range(dice.randint(1, 3)):
            body[dice.randrange(len(body))] = dice.choice(b'"{}[],:\\u0dn ')
        content = b'{"digest":"sha256:' + hashlib.sha256(body).hexdigest().encode() + b'",' + bytes(body[1:])
        try:
            outline = Outline.load(content)
        except ManifestInvalid:
            outline = None
        try:
            whole = Manifest.load(content)
        except ManifestInvalid:
            continue
        assert outline is None or (outline.application, outline.checkpoint, outline.copies) == (whole.application, whole.checkpoint, whole.copies)
