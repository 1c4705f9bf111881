# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.changes import changes, difference, parts
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import ApplicationDescription
from ansible_collections.osdr.openstack.tests.unit.support.shop import DOCUMENT, RULE, uuid

KEYS = ("application", "servers", "topology")


def described(change=lambda document: None):
    document = copy.deepcopy({key: DOCUMENT[key] for key in KEYS})
    change(document)
    return ApplicationDescription.parse(document)


def seen(change, backwards=False):
    pair = (described(), described(change))
    return [str(one) for one in changes(*(reversed(pair) if backwards else pair))]


def server(document, name):
    return next(one for one in document["servers"] if one["name"] == name)


def test_the_same_application_at_another_site_has_not_changed():
    def move(document):
        for one in document["servers"]:
            one["source_id"] = one["source_id"].replace("0", "f")
            one["flavor"]["id"] = "other"
            for volume in one["volumes"]:
                volume["source_id"] = volume["source_id"].replace("0", "f")
        for network in document["topology"]["networks"]:
            network["owner"] = "somebody else there"

    assert seen(move) == []


def another_port(document):
    (port,) = server(document, "shop-front")["ports"]
    return {**port, "source_id": uuid(9), "floating_ips": []}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: server(d, "orders-db")["flavor"].update(ram=640), "server orders-db: flavor was"),
        (lambda d: server(d, "orders-db")["metadata"].update(role="x"), "server orders-db: metadata was {'role': 'database'}, is {'role': 'x'}"),
        (lambda d: server(d, "orders-db").update(user_data="plain:x"), "server orders-db: user_data was 'absent', is 'present'"),
        (lambda d: server(d, "orders-db")["volumes"][1].update(size=2), "volume /dev/vdb of server orders-db: size was 1, is 2"),
        (lambda d: server(d, "orders-db")["volumes"].pop(), "volume /dev/vdb of server orders-db went"),
        (lambda d: server(d, "shop-front")["ports"].append(another_port(d)), "port 2 on network shop-net of server shop-front appeared"),
        (
            lambda d: server(d, "shop-front")["ports"][0].update(floating_ips=[]),
            "floating address 1 of port 1 on network shop-net of server shop-front went",
        ),
        (lambda d: d["topology"]["subnets"][0].update(gateway_ip=None), "subnet shop-subnet: gateway_ip was '10.10.0.1', is None"),
        (lambda d: d["topology"]["routers"].clear(), "router shop-router went"),
        (
            lambda d: d["topology"]["security_groups"][0]["rules"].append({**RULE, "port_range_min": 22, "port_range_max": 22}),
            "rule of security group shop: direction ingress, ether_type IPv4, protocol tcp, port_range_min 22, port_range_max 22, remote_group shop appeared",
        ),
        (
            lambda d: d["topology"]["security_groups"][0]["rules"][0].update(description="the shop"),
            "rule of security group shop: direction ingress, ether_type IPv4, protocol tcp, port_range_min 5432, port_range_max 5432, remote_group shop: "
            "description was",
        ),
        (lambda d: d["application"]["tiers"][0]["checks"].clear(), "tier database: checks was"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_changed_is_told(change, sentence):
    (told,) = seen(change)
    assert told.startswith(sentence)


def test_what_appears_one_way_went_the_other_way():
    def remove(document):
        document["application"]["tiers"].pop()
        document["servers"] = [one for one in document["servers"] if one["name"] != "shop-front"]

    went = seen(remove)
    assert went == [
        "floating address 1 of port 1 on network shop-net of server shop-front went",
        "port 1 on network shop-net of server shop-front went",
        "server shop-front went",
        "tier front went",
        "volume /dev/vda of server shop-front went",
    ]
    assert seen(remove, backwards=True) == [one.replace("went", "appeared") for one in went]


def test_every_part_has_attributes_that_can_be_shown_as_json():
    assert not [value for attributes in parts(described()).values() for value in attributes.values() if isinstance(value, tuple | set)]


@pytest.mark.parametrize("known", [{"hostname": "db1"}, {"flavor": {"extra_specs": {"hw:cpu_policy": "dedicated"}}}], ids=lambda known: next(iter(known)))
@pytest.mark.parametrize("backwards", [False, True])
def test_what_an_older_checkpoint_or_site_does_not_tell_has_not_changed(known, backwards):
    def learn(document):
        for key, value in known.items():
            one = server(document, "orders-db")
            one[key] = {**one[key], **value} if isinstance(value, dict) else value

    assert seen(learn, backwards) == []


def test_extra_specs_that_are_known_are_compared():
    def specs(value):
        return described(lambda document: server(document, "orders-db")["flavor"].update(extra_specs=value))

    (change,) = changes(specs({}), specs({"hw:cpu_policy": "dedicated"}))
    assert str(change) == "server orders-db: extra_specs was {}, is {'hw:cpu_policy': 'dedicated'}"


def lacking(*missing, **others):
    described = {key: DOCUMENT[key] for key in KEYS} | others
    return ApplicationDescription.parse({**described, "missing": [{"resource": "router shop-router", "note": "", **one} for one in missing]})


def test_what_no_restore_brings_back_is_compared_too():
    old, new = {"attribute": "routes", "value": "[]"}, {"attribute": "routes", "value": "[10.9.0.0/16]"}
    assert [str(one) for one in changes(lacking(old), lacking(new))] == [
        "unprotected router shop-router: routes ([10.9.0.0/16]) appeared",
        "unprotected router shop-router: routes ([]) went",
    ]
    assert changes(lacking(old, new), lacking(new, old)) == []


def test_at_another_site_it_has_other_ids_and_is_not_compared():
    elsewhere = [{**one, "source_id": one["source_id"].replace("0", "f")} for one in DOCUMENT["servers"]]
    assert changes(lacking(), lacking({"attribute": "routes", "value": "[]"}, servers=elsewhere)) == []


def test_a_difference_has_each_part_on_the_sides_where_it_is():
    def change(document):
        server(document, "orders-db")["metadata"] = {}
        server(document, "orders-db")["volumes"].pop()
        document["topology"]["security_groups"][0]["rules"].append({**RULE, "port_range_min": 22, "port_range_max": 22})

    before, after = difference(changes(described(), described(change)))
    assert before == {("server", "orders-db"): {"metadata": {"role": "database"}}, ("volume", "/dev/vdb of server orders-db"): {}}
    assert list(after) == [next(key for key in after if key[0] == "rule"), ("server", "orders-db")]
    assert after["server", "orders-db"] == {"metadata": {}}


def test_a_key_pair_that_some_credentials_do_not_see_has_not_changed():
    def unseen(document):
        document["topology"]["key_pairs"] = []
        document["missing"] = [{"resource": "server 'orders-db'", "attribute": "key_name", "value": "shop", "note": ""}]

    assert seen(unseen) == seen(unseen, backwards=True) == []
    assert seen(lambda document: document["topology"]["key_pairs"].clear()) == ["key pair shop went"]
