# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, ManifestInvalid, NotFound
from ansible_collections.osdr.openstack.plugins.modules import os_checkpoint_info
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

NOON = shop.manifest()


def run(objects, **changes):
    params = {"application": "shop", "checkpoint": "latest", "not_after": None, "consistency": None, "require": True, **changes}
    warnings = []
    module = SimpleNamespace(params=params, warn=warnings.append)
    return {**os_checkpoint_info.run(module, Catalogue(FakeStore(**objects), "catalogue")), "warnings": warnings}


def test_the_newest_is_returned_and_the_damaged_are_told():
    found = run({"shop/noon.json": NOON.dump(), "shop/one.json": b"{"})
    assert found["manifest"] == shop.document()
    assert [one["id"] for one in found["checkpoints"]] == ["noon"]
    (damaged,) = found["damaged"]
    assert damaged["name"] == "shop/one.json"
    assert found["warnings"] == [damaged["problem"]]


def test_without_require_nothing_is_an_answer():
    assert run({}, require=False)["manifest"] is None


@pytest.mark.parametrize("require", [True, False])
def test_a_damaged_one_that_is_asked_for_is_an_error(require):
    with pytest.raises(ManifestInvalid, match="Object 'shop/noon.json'"):
        run({"shop/noon.json": b"{"}, checkpoint="noon", require=require)


@pytest.mark.parametrize(
    ("objects", "changes", "hint"),
    [
        ({}, {}, "none at all"),
        ({"shop/noon.json": b"{"}, {}, "None can be read. 1 damaged ones cannot be used; os_catalogue_rebuild .*Object 'shop/noon.json'"),
        ({"shop/noon.json": NOON.dump()}, {"checkpoint": "ten"}, r"There are: noon \(quiesced, of 2026-01-01T12:00:00Z\)"),
        ({"shop/noon.json": NOON.dump(), "shop/one.json": b""}, {"consistency": "offline"}, "There are: noon .*1 damaged"),
    ],
)
def test_what_is_missing_is_told_with_what_there_is(objects, changes, hint):
    with pytest.raises(NotFound, match="Application 'shop' has no checkpoint .*in container 'catalogue' of site 'remote'") as raised:
        run(objects, **changes)
    assert re.search(hint, raised.value.hint)


def test_nonsense_is_refused():
    with pytest.raises(InvalidInput, match="'noon' is no moment"):
        run({}, not_after="noon")
