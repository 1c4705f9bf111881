# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site may not have is asked for under the API's own names where it has it, and named where it has not."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, FloatingIp, QosPolicy, SubnetPool
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.specs import FloatingSpec
from ansible_collections.osdr.openstack.plugins.module_utils.restore import wishes
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import owner_of
from ansible_collections.osdr.openstack.tests.unit.support import shop

DESCRIPTION = shop.manifest().description
TOPOLOGY = DESCRIPTION.topology
OWNER, OF_SERVER = owner_of(shop.manifest()), shop.mark(11)
OUTSIDE = dataclasses.replace(shop.SUBNET, id="out", name="outside", network_id="ext", cidr="10.88.2.0/24")
OPTION = {"opt_name": "mtu", "opt_value": "1400", "ip_version": 4}

NETWORK = dataclasses.replace(TOPOLOGY.networks[0], is_up=False, dns_domain="shop.", qos_policy="gold")
SUBNET = dataclasses.replace(TOPOLOGY.subnets[0], service_types=("compute:nova",), subnet_pool="pool")
ROUTER = dataclasses.replace(
    TOPOLOGY.routers[0],
    is_up=False,
    is_ha=True,
    is_distributed=True,
    enable_snat=False,
    gateway_addresses=("10.88.2.7",),
    gateway_qos_policy="gold",
    routes=({"destination": "10.99.0.0/16", "nexthop": "10.10.0.77"},),
)
PORT = dataclasses.replace(
    DESCRIPTION.servers[0].ports[0],
    is_up=False,
    vnic_type="direct",
    qos_policy="gold",
    dns_name="www",
    dns_domain="shop.",
    profile={"trusted": "true"},
    dhcp_options=(OPTION,),
)
FLOATING = FloatingSpec("public", dns_name="www", dns_domain="shop.", qos_policy="gold")


def site_with(*without, **changes):
    """A site that has it all, but for some of Neutron's extensions."""
    values = {
        "qos_policies": (QosPolicy("policy", "gold"),),
        "subnet_pools": (SubnetPool("pool-id", "pool", prefixes=("10.0.0.0/16", "10.10.0.0/16")),),
        "subnets": (shop.SUBNET, OUTSIDE),
        "extensions": shop.EXTENSIONS - {*without},
    }
    return shop.prepared_site(**{**values, **changes})


#: What asks for it, and what it is.
KINDS = {
    "network": (lambda site, spec: wishes.network_wishes(site, spec, OWNER), NETWORK),
    "subnet": (lambda site, spec: wishes.subnet_wishes(site, spec, OWNER), SUBNET),
    "router": (lambda site, spec: wishes.router_wishes(site, spec, OWNER), ROUTER),
    "gateway": (lambda site, spec: wishes.gateway_wishes(site, spec, shop.PUBLIC), ROUTER),
    "port": (lambda site, spec: wishes.port_wishes(site, spec, OF_SERVER), PORT),
    "floating": (lambda site, spec: wishes.floating_wishes(site, spec, OF_SERVER), FLOATING),
}


def wished(kind, site=None, **changes):
    wish, spec = KINDS[kind]
    return wish(site or site_with(), dataclasses.replace(spec, **changes))


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("network", {"admin_state_up": False, "dns_domain": "shop.", "qos_policy_id": "policy"}),
        ("subnet", {"service_types": ["compute:nova"], "subnetpool_id": "pool-id"}),
        ("router", {"admin_state_up": False, "ha": True, "distributed": True}),
        ("gateway", {"qos_policy_id": "policy", "external_fixed_ips": [{"ip_address": "10.88.2.7"}], "enable_snat": False}),
        (
            "port",
            {
                "mac_address": PORT.mac_address,
                "fixed_ips": [{"subnet_id": "sub", "ip_address": PORT.fixed_ips[0].ip_address}],
                "is_admin_state_up": False,
                "binding_vnic_type": "direct",
                "qos_policy_id": "policy",
                "dns_name": "www",
                "dns_domain": "shop.",
                "binding_profile": {"trusted": "true"},
                "extra_dhcp_opts": [OPTION],
            },
        ),
        ("floating", {"qos_policy_id": "policy", "dns_name": "www", "dns_domain": "shop."}),
    ],
)
def test_all_that_a_site_has_is_asked_for(kind, body):
    found = wished(kind)
    assert (found.body, found.lost) == (body, ())
    # Refusals are told in the API's words.
    assert found.names == {key: key.replace("binding_", "binding:").replace("is_admin", "admin") for key in body}


@pytest.mark.parametrize(
    ("kind", "extension", "lost"),
    [
        ("network", "dns-integration", {"dns_domain": "shop."}),
        ("network", "qos", {"qos_policy_id": "gold"}),
        ("subnet", "subnet-service-types", {"service_types": "compute:nova"}),
        ("router", "l3-ha", {"ha": "true"}),
        ("router", "dvr", {"distributed": "true"}),
        ("router", "extraroute", {"routes": "10.99.0.0/16 by 10.10.0.77"}),
        ("gateway", "qos-gateway-ip", {"qos_policy_id": "gold"}),
        ("port", "qos", {"qos_policy_id": "gold"}),
        ("port", "dns-integration", {"dns_name": "www"}),
        ("port", "dns-domain-ports", {"dns_domain": "shop."}),
        ("port", "extra_dhcp_opt", {"extra_dhcp_opts": "mtu"}),
        ("floating", "qos-fip", {"qos_policy_id": "gold"}),
        ("floating", "dns-integration", {"dns_name": "www", "dns_domain": "shop."}),
    ],
)
def test_what_a_neutron_does_not_know_is_lost_and_nothing_else_is(kind, extension, lost):
    found = wished(kind, site_with(extension))
    assert found.lost == tuple(f"{attribute} ({value}): its Neutron has no extension {extension}" for attribute, value in lost.items())
    assert found.body == {key: value for key, value in wished(kind).body.items() if key not in lost}


def test_no_other_extension_is_needed():
    needed = {"dns-integration", "dns-domain-ports", "qos", "qos-fip", "qos-gateway-ip", "subnet-service-types", "l3-ha", "dvr", "extraroute", "extra_dhcp_opt"}
    without = site_with(*(shop.EXTENSIONS - needed))
    assert [wished(kind, without) for kind in KINDS] == [wished(kind) for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_asked_of_a_site_for_what_the_source_does_not_have(kind):
    plain = {
        "network": TOPOLOGY.networks[0],
        "subnet": TOPOLOGY.subnets[0],
        "router": TOPOLOGY.routers[0],
        "gateway": TOPOLOGY.routers[0],
        "port": dataclasses.replace(DESCRIPTION.servers[0].ports[0], mac_address="", fixed_ips=()),
        "floating": FloatingSpec("public"),
    }
    found = KINDS[kind][0](shop.empty_site(extensions=frozenset()), plain[kind])
    assert (found.body, found.lost) == ({}, ())


@pytest.mark.parametrize("kind", ["network", "gateway", "port", "floating"])
def test_a_policy_that_a_site_does_not_have_is_lost(kind):
    found = wished(kind, site_with(qos_policies=(QosPolicy("other", "silver"),)))
    assert found.lost == ("qos_policy_id (gold): it has no QoS policy 'gold' for the project",)
    assert "qos_policy_id" not in found.body


@pytest.mark.parametrize(
    ("pools", "why"),
    [
        ((), "it has no subnet pool 'pool' for the project"),
        ((SubnetPool("other", "other", prefixes=("10.0.0.0/8",)),), "it has no subnet pool 'pool' for the project"),
        ((SubnetPool("small", "pool", prefixes=("10.10.0.0/25", "192.168.0.0/16")),), "that pool does not hold 10.10.0.0/24"),
    ],
)
def test_a_pool_that_cannot_give_the_range_is_lost(pools, why):
    found = wished("subnet", site_with(subnet_pools=pools))
    assert (found.lost, found.body) == ((f"subnetpool_id (pool): {why}",), {"service_types": ["compute:nova"]})


# Routers


def test_a_router_is_told_what_is_off_where_a_site_knows_the_switch():
    off = {"is_up": True, "is_ha": False, "is_distributed": False, "routes": ()}
    found, without = wished("router", **off), wished("router", site_with("l3-ha", "dvr"), **off)
    assert (found.body, found.lost) == ({"ha": False, "distributed": False}, ())
    assert (without.body, without.lost) == ({}, ())


def test_a_router_is_not_told_what_nobody_knows():
    assert wished("router", is_up=True, is_ha=None, is_distributed=None).body == {}


def test_a_gateway_gets_those_of_its_addresses_that_its_own_network_has():
    found = wished("gateway", gateway_addresses=("10.88.2.7", "10.10.0.9", "172.16.0.1"))
    assert found.body["external_fixed_ips"] == [{"ip_address": "10.88.2.7"}]
    elsewhere = wished("gateway", gateway_addresses=("10.10.0.9",))
    assert ("external_fixed_ips" in elsewhere.body, elsewhere.lost) == (False, ())


def test_a_gateway_that_translates_is_told_nothing():
    assert "enable_snat" not in wished("gateway", enable_snat=True).body


# Tags and descriptions


def tags(number):
    return tuple(f"tag-{one}" for one in range(number))


#: Two say whose a network is, three whose server a port is of.
@pytest.mark.parametrize(("kind", "mark", "most"), [("network", OWNER, 48), ("port", OF_SERVER, 47)])
def test_neutron_takes_fifty_tags_with_those_of_the_restore(kind, mark, most):
    there, more = wished(kind, tags=tags(most)), wished(kind, tags=tags(most + 2))
    assert there.lost == ()
    assert more.lost == (f"tags (tag-{most}, tag-{most + 1}): Neutron takes 50, with those of the restore",)
    # They are sent afterwards.
    assert "tags" not in more.body
    sent = wishes.tags_of(mark, tags(most + 2))
    assert sent == [*tags(most), *mark.tags()]
    assert len(sent) == 50


def test_tags_are_lost_where_a_site_has_none():
    found = wished("network", site_with("standard-attr-tag"), tags=("gold", "web"))
    assert found.lost == ("tags (gold, web): its Neutron has no extension standard-attr-tag",)


def test_tags_that_others_have_added_are_kept_behind_those_of_the_source():
    assert wishes.tags_of(OWNER, ("gold",), ("theirs", "gold", "osdr_checkpoint=ten")) == ["gold", "theirs", *OWNER.tags()]


@pytest.mark.parametrize(
    ("there", "lacks"),
    [
        pytest.param(("gold", *OWNER.tags()), False, id="all"),
        pytest.param(("gold", "theirs", *OWNER.tags()), False, id="more than all"),
        pytest.param(OWNER.tags(), True, id="not that of the source"),
        pytest.param(("gold", *OWNER.tags()[1:]), True, id="not all of the mark"),
        pytest.param((), True, id="none"),
    ],
)
def test_what_lacks_tags(there, lacks):
    assert wishes.lacks_tags(site_with(), OWNER, ("gold",), there) is lacks
    assert not wishes.lacks_tags(site_with("standard-attr-tag"), OWNER, ("gold",), there)


def test_tags_that_have_no_room_are_not_missed_for_ever():
    there = wishes.tags_of(OWNER, tags(50))
    assert not wishes.lacks_tags(site_with(), OWNER, tags(50), there)
    assert wishes.lacks_tags(site_with(), OWNER, tags(50), [one for one in there if one != "tag-47"])


def test_a_description_that_is_cut_is_told():
    room = 255 - len(OWNER.text()) - 1
    fits, cut = wished("network", description="d" * room), wished("network", description="d" * (room + 1))
    assert fits.lost == ()
    assert cut.lost == (f"description ({'d' * (room + 1)}): it is cut, to make room for the mark of the restore",)
    assert "description" not in cut.body


def test_of_a_security_group_its_state_and_texts_are_told():
    group = dataclasses.replace(TOPOLOGY.security_groups[0], is_stateful=False, tags=("web",), description="d" * 255)
    found = wishes.group_wishes(site_with("standard-attr-tag", "stateful-security-group"), group, OWNER)
    assert [one.split(" (")[0] for one in found.lost] == ["stateful", "tags", "description"]
    assert wishes.group_wishes(site_with(), group, OWNER).body == {"stateful": False}


def test_a_description_of_a_port_of_a_server_has_room_for_its_place_as_well():
    room = 255 - len(OF_SERVER.text()) - 1 - len(" osdr_port=0")
    specs = [dataclasses.replace(PORT, description="d" * size) for size in (room, room + 1)]
    assert [len(wishes.port_wishes(site_with(), one, OF_SERVER, place="osdr_port=0").lost) for one in specs] == [0, 1]


# Of what a restore made before


#: Per kind, what is there with all that was wished for, and what it is without that.
THERE = {
    "network": (shop.NETWORK, {"is_up": False, "dns_domain": "shop.", "qos_policy_id": "policy"}),
    "subnet": (
        shop.SUBNET,
        {
            "service_types": ("compute:nova",),
            "subnet_pool_id": "pool-id",
            "dns_nameservers": ("10.0.0.53", "10.0.0.54"),
            "host_routes": ({"destination": "10.98.0.0/24", "nexthop": "10.10.0.9"},),
        },
    ),
    "router": (shop.ROUTER, {"is_up": False, "is_ha": True, "is_distributed": True}),
    "gateway": (shop.ROUTER, {"enable_snat": False, "gateway_addresses": ("10.88.2.7",), "gateway_qos_policy_id": "policy"}),
    "port": (
        shop.port("front", allowed_address_pairs=(), security_group_ids=()),
        {
            "mac_address": PORT.mac_address,
            "fixed_ips": (FixedIp("sub", PORT.fixed_ips[0].ip_address),),
            "is_up": False,
            "vnic_type": "direct",
            "qos_policy_id": "policy",
            "dns_name": "www",
            "dns_domain": "shop.",
            "profile": {"trusted": "true", "more": "1"},
            "dhcp_options": (OPTION,),
            "port_security": False,
        },
    ),
    "floating": (FloatingIp("f", "10.88.2.9"), {"qos_policy_id": "policy", "dns_name": "www", "dns_domain": "shop."}),
}
SPECS = {
    "network": {},
    "subnet": {"dns_nameservers": ("10.0.0.53", "10.0.0.54"), "host_routes": ({"destination": "10.98.0.0/24", "nexthop": "10.10.0.9"},)},
    "router": {"routes": ()},
    "gateway": {},
    "port": {"port_security": False, "security_groups": ()},
    "floating": {},
}
ATTRIBUTES = [(kind, attribute) for kind, (_there, whole) in THERE.items() for attribute in whole]


def lost_of(kind, there, site=None):
    """What is told of something that is there."""
    spec = dataclasses.replace(KINDS[kind][1], **SPECS[kind])
    make = {
        "network": wishes.network_wishes,
        "subnet": wishes.subnet_wishes,
        "router": wishes.router_wishes,
        "gateway": lambda site, spec, _mark, there: wishes.gateway_wishes(site, spec, shop.PUBLIC, there),
        "port": wishes.port_wishes,
        "floating": wishes.floating_wishes,
    }[kind]
    found = make(site or site_with(), spec, OF_SERVER, there)
    assert not found.body
    return found.lost


@pytest.mark.parametrize(("kind", "attribute"), ATTRIBUTES)
def test_what_is_there_lacks_what_its_site_refused_and_nothing_else(kind, attribute):
    bare, whole = THERE[kind]
    assert lost_of(kind, dataclasses.replace(bare, **whole)) == ()
    lacking = {name: value for name, value in whole.items() if name != attribute}
    (told,) = lost_of(kind, dataclasses.replace(bare, **lacking))
    why = "does not show it to these credentials" if attribute in ("is_ha", "is_distributed", "profile") else "somebody has changed it since"
    assert "the site refused it, or " in told and why in told


def test_one_name_server_of_two_is_not_all():
    bare, whole = THERE["subnet"]
    (told,) = lost_of("subnet", dataclasses.replace(bare, **{**whole, "dns_nameservers": ("10.0.0.53",)}))
    assert told.startswith("dns_nameservers (10.0.0.53, 10.0.0.54): ")


def test_what_a_site_has_no_extension_for_is_told_of_what_is_there_too():
    bare, whole = THERE["network"]
    (told,) = lost_of("network", dataclasses.replace(bare, **{**whole, "dns_domain": ""}), site_with("dns-integration"))
    assert told == "dns_domain (shop.): its Neutron has no extension dns-integration"


def test_a_pair_is_there_whatever_else_neutron_says_of_it():
    pair = {"ip_address": "10.10.0.200"}
    spec = dataclasses.replace(DESCRIPTION.servers[0].ports[0], allowed_address_pairs=(pair,), mac_address="", fixed_ips=())
    there = shop.port("front", allowed_address_pairs=({**pair, "mac_address": "fa:16:3e:00:00:01"},))
    assert wishes.port_wishes(site_with(), spec, OF_SERVER, there).lost == ()
    (told,) = wishes.port_wishes(site_with(), spec, OF_SERVER, dataclasses.replace(there, allowed_address_pairs=())).lost
    assert told.startswith("allowed_address_pairs (10.10.0.200): the site refused it")


def test_a_security_group_that_is_stateful_though_it_was_not_is_told():
    group = dataclasses.replace(TOPOLOGY.security_groups[0], is_stateful=False)
    (told,) = wishes.group_wishes(site_with(), group, OWNER, shop.GROUP).lost
    assert told.startswith("stateful (false): the site refused it")
    assert wishes.group_wishes(site_with(), group, OWNER, dataclasses.replace(shop.GROUP, is_stateful=False)).lost == ()


def test_tags_and_routes_of_what_is_there_are_asked_for_by_each_run_and_only_told_where_they_cannot_be():
    router = dataclasses.replace(ROUTER, tags=("web",), is_up=True, is_ha=None, is_distributed=None)
    assert wishes.router_wishes(site_with(), router, OWNER, shop.ROUTER).lost == ()
    found = wishes.router_wishes(site_with("standard-attr-tag", "extraroute"), router, OWNER, shop.ROUTER)
    assert [one.split(" (")[0] for one in found.lost] == ["routes", "tags"]
    has = dataclasses.replace(shop.ROUTER, tags=("web",), routes=ROUTER.routes)
    assert wishes.router_wishes(site_with("standard-attr-tag", "extraroute"), router, OWNER, has).lost == ()
