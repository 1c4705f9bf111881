# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter against HTTP answers as Octavia, Designate, Manila and Barbican give them."""

from __future__ import annotations

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.neighbours import Neighbours
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud

OCTAVIA = "http://octavia.example/v2"
DESIGNATE = "http://designate.example/v2"
MANILA = "http://manila.example/v2"
BARBICAN = "http://barbican.example/v1"
SERVICES = {"load-balancer": OCTAVIA, "dns": DESIGNATE, "shared-file-system": MANILA, "key-manager": BARBICAN}


@pytest.fixture
def neighbours(requests_mock, mocker):
    for url in SERVICES.values():
        version = {"id": "v2.0", "status": "CURRENT", "version": "2.80", "min_version": "2.0", "links": [{"rel": "self", "href": url}]}
        for where in (url, f"{url}/", url.removesuffix("/v2"), url.removesuffix("v2")):
            requests_mock.get(where, json={"versions": [version]})
    overrides = {f"{name.replace('-', '_')}_endpoint_override": url for name, url in SERVICES.items()}
    connection = openstack.connect(auth_type="none", endpoint=OCTAVIA, **overrides)
    has = mocker.patch.object(connection, "has_service", side_effect=lambda service: service in SERVICES)
    found = Neighbours(Cloud(connection, "primary"))
    return found, has


def test_members_come_with_their_pool(neighbours, requests_mock):
    requests_mock.get(f"{OCTAVIA}/lbaas/pools", json={"pools": [{"id": "p1"}, {"id": "p2"}]})
    requests_mock.get(f"{OCTAVIA}/lbaas/pools/p1/members", json={"members": [{"address": "10.0.0.1"}]})
    requests_mock.get(f"{OCTAVIA}/lbaas/pools/p2/members", json={"members": []})
    assert neighbours[0].pool_members() == [({"id": "p1"}, {"address": "10.0.0.1"})]


def test_record_sets_are_listed_to_the_end(neighbours, requests_mock):
    more = {"links": {"next": "elsewhere"}}
    asked = requests_mock.get(f"{DESIGNATE}/recordsets", [{"json": {"recordsets": [{"id": "r1"}], **more}}, {"json": {"recordsets": [{"id": "r2"}]}}])
    assert [one["id"] for one in neighbours[0].record_sets()] == ["r1", "r2"]
    assert asked.last_request.qs == {"marker": ["r1"]}


def test_rules_come_with_their_share(neighbours, requests_mock):
    shares = [{"id": "s1", "share_network_id": "n1"}, {"id": "s2", "share_network_id": None}]
    requests_mock.get(f"{MANILA}/shares/detail", [{"json": {"shares": page}} for page in (shares, [])])
    networks = [{"id": "n1", "neutron_net_id": "shop-net"}]
    requests_mock.get(f"{MANILA}/share-networks/detail", [{"json": {"share_networks": page}} for page in (networks, [])])
    requests_mock.get(f"{MANILA}/share-access-rules?share_id=s1", json={"access_list": [{"access_to": "10.0.0.1"}]})
    requests_mock.get(f"{MANILA}/share-access-rules?share_id=s2", json={"access_list": [{"access_to": "10.0.0.2"}]})
    assert neighbours[0].share_rules() == [
        ({"id": "s1", "share_network_id": "n1", "neutron_net_id": "shop-net"}, {"access_to": "10.0.0.1"}),
        ({"id": "s2", "share_network_id": None, "neutron_net_id": None}, {"access_to": "10.0.0.2"}),
    ]


def test_listeners_are_listed(neighbours, requests_mock):
    requests_mock.get(f"{OCTAVIA}/lbaas/listeners", json={"listeners": [{"id": "l1"}]})
    assert neighbours[0].listeners() == [{"id": "l1"}]


def test_names_of_secrets_are_listed_to_the_end(neighbours, requests_mock):
    first = {"secrets": [{"secret_ref": f"{BARBICAN}/secrets/s1", "name": "key"}], "total": 2, "next": "elsewhere"}
    last = {"secrets": [{"secret_ref": f"{BARBICAN}/secrets/s2", "name": None}], "total": 2, "previous": "elsewhere"}
    asked = requests_mock.get(f"{BARBICAN}/secrets", [{"json": first}, {"json": last}])
    requests_mock.get(f"{BARBICAN}/containers", json={"containers": [{"container_ref": f"{BARBICAN}/containers/c1", "name": "tls"}], "total": 1})
    assert neighbours[0].secret_names() == {"s1": "key", "s2": "", "c1": "tls"}
    assert [one.qs["offset"] for one in asked.request_history] == [["0"], ["1"]]


def test_a_site_without_these_services_has_nothing_of_them(neighbours):
    found, has = neighbours
    has.side_effect = lambda service: False
    assert (found.pool_members(), found.record_sets(), found.share_rules()) == ([], [], [])
    assert (found.listeners(), found.secret_names()) == ([], {})
