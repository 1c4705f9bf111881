# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.capture import surroundings
from ansible_collections.osdr.openstack.plugins.module_utils.capture.surroundings import Surroundings, ask, touching
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.tests.unit.support import shop

ADDRESSES = {"10.10.0.21", "203.0.113.7", "2001:db8::21"}


def found(**surroundings):
    return [str(one) for one in touching(ADDRESSES, {"shop-net"}, Surroundings(**surroundings))]


def test_nothing_around_is_nothing():
    assert found() == []


def test_a_load_balancer_with_a_member_of_the_application_is_named():
    pool = {"id": "p1", "name": "web"}
    assert found(pool_members=[(pool, {"address": "10.10.0.21"}), (pool, {"address": "10.10.0.99"})]) == [
        "load balancer pool web (p1): the resource itself (member 10.10.0.21); it touches the application and is not protected"
    ]


def test_a_record_of_one_of_its_addresses_is_named():
    records = [
        {"id": "r1", "name": "shop.example.com.", "type": "A", "records": ["198.51.100.1", "203.0.113.7"]},
        {"id": "r2", "name": "shop.example.com.", "type": "AAAA", "records": ["2001:db8::21"]},
        {"id": "r3", "name": "example.com.", "type": "MX", "records": ["10 mail.example.com."]},
        {"id": "r4", "name": "new.example.com.", "type": "A", "records": None},
    ]
    assert [one.split(";")[0] for one in found(record_sets=records)] == [
        "DNS record shop.example.com. (r1): the resource itself (A 203.0.113.7)",
        "DNS record shop.example.com. (r2): the resource itself (AAAA 2001:db8::21)",
    ]


def test_an_address_of_ipv6_is_known_in_every_form():
    pool = {"id": "p1", "name": "web"}
    record = {"id": "r2", "name": "shop.example.com.", "type": "AAAA", "records": ["2001:0DB8::21"]}
    assert [one.split(" (")[0] for one in found(pool_members=[(pool, {"address": "2001:DB8:0::21"})], record_sets=[record])] == [
        "load balancer pool web",
        "DNS record shop.example.com.",
    ]


@pytest.mark.parametrize(
    ("rule", "is_named"),
    [
        ({"access_type": "ip", "access_to": "10.10.0.21"}, True),
        ({"access_type": "ip", "access_to": "10.10.0.0/24"}, True),
        ({"access_type": "ip", "access_to": "10.10.0.21/24"}, True),
        ({"access_type": "ip", "access_to": "10.11.0.0/24"}, False),
        ({"access_type": "ip", "access_to": "0.0.0.0/0"}, False),
        ({"access_type": "ip", "access_to": "::/0"}, False),
        ({"access_type": "ip", "access_to": "not an address"}, False),
        ({"access_type": "cephx", "access_to": "10.10.0.21"}, False),
    ],
    ids=lambda value: value if isinstance(value, bool) else f"{value['access_type']} {value['access_to']}",
)
def test_a_share_that_lets_it_in_is_named(rule, is_named):
    share = {"id": "s1", "name": None}
    assert found(share_rules=[(share, rule)]) == (
        [f"share s1: the resource itself (access of {rule['access_to']}); it touches the application and is not protected"] if is_named else []
    )


@pytest.mark.parametrize(("network", "is_named"), [("shop-net", True), ("other-net", False), (None, False)])
def test_a_share_for_everybody_is_named_if_it_is_on_a_network_of_the_application(network, is_named):
    share = {"id": "s1", "name": "media", "neutron_net_id": network}
    named = ["share media (s1): the resource itself (access of 0.0.0.0/0); it touches the application and is not protected"]
    assert found(share_rules=[(share, {"access_type": "ip", "access_to": "0.0.0.0/0"})]) == (named if is_named else [])


BARBICAN = "https://barbican.example/v1"
NAMES = {"c1": "shop-tls", "s1": ""}


def secrets(listeners=(), rules=(), **pool):
    """The secrets that are named, when a pool has a member of the application.

    :param rules: the listeners with rules that send to the pool.
    """
    members = [({"id": "p1", "name": "web", "listeners": rules, **pool}, {"address": "10.10.0.21"})]
    surroundings = {"pool_members": members, "listeners": listeners, "secret_names": NAMES}
    return [one.split("; it touches")[0] for one in found(**surroundings) if one.startswith("secret")]


@pytest.mark.parametrize("attribute", ["default_tls_container_ref", "client_ca_tls_container_ref", "client_crl_container_ref"])
def test_a_secret_of_a_listener_that_sends_to_the_application_is_named(attribute):
    listener = {"id": "l1", "name": "https", "default_pool_id": "p1", attribute: f"{BARBICAN}/containers/c1"}
    assert secrets([listener]) == [f"secret shop-tls (c1) of load balancer listener https (l1): the resource itself ({attribute})"]
    assert secrets([{**listener, "default_pool_id": "other"}]) == []
    # A rule of a listener may send to a pool, too.
    assert len(secrets([{**listener, "default_pool_id": None}], rules=[{"id": "l1"}])) == 1


def test_each_secret_of_a_listener_is_named_once_even_if_its_name_is_not_known():
    refs = [f"{BARBICAN}/secrets/s1", f"{BARBICAN}/secrets/unknown", f"{BARBICAN}/secrets/s1"]
    listener = {"id": "l1", "name": "", "default_pool_id": "p1", "default_tls_container_ref": None, "sni_container_refs": refs}
    assert [one.split(" of ")[0] for one in secrets([listener])] == ["secret s1", "secret unknown"]


@pytest.mark.parametrize("attribute", ["tls_container_ref", "ca_tls_container_ref", "crl_container_ref"])
def test_a_secret_of_the_pool_itself_is_named(attribute):
    assert secrets(**{attribute: f"{BARBICAN}/containers/c1/"}) == [
        f"secret shop-tls (c1) of load balancer pool web (p1): the resource itself ({attribute})"
    ]


def test_secrets_of_others_are_not_named():
    listener = {"id": "l1", "default_pool_id": "p2", "default_tls_container_ref": f"{BARBICAN}/containers/c1"}
    others = [({"id": "p2", "tls_container_ref": f"{BARBICAN}/secrets/s1"}, {"address": "10.99.0.1"})]
    assert found(pool_members=others, listeners=[listener], secret_names=NAMES) == []


def test_a_service_that_fails_is_told_and_hides_no_other(mocker):
    neighbours = mocker.patch.object(surroundings, "Neighbours").return_value
    neighbours.pool_members.side_effect = CloudError("Site 'primary' could not list the pools of load balancers: 503.")
    neighbours.record_sets.return_value = ["a record"]
    neighbours.share_rules.return_value = []
    neighbours.listeners.return_value = ["a listener"]
    neighbours.secret_names.return_value = {"c1": "shop-tls"}
    found = ask(None, 4)
    assert (found.pool_members, found.record_sets) == ((), ["a record"])
    assert (found.listeners, found.secret_names) == (["a listener"], {"c1": "shop-tls"})
    assert found.failures == ("Site 'primary' could not list the pools of load balancers: 503.",)


def test_the_longest_names_fit_into_a_manifest():
    longest = "x" * 255
    listener = {"id": shop.uuid(2), "name": longest, "default_pool_id": "p1", "default_tls_container_ref": f"{BARBICAN}/secrets/{shop.uuid(3)}"}
    members = [({"id": "p1", "name": longest}, {"address": "10.10.0.21"})]
    missing = touching(ADDRESSES, (), Surroundings(pool_members=members, listeners=[listener], secret_names={shop.uuid(3): longest}))
    Manifest.parse(shop.document(missing=[dataclasses.asdict(one) for one in missing]))
