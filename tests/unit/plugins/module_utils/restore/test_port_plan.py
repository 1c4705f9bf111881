# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, FloatingIp
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
    unusual = {"is_port_security_enabled", "allowed_address_pairs", "is_admin_state_up", "binding_vnic_type"}
    assert not unusual & {**found.body(site), **found.wishes(site).body}.keys()
    other = dataclasses.replace(found, spec=dataclasses.replace(found.spec, is_up=False, vnic_type="direct"), current=None).wishes(site).body
    assert (other["is_admin_state_up"], other["binding_vnic_type"]) == (False, "direct")
    pair = {"ip_address": "10.10.0.99"}
    spec = dataclasses.replace(found.spec, port_security=False, security_groups=(), allowed_address_pairs=(pair,))
    open_port = dataclasses.replace(found, spec=spec, current=None)
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
    assert step.body(site)["fixed_ips"] == [{"subnet_id": "sub"}]
    assert step.wishes(site).body["fixed_ips"] == [{"subnet_id": "sub", **asked}]


@pytest.mark.parametrize("of_network", [True, False])
@pytest.mark.parametrize("of_port", [True, False])
def test_port_security_is_said_where_the_network_has_another_one(of_network, of_port):
    document = shop.document()
    document["servers"][0]["ports"][0]["port_security"] = of_port
    site = shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(shop.NETWORK, port_security=of_network)))
    step = next(one for one in RestorePlan.of(Manifest.parse(document), site).servers if one.spec.name == "shop-front")
    key, wishes = "is_port_security_enabled", step.ports[0].wishes(site)
    assert (key in step.ports[0].body(site), wishes.body.get(key)) == (False, None if of_port == of_network else of_port)
    # What would leave the port more open is worth more than the others.
    opens = of_port and not of_network
    assert (key in wishes.firm, key in wishes.fallbacks, "security_group_ids" in wishes.body) == (opens, opens, opens)


def test_port_security_is_switched_off_where_a_site_has_the_switch():
    document = shop.document()
    for server in document["servers"]:
        server["ports"][0].update(port_security=False, security_groups=[])
    manifest = Manifest.parse(document)

    def asked(site):
        return RestorePlan.of(manifest, site).servers[0].ports[0].wishes(site).body.get("is_port_security_enabled")

    without = shop.prepared_site(extensions=shop.EXTENSIONS - {"port-security"})
    assert (asked(shop.prepared_site()), asked(without)) == (False, None)
    told = [one for one in losses(RestorePlan.of(manifest, without)) if "(port_security_enabled) of port fa:16:3e:00:00:11 of server 'orders-db' (off" in one]
    assert (len(told), losses(RestorePlan.of(manifest, shop.prepared_site()))) == (1, [])
    unsaid = losses(RestorePlan.of(MANIFEST, without))
    assert any("(port_security_enabled) of port fa:16:3e:00:00:11 of server 'orders-db' (on at the source) depends" in one for one in unsaid)


# Ports on no server


LONE = {"source_id": shop.uuid(81), "mac_address": "FA:16:3E:00:00:81", "fixed_ips": [{"subnet": "shop-subnet", "ip_address": "10.10.0.81"}]}
OF_OLD = {"mac_address": "fa:16:3e:00:00:81", "fixed_ips": (FixedIp("sub", "10.10.0.81"),)}


def lone_step(*ports, **changes):
    document = shop.document()
    port = {**document["servers"][0]["ports"][0], "device_tag": None, "floating_ips": []}
    document["topology"]["ports"] = [{**port, **LONE, **changes}]
    site = shop.restored_site()
    (found,) = RestorePlan.of(Manifest.parse(document), dataclasses.replace(site, ports=(*site.ports, *ports))).ports
    return found


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as it was"),
        pytest.param({"device_id": "trunk", "device_owner": "trunk:subport"}, id="by way of a trunk"),
        pytest.param({"device_owner": "keepalived"}, id="that somebody has named"),
    ],
)
def test_the_port_of_the_application_itself_is_used_as_it_is(changes):
    there = shop.port("old", **{**OF_OLD, **changes})
    found = lone_step(shop.port("other"), there)
    assert (found.current, found.changes) == (there, False)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"network_id": "other"}, id="on another network"),
        pytest.param({"mac_address": "fa:16:3e:00:00:82"}, id="with another MAC address"),
        pytest.param({"fixed_ips": ()}, id="without the address"),
        pytest.param({"fixed_ips": (*OF_OLD["fixed_ips"], FixedIp("sub", "10.10.0.82"))}, id="with one more"),
        pytest.param({"device_id": "server"}, id="that something has"),
        pytest.param({"device_owner": "compute:nova"}, id="of a server"),
        pytest.param({"device_owner": "network:dhcp"}, id="of the network itself"),
    ],
)
def test_no_other_port_is_taken_for_that_of_the_application(changes):
    assert lone_step(shop.port("old", **{**OF_OLD, **changes})).current is None


def test_the_port_that_a_restore_has_made_is_known_by_its_mark():
    made = shop.port("made", description=shop.mark(81).text(), mac_address="fa:16:3e:99:99:99")
    found = lone_step(shop.port("old", **OF_OLD), made)
    assert (found.current, found.lacks_tags) == (made, True)


@pytest.mark.parametrize(
    ("changes", "is_to_release"),
    [
        pytest.param({"device_owner": "compute:nova"}, True, id="as it was made for its addresses' sake"),
        pytest.param({}, False, id="of nobody"),
        pytest.param({"device_owner": "compute:nova", "device_id": "server"}, False, id="of a server by now"),
        pytest.param({"device_owner": "trunk:subport"}, False, id="of a trunk"),
        pytest.param({"device_owner": "compute:nova", "description": "theirs", **OF_OLD}, False, id="of somebody else"),
    ],
)
def test_a_port_on_no_server_is_released_once_it_has_its_addresses(changes, is_to_release):
    found = lone_step(shop.port("made", **{"description": shop.mark(81).text(), "tags": tuple(shop.mark(81).tags()), **changes}))
    assert found.is_to_release is is_to_release
    assert found.changes is (is_to_release or found.current is None)


def test_a_port_of_a_server_is_not_released():
    assert not step(port={"device_owner": "compute:nova", "device_id": ""}).is_to_release


@pytest.mark.parametrize(
    ("name", "called"),
    [("vip", "port 'vip' (FA:16:3E:00:00:81)"), ("", f"port '{shop.uuid(81)}' (FA:16:3E:00:00:81)")],
)
def test_a_port_on_no_server_is_called_by_its_name(name, called):
    found = lone_step(name=name)
    assert (found.title, found.name, found.label) == (called, name, called.split(" (")[0])
    assert found.description == shop.mark(81).text()


# Floating addresses of one port


def floating_steps(wanted, there, fixed=("10.10.0.11", "10.10.0.12"), place_of=("10.10.0.11", "10.10.0.12")):
    """Which floating addresses of the port of orders-db are there.

    :param wanted: places and external networks.
    :param there: id, external network and fixed address of each.
    :param fixed: addresses of the port; place_of: those of the specification.
    """
    document = shop.document()
    (port,) = document["servers"][1]["ports"]
    port["fixed_ips"] = [{"subnet": "shop-subnet", "ip_address": one} for one in place_of]
    port["floating_ips"] = [{**shop.FLOATING, "network": network, "place": place} for place, network in wanted]
    site = shop.restored_site(networks=(shop.PUBLIC, shop.PROVIDER, shop.NETWORK))
    addresses = tuple(FixedIp("sub", one) for one in fixed)
    ports = tuple(dataclasses.replace(one, fixed_ips=addresses) if one.id == "port-orders-db" else one for one in site.ports)
    floating = tuple(FloatingIp(one, "10.88.2.9", "port-orders-db", network, address) for one, network, address in there)
    found = RestorePlan.of(Manifest.parse(document), dataclasses.replace(site, ports=ports, floating_ips=floating))
    return [(step.behind, step.current.id if step.current else None) for step in found.servers[0].ports[0].floating]


FIRST, SECOND = "10.10.0.11", "10.10.0.12"


@pytest.mark.parametrize(
    ("wanted", "there", "found"),
    [
        pytest.param([(0, "public"), (1, "public")], [("a", "ext", SECOND), ("b", "ext", FIRST)], [(FIRST, "b"), (SECOND, "a")], id="in another order"),
        pytest.param([(0, "public"), (1, "public")], [("a", "ext", SECOND)], [(FIRST, None), (SECOND, "a")], id="one is missing"),
        pytest.param([(None, "public")], [("a", "ext", SECOND), ("b", "ext", FIRST)], [(FIRST, "b")], id="nobody has said which"),
        pytest.param([(0, "public")], [("a", "ext", None)], [(FIRST, "a")], id="the site does not say which"),
        pytest.param([(0, "public")], [("a", "ext2", FIRST), ("b", "ext", FIRST)], [(FIRST, "b")], id="that of the same network first"),
        pytest.param([(0, "public")], [("a", "ext2", FIRST)], [(FIRST, "a")], id="or else any"),
        pytest.param([(0, "public"), (0, "provider")], [("a", "ext", FIRST)], [(FIRST, "a"), (FIRST, None)], id="each stands for one only"),
    ],
)
def test_which_floating_addresses_are_there(wanted, there, found):
    assert floating_steps(wanted, there) == found


def test_addresses_are_found_in_whatever_order_neutron_lists_them():
    assert floating_steps([(1, "public")], [], fixed=(SECOND, FIRST)) == [(SECOND, None)]
    assert floating_steps([(1, "public")], [], fixed=(FIRST,)) == [(None, None)]


def test_the_first_address_of_ipv4_is_meant_where_nobody_has_said_which():
    assert floating_steps([(None, "public")], [], fixed=("fd00::1", FIRST), place_of=("fd00::1", FIRST)) == [(FIRST, None)]
    assert floating_steps([(1, "public")], [], fixed=("fd00::1", FIRST), place_of=("fd00::1", FIRST)) == [(FIRST, None)]


def test_a_floating_address_of_a_port_without_addresses_leads_to_the_port():
    found = step()
    body = dataclasses.replace(found.floating[0], behind=None).body(shop.prepared_site(), found.current)
    assert body == {"floating_network_id": "ext", "port_id": "port-orders-db", "description": shop.mark(11).text()}


def test_the_address_of_a_port_is_the_first_of_its_floating_addresses_that_is_there():
    missing, there = (dataclasses.replace(step().floating[0], current=current) for current in (None, FloatingIp("there", "10.88.2.9")))
    assert dataclasses.replace(step(), floating=(missing, there)).floating_ip == there.current
