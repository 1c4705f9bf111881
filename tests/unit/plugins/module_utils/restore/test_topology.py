# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, Subnet
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import SecurityGroupRuleSpec, SecurityGroupSpec
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import owner_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.topology import as_dicts, lacking, subnet_differences
from ansible_collections.osdr.openstack.tests.unit.support import shop

TOPOLOGY = shop.manifest().description.topology
PREPARED = shop.prepared_site()
OWNER = owner_of(shop.manifest())
SECOND = Subnet("sub2", "back-subnet", "net", "10.11.0.0/24")


def found(site=PREPARED, **changes):
    """What is missing, without the kinds of which nothing is."""
    listed = as_dicts(lacking(dataclasses.replace(TOPOLOGY, **changes), site, OWNER))
    return {kind: specs for kind, specs in listed.items() if specs}


def test_an_empty_site_lacks_all_of_it_as_the_manifest_has_it():
    listed = found(shop.empty_site())
    assert {kind: [spec["name"] for spec in specs] for kind, specs in listed.items()} == {
        "networks": ["shop-net"],
        "subnets": ["shop-subnet"],
        "routers": ["shop-router"],
        "security_groups": ["shop"],
        "key_pairs": ["shop"],
        "server_groups": ["shop-apart"],
    }
    assert listed["subnets"][0] == dataclasses.asdict(TOPOLOGY.subnets[0])
    assert listed["routers"][0]["subnets"] == ("shop-subnet",)


def test_a_prepared_site_lacks_nothing():
    assert found() == {}
    assert lacking(TOPOLOGY, PREPARED, OWNER).keys() == {"networks", "subnets", "routers", "security_groups", "key_pairs", "server_groups"}


def test_what_has_the_same_name_is_used_as_it_is():
    other = dataclasses.replace(shop.NETWORK, mtu=9000)
    assert found(shop.prepared_site(networks=(shop.PUBLIC, other), subnets=(dataclasses.replace(shop.SUBNET, cidr="10.99.0.0/24"),))) == {}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({"networks": (shop.PUBLIC,)}, "networks", id="the network"),
        pytest.param({"key_pairs": {"other": "ssh-ed25519 AAAA shop"}}, "key_pairs", id="the key pair"),
        pytest.param({"security_groups": (shop.DEFAULT_GROUP,)}, "security_groups", id="the security group"),
    ],
)
def test_only_what_is_missing_is_made(changes, kind):
    assert found(shop.prepared_site(**changes)).keys() == {kind}


# Routers


def router_port(*addresses, **changes):
    return dataclasses.replace(shop.ROUTER_PORT, fixed_ips=tuple(FixedIp(subnet, "10.0.0.1") for subnet in addresses), **changes)


@pytest.mark.parametrize(
    ("ports", "joins"),
    [
        pytest.param([], ("shop-subnet",), id="it has none"),
        pytest.param([router_port("sub2")], ("sub2", "shop-subnet"), id="it keeps another one by its id"),
        pytest.param([router_port("sub2", "sub9")], ("sub2", "sub9", "shop-subnet"), id="and one that cannot be seen"),
        pytest.param([router_port("sub", network_id="ext")], ("shop-subnet",), id="its gateway is no interface"),
        pytest.param([router_port("sub", device_id="another")], ("shop-subnet",), id="another one's interface"),
        pytest.param([router_port("sub")], None, id="it has it"),
        pytest.param([router_port("sub2"), router_port("sub")], None, id="it has it beside another one"),
        pytest.param([router_port("sub2", "sub")], None, id="it has it at the same port"),
    ],
)
def test_a_router_gets_the_subnets_that_it_lacks_and_keeps_its_own(ports, joins):
    listed = found(shop.prepared_site(ports=tuple(ports), subnets=(shop.SUBNET, SECOND)))
    assert [spec["subnets"] for spec in listed.get("routers", [])] == ([joins] if joins else [])


def test_a_router_without_a_gateway_is_completed_too():
    routers = (dataclasses.replace(shop.ROUTER, external_network_id=None),)
    assert found(shop.prepared_site(routers=routers)) == {}
    (spec,) = found(shop.prepared_site(ports=(), routers=routers))["routers"]
    assert spec["subnets"] == ("shop-subnet",)


def test_a_router_that_joins_nothing_is_made_too():
    (listed,) = found(shop.empty_site(), routers=(dataclasses.replace(TOPOLOGY.routers[0], subnets=()),))["routers"]
    assert listed["subnets"] == ()


def test_of_several_subnets_only_those_that_are_missing_are_joined():
    wanted = dataclasses.replace(TOPOLOGY.routers[0], subnets=("shop-subnet", "back-subnet"))
    topology = dataclasses.replace(TOPOLOGY, routers=(wanted,))
    (listed,) = lacking(topology, shop.prepared_site(subnets=(shop.SUBNET, SECOND)), OWNER)["routers"]
    assert listed.subnets == ("sub", "back-subnet")


def test_a_subnet_of_the_name_whose_network_is_not_there_is_on_another_one():
    site = shop.prepared_site(networks=(shop.PUBLIC,))
    (problem,) = subnet_differences(site, TOPOLOGY.subnets[0])
    assert problem.startswith("Subnet 'shop-subnet' exists on another network than 'shop-net'")


# Security groups


def rule(port, remote_group=None):
    return SecurityGroupRuleSpec("ingress", "IPv4", "tcp", port, port, None, remote_group)


def there(group, *ports, remote="sg"):
    """A group of the site with a rule for each port."""
    rules = (dataclasses.replace(shop.GROUP_RULE, port_range_min=port, port_range_max=port, remote_group_id=remote) for port in ports)
    return dataclasses.replace(group, rules=tuple(rules))


def groups(*specs, site):
    listed = found(shop.prepared_site(security_groups=tuple(site)), security_groups=specs).get("security_groups", [])
    return {spec["name"]: sorted(one["port_range_min"] for one in spec["rules"]) for spec in listed}


def spec(name, *ports, remote="shop"):
    return SecurityGroupSpec(name, "", tuple(rule(port, remote) for port in ports))


@pytest.mark.parametrize(
    ("ports", "rules"),
    [
        pytest.param([5432], {}, id="it is the same"),
        pytest.param([], {"shop": [5432]}, id="it has none"),
        pytest.param([22], {"shop": [5432]}, id="it has another one"),
        pytest.param([22, 5432], {"shop": [5432]}, id="it has more than it had: what is exposed must not depend on chance"),
    ],
)
def test_a_group_gets_the_rules_that_it_had_at_the_source(ports, rules):
    assert groups(spec("shop", 5432), site=[there(shop.GROUP, *ports)]) == rules


@pytest.mark.parametrize(
    ("ports", "rules"),
    [
        pytest.param([5432], {}, id="it is the same"),
        pytest.param([22, 5432], {}, id="it has more, for others"),
        pytest.param([22], {"default": [22, 5432]}, id="it gets what it lacks and keeps what it has"),
        pytest.param([], {"default": [5432]}, id="it has none"),
    ],
)
def test_the_default_group_only_gets_more_rules(ports, rules):
    site = [there(shop.DEFAULT_GROUP, *ports), shop.GROUP]
    assert groups(spec("default", 5432), site=site) == rules


def test_a_default_group_that_is_not_there_is_made_like_any_other():
    assert groups(spec("default", 5432), site=[shop.GROUP]) == {"default": [5432]}


def test_rules_name_groups_of_the_site_by_their_names():
    assert groups(spec("shop", 5432, remote="shop"), site=[there(shop.GROUP, 5432, remote="sg")]) == {}
    assert groups(spec("shop", 5432, remote="shop"), site=[there(shop.GROUP, 5432, remote="sg0"), shop.DEFAULT_GROUP]) == {"shop": [5432]}


def test_the_order_of_rules_does_not_matter():
    assert groups(spec("shop", 22, 5432), site=[there(shop.GROUP, 5432, 22)]) == {}


def test_a_group_without_rules_that_is_there_lacks_nothing():
    assert groups(spec("shop"), site=[there(shop.GROUP)]) == {}
    assert groups(spec("shop"), site=[shop.DEFAULT_GROUP]) == {"shop": []}
