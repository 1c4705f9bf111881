# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has prepared at the remote site is used, not changed, and told with all in which it differs, or refused."""

from __future__ import annotations

from unittest import mock

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.restore import found
from ansible_collections.osdr.openstack.plugins.module_utils.restore.networks import NetworkRestore
from ansible_collections.osdr.openstack.tests.unit.support.memory import plain
from ansible_collections.osdr.openstack.tests.unit.support.memory.prepared import OTHERWISE
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import travel

SIX = {"name": "six", "version": 6, "range": 0}


def application(*prepared, **remote):
    """One that has something of every kind, and what is prepared for it."""
    subnets = [plain.subnet(dns=["10.0.0.53", "10.0.0.54"], from_pool=True), plain.subnet(mode="dhcpv6-stateful", **SIX)]
    networks = [plain.network(*subnets, qos=0, dns_domain="shop.example.", description="for the shop", tags=["gold"])]
    rules = [plain.rule(), plain.rule(range=(80, 80), remote="addresses")]
    options = [{"opt_name": "mtu", "opt_value": "1400", "ip_version": 4}]
    addresses = {"mac": "fa:16:3e:0a:00:07", "addresses": [(0, 20)], "pairs": [{"ip_address": "10.10.0.200"}], "floating": [plain.floating()]}
    vip = plain.port(name="vip", groups=[0], dhcp_options=options, **addresses)
    return plain.blueprint(
        networks=networks,
        routers=[plain.router((0, False), routes=[{"destination": "10.50.0.0/16", "offset": 7}], description="the way out")],
        groups=[plain.group(*rules, description="what is open", tags=["gold"])],
        server_groups=[{"name": "apart", "policy": "anti-affinity", "most": None}],
        keys=[("mine", "ssh", "")],
        servers=[plain.server(plain.port(addresses=[(0, 11), (1, 11)], groups=[0], floating=[plain.floating()]), key=0, group=0)],
        vips=[vip],
        remote=plain.remote(prepared=list(prepared), **remote),
        seen_by_administrator=True,
    )


#: Where it is not the last value that differs from the application's.
DIFFERS = {
    ("networks", "mtu"): 1400,
    ("subnets", "mode"): "slaac",
    ("subnets", "dns_publish_fixed_ip"): True,
    ("subnets", "how"): "further",
    ("keys", "public_key"): "ssh-ed25519 BBBB",
}
TEXTS = {"description": "prepared", "tags": ["prepared"]}


def otherwise(kind, name):
    return DIFFERS.get((kind, name), TEXTS.get(name, OTHERWISE[kind][name][-1]))


def thing(kind, *otherwise, **subnets):
    return {"kind": kind, "number": 0, "otherwise": list(otherwise), **({"subnets": [], **subnets} if kind == "networks" else {})}


ALL = [thing(kind) for kind in OTHERWISE if kind != "subnets"]


def test_what_is_prepared_as_it_should_be_is_used_without_a_word():
    outcome = travel(application(*ALL))
    assert (outcome.end, outcome.reasons, outcome.named, outcome.violations) == ("restored", (), 0, [])


#: What keeps the application from being restored there.
REFUSED = {
    ("subnets", "cidr"),
    ("subnets", "mode"),
    ("subnets", "service_types"),
    ("routers", "outside"),
    ("address-groups", "addresses"),
    ("server groups", "policy"),
    ("keys", "public_key"),
}
#: What only administrators set, so that a restore gives no promise of it; and rules, which become the source's.
UNCOMPARED = {("routers", "ha"), ("security-groups", "rules")}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, values in OTHERWISE.items() for name in values])
def test_what_is_prepared_otherwise_is_told_or_refused_and_never_changed(kind, name):
    """The campaign has several things together, and more values."""
    value = otherwise(kind, name)
    # Only IPv6 has modes.
    subnets = [[], [(name, value)]] if name == "mode" else [[(name, value)]]
    one = thing("networks", subnets=subnets) if kind == "subnets" else thing(kind, (name, value))
    # A port that gets an address of a further subnet is none of the application's any more.
    others = [other for other in ALL if other["kind"] != one["kind"] and (value, other["kind"]) != ("further", "ports")]
    outcome = travel(application(one, *others))
    assert outcome.violations == []
    assert outcome.end == ("refused at check" if (kind, name) in REFUSED else "restored")
    assert outcome.named > 0 or (kind, name) in REFUSED | UNCOMPARED


def test_who_keeps_quiet_about_a_difference_is_found():
    with mock.patch.object(found, "differences", lambda *_given: []):
        violations = travel(application(thing("networks", ("admin_state_up", False)))).violations
    assert violations and all("that network 'web': admin_state_up is False instead of True" in one for one in violations)


def test_who_changes_what_is_prepared_is_found():
    real = NetworkRestore.apply

    def adjusting(self):
        real(self)
        self._network.set_mtu(self._site.network("web").id, 1442)

    with mock.patch.object(NetworkRestore, "apply", adjusting):
        violations = travel(application(thing("networks", ("mtu", 1400)))).violations
    assert [one for one in violations if " was prepared as " in one and '"mtu": 1400' in one]


UNPROTECTED = thing("networks", ("port_security_enabled", False))


@pytest.mark.parametrize("killed_after", [None, 7])
@pytest.mark.parametrize("prepared", [[UNPROTECTED], [UNPROTECTED, thing("security-groups")], [UNPROTECTED, thing("ports", ("port_security_enabled", False))]])
def test_groups_come_back_though_no_port_may_have_them(prepared, killed_after):
    """On a network without port security, which a policy keeps a member from switching on; what the ports lack is named."""
    refused = plain.remote(prepared=prepared, forbids=["create_port:port_security_enabled"])
    whole = {"groups": [plain.group(plain.rule(), name="Web")], "vips": [plain.port(name="vip", groups=[0], addresses=[(0, 20)])]}
    outcome = travel(plain.blueprint(servers=[plain.server(plain.port(groups=[0]))], remote=refused, killed_after=killed_after, **whole))
    assert (outcome.end, outcome.reasons, outcome.violations) == ("restored", (), [])
    assert outcome.named > 0


def test_who_loses_a_rule_of_a_group_that_no_port_may_have_is_found():
    refused = plain.remote(prepared=[UNPROTECTED], forbids=["create_port:port_security_enabled"])
    blueprint = plain.blueprint(groups=[plain.group(plain.rule(), name="Web")], servers=[plain.server(plain.port(groups=[0]))], remote=refused)
    with mock.patch.object(NetworkRestore, "_set_rules", lambda *_given: None):
        violations = travel(blueprint).violations
    assert [one for one in violations if one.startswith("nobody said that rule of security group 'Web/ingress,IPv4,tcp,22,22,0.0.0.0/0,None,None': itself")]


def test_an_interface_that_is_the_gateway_of_a_prepared_subnet_is_told_before():
    one = thing("networks", subnets=[[("gateway_ip", 10)]])
    outcome = travel(plain.blueprint(routers=[plain.router((0, False))], remote=plain.remote(prepared=[one])))
    assert (outcome.end, outcome.reasons, outcome.violations) == ("restored", (), [])


@pytest.mark.parametrize("prepared", [[], [("joined", "none")]], ids=["made anew", "prepared"])
def test_an_address_of_a_router_that_another_one_has_there_is_refused(prepared):
    """Any other might be one that a server needs."""
    routers = [plain.router((0, False), name="first"), plain.router((0, True), name="second")]
    others = [thing("networks"), thing("routers", ("joined", "elsewhere")), *({**thing("routers", one), "number": 1} for one in prepared)]
    server = plain.server(plain.port(addresses=[(0, 2)]))
    outcome = travel(plain.blueprint(routers=routers, servers=[server], takes_first=False, remote=plain.remote(prepared=others)))
    assert (outcome.end, outcome.violations) == ("refused at check", [])
    assert [one.split(" is in use by port")[0] for one in outcome.reasons] == ["10.10.0.6 on subnet 'web'"]


@pytest.mark.parametrize("killed_after", [None, *range(1, 14)])
@pytest.mark.parametrize("six", [[], [plain.subnet(mode="slaac", **SIX)]], ids=["further", "described"])
def test_an_interface_on_a_prepared_network_gets_no_automatic_address(six, killed_after):
    """A port would get one, by which somebody could tell whose it is."""
    one = thing("networks", subnets=[[("how", "further")] if not six else []])
    joined = [(place, False) for place in range(1 + len(six))]
    networks = [plain.network(plain.subnet(), *six)]
    blueprint = plain.blueprint(networks=networks, routers=[plain.router(*joined)], remote=plain.remote(prepared=[one]), killed_after=killed_after)
    outcome = travel(blueprint)
    assert (outcome.end, outcome.reasons, outcome.violations) == ("restored", (), [])


@pytest.mark.parametrize("killed_after", range(1, 14))
def test_a_killed_restore_leaves_routers_the_addresses_of_prepared_subnets(killed_after):
    routers = [plain.router((0, False), name="first"), plain.router((0, True), name="second")]
    one = thing("networks", subnets=[[("gateway_ip", 10)]])
    outcome = travel(plain.blueprint(routers=routers, remote=plain.remote(prepared=[one]), killed_after=killed_after))
    assert (outcome.end, outcome.reasons, outcome.violations) == ("restored", (), [])


def test_a_site_that_shows_no_mtu_is_told_of_what_is_prepared_too():
    outcome = travel(plain.blueprint(remote=plain.remote(prepared=[thing("networks")], lacking=["net-mtu-writable"], mtu=1500)))
    assert (outcome.end, outcome.reasons, outcome.named, outcome.violations) == ("restored", (), 1, [])


def test_an_interface_by_a_port_of_its_own_is_refused_on_a_network_with_further_automatic_addresses():
    blueprint = plain.blueprint(routers=[plain.router((0, True))], remote=plain.remote(prepared=[thing("networks", subnets=[[("how", "further")]])]))
    outcome = travel(blueprint)
    assert (outcome.end, outcome.violations) == ("refused at check", [])
    assert "has a subnet with automatic addresses: Neutron would give the interface one of these, too" in outcome.reasons[0]
