# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, Subnet
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import SecurityGroupRuleSpec, SecurityGroupSpec
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import owner_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.topology import (
    as_dicts,
    changed_rules,
    is_of_others,
    kept_descriptions,
    kept_rules,
    lacking,
    missing_routes,
    subnet_differences,
)
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
    assert lacking(TOPOLOGY, PREPARED, OWNER).keys() == {"networks", "subnets", "routers", "address_groups", "security_groups", "key_pairs", "server_groups"}


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


OURS = {"description": " ".join(OWNER.tags())}
KINDS = {"networks": shop.NETWORK, "subnets": shop.SUBNET, "routers": shop.ROUTER, "security_groups": shop.GROUP}


def there_are(kind, resource):
    first = {"networks": (shop.PUBLIC,), "security_groups": (shop.DEFAULT_GROUP,)}
    return shop.prepared_site(**{kind: (*first.get(kind, ()), resource)})


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_killed_restore_has_left_untagged_is_completed(kind):
    untagged = dataclasses.replace(KINDS[kind], **OURS)
    assert found(there_are(kind, untagged)).keys() == {kind}
    assert found(there_are(kind, dataclasses.replace(untagged, tags=("theirs", *OWNER.tags())))) == {}
    assert found(dataclasses.replace(there_are(kind, untagged), extensions=shop.EXTENSIONS - {"standard-attr-tag"})) == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes",
    [{"description": "theirs"}, {"description": f"{OURS['description']} osdr_drill=7"}, {"description": "osdr_application=shop osdr_checkpoint=ten"}],
    ids=["made by somebody", "made by a drill", "made of another checkpoint"],
)
def test_what_the_restore_did_not_make_gets_no_tags(kind, changes):
    assert found(there_are(kind, dataclasses.replace(KINDS[kind], **changes))) == {}


@pytest.mark.parametrize(("kind", "made"), [("networks", []), ("subnets", []), ("security_groups", ["security_groups"])])
def test_what_the_same_restore_made_in_another_project_is_theirs_to_complete(kind, made):
    """Groups of others are no groups of the application, so that it gets its own."""
    theirs = dataclasses.replace(KINDS[kind], project_id="theirs", **OURS)
    assert list(found(there_are(kind, theirs))) == made


@pytest.mark.parametrize(
    ("source", "there", "extensions", "lacks"),
    [
        (1442, 1500, shop.EXTENSIONS, True),
        (1442, 1442, shop.EXTENSIONS, False),
        (1442, 1400, shop.EXTENSIONS, False),
        (1, 1442, shop.EXTENSIONS, True),
        (0, 1442, shop.EXTENSIONS, False),
        (1442, 1500, shop.EXTENSIONS - {"net-mtu-writable"}, False),
    ],
)
def test_a_network_of_the_restore_gets_the_smaller_mtu_of_the_source(source, there, extensions, lacks):
    network = dataclasses.replace(shop.NETWORK, mtu=there, tags=tuple(OWNER.tags()), **OURS)
    spec = dataclasses.replace(TOPOLOGY.networks[0], mtu=source)
    site = dataclasses.replace(there_are("networks", network), extensions=extensions)
    assert found(site, networks=(spec,)).keys() == ({"networks"} if lacks else set())
    foreign = dataclasses.replace(site, networks=(shop.PUBLIC, dataclasses.replace(network, description="")))
    assert found(foreign, networks=(spec,)) == {}


# Routers


NEAR, SECOND_WAY, FAR = ({"destination": f"10.{one}.0.0/16", "nexthop": hop} for one, hop in ((97, "10.10.0.7"), (98, "10.10.0.8"), (99, "172.16.0.1")))


@pytest.mark.parametrize(
    ("routes", "there", "missing"),
    [
        ([NEAR, SECOND_WAY], [], [NEAR, SECOND_WAY]),
        ([NEAR, SECOND_WAY], [NEAR], [SECOND_WAY]),
        ([NEAR], [SECOND_WAY, NEAR], []),
        ([NEAR, FAR], [], [NEAR]),
    ],
)
def test_routes_that_a_router_lacks_and_can_have(routes, there, missing):
    spec = dataclasses.replace(TOPOLOGY.routers[0], routes=tuple(routes))
    router = dataclasses.replace(shop.ROUTER, routes=tuple(there), tags=tuple(OWNER.tags()), **OURS)
    assert missing_routes(TOPOLOGY, shop.empty_site(), spec, router) == missing
    lacking = found(there_are("routers", router), routers=(spec,))
    assert lacking.keys() == ({"routers"} if missing else set())
    assert found(dataclasses.replace(there_are("routers", router), extensions=shop.EXTENSIONS - {"extraroute"}), routers=(spec,)) == {}
    # Others' routes are others' business.
    assert found(there_are("routers", dataclasses.replace(router, description="")), routers=(spec,)) == {}


def test_only_subnets_that_a_router_joins_count_for_its_routes():
    other = dataclasses.replace(TOPOLOGY.subnets[0], name="other", cidr="172.16.0.0/24")
    topology = dataclasses.replace(TOPOLOGY, subnets=(*TOPOLOGY.subnets, other))
    spec = dataclasses.replace(TOPOLOGY.routers[0], routes=(NEAR, FAR))
    assert missing_routes(topology, shop.empty_site(), spec, None) == [NEAR]
    assert missing_routes(topology, shop.empty_site(), dataclasses.replace(spec, subnets=("shop-subnet", "other")), None) == [NEAR, FAR]


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


def test_rules_of_the_default_group_that_the_source_did_not_have_are_told_and_no_others():
    topology = dataclasses.replace(TOPOLOGY, security_groups=(spec("default", 5432),))
    site = shop.prepared_site(security_groups=(there(shop.DEFAULT_GROUP, 22, 5432), shop.GROUP))
    (told,) = kept_rules(topology, site)
    assert told.startswith("Security group 'default' at site 'remote' has 1 rules that it does not have at the source")
    assert ("22-22" in told, "5432" in told) == (True, False)
    assert list(kept_rules(topology, shop.prepared_site(security_groups=(there(shop.DEFAULT_GROUP, 5432), shop.GROUP)))) == []


def test_descriptions_of_rules_that_stay_are_told_and_those_of_the_restores_own_groups_come_back():
    described = dataclasses.replace(rule(5432, "shop"), description="the shop")
    topology = dataclasses.replace(TOPOLOGY, security_groups=(SecurityGroupSpec("shop", "", (described,)),))
    theirs, ours = there(shop.GROUP, 5432), there(dataclasses.replace(shop.GROUP, **OURS, tags=OWNER.tags()), 5432)
    (told,) = kept_descriptions(topology, shop.prepared_site(security_groups=(theirs,)), OWNER)
    assert told.startswith("A rule of security group 'shop' at site 'remote' (ingress IPv4 tcp 5432-5432, group shop) keeps its description there, ''")
    assert list(kept_descriptions(topology, shop.prepared_site(security_groups=(ours,)), OWNER)) == []
    assert groups(*topology.security_groups, site=[theirs]) == {}
    assert groups(*topology.security_groups, site=[ours]) == {"shop": [5432]}


def test_the_rules_that_a_group_of_others_loses_and_gets_are_told():
    topology = shop.manifest().description.topology
    theirs = dataclasses.replace(shop.GROUP, rules=(dataclasses.replace(shop.GROUP_RULE, port_range_min=22, port_range_max=22),))
    (told,) = changed_rules(topology, shop.prepared_site(security_groups=(theirs,)), OWNER)
    assert "what goes is ingress IPv4 tcp 22-22, group shop; what comes is ingress IPv4 tcp 5432-5432, group shop." in told
    for others in ((shop.GROUP,), (dataclasses.replace(theirs, description=OWNER.text()),), ()):
        assert list(changed_rules(topology, shop.prepared_site(security_groups=others), OWNER)) == []


def test_whose_a_subnet_is_depends_on_its_own_network():
    back = dataclasses.replace(TOPOLOGY.subnets[0], name="back", network="back-net")
    topology = dataclasses.replace(TOPOLOGY, subnets=(*TOPOLOGY.subnets, back))
    theirs = dataclasses.replace(shop.NETWORK, id="net2", name="back-net", project_id="theirs")
    site = shop.prepared_site(networks=(shop.PUBLIC, shop.NETWORK, theirs))
    assert [is_of_others(topology, site, name) for name in ("shop-subnet", "back")] == [False, True]
