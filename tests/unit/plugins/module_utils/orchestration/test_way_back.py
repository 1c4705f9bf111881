# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.way_back import way_back
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

SINCE = "2026-01-02T12:00:00+00:00"


@pytest.fixture
def catalogue():
    made = Catalogue(FakeStore())
    made.publish(Manifest.parse(shop.document()))
    return made


def active(catalogue, site="remote", checkpoint="noon"):
    catalogue.set_active(ActiveRecord("shop", site, SINCE, checkpoint))
    return catalogue


def test_the_definition_is_that_of_the_checkpoint_with_the_servers_as_they_were_restored(catalogue):
    found = way_back([active(catalogue)], "shop", "remote").as_dict()
    assert (found["site"], found["since"], found["checkpoint"]) == ("remote", SINCE, "noon")
    assert [(tier["name"], tier["servers"]) for tier in found["application"]["tiers"]] == [("database", ["orders-db"]), ("front", ["shop-front"])]
    assert found["application"]["tiers"][0]["checks"][0]["port"] == 5432


def test_parts_in_several_projects_are_one_application(catalogue):
    document = shop.document()
    parts = []
    for number, tier in enumerate(("front", "database")):
        part = shop.document()
        part["servers"] = [one for one in document["servers"] if one["tier"] == tier]
        part["application"]["tiers"] = [one for one in document["application"]["tiers"] if one["name"] == tier]
        part["checkpoint"]["together"] = {"project": f"p{number}", "projects": ["p0", "p1"], "tiers": ["database", "front"]}
        part["checkpoint"]["server_consistency"] = {one["name"]: "quiesced" for one in part["servers"]}
        volumes = {volume["source_id"] for one in part["servers"] for volume in one["volumes"]}
        part["copies"] = [one for one in document["copies"] if one["volume_id"] in volumes]
        parts.append(Catalogue(FakeStore()))
        parts[-1].publish(Manifest.parse(part))
    active(parts[0])
    assert [(tier.name, tier.servers) for tier in way_back(parts, "shop", "remote").application.tiers] == [
        ("database", ("orders-db",)),
        ("front", ("shop-front",)),
    ]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"site": "primary"}, "has run at site 'primary' since"),
        ({"checkpoint": ""}, "No record in .* says that application 'shop' was restored at site 'remote'"),
    ],
)
def test_what_does_not_run_there_is_not_protected_there(catalogue, record, said):
    with pytest.raises(InvalidInput, match=said):
        way_back([active(catalogue, **record)], "shop", "remote")


def test_without_a_record_nothing_is_guessed(catalogue):
    with pytest.raises(InvalidInput, match="No record"):
        way_back([catalogue], "shop", "remote")


def test_a_damaged_record_is_told(catalogue):
    catalogue._store.content["shop/_active.json"] = b"{}"
    with pytest.raises(InvalidInput, match="Where application 'shop' runs is unknown"):
        way_back([catalogue], "shop", "remote")


def test_the_checkpoint_must_be_there(catalogue):
    with pytest.raises(NotFound):
        way_back([active(catalogue, checkpoint="gone")], "shop", "remote")
