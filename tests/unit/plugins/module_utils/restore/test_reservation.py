# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.apply import apply
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.reservation import complete_pools, reserving_pools
from ansible_collections.osdr.openstack.tests.unit.support import shop

MANIFEST = shop.manifest()
(SPEC,) = MANIFEST.description.topology.subnets
WHOLE = [{"start": "10.10.0.2", "end": "10.10.0.254"}]


def pools(*ends):
    return tuple({"start": f"10.10.0.{start}", "end": f"10.10.0.{end}"} for start, end in ends)


KEPT_FREE = pools((2, 10), (12, 20), (22, 254))
OURS = dataclasses.replace(shop.SUBNET, description="osdr_application=shop osdr_checkpoint=noon", allocation_pools=KEPT_FREE)


def completed(subnet=OURS, site=shop.restored_site, manifest=MANIFEST):
    there = site(subnets=(subnet,))
    return [(one.id, wanted) for one, wanted in complete_pools(manifest, there)]


def test_the_addresses_of_the_application_are_kept_free():
    assert tuple(reserving_pools(MANIFEST, SPEC)) == KEPT_FREE


def test_nothing_is_kept_free_where_neutron_chooses_or_derives_addresses():
    new = apply(MANIFEST, SiteMapping.parse({"schema_version": 1, "addresses": {"policy": "new"}})).manifest
    assert reserving_pools(new, SPEC) == WHOLE
    assert reserving_pools(MANIFEST, dataclasses.replace(SPEC, ipv6_address_mode="slaac")) == WHOLE


def test_the_pools_are_completed_once_all_ports_are_there():
    assert completed() == [("sub", WHOLE)]
    assert completed(site=shop.prepared_site) == []


def test_a_port_on_another_network_is_not_the_one_whose_address_is_kept_free():
    site = shop.restored_site(subnets=(OURS,))
    elsewhere = tuple(dataclasses.replace(one, network_id="another") if one.id == "port-orders-db" else one for one in site.ports)
    assert complete_pools(MANIFEST, dataclasses.replace(site, ports=elsewhere)) == []


def test_tier_by_tier_the_last_one_completes_the_pools():
    site = shop.restored_site(subnets=(OURS,))
    of_first_tier = dataclasses.replace(site, ports=tuple(one for one in site.ports if one.id == "port-orders-db"))
    plan = RestorePlan.of(MANIFEST, site)
    assert [complete_pools(plan.narrowed([name]).whole, of_first_tier) for name in ("orders-db", "shop-front")] == [[], []]
    assert [len(complete_pools(plan.narrowed([name]).whole, site)) for name in ("orders-db", "shop-front")] == [1, 1]


def test_what_an_earlier_run_kept_free_for_fewer_servers_is_completed_too():
    assert completed(dataclasses.replace(OURS, allocation_pools=pools((2, 10), (12, 254)))) == [("sub", WHOLE)]


@pytest.mark.parametrize(
    "subnet",
    [
        pytest.param(dataclasses.replace(OURS, allocation_pools=tuple(WHOLE)), id="complete"),
        pytest.param(dataclasses.replace(OURS, allocation_pools=pools((2, 10), (12, 20), (22, 99))), id="cut by somebody"),
        pytest.param(dataclasses.replace(OURS, description="theirs"), id="not made by a restore"),
        pytest.param(dataclasses.replace(OURS, description="osdr_application=shop osdr_checkpoint=noon osdr_drill=7"), id="of a drill"),
    ],
)
def test_other_subnets_stay_as_they_are(subnet):
    assert completed(subnet) == []


def test_pools_without_room_for_anything_else_are_none():
    document = shop.document()
    document["topology"]["subnets"][0]["allocation_pools"] = [{"start": "10.10.0.11", "end": "10.10.0.11"}]
    manifest = Manifest.parse(document)
    assert reserving_pools(manifest, manifest.description.topology.subnets[0]) == []


def test_the_addresses_of_ports_on_no_server_and_of_routers_are_kept_free_too():
    document = shop.document()
    port = {**document["servers"][0]["ports"][0], "source_id": shop.uuid(71), "mac_address": "fa:16:3e:00:00:71"}
    document["topology"]["ports"] = [{**port, "fixed_ips": [{"subnet": "shop-subnet", "ip_address": "10.10.0.50"}], "floating_ips": []}]
    document["topology"]["routers"][0]["interface_addresses"] = [{"subnet": "shop-subnet", "ip_address": "10.10.0.254"}]
    manifest = Manifest.parse(document)
    assert tuple(reserving_pools(manifest, manifest.description.topology.subnets[0])) == pools((2, 10), (12, 20), (22, 49), (51, 253))
