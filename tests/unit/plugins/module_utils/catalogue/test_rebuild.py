# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan; its execution is seen through the module's tests."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue import rebuild as catalogue_rebuild
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Damaged
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.rebuild import KeptManifest, Lost, kept_manifests, plan
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import pieces as manifest_pieces
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.signed import UNSEALED, Seal
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup

SEAL = Seal("secret", "project/catalogue")
NOON, TEN = shop.manifest(), shop.taken("ten", "2026-01-01T10:00:00Z")
ELSEWHERE = dataclasses.replace(NOON, checkpoint=dataclasses.replace(NOON.checkpoint, site="elsewhere"))
DAMAGED = Damaged("shop/noon.json", "noon", "It is damaged.")


def holding(manifest, *ids, names=None, content=None):
    """Backups of a checkpoint with its manifest in pieces."""
    names = names or (manifest.application.name, manifest.checkpoint.id)
    shares = manifest_pieces.split(content or manifest.dump(), ids)
    return [backup(one, id=one, metadata={**marks(*names), **share}) for one, share in shares.items()]


def kept(manifest):
    return KeptManifest((manifest.application.name, manifest.checkpoint.id), manifest, manifest.dump())


def test_each_checkpoint_is_put_together_from_its_own_backups():
    mixed = [*holding(NOON, "a", "c", "e"), *holding(TEN, "b", "d", "f")]
    mixed.sort(key=lambda one: one.id)
    assert kept_manifests(mixed, UNSEALED) == [kept(NOON), kept(TEN)]


def test_the_same_checkpoint_of_two_applications_is_two():
    bank = shop.taken("noon", application="bank")
    assert [one.names for one in kept_manifests([*holding(NOON, "a"), *holding(bank, "b")], UNSEALED)] == [("bank", "noon"), ("shop", "noon")]


def test_what_holds_nothing_is_not_looked_at():
    assert kept_manifests([backup("a", metadata=marks("shop", "noon")), backup("b")], UNSEALED) == []


def test_a_backup_of_the_checkpoint_that_holds_no_piece_is_not_missed():
    """Only the pieces count; whether all backups are there is for the plan."""
    assert kept_manifests([*holding(NOON, "a", "b"), backup("c", metadata=marks("shop", "noon"))], UNSEALED) == [kept(NOON)]


def test_one_that_is_lost_hides_no_other():
    (first, *_rest) = holding(NOON, "a", "b", "c")
    lost, found = kept_manifests([first, *holding(TEN, "d")], UNSEALED)
    assert (lost.names, found) == (("shop", "noon"), kept(TEN))
    assert "pieces of its manifest are missing" in lost.problem


@pytest.mark.parametrize("metadata", [{}, {"osdr_application": "shop"}, {"osdr_checkpoint": "noon"}])
def test_pieces_without_the_names_of_their_checkpoint_are_lost(metadata):
    unnamed = [dataclasses.replace(one, metadata={**{k: v for k, v in one.metadata.items() if "manifest" in k}, **metadata}) for one in holding(NOON, "a")]
    (lost,) = kept_manifests(unnamed, UNSEALED)
    assert "the wrong place" in lost.problem


def test_pieces_that_unpack_to_more_than_any_manifest_are_lost(monkeypatch):
    for module in (catalogue, catalogue_rebuild):
        monkeypatch.setattr(module, "LARGEST", 1000)
    (lost,) = kept_manifests(holding(NOON, "a", content=b" " * 10**6), UNSEALED)
    assert "so it is not a manifest" in lost.problem


@pytest.mark.parametrize(
    ("seal", "is_kept"),
    [(SEAL, True), (UNSEALED, True), (Seal("another", SEAL.place), False), (Seal("secret", "project/other"), False)],
    ids=["its key", "no key", "another key", "another place"],
)
def test_with_a_key_only_what_it_signed_for_this_place_is_kept(seal, is_kept):
    (found,) = kept_manifests(holding(NOON, "a", content=NOON.dump(SEAL)), seal)
    assert isinstance(found, KeptManifest) is is_kept


# What is published


def planned(published, backups=None):
    return plan([kept(NOON)], {("shop", "noon"): published}, shop.backups() if backups is None else backups, "remote")


def shown(decision):
    return [len(part) for part in (decision.publish, decision.present, decision.lost)]


@pytest.mark.parametrize(
    ("published", "backups", "expected"),
    [
        pytest.param(None, None, [1, 0, 0], id="it is not there"),
        pytest.param(DAMAGED, None, [1, 0, 0], id="it is damaged"),
        pytest.param(NOON, None, [0, 1, 0], id="it is there"),
        pytest.param(NOON, [], [0, 1, 0], id="it is there, its backups are not"),
        pytest.param(ELSEWHERE, None, [0, 0, 1], id="another one is there"),
        pytest.param(None, shop.backups()[1:], [0, 0, 1], id="a parent is gone"),
        pytest.param(DAMAGED, shop.backups(status="error"), [0, 0, 1], id="its backups are broken"),
        pytest.param(None, shop.backups(status="restoring"), [1, 0, 0], id="it is being restored"),
    ],
)
def test_what_becomes_of_a_manifest_that_was_kept(published, backups, expected):
    assert shown(planned(published, backups)) == expected


def test_what_is_published_is_the_document_as_it_was_stored():
    (signed,) = kept_manifests(holding(NOON, "a", content=NOON.dump(SEAL)), UNSEALED)
    (found,) = plan([signed], {("shop", "noon"): None}, shop.backups(), "remote").publish
    assert found.content == NOON.dump(SEAL)


def test_all_that_a_checkpoint_lacks_is_told():
    (lost,) = planned(None, shop.backups()[2:]).lost
    assert lost.as_dict() == {
        "application": "shop",
        "checkpoint": "noon",
        "problem": " ".join(f"Backup {shop.uuid(90 + n)} of volume {shop.uuid(n)} is not available on site 'remote'." for n in (1, 2)),
    }


def test_what_is_lost_already_is_told_as_it_is():
    lost = Lost(("shop", "one"), "It is damaged.")
    assert plan([lost], {}, [], "remote").lost == (lost,)
