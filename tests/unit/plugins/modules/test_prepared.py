# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody has prepared at the remote site is used, not changed, and told with all in which it differs, or refused."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.unit.support.memory import plain
from ansible_collections.osdr.openstack.tests.unit.support.memory.prepared import OTHERWISE
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import travel

SIX = {"name": "six", "version": 6, "range": 0}


def application(*prepared, **remote):
    """One that has something of every kind, and what is prepared for it."""
    subnets = [plain.subnet(dns=["10.0.0.53", "10.0.0.54"], tags=["gold"]), plain.subnet(mode="dhcpv6-stateful", **SIX)]
    networks = [plain.network(*subnets, qos=0, dns_domain="shop.example.", description="for the shop", tags=["gold"])]
    rules = [plain.rule(), plain.rule(range=(80, 80), remote="addresses")]
    vip = plain.port(name="vip", mac="fa:16:3e:0a:00:07", addresses=[(0, 20)], groups=[0], pairs=[{"ip_address": "10.10.0.200"}], floating=[plain.floating()])
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


def thing(kind, *otherwise, **subnets):
    return {"kind": kind, "number": 0, "otherwise": list(otherwise), **({"subnets": [], **subnets} if kind == "networks" else {})}


ALL = [thing(kind) for kind in OTHERWISE if kind != "subnets"]
CASES = [(kind, name, value) for kind, values in OTHERWISE.items() for name, ones in values.items() for value in ones]


def test_what_is_prepared_as_it_should_be_is_used_without_a_word():
    outcome = travel(application(*ALL))
    assert (outcome.end, outcome.reasons, outcome.violations) == ("restored", (), [])


@pytest.mark.parametrize("kind", OTHERWISE)
def test_what_is_prepared_otherwise_is_told_or_refused_and_never_changed(kind):
    bad = {}
    for _kind, name, value in [one for one in CASES if one[0] == kind]:
        one = thing("networks", subnets=[[(name, value)]]) if kind == "subnets" else thing(kind, (name, value))
        # A port that gets an address of a further subnet is none of the application's any more.
        others = [other for other in ALL if other["kind"] != one["kind"] and (value, other["kind"]) != ("further", "ports")]
        outcome = travel(application(one, *others))
        print(kind, name, value, outcome.end, outcome.named, outcome.reasons)
        if outcome.violations:
            bad[name, str(value)] = outcome.violations
    assert bad == {}
