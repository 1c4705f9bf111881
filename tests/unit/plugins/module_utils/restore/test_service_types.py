# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.restore.marks import owner_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.service_types import can_join, kept_open, owner_for, owner_of_port
from ansible_collections.osdr.openstack.tests.unit.support import shop

SERVERS, ELSEWHERE, NEUTRON = ("compute:nova",), ("compute:az9",), ("network:dhcp",)
INTERFACES = ("network:router_interface",)
MANIFEST = shop.manifest()
PORT = MANIFEST.description.ports[0]


@pytest.mark.parametrize(
    ("subnets", "owner"),
    [
        ([], ""),
        ([(), ()], ""),
        ([SERVERS], "compute:nova"),
        ([(), SERVERS], "compute:nova"),
        ([(*NEUTRON, *ELSEWHERE, *SERVERS)], "compute:az9"),
        ([(*ELSEWHERE, *SERVERS), (*NEUTRON, *SERVERS)], "compute:nova"),
        ([SERVERS, ELSEWHERE], None),
        ([NEUTRON, NEUTRON], None),
        ([("neutron:share",)], None),
    ],
)
def test_whose_a_port_must_be(subnets, owner):
    assert owner_for(subnets) == owner


def on(*types, **changes):
    """A site with the shop's subnet of these service types, and further ones on its network."""
    subnets = [dataclasses.replace(shop.SUBNET, id=f"sub{number}", name=f"further{number}", service_types=one) for number, one in enumerate(types)]
    subnets[:1] = [dataclasses.replace(shop.SUBNET, service_types=types[0])] if types else []
    return dataclasses.replace(shop.prepared_site(), subnets=tuple(subnets), **changes)


def without_addresses(spec=PORT):
    return dataclasses.replace(spec, fixed_ips=())


@pytest.mark.parametrize(
    ("site", "spec", "owner"),
    [
        pytest.param(on((), SERVERS), PORT, "", id="on a subnet for all"),
        pytest.param(on(SERVERS, ()), PORT, "compute:nova", id="on one for servers"),
        pytest.param(on(NEUTRON, ()), PORT, None, id="on one for Neutron"),
        pytest.param(on(), PORT, "", id="nothing is there yet"),
        pytest.param(on(SERVERS, networks=()), PORT, "", id="not even the network"),
        pytest.param(on(NEUTRON, ()), without_addresses(), "", id="without addresses"),
        pytest.param(on(NEUTRON, SERVERS, ELSEWHERE), without_addresses(), "compute:nova", id="without addresses, where nobody else may have some"),
        pytest.param(on(NEUTRON), without_addresses(), None, id="without addresses, where it could have none"),
        pytest.param(on(), without_addresses(), "", id="on a network without subnets"),
    ],
)
def test_whose_a_port_is_made(site, spec, owner):
    assert owner_of_port(site, spec) == owner


def test_subnets_are_meant_by_their_ids_too():
    spec = dataclasses.replace(PORT, fixed_ips=tuple(dataclasses.replace(ip, subnet=shop.SUBNET.id) for ip in PORT.fixed_ips))
    assert owner_of_port(on(SERVERS), spec) == "compute:nova"


@pytest.mark.parametrize(("types", "joins"), [((), True), (SERVERS, False), ((*SERVERS, *INTERFACES), True)])
def test_what_routers_can_join(types, joins):
    assert can_join(dataclasses.replace(shop.SUBNET, service_types=types)) is joins


def described(types):
    """The shop, whose subnet has service types at the source."""
    topology = MANIFEST.description.topology
    subnets = tuple(dataclasses.replace(one, service_types=types) for one in topology.subnets)
    return dataclasses.replace(MANIFEST, description=dataclasses.replace(MANIFEST.description, topology=dataclasses.replace(topology, subnets=subnets)))


MADE = dataclasses.replace(shop.SUBNET, description=owner_of(MANIFEST).text())
NAME = MANIFEST.description.topology.subnets[0].name


@pytest.mark.parametrize(
    ("types", "subnets", "found"),
    [
        pytest.param(SERVERS, (), set(), id="for servers"),
        pytest.param(NEUTRON, (), {NAME}, id="for Neutron"),
        pytest.param(NEUTRON, (MADE,), {NAME}, id="made by an earlier run"),
        pytest.param(NEUTRON, (dataclasses.replace(MADE, service_types=SERVERS),), set(), id="made, and changed by somebody"),
        pytest.param(NEUTRON, (dataclasses.replace(shop.SUBNET, description="theirs"),), set(), id="made by somebody"),
    ],
)
def test_which_subnets_are_made_for_all(types, subnets, found):
    assert kept_open(described(types), dataclasses.replace(shop.prepared_site(), subnets=subnets)) == found


def test_so_is_one_on_whose_network_a_port_without_addresses_could_have_none_otherwise():
    manifest = described(NEUTRON)
    servers = tuple(dataclasses.replace(one, ports=tuple(map(without_addresses, one.ports))) for one in manifest.description.servers)
    manifest = dataclasses.replace(manifest, description=dataclasses.replace(manifest.description, servers=servers))
    found = [kept_open(manifest, dataclasses.replace(shop.prepared_site(), subnets=there)) for there in ((), (dataclasses.replace(shop.SUBNET, name="more"),))]
    assert found == [{NAME}, set()]


def test_subnets_of_others_are_not_made():
    manifest = described(NEUTRON)
    networks = tuple(dataclasses.replace(one, is_of_others=True) for one in manifest.description.topology.networks)
    topology = dataclasses.replace(manifest.description.topology, networks=networks)
    manifest = dataclasses.replace(manifest, description=dataclasses.replace(manifest.description, topology=topology))
    assert kept_open(manifest, dataclasses.replace(shop.prepared_site(), subnets=())) == set()
