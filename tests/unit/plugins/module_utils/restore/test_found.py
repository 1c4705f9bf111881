# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is used because it is there already is told with every attribute in which it differs."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Flavor, NamedFlavor
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import attributes, specs
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.attributes import Fate
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.missing import Missing
from ansible_collections.osdr.openstack.plugins.module_utils.restore.found import differences, differences_of_networks, differences_of_servers
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop

#: What describes each kind, what of that is no attribute, and which attributes are found in other ways.
DESCRIBED = {
    attributes.NETWORK: (specs.NetworkSpec, {"is_of_others", "owner"}, set()),
    attributes.SUBNET: (specs.SubnetSpec, set(), set()),
    attributes.ROUTER: (specs.RouterSpec, set(), {"external_gateways"}),
    attributes.SECURITY_GROUP: (specs.SecurityGroupSpec, set(), set()),
    attributes.ADDRESS_GROUP: (specs.AddressGroupSpec, set(), set()),
    attributes.SERVER_GROUP: (specs.ServerGroupSpec, set(), {"policies", "members"}),
    attributes.KEY_PAIR: (specs.KeyPairSpec, set(), set()),
    attributes.PORT: (specs.PortSpec, {"source_id", "floating_ips", "device_tag"}, {"trunk_details"}),
    attributes.FLOATING_IP: (specs.FloatingSpec, set(), {"port_id", "port_forwardings"}),
    attributes.TRUNK: (specs.TrunkSpec, {"source_id"}, set()),
    attributes.FLAVOR: (Flavor, {"id"}, set()),
}


@pytest.mark.parametrize("kind", DESCRIBED, ids=lambda kind: kind.name)
def test_whatever_the_manifest_describes_of_what_may_be_there_is_an_attribute_of_the_registry(kind):
    spec, others, elsewhere = DESCRIBED[kind]
    fields = {field.name for field in dataclasses.fields(spec)}
    assert {name for name in fields if kind.described_by(name) is None} == others
    restored = {name for one in kind.attributes if one.fate is Fate.RESTORED for name in one.names}
    assert restored - {kind.described_by(name) for name in fields} == elsewhere
    assert set(kind.fields) <= fields


def sentences(manifest=None, **changes):
    plan = RestorePlan.of(manifest or shop.manifest(), shop.prepared_site(**changes))
    return [*differences_of_networks(plan), *differences_of_servers(plan)]


def network(**changes):
    return dataclasses.replace(shop.NETWORK, **changes)


def subnet(**changes):
    return (dataclasses.replace(shop.SUBNET, **changes),)


def named(told):
    """What the one sentence says after what is there."""
    (sentence,) = told
    return sentence.split(" stays as it is: ")[1]


def test_what_is_as_described_is_not_told():
    assert sentences() == []
    assert sentences(networks=(shop.PUBLIC, network(mtu=1442, answer={"vlan_transparent": False, "id": "net", "status": "DOWN"}))) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"is_up": False}, "admin_state_up is false instead of true."),
        ({"mtu": 1500}, "mtu is 1500 instead of 1442."),
        (
            {"port_security": False},
            "port_security_enabled is false instead of true (without it, nothing filters what reaches ports that do not have their own).",
        ),
        ({"qos_policy_id": "unseen"}, 'qos_policy_id is "unseen" instead of none.'),
        ({"description": "osdr_application=shop osdr_checkpoint=eve mine"}, 'description is "mine" instead of "".'),
        ({"is_up": False, "tags": ("b", "a", "osdr_checkpoint=eve")}, 'admin_state_up is false instead of true; tags is ["b", "a"] instead of none.'),
        ({"answer": {"vlan_transparent": True}}, "vlan_transparent is true, which no restore would set."),
        ({"answer": {"flux": 88, "shared": True, "project_id": ""}}, "flux is 88, which no restore would set; shared is true, which no restore would set."),
    ],
)
def test_each_attribute_is_told_with_both_values(changes, told):
    assert named(sentences(networks=(shop.PUBLIC, network(**changes)))) == told.replace('instead of ""', "instead of none")


def test_whose_it_is_is_told_where_it_is_known():
    for text, whose in (("osdr_checkpoint=eve", "a restore of checkpoint 'eve'"), ("osdr_checkpoint=noon osdr_drill=7", "drill '7'")):
        (told,) = sentences(networks=(shop.PUBLIC, network(is_up=False, description=f"osdr_application=shop {text}")))
        assert told.startswith(f"At site 'remote', network 'shop-net' is there already, from {whose}, and stays as it is: ")
    assert sentences(networks=(shop.PUBLIC, network(is_up=False, description="osdr_application=shop osdr_checkpoint=noon"))) == []


def test_what_is_lost_of_the_source_and_there_all_the_same_is_not_told():
    lost = (Missing("network 'shop-net'", "vlan_transparent", "true", ""),)
    manifest = dataclasses.replace(shop.manifest(), description=dataclasses.replace(shop.manifest().description, missing=lost))
    assert sentences(manifest, networks=(shop.PUBLIC, network(answer={"vlan_transparent": True}))) == []


def test_a_difference_within_a_long_value_is_shown():
    there = network(description="x" * 200 + " at the remote site")
    manifest = shop.manifest()
    described = dataclasses.replace(manifest.description.topology.networks[0], description="x" * 200)
    topology = dataclasses.replace(manifest.description.topology, networks=(described,))
    manifest = dataclasses.replace(manifest, description=dataclasses.replace(manifest.description, topology=topology))
    assert named(sentences(manifest, networks=(shop.PUBLIC, there))) == f'description is …{"x" * 10} at the remote site" instead of …{"x" * 10}".'


def test_the_order_of_name_servers_counts_and_that_of_routes_does_not():
    routes = ({"destination": "10.1.0.0/24", "nexthop": "10.10.0.8"}, {"nexthop": "10.10.0.9", "destination": "10.2.0.0/24"})
    manifest = shop.manifest()
    described = dataclasses.replace(manifest.description.topology.subnets[0], dns_nameservers=("10.0.0.1", "10.0.0.2"), host_routes=routes)
    topology = dataclasses.replace(manifest.description.topology, subnets=(described,))
    manifest = dataclasses.replace(manifest, description=dataclasses.replace(manifest.description, topology=topology))
    assert sentences(manifest, subnets=subnet(dns_nameservers=described.dns_nameservers, host_routes=routes[::-1])) == []
    told = named(sentences(manifest, subnets=subnet(dns_nameservers=("10.0.0.2", "10.0.0.1"), host_routes=routes)))
    assert told == 'dns_nameservers is ["10.0.0.2", "10.0.0.1"] instead of ["10.0.0.1", "10.0.0.2"].'


def test_a_network_with_further_subnets_is_told():
    further = dataclasses.replace(shop.SUBNET, id="sub2", name="more", cidr="10.20.0.0/24")
    six = {"ip_version": 6, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    automatic = dataclasses.replace(shop.SUBNET, id="sub3", name="six", cidr="fd00::/64", **six)
    told = sentences(subnets=(shop.SUBNET, further, automatic))
    assert told[0].endswith("stays as it is: it has further subnets: 'more' (10.20.0.0/24), 'six' (fd00::/64).")
    assert ["has one more address than at the source (fixed_ips): subnet 'six' (fd00::/64)" in one for one in told[1:]] == [True, True]


@pytest.mark.parametrize(
    ("types", "of_six", "is_told"),
    [
        pytest.param((), ("compute:nova",), False, id="ports of nobody get none"),
        pytest.param(("compute:nova",), ("compute:nova",), True, id="those of servers do"),
        pytest.param(("compute:nova",), ("compute:az9",), False, id="unless it is for others"),
    ],
)
def test_a_further_subnet_gives_addresses_to_those_for_whom_it_is(types, of_six, is_told):
    six = {"ip_version": 6, "ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac", "service_types": of_six}
    subnets = (dataclasses.replace(shop.SUBNET, service_types=types), dataclasses.replace(shop.SUBNET, id="sub3", name="six", cidr="fd00::/64", **six))
    assert any("has one more address than at the source" in one for one in sentences(subnets=subnets)) is is_told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"external_network_id": None}, 'external_gateway_info (external network) is none instead of "public".'),
        ({"enable_snat": False}, "enable_snat is false instead of true."),
        ({"gateway_qos_policy_id": "gold"}, 'external_gateway_info (gateway qos policy) is "gold" instead of none.'),
        (
            {"routes": ({"destination": "10.9.0.0/24", "nexthop": "10.10.0.9"},)},
            'routes is [{"destination": "10.9.0.0/24", "nexthop": "10.10.0.9"}] instead of none.',
        ),
    ],
)
def test_a_router_is_told_with_what_its_gateway_is_otherwise(changes, told):
    assert named(sentences(routers=(dataclasses.replace(shop.ROUTER, **changes),))) == told


def test_a_router_with_another_address_on_a_subnet_is_told_and_a_gateway_with_one_of_its_site_is_not():
    elsewhere = dataclasses.replace(shop.ROUTER_PORT, fixed_ips=(dataclasses.replace(shop.ROUTER_PORT.fixed_ips[0], ip_address="10.10.0.6"),))
    assert named(sentences(ports=(elsewhere,))).startswith('interfaces (interface addresses) is [{"ip_address": "10.10.0.6", "subnet": "shop-s')
    assert sentences(routers=(dataclasses.replace(shop.ROUTER, gateway_addresses=("10.88.2.9",)),)) == []


@pytest.mark.parametrize(
    ("then", "now", "told"), [(True, None, "not shown instead of true"), (True, False, "false instead of true"), (False, None, None), (None, True, None)]
)
def test_what_is_not_shown_of_a_router_is_told_where_it_was_on(then, now, told):
    manifest = shop.manifest()
    described = dataclasses.replace(manifest.description.topology.routers[0], is_ha=then)
    topology = dataclasses.replace(manifest.description.topology, routers=(described,))
    manifest = dataclasses.replace(manifest, description=dataclasses.replace(manifest.description, topology=topology))
    found = sentences(manifest, routers=(dataclasses.replace(shop.ROUTER, is_ha=now),))
    assert [named([one]) for one in found] == ([f"ha is {told}."] if told else [])


def test_a_group_is_told_with_its_state_and_with_what_its_rules_have_besides():
    theirs = dataclasses.replace(shop.GROUP, is_stateful=False, answer={"security_group_rules": [{"tags": ["gold"]}]})
    assert named(sentences(security_groups=(theirs, shop.DEFAULT_GROUP))) == (
        'stateful is false instead of true; tags of a rule is ["gold"], which no restore would set.'
    )


def test_a_flavor_is_told_with_what_counts_for_a_server():
    was = Flavor("1", "small", 1, 512, 1, 0, 0, {"a": "b"})
    assert differences(attributes.FLAVOR, was, dataclasses.replace(was, id="2")) == []
    larger = dataclasses.replace(shop.SMALL, vcpus=2, disk=9)
    told = sentences(flavors=(larger, shop.DB))
    assert told == ["At site 'remote', flavor 'lab.small' of server 'shop-front' is another one: vcpus is 2 instead of 1."]


def test_a_flavor_that_a_mapping_names_is_told_with_its_size_and_not_with_its_name():
    manifest = shop.manifest()
    servers = tuple(dataclasses.replace(one, flavor=NamedFlavor(**{**dataclasses.asdict(one.flavor), "name": "dr"})) for one in manifest.description.servers)
    manifest = dataclasses.replace(manifest, description=dataclasses.replace(manifest.description, servers=servers))
    told = sentences(manifest, flavors=(Flavor("dr", "dr", 1, 256, 1, 0, 0),))
    assert [one.split(": ")[1] for one in told] == ["ram is 256 instead of 320.", "ram is 256 instead of 192."]


def test_networks_that_others_provide_are_as_their_owners_like_them():
    manifest = shop.manifest()
    described = dataclasses.replace(manifest.description.topology.networks[0], is_of_others=True)
    topology = dataclasses.replace(manifest.description.topology, networks=(described,))
    manifest = dataclasses.replace(manifest, description=dataclasses.replace(manifest.description, topology=topology))
    assert sentences(manifest, networks=(shop.PUBLIC, network(is_up=False, project_id="theirs", is_shared=True)), subnets=subnet(enable_dhcp=False)) == []
