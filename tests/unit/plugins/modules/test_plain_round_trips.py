# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications with one thing that is odd travel from site to site, and come back with it, or it was said what will be missing."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.unit.support.memory import plain
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Refused
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import travel
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import MemorySite

ROUTES = [{"destination": "10.50.0.0/16", "offset": 7}]
IN_FRONT, BEHIND = plain.subnet(name="front", range=0), plain.subnet(name="back", range=1)
BY_ITSELF = plain.network(BEHIND, name="back")
SAME_RANGE = plain.network(plain.subnet(name="other", range=1), name="other")
AUTOMATIC = plain.subnet(name="six", version=6, range=0, mode="slaac")


def test_the_plainest_application_comes_back_as_it_was():
    outcome = travel(plain.blueprint())
    assert (outcome.end, outcome.violations, outcome.named) == ("restored", [], 0)


@pytest.mark.parametrize(
    ("networks", "ports", "is_named"),
    [
        pytest.param([plain.network(IN_FRONT)], [plain.port()], False, id="on the application's subnet"),
        pytest.param([BY_ITSELF, plain.network(IN_FRONT)], [plain.port(network=1)], True, id="on a subnet that is not the application's"),
        pytest.param(
            [BY_ITSELF, plain.network(IN_FRONT), SAME_RANGE],
            [plain.port(network=1), plain.port(network=2)],
            True,
            id="on such a subnet, while another one of the application has its range",
        ),
    ],
)
def test_a_route_comes_back_where_its_next_hop_does(networks, ports, is_named):
    """The next hop of a route is on the first subnet that its router joins."""
    routers = [plain.router(*((number, False) for number in range(min(2, len(networks)))), routes=ROUTES)]
    outcome = travel(plain.blueprint(networks=networks, routers=routers, servers=[plain.server(*ports)]))
    assert (outcome.end, outcome.violations, outcome.named) == ("restored", [], int(is_named))


@pytest.mark.parametrize("joined", [[(0, True)], [(1, True)], [(0, True), (1, False)]], ids=["IPv4", "automatic", "IPv4, and the other by its gateway"])
def test_a_router_with_an_address_of_its_own_beside_automatic_ones_is_refused_by_the_check(joined):
    """Neutron gives each port addresses of all automatic subnets of its network, and the interface would join these, too."""
    outcome = travel(plain.blueprint(networks=[plain.network(IN_FRONT, AUTOMATIC)], routers=[plain.router(*joined)]))
    assert (outcome.end, outcome.violations) == ("refused at check", [])
    assert "automatic addresses" in outcome.reasons[0]


def test_a_port_is_no_interface_of_a_router_from_the_start():
    """OVN fails on that: it looks for the router, of which there is none yet."""
    site = MemorySite("primary")
    network = site.ask("neutron", "POST", "networks", {"network": {"name": "web"}})["network"]
    with pytest.raises(Refused) as refused:
        site.ask("neutron", "POST", "ports", {"port": {"network_id": network["id"], "device_owner": "network:router_interface"}})
    assert refused.value.status == 500


def test_a_network_of_the_project_that_stands_for_one_of_others_is_told_and_nothing_of_it():
    networks = [plain.network(plain.subnet(), provided="absent")]
    outcome = travel(plain.blueprint(networks=networks, remote=plain.remote(namesakes="whole own")))
    assert (outcome.end, outcome.reasons, outcome.violations, outcome.named) == ("restored", (), [], 1)


def test_a_group_that_only_a_lost_port_has_is_lost_with_it():
    """The default group is the one of the port in the trunk, and of no other."""
    vip = plain.port(groups=[0])
    outcome = travel(plain.blueprint(groups=[plain.group()], servers=[plain.server(plain.port(groups=[0]))], vips=[vip], trunk=(1, 100)))
    assert (outcome.end, outcome.violations, outcome.named) == ("restored", [], 2)


BY_ITSELF_MADE = plain.rule(direction="egress", protocol=None, range=None, remote=None, description="to everywhere")


@pytest.mark.parametrize("killed_after", [None, *range(1, 5)])
@pytest.mark.parametrize("rule", [plain.rule(description="for the operators"), BY_ITSELF_MADE], ids=["of its own", "that Neutron makes by itself"])
def test_a_rule_comes_back_with_its_description(rule, killed_after):
    group = plain.group(rule, opens=False)
    outcome = travel(plain.blueprint(groups=[group], servers=[plain.server(plain.port(groups=[0]))], killed_after=killed_after))
    assert (outcome.end, outcome.violations, outcome.named) == ("restored", [], 0)


def test_a_described_rule_of_the_default_group_comes_back():
    outcome = travel(plain.blueprint(default_rules=[plain.rule(description="for the operators")]))
    assert (outcome.end, outcome.violations, outcome.named) == ("restored", [], 0)
