# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every store of a catalogue does, and the catalogue in each of them."""

from __future__ import annotations

import dataclasses
import functools

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.roll_back_record import BEGUN, RollBackRecord
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Busy, InvalidInput, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.stores.store import StoredDocument
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.stores import KINDS, at_the_same_time

TEN = shop.taken("ten", "2026-01-01T10:00:00Z")
NOON = shop.taken("noon", "2026-01-01T12:00:00Z")
#: Names by which no catalogue keeps anything, though others may.
ODD = ["", "/", "..", "../shop/ten.json", "shop/../ten.json", "shop//ten.json", "/shop/ten.json", "shop/.ten.json", "shop/ten json", "shop/ten\n"]


@pytest.fixture(params=KINDS)
def kind(request, tmp_path, requests_mock):
    return KINDS[request.param](tmp_path, requests_mock)


@pytest.fixture
def store(kind):
    return kind.store()


# Documents


def test_before_the_first_document_there_are_none(store):
    assert (store.documents(), store.documents("shop"), store.names()) == ([], [], [])
    with pytest.raises(NotFound):
        store.read("shop/ten.json", 10)
    store.delete("shop/ten.json")


@pytest.mark.parametrize(("at_most", "expected"), [(3, b"man"), (8, b"manifest"), (100, b"manifest")])
def test_no_more_is_read_than_asked_for(store, at_most, expected):
    store.write("shop/ten.json", b"manifest")
    assert store.read("shop/ten.json", at_most) == expected


def test_a_large_document_is_read_as_it_was_written(store):
    content = bytes(range(256)) * 8192
    store.write("shop/ten.json", content)
    assert store.read("shop/ten.json", len(content) + 1) == content
    assert store.documents() == [StoredDocument("shop/ten.json", len(content))]


def test_a_document_without_content_is_there(store):
    store.write("shop/ten.json", b"")
    assert (store.read("shop/ten.json", 10), store.documents()) == (b"", [StoredDocument("shop/ten.json", 0)])


def test_a_document_is_written_in_place_of_another(store):
    store.write("shop/ten.json", b"what was there before")
    store.write("shop/ten.json", b"new")
    assert (store.read("shop/ten.json", 100), store.documents()) == (b"new", [StoredDocument("shop/ten.json", 3)])


def test_whoever_reads_while_others_write_sees_one_of_the_documents(store):
    """As a whole: the last one in the end, and never nothing."""
    contents = [bytes([number]) * 100_000 for number in range(4)]
    store.write("shop/ten.json", contents[0])

    def read():
        return [store.read("shop/ten.json", 200_000) for _one in range(8)]

    def write():
        for content in contents:
            store.write("shop/ten.json", content)

    found, *_others = at_the_same_time(read, write, write)
    assert all(one in contents for one in found)
    assert (store.read("shop/ten.json", 200_000), store.names()) == (contents[-1], ["shop/ten.json"])


def test_all_documents_of_a_folder_are_listed_and_no_others(store):
    inside = ["shop/_active.json", "shop/noon.json", "shop/noon/20260101T123000Z-passed-7.drill.json", "shop/one.json", "shop/ten.json"]
    for name in (*inside, "shop-2/ten.json", "shop2/ten.json", "a/shop/ten.json", "blog/ten.json"):
        store.write(name, b"{}")
    assert sorted(store.names("shop")) == inside
    assert len(store.names()) == len(inside) + 4
    assert (store.names("sho"), store.names("shop/noon")) == ([], [inside[2]])


def test_a_folder_may_be_called_as_a_document(store):
    """The drills of checkpoint ``noon.json`` and the manifest of checkpoint ``noon``."""
    store.write("shop/noon.json/1.drill.json", b"drill")
    store.write("shop/noon.json", b"manifest")
    assert (store.read("shop/noon.json", 10), store.read("shop/noon.json/1.drill.json", 10)) == (b"manifest", b"drill")
    assert sorted(store.names("shop")) == ["shop/noon.json", "shop/noon.json/1.drill.json"]
    store.delete("shop/noon.json")
    assert store.names() == ["shop/noon.json/1.drill.json"]


def test_what_is_deleted_is_gone_and_may_be_deleted_again(store):
    store.write("shop/ten.json", b"{}")
    store.write("shop/noon.json", b"{}")
    store.delete("shop/ten.json")
    store.delete("shop/ten.json")
    assert store.names() == ["shop/noon.json"]
    with pytest.raises(NotFound):
        store.read("shop/ten.json", 10)


def test_a_new_document_takes_no_others_place(store):
    store.write_new("shop/ten.json", b"first")
    store.write_new("shop/ten.json", b"second")
    assert (store.read("shop/ten.json", 10), store.names()) == (b"first", ["shop/ten.json"])
    store.delete("shop/ten.json")
    store.write_new("shop/ten.json", b"third")
    assert store.read("shop/ten.json", 10) == b"third"


def test_of_several_that_write_the_same_new_document_all_but_one_are_told(kind):
    catalogues = [Catalogue(kind.store()) for _one in range(8)]
    points = [dataclasses.replace(TEN, checkpoint=dataclasses.replace(TEN.checkpoint, site=f"site-{number}")) for number in range(8)]

    def publish(number):
        try:
            catalogues[number].publish_new(points[number])
        except Busy:
            return False
        return True

    published = at_the_same_time(*(functools.partial(publish, number) for number in range(8)))
    assert sorted(published) == [False] * 7 + [True]
    assert catalogues[0].checkpoints("shop", lambda manifest: manifest).kept == (points[published.index(True)],)


@pytest.mark.parametrize("name", ODD)
def test_no_name_leads_elsewhere(store, name):
    for use in (lambda: store.read(name, 10), lambda: store.write(name, b""), lambda: store.write_new(name, b""), lambda: store.delete(name)):
        with pytest.raises(InvalidInput, match="cannot be the name of a folder or document"):
            use()
    if name:
        with pytest.raises(InvalidInput):
            store.documents(name)


# Several catalogues in one place


@pytest.mark.parametrize(("project", "container"), [("project", "osdr"), ("proj", "osdr-catalogue"), ("project", "osdr-catalogue-2")])
def test_a_name_that_another_one_begins_with_is_another_catalogue(kind, project, container):
    kind.store().write("shop/ten.json", b"mine")
    assert kind.store(project, container).documents() == []


def test_each_project_has_its_own_and_each_container(kind):
    mine, theirs, other = kind.store(), kind.store(project="of-others"), kind.store(container="other")
    mine.write("shop/ten.json", b"mine")
    theirs.write("shop/ten.json", b"theirs")
    assert (mine.read("shop/ten.json", 10), theirs.read("shop/ten.json", 10), other.names()) == (b"mine", b"theirs", [])
    mine.delete("shop/ten.json")
    assert (mine.names(), theirs.names()) == ([], ["shop/ten.json"])


def test_what_documents_are_sealed_for_is_the_same_everywhere(kind):
    assert [kind.store().identity, kind.store("p2", "other").identity] == ["project/osdr-catalogue", "p2/other"]


# The catalogue


def test_a_catalogue_can_be_anywhere(kind):
    catalogue = Catalogue(kind.store(), "key")
    for manifest in (TEN, NOON):
        catalogue.publish(manifest)
    drill, active = shop.drilled(), ActiveRecord("shop", "remote", "2026-01-01T12:00:00.000Z", "ten")
    roll_back = RollBackRecord("20260101T140000Z", "primary", "ten", "2026-01-01T14:00:00.000Z", BEGUN, TEN.description)
    catalogue.record_drill(drill)
    catalogue.set_active(active)
    catalogue.set_roll_back(roll_back)
    seen = Catalogue(kind.store(), "key")
    assert (seen.applications(), seen.checkpoints("shop", lambda manifest: manifest).kept, seen.listing("shop").damaged) == (["shop"], (NOON, TEN), ())
    assert (seen.last_successful_drill("shop"), seen.active("shop"), seen.roll_back("shop")) == (drill, active, roll_back)
    catalogue.remove_roll_back("shop")
    catalogue.remove("shop", "noon")
    assert (seen.roll_back("shop"), seen.find("shop", "noon"), seen.checkpoints("shop", lambda manifest: manifest).kept) == (None, None, (TEN,))


def test_a_catalogue_that_is_moved_elsewhere_keeps_its_signatures(kind):
    Catalogue(kind.store(), "key").publish(TEN)
    there = KINDS["memory"]().store()
    for one in kind.store().documents():
        there.write(one.name, kind.store().read(one.name, one.size))
    assert Catalogue(there, "key").checkpoints("shop", lambda manifest: manifest).kept == (TEN,)


def test_what_others_put_there_hides_nothing(kind):
    Catalogue(kind.store()).publish(TEN)
    whole = NOON.dump()
    kind.plant("shop/half.json", whole[: len(whole) // 2])
    kind.plant("shop/empty.json", b"")
    kind.plant("shop/noise.json", bytes(range(256)))
    kind.plant("shop/a b.txt", b"")
    kind.plant("shop/other.json", whole)
    found = Catalogue(kind.store()).checkpoints("shop", lambda manifest: manifest)
    assert (found.kept, [one.checkpoint for one in found.damaged]) == ((TEN,), ["empty", "half", "noise", "other"])
    assert all(f"' in {kind.store().place}: " in one.problem for one in found.damaged)


def test_what_is_lost_after_it_was_listed_hides_nothing(kind):
    store = kind.store()
    for manifest in (TEN, NOON):
        Catalogue(store).publish(manifest)
    listed = store.documents("shop")
    store.delete("shop/noon.json")
    store.documents = lambda folder: listed
    found = Catalogue(store).checkpoints("shop", lambda manifest: manifest)
    assert (found.kept, found.damaged) == ((TEN,), ())
