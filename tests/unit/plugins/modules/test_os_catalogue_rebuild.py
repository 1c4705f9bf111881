# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.publication import Publication
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Busy, InvalidInput
from ansible_collections.osdr.openstack.plugins.modules import os_catalogue_rebuild
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeBackups, FakeStore

NAME = "shop/noon.json"
KEY = "correct horse battery staple"
OTHER = dataclasses.replace(shop.manifest(), checkpoint=dataclasses.replace(shop.manifest().checkpoint, site="elsewhere"))


class Site:
    """A remote site whose backups keep a manifest."""

    def __init__(self, key=None):
        self.store, self.storage = FakeStore(), FakeBackups(*shop.backups())
        self.publish(shop.manifest(), key)

    def publish(self, manifest, key=None):
        publication = Publication(Catalogue(self.store, key), self.storage)
        publication.publish(manifest, publication.pieces_to_store(manifest, self.storage.backups()))

    def rebuild(self, key=None, check_mode=False, application=None):
        self.warnings = []
        module = SimpleNamespace(params={"application": application}, check_mode=check_mode, warn=self.warnings.append)
        result = os_catalogue_rebuild.run(module, Catalogue(self.store, key), self.storage)
        return {**result, **{key: [one["id"] for one in result[key]] for key in ("rebuilt", "present")}}

    def change(self, backup_id, **metadata):
        held = self.storage.by_id[backup_id].metadata
        self.storage.mark_backup(backup_id, {**held, **metadata})


@pytest.fixture
def site():
    return Site()


@pytest.mark.parametrize("key", [None, KEY])
def test_a_lost_catalogue_is_written_anew_once(key):
    site = Site(key)
    before = dict(site.store.content)
    site.store.content.clear()
    assert site.rebuild(key)["rebuilt"] == ["noon"]
    assert site.store.content == before
    again = site.rebuild(key)
    assert (again["changed"], again["rebuilt"], again["present"], again["damaged"]) == (False, [], ["noon"], [])
    assert site.warnings == []


def test_what_was_signed_stays_signed_when_the_key_is_not_given():
    site = Site(KEY)
    site.store.content.clear()
    site.rebuild()
    assert site.rebuild(KEY)["present"] == ["noon"]


def test_check_mode_tells_what_would_be_written(site):
    site.store.content.clear()
    told = site.rebuild(check_mode=True)
    assert (told["changed"], told["rebuilt"], site.store.content) == (True, ["noon"], {})
    assert told["diff"]["before"] == {"shop/noon": {}}
    assert told["diff"]["after"]["shop/noon"]["id"] == "noon"


def test_a_damaged_manifest_is_replaced(site):
    site.store.content[NAME] = b"{"
    replaced = site.rebuild()
    assert replaced["rebuilt"] == ["noon"]
    assert replaced["diff"]["before"]["shop/noon"]["name"] == NAME
    assert site.rebuild()["present"] == ["noon"]


def test_another_manifest_is_left_alone_and_told(site):
    site.store.content[NAME] = OTHER.dump()
    (damaged,) = site.rebuild()["damaged"]
    assert "another manifest of this checkpoint" in damaged["problem"]
    assert site.store.content[NAME] == OTHER.dump()


def problem_of(site, **arguments):
    """What keeps the only checkpoint from being written anew."""
    site.store.content.clear()
    result = site.rebuild(**arguments)
    (damaged,) = result["damaged"]
    assert (result["changed"], site.store.content) == (False, {})
    assert damaged["problem"] in site.warnings[0]
    return damaged["problem"]


def test_a_backup_that_is_gone_takes_its_pieces_along(site):
    del site.storage.by_id[shop.uuid(102)]
    assert "pieces of its manifest are missing, beginning with osdr_manifest_0001" in problem_of(site)


def test_a_parent_that_is_gone_is_told(site):
    del site.storage.by_id[shop.uuid(91)]
    assert f"Backup {shop.uuid(91)}" in problem_of(site)


def test_a_changed_piece_is_told(site):
    site.change(shop.uuid(101), osdr_manifest_0000="x" * 255)
    assert "changed or damaged" in problem_of(site)


def test_pieces_on_the_backups_of_another_checkpoint_are_not_taken_for_its_own(site):
    for number in (101, 102, 103):
        site.change(shop.uuid(number), osdr_checkpoint="midnight")
    assert "is of checkpoint 'noon' of application 'shop'" in problem_of(site)


def test_with_a_key_unsigned_pieces_are_refused(site):
    assert "is not signed" in problem_of(site, key=KEY)
    assert "another key" in problem_of(Site("another"), key=KEY)


def test_pieces_of_an_interrupted_publication_are_not_mixed(site):
    before = site.storage.by_id[shop.uuid(103)].metadata
    site.publish(OTHER)
    site.storage.mark_backup(shop.uuid(103), before)
    assert "parts of 2 manifests" in problem_of(site)


def test_what_another_run_published_meanwhile_is_told_and_not_replaced(site):
    site.store.content.clear()
    # Somebody writes it after it was looked for.
    site.store.write_new = lambda name, content: site.store.content.setdefault(name, OTHER.dump())
    with pytest.raises(Busy, match="Another run has published checkpoint 'noon'"):
        site.rebuild()
    assert list(site.store.content.values()) == [OTHER.dump()]


def test_only_the_application_that_is_asked_for(site):
    site.store.content.clear()
    assert site.rebuild(application="other")["rebuilt"] == []
    assert site.rebuild(application="shop")["rebuilt"] == ["noon"]
    with pytest.raises(InvalidInput, match="cannot be used as the name of an application"):
        site.rebuild(application="../shop")


def test_backups_that_are_not_ours_do_not_matter(site):
    site.change(shop.uuid(91), osdr_manifest="1:0")
    site.storage.mark_backup(shop.uuid(92), {"somebody": "else"})
    result = site.rebuild()
    assert result["present"] == ["noon"]
    assert [one["checkpoint"] for one in result["damaged"]] == ["ten"]
