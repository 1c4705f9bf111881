# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Quota
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import owner_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.needs import Need, amounts_of, needs
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


def test_a_router_that_is_there_takes_a_port_for_each_subnet_that_it_lacks_but_for_one_that_a_killed_run_has_left():
    of_servers, limits = len(shop.manifest().description.ports), {"port": Quota("port", 0, 0)}
    left = shop.port("left", description=owner_of(shop.manifest()).text())
    for there, more in (((), 1), ((left,), 0), ((shop.ROUTER_PORT,), 0)):
        plan = RestorePlan.of(shop.manifest(), shop.prepared_site(ports=there))
        assert [need.needed for need in needs(plan, {"volume": {}, "compute": {}, "network": limits})] == [of_servers + more]


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


def rich():
    """The application with a trunk, a port on no server and an address that forwards ports."""
    document = shop.document()
    parent = document["servers"][1]["ports"][0]
    floating = {**shop.FLOATING, "network": "public"}
    lone = {**parent, "source_id": shop.uuid(81), "mac_address": "fa:16:3e:00:00:81", "floating_ips": [{**floating, "place": 0}]}
    topology = document["topology"]
    topology["ports"] = [{**lone, "fixed_ips": [{"subnet": "shop-subnet", "ip_address": "10.10.0.81"}]}]
    subport = {"port": shop.uuid(81), "segmentation_type": "vlan", "segmentation_id": 20}
    values = {"name": "", "port": parent["source_id"], "is_up": True, "description": "", "tags": []}
    topology["trunks"] = [{"source_id": shop.uuid(80), "subports": [subport], **values}]
    forwarding = {"port": shop.uuid(81), "place": 0, "internal_port": 22, "external_port": 2222, "protocol": "tcp", "description": ""}
    topology["forwarders"] = [{"source_id": shop.uuid(72), "floating": floating, "forwardings": [forwarding]}]
    return type(shop.manifest()).parse(document)


def test_all_that_is_taken_where_nothing_is():
    """Three ports of the application, one of the router, and one that a network has for itself; the rule of the group, and two with which it is made."""
    assert amounts_of(RestorePlan.of(rich(), shop.empty_site())) == {
        "volume": {"volumes": 3, "volumes_ceph": 3, "gigabytes": 3, "gigabytes_ceph": 3, "per_volume_gigabytes": 1},
        "compute": {"instances": 2, "cores": 2, "ram": 512, "server_groups": 1, "key_pairs": 1, "server_group_members": 2},
        "network": {
            "network": 1,
            "subnet": 1,
            "router": 1,
            "security_group": 1,
            "security_group_rule": 3,
            "port": 5,
            "floatingip": 4,
            "trunk": 1,
        },
    }


def test_nothing_is_taken_where_everything_is():
    amounts = amounts_of(RestorePlan.of(shop.manifest(), shop.restored_site()))
    assert {service: {name: amount for name, amount in of.items() if amount} for service, of in amounts.items()} == {"volume": {}, "compute": {}, "network": {}}


def test_what_a_killed_restore_has_left_untagged_takes_nothing_more():
    mark = {"description": "osdr_application=shop osdr_checkpoint=noon"}
    networks, subnets = (shop.PUBLIC, dataclasses.replace(shop.NETWORK, **mark)), (dataclasses.replace(shop.SUBNET, **mark),)
    plan = RestorePlan.of(shop.manifest(), shop.prepared_site(networks=networks, subnets=subnets))
    assert [len(plan.lacking[kind]) for kind in ("networks", "subnets")] == [1, 1]
    wanted = {name: amount for name, amount in amounts_of(plan)["network"].items() if amount}
    assert wanted == {"port": 2, "floatingip": 2}


def test_a_volume_of_no_type_counts_with_all_others_only():
    document = shop.document()
    for server in document["servers"]:
        for volume in server["volumes"]:
            volume["volume_type"] = ""
    amounts = amounts_of(RestorePlan.of(type(shop.manifest()).parse(document), shop.empty_site()))["volume"]
    assert amounts == {"volumes": 3, "gigabytes": 3, "per_volume_gigabytes": 1}


def test_a_server_that_is_there_is_no_new_member_of_its_group():
    site = shop.restored_site()
    group = dataclasses.replace(shop.APART, member_ids=frozenset({"a"}))
    part = dataclasses.replace(site, servers=site.servers[:1], server_groups=(group,))
    assert amounts_of(RestorePlan.of(shop.manifest(), part))["compute"]["server_group_members"] == 2
    gone = dataclasses.replace(site, servers=(), server_groups=())
    assert amounts_of(RestorePlan.of(shop.manifest(), gone))["compute"]["server_group_members"] == 2


def test_of_what_is_in_use_only_nova_forgets_something():
    assert found(Quota("key_pairs", 5, 3), RestorePlan.of(shop.manifest(), shop.empty_site(key_pairs={"one": "ssh-rsa A"}))).left == 2
    assert found(Quota("instances", 5, 0), RestorePlan.of(shop.manifest(), shop.empty_site(key_pairs={"one": "ssh-rsa A"}))).left == 5


def test_the_first_subnet_of_a_network_that_is_there_takes_the_port_for_dhcp_too():
    limit = Quota("port", -1, 0)
    bare = shop.prepared_site(subnets=(), ports=())
    its_own = dataclasses.replace(shop.ROUTER_PORT, id="dhcp", device_owner="network:distributed", device_id="", network_id=shop.NETWORK.id)
    served = dataclasses.replace(bare, ports=(its_own,))
    amounts = [found(limit, RestorePlan.of(shop.manifest(), site), "network").needed for site in (bare, served)]
    assert amounts[0] == amounts[1] + 1
