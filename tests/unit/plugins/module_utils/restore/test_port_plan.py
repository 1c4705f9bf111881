# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.restore.losses import losses
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop

MANIFEST = shop.manifest()
TAGS = tuple(shop.mark(11).tags())


def step(port=None, floating=None):
    """What is to be done about the port of orders-db.

    :param port: how it differs from one that has been restored.
    :param floating: the same of its floating address; False for none.
    """
    site = shop.restored_site()
    ports = [dataclasses.replace(one, **(port or {})) if one.id == "port-orders-db" else one for one in site.ports]
    floating_ips = [one for one in site.floating_ips if one.port_id != "port-orders-db"]
    if floating is not False:
        (mine,) = [one for one in site.floating_ips if one.port_id == "port-orders-db"]
        floating_ips.append(dataclasses.replace(mine, **(floating or {})))
    there = dataclasses.replace(site, ports=tuple(ports), floating_ips=tuple(floating_ips))
    return RestorePlan.of(MANIFEST, there).servers[0].ports[0]


def lacks(one):
    found = {
        "tags": one.lacks_tags,
        "floating_ip": one.lacks_floating_ip,
        "floating_tags": any(step.lacks_tags for step in one.floating if step.current),
    }
    return [name for name, lacking in found.items() if lacking]


@pytest.mark.parametrize(
    ("port", "floating", "lacking"),
    [
        pytest.param({}, {}, [], id="all is there"),
        pytest.param({"tags": ("theirs", *TAGS)}, {"tags": (*TAGS, "theirs")}, [], id="with tags of others"),
        pytest.param({"tags": TAGS[1:]}, {}, ["tags"], id="a tag of the port is missing"),
        pytest.param({"tags": ()}, {}, ["tags"], id="all of them are"),
        pytest.param({}, False, ["floating_ip"], id="the floating address is missing"),
        pytest.param({}, {"tags": TAGS[:1]}, ["floating_tags"], id="a tag of the floating address is"),
        pytest.param({}, {"tags": (), "description": "somebody else's"}, [], id="another floating address that somebody gave it"),
        pytest.param({}, {"tags": (), "description": shop.mark(21).text()}, [], id="that of another server"),
    ],
)
def test_what_a_restored_port_lacks(port, floating, lacking):
    found = step(port, floating)
    assert lacks(found) == lacking
    assert found.changes is bool(lacking)


def test_a_port_that_is_not_there_lacks_everything():
    found = RestorePlan.of(MANIFEST, shop.prepared_site()).servers[0].ports[0]
    assert (lacks(found), found.changes, found.current, found.floating_ip) == (["tags", "floating_ip"], True, None, None)


def test_a_server_may_have_the_same_mac_address_on_two_networks():
    site = shop.restored_site(servers=())
    ports = tuple(dataclasses.replace(one, network_id="another") for one in site.ports)
    found = [RestorePlan.of(MANIFEST, one).servers[0].ports[0].current for one in (site, dataclasses.replace(site, ports=ports))]
    assert [one is not None for one in found] == [True, False]


def test_what_has_no_floating_address_at_the_source_lacks_none():
    found, site = step(floating=False), shop.prepared_site()
    assert not dataclasses.replace(found, spec=dataclasses.replace(found.spec, floating_ips=())).at(site, found.current).lacks_floating_ip


def test_only_what_the_source_says_is_asked_of_neutron():
    site, found = shop.prepared_site(), step()
    assert not {"is_port_security_enabled", "allowed_address_pairs", "is_admin_state_up", "binding_vnic_type"} & found.body(site).keys()
    other = dataclasses.replace(found, spec=dataclasses.replace(found.spec, is_up=False, vnic_type="direct")).body(site)
    assert (other["is_admin_state_up"], other["binding_vnic_type"]) == (False, "direct")
    pair = {"ip_address": "10.10.0.99"}
    open_port = dataclasses.replace(found, spec=dataclasses.replace(found.spec, port_security=False, security_groups=(), allowed_address_pairs=(pair,)))
    body = {**open_port.body(site), **open_port.wishes(site).body}
    assert (body["is_port_security_enabled"], body["allowed_address_pairs"], body["security_group_ids"]) == (False, [pair], [])


def test_a_floating_address_is_asked_for_by_network_port_and_mark():
    found = step()
    assert found.floating[0].body(shop.prepared_site(), found.current) == {
        "floating_network_id": "ext",
        "port_id": "port-orders-db",
        "description": shop.mark(11).text(),
        "fixed_ip_address": shop.ADDRESS["orders-db"],
    }


@pytest.mark.parametrize(
    ("modes", "asked"),
    [({}, {"ip_address": "10.10.0.11"}), ({"ipv6_address_mode": "slaac"}, {}), ({"ipv6_ra_mode": "dhcpv6-stateless"}, {})],
    ids=["chosen", "slaac", "stateless"],
)
def test_an_address_that_follows_from_the_mac_address_is_not_asked_for(modes, asked):
    site = shop.prepared_site(subnets=(dataclasses.replace(shop.SUBNET, **modes),))
    step = RestorePlan.of(MANIFEST, site).servers[0].ports[0]
    assert step.body(site)["fixed_ips"] == [{"subnet_id": "sub", **asked}]


@pytest.mark.parametrize("of_network", [True, False])
@pytest.mark.parametrize("of_port", [True, False])
def test_port_security_is_said_where_the_network_has_another_one(of_network, of_port):
    document = shop.document()
    document["servers"][0]["ports"][0]["port_security"] = of_port
    site = shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(shop.NETWORK, port_security=of_network)))
    step = next(one for one in RestorePlan.of(Manifest.parse(document), site).servers if one.spec.name == "shop-front")
    assert step.ports[0].body(site).get("is_port_security_enabled") == (None if of_port == of_network else of_port)


def test_port_security_is_switched_off_where_a_site_has_the_switch():
    document = shop.document()
    for server in document["servers"]:
        server["ports"][0].update(port_security=False, security_groups=[])
    manifest = Manifest.parse(document)

    def asked(site):
        return RestorePlan.of(manifest, site).servers[0].ports[0].body(site).get("is_port_security_enabled")

    without = shop.prepared_site(extensions=shop.EXTENSIONS - {"port-security"})
    assert (asked(shop.prepared_site()), asked(without)) == (False, None)
    told = [one for one in losses(RestorePlan.of(manifest, without)) if "(port_security_enabled) of port fa:16:3e:00:00:11 of server 'orders-db' (off" in one]
    assert (len(told), losses(RestorePlan.of(manifest, shop.prepared_site()))) == (1, [])
    unsaid = losses(RestorePlan.of(MANIFEST, without))
    assert any("(port_security_enabled) of port fa:16:3e:00:00:11 of server 'orders-db' (on at the source) depends" in one for one in unsaid)
