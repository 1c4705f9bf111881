# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.publication import Publication
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.pieces import LABEL_KEY, join
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeBackups, FakeStore, backup

MANIFEST = shop.manifest()
OWN = {shop.uuid(number) for number in (101, 102, 103)}
NAME = "shop/noon.json"


class Refusing(FakeBackups):
    def mark_backup(self, backup_id, metadata):
        raise CloudError(f"Backup {backup_id} cannot be marked.")


def publication(storage=None, key=None, **objects):
    return Publication(Catalogue(FakeStore(**objects), key), storage or FakeBackups(*shop.backups()))


def published(key=None):
    made = publication(key=key)
    made.publish(MANIFEST, made.pieces_to_store(MANIFEST, made.storage.backups()))
    return made


def holders(pieces):
    return {part.id for part, _metadata in pieces}


def objects(made):
    return made.catalogue._store.content


def test_pieces_are_for_the_checkpoints_own_backups_only():
    stranger = backup("stranger", metadata=marks("shop", "noon"))
    assert holders(publication().pieces_to_store(MANIFEST, [*shop.backups(), stranger])) == OWN


@pytest.mark.parametrize("key", [None, "secret"])
def test_pieces_are_of_the_very_document_that_is_published(key):
    made = published(key)
    metadata = [one.metadata for one in made.storage.backups() if LABEL_KEY in one.metadata]
    assert join(metadata, 2**20) == objects(made)[NAME]


def test_what_the_backups_hold_already_is_not_written_again():
    made = published()
    assert made.pieces_to_store(MANIFEST, made.storage.backups()) == []
    changed = dataclasses.replace(MANIFEST, checkpoint=dataclasses.replace(MANIFEST.checkpoint, site="elsewhere"))
    assert holders(made.pieces_to_store(changed, made.storage.backups())) == OWN


def test_without_its_pieces_no_manifest_is_published():
    made = publication(Refusing(*shop.backups()))
    with pytest.raises(CloudError):
        made.publish(MANIFEST, [(shop.backups()[0], {LABEL_KEY: "1:0"})])
    assert objects(made) == {}


def test_what_is_withdrawn_leaves_the_catalogue_before_its_pieces():
    made = publication(Refusing(*shop.backups()), **{NAME: MANIFEST.dump()})
    with pytest.raises(CloudError):
        made.withdraw("shop", "noon", [(shop.backups()[0], {})])
    assert objects(made) == {}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        pytest.param(("shop", "noon"), OWN, id="its own"),
        pytest.param(("shop", "ten"), set(), id="not another checkpoint's"),
        pytest.param(("bank", "noon"), set(), id="nor another application's"),
    ],
)
def test_pieces_to_remove_are_found_by_the_marks(names, expected):
    assert holders(published().pieces_to_remove(*names)) == expected


def test_only_pieces_are_removed_from_what_the_backups_hold():
    before = {one.id: one.metadata for one in shop.backups()}
    made = published()
    made.withdraw("shop", "noon", made.pieces_to_remove("shop", "noon"))
    assert {one.id: one.metadata for one in made.storage.backups()} == before
    assert made.pieces_to_remove("shop", "noon") == []
