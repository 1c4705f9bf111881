# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site cannot give is told for each thing that a restore makes or has made there, and never for what is somebody else's."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, Forwarding, Router
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.restore.losses import losses
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop

MACS = ("fa:16:3e:00:00:11", "fa:16:3e:00:00:21")
NAMES = ("orders-db", "shop-front")
PORT, FRONT = (f"port {mac} of server '{name}' on network 'shop-net'" for mac, name in zip(MACS, NAMES, strict=True))
MARK = "osdr_application=shop osdr_checkpoint=noon"
OWN = dataclasses.replace(shop.NETWORK, description=MARK)
FORWARDED = Forwarding("port-orders-db", shop.ADDRESS["orders-db"], 22, 2222, "tcp")
FORWARDING = {"port": shop.uuid(73), "place": 0, "internal_port": 22, "external_port": 2222, "protocol": "tcp", "description": ""}


def document():
    """The application, every part of which has a tag."""
    found = shop.document()
    topology = found["topology"]
    for kind in ("networks", "subnets", "routers", "security_groups"):
        topology[kind][0]["tags"] = ["gold"]
    for server, number in zip(found["servers"], (74, 73), strict=True):
        (port,) = server["ports"]
        port.update(source_id=shop.uuid(number), tags=["gold"])
        port["floating_ips"][0]["tags"] = ["gold"]
    return found


def with_forwarder(found, *forwardings):
    floating = {**shop.FLOATING, "network": "public", "tags": ["gold"]}
    found["topology"]["forwarders"] = [{"source_id": shop.uuid(72), "floating": floating, "forwardings": list(forwardings) or [FORWARDING]}]
    return found


def told(found, site, *without):
    """What is lost at a site, without some of Neutron's extensions; what differs of what others made is tested elsewhere."""
    there = dataclasses.replace(site, extensions=site.extensions - {*without})
    prefix = f"At site '{there.name}', "
    sentences = [one for one in losses(RestorePlan.of(Manifest.parse(found), there)) if "is there already" not in one]
    return [one.removeprefix(prefix) for one in sentences if one.startswith(prefix)]


def who_lacks(sentences):
    return [one.replace(" will lack ", " lacks ").split(" lacks its ")[0] for one in sentences]


OF_TOPOLOGY = ["network 'shop-net'", "subnet 'shop-subnet'", "security group 'shop'", "router 'shop-router'"]
OF_PORTS = [PORT, f"the floating address of {PORT}", FRONT, f"the floating address of {FRONT}"]


@pytest.mark.parametrize(
    ("site", "lacking"),
    [
        (shop.empty_site(), [*OF_TOPOLOGY, *OF_PORTS]),
        (shop.prepared_site(), OF_PORTS),
        (shop.restored_site(floating_ips=()), [OF_PORTS[1], OF_PORTS[3], OF_PORTS[0], OF_PORTS[2]]),
        (shop.restored_site(), OF_PORTS),
    ],
    ids=["new", "prepared", "without floating addresses", "restored"],
)
def test_what_is_made_is_told_and_what_others_made_is_not(site, lacking):
    sentences = told(document(), site, "standard-attr-tag")
    assert who_lacks(sentences) == lacking
    assert all(one.endswith(" its tags (gold): its Neutron has no extension standard-attr-tag.") for one in sentences)
    assert told(document(), site) == []


def test_what_forwards_ports_is_told_until_it_is_there():
    found = with_forwarder(document())
    new = who_lacks(told(found, shop.prepared_site(), "standard-attr-tag"))
    assert new == [*OF_PORTS, "a floating address that forwards ports"]
    (one,) = [one for one in shop.restored_site().floating_ips if one.port_id == "port-orders-db"]
    there = dataclasses.replace(one, id="fip", port_id=None, description=shop.mark(72).text())
    site = shop.restored_site()
    again = told(found, dataclasses.replace(site, floating_ips=(*site.floating_ips, there)), "standard-attr-tag")
    assert who_lacks(again) == [*OF_PORTS, "a floating address that forwards ports"]
    assert all(" lacks its tags " in one for one in again)
    others = dataclasses.replace(there, description="", forwardings=(FORWARDED,))
    assert who_lacks(told(found, dataclasses.replace(site, floating_ips=(*site.floating_ips, others)), "standard-attr-tag")) == OF_PORTS


# Routers


def test_a_gateway_is_told_by_itself():
    found = shop.document()
    found["topology"]["routers"][0]["gateway_qos_policy"] = "gold"
    sentence = "the gateway of router 'shop-router' will lack its qos_policy_id (gold): it has no QoS policy 'gold' for the project."
    assert told(found, shop.empty_site()) == [sentence]
    assert told(found, shop.prepared_site()) == []
    # Where there is no such network at all, that is a problem of its own.
    assert told(found, shop.empty_site(networks=())) == []
    found["topology"]["routers"][0]["external_network"] = None
    assert told(found, shop.empty_site()) == []


def test_a_router_that_is_there_and_lacks_a_subnet_loses_nothing():
    found = document()
    found["topology"]["routers"][0].update(is_ha=True, gateway_qos_policy="gold")
    lonely = Router("r", "shop-router", external_network_id="ext")
    site = shop.prepared_site(routers=(lonely,), ports=())
    assert not [one for one in told(found, site, "l3-ha", "standard-attr-tag") if "router" in one]


def test_routes_to_what_is_on_no_subnet_are_told():
    found = shop.document()
    near, far = {"destination": "10.98.0.0/16", "nexthop": "10.10.0.77"}, {"destination": "10.99.0.0/16", "nexthop": "172.16.0.1"}
    found["topology"]["routers"][0]["routes"] = [near, far]
    sentence = "router 'shop-router' will lack its route (routes) to 10.99.0.0/16: 172.16.0.1 is on none of the application's subnets that it will join."
    assert told(found, shop.empty_site()) == [sentence]
    assert told(found, shop.prepared_site()) == []


# What a Neutron may not know at all


def test_what_is_forwarded_is_named_where_a_site_forwards_nothing():
    names = {**FORWARDING, "port": shop.uuid(74), "external_port": 53, "protocol": "udp"}
    found = with_forwarder(document(), FORWARDING, names)
    sentence = (
        "the floating address that forwards tcp 2222 to server 'orders-db', udp 53 to server 'shop-front' will be missing: "
        "its Neutron has no extension floating-ip-port-forwarding."
    )
    for site in (shop.empty_site(), shop.restored_site()):
        assert told(found, site, "floating-ip-port-forwarding") == [sentence]
        assert told(found, site) == []


@pytest.mark.parametrize(("name", "called"), [("uplink", "'uplink'"), ("", f"'{shop.uuid(80)}'")])
def test_a_trunk_is_named_with_its_ports_where_a_site_knows_no_trunks(name, called):
    found = shop.document()
    parent = found["servers"][1]["ports"][0]
    parent["source_id"] = shop.uuid(73)
    lone = {**parent, "name": "back", "source_id": shop.uuid(81), "mac_address": "fa:16:3e:00:00:81", "device_tag": None, "floating_ips": []}
    found["topology"]["ports"] = [{**lone, "fixed_ips": [{"subnet": "shop-subnet", "ip_address": "10.10.0.81"}]}]
    subport = {"port": shop.uuid(81), "segmentation_type": "vlan", "segmentation_id": 20}
    values = {"name": name, "port": shop.uuid(73), "is_up": True, "description": "", "tags": []}
    found["topology"]["trunks"] = [{"source_id": shop.uuid(80), "subports": [subport], **values}]
    assert told(found, shop.prepared_site(), "trunk") == [
        f"{PORT} will lack its trunk {called} (trunk_details) with port 'back' (fa:16:3e:00:00:81), each of which is made by itself: "
        "its Neutron has no extension trunk."
    ]
    assert told(found, shop.prepared_site()) == []


# What a site has no switch for


@pytest.mark.parametrize(("is_on", "state"), [(True, "on"), (False, "off")])
def test_port_security_that_nobody_can_switch_is_told_of_what_is_made(is_on, state):
    found = shop.document()
    found["topology"]["networks"][0]["port_security_enabled"] = is_on
    why = "depends on the site: its Neutron has no extension port-security."
    of_network = f"port security (port_security_enabled) of network 'shop-net' ({state} at the source) {why}"
    what = "port security (port_security_enabled) of port"
    of_ports = [f"{what} {mac} of server '{name}' (on at the source) {why}" for mac, name in zip(MACS, NAMES, strict=True)]
    assert told(found, shop.empty_site(), "port-security") == [of_network, *of_ports]
    assert told(found, shop.prepared_site(), "port-security") == of_ports
    assert told(found, shop.restored_site(), "port-security") == of_ports
    assert told(found, shop.prepared_site(networks=(shop.PUBLIC, OWN)), "port-security") == [of_network, *of_ports]


@pytest.mark.parametrize(
    ("mtu", "site", "is_told"),
    [
        (1442, shop.empty_site(), True),
        (0, shop.empty_site(), False),
        (1442, shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(shop.NETWORK, mtu=1500))), False),
    ],
    ids=["new", "not known at the source", "prepared"],
)
def test_an_mtu_that_nobody_can_say_is_told_of_what_is_made(mtu, site, is_told):
    found = shop.document()
    found["topology"]["networks"][0]["mtu"] = mtu
    sentence = "network 'shop-net' will have the MTU (mtu) that the site gives it, whatever that is, and had 1442 at the source: its Neutron has no extension"
    assert told(found, site, "net-mtu-writable") == [f"{sentence} net-mtu-writable."] * is_told
    assert told(found, site) == []


@pytest.mark.parametrize(
    ("mtu", "has"), [(1500, "an MTU (mtu) of 1500"), (0, "the MTU (mtu) that the site gives it, whatever that is"), (1442, ""), (1400, "")]
)
def test_a_network_that_the_restore_made_has_the_mtu_that_it_has(mtu, has):
    site = shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(OWN, mtu=mtu)))
    sentence = f"network 'shop-net' has {has}, and had 1442 at the source: its Neutron has no extension net-mtu-writable."
    assert told(shop.document(), site, "net-mtu-writable") == ([sentence] if has else [])
    # A network of somebody else is used as it is, and compared where its site says more.
    others = shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(shop.NETWORK, mtu=mtu)))
    assert told(shop.document(), others, "net-mtu-writable") == ([] if mtu else [sentence])


# What routers that the restore made lack


def made_router(**changes):
    return dataclasses.replace(shop.ROUTER, description=MARK, **changes)


def of_router(found, router, *ports):
    return [one for one in told(found, shop.prepared_site(routers=(router,), ports=ports)) if "router" in one]


def test_a_gateway_that_the_restore_made_without_something_is_told():
    found = shop.document()
    found["topology"]["routers"][0]["enable_snat"] = False
    assert of_router(found, made_router(enable_snat=False), shop.ROUTER_PORT) == []
    (one,) = of_router(found, made_router(), shop.ROUTER_PORT)
    assert one.startswith("the gateway of router 'shop-router' lacks its enable_snat (false): the site refused it")
    # Somebody has it lead elsewhere, or nowhere.
    assert of_router(found, made_router(external_network_id=None), shop.ROUTER_PORT) == []


def test_a_route_that_a_made_router_cannot_have_is_told_and_one_that_it_has_is_not():
    found, far = shop.document(), {"destination": "10.99.0.0/16", "nexthop": "172.16.0.1"}
    found["topology"]["routers"][0]["routes"] = [far]
    assert of_router(found, made_router(), shop.ROUTER_PORT) == [
        "router 'shop-router' lacks its route (routes) to 10.99.0.0/16: 172.16.0.1 is on none of the application's subnets that it joins."
    ]
    assert of_router(found, made_router(routes=(far,)), shop.ROUTER_PORT) == of_router(found, shop.ROUTER, shop.ROUTER_PORT) == []


@pytest.mark.parametrize("is_of_restore", [True, False], ids=["router", "interface"])
def test_an_interface_with_another_address_is_told_where_the_restore_made_it(is_of_restore):
    other = dataclasses.replace(shop.ROUTER_PORT, fixed_ips=(FixedIp("sub", "10.10.0.7"),), description="" if is_of_restore else MARK)
    router = made_router() if is_of_restore else shop.ROUTER
    assert of_router(shop.document(), router, other) == [
        "router 'shop-router' lacks its address 10.10.0.1 on subnet 'shop-subnet' (interfaces): something else had it, or the site refused it."
    ]
    assert of_router(shop.document(), shop.ROUTER, dataclasses.replace(other, description="")) == []
    assert of_router(shop.document(), router, shop.ROUTER_PORT) == []


@pytest.mark.parametrize(("is_stateful", "site", "is_told"), [(False, shop.empty_site(), True), (True, shop.empty_site(), False)])
def test_a_group_that_becomes_stateful_is_told(is_stateful, site, is_told):
    found = shop.document()
    found["topology"]["security_groups"][0]["is_stateful"] = is_stateful
    sentence = "security group 'shop' will lack its stateful (false): its Neutron has no extension stateful-security-group."
    assert told(found, site, "stateful-security-group") == [sentence] * is_told
    assert told(found, site) == []


def test_a_group_that_is_there_and_lacks_a_rule_is_what_it_is():
    found = shop.document()
    found["topology"]["security_groups"][0]["is_stateful"] = False
    without_rules = dataclasses.replace(shop.GROUP, rules=())
    assert told(found, shop.prepared_site(security_groups=(shop.DEFAULT_GROUP, without_rules)), "stateful-security-group") == []
