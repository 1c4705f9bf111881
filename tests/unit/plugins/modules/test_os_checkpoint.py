# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace
from unittest import mock

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.publication import Publication
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Busy, CheckFailed, CloudError, DrError, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.pieces import LABEL_KEY
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.together import Together
from ansible_collections.osdr.openstack.plugins.modules import os_checkpoint
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeBackups, FakeStore

NAME = "shop/noon.json"
PARAMS = {"application": "shop", "checkpoint": "noon", "site": "primary", "together": None}
DESCRIPTION = {key: shop.DOCUMENT[key] for key in ("application", "servers", "topology", "missing")}
TAKEN = {
    "name": "noon",
    "application": "shop",
    "taken_at": "2026-01-01T12:00:00Z",
    "consistency": "quiesced",
    "window": None,
    "clock": None,
    "servers": [{"name": "orders-db", "consistency": "quiesced"}, {"name": "shop-front", "consistency": "quiesced"}],
    "snapshots": [],
}


class Drafted:
    """Stands for a draft with what other modules have kept; what is None was not."""

    def __init__(self, **changes):
        copies = {"checkpoint": "noon", "copies": shop.DOCUMENT["copies"]}
        self.content = {"description": DESCRIPTION, "snapshots": TAKEN, "copies": copies, **changes}

    def needed(self, name, writer):
        if self.content[name] is None:
            raise InvalidInput(f"There is no draft. Run {writer} first.")
        return self.content[name]


class Site:
    """A remote site as the module sees it."""

    def __init__(self, key=None, **objects):
        self.store = FakeStore(**objects)
        self.storage = FakeBackups(*shop.backups())
        self.publication = Publication(Catalogue(self.store, key), self.storage)

    def present(self, check_mode=False, draft=None, **changes):
        """:param draft: what other modules have kept differently."""
        with mock.patch.object(os_checkpoint, "Draft", lambda _directory: Drafted(**(draft or {}))):
            return os_checkpoint.present(SimpleNamespace(params={**PARAMS, "draft": "/drafts", **changes}, check_mode=check_mode), self.publication)

    def absent(self, check_mode=False, **changes):
        return os_checkpoint.absent(SimpleNamespace(params={**PARAMS, **changes}, check_mode=check_mode), self.publication)

    @property
    def holders(self):
        return sorted(one.id for one in self.storage.backups() if LABEL_KEY in one.metadata)


def test_a_checkpoint_is_published_once_with_pieces_on_its_own_backups():
    site = Site()
    assert site.present()["changed"]
    assert site.publication.catalogue.find("shop", "noon").checkpoint.consistency == "quiesced"
    assert site.holders == [shop.uuid(101), shop.uuid(102), shop.uuid(103)]
    assert {one.metadata["purpose"] for one in site.storage.backups() if one.id in site.holders} == {"shop"}
    assert not site.present()["changed"]
    assert (site.store.writes, site.storage.writes) == (1, 3)


def test_check_mode_writes_nothing():
    site = Site()
    assert site.present(check_mode=True)["diff"]["after"]["id"] == "noon"
    assert (site.store.content, site.holders) == ({}, [])
    site.present()
    assert site.absent(check_mode=True)["changed"]
    assert (list(site.store.content), len(site.holders)) == ([NAME], 3)


def test_the_manifest_comes_after_its_pieces():
    site = Site()

    def fail(backup_id, metadata):
        raise CloudError("Site 'remote' could not mark.")

    site.storage.mark_backup = fail
    with pytest.raises(DrError, match="could not mark"):
        site.present()
    assert site.store.content == {}


def test_what_another_run_published_meanwhile_is_told_and_not_replaced():
    site, other = Site(), Site()
    other.present(site="elsewhere")
    mark = site.storage.mark_backup

    def meanwhile(backup_id, metadata):
        site.store.content.update(other.store.content)
        mark(backup_id, metadata)

    site.storage.mark_backup = meanwhile
    with pytest.raises(Busy, match="Another run has published checkpoint 'noon' of application 'shop' meanwhile"):
        site.present()
    assert site.store.content == other.store.content
    assert site.present()["changed"]


def test_a_checkpoint_whose_backups_lost_their_pieces_gets_them_back():
    site = Site()
    site.present()
    site.storage.mark_backup(shop.uuid(102), {"osdr_application": "shop", "osdr_checkpoint": "noon"})
    repaired = site.present()
    assert (repaired["changed"], repaired["diff"]["before"]["backups_without_manifest"]) == (True, 1)
    assert len(site.holders) == 3


def test_a_damaged_manifest_is_replaced():
    site = Site(**{NAME: b"{"})
    replaced = site.present()
    assert replaced["changed"]
    assert "not a JSON document" in replaced["diff"]["before"]["problem"]
    assert not site.present()["changed"]


def test_with_a_key_an_unsigned_manifest_is_signed():
    site = Site()
    site.present()
    signed = Site("secret", **site.store.content)
    assert signed.present()["changed"]
    assert b"hmac-sha256:" in signed.store.content[NAME]
    assert not signed.present()["changed"]


def test_a_checkpoint_whose_copies_are_not_whole_is_not_published():
    site = Site()
    del site.storage.by_id[shop.uuid(91)]
    with pytest.raises(CheckFailed, match=f"Backup {shop.uuid(91)} of volume {shop.uuid(1)} is not available on site 'remote'"):
        site.present()
    assert (site.store.content, site.holders) == ({}, [])


@pytest.mark.parametrize("content", [None, b"{"])
def test_what_is_removed_leaves_the_marks_of_its_backups(content):
    site = Site()
    before = {one.id: one.metadata for one in site.storage.backups()}
    site.present()
    if content:
        site.store.content[NAME] = content
    assert site.absent()["changed"]
    assert site.store.content == {}
    assert {one.id: one.metadata for one in site.storage.backups()} == before
    assert not site.absent()["changed"]


def test_pieces_that_an_interrupted_removal_left_are_removed():
    site = Site()
    site.present()
    del site.store.content[NAME]
    assert site.absent()["changed"]
    assert site.holders == []


@pytest.mark.parametrize(
    "draft",
    [
        *({"snapshots": one} for one in ({}, {**TAKEN, "servers": [{}]}, {**TAKEN, "servers": None}, {"taken_at": 1}, [])),
        *({"copies": one} for one in ({}, [], {"checkpoint": "noon"})),
        *({"description": one} for one in ({}, [], {"application": None})),
    ],
)
def test_what_no_module_keeps_is_refused(draft):
    with pytest.raises(InvalidInput, match="The draft is not what other modules keep there"):
        Site().present(draft=draft)


@pytest.mark.parametrize(
    ("draft", "whose"),
    [
        ({"snapshots": {**TAKEN, "name": "ten"}}, "os_cg_snapshot has kept in the draft is of checkpoint 'ten' of application 'shop'"),
        ({"snapshots": {**TAKEN, "application": "office"}}, "os_cg_snapshot .* is of checkpoint 'noon' of application 'office'"),
        ({"copies": {"checkpoint": "ten", "copies": []}}, "os_backup_replicate .* is of checkpoint 'ten'"),
        ({"description": {**DESCRIPTION, "application": {**DESCRIPTION["application"], "name": "office"}}}, "os_application_info .* of application 'office'"),
    ],
)
def test_what_was_kept_of_another_checkpoint_is_not_published(draft, whose):
    site = Site()
    with pytest.raises(InvalidInput, match=whose):
        site.present(draft=draft)
    assert site.store.writes == 0


@pytest.mark.parametrize(("missing", "writer"), [("description", "os_application_info"), ("snapshots", "os_cg_snapshot"), ("copies", "os_backup_replicate")])
def test_what_is_missing_in_the_draft_is_told_with_who_keeps_it(missing, writer):
    with pytest.raises(InvalidInput, match=writer):
        Site().present(draft={missing: None})


@pytest.mark.parametrize("changes", [{"checkpoint": "_active"}, {"application": "../shop"}, {"checkpoint": "noon/x-passed-7.drill"}])
def test_only_what_is_called_like_a_checkpoint_is_removed(changes):
    site = Site(**{"shop/_active.json": b"{}"})
    with pytest.raises(InvalidInput):
        site.absent(**changes)
    assert list(site.store.content) == ["shop/_active.json"]


def test_a_description_of_other_volumes_than_were_snapshotted_and_copied_is_not_published():
    """A volume was attached, or extended, between the snapshots and the description."""
    site = Site()
    snapshots = [{"volume_id": shop.uuid(number), "size": 1} for number in (1, 2, 3)]
    for taken in (snapshots[:2], [*snapshots, {"volume_id": shop.uuid(4), "size": 1}], [*snapshots[:2], {**snapshots[2], "size": 2}]):
        with pytest.raises(DrError, match="contradicts itself: .*snapshot"):
            site.present(draft={"snapshots": {**TAKEN, "snapshots": taken}})
    assert site.store.writes == 0
    assert site.present(draft={"snapshots": {**TAKEN, "snapshots": snapshots}})["changed"]


def test_a_part_is_published_with_what_it_knows_of_the_others():
    together, site = {"project": "theirs", "projects": ["ours", "theirs"], "tiers": ["database", "front"]}, Site()
    assert site.present(together=together)["changed"]
    assert site.publication.catalogue.find("shop", "noon").checkpoint.together == Together("theirs", ("ours", "theirs"), ("database", "front"))
    assert not site.present(together=together)["changed"]
