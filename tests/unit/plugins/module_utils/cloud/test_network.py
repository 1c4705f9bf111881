# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter against HTTP answers as Neutron gives them."""

from __future__ import annotations

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.network import Networking
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import (
    FixedIp,
    FloatingIp,
    Network,
    Port,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)

NEUTRON = "http://neutron.example/v2.0"
MARKS = ["osdr_application=shop", "osdr_checkpoint=noon"]


@pytest.fixture
def network(requests_mock):
    version = {"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": NEUTRON}]}
    for url in ("http://neutron.example/", NEUTRON, f"{NEUTRON}/"):
        requests_mock.get(url, json={"versions": [version]})
    connection = openstack.connect(auth_type="none", endpoint=NEUTRON, network_endpoint_override=NEUTRON)
    cloud = Cloud(connection, "remote")
    cloud.__dict__["project_id"] = "p1"
    return Networking(cloud)


def neutron_port(**changes):
    return {
        "id": "p1",
        "name": "front",
        "network_id": "n1",
        "mac_address": "fa:16:3e:00:00:01",
        "status": "ACTIVE",
        "device_id": "s1",
        "device_owner": "compute:nova",
        "fixed_ips": [{"subnet_id": "sub1", "ip_address": "10.0.0.11"}],
        "security_groups": ["sg1"],
        "port_security_enabled": True,
        "allowed_address_pairs": [{"ip_address": "10.0.0.99"}],
        "tags": MARKS,
        "description": "shop",
        "project_id": "p1",
        **changes,
    }


def test_a_port_is_read_completely(network, requests_mock):
    requests_mock.get(f"{NEUTRON}/ports", json={"ports": [neutron_port()]})
    (found,) = network.ports()
    assert dict(found.allowed_address_pairs[0])["ip_address"] == "10.0.0.99"
    assert found == Port(
        id="p1",
        name="front",
        network_id="n1",
        mac_address="fa:16:3e:00:00:01",
        status="ACTIVE",
        device_id="s1",
        fixed_ips=(FixedIp("sub1", "10.0.0.11"),),
        security_group_ids=("sg1",),
        port_security=True,
        allowed_address_pairs=found.allowed_address_pairs,
        tags=tuple(MARKS),
        description="shop",
        device_owner="compute:nova",
        project_id="p1",
    )


def test_what_a_port_does_not_say_is_empty(network, requests_mock):
    bare = {"id": "p1", "network_id": "n1", "mac_address": "fa:16:3e:00:00:01"}
    requests_mock.get(f"{NEUTRON}/ports", json={"ports": [bare]})
    assert network.ports() == [Port("p1", "", "n1", "fa:16:3e:00:00:01", "", "", (), (), True, (), (), "")]


@pytest.mark.parametrize(("said", "is_on"), [({"port_security_enabled": True}, True), ({"port_security_enabled": False}, False), ({}, True)])
def test_port_security_is_on_unless_it_is_said_to_be_off(network, requests_mock, said, is_on):
    """A site without the extension says nothing."""
    port = {key: value for key, value in neutron_port().items() if key != "port_security_enabled"}
    requests_mock.get(f"{NEUTRON}/ports", json={"ports": [{**port, **said}]})
    assert network.ports()[0].port_security is is_on


# Of whom things are


def neutron_network(name, project="p1", **changes):
    return {"id": name, "name": name, "project_id": project, "router:external": False, "shared": False, **changes}


NETWORKS = [
    neutron_network("mine"),
    neutron_network("shared", "p2", shared=True),
    neutron_network("public", "p2", **{"router:external": True}),
    neutron_network("theirs", "p2"),
]


def test_networks_are_the_projects_own_and_those_that_it_may_use(network, requests_mock):
    """An administrator sees all of them."""
    requests_mock.get(f"{NEUTRON}/networks", json={"networks": NETWORKS})
    assert network.networks() == [
        Network("mine", "mine", "p1"), Network("shared", "shared", "p2", is_shared=True), Network("public", "public", "p2", is_external=True)
    ]


def test_subnets_are_those_of_these_networks(network, requests_mock):
    requests_mock.get(f"{NEUTRON}/networks", json={"networks": NETWORKS})
    there = [{"id": f"s-{one['id']}", "network_id": one["id"], "cidr": "10.0.0.0/24", "ip_version": 4, "enable_dhcp": True} for one in NETWORKS]
    requests_mock.get(f"{NEUTRON}/subnets", json={"subnets": there})
    assert [one.id for one in network.subnets()] == ["s-mine", "s-shared", "s-public"]


@pytest.mark.parametrize(("collection", "method"), [("routers", "routers"), ("floatingips", "floating_ips"), ("ports", "ports")])
def test_what_cannot_be_shared_is_asked_for_by_its_project(network, requests_mock, collection, method):
    requests_mock.get(f"{NEUTRON}/{collection}", json={collection: []})
    assert getattr(network, method)() == []
    assert requests_mock.last_request.qs == {"project_id": ["p1"]}


def test_security_groups_are_the_projects_own_and_those_that_are_shared(network, requests_mock):
    groups = [
        {"id": "mine", "name": "shop", "project_id": "p1"},
        {"id": "shared", "name": "shop", "project_id": "p2", "shared": True},
        {"id": "theirs", "name": "shop", "project_id": "p2", "shared": False},
        {"id": "unsaid", "name": "shop", "project_id": "p2"},
    ]
    requests_mock.get(f"{NEUTRON}/security-groups", json={"security_groups": groups})
    assert [(one.id, one.is_shared) for one in network.security_groups()] == [("mine", False), ("shared", True)]


def test_ports_of_others_are_looked_for_on_networks_that_servers_may_be_on(network, requests_mock):
    requests_mock.get(f"{NEUTRON}/networks", json={"networks": NETWORKS})
    ports = [neutron_port(id="mine"), neutron_port(id="theirs", project_id="p2"), neutron_port(id="neutrons", project_id="")]
    listed = requests_mock.get(f"{NEUTRON}/ports", json={"ports": ports})
    assert [one.id for one in network.ports_of_others()] == ["theirs", "neutrons"]
    assert listed.last_request.qs == {"network_id": ["mine", "shared"]}


def test_many_networks_are_asked_for_in_several_requests(network, requests_mock):
    many = [neutron_network(f"n{number}") for number in range(120)]
    requests_mock.get(f"{NEUTRON}/networks", json={"networks": many})
    listed = requests_mock.get(f"{NEUTRON}/ports", json={"ports": []})
    network.ports_of_others()
    assert [len(one.qs["network_id"]) for one in listed.request_history] == [50, 50, 20]


# What they are


def test_a_network_is_read_completely(network, requests_mock):
    told = neutron_network("mine", description="shop", mtu=1442, port_security_enabled=False)
    requests_mock.get(f"{NEUTRON}/networks", json={"networks": [told]})
    assert network.networks() == [Network("mine", "mine", "p1", "shop", 1442, port_security=False)]


def test_a_subnet_is_read_completely(network, requests_mock):
    pool, route = {"start": "fd00::2", "end": "fd00::ff"}, {"destination": "fd01::/64", "nexthop": "fd00::9"}
    told = {
        "id": "s",
        "name": "six",
        "network_id": "mine",
        "cidr": "fd00::/64",
        "project_id": "p1",
        "description": "shop",
        "ip_version": 6,
        "gateway_ip": "fd00::1",
        "enable_dhcp": False,
        "dns_nameservers": ["fd00::53"],
        "allocation_pools": [pool],
        "host_routes": [route],
        "ipv6_ra_mode": "slaac",
        "ipv6_address_mode": "dhcpv6-stateless",
    }
    requests_mock.get(f"{NEUTRON}/networks", json={"networks": NETWORKS})
    requests_mock.get(f"{NEUTRON}/subnets", json={"subnets": [told]})
    assert network.subnets() == [
        Subnet(
            "s", "six", "mine", "fd00::/64", "p1", "shop", 6, "fd00::1", False, ("fd00::53",), (pool,), (route,), "slaac", "dhcpv6-stateless"
        )
    ]


@pytest.mark.parametrize(
    ("gateway", "leads_to", "translates"),
    [({"network_id": "ext", "enable_snat": False}, "ext", False), ({"network_id": "ext"}, "ext", True), (None, None, True)],
)
def test_a_router_is_read_completely(network, requests_mock, gateway, leads_to, translates):
    told = {"id": "r", "name": "router", "project_id": "p1", "description": "shop", "external_gateway_info": gateway}
    requests_mock.get(f"{NEUTRON}/routers", json={"routers": [told]})
    assert network.routers() == [Router("r", "router", "p1", "shop", leads_to, translates)]


def test_a_security_group_is_read_with_its_rules(network, requests_mock):
    rule = {
        "id": "rule",
        "description": "from the front",
        "direction": "ingress",
        "ethertype": "IPv4",
        "protocol": "tcp",
        "port_range_min": 22,
        "port_range_max": 23,
        "remote_ip_prefix": "10.0.0.0/8",
        "remote_group_id": "g2",
        "remote_address_group_id": "a",
    }
    told = {"id": "g", "name": "shop", "project_id": "p1", "description": None, "security_group_rules": [rule]}
    requests_mock.get(f"{NEUTRON}/security-groups", json={"security_groups": [told]})
    expected = SecurityGroupRule("rule", "ingress", "IPv4", "tcp", 22, 23, "10.0.0.0/8", "g2", "a", "from the front")
    assert network.security_groups() == [SecurityGroup("g", "shop", "p1", rules=(expected,))]


def test_a_floating_address_is_read_completely(network, requests_mock):
    told = {
        "id": "f",
        "floating_ip_address": "10.88.0.9",
        "port_id": "p",
        "floating_network_id": "ext",
        "fixed_ip_address": "10.0.0.11",
        "project_id": "p1",
        "description": "shop",
        "tags": MARKS,
    }
    requests_mock.get(f"{NEUTRON}/floatingips", json={"floatingips": [told]})
    assert network.floating_ips() == [FloatingIp("f", "10.88.0.9", "p", "ext", "10.0.0.11", "p1", "shop", tuple(MARKS))]


def test_what_a_site_lists_in_pages_is_read_whole(network, requests_mock):
    more = [{"rel": "next", "href": "http://internal.example/"}]
    back = [{"rel": "previous", "href": "http://internal.example/"}]
    pages = [
        {"json": {"routers": [{"id": "a"}, {"id": "b"}], "routers_links": more}},
        {"json": {"routers": [{"id": "c"}], "routers_links": [*back, *more]}},
        {"json": {"routers": [], "routers_links": back}},
        {"status_code": 400},
    ]
    listed = requests_mock.get(f"{NEUTRON}/routers", pages)
    assert [one.id for one in network.routers()] == ["a", "b", "c"]
    assert [one.qs for one in listed.request_history] == [
        {"project_id": ["p1"]},
        {"project_id": ["p1"], "marker": ["b"]},
        {"project_id": ["p1"], "marker": ["c"]},
    ]


# Making and changing


def test_a_port_is_made(network, requests_mock):
    posted = requests_mock.post(f"{NEUTRON}/ports", status_code=201, json={"port": neutron_port(tags=[])})
    made = network.create_port({"name": "front", "network_id": "n1", "security_group_ids": ["sg1"]})
    assert posted.last_request.json() == {"port": {"name": "front", "network_id": "n1", "security_groups": ["sg1"]}}
    assert (made.id, made.tags) == ("p1", ())


def test_a_floating_address_is_allocated_for_its_port(network, requests_mock):
    made = {"id": "f1", "floating_ip_address": "10.88.0.9", "floating_network_id": "ext", "port_id": "p1", "tags": []}
    posted = requests_mock.post(f"{NEUTRON}/floatingips", status_code=201, json={"floatingip": made})
    wanted = {"floating_network_id": "ext", "port_id": "p1", "fixed_ip_address": "10.0.0.11", "description": "shop"}
    assert network.create_floating_ip(wanted) == FloatingIp("f1", "10.88.0.9", "p1", "ext")
    assert posted.last_request.json() == {"floatingip": wanted}


def test_tags_are_replaced_as_a_whole(network, requests_mock):
    put = requests_mock.put(f"{NEUTRON}/security-groups/sg1/tags", json={"tags": MARKS})
    network.set_tags("security-groups", "sg1", tuple(MARKS))
    assert put.last_request.json() == {"tags": MARKS}


def test_what_a_floating_address_forwards_goes_before_it(network, requests_mock):
    forwarded = requests_mock.delete(f"{NEUTRON}/floatingips/x/port_forwardings/web", status_code=204)
    requests_mock.get(f"{NEUTRON}/floatingips/x/port_forwardings", json={"port_forwardings": [{"id": "web"}]})
    released = requests_mock.delete(f"{NEUTRON}/floatingips/x", status_code=204)
    network.delete_floating_ip("x")
    assert [one.path for one in requests_mock.request_history[-2:]] == [forwarded.last_request.path, released.last_request.path]


@pytest.mark.parametrize(("path", "delete"), [("ports", "delete_port"), ("floatingips", "delete_floating_ip")])
def test_what_is_gone_is_deleted_already(network, requests_mock, path, delete):
    requests_mock.get(f"{NEUTRON}/{path}/x/port_forwardings", status_code=404)
    requests_mock.delete(f"{NEUTRON}/{path}/x", status_code=404, json={"NeutronError": {"message": "no", "type": "NotFound", "detail": ""}})
    getattr(network, delete)("x")
    requests_mock.delete(f"{NEUTRON}/{path}/x", status_code=204)
    getattr(network, delete)("x")


@pytest.mark.parametrize(
    ("method", "path", "call", "told"),
    [
        ("GET", "networks", lambda network: network.networks(), "list networks"),
        ("POST", "ports", lambda network: network.create_port({"name": "front"}), "create port front"),
        ("POST", "floatingips", lambda network: network.create_floating_ip({"port_id": "p1"}), "allocate a floating address for port p1"),
        ("PUT", "routers/r1/tags", lambda network: network.set_tags("routers", "r1", []), "mark one of the routers, r1"),
        ("POST", "networks", lambda network: network.create_network({"name": "net"}), "create one of the networks, net"),
        ("DELETE", "subnets/s1", lambda network: network.delete("subnets", "s1"), "delete one of the subnets, s1"),
        ("PUT", "routers/r1/add_router_interface", lambda network: network.add_router_interface("r1", "s1"), "join subnet s1 to router r1"),
        ("PUT", "routers/r1/remove_router_interface", lambda network: network.remove_router_interface("r1", "p1"), "remove port p1 from router r1"),
        ("POST", "security-group-rules", lambda network: network.create_rules([{}, {}]), "create 2 rules of security groups"),
        ("DELETE", "ports/p1", lambda network: network.delete_port("p1"), "delete port p1"),
    ],
)
def test_a_refusal_names_site_and_reason(network, requests_mock, method, path, call, told):
    refusal = {"NeutronError": {"message": "Address already in use.", "type": "Conflict", "detail": ""}}
    requests_mock.register_uri(method, f"{NEUTRON}/{path}", status_code=409, json=refusal)
    with pytest.raises(CloudError, match=f"Site 'remote' could not {told}: .*already in use") as raised:
        call(network)
    assert raised.value.http_status == 409


def test_quotas_are_those_of_the_project_with_what_is_reserved(network, requests_mock):
    details = {"port": {"limit": 10, "used": 7, "reserved": 1}, "router": {"limit": -1, "used": 3, "reserved": 0}}
    requests_mock.get(f"{NEUTRON}/quotas/p1/details", json={"quota": details})
    quotas = network.quotas()
    assert (quotas["port"].shortfall(2), quotas["port"].shortfall(3), quotas["router"].shortfall(99)) == (0, 1, 0)


@pytest.mark.parametrize(
    ("collection", "singular", "answer"),
    [
        ("networks", "network", {}),
        ("subnets", "subnet", {"network_id": "n", "cidr": "10.0.0.0/24", "ip_version": 4, "enable_dhcp": True}),
        ("routers", "router", {}),
        ("security-groups", "security_group", {}),
        ("trunks", "trunk", {"port_id": "p1"}),
    ],
)
def test_a_resource_is_made(network, requests_mock, collection, singular, answer):
    wanted = {"name": "shop", "description": " ".join(MARKS)}
    posted = requests_mock.post(f"{NEUTRON}/{collection}", status_code=201, json={singular: {**wanted, **answer, "id": "x"}})
    made = getattr(network, f"create_{singular}")(wanted)
    assert (made.id, made.name, made.description) == ("x", "shop", " ".join(MARKS))
    assert posted.last_request.json() == {singular: wanted}


def test_a_resource_or_an_interface_that_is_gone_is_removed_already(network, requests_mock):
    gone = {"NeutronError": {"message": "no", "type": "NotFound", "detail": ""}}
    requests_mock.delete(f"{NEUTRON}/security-groups/x", status_code=404, json=gone)
    requests_mock.put(f"{NEUTRON}/routers/r1/remove_router_interface", status_code=404, json=gone)
    network.delete("security-groups", "x")
    network.remove_router_interface("r1", "p1")


def test_rules_are_made_in_one_request(network, requests_mock):
    rules = [{"security_group_id": "sg1", "direction": "ingress"}, {"security_group_id": "sg1", "direction": "egress"}]
    posted = requests_mock.post(f"{NEUTRON}/security-group-rules", status_code=201, json={"security_group_rules": []})
    network.create_rules(rules)
    assert posted.last_request.json() == {"security_group_rules": rules}


def test_a_port_is_described_anew(network, requests_mock):
    requests_mock.put(f"{NEUTRON}/ports/p1", json={"port": neutron_port(description="new")})
    network.describe_port("p1", "new")
    assert requests_mock.last_request.json() == {"port": {"description": "new"}}


def test_everything_that_neutron_says_is_listed_page_by_page(network, requests_mock):
    more = {"security_groups_links": [{"rel": "next", "href": "elsewhere"}]}
    pages = [{"json": {"security_groups": [{"id": "g1", "stateful": False}], **more}}, {"json": {"security_groups": [{"id": "g2"}]}}]
    asked = requests_mock.get(f"{NEUTRON}/security-groups", pages)
    assert network.answers("security-groups") == [{"id": "g1", "stateful": False}, {"id": "g2"}]
    assert asked.last_request.qs["marker"] == ["g1"]


def test_a_port_that_is_down_and_of_another_kind_is_so(network, requests_mock):
    requests_mock.get(f"{NEUTRON}/ports", json={"ports": [neutron_port(), neutron_port(**{"admin_state_up": False, "binding:vnic_type": "direct"})]})
    usual, other = network.ports()
    assert (usual.is_up, usual.vnic_type) == (True, "normal")
    assert (other.is_up, other.vnic_type) == (False, "direct")


@pytest.mark.parametrize(("said", "is_stateful"), [({}, True), ({"stateful": True}, True), ({"stateful": False}, False)])
def test_a_group_is_stateful_unless_it_is_said_not_to_be(network, requests_mock, said, is_stateful):
    requests_mock.get(f"{NEUTRON}/security-groups", json={"security_groups": [{"id": "g1", "project_id": "p1", **said}]})
    assert [one.is_stateful for one in network.security_groups()] == [is_stateful]


def test_the_mtu_of_a_network_is_set(network, requests_mock):
    put = requests_mock.put(f"{NEUTRON}/networks/n1", json={"network": {"id": "n1"}})
    network.set_mtu("n1", 1442)
    assert put.last_request.json() == {"network": {"mtu": 1442}}


def test_the_pools_of_a_subnet_are_replaced(network, requests_mock):
    put = requests_mock.put(f"{NEUTRON}/subnets/s1", json={"subnet": {"id": "s1"}})
    network.set_pools("s1", [{"start": "10.0.0.2", "end": "10.0.0.9"}])
    assert put.last_request.json() == {"subnet": {"allocation_pools": [{"start": "10.0.0.2", "end": "10.0.0.9"}]}}


def test_the_service_types_of_a_subnet_are_set(network, requests_mock):
    put = requests_mock.put(f"{NEUTRON}/subnets/s1", json={"subnet": {"id": "s1"}})
    network.set_service_types("s1", ("compute:nova",))
    assert put.last_request.json() == {"subnet": {"service_types": ["compute:nova"]}}


def test_what_is_left_of_a_network_is_counted_for_ipv4(network, requests_mock):
    figures = ((4, 10, 7), (4, 2, 5), (6, 99, 0))
    parts = [dict(zip(("ip_version", "total_ips", "used_ips"), one, strict=True)) for one in figures]
    listed = {"network_ip_availabilities": [{"network_id": "ext", "subnet_ip_availability": parts}]}
    requests_mock.get(f"{NEUTRON}/network-ip-availabilities", json=listed)
    assert network.free_addresses() == {"ext": 3}


def test_a_network_is_shared_with_a_project(network, requests_mock):
    posted = requests_mock.post(f"{NEUTRON}/rbac-policies", status_code=201, json={"rbac_policy": {"id": "r1"}})
    network.share_network("n1", "p2")
    wanted = {"object_type": "network", "object_id": "n1", "action": "access_as_shared", "target_tenant": "p2"}
    assert posted.last_request.json() == {"rbac_policy": wanted}


def test_with_whom_a_network_is_shared(network, requests_mock):
    shares = [
        {"id": "r1", "action": "access_as_shared", "target_tenant": "p2"},
        {"id": "r2", "action": "access_as_shared", "target_tenant": "p3", "target_project": "p3"},
        {"id": "r3", "action": "access_as_external", "target_tenant": "p4"},
    ]
    asked = requests_mock.get(f"{NEUTRON}/rbac-policies?object_type=network&object_id=n1", json={"rbac_policies": shares})
    assert network.sharers("n1") == {"p2", "p3"}
    assert asked.called
