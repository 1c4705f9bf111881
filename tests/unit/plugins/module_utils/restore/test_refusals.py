# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would be refused by Nova's and Neutron's own rules is found before the first change."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, FloatingIp, Quota, Router, Subnet, SubnetPool
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.restore import stock as restore_stock
from ansible_collections.osdr.openstack.plugins.module_utils.restore.needs import amounts_of
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.plugins.module_utils.restore.refusals import doubts_of_refusals, refusals
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import cloud_with_images

NO_QUOTAS = {"volume": {}, "compute": {}, "network": {}}


def changed(change):
    document = shop.document()
    change(document)
    return Manifest.parse(document)


def of_topology(change):
    return changed(lambda document: change(document["topology"]))


def stock_of(site, **changes):
    return Stock(**{"site": site, "parts": {}, "volume_types": ("ceph",), "quotas": NO_QUOTAS, "zones": shop.ZONES, **changes})


def found(manifest=None, site=None, **changes):
    stock = stock_of(site or shop.empty_site(), **changes)
    return refusals(RestorePlan.of(manifest or shop.manifest(), stock.site), stock)


def doubts(manifest=None, site=None, **changes):
    stock = stock_of(site or shop.empty_site(), **changes)
    plan = RestorePlan.of(manifest or shop.manifest(), stock.site)
    return doubts_of_refusals(plan, stock, amounts_of(plan))


@pytest.mark.parametrize("site", [shop.empty_site(), shop.prepared_site(), shop.restored_site()], ids=["new", "prepared", "restored"])
def test_nothing_is_refused_of_an_ordinary_application(site):
    assert found(site=site) == doubts(site=site) == []


@pytest.mark.parametrize(("roles", "is_told"), [((), False), (("member", "reader"), False), (("reader",), True), (("reader", "auditor"), False)])
def test_who_may_only_read_cannot_restore(roles, is_told):
    told = found(roles=frozenset(roles))
    assert [one.split(": ")[0] for one in told] == ["The credentials may only read at site 'remote'"] * is_told


# Nova


def limited(most):
    return {**NO_QUOTAS, "compute": {"metadata_items": Quota("metadata_items", most, 0)}}


def test_the_marks_of_a_restore_count_as_metadata():
    """A server has one item of its own, and gets three."""
    assert found(quotas=limited(4)) == found(quotas=limited(-1)) == []
    told = found(quotas=limited(3))
    assert len(told) == 2
    assert "would have 4 metadata items at site 'remote', with the 3 by which a restore marks it, but 3 are allowed" in told[0]
    assert found(site=shop.restored_site(), quotas=limited(3)) == []


def test_what_a_standby_and_a_lock_are_known_by_counts_as_metadata_too():
    manifest = changed(lambda document: document["servers"][0].update(is_off=True, lock="ask the DBA"))
    told = found(manifest, quotas=limited(5))
    assert "Server 'shop-front' would have 6 metadata items at site 'remote', with the 5 by which a restore marks it, but 5 are allowed" in told[0]


def test_where_no_metadata_are_allowed_none_fit():
    assert len(found(quotas=limited(0))) == 2


@pytest.mark.parametrize(
    ("metadata", "named"),
    [({"": "x"}, [""]), ({"k" * 255: "v", "long": "v" * 255}, []), ({"k" * 256: "v", "short": "v"}, ["k" * 20])],
)
def test_metadata_that_nova_does_not_take_are_told(metadata, named):
    manifest = changed(lambda document: document["servers"][0].update(metadata=metadata))
    told = [one.split(" characters")[0] for one in found(manifest)]
    assert told == [f"Metadata '{key}' of server 'shop-front' is longer than the 255" for key in named]


def test_of_a_server_that_is_there_nothing_is_refused():
    long = {"metadata": {"k" * 256: "v"}, "tags": [f"t{one}" for one in range(51)]}
    manifest = changed(lambda document: [server.update(long) for server in document["servers"]])
    assert len(found(manifest)) == 4
    outside = (shop.PUBLIC, dataclasses.replace(shop.NETWORK, is_external=True))
    assert [one for one in found(manifest, shop.restored_site(networks=outside)) if one.startswith(("Metadata", "Server"))] == []


def test_more_tags_than_nova_takes_are_told():
    def tagged(number):
        return changed(lambda document: document["servers"][0].update(tags=[f"t{one}" for one in range(number)]))

    assert found(tagged(50)) == []
    assert "Server 'shop-front' has 51 tags, but Nova takes 50" in found(tagged(51))[0]


@pytest.mark.parametrize(
    ("name", "version", "is_refused"), [("me@home", (2, 91), True), ("a.b", (2, 91), True), ("a.b", (2, 92), False), ("a-b", (2, 1), False)]
)
def test_names_of_key_pairs_that_a_nova_does_not_take(name, version, is_refused):
    manifest = of_topology(lambda topology: topology["key_pairs"][0].update(name=name))
    told = found(manifest, shop.empty_site(nova=version))
    assert [one.split(" at site")[0] for one in told] == [f"Key pair '{name}' cannot have this name"] * is_refused


def test_a_certificate_is_no_key_pair_that_could_be_made():
    manifest = of_topology(lambda topology: topology["key_pairs"][0].update(public_key="-----BEGIN CERTIFICATE-----\nMII"))
    (told,) = found(manifest)
    assert told.startswith("Key pair 'shop' is a certificate (x509), which is not created at site 'remote'")
    assert found(manifest, shop.empty_site(key_pairs={"shop": "-----BEGIN CERTIFICATE-----\nMII"})) == []


def test_no_server_is_connected_to_an_external_network():
    def site(**flags):
        return shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(shop.NETWORK, is_external=True, project_id="operator", **flags)))

    manifest = of_topology(lambda topology: topology["networks"][0].update(is_of_others=True, is_external=True))
    told = found(manifest, site())
    assert [one.split(" would be connected to network 'shop-net', which is external")[0] for one in told[:2]] == ["Server 'orders-db'", "Server 'shop-front'"]
    assert not [one for one in found(manifest, site(is_shared=True)) if "which is external" in one]
    assert not [one for one in found(manifest, site(), roles=frozenset({"admin", "member"})) if "which is external" in one]


# Routers


def second_router(topology, **changes):
    topology["routers"].append({**topology["routers"][0], "name": "second", **changes})


def test_two_routers_cannot_both_have_the_address_of_the_gateway():
    (told,) = found(of_topology(second_router))
    assert told.startswith("10.10.0.1 on network 'shop-net' is needed by router 'second' and by router 'shop-router': a router gets")


def test_a_router_cannot_have_the_address_of_the_gateway_that_a_server_has():
    manifest = changed(lambda document: document["servers"][0]["ports"][0]["fixed_ips"][0].update(ip_address="10.10.0.1"))
    (told,) = found(manifest)
    assert told.startswith("10.10.0.1 on network 'shop-net' is needed by router 'shop-router' and by server 'shop-front'")


def test_a_router_cannot_have_the_address_of_the_gateway_that_a_port_at_the_site_has():
    taken = shop.port("firewall", fixed_ips=(FixedIp("sub", "10.10.0.1"),))
    told = "10.10.0.1 on subnet 'shop-subnet' is in use by port port-firewall at site 'remote', but router 'shop-router' needs it there"
    assert [one.split(",")[0] + "," + one.split(",")[1] for one in found(site=shop.prepared_site(ports=(taken,), routers=()))] == [told]
    elsewhere = dataclasses.replace(taken, network_id="another")
    assert found(site=shop.prepared_site(ports=(elsewhere,), routers=())) == []
    # Any other address might be one that a server needs.
    assert [one.split(" is in use")[0] for one in found(site=shop.prepared_site(ports=(taken,)))] == ["10.10.0.1 on subnet 'shop-subnet'"]


@pytest.mark.parametrize("holder", ["router", "metadata", "server"])
def test_a_router_cannot_have_an_address_of_its_own_that_a_port_at_the_site_has(holder):
    owners = {"router": ("r9", "network:router_interface"), "metadata": ("ovnmeta", "network:distributed"), "server": ("s9", "compute:nova")}
    device_id, device_owner = owners[holder]
    taken = shop.port("taken", device_id=device_id, device_owner=device_owner, fixed_ips=(FixedIp("sub", "10.10.0.9"),))
    own = {"interface_addresses": [{"subnet": "shop-subnet", "ip_address": "10.10.0.9"}]}
    manifest = of_topology(lambda topology: topology["routers"][0].update(own))
    (told,) = found(manifest, shop.prepared_site(ports=(taken,), routers=()))
    assert told.startswith("10.10.0.9 on subnet 'shop-subnet' is in use by port port-taken at site 'remote', but router 'shop-router' needs it there")


def test_an_interface_that_a_killed_restore_left_has_its_address_for_its_router():
    left = shop.port("left", description="osdr_application=shop osdr_checkpoint=noon", fixed_ips=(FixedIp("sub", "10.10.0.1"),))
    assert found(site=shop.prepared_site(ports=(left,), routers=())) == []
    others = dataclasses.replace(left, description="osdr_application=shop osdr_checkpoint=eve")
    assert len(found(site=shop.prepared_site(ports=(others,), routers=()))) == 1


def test_a_router_of_a_killed_restore_needs_the_address_of_the_gateway_still():
    taken = shop.port("firewall", fixed_ips=(FixedIp("sub", "10.10.0.1"),))
    ours = dataclasses.replace(shop.ROUTER, description="osdr_application=shop osdr_checkpoint=noon")
    assert [one.split(" on subnet")[0] for one in found(site=shop.prepared_site(ports=(taken,), routers=(ours,)))] == ["10.10.0.1"]


def test_an_address_on_the_external_network_that_something_else_has_is_told():
    manifest = of_topology(lambda topology: topology["routers"][0].update(gateway_addresses=["203.0.113.9"]))
    taken = shop.port("taken", network_id=shop.PUBLIC.id, fixed_ips=(FixedIp("outside", "203.0.113.9"),))

    def told(*routers, **changes):
        site = shop.prepared_site(ports_of_others=(dataclasses.replace(taken, **changes),), routers=routers)
        return [one.split(" (external_fixed_ips): ")[1] for one in doubts(manifest, site) if " will get another address on network 'public' " in one]

    assert told() == ["203.0.113.9 is in use by port port-taken there."]
    assert told(network_id="another") == told(fixed_ips=(FixedIp("outside", "203.0.113.10"),)) == []
    # What is there stays as it is.
    assert told(shop.ROUTER) == []


def test_addresses_are_the_same_in_whatever_form_they_are_written():
    six = {"cidr": "fd00::/64", "ip_version": 6, "allocation_pools": []}

    def clash(gateway, address):
        document = shop.document()
        document["topology"]["subnets"][0].update(six, gateway_ip=gateway)
        document["servers"][0]["ports"][0].update(fixed_ips=[{"subnet": "shop-subnet", "ip_address": address}], floating_ips=[])
        document["servers"][1]["ports"][0].update(fixed_ips=[], floating_ips=[])
        return [one.split(" on network")[0] for one in found(Manifest.parse(document))]

    assert clash("fd00::1", "fd00:0:0::0001") == clash("fd00:0:0:0::1", "fd00::1") == ["fd00::1"]
    assert clash("fd00::1", "fd00::11") == []
    # What is no address is another problem's, and not the same as any other.
    assert clash("the router", "the server") == []


def test_a_port_that_is_there_has_its_address_already():
    """Whatever else has it at the source: the site has taken it."""
    manifest = changed(lambda document: document["servers"][0]["ports"][0]["fixed_ips"][0].update(ip_address="10.10.0.1"))
    there = [dataclasses.replace(one, fixed_ips=()) if one.id == "port-shop-front" else one for one in shop.restored_site().ports]
    ports = tuple(one for one in there if one.id != "port-router")
    assert not [one for one in found(manifest, shop.restored_site(ports=ports, routers=())) if "is needed by" in one]


def test_routers_on_networks_of_others_are_not_connected_and_so_not_refused():
    theirs = dataclasses.replace(shop.NETWORK, project_id="theirs", is_shared=True)
    subnet = dataclasses.replace(shop.SUBNET, project_id="theirs")
    taken = shop.port("firewall", fixed_ips=(FixedIp("sub", "10.10.0.1"),))
    site = shop.prepared_site(networks=(shop.PUBLIC, theirs), subnets=(subnet,), ports=(), ports_of_others=(taken,), routers=())
    assert found(shop.mapped(of_topology(second_router)), site) == []


def test_a_router_with_a_port_of_its_own_needs_no_gateway():
    manifest = of_topology(lambda topology: second_router(topology, interface_addresses=[{"subnet": "shop-subnet", "ip_address": "10.10.0.9"}]))
    assert found(manifest) == []
    without = of_topology(
        lambda topology: (
            topology["subnets"][0].update(gateway_ip=None),
            topology["routers"][0].update(interface_addresses=[{"subnet": "shop-subnet", "ip_address": "10.10.0.9"}]),
        )
    )
    assert found(without) == []


def test_a_router_is_connected_to_no_subnet_without_a_gateway():
    manifest = of_topology(lambda topology: topology["subnets"][0].update(gateway_ip=None))
    (told,) = found(manifest)
    assert told.startswith("Router 'shop-router' is connected to subnet 'shop-subnet', which has no gateway, by a port of its own")
    # What is there is what Neutron looks at.
    there = dataclasses.replace(shop.SUBNET, gateway_ip="10.10.0.1")
    assert found(manifest, shop.prepared_site(ports=(), subnets=(there,), routers=())) == []


def test_what_a_router_joins_already_it_needs_no_address_on():
    """Though a mapping calls the subnet by its id, as the router does."""
    document = shop.document()
    second_subnet(document["topology"], name="more", cidr="10.20.0.0/24", gateway_ip="10.20.0.1", allocation_pools=[])
    document["topology"]["routers"][0]["subnets"].append("more")
    manifest = Manifest.parse(json.loads(json.dumps(document).replace('"shop-subnet"', '"sub"')))
    router = shop.port("joined", device_id="r", device_owner="network:router_interface", fixed_ips=(FixedIp("sub", "10.10.0.1"),))
    assert found(manifest, shop.prepared_site(ports=(router,))) == []
    assert len(found(manifest, shop.prepared_site(ports=(dataclasses.replace(router, device_id="r9"),)))) == 1


# Ranges


def test_ranges_on_a_router_do_not_overlap():
    near = Subnet("sub2", "near", "net2", "10.10.0.128/25")
    joined = shop.port("near", network_id="net2", device_id="r", fixed_ips=(FixedIp("sub2", "10.10.0.129"),))
    site = shop.prepared_site(ports=(joined,), subnets=(shop.SUBNET, near))
    (told,) = found(site=site)
    assert told.startswith("Subnets 'near' (10.10.0.128/25) and 'shop-subnet' (10.10.0.0/24) of router 'shop-router' at site 'remote' would overlap")
    apart = dataclasses.replace(near, cidr="10.11.0.0/24")
    assert found(site=dataclasses.replace(site, subnets=(shop.SUBNET, apart))) == []


def test_what_a_router_that_is_there_joins_is_not_refused_afterwards():
    there = [Subnet(one, one, "net2", cidr) for one, cidr in (("wide", "10.20.0.0/16"), ("narrow", "10.20.1.0/24"))]
    joined = shop.port("there", network_id="net2", device_id="r", fixed_ips=tuple(FixedIp(one.id, "10.20.1.1") for one in there))
    assert found(site=shop.prepared_site(ports=(joined,), subnets=(shop.SUBNET, *there))) == []


def test_ranges_on_a_network_do_not_overlap():
    near = Subnet("sub2", "near", "net", "10.10.0.0/25")
    (told,) = found(site=shop.prepared_site(subnets=(near,), ports=(), routers=()))
    assert "Subnets 'near' (10.10.0.0/25) and 'shop-subnet' (10.10.0.0/24) on network 'shop-net'" in told
    # Two that are there have been taken.
    assert found(site=shop.prepared_site(subnets=(near, shop.SUBNET), ports=(shop.ROUTER_PORT,))) == []
    elsewhere = dataclasses.replace(near, network_id="net2")
    assert found(site=shop.prepared_site(subnets=(elsewhere,), ports=(), routers=())) == []


def second_subnet(topology, **changes):
    topology["subnets"].append({**topology["subnets"][0], "name": "second", **changes})


@pytest.mark.parametrize(
    ("cidr", "version", "overlaps"),
    [("10.10.0.128/25", 4, True), ("10.10.0.129/25", 4, True), ("10.0.0.0/8", 4, True), ("10.11.0.0/24", 4, False), ("::/0", 6, False)],
)
def test_ranges_of_one_network_do_not_overlap_where_both_are_new(cidr, version, overlaps):
    manifest = of_topology(lambda topology: second_subnet(topology, cidr=cidr, ip_version=version))
    told = [one.split(" at site")[0] for one in found(manifest)]
    assert told == [f"Subnets 'shop-subnet' (10.10.0.0/24) and 'second' ({cidr}) on network 'shop-net'"] * overlaps


def test_a_range_is_all_of_its_addresses_however_it_is_written():
    def change(topology):
        topology["subnets"][0].update(cidr="10.10.0.5/24")
        second_subnet(topology, cidr="10.10.0.128/25")

    assert [one.split(" at site")[0] for one in found(of_topology(change))] == [
        "Subnets 'shop-subnet' (10.10.0.5/24) and 'second' (10.10.0.128/25) on network 'shop-net'"
    ]


def test_what_is_on_two_networks_and_two_routers_may_overlap():
    def change(topology):
        topology["networks"].append({**topology["networks"][0], "name": "second"})
        second_subnet(topology, network="second")
        second_router(topology, subnets=["second"])

    assert found(of_topology(change)) == []


def test_a_subnet_that_is_there_is_not_in_its_own_way():
    """Nor in that of the others, because it lacks its tags still."""
    untagged = dataclasses.replace(shop.SUBNET, description="osdr_application=shop osdr_checkpoint=noon")
    manifest = of_topology(lambda topology: second_subnet(topology, cidr="10.10.0.128/25"))
    told = [one.split(" at site")[0] for one in found(manifest, shop.prepared_site(subnets=(untagged,)))]
    assert told == ["Subnets 'shop-subnet' (10.10.0.0/24) and 'second' (10.10.0.128/25) on network 'shop-net'"]
    assert found(site=shop.prepared_site(subnets=(untagged,))) == []


POOL = SubnetPool("p", "ten", prefixes=("10.10.0.0/16",))


@pytest.mark.parametrize(
    ("pool", "version", "network_id", "is_refused"), [("p", 4, "net", True), (None, 4, "net", False), ("p", 6, "net", False), ("p", 4, "net2", False)]
)
def test_a_subnet_of_no_pool_is_not_made_beside_one_that_is_of_a_pool(pool, version, network_id, is_refused):
    there = Subnet("sub2", "there", network_id, "10.20.0.0/24", ip_version=version, subnet_pool_id=pool)
    told = [one.split(":")[0] for one in found(site=shop.prepared_site(subnets=(there,), ports=(), routers=()))]
    expected = "Subnet 'shop-subnet' would be of no subnet pool at site 'remote' (subnetpool_id), unlike 'there' on network 'shop-net'"
    assert told == [expected] * is_refused


@pytest.mark.parametrize(("cidr", "is_refused"), [("10.20.0.0/24", True), ("10.10.1.0/24", False)])
def test_a_pool_that_holds_one_subnet_of_a_network_has_to_hold_the_others(cidr, is_refused):
    def change(topology):
        topology["subnets"][0]["subnet_pool"] = "ten"
        second_subnet(topology, cidr=cidr)

    told = [one.split(":")[0] for one in found(of_topology(change), dataclasses.replace(shop.empty_site(), subnet_pools=(POOL,)))]
    expected = "Subnet 'second' would be of no subnet pool at site 'remote' (subnetpool_id), unlike 'shop-subnet' on network 'shop-net'"
    assert told == [expected] * is_refused
    # Without the pool, no subnet is of one.
    assert found(of_topology(change)) == []


def test_a_subnet_of_the_pool_of_its_network_is_made():
    manifest = of_topology(lambda topology: topology["subnets"][0].update(subnet_pool="ten"))
    there = Subnet("sub2", "there", "net", "10.20.0.0/24", subnet_pool_id="p")
    assert found(manifest, shop.prepared_site(subnets=(there,), ports=(), routers=(), subnet_pools=(POOL,))) == []


# Floating addresses


@pytest.mark.parametrize(
    ("version", "cidr", "mtu", "is_refused"), [(6, "fd00::/64", 1279, True), (6, "fd00::/64", 1280, False), (4, "10.9.0.0/24", 576, False)]
)
def test_no_subnet_of_ipv6_is_made_on_a_network_with_small_packets(version, cidr, mtu, is_refused):
    def another(topology):
        topology["subnets"].append({**topology["subnets"][0], "name": "six", "cidr": cidr, "ip_version": version, "gateway_ip": None, "allocation_pools": []})

    site = shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(shop.NETWORK, mtu=mtu)))
    told = found(of_topology(another), site)
    assert [one.split(":")[0] for one in told] == ["Subnet 'six' is one of IPv6, and network 'shop-net' at site 'remote' has an MTU of 1279"] * is_refused


def told_of_floating(**changes):
    told = found(shop.mapped(), shop.prepared_site(**changes))
    return [one.split(" cannot lead to")[0] for one in told if "cannot lead to subnet 'shop-subnet'" in one]


SERVERS = ["The floating address of server 'orders-db'", "The floating address of server 'shop-front'"]
NOWHERE = dataclasses.replace(shop.ROUTER, external_network_id=None)
ELSEWHERE = dataclasses.replace(shop.ROUTER, external_network_id="ext2")


@pytest.mark.parametrize("router", [NOWHERE, ELSEWHERE], ids=["without a gateway", "to another network"])
def test_a_router_that_is_there_and_leads_elsewhere_is_of_no_use_to_floating_addresses(router):
    assert told_of_floating(networks=(shop.PUBLIC, shop.PROVIDER, shop.NETWORK), routers=(router,)) == SERVERS


def test_any_router_that_joins_both_will_do():
    another = Router("r2", "another", external_network_id="ext")
    port = shop.port("another", device_id="r2", fixed_ips=(FixedIp("sub", "10.10.0.9"),))
    assert told_of_floating(routers=(NOWHERE, another), ports=(shop.ROUTER_PORT, port)) == []


@pytest.mark.parametrize(
    ("owner", "device", "subnet", "is_told"),
    [
        ("network:router_interface", "r9", "sub", False),
        ("network:router_interface_distributed", "r9", "sub", False),
        ("network:ha_router_replicated_interface", "r9", "sub", False),
        ("network:router_interface", "r9", "elsewhere", True),
        ("network:router_interface", "r", "sub", True),
        ("network:dhcp", "r9", "sub", True),
        ("compute:nova", "r9", "sub", True),
    ],
)
def test_what_routers_of_others_lead_to_is_not_known(owner, device, subnet, is_told):
    port = shop.port("theirs", device_id=device, device_owner=owner, fixed_ips=(FixedIp(subnet, "10.10.0.9"),))
    assert told_of_floating(routers=(NOWHERE,), ports=(shop.ROUTER_PORT,), ports_of_others=(port,)) == SERVERS * is_told


def test_where_a_floating_address_on_the_network_of_others_leads_is_not_known():
    theirs = dataclasses.replace(shop.NETWORK, project_id="theirs", is_shared=True)
    subnet = dataclasses.replace(shop.SUBNET, project_id="theirs")
    assert told_of_floating(networks=(shop.PUBLIC, theirs), subnets=(subnet,), routers=(NOWHERE,)) == []


def test_an_external_network_that_a_mapping_names_by_its_id_is_led_to():
    document = shop.document()
    document["topology"]["routers"][0].update(external_network="ext")
    for server in document["servers"]:
        server["ports"][0]["floating_ips"][0]["network"] = "ext"
    assert found(Manifest.parse(document), shop.prepared_site()) == []


@pytest.mark.parametrize(
    ("attribute", "one", "most", "option"),
    [
        ("dns_nameservers", "10.0.0.{}", 5, "max_dns_nameservers"),
        ("host_routes", {"destination": "10.9.0.0/16", "nexthop": "10.10.0.9"}, 20, "max_subnet_host_routes"),
    ],
)
def test_more_than_a_subnet_usually_may_have_is_doubtful(attribute, one, most, option):
    def with_so_many(count):
        return of_topology(lambda topology: topology["subnets"][0].update({attribute: [one] * count}))

    assert doubts(with_so_many(most)) == doubts(with_so_many(most + 1), shop.prepared_site()) == []
    (told,) = doubts(with_so_many(most + 1))
    assert told.startswith(f"Subnet 'shop-subnet' has {most + 1} ") and f"({attribute}), but Neutron takes {most}" in told and option in told


def test_a_new_router_leads_where_it_is_to_lead():
    nowhere = of_topology(lambda topology: topology["routers"][0].update(external_network=None))
    told = [one for one in found(nowhere) if "cannot lead to subnet 'shop-subnet' at site 'remote'" in one]
    assert len(told) == 2
    apart = of_topology(lambda topology: topology["routers"][0].update(subnets=[]))
    assert len([one for one in found(apart) if "cannot lead to" in one]) == 2


def test_a_router_that_is_there_and_lacks_the_subnet_gets_it():
    assert told_of_floating(ports=()) == []
    another = Router("r2", "another", external_network_id="ext")
    assert told_of_floating(routers=(NOWHERE, another), ports=()) == SERVERS


@pytest.mark.parametrize(("place", "subnet"), [(None, "shop-subnet"), (0, "six"), (1, "shop-subnet")])
def test_the_way_is_looked_for_from_the_address_that_is_meant(place, subnet):
    document = shop.document()
    addresses = [{"subnet": "six", "ip_address": "fd00::9"}, {"subnet": "shop-subnet", "ip_address": "10.10.0.9"}]
    document["servers"][0]["ports"][0].update(fixed_ips=addresses, floating_ips=[{**shop.FLOATING, "network": "public", "place": place}])
    document["servers"][1]["ports"][0]["floating_ips"] = []
    second_subnet(document["topology"], name="six", cidr="fd00::/64", ip_version=6, gateway_ip=None, allocation_pools=[])
    (told,) = [one for one in found(Manifest.parse(document), shop.prepared_site(routers=(NOWHERE,))) if "cannot lead to" in one]
    assert f"cannot lead to subnet '{subnet}'" in told


def test_no_way_is_looked_for_where_there_is_no_address_to_lead_to():
    document = shop.document()
    for server in document["servers"]:
        server["ports"][0].update(fixed_ips=[])
        server["ports"][0]["floating_ips"][0]["place"] = None
    assert [one for one in found(Manifest.parse(document), shop.prepared_site(routers=(NOWHERE,))) if "cannot lead to" in one] == []


THEIRS = {
    "networks": (shop.PUBLIC, dataclasses.replace(shop.NETWORK, project_id="theirs", is_shared=True)),
    "subnets": (dataclasses.replace(shop.SUBNET, project_id="theirs"),),
    "routers": (),
    "ports": (),
}


def on_theirs(**changes):
    """What is told where another project has the network, and no router of ours joins it."""
    return told_of_floating(**{**THEIRS, **changes})


def test_on_a_network_of_others_somebody_must_see_the_router_that_leads_out():
    theirs = shop.port("theirs", device_id="r9", device_owner="network:router_interface", fixed_ips=(FixedIp("sub", "10.10.0.1"),))
    assert on_theirs(may_choose=True) == on_theirs(may_choose=False) == SERVERS
    assert on_theirs(may_choose=None) == on_theirs(may_choose=True, ports_of_others=(theirs,)) == []
    assert on_theirs(may_choose=False, routers=(shop.ROUTER,), ports=(shop.ROUTER_PORT,)) == []
    # A router that is there is not connected by the restore.
    assert on_theirs(may_choose=True, routers=(shop.ROUTER,)) == SERVERS


@pytest.mark.parametrize(
    ("there", "way_out"),
    [
        ({"routers": (NOWHERE,)}, "give the router that is there a gateway to it, or remove that router."),
        ({**THEIRS, "may_choose": True}, "have the owner of that network connect it, or leave the floating address out (floating: false in a mapping)."),
        (
            {**THEIRS, "may_choose": False},
            "have the owner of that network connect it, give credentials of an administrator (admin_cloud), who sees routers of other projects, or "
            "leave the floating address out (floating: false in a mapping).",
        ),
    ],
    ids=["ours", "theirs", "theirs, unseen"],
)
def test_it_is_told_who_can_make_the_way(there, way_out):
    told = [one for one in found(shop.mapped(), shop.prepared_site(**there)) if "cannot lead to" in one]
    assert [one.partition("; ")[2] for one in told] == [way_out] * 2


def test_floating_addresses_that_are_there_need_no_router():
    assert found(site=shop.restored_site(routers=(NOWHERE,))) == []


def test_an_address_that_forwards_ports_needs_a_router_too():
    document = shop.document()
    port = document["servers"][0]["ports"][0]
    port.update(source_id=shop.uuid(71), floating_ips=[])
    document["servers"][1]["ports"][0]["floating_ips"] = []
    forwarding = {"port": shop.uuid(71), "place": 0, "internal_port": 80, "external_port": 8080, "protocol": "tcp", "description": ""}
    forwardings = [forwarding, {**forwarding, "internal_port": 443, "external_port": 8443}]
    floating = {**shop.DOCUMENT["servers"][0]["ports"][0]["floating_ips"][0], "place": None}
    document["topology"]["forwarders"] = [{"source_id": shop.uuid(72), "floating": floating, "forwardings": forwardings}]
    manifest = Manifest.parse(document)
    (told,) = found(manifest, shop.prepared_site(routers=(NOWHERE,)))
    assert told.startswith("The floating address of server 'shop-front' cannot lead to subnet 'shop-subnet' at site 'remote'")
    assert found(manifest, shop.prepared_site()) == []


# What is not known


@pytest.mark.parametrize(("limit", "is_told"), [(0, True), (1, True), (2, False), (-1, False), (None, False)])
def test_more_routes_than_a_router_may_have_are_told(limit, is_told):
    routes = [{"destination": f"10.{number}.0.0/16", "nexthop": "10.10.0.9"} for number in (50, 51)]
    manifest = of_topology(lambda topology: topology["routers"][0].update(routes=routes))
    quotas = {**NO_QUOTAS, "network": {} if limit is None else {"router_route": Quota("router_route", limit, 0)}}
    assert [one.split(";")[0] for one in doubts(manifest, quotas=quotas)] == [
        f"At site 'remote', router 'shop-router' will lack its routes: it has 2, but {limit} are allowed"
    ] * is_told
    assert doubts(manifest, shop.prepared_site(), quotas=quotas) == []


@pytest.mark.parametrize(("roles", "is_told"), [(("member",), True), ((), True), (("admin", "member"), False)])
def test_what_only_administrators_set_is_told_to_all_others(roles, is_told):
    def special(document):
        document["topology"]["routers"][0]["is_ha"] = True
        document["servers"][0]["ports"][0]["profile"] = {"trusted": "true"}

    manifest = changed(special)
    where = "where only administrators may set that, as in Neutron's own policies. To avoid that, restore with credentials that may."
    named = [
        f"At site 'remote', router 'shop-router' will lack its ha {where}",
        f"At site 'remote', port {shop.MAC['shop-front']} of server 'shop-front' on network 'shop-net' will lack its binding:profile {where}",
    ]
    extensions = shop.EXTENSIONS | {"l3-ha"}
    assert doubts(manifest, shop.empty_site(extensions=extensions), roles=frozenset(roles)) == (named if is_told else [])
    # What is there already is as it is.
    assert doubts(manifest, shop.restored_site(extensions=extensions)) == []


def test_what_a_site_has_is_looked_for_in_its_place(monkeypatch):
    zones = {"ceph": frozenset({"az1"})}
    storage = SimpleNamespace(backups=list, backup=None, volume_types=lambda: {"ceph": "id"}, zones_of_types=lambda: zones, quotas=lambda: {"volumes": 1})
    storage.availability_zones, storage.multiattach_types = (lambda: ["of volumes"]), (lambda: {"ceph": True})
    compute = SimpleNamespace(quotas=lambda: {"cores": 2}, availability_zones=lambda: ["of servers"])
    network = SimpleNamespace(quotas=lambda: {"port": 3}, free_addresses=lambda: {"ext": 7})
    for name, service in (("BlockStorage", storage), ("Compute", compute), ("Networking", network)):
        monkeypatch.setattr(restore_stock, name, lambda _cloud, service=service: service)
    monkeypatch.setattr(restore_stock.methods, "look", lambda *_arguments: [])
    monkeypatch.setattr(restore_stock.restore_site, "look", lambda *_arguments: shop.empty_site())
    found = restore_stock.look(SimpleNamespace(site="remote", roles=frozenset({"member"})), 4)
    assert (found.volume_types, found.type_zones, found.free_addresses, found.unreadable) == (("ceph",), zones, {"ext": 7}, ())
    assert found.quotas == {"volume": {"volumes": 1}, "compute": {"cores": 2}, "network": {"port": 3}}
    assert found.zones == {"volume": ("of volumes",), "compute": ("of servers",)}
    assert found.multiattach_types == {"ceph": True}


def test_quotas_that_may_not_be_read_are_told_with_what_is_needed():
    assert doubts(unreadable=("compute",)) == [
        "The quotas of Nova at site 'remote' cannot be read with these credentials, so it is not known whether they are large enough. "
        "Needed are: cores 2, instances 2, key_pairs 1, ram 512, server_group_members 2, server_groups 1. Ask the site's operator."
    ]
    assert doubts(site=shop.restored_site(), unreadable=("volume", "compute", "network")) == []


@pytest.mark.parametrize(("status", "expected"), [(403, ("compute",)), (404, ("compute",)), (500, None)])
def test_only_a_refusal_means_that_quotas_may_not_be_read(monkeypatch, status, expected):
    def refuse():
        raise CloudError("No.", http_status=status)

    types = dict.fromkeys(("volume_types", "zones_of_types", "multiattach_types"), dict)
    storage = SimpleNamespace(cloud=cloud_with_images("remote"), backups=list, volumes=list, backup=None, quotas=dict, availability_zones=list, **types)
    monkeypatch.setattr(restore_stock, "BlockStorage", lambda _cloud: storage)
    monkeypatch.setattr(restore_stock, "Compute", lambda _cloud: SimpleNamespace(quotas=refuse, availability_zones=list))
    monkeypatch.setattr(restore_stock, "Networking", lambda _cloud: SimpleNamespace(quotas=dict, free_addresses=refuse if status == 403 else dict))
    monkeypatch.setattr(restore_stock.restore_site, "look", lambda *_given: shop.empty_site())
    cloud = SimpleNamespace(site="remote", roles=frozenset({"member"}))
    if expected is None:
        with pytest.raises(CloudError):
            restore_stock.look(cloud, 4)
    else:
        found = restore_stock.look(cloud, 4)
        assert (found.unreadable, found.quotas["compute"], found.roles) == (expected, {}, {"member"})


def test_a_router_that_does_not_translate_may_take_an_administrator():
    manifest = of_topology(lambda topology: topology["routers"][0].update(enable_snat=False))
    (told,) = doubts(manifest)
    assert told.startswith("Router 'shop-router' does not translate addresses (SNAT) at the source.")
    assert doubts(manifest, shop.prepared_site()) == doubts(manifest, shop.prepared_site(ports=())) == []
    inside = of_topology(lambda topology: topology["routers"][0].update(enable_snat=False, external_network=None))
    assert not [one for one in doubts(inside) if "SNAT" in one]


def test_keys_that_not_every_nova_takes_are_doubtful():
    manifest = of_topology(lambda topology: topology["key_pairs"][0].update(public_key="sk-ssh-ed25519@openssh.com AAAA shop"))
    (told,) = doubts(manifest)
    assert told.startswith("Key pair 'shop' is of the kind 'sk-ssh-ed25519@openssh.com', which not every Nova takes.")
    assert doubts(manifest, shop.prepared_site()) == []


@pytest.mark.parametrize("key", ["ssh-rsa A", "ssh-ed25519 A", *(f"ecdsa-sha2-nistp{bits} A" for bits in (256, 384, 521)), "-----BEGIN CERTIFICATE-----\nMII"])
def test_ordinary_keys_are_not_doubtful_nor_is_what_is_refused_anyhow(key):
    assert doubts(of_topology(lambda topology: topology["key_pairs"][0].update(public_key=key))) == []


@pytest.mark.parametrize(("left", "is_told"), [(2, True), (3, False), (None, False)])
def test_an_external_network_may_have_too_few_addresses(left, is_told):
    """Two floating addresses, and one of the router."""
    told = doubts(free_addresses={} if left is None else {"ext": left})
    assert [one.split(". ")[0] for one in told] == [
        "The external network 'public' at site 'remote' has 2 addresses left, but routers and floating addresses need 3"
    ] * is_told
    assert doubts(site=shop.restored_site(), free_addresses={"ext": 0}) == []


def test_addresses_that_forward_ports_are_counted_too_and_routers_that_are_there_are_not():
    document = shop.document()
    floating = {**shop.FLOATING, "network": "public"}
    forwarding = {"port": shop.uuid(221), "place": 0, "internal_port": 80, "external_port": 8080, "protocol": "tcp", "description": ""}
    document["topology"]["forwarders"] = [{"source_id": shop.uuid(72), "floating": floating, "forwardings": [forwarding]}]
    manifest = Manifest.parse(document)
    assert [one.split("addresses need ")[1][0] for one in doubts(manifest, free_addresses={"ext": 0})] == ["4"]
    assert [one.split("addresses need ")[1][0] for one in doubts(manifest, shop.prepared_site(ports=()), free_addresses={"ext": 0})] == ["3"]
    made = FloatingIp("fip", "10.88.2.9", description=shop.mark(72).text())
    restored = shop.restored_site()
    assert doubts(manifest, dataclasses.replace(restored, floating_ips=(*restored.floating_ips, made)), free_addresses={"ext": 0}) == []
    # A site without the network has a problem of its own.
    assert doubts(manifest, shop.empty_site(networks=()), free_addresses={"ext": 0}) == []


@pytest.mark.parametrize(("zones", "is_told"), [({"az1", "az2"}, True), ({"az1", "nova"}, False), (None, False)])
def test_a_volume_cannot_be_where_its_type_is_not(zones, is_told):
    told = found(type_zones={"ceph": frozenset(zones)} if zones else {})
    assert told == [
        "Volumes of type 'ceph' cannot be in availability zone 'nova' at site 'remote', only in az1, az2; say in a mapping which type or zone to use."
    ] * is_told


def test_only_volumes_that_are_made_where_somebody_said_are_looked_at():
    elsewhere = {"type_zones": {"ceph": frozenset({"az1"})}}
    assert found(site=shop.prepared_site(), **elsewhere) == []
    assert found(**elsewhere, zones={"volume": ("az1",), "compute": ("nova",)}) == []
    mixed = changed(lambda document: document["servers"][0]["volumes"][0].update(availability_zone=None))
    assert found(mixed, **elsewhere) == found(**elsewhere)
    anywhere = changed(lambda document: [volume.update(availability_zone=None) for server in document["servers"] for volume in server["volumes"]])
    assert found(anywhere, **elsewhere) == []
