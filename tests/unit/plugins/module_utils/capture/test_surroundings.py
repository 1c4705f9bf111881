# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.capture import surroundings
from ansible_collections.osdr.openstack.plugins.module_utils.capture.surroundings import Surroundings, ask, touching
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError

ADDRESSES = {"10.10.0.21", "203.0.113.7", "2001:db8::21"}


def found(**surroundings):
    return [str(one) for one in touching(ADDRESSES, Surroundings(**surroundings))]


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


@pytest.mark.parametrize(
    ("rule", "is_named"),
    [
        ({"access_type": "ip", "access_to": "10.10.0.21"}, True),
        ({"access_type": "ip", "access_to": "10.10.0.0/24"}, True),
        ({"access_type": "ip", "access_to": "10.10.0.21/24"}, True),
        ({"access_type": "ip", "access_to": "10.11.0.0/24"}, False),
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


def test_a_service_that_fails_is_told_and_hides_no_other(mocker):
    neighbours = mocker.patch.object(surroundings, "Neighbours").return_value
    neighbours.pool_members.side_effect = CloudError("Site 'primary' could not list the pools of load balancers: 503.")
    neighbours.record_sets.return_value = ["a record"]
    neighbours.share_rules.return_value = []
    found = ask(None, 4)
    assert (found.pool_members, found.record_sets) == ((), ["a record"])
    assert found.failures == ("Site 'primary' could not list the pools of load balancers: 503.",)
