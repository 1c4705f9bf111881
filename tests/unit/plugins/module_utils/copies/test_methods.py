# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies import methods
from ansible_collections.osdr.openstack.plugins.module_utils.copies.cinder_backup import CinderBackup
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import ManifestInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Content, Manifest
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import cloud_with_images
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup

MANIFEST = shop.manifest()
PARTS = methods.by_id(shop.backups())


class Carrying(CinderBackup):
    """A second method, whose parts are of another type."""

    name = "pigeon"
    part_type = str
    remedy = "send another one"

    def look(self, storage, copies, concurrency):
        return [f"seen for {copy.copy_id}" for copy in copies]

    def removal_order(self, parts):
        return [list(parts)]


@pytest.fixture
def two(monkeypatch):
    monkeypatch.setattr(methods, "METHODS", {**methods.METHODS, "pigeon": Carrying()})


def by(method):
    """The same checkpoint, its first copy made by another method."""
    first, *others = MANIFEST.copies
    return dataclasses.replace(MANIFEST, copies=(dataclasses.replace(first, method=method), *others))


def test_backups_are_what_is_known_first():
    assert list(methods.METHODS) == ["cinder_backup", "glance_image", "mirrored_volume"]
    assert methods.pending("volume", 7) == dataclasses.replace(MANIFEST.copies[0], volume_id="volume", copy_id="", chain=(), size=7,
                                                               incremental=False, object_count=0, container="", stored_bytes=0,
                                                               inventory="", verified="records", content=Content())


def test_each_copy_is_of_the_method_that_its_manifest_names(two):
    found = [methods.method_of(copy).name for copy in by("pigeon").copies]
    assert found == ["pigeon", "cinder_backup", "cinder_backup"]


def test_each_part_is_of_the_method_that_keeps_such_parts(two):
    assert [methods.method_of_part(part).name for part in ("grey", backup("db"))] == ["pigeon", "cinder_backup"]


UNKNOWN = (
    f"The copy of volume {shop.uuid(1)} was made by the method 'pigeon', which this release does not know "
    "(it knows cinder_backup, glance_image, mirrored_volume). Use a release of osdr.openstack that knows it."
)


def test_a_method_that_is_not_known_is_refused_by_name():
    manifest = by("pigeon")
    assert methods.unknown_problems(manifest) == [UNKNOWN]
    for refuse in (lambda: methods.refuse_unknown(manifest), lambda: methods.needed([manifest]), lambda: methods.carriers(manifest, [])):
        with pytest.raises(ManifestInvalid) as raised:
            refuse()
        assert str(raised.value) == UNKNOWN


def test_known_methods_are_no_problem():
    assert methods.unknown_problems(MANIFEST) == []
    methods.refuse_unknown(MANIFEST)


def test_a_manifest_names_its_method_and_need_not_be_of_this_release():
    document = MANIFEST.as_dict()
    document["copies"][0]["method"] = "pigeon"
    assert Manifest.parse(document) == by("pigeon")


@pytest.mark.parametrize("method", ["", "Pigeon", "pigeon post", "../pigeon", "pigeon\n", 7, None])
def test_what_is_no_name_of_a_method_is_no_manifest(method):
    document = MANIFEST.as_dict()
    document["copies"][0]["method"] = method
    with pytest.raises(ManifestInvalid):
        Manifest.parse(document)


def test_a_site_is_asked_for_the_parts_of_each_methods_own_copies(two):
    asked = []

    class Storage:
        cloud = cloud_with_images("remote")

        def backups(self):
            return [backup("mine")]

        def volumes(self):
            return []

        def backup(self, backup_id):
            asked.append(backup_id)
            return None

    found = methods.look(Storage(), by("pigeon").copies, 1)
    assert found == [backup("mine"), f"seen for {MANIFEST.copies[0].copy_id}"]
    assert asked == sorted(one for copy in MANIFEST.copies[1:] for one in copy.chain)


def test_what_checkpoints_need_is_all_of_their_chains():
    assert methods.needed([MANIFEST, by("cinder_backup")]) == {one for copy in MANIFEST.copies for one in copy.chain}
    assert methods.needed([]) == set()


def test_a_manifest_is_kept_by_the_checkpoints_own_parts():
    found = methods.carriers(MANIFEST, [*shop.backups(), backup("other")])
    assert {one.id for one in found} == {copy.copy_id for copy in MANIFEST.copies}


def test_what_a_site_lacks_is_asked_of_the_copys_own_method(two):
    own, others = MANIFEST.copies[0], by("pigeon").copies[0]
    assert methods.lacks(own, PARTS) == []
    assert methods.lacks(own, {}) == CinderBackup().lacks(own, {}) != []
    assert {one.remedy for one in methods.lacks(others, {})} == {"send another one"}


def test_of_a_method_that_is_not_known_nothing_can_be_lacking():
    assert methods.lacks(by("pigeon").copies[0], {}) == []


def test_what_is_being_restored_is_known_by_any_part_of_any_copy():
    assert not methods.is_being_restored(MANIFEST, PARTS)
    one = MANIFEST.copies[-1].chain[0]
    assert methods.is_being_restored(MANIFEST, {**PARTS, one: dataclasses.replace(PARTS[one], status="restoring")})
    assert not methods.is_being_restored(MANIFEST, {})


def test_parts_of_several_methods_are_removed_by_each_ones_order(two):
    older, newer = backup("a", volume_id="v", data_timestamp="1"), backup("b", volume_id="v", data_timestamp="2")
    assert methods.removal_order([older, "grey", newer]) == [[newer, older], ["grey"]]


def test_a_report_tells_what_copies_consist_of():
    document = MANIFEST.as_dict()["copies"][0]
    assert methods.extent(document) == f"{len(document['chain'])} backups"
    assert methods.extent({**document, "chain": ["one"]}) == "1 backup"


@pytest.mark.parametrize("document", [{}, {"method": "pigeon"}, {"method": ["cinder_backup"]}, {"method": None}])
def test_a_report_tells_nothing_of_a_method_that_is_not_known(document):
    assert methods.extent(document) == ""


@pytest.mark.parametrize("chain", [None, "abc", 7, {}])
def test_a_report_bears_a_chain_that_is_none(chain):
    assert methods.extent({"method": "cinder_backup", "chain": chain}) == "0 backups"
