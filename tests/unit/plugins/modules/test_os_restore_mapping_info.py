# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import ManifestInvalid, MappingInvalid
from ansible_collections.osdr.openstack.plugins.modules import os_restore_mapping_info
from ansible_collections.osdr.openstack.tests.unit.support import given, shop


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    monkeypatch.setattr(os_restore_mapping_info, "connect", lambda _params: None)
    monkeypatch.setattr(os_restore_mapping_info, "published", given.manifest)


def run(mapping=None, found=None, manifest=None):
    params = {"manifest": manifest or shop.document(), "mapping": mapping}
    return os_restore_mapping_info.run(params, lambda _cloud, _params: found or shop.inventory())


def test_without_a_mapping_one_is_proposed():
    assert run() == {
        "mapping": shop.SAME_NAMES,
        "undecided": [],
        "drift": [],
        "made": [
            {"kind": kind, "name": name}
            for kind, name in (
                ("networks", "shop-net"),
                ("subnets", "shop-subnet"),
                ("routers", "shop-router"),
                ("key_pairs", "shop"),
                ("security_groups", "shop"),
                ("server_groups", "shop-apart"),
            )
        ],
    }


def test_what_was_proposed_is_found_good_or_undecided_again():
    found = shop.inventory(default=None, volume_types=("fast", "lvm"))
    first = run(found=found)
    assert first["mapping"]["volume_types"] == {"ceph": None}
    again = run(first["mapping"], found)
    assert again == first


def test_an_empty_mapping_is_one_too():
    made = {"networks", "subnets", "routers", "key_pairs", "security_groups", "server_groups"}
    assert {one["kind"] for one in run({})["drift"]} == made
    assert run({}, shop.inventory(shop.prepared_site()))["drift"] == []


def test_where_there_is_one_zone_the_site_chooses():
    found = shop.inventory(zones={"volume": ("az1",), "compute": ("az1",)})
    proposed = run(found=found)
    assert proposed["mapping"]["availability_zones"] == {"nova": None}
    assert run(proposed["mapping"], found) == proposed


def test_a_zone_that_the_site_does_not_have_is_for_a_person_and_null_is_an_answer():
    found = shop.inventory(zones={"volume": ("az1",), "compute": ("az1", "az2")})
    proposed = run(found=found)
    assert "availability_zones" not in proposed["mapping"]
    assert [one["candidates"] for one in proposed["undecided"]] == [["az1", "az2"]]
    (drifted,) = run(proposed["mapping"], found)["drift"]
    assert (drifted["kind"], drifted["candidates"]) == ("availability_zones", ["az1", "az2"])
    assert "'nova: null' leaves it out" in drifted["reason"]
    answered = run({**proposed["mapping"], "availability_zones": {"nova": None}}, found)
    assert answered["drift"] == answered["undecided"] == []


def test_nonsense_is_refused_before_the_site_is_asked():
    def never(_cloud, _params):
        raise AssertionError("The site was asked.")

    with pytest.raises(MappingInvalid):
        os_restore_mapping_info.run({"manifest": shop.document(), "mapping": {"schema_version": 1, "x": 1}}, never)
    with pytest.raises(ManifestInvalid):
        os_restore_mapping_info.run({"manifest": {}, "mapping": None}, never)
