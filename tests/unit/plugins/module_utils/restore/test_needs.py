# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Quota
from ansible_collections.osdr.openstack.plugins.module_utils.restore.needs import Need, needs
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop

PLAN = RestorePlan.of(shop.manifest(), shop.prepared_site(volumes=()))


def found(quota, plan=PLAN, service="compute"):
    quotas = {"volume": {}, "compute": {}, "network": {}, service: {quota.name: quota}}
    (need,) = needs(plan, quotas)
    return need


@pytest.mark.parametrize(
    ("limit", "in_use", "left", "fits"),
    [(10, 8, 2, True), (10, 9, 1, False), (10, 10, 0, False), (10, 12, 0, False), (0, 0, 0, False), (-1, 99, None, True)],
)
def test_what_is_left_of_a_quota(limit, in_use, left, fits):
    need = found(Quota("instances", limit, in_use))
    assert (need.needed, need.left, need.fits) == (2, left, fits)


def test_a_server_takes_what_its_flavor_at_the_site_does():
    larger = dataclasses.replace(shop.DB, ram=4096)
    plan = RestorePlan.of(shop.manifest(), shop.prepared_site(flavors=(shop.SMALL, larger)))
    assert found(Quota("ram", -1, 0), plan).needed == shop.SMALL.ram + 4096
    without = RestorePlan.of(shop.manifest(), shop.prepared_site(flavors=()))
    assert found(Quota("ram", -1, 0), without).needed == shop.SMALL.ram + shop.DB.ram


def test_the_largest_volume_counts_where_each_is_limited():
    document = shop.document()
    document["servers"][1]["volumes"][0]["size"] = document["copies"][0]["size"] = 7
    plan = RestorePlan.of(type(shop.manifest()).parse(document), shop.empty_site())
    assert found(Quota("per_volume_gigabytes", -1, 0), plan, "volume").needed == 7
    assert found(Quota("gigabytes", -1, 0), plan, "volume").needed == 9


def test_what_nothing_is_needed_of_is_not_told():
    restored = RestorePlan.of(shop.manifest(), shop.restored_site())
    assert needs(restored, {"volume": {}, "compute": {"ram": Quota("ram", 1, 0)}, "network": {}}) == []
    assert Need("ram", 0, 0).fits


def test_what_is_only_completed_takes_nothing_of_its_kind():
    """A router that is there and lacks a subnet, a group that is there and lacks a rule."""
    site = shop.prepared_site(ports=(), security_groups=(dataclasses.replace(shop.GROUP, rules=()),))
    plan = RestorePlan.of(shop.manifest(), site)
    assert [len(plan.lacking[kind]) for kind in ("routers", "security_groups")] == [1, 1]
    limits = {name: Quota(name, 0, 0) for name in ("router", "security_group", "security_group_rule", "port")}
    assert [need.resource for need in needs(plan, {"volume": {}, "compute": {}, "network": limits})] == ["security_group_rule", "port"]


def test_a_group_that_is_there_takes_the_rules_that_it_lacks():
    document = shop.document()
    document["topology"]["security_groups"][0]["rules"].append({**shop.RULE, "port_range_min": 22, "port_range_max": 22})
    plan = RestorePlan.of(type(shop.manifest()).parse(document), shop.prepared_site())
    assert found(Quota("security_group_rule", 10, 9), plan, "network") == Need("security_group_rule", 1, 1)


def test_members_that_a_server_group_has_count_with_those_that_it_gets():
    """Nova tells the limit of each group, and nothing in use."""
    group = dataclasses.replace(shop.APART, member_ids=frozenset({"a", "b"}))
    plan = RestorePlan.of(shop.manifest(), shop.prepared_site(server_groups=(group,)))
    assert found(Quota("server_group_members", 3, 0), plan) == Need("server_group_members", 4, 3)


def test_key_pairs_that_are_there_count_although_nova_reports_none_in_use():
    plan = RestorePlan.of(shop.manifest(), shop.empty_site(key_pairs={"one": "ssh-rsa A", "two": "ssh-rsa B"}))
    need = found(Quota("key_pairs", 2, 0), plan)
    assert (need, need.fits) == (Need("key_pairs", 1, 0), False)
