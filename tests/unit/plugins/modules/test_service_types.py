# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnets that Neutron gives addresses of only to ports of some services: they come back, and ports get their addresses on them wherever that can be."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.unit.support.memory import plain
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller, Refused
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import travel
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import OURS, MemorySite

SERVERS, ELSEWHERE, NEUTRON = ["compute:nova"], ["compute:az9"], ["network:dhcp"]
SIX = {"name": "six", "version": 6, "range": 0}


def application(subnet, *more, **changes):
    """A server, a port on none, and a router on a subnet, and a server without addresses on the same network."""
    servers = [plain.server(plain.port(addresses=[(0, 11)])), plain.server(plain.port(addresses=[]))]
    vip = plain.port(name="vip", addresses=[(0, 20)], by_nova=True)
    whole = {"networks": [plain.network(subnet, *more)], "routers": [plain.router((0, False))], "servers": servers, "vips": [vip]}
    return plain.blueprint(**{**whole, "seen_by_administrator": True, **changes})


def prepared(types, *more):
    subnet = [("service_types", types)]
    return plain.remote(prepared=[{"kind": "networks", "number": 0, "otherwise": [], "subnets": [subnet]}, *more])


WITH_ROUTERS = [*SERVERS, "network:router_interface"]


@pytest.mark.parametrize("killed_after", [None, *range(1, 13)])
@pytest.mark.parametrize("mode", [None, "slaac"])
def test_a_subnet_comes_back_with_its_service_types_and_all_addresses_on_it(mode, killed_after):
    """Whatever is interrupted. At the source, servers, a router, and a port that a server had once have addresses of the subnet."""
    subnets = [plain.subnet(service_types=WITH_ROUTERS, tags=["gold"], dns=["10.0.0.53"]), plain.subnet(mode=mode, later_types=SERVERS, **SIX)]
    outcome = travel(application(*subnets, killed_after=killed_after))
    assert (outcome.end, outcome.reasons, outcome.named, outcome.violations) == ("restored", (), 0, [])


def test_a_router_is_joined_before_the_service_types_keep_it_out():
    outcome = travel(application(plain.subnet(later_types=SERVERS)))
    assert (outcome.end, outcome.named, outcome.violations) == ("restored", 0, [])


def test_a_member_gets_the_subnet_for_all_ports_and_is_told():
    outcome = travel(application(plain.subnet(later_types=SERVERS), seen_by_administrator=False))
    assert (outcome.end, outcome.named, outcome.violations) == ("restored", 1, [])


@pytest.mark.parametrize("killed_after", [None, 3])
@pytest.mark.parametrize("types", [NEUTRON, ["network:dhcp", "network:router_interface"]])
def test_service_types_that_would_keep_the_applications_own_ports_out_are_left_out_and_named(types, killed_after):
    outcome = travel(application(plain.subnet(later_types=types), killed_after=killed_after))
    assert (outcome.end, outcome.named, outcome.violations) == ("restored", 1, [])


def test_so_are_those_of_two_subnets_that_no_port_can_be_on():
    both = plain.server(plain.port(addresses=[(0, 11), (1, 11)]))
    subnets = [plain.subnet(later_types=SERVERS), plain.subnet(later_types=ELSEWHERE, mode="dhcpv6-stateful", **SIX)]
    outcome = travel(application(*subnets, servers=[both], vips=[]))
    assert (outcome.end, outcome.named, outcome.violations) == ("restored", 2, [])


# What is there already


@pytest.mark.parametrize("types", [SERVERS, ELSEWHERE, ["network:dhcp", "compute:az9"]])
def test_ports_get_their_addresses_of_a_prepared_subnet_for_servers(types):
    outcome = travel(application(plain.subnet(), remote=prepared(types)))
    assert (outcome.end, outcome.reasons, outcome.named, outcome.violations) == ("restored", (), 1, [])


@pytest.mark.parametrize("types", [SERVERS, WITH_ROUTERS])
def test_a_prepared_router_joins_a_prepared_subnet_for_servers(types):
    router = {"kind": "routers", "number": 0, "otherwise": [("joined", "none")]}
    outcome = travel(application(plain.subnet(), remote=prepared(types, router)))
    assert (outcome.end, outcome.reasons, outcome.named, outcome.violations) == ("restored", (), 1, [])


def test_the_check_refuses_a_prepared_subnet_for_nobody_but_neutron():
    outcome = travel(application(plain.subnet(), remote=prepared(NEUTRON)))
    assert (outcome.end, outcome.violations) == ("refused at check", [])
    only = "subnet 'web', which is only for ports of network:dhcp (service_types); have that changed there, or name another subnet in a mapping."
    router = "Neutron lets nobody but itself connect router 'web' to subnet 'web' at site 'remote', which is only for ports of network:dhcp (service_types); "
    assert outcome.reasons == (
        f"{router}have that changed there, or connect the router before.",
        f"Neutron gives port 'vip', server 'web', server 'web2' no addresses at site 'remote' of {only}",
    )


@pytest.mark.parametrize(("how", "end"), [("alike", "restored"), ("typed", "restored"), ("barred", "refused at check")])
def test_ports_get_addresses_for_servers_on_networks_of_others(how, end):
    server = plain.server(plain.port(addresses=[(0, None)]))
    networks = [plain.network(plain.subnet(service_types=SERVERS), provided=how)]
    outcome = travel(plain.blueprint(networks=networks, servers=[server], remote=plain.remote(has_admin=True)))
    assert (outcome.end, outcome.violations) == (end, [])


# The site in memory, as Neutron


class Site:
    def __init__(self, types=tuple(SERVERS), **subnet):
        self.site = MemorySite("primary")
        self.network = self.ask("POST", "networks", {"network": {"name": "web"}})["network"]["id"]
        self.subnet = self.add(**subnet)
        self.limit(self.subnet, types)

    def ask(self, method, path, body):
        return self.site.ask("neutron", method, path, body, Caller(OURS, sees_all=True))

    def add(self, cidr="10.10.0.0/24", **more):
        subnet = {"network_id": self.network, "cidr": cidr, "ip_version": 6 if ":" in cidr else 4, **more}
        return self.ask("POST", "subnets", {"subnet": subnet})["subnet"]["id"]

    def limit(self, subnet, types):
        self.ask("PUT", f"subnets/{subnet}", {"subnet": {"service_types": list(types)}})

    def port(self, **more):
        return self.ask("POST", "ports", {"port": {"network_id": self.network, **more}})["port"]

    def refuses(self, **more):
        with pytest.raises(Refused) as refused:
            self.port(**more)
        return refused.value.status


def test_only_ports_of_the_service_get_addresses():
    site = Site()
    wanted = {"fixed_ips": [{"subnet_id": site.subnet}]}
    assert [site.refuses(), site.refuses(**wanted), site.refuses(fixed_ips=[]), site.refuses(device_owner="compute:az9", **wanted)] == [409] * 4
    assert site.port(device_owner="compute:nova", **wanted)["fixed_ips"][0]["subnet_id"] == site.subnet
    other = site.add("10.20.0.0/24")
    assert (site.refuses(**wanted), site.port()["fixed_ips"][0]["subnet_id"]) == (400, other)
    assert site.port(device_owner="compute:nova")["fixed_ips"][0]["subnet_id"] == site.subnet


def test_neutrons_own_port_has_an_address_of_each_subnet_with_dhcp():
    site, statuses = Site(), []
    for _time in range(2):
        with pytest.raises(Refused) as refused:
            site.add("10.20.0.0/24", service_types=SERVERS)
        statuses.append(refused.value.status)
        site.add(f"10.{30 + len(statuses)}.0.0/24")
    assert statuses == [409, 400]
    site.add("10.20.0.0/24", service_types=SERVERS, enable_dhcp=False)
    site.add("10.21.0.0/24", service_types=["network:distributed"])


def test_automatic_addresses_go_to_ports_of_the_service():
    site = Site(types=[])
    automatic = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    site.limit(site.add("fd00::/64", **automatic), SERVERS)
    there = [site.port(), site.port(device_owner="compute:nova")]
    site.add("fd01::/64", service_types=SERVERS, **automatic)
    assert [len(site.site.neutron.by_id["ports"][one["id"]]["fixed_ips"]) for one in there] == [1, 3]


def test_a_router_gets_an_address_by_a_port_of_the_service():
    site = Site()
    router = site.ask("POST", "routers", {"router": {"name": "web"}})["router"]["id"]
    with pytest.raises(Refused):
        site.ask("PUT", f"routers/{router}/add_router_interface", {"subnet_id": site.subnet})
    site.ask("PUT", f"routers/{router}/add_router_interface", {"port_id": site.port(device_owner="compute:nova")["id"]})


def test_nova_cannot_bind_a_port_that_was_nobodys_before_the_subnet_was_for_servers():
    site = Site(types=[])
    port = site.port()
    site.limit(site.subnet, SERVERS)
    site.site.nova.flavor("small", 1, 512)
    with pytest.raises(Refused):
        site.site.boot("web", port, Caller(OURS))
