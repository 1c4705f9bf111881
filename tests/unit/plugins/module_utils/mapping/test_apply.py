# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import NamedFlavor
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import AddressSpec, FloatingSpec
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.apply import apply
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import as_restored
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.tests.unit.support import shop

MANIFEST = shop.manifest()


def mapping(**sections):
    return SiteMapping.parse({"schema_version": 1, **sections})


def applied(manifest=MANIFEST, **sections):
    mapped = apply(manifest, mapping(**sections))
    assert not mapped.problems
    return mapped.manifest


def problems(manifest=MANIFEST, **sections):
    return list(apply(manifest, mapping(**sections)).problems)


def server(manifest, name="orders-db"):
    return next(one for one in manifest.description.servers if one.name == name)


def rich():
    """An application whose addresses are in every place where they can be."""
    document = shop.document()
    (subnet,) = document["topology"]["subnets"]
    subnet.update(
        dns_nameservers=["10.10.0.53", "9.9.9.9"],
        host_routes=[
            {"destination": "10.99.0.0/16", "nexthop": "10.10.0.254"},
            {"destination": "10.11.0.0/24", "nexthop": "10.10.0.1"},
        ],
    )
    document["topology"]["subnets"].append(
        {**subnet, "name": "shop-storage", "network": "shop-net", "cidr": "10.11.0.0/24", "gateway_ip": None, "host_routes": [], "allocation_pools": []}
    )
    rules = document["topology"]["security_groups"][0]["rules"]
    rules[:] = [{**shop.RULE, "remote_group": None, "remote_ip_prefix": prefix} for prefix in ("10.10.0.0/24", "10.10.0.21/32", "0.0.0.0/0")]
    rules.append({**shop.RULE, "remote_group": None, "remote_address_group": "shop-offices"})
    document["topology"]["address_groups"] = [{"name": "shop-offices", "description": "", "addresses": ["10.10.0.0/25", "198.51.100.0/24"]}]
    for one in document["servers"]:
        (port,) = one["ports"]
        port["allowed_address_pairs"] = [
            {"ip_address": "10.10.0.99", "mac_address": port["mac_address"]},
            {"ip_address": "192.0.2.0/24", "mac_address": "00:00:5e:00:01:01"},
        ]
    return Manifest.parse(document)


RICH = rich()
RENAMED = {
    "networks": {"shop-net": "dr-net"},
    "subnets": {"shop-subnet": {"name": "dr-subnet", "cidr": "10.20.0.0/24"}, "shop-storage": {"name": "dr-storage", "cidr": "10.21.0.0/24"}},
    "routers": {"shop-router": "dr-router"},
    "external_networks": {"public": "provider"},
    "flavors": {"lab.db": "dr.large", "lab.small": "dr.small"},
    "volume_types": {"ceph": "fast"},
    "key_pairs": {"shop": {"name": "dr-key", "make": True}},
    "security_groups": {"shop": {"name": "dr-group", "make": True}},
    "address_groups": {"shop-offices": {"name": "dr-offices", "make": True}},
    "server_groups": {"shop-apart": {"name": "dr-apart", "make": True}},
    "availability_zones": {"nova": "az-7"},
    "addresses": {"policy": "remap"},
}


def inverted(sections):
    """The way back."""
    ranges = {"shop-subnet": "10.10.0.0/24", "shop-storage": "10.11.0.0/24"}
    back = {"addresses": sections["addresses"]}
    for kind, names in sections.items():
        for name, target in names.items() if kind != "addresses" else ():
            extras = {key: ranges.get(name, value) for key, value in target.items() if key != "name"} if isinstance(target, dict) else {}
            there = target["name"] if isinstance(target, dict) else target
            back.setdefault(kind, {})[there] = {"name": name, **extras}
    return back


@pytest.mark.parametrize("manifest", [MANIFEST, RICH], ids=["plain", "rich"])
def test_an_empty_mapping_changes_nothing(manifest):
    assert apply(manifest, SiteMapping()).manifest == manifest
    assert not apply(manifest, SiteMapping()).problems
    assert applied(manifest, addresses={"policy": "remap"}) == manifest
    assert applied(manifest, networks={"shop-net": "shop-net"}, subnets={"shop-subnet": {"name": "shop-subnet", "cidr": "10.10.0.0/24"}}) == manifest


def test_there_and_back_again_is_the_same_application():
    there = applied(RICH, **RENAMED)
    assert applied(there, **inverted(RENAMED)).as_dict() == RICH.as_dict()


def test_nothing_of_the_source_is_left_but_ids_and_marks():
    text = str(applied(RICH, **RENAMED).as_dict()["topology"]) + str([one.ports for one in applied(RICH, **RENAMED).description.servers])
    # A port is called at the site what it is called at the source.
    text = text.replace("name='shop-front-0'", "")
    for left in ("shop-", "'shop'", "public'", "10.10.", "10.11."):
        assert left not in text
    assert [one.source_id for one in applied(RICH, **RENAMED).description.volumes] == [one.source_id for one in RICH.description.volumes]
    assert applied(RICH, **RENAMED).checkpoint == RICH.checkpoint


def test_names_are_those_of_the_site_wherever_they_stand():
    mapped = applied(**RENAMED | {"subnets": {"shop-subnet": "dr-subnet"}})
    topology, db = mapped.description.topology, server(mapped)
    assert [one.name for one in topology.networks] == ["dr-net"]
    assert (topology.subnets[0].name, topology.subnets[0].network) == ("dr-subnet", "dr-net")
    assert (topology.routers[0].name, topology.routers[0].external_network) == ("dr-router", "provider")
    assert topology.routers[0].subnets == ("dr-subnet",)
    assert (topology.security_groups[0].name, topology.security_groups[0].rules[0].remote_group) == ("dr-group", "dr-group")
    assert topology.key_pairs[0].name == db.key_name == "dr-key"
    assert db.flavor == NamedFlavor("lab.db", "dr.large", 1, 320, 1, 0, 0)
    assert {(one.volume_type, one.availability_zone) for one in db.volumes} == {("fast", "az-7")}
    assert topology.server_groups[0].name == db.server_group == "dr-apart"
    (port,) = db.ports
    assert (port.network, port.security_groups, port.floating_ips) == ("dr-net", ("dr-group",), (FloatingSpec("provider", 0),))
    assert port.fixed_ips == (AddressSpec("dr-subnet", "10.10.0.11"),)


def test_everything_in_a_subnet_moves_with_it():
    mapped = applied(RICH, **RENAMED)
    subnet = mapped.description.topology.subnets[0]
    assert (subnet.cidr, subnet.gateway_ip) == ("10.20.0.0/24", "10.20.0.1")
    assert subnet.allocation_pools == ({"start": "10.20.0.2", "end": "10.20.0.254"},)
    assert subnet.dns_nameservers == ("10.20.0.53", "9.9.9.9")
    assert subnet.host_routes == (
        {"destination": "10.99.0.0/16", "nexthop": "10.20.0.254"},
        {"destination": "10.21.0.0/24", "nexthop": "10.20.0.1"},
    )
    prefixes = [rule.remote_ip_prefix for rule in mapped.description.topology.security_groups[0].rules]
    assert prefixes == ["10.20.0.0/24", "10.20.0.21/32", "0.0.0.0/0", None]
    (port,) = server(mapped).ports
    assert port.mac_address == shop.MAC["orders-db"]
    assert port.fixed_ips == (AddressSpec("dr-subnet", "10.20.0.11"),)
    assert port.allowed_address_pairs == (
        {"ip_address": "10.20.0.99", "mac_address": shop.MAC["orders-db"]},
        {"ip_address": "192.0.2.0/24", "mac_address": "00:00:5e:00:01:01"},
    )


def test_neutron_chooses_where_it_is_told_to():
    mapped = applied(RICH, addresses={"servers": {"orders-db": "new"}})
    (port,) = server(mapped).ports
    assert (port.mac_address, port.fixed_ips) == ("", (AddressSpec("shop-subnet", ""),))
    assert port.allowed_address_pairs[0] == {"ip_address": "10.10.0.99"}
    assert server(mapped, "shop-front") == server(RICH, "shop-front")


def test_floating_addresses_can_be_left_out():
    mapped = applied(addresses={"floating": False, "servers": {"shop-front": {"floating": True}}})
    assert server(mapped).ports[0].floating_ips == ()
    assert server(mapped, "shop-front").ports[0].floating_ips == (FloatingSpec("public", 0),)


def test_the_sites_own_groups_and_keys_are_used_as_they_are():
    mapped = applied(key_pairs={"shop": "theirs"}, security_groups={"shop": "theirs"})
    assert mapped.description.topology.key_pairs == mapped.description.topology.security_groups == ()
    assert (server(mapped).key_name, server(mapped).ports[0].security_groups) == ("theirs", ("theirs",))


def test_what_has_no_place_is_told_for_all_servers_at_once():
    smaller = {"shop-subnet": {"name": "shop-subnet", "cidr": "10.20.0.0/29"}}
    found = problems(RICH, subnets=smaller, addresses={"policy": "remap"})
    assert (
        "Address 10.10.0.11 has no place in 10.20.0.0/29, where the mapping moves subnet 'shop-subnet' of server 'orders-db'; "
        "give the subnet another cidr in the mapping, or let Neutron choose the address (policy: new)."
    ) in found
    assert any("of server 'shop-front'" in one for one in found)
    assert any(one.startswith("Name server of subnet 'shop-subnet': 10.10.0.53 has no place") for one in found)
    assert any(one.startswith("Host route of subnet 'shop-subnet': 10.10.0.254 has no place") for one in found)
    assert any(one.startswith("Allowed address pair of server 'orders-db': 10.10.0.99 has no place") for one in found)
    assert any(one.startswith("Rule of security group 'shop': 10.10.0.21/32 has no place") for one in found)


def test_a_subnet_cannot_change_its_version():
    (found,) = problems(subnets={"shop-subnet": {"name": "shop-subnet", "cidr": "fd00::/64"}})
    assert found == (
        "Subnet 'shop-subnet' has the range 10.10.0.0/24 at the source, which cannot be moved to fd00::/64; correct the cidr in the mapping."
    )


def test_what_is_undecided_is_told():
    found = problems(flavors={"lab.db": None, "gone": None}, volume_types={"ceph": None})
    assert [one.split(";")[0] for one in found] == [
        "The mapping does not say what replaces flavor 'lab.db'",
        "The mapping does not say what replaces volume type 'ceph'",
    ]


def two_networks():
    document = shop.document()
    (net,), (sub,) = document["topology"]["networks"], document["topology"]["subnets"]
    document["topology"]["networks"] = [net, {**net, "name": "b-net"}]
    document["topology"]["subnets"] = [sub, {**sub, "name": "b-sub", "network": "b-net", "cidr": "10.30.0.0/24"}]
    return Manifest.parse(document)


def test_two_networks_become_one_where_they_are_alike_then():
    merged = applied(two_networks(), networks={"b-net": "shop-net"})
    assert [one.name for one in merged.description.topology.networks] == ["shop-net"]
    assert [one.network for one in merged.description.topology.subnets] == ["shop-net", "shop-net"]


def test_one_network_may_stand_for_those_of_several_others():
    document = two_networks().as_dict()
    for network, owner in zip(document["topology"]["networks"], ("operator", "another team"), strict=True):
        network.update(is_of_others=True, owner=owner)
    merged = applied(Manifest.parse(document), networks={"b-net": "shop-net"})
    assert [one.name for one in merged.description.topology.networks] == ["shop-net"]


def test_two_different_things_cannot_become_one():
    assert problems(two_networks(), subnets={"b-sub": "shop-subnet"}) == [
        "Subnet 'b-sub' and another one that differs from it both become 'shop-subnet'; give each a name of its own in the mapping."
    ]


def test_a_host_route_to_nowhere_near_stays():
    subnet = dataclasses.replace(RICH.description.topology.subnets[0], host_routes=({"destination": "0.0.0.0/0", "nexthop": "10.12.0.1"},))
    topology = dataclasses.replace(RICH.description.topology, subnets=(subnet,))
    manifest = dataclasses.replace(RICH, description=dataclasses.replace(RICH.description, topology=topology))
    mapped = applied(manifest, subnets={"shop-subnet": {"name": "shop-subnet", "cidr": "10.20.0.0/24"}})
    assert mapped.description.topology.subnets[0].host_routes == subnet.host_routes


def test_server_groups_and_zones_can_be_left_out():
    mapped = applied(server_groups={"shop-apart": None}, availability_zones={"nova": None})
    assert mapped.description.topology.server_groups == ()
    assert {one.server_group for one in mapped.description.servers} == {None}
    assert {one.availability_zone for one in mapped.description.volumes} == {None}


def test_the_sites_own_server_group_is_used_as_it_is():
    mapped = applied(server_groups={"shop-apart": "theirs"})
    assert mapped.description.topology.server_groups == ()
    assert server(mapped).server_group == "theirs"


# What is on no server


def beside_servers():
    """An application with a virtual address, a trunk, a floating address that forwards, routes, and names of a site's own."""
    document = shop.document()
    topology, (port,) = document["topology"], document["servers"][1]["ports"]
    address = {"subnet": "shop-subnet", "ip_address": "10.10.0.100"}
    floating = {**shop.FLOATING, "network": "public", "place": 0, "qos_policy": "gold"}
    virtual = {**port, "source_id": shop.uuid(901), "name": "vip", "mac_address": "fa:16:3e:00:00:99", "fixed_ips": [address], "floating_ips": [floating]}
    topology["ports"] = [{**virtual, "qos_policy": "gold", "dns_name": "vip"}]
    topology["trunks"] = [{**_TRUNK, "port": port["source_id"], "subports": [{"port": shop.uuid(901), "segmentation_type": "vlan", "segmentation_id": 5}]}]
    forwarding = {"port": shop.uuid(901), "place": 0, "internal_port": 22, "external_port": 2222, "protocol": "tcp", "description": ""}
    topology["forwarders"] = [{"source_id": shop.uuid(903), "floating": floating, "forwardings": [forwarding]}]
    topology["networks"][0].update(qos_policy="gold", dns_domain="shop.")
    topology["subnets"][0]["subnet_pool"] = "office"
    routes = [{"destination": "10.99.0.0/16", "nexthop": "10.10.0.77"}]
    topology["routers"][0].update(routes=routes, interface_addresses=[{**address, "ip_address": "10.10.0.2"}], gateway_qos_policy="gold")
    return Manifest.parse(document)


_TRUNK = {"source_id": shop.uuid(902), "name": "uplink", "is_up": True, "description": "", "tags": []}
MOVED = {"shop-subnet": {"name": "shop-subnet", "cidr": "10.20.0.0/24"}}


def test_what_stands_beside_servers_moves_with_its_subnet():
    topology = applied(beside_servers(), subnets=MOVED, addresses={"policy": "remap"}).description.topology
    (port,), (router,) = topology.ports, topology.routers
    assert port.fixed_ips == (AddressSpec("shop-subnet", "10.20.0.100"),)
    assert router.interface_addresses == (AddressSpec("shop-subnet", "10.20.0.2"),)
    assert router.routes == ({"destination": "10.99.0.0/16", "nexthop": "10.20.0.77"},)


def test_others_know_a_port_on_no_server_by_its_address():
    (port,) = applied(beside_servers(), subnets=MOVED, addresses={"policy": "new"}).description.topology.ports
    assert (port.mac_address, port.fixed_ips) == ("", (AddressSpec("shop-subnet", "10.20.0.100"),))


def test_policies_and_pools_have_other_names_or_are_left_out():
    names = {"qos_policies": {"gold": "silver"}, "subnet_pools": {"office": None}, "external_networks": {"public": "provider"}}
    topology = applied(beside_servers(), **names).description.topology
    assert {topology.networks[0].qos_policy, topology.routers[0].gateway_qos_policy, topology.ports[0].qos_policy} == {"silver"}
    assert topology.subnets[0].subnet_pool is None
    floating = FloatingSpec("provider", 0, qos_policy="silver")
    assert (topology.ports[0].floating_ips, topology.forwarders[0].floating) == ((floating,), floating)
    assert applied(beside_servers(), qos_policies={"gold": None}).description.topology.networks[0].qos_policy is None


def test_without_floating_addresses_nothing_is_forwarded():
    topology = applied(beside_servers(), addresses={"floating": False}).description.topology
    assert (topology.ports[0].floating_ips, topology.forwarders) == ((), ())


def test_a_drill_has_no_names_in_dns_and_no_range_of_a_pool():
    drilled = as_restored(beside_servers(), SiteMapping(), "7").manifest.description
    assert (drilled.topology.networks[0].dns_domain, drilled.topology.subnets[0].subnet_pool) == ("", None)
    assert {(port.dns_name, port.dns_domain, port.floating_ips) for port in drilled.ports} == {("", "", ())}
    assert drilled.topology.forwarders == ()


def test_the_sites_own_address_group_is_used_as_it_is():
    topology = applied(RICH, address_groups={"shop-offices": "theirs"}).description.topology
    assert topology.address_groups == ()
    assert [rule.remote_address_group for rule in topology.security_groups[0].rules if rule.remote_address_group] == ["theirs"]


def test_address_groups_move_with_the_subnets():
    (group,) = applied(RICH, **RENAMED).description.topology.address_groups
    assert (group.name, group.addresses) == ("dr-offices", ("10.20.0.0/25", "198.51.100.0/24"))
