# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import itertools
import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, Network, Router, SecurityGroup, SecurityGroupRule, Subnet
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.selection import chosen
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import as_restored
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.restore.losses import losses
from ansible_collections.osdr.openstack.plugins.module_utils.restore.networks import NetworkRestore, shown
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop

MARKS = ["osdr_application=shop", "osdr_checkpoint=noon"]
TEXT = " ".join(MARKS)
EGRESS = SecurityGroupRule("rule-egress", "egress", "IPv4")


class Neutron:
    """Neutron and Nova of a site; new security groups have a rule already, as Neutron's have."""

    #: That new networks get.
    mtu = 1442

    def __init__(self, site, failing=()):
        self.site, self.failing = site, set(failing)
        self.made, self.calls, self.tags = {}, [], {}
        self._lock = threading.Lock()

    def _note(self, *call):
        with self._lock:
            self.calls.append(call)

    def _create(self, collection, wanted):
        if wanted["name"] in self.failing:
            raise CloudError(f"No {wanted['name']}.")
        self._note("create", collection, wanted["name"])
        self.made[wanted["name"]] = wanted
        return f"new-{wanted['name']}"

    def set_tags(self, collection, resource_id, tags):
        with self._lock:
            self.tags[collection, resource_id] = tags

    def create_network(self, wanted):
        return Network(self._create("networks", wanted), wanted["name"], description=wanted["description"], mtu=self.mtu)

    def set_mtu(self, network_id, mtu):
        self._note("mtu", network_id, mtu)

    def set_service_types(self, subnet_id, types):
        self._note("service types", subnet_id, tuple(types))

    def create_subnet(self, wanted):
        made = self._create("subnets", wanted)
        return Subnet(made, wanted["name"], wanted["network_id"], wanted["cidr"], description=wanted["description"])

    def create_router(self, wanted):
        return Router(self._create("routers", wanted), wanted["name"], description=wanted["description"])

    def create_security_group(self, wanted):
        return SecurityGroup(self._create("security-groups", wanted), wanted["name"], description=wanted["description"], rules=(EGRESS,))

    def create_port(self, wanted):
        self._note("port", wanted["network_id"], tuple(sorted(wanted["fixed_ips"][0].items())), wanted["description"])
        return shop.port("interface", description=wanted["description"])

    def add_router_port(self, router_id, port_id):
        self._note("join by port", router_id, port_id)

    def set_routes(self, router_id, routes):
        self._note("routes", router_id, tuple((one["destination"], one["nexthop"]) for one in routes))

    def add_router_interface(self, router_id, subnet_id):
        self._note("join", router_id, subnet_id)
        return f"port-of-{router_id}"

    def describe_port(self, port_id, description):
        self._note("describe", port_id, description)

    def create_rules(self, wanted):
        self._note("rules", tuple(sorted((one["security_group_id"], one["port_range_min"], one["remote_group_id"]) for one in wanted)))

    def delete(self, collection, resource_id):
        self._note("delete", collection, resource_id)

    def create_server_group(self, name, policy, max_per_host):
        self._note("server group", name, policy, max_per_host)

    def create_key_pair(self, name, public_key):
        self._note("key pair", name, public_key)


@pytest.fixture
def apply():
    def run(site, manifest=None, whole=None):
        plan = RestorePlan.of(manifest or shop.manifest(), site.site, whole)
        NetworkRestore(site, site, plan, 8).apply()
        return shown(plan.lacking)

    return run


def test_everything_is_made_and_marked_where_nothing_is(apply):
    site = Neutron(shop.empty_site())
    made = apply(site)
    assert made == {
        "networks": ["shop-net"],
        "subnets": ["shop-subnet"],
        "routers": ["shop-router"],
        "security_groups": ["shop"],
        "key_pairs": ["shop"],
        "address_groups": [],
        "server_groups": ["shop-apart"],
    }
    assert {name: body["description"] for name, body in site.made.items()} == {
        "shop-net": TEXT, "shop-subnet": TEXT, "shop-router": TEXT, "shop": TEXT
    }
    assert {collection for collection, _id in site.tags} == {"networks", "subnets", "routers", "security-groups"}
    assert set(map(tuple, site.tags.values())) == {tuple(MARKS)}
    assert ("key pair", "shop", f"ssh-ed25519 AAAA shop {TEXT}") in site.calls
    assert ("server group", "shop-apart", "anti-affinity", None) in site.calls


def test_what_depends_on_something_comes_after_it(apply):
    site = Neutron(shop.empty_site())
    apply(site)
    order = [call[1:] for call in site.calls if call[0] == "create" and call[1] != "security-groups"]
    assert order == [("networks", "shop-net"), ("subnets", "shop-subnet"), ("routers", "shop-router")]
    assert site.made["shop-subnet"]["network_id"] == "new-shop-net"
    assert ("join", "new-shop-router", "new-shop-subnet") in site.calls


def test_a_subnet_is_made_as_the_manifest_has_it_but_for_the_addresses_that_its_ports_will_have(apply):
    site = Neutron(shop.empty_site())
    apply(site)
    assert site.made["shop-subnet"] == {
        "description": TEXT,
        "name": "shop-subnet",
        "network_id": "new-shop-net",
        "cidr": "10.10.0.0/24",
        "ip_version": 4,
        "gateway_ip": "10.10.0.1",
        "enable_dhcp": True,
        "allocation_pools": [
            {"start": "10.10.0.2", "end": "10.10.0.10"},
            {"start": "10.10.0.12", "end": "10.10.0.20"},
            {"start": "10.10.0.22", "end": "10.10.0.254"},
        ],
    }


def test_where_a_part_is_restored_the_addresses_of_the_rest_are_kept_free_too(apply):
    site = Neutron(shop.empty_site())
    apply(site, chosen(shop.manifest(), ["shop-front"]), whole=shop.manifest())
    assert site.made["shop-subnet"]["allocation_pools"] == [
        {"start": "10.10.0.2", "end": "10.10.0.10"},
        {"start": "10.10.0.12", "end": "10.10.0.20"},
        {"start": "10.10.0.22", "end": "10.10.0.254"},
    ]


def test_port_security_is_only_said_to_be_off(apply):
    assert "port_security_enabled" not in made_of(apply, lambda topology: None)["shop-net"]

    def switch_off(topology):
        topology["networks"][0]["port_security_enabled"] = False

    assert made_of(apply, switch_off)["shop-net"]["port_security_enabled"] is False


def test_a_group_is_only_said_to_be_stateless(apply):
    assert "stateful" not in made_of(apply, lambda topology: None)["shop"]

    def switch_off(topology):
        topology["security_groups"][0]["is_stateful"] = False

    assert made_of(apply, switch_off)["shop"]["stateful"] is False


@pytest.mark.parametrize(
    ("at_the_site", "is_set", "is_told"),
    [(1500, True, False), (1442, False, False), (1400, False, True), (0, False, False)],
    ids=["larger", "the same", "smaller", "not told"],
)
def test_a_network_takes_no_larger_packets_than_at_the_source(at_the_site, is_set, is_told):
    site = Neutron(shop.empty_site())
    site.mtu = at_the_site
    restore = NetworkRestore(site, site, RestorePlan.of(shop.manifest(), site.site), 8)
    restore.apply()
    assert (("mtu", "new-shop-net", 1442) in site.calls) is is_set
    assert ["has an MTU of 1400 at site 'remote' and 1442 at the source" in one for one in restore.warnings] == [True] * is_told


@pytest.mark.parametrize("at_the_site", [0, 1500])
def test_a_network_whose_largest_packets_the_source_did_not_tell_is_left_as_it_is(at_the_site):
    document = shop.document()
    document["topology"]["networks"][0]["mtu"] = 0
    site = Neutron(shop.empty_site())
    site.mtu = at_the_site
    restore = NetworkRestore(site, site, RestorePlan.of(Manifest.parse(document), site.site), 8)
    restore.apply()
    assert [call for call in site.calls if call[0] == "mtu"] == restore.warnings == []


def made_of(apply, change):
    """What is made of another manifest at a site that has nothing."""
    document = shop.document()
    change(document["topology"])
    site = Neutron(shop.empty_site())
    apply(site, Manifest.parse(document))
    return site.made


BACK_NET = Network("net2", "back-net", mtu=1442)
BACK_SUBNET = Subnet("sub2", "back-subnet", "net2", "10.11.0.0/24", description=TEXT, tags=tuple(MARKS))
SHOP_SUBNET = dataclasses.replace(shop.SUBNET, description=TEXT, tags=tuple(MARKS))


@pytest.mark.parametrize(
    ("network", "subnet", "made", "joined"),
    [
        pytest.param(shop.NETWORK, SHOP_SUBNET, "back", {"sub", "new-back-subnet"}, id="the first is there"),
        pytest.param(BACK_NET, BACK_SUBNET, "shop", {"new-shop-subnet", "sub2"}, id="the second is there"),
    ],
)
def test_each_subnet_is_on_its_own_network_and_joined_by_its_own_id(apply, network, subnet, made, joined):
    def add_another(topology):
        (net,), (sub,) = topology["networks"], topology["subnets"]
        topology["networks"].append({**net, "name": "back-net"})
        topology["subnets"].append({**sub, "name": "back-subnet", "network": "back-net", "cidr": "10.11.0.0/24", "allocation_pools": []})
        topology["subnets"][1].update(gateway_ip=None, ipv6_ra_mode=None)
        topology["routers"][0]["subnets"] = ["shop-subnet", "back-subnet"]

    document = shop.document()
    add_another(document["topology"])
    # One of them is there already, made by an earlier run.
    site = Neutron(shop.empty_site(networks=(shop.PUBLIC, network), subnets=(subnet,)))
    apply(site, Manifest.parse(document))
    assert site.made[f"{made}-subnet"]["network_id"] == f"new-{made}-net"
    assert {call[1:] for call in site.calls if call[0] == "join"} == {("new-shop-router", one) for one in joined}


def test_modes_of_addresses_are_said_where_there_are_any(apply):
    def six(topology):
        pools = [{"start": "fd00::2", "end": "fd00::ff"}]
        topology["subnets"][0].update(cidr="fd00::/64", ip_version=6, gateway_ip="fd00::1", allocation_pools=pools)
        topology["subnets"][0].update(ipv6_ra_mode="slaac", ipv6_address_mode="slaac")

    made = made_of(apply, six)["shop-subnet"]
    assert (made["ipv6_ra_mode"], made["ipv6_address_mode"], made["ip_version"]) == ("slaac", "slaac", 6)


def test_a_router_that_does_not_translate_says_so(apply):
    def plain(topology):
        topology["routers"][0]["enable_snat"] = False

    assert made_of(apply, plain)["shop-router"]["external_gateway_info"] == {"network_id": "ext", "enable_snat": False}


def test_the_whole_of_a_rule_is_made(apply):
    def more(topology):
        rule = {**shop.RULE, "direction": "egress", "ether_type": "IPv6", "remote_group": None, "remote_ip_prefix": "fd00::/64", "port_range_max": 5433}
        rule["description"] = "to the archive"
        topology["security_groups"][0].update(rules=[rule], description="What it serves")

    bodies = []
    site = Neutron(shop.empty_site())
    site.create_rules = bodies.extend
    document = shop.document()
    more(document["topology"])
    apply(site, Manifest.parse(document))
    assert bodies == [
        {
            "security_group_id": "new-shop",
            "description": "to the archive",
            "direction": "egress",
            "ethertype": "IPv6",
            "protocol": "tcp",
            "port_range_min": 5432,
            "port_range_max": 5433,
            "remote_ip_prefix": "fd00::/64",
            "remote_group_id": None,
        }
    ]
    assert site.made["shop"]["description"] == f"What it serves {TEXT}"


def test_a_router_leads_to_the_external_network_without_a_word_about_translation(apply):
    site = Neutron(shop.empty_site())
    apply(site)
    assert site.made["shop-router"]["external_gateway_info"] == {"network_id": "ext"}


def test_the_router_of_a_drill_leads_nowhere(apply):
    site = Neutron(shop.restored_site())
    apply(site, as_restored(shop.manifest(), SiteMapping(), "7").manifest)
    assert site.made.keys() == {"drill-7-shop-net", "drill-7-shop-subnet", "drill-7-shop-router", "drill-7-shop"}
    assert "external_gateway_info" not in site.made["drill-7-shop-router"]
    assert ("server group", "drill-7-shop-apart", "anti-affinity", None) in site.calls
    assert {call[1] for call in site.calls if call[0] == "join"} == {"new-drill-7-shop-router"}


def test_a_new_group_has_the_rules_of_the_source_and_no_others(apply):
    site = Neutron(shop.empty_site())
    apply(site)
    assert ("rules", (("new-shop", 5432, "new-shop"),)) in site.calls
    assert ("delete", "security-group-rules", "rule-egress") in site.calls


def test_a_group_that_is_there_gets_what_it_lacks_and_loses_the_rest(apply):
    other = dataclasses.replace(shop.GROUP_RULE, id="rule-22", port_range_min=22, port_range_max=22)
    site = Neutron(shop.prepared_site(security_groups=(dataclasses.replace(shop.GROUP, rules=(other,)),)))
    assert apply(site)["security_groups"] == ["shop"]
    assert site.calls == [("rules", (("sg", 5432, "sg"),)), ("delete", "security-group-rules", "rule-22")]


def test_of_several_rules_only_those_are_made_that_are_missing(apply):
    document = shop.document()
    document["topology"]["security_groups"][0]["rules"].append({**shop.RULE, "port_range_min": 22, "port_range_max": 22})
    site = Neutron(shop.prepared_site())
    apply(site, Manifest.parse(document))
    assert site.calls == [("rules", (("sg", 22, "sg"),))]


def test_a_router_that_is_there_gets_only_the_subnet_that_it_lacks(apply):
    site = Neutron(shop.prepared_site(ports=()))
    assert apply(site)["routers"] == ["shop-router"]
    # By a port with a mark: so it is known later who joined it.
    gateway = (("ip_address", "10.10.0.1"), ("subnet_id", "sub"))
    assert site.calls == [("port", "net", gateway, TEXT), ("join by port", "r", "port-interface")]


def test_an_interface_that_a_killed_run_left_is_joined(apply):
    left = shop.port("left", fixed_ips=(FixedIp("sub", "10.10.0.1"),), description=TEXT)
    site = Neutron(shop.prepared_site(ports=(left,)))
    apply(site)
    assert site.calls == [("join by port", "r", "port-left")]


@pytest.mark.parametrize("order", list(itertools.permutations(("first", "own", "other"))))
@pytest.mark.parametrize("left", [{"own": "10.10.0.9", "anywhere": "10.10.0.77"}, {"own": "10.10.0.9"}], ids=["two", "one"])
def test_an_interface_that_a_killed_run_left_is_joined_by_one_router(left, order):
    """By the one that is to have its address, or else by any; the others get ports of their own."""
    ports = [shop.port(name, fixed_ips=(FixedIp("sub", address),), description=TEXT) for name, address in left.items()]
    document = shop.document()
    (router,) = document["topology"]["routers"]
    own = [{"subnet": "shop-subnet", "ip_address": "10.10.0.9"}]
    document["topology"]["routers"] = [{**router, "name": name, "interface_addresses": own if name == "own" else []} for name in order]
    routers = tuple(dataclasses.replace(shop.ROUTER, id=name, name=name) for name in order)
    site = Neutron(shop.prepared_site(ports=tuple(ports), routers=routers))
    NetworkRestore(site, site, RestorePlan.of(Manifest.parse(document), site.site), 1).apply()
    joined_by = {call[1]: call[2] for call in site.calls if call[0] == "join by port"}
    assert joined_by["own"] == "port-own"
    assert {joined_by["first"], joined_by["other"]} == {"port-interface", *(["port-anywhere"] if "anywhere" in left else [])}


def test_a_second_run_makes_nothing(apply):
    site = Neutron(shop.prepared_site())
    assert not any(apply(site).values())
    assert site.calls == []


def test_what_fails_is_named_and_the_rest_is_made(apply):
    site = Neutron(shop.empty_site(), failing={"shop-net"})
    with pytest.raises(CloudError, match=r"No shop-net\."):
        apply(site)
    assert "shop" in site.made


def test_what_is_not_there_to_build_on_is_named(apply):
    site = Neutron(shop.empty_site(networks=()))
    with pytest.raises(NotFound, match="Site 'remote' has no external network 'public'"):
        apply(site)


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        pytest.param(lambda restore: restore._network_id("nowhere"), "network", id="network"),
        pytest.param(lambda restore: restore._subnet_id("nowhere"), "subnet", id="subnet"),
        pytest.param(lambda restore: restore._security_group_id("nowhere"), "security group", id="security group"),
    ],
)
def test_what_is_neither_there_nor_made_is_called_by_its_kind(ask, what):
    site = Neutron(shop.prepared_site())
    with pytest.raises(NotFound, match=f"Site 'remote' has no {what} 'nowhere'"):
        ask(NetworkRestore(site, site, RestorePlan.of(shop.manifest(), site.site), 8))


def test_where_something_would_be_made_on_what_others_share_nothing_is_made(apply):
    shared = dataclasses.replace(shop.NETWORK, project_id="theirs", is_shared=True)
    site = Neutron(shop.empty_site(networks=(shop.PUBLIC, shared)))
    with pytest.raises(CheckFailed, match="cannot be made at site 'remote': this step has changed nothing.*Subnet 'shop-subnet' does not exist"):
        apply(site, shop.mapped())
    assert site.calls == []


@pytest.mark.parametrize("is_shared", [True, False])
def test_a_router_gets_no_route_through_a_network_that_it_does_not_join(apply, is_shared):
    """Neutron takes none; what others share, only they join to a router."""
    document = shop.document()
    topology = document["topology"]
    topology["networks"].append({**topology["networks"][0], "name": "back-net"})
    back = {"name": "back-subnet", "network": "back-net", "cidr": "10.20.0.0/24", "gateway_ip": "10.20.0.1", "allocation_pools": []}
    topology["subnets"].append({**topology["subnets"][0], **back})
    routes = [{"destination": "10.9.0.0/16", "nexthop": "10.10.0.9"}]
    topology["routers"][0].update(subnets=["back-subnet", "shop-subnet"], routes=routes)
    network = dataclasses.replace(shop.NETWORK, is_shared=is_shared, project_id="theirs" if is_shared else shop.NETWORK.project_id)
    site = Neutron(shop.prepared_site(networks=(shop.PUBLIC, network), routers=(), ports=()))
    apply(site, shop.mapped(Manifest.parse(document)))
    assert [call for call in site.calls if call[0] == "routes"] == ([] if is_shared else [("routes", "new-shop-router", (("10.9.0.0/16", "10.10.0.9"),))])


@pytest.mark.parametrize(
    ("extension", "name", "attribute", "change", "told"),
    [
        (
            "port-security",
            "shop-net",
            "port_security_enabled",
            lambda topology: topology["networks"][0].update(port_security_enabled=False),
            "port security (port_security_enabled) of network 'shop-net' (off at the source) depends on the site: its Neutron has no extension port-security.",
        ),
        (
            "stateful-security-group",
            "shop",
            "stateful",
            lambda topology: topology["security_groups"][0].update(is_stateful=False),
            "security group 'shop' will lack its stateful (false): its Neutron has no extension stateful-security-group.",
        ),
    ],
)
def test_what_a_site_has_no_switch_for_is_not_sent_and_is_told(apply, extension, name, attribute, change, told):
    document = shop.document()
    change(document["topology"])
    manifest = Manifest.parse(document)
    site = Neutron(shop.empty_site(extensions=shop.EXTENSIONS - {extension}))
    apply(site, manifest)
    assert attribute not in site.made[name]
    assert f"At site 'remote', {told}" in losses(RestorePlan.of(manifest, site.site))
    assert losses(RestorePlan.of(manifest, shop.empty_site())) == []


# Interfaces of routers


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"fixed_ips": (FixedIp("other", "10.10.0.1"),)}, id="on another subnet"),
        pytest.param({"device_id": "server"}, id="that something has"),
        pytest.param({"description": "theirs"}, id="of somebody else"),
        pytest.param({"description": f"{TEXT} osdr_source={shop.uuid(11)}"}, id="of a server of this restore"),
    ],
)
def test_no_other_port_is_taken_for_an_interface_that_a_killed_run_left(apply, changes):
    values = {"fixed_ips": (FixedIp("sub", "10.10.0.7"),), "description": TEXT}
    site = Neutron(shop.prepared_site(ports=(shop.port("another", **{**values, **changes}),)))
    apply(site)
    assert [call[0] for call in site.calls] == ["port", "join by port"]


#: How an interface is asked for, but for its address.
INTERFACE = {"name": "", "description": TEXT, "network_id": "net", "security_group_ids": []}


def joined(topology=lambda topology: None, refuses=False, **changes):
    """How a router is joined to its subnet, and what is told of that."""
    document, addresses = shop.document(), []
    topology(document["topology"])
    site = Neutron(shop.prepared_site(ports=(), **changes))

    def create_port(body):
        addresses.append(body["fixed_ips"])
        assert body == {**INTERFACE, "fixed_ips": body["fixed_ips"]}
        if refuses and "ip_address" in body["fixed_ips"][0]:
            raise CloudError("IP address is in use.", http_status=409)
        return shop.port("interface")

    site.create_port = create_port
    restore = NetworkRestore(site, site, RestorePlan.of(Manifest.parse(document), site.site), 8)
    restore.apply()
    return addresses, [call[0] for call in site.calls], restore.warnings


def test_an_interface_whose_address_is_taken_gets_another_one_with_a_warning():
    addresses, calls, warnings = joined(refuses=True)
    assert (addresses, calls) == ([[{"subnet_id": "sub", "ip_address": "10.10.0.1"}], [{"subnet_id": "sub"}]], ["join by port"])
    told = "An interface of router 'shop-router' at site 'remote' is without the address 10.10.0.1 (interfaces), which the site refuses: IP address is in use."
    assert warnings == [told]


def test_an_interface_on_a_subnet_without_a_gateway_gets_any_address():
    addresses, _calls, warnings = joined(lambda topology: topology["subnets"][0].update(gateway_ip=None))
    assert (addresses, ["gateway_ip" in one for one in warnings]) == ([[{"subnet_id": "sub"}]], [True])


def test_a_router_of_the_restore_has_the_address_of_the_gateway_or_the_one_that_it_had():
    ours = dataclasses.replace(shop.ROUTER, description=TEXT, tags=tuple(MARKS))
    assert joined(routers=(ours,), subnets=(SHOP_SUBNET,)) == ([], ["join"], [])
    own = [{"subnet": "shop-subnet", "ip_address": "10.10.0.9"}]
    addresses, calls, _warnings = joined(lambda topology: topology["routers"][0].update(interface_addresses=own), routers=(ours,))
    assert (addresses, calls) == ([[{"subnet_id": "sub", "ip_address": "10.10.0.9"}]], ["join by port"])


def test_on_a_subnet_that_stays_a_router_of_the_restore_is_the_gateway_by_an_interface_that_bears_its_mark():
    ours, theirs = dataclasses.replace(shop.ROUTER, description=TEXT), dataclasses.replace(shop.SUBNET, gateway_ip="10.10.0.254")
    addresses, calls, _warnings = joined(routers=(ours,), subnets=(theirs,))
    assert (addresses, calls) == ([[{"subnet_id": "sub", "ip_address": "10.10.0.254"}]], ["join by port"])


def test_where_ports_get_automatic_addresses_the_interface_gets_the_mark_afterwards(apply):
    ours = dataclasses.replace(shop.ROUTER, description=TEXT, tags=tuple(MARKS))
    further = Subnet("six", "six", "net", "fd00::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    site = Neutron(shop.prepared_site(ports=(), routers=(ours,), subnets=(shop.SUBNET, further)))
    apply(site)
    assert site.calls == [("join", "r", "sub"), ("describe", "port-of-r", TEXT)]


# What a killed run has left


def test_routes_are_added_to_those_that_somebody_else_has_added():
    routes = [{"destination": f"10.{one}.0.0/16", "nexthop": "10.10.0.77"} for one in (98, 99)]
    theirs = {"destination": "10.1.0.0/16", "nexthop": "10.10.0.1"}
    ours = dataclasses.replace(shop.ROUTER, description=TEXT, tags=tuple(MARKS), routes=(theirs, routes[0]))
    document = shop.document()
    document["topology"]["routers"][0]["routes"] = routes
    for extensions, expected in ((shop.EXTENSIONS, 1), (shop.EXTENSIONS - {"extraroute"}, 0)):
        site = Neutron(shop.prepared_site(routers=(ours,), extensions=extensions))
        NetworkRestore(site, site, RestorePlan.of(Manifest.parse(document), site.site), 8).apply()
        told = tuple((one["destination"], one["nexthop"]) for one in (theirs, *routes))
        assert site.calls == [("routes", "r", told)] * expected


def test_tags_are_added_to_those_that_somebody_else_has_added(apply):
    ours = dataclasses.replace(shop.NETWORK, description=TEXT, tags=("theirs", MARKS[0]))
    site = Neutron(shop.prepared_site(networks=(shop.PUBLIC, ours)))
    apply(site)
    assert (site.calls, site.tags) == ([], {("networks", "net"): ["theirs", *MARKS]})


@pytest.mark.parametrize(
    ("types", "calls"),
    [
        pytest.param((), [("service types", "sub", ("compute:nova",))], id="as the killed run left it"),
        pytest.param(("compute:az9",), [], id="changed by somebody"),
    ],
)
def test_an_unfinished_subnet_gets_the_service_types_of_the_source_before_its_tags(apply, types, calls):
    document = shop.document()
    document["topology"]["subnets"][0]["service_types"] = ["compute:nova"]
    ours = dataclasses.replace(shop.SUBNET, description=TEXT, service_types=types)
    site = Neutron(shop.prepared_site(subnets=(ours,), extensions=shop.EXTENSIONS | {"subnet-service-types"}))
    apply(site, Manifest.parse(document))
    assert (site.calls, site.tags) == (calls, {("subnets", "sub"): MARKS})


def test_an_unfinished_network_gets_the_mtu_of_the_source(apply):
    ours = dataclasses.replace(shop.NETWORK, description=TEXT, tags=tuple(MARKS), mtu=9000)
    site = Neutron(shop.prepared_site(networks=(shop.PUBLIC, ours)))
    apply(site)
    assert site.calls == [("mtu", "net", 1442)]


def test_the_gateway_of_a_router_gets_all_that_it_had_in_one_request(apply):
    outside = Subnet("out", "outside", "ext", "10.88.2.0/24")
    document = shop.document()
    document["topology"]["routers"][0].update(gateway_addresses=["10.88.2.7"], enable_snat=False)
    site = Neutron(shop.empty_site(subnets=(outside,)))
    apply(site, Manifest.parse(document))
    assert site.made["shop-router"]["external_gateway_info"] == {
        "network_id": "ext",
        "external_fixed_ips": [{"ip_address": "10.88.2.7"}],
        "enable_snat": False,
    }


def test_a_gateway_that_gets_less_than_it_had_is_told_by_what_it_lacks():
    document = shop.document()
    document["topology"]["routers"][0].update(enable_snat=False, is_ha=True)
    site = Neutron(shop.empty_site())
    make = site.create_router

    def create_router(body):
        if "enable_snat" in body["external_gateway_info"]:
            raise CloudError("rule:create_router:external_gateway_info:enable_snat is disallowed by policy", http_status=403)
        return make(body)

    site.create_router = create_router
    restore = NetworkRestore(site, site, RestorePlan.of(Manifest.parse(document), site.site), 8)
    restore.apply()
    assert site.made["shop-router"]["ha"] is True
    assert site.made["shop-router"]["external_gateway_info"] == {"network_id": "ext"}
    assert [one.split(", which")[0] for one in restore.warnings] == ["Router 'shop-router' at site 'remote' is without enable_snat"]
