# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, MappingInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import NamedFlavor
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish, as_restored
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import owner_of
from ansible_collections.osdr.openstack.tests.unit.support import shop

MANIFEST = shop.manifest()


def drilled(manifest=MANIFEST, **mapping):
    given = SiteMapping.parse({"schema_version": 1, **mapping}) if mapping else SiteMapping()
    mapped = as_restored(manifest, given, "7")
    assert not mapped.problems
    return mapped.manifest


def server(manifest):
    return next(one for one in manifest.description.servers if one.name == "orders-db")


def test_everything_around_the_servers_is_the_drills_own():
    topology = drilled().description.topology
    assert (topology.networks[0].name, topology.subnets[0].name, topology.subnets[0].network) == (
        "drill-7-shop-net", "drill-7-shop-subnet", "drill-7-shop-net"
    )
    assert (topology.security_groups[0].name, topology.security_groups[0].rules[0].remote_group) == ("drill-7-shop", "drill-7-shop")
    assert topology.key_pairs[0] == dataclasses.replace(MANIFEST.description.topology.key_pairs[0], name="drill-7-shop")
    (port,) = server(drilled()).ports
    assert (port.network, port.fixed_ips[0].subnet, port.security_groups) == ("drill-7-shop-net", "drill-7-shop-subnet", ("drill-7-shop",))
    assert server(drilled()).key_name == "drill-7-shop"
    assert (topology.server_groups[0].name, server(drilled()).server_group) == ("drill-7-shop-apart", "drill-7-shop-apart")


def test_nothing_leads_to_it_and_it_leads_to_nothing():
    (router,) = drilled().description.topology.routers
    assert (router.name, router.external_network, router.subnets) == ("drill-7-shop-router", None, ("drill-7-shop-subnet",))
    assert not [port for port in drilled().description.ports if port.floating_ips]


def test_a_router_says_nothing_of_addresses_that_it_does_not_translate():
    topology = dataclasses.replace(
        MANIFEST.description.topology, routers=(dataclasses.replace(MANIFEST.description.topology.routers[0], enable_snat=False),)
    )
    manifest = dataclasses.replace(MANIFEST, description=dataclasses.replace(MANIFEST.description, topology=topology))
    assert drilled(manifest).description.topology.routers[0].enable_snat


def test_inside_everything_is_as_at_the_source():
    (port,), (source,) = server(drilled()).ports, server(MANIFEST).ports
    assert (port.mac_address, port.fixed_ips[0].ip_address) == (source.mac_address, source.fixed_ips[0].ip_address)
    assert drilled().description.topology.subnets[0].cidr == "10.10.0.0/24"
    assert [one.name for one in drilled().description.servers] == [one.name for one in MANIFEST.description.servers]
    assert (drilled().copies, drilled().checkpoint) == (MANIFEST.copies, MANIFEST.checkpoint)


def test_flavors_and_volume_types_are_those_of_the_mapping():
    mapped = server(drilled(flavors={"lab.db": "huge"}, volume_types={"ceph": "fast"}))
    assert (mapped.flavor.name, isinstance(mapped.flavor, NamedFlavor)) == ("huge", True)
    assert {one.volume_type for one in mapped.volumes} == {"fast"}


def test_server_groups_that_are_left_out_and_zones_are_as_in_the_mapping():
    servers = tuple(dataclasses.replace(one, availability_zone="az1") for one in MANIFEST.description.servers)
    manifest = dataclasses.replace(MANIFEST, description=dataclasses.replace(MANIFEST.description, servers=servers))
    mapped = drilled(manifest, server_groups={"shop-apart": None}, availability_zones={"az1": "az2"})
    assert (server(mapped).server_group, server(mapped).availability_zone) == (None, "az2")
    assert mapped.description.topology.server_groups == ()


def test_addresses_are_those_of_the_real_restore():
    mapping = {
        "subnets": {"shop-subnet": {"name": "dr-subnet", "cidr": "10.20.0.0/24"}},
        "addresses": {"policy": "remap", "servers": {"shop-front": {"policy": "new", "floating": True}}},
    }
    mapped = drilled(**mapping)
    assert server(mapped).ports[0].fixed_ips[0].ip_address == "10.20.0.11"
    assert mapped.description.topology.subnets[0].cidr == "10.20.0.0/24"
    front = next(one for one in mapped.description.servers if one.name == "shop-front")
    assert (front.ports[0].mac_address, front.ports[0].floating_ips) == ("", ())


@pytest.mark.parametrize("place", ["servers", "ports"])
def test_no_rule_of_a_mapping_brings_a_floating_address(place):
    rule = {"floating": True} if place == "servers" else {"ports": {"shop-net": {"floating": True}}}
    mapped = drilled(addresses={"floating": True, "servers": {"orders-db": rule}})
    assert server(mapped).ports[0].floating_ips == ()


def test_other_names_of_a_mapping_do_not_count():
    mapping = {"networks": {"shop-net": "provider-net"}, "security_groups": {"shop": "theirs"}, "routers": {"shop-router": None}}
    mapped = drilled(**mapping)
    assert mapped.description.topology.networks[0].name == "drill-7-shop-net"
    assert server(mapped).ports[0].security_groups == ("drill-7-shop",)


def test_what_a_mapping_leaves_open_is_told():
    given = SiteMapping.parse({"schema_version": 1, "flavors": {"lab.db": None}})
    (problem,) = as_restored(MANIFEST, given, "7").problems
    assert "flavor 'lab.db'" in problem


def test_the_drill_is_known_by_its_owner():
    assert owner_of(drilled()).drill == "7"
    assert as_restored(MANIFEST, SiteMapping(), None).manifest == MANIFEST


@pytest.mark.parametrize("drill", ["", "a b", "a.b", "x" * 21, "-a", "a\n"])
def test_an_id_that_cannot_be_in_names_and_marks_is_refused(drill):
    with pytest.raises(InvalidInput, match="the id of a drill"):
        as_restored(MANIFEST, SiteMapping(), drill)


def test_what_the_manifest_only_names_is_not_looked_for_at_the_site():
    topology = dataclasses.replace(MANIFEST.description.topology, networks=(), security_groups=(), server_groups=())
    bare = dataclasses.replace(MANIFEST, description=dataclasses.replace(MANIFEST.description, topology=topology))
    problems = as_restored(bare, SiteMapping(), "7").problems
    uses = [one.split(", which the manifest does not describe")[0] for one in problems]
    lacking = ["server group 'shop-apart'", "network 'shop-net'", "security group 'shop'"]
    assert uses == [f"Server '{name}' uses {what}" for name in ("shop-front", "orders-db") for what in lacking]


def test_a_drill_can_be_made_at_a_site_that_has_never_seen_the_application():
    inventory = shop.inventory(shop.empty_site(networks=()), parts={one.id: one for one in shop.backups()})
    manifest, problems = shop.restorable(MANIFEST, SiteMapping(), inventory, "7")
    assert (problems, manifest.drill) == ([], "7")


def test_a_drill_of_what_runs_there_collides_with_nothing():
    inventory = shop.inventory(shop.restored_site(), parts={one.id: one for one in shop.backups()})
    assert shop.restorable(MANIFEST, SiteMapping(), inventory, "7")[1] == []


def test_a_drill_uses_nothing_that_it_did_not_make():
    mark = owner_of(drilled()).text()
    theirs = dataclasses.replace(shop.NETWORK, name="drill-7-shop-net", description="another one's")
    mine = dataclasses.replace(shop.GROUP, name="drill-7-shop", description=f"for the shop {mark}")
    keys = {"drill-7-shop": "ssh-ed25519 AAAA shop"}
    site = shop.empty_site(networks=(theirs,), security_groups=(mine,), key_pairs=keys)
    inventory = shop.inventory(site, parts={one.id: one for one in shop.backups()})
    assert shop.restorable(MANIFEST, SiteMapping(), inventory, "7")[1] == [
        "Network 'drill-7-shop-net' at site 'remote' was not made by drill '7'; give the drill another id.",
        "Key pair 'drill-7-shop' at site 'remote' was not made by drill '7'; give the drill another id.",
    ]


# What modules get


def wish(**changes):
    return Wish.parse(MANIFEST, **changes)


def test_a_module_gets_the_manifest_as_it_is_to_be_restored():
    assert wish().manifest_there() == MANIFEST
    mapped = wish(mapping={"schema_version": 1, "networks": {"shop-net": "dr-net"}}).manifest_there()
    assert server(mapped).ports[0].network == "dr-net"
    assert server(wish(drill="7").manifest_there()).ports[0].network == "drill-7-shop-net"


def test_of_some_servers_only_what_they_need_is_looked_at():
    undecided = {"schema_version": 1, "flavors": {"lab.db": None}}
    found = wish(mapping=undecided, servers=["shop-front"]).manifest_there()
    assert [one.name for one in found.description.servers] == ["shop-front"]
    with pytest.raises(InvalidInput, match="has no server web; it has"):
        wish(servers=["web"]).manifest_there()


def test_of_some_servers_the_whole_is_known_too_whatever_the_mapping_lacks_for_it():
    undecided = {"schema_version": 1, "flavors": {"lab.db": None}, "networks": {"shop-net": "dr-net"}}
    found = wish(mapping=undecided, servers=["shop-front"]).whole_there()
    assert [one.name for one in found.description.servers] == [one.name for one in MANIFEST.description.servers]
    assert [one.name for one in found.description.topology.networks] == ["dr-net"]


def test_what_cannot_be_done_is_refused():
    undecided = {"schema_version": 1, "flavors": {"lab.db": None}, "volume_types": {"ceph": None}}
    with pytest.raises(MappingInvalid) as raised:
        wish(mapping=undecided).manifest_there()
    assert len(raised.value.facts["problems"]) == 2
