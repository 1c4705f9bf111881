# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import MappingInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import AddressRule, SiteMapping, Target, used_names
from ansible_collections.osdr.openstack.tests.unit.support import shop

MANIFEST = shop.manifest()
FRONT, DB = MANIFEST.description.servers
FULL = {
    "schema_version": 1,
    "networks": {"shop-net": {"name": "dr-net", "make": True}},
    "subnets": {"shop-subnet": {"name": "dr-subnet", "cidr": "10.20.0.0/24"}},
    "external_networks": {"public": "provider"},
    "flavors": {"lab.db": None},
    "addresses": {
        "policy": "remap",
        "floating": False,
        "servers": {"shop-front": {"policy": "keep", "ports": {"shop-net": {"policy": "new", "floating": True}}}},
    },
}


@pytest.mark.parametrize("nothing", [None, {}])
def test_no_mapping_is_an_empty_one(nothing):
    assert SiteMapping.parse(nothing) == SiteMapping() == SiteMapping.parse({"schema_version": 1})


def test_what_is_read_is_written_alike():
    assert SiteMapping.parse(FULL).as_dict() == FULL
    assert SiteMapping.parse(SiteMapping().as_dict()) == SiteMapping()


def test_short_forms_and_empty_sections_are_understood():
    short = SiteMapping.parse(
        {
            "schema_version": 1,
            "networks": {"a": "b"},
            "routers": None,
            "addresses": {"servers": {"orders-db": "new", "shop-front": {"ports": {"shop-net": "keep"}}}},
        }
    )
    assert short.target("networks", "a") == Target("b")
    assert short.rule_of(DB, DB.ports[0]) == AddressRule("new", True)
    assert short.rule_of(FRONT, FRONT.ports[0]) == AddressRule("keep", True)


def problems(**changes):
    with pytest.raises(MappingInvalid) as raised:
        SiteMapping.parse({"schema_version": 1, **changes})
    return raised.value.facts["problems"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"network": {}}, "the mapping has the unknown key 'network'; known are schema_version, networks, subnets, "),
        ({"networks": {"a": {"name": "b", "nmae": "c"}}}, "networks/a has the unknown key 'nmae'; known are name, make."),
        ({"flavors": {"a": {"name": "b", "make": True}}}, "flavors/a has the unknown key 'make'; known are name."),
        ({"flavors": {"a": 4}}, "flavors/a/name is 4; it must be a text (in quotes) or null."),
        ({"networks": {"a": {"make": True}}}, "networks/a has no 'name'."),
        ({"networks": {"a": ""}}, "networks/a/name: '' should be non-empty."),
        ({"networks": ["a"]}, "networks is a list; it must be a dictionary."),
        ({"addresses": {"policy": "kepp"}}, "addresses/policy is 'kepp'; use one of keep, remap, new."),
        ({"addresses": {"servers": {"a": "old"}}}, "addresses/servers/a/policy is 'old'; use one of keep, remap, new."),
        ({"addresses": {"servers": {"a": {"ports": {"n": 1}}}}}, "addresses/servers/a/ports/n/policy is 1; use one of keep, remap, new."),
        ({"addresses": {"floating": "no way"}}, "addresses/floating is 'no way'; it must be true or false."),
        ({"addresses": ["keep"]}, "addresses is a list; it must be a dictionary."),
        ({"subnets": {"a": {"name": "b", "cidr": "10.0.0.0"}}}, "subnets/a/cidr is '10.0.0.0', which is not a range of addresses; write it like 10.20.0.0/24."),
        ({"subnets": {"a": {"name": "b", "cidr": "10.0.0.9/24"}}}, "subnets/a/cidr is '10.0.0.9/24', which is an address in 10.0.0.0/24; write 10.0.0.0/24."),
    ],
)
def test_what_is_wrong_is_told_in_words(changes, expected):
    (problem,) = problems(**changes)
    assert problem.startswith(expected)


def test_all_problems_are_told_at_once():
    found = problems(network={}, server={}, flavors={"a": 1}, subnets={"b": {"name": None, "cidr": "x"}})
    assert len(found) == 4
    with pytest.raises(MappingInvalid, match=r"The mapping cannot be used: \(1\) the mapping has the unknown key 'network'"):
        SiteMapping.parse({"schema_version": 1, "network": {}})


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"networks": {"a": "b"}}, "has no schema_version"),
        ({"schema_version": 2, "unheard": {}}, "has schema_version 2"),
        ({"schema_version": "1"}, "has schema_version '1'"),
        ({"schema_version": True}, "has schema_version True"),
    ],
)
def test_other_versions_are_refused(document, said):
    with pytest.raises(MappingInvalid) as raised:
        SiteMapping.parse(document)
    assert raised.value.facts["problems"] == [f"It {said}; this release reads 'schema_version: 1'."]


def test_the_narrowest_rule_counts():
    mapping = SiteMapping.parse(FULL)
    assert mapping.rule_of(FRONT, FRONT.ports[0]) == AddressRule("new", True)
    assert mapping.rule_of(DB, DB.ports[0]) == AddressRule("remap", False)
    assert SiteMapping().rule_of(DB, DB.ports[0]) == AddressRule("keep", True)


def test_a_port_can_be_told_by_its_mac_address():
    ports = {"shop-net": "remap", shop.MAC["orders-db"].upper(): {"floating": False}}
    mapping = SiteMapping.parse({"schema_version": 1, "addresses": {"servers": {"orders-db": {"ports": ports}}}})
    assert mapping.rule_of(DB, DB.ports[0]) == AddressRule("remap", False)


def test_everything_that_an_application_names_is_known():
    assert used_names(MANIFEST) == {
        "networks": ["shop-net"],
        "subnets": ["shop-subnet"],
        "routers": ["shop-router"],
        "external_networks": ["public"],
        "flavors": ["lab.db", "lab.small"],
        "volume_types": ["ceph"],
        "key_pairs": ["shop"],
        "security_groups": ["shop"],
        "address_groups": [],
        "server_groups": ["shop-apart"],
        "availability_zones": ["nova"],
        "qos_policies": [],
        "subnet_pools": [],
    }


def test_external_networks_of_floating_addresses_that_are_left_out_are_not_needed():
    document = shop.document()
    document["topology"]["routers"][0]["external_network"] = None
    manifest = type(MANIFEST).parse(document)
    without = SiteMapping.parse({"schema_version": 1, "addresses": {"floating": False}})
    assert used_names(manifest)["external_networks"] == ["public"]
    assert used_names(manifest, without)["external_networks"] == []
