# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.capture.inspection import Answers, inspect
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.tests.unit.support import shop

IP = {"subnet_id": "sub", "ip_address": "10.0.0.11"}


def nova_server(**changes):
    addresses = {"shop-net": [{"OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01", "addr": "10.0.0.11"}]}
    return {"id": "s1", "name": "front", "status": "ACTIVE", "addresses": addresses, "flavor": {}, **changes}


def neutron_port(port_id="p1", **changes):
    return {"id": port_id, "name": "", "network_id": "net", "device_id": "s1", "mac_address": "fa:16:3e:00:00:01", "fixed_ips": [IP], **changes}


def group(group_id="sg", name="shop", **changes):
    return {"id": group_id, "name": name, "security_group_rules": [], **changes}


TIDY = Answers(
    servers=[nova_server(), nova_server(id="s2", name="stranger", locked=True)],
    volumes=[{"id": "v1", "name": "boot", "attachments": [{"server_id": "s1"}]}, {"id": "v2", "description": "x", "attachments": []}],
    ports=[
        neutron_port(security_groups=["sg"]),
        neutron_port("p2", device_id="s2", network_id="other", dns_name="stranger"),
        neutron_port("p3", device_id="r1", device_owner="network:router_interface"),
    ],
    floating_ips=[{"id": "f1", "floating_ip_address": "203.0.113.1", "port_id": "p1"}],
    networks=[{"id": "net", "name": "shop-net"}, {"id": "other", "name": "other-net", "dns_domain": "x."}],
    subnets=[{"id": "sub", "name": "shop-subnet", "network_id": "net"}, {"id": "o", "name": "o", "network_id": "other", "tags": ["x"]}],
    routers=[{"id": "r1", "name": "shop-router"}, {"id": "r2", "name": "other", "routes": [1]}],
    security_groups=[group(), group("sg2", "other", tags=["x"])],
    server_groups=[{"id": "g", "name": "apart", "policy": "anti-affinity", "members": ["s1"]}],
)


def found(**changes):
    return [str(one) for one in inspect({"s1"}, dataclasses.replace(TIDY, **changes))]


def test_a_tidy_application_misses_nothing_whatever_stands_around_it():
    assert found() == []


MACS = ("fa:16:3e:00:00:01", "fa:16:3e:00:00:02", "fa:16:3e:00:00:03")


@pytest.mark.parametrize(
    ("networks", "listed", "is_told"),
    [
        (["net", "net2"], MACS, False),
        (["net", "net"], MACS, False),
        (["net", "net2"], MACS[:1], True),
        (["net"], (), False),
        (["net", "net2", "net"], MACS, True),
    ],
    ids=["one on each network", "all on one network", "one without an address", "a single one", "several on one of several networks"],
)
def test_it_is_told_where_nova_does_not_show_the_order_of_interfaces(networks, listed, is_told):
    ports = [neutron_port(f"p{mac}", mac_address=mac, network_id=network) for mac, network in zip(MACS, networks, strict=False)]
    addresses = {"some": [{"OS-EXT-IPS-MAC:mac_addr": mac, "addr": "10.0.0.11"} for mac in listed if mac in {one["mac_address"] for one in ports}]}
    told = found(ports=ports, servers=[nova_server(addresses=addresses)], floating_ips=[])
    assert [one.startswith(f"server 'front': order of interfaces ({len(ports)} interfaces); Nova does not show all of it") for one in told] == [True] * is_told


def test_each_kind_of_resource_is_looked_through():
    assert found(servers=[nova_server(trusted_image_certificates=["c1"], flavor={"ephemeral": 5})]) == [
        "server 'front': trusted_image_certificates ([\"c1\"]); set them again",
        "flavor of server 'front': ephemeral (5); the data on ephemeral disks is not copied, because Nova hands it out to nobody; the restored disk "
        "is empty. Keep on a volume what must come back",
    ]
    assert found(volumes=[{**TIDY.volumes[0], "group_id": "g1"}]) == [
        "volume boot (v1) of server 'front': group_id (g1); the restored volume is in no volume group"
    ]
    assert found(networks=[{"id": "net", "name": "shop-net", "qinq": True}]) == ["network 'shop-net': qinq (true)"]
    assert found(subnets=[{**TIDY.subnets[0], "leak_routes": True}]) == ["subnet 'shop-subnet': leak_routes (true)"]
    assert found(routers=[{**TIDY.routers[0], "flavor_id": "f"}]) == ["router 'shop-router': flavor_id (f)"]
    assert found(security_groups=[group(shared=True, security_group_rules=[{"id": "x", "tags": ["why"]}])]) == [
        "security group 'shop': shared (true); shares with other projects are lost",
        "rule of security group 'shop': tags ([\"why\"])",
    ]
    assert found(server_groups=[{**TIDY.server_groups[0], "flux": 1}]) == [
        "server group 'apart': flux (1); this release does not know the attribute"
    ]


def test_a_group_of_others_becomes_the_projects_own_and_that_is_told():
    servers = [nova_server(tenant_id="ours")]
    told = found(servers=servers, security_groups=[group(shared=True, project_id="theirs")])
    assert told == [
        "security group 'shop': project_id (theirs); the restored one is the project's own, as at the checkpoint: what its owner changes does not reach it"
    ]
    rule = {"id": "x", "remote_address_group_id": "a"}
    addresses = [{"id": "a", "name": "offices", "project_id": "theirs"}, {"id": "b", "name": "unused", "project_id": "theirs"}]
    (told,) = found(servers=servers, security_groups=[group(project_id="ours", security_group_rules=[rule])], address_groups=addresses)
    assert told.startswith("address group 'offices': project_id (theirs); the restored one is the project's own")


def test_of_a_network_of_others_nothing_is_lost():
    theirs = {"id": "net", "name": "shop-net", "project_id": "operator", "shared": True, "qinq": True}
    assert found(servers=[nova_server(tenant_id="ours")], networks=[theirs], subnets=[{**TIDY.subnets[0], "leak_routes": True}]) == []
    assert found(servers=[nova_server(tenant_id="ours")], networks=[{**theirs, "project_id": "ours"}]) != []


def test_a_port_is_named_with_its_server():
    ports = [neutron_port(name="eth0", device_profile="gpu")]
    assert found(ports=ports, security_groups=[]) == ["port eth0 (p1) of server 'front': device_profile (gpu)"]


VIRTUAL = neutron_port("vip", device_id="", device_owner="", project_id="ours", fixed_ips=[{"subnet_id": "sub", "ip_address": "10.0.0.100"}])


def test_a_port_on_no_server_is_looked_through_and_that_of_others_is_named():
    servers = [nova_server(tenant_id="ours")]
    assert found(servers=servers, ports=[*TIDY.ports, VIRTUAL]) == []
    assert found(servers=servers, ports=[*TIDY.ports, {**VIRTUAL, "numa_affinity_policy": "required"}]) == [
        "port vip on no server: numa_affinity_policy (required)"
    ]
    assert found(servers=servers, ports=[*TIDY.ports, {**VIRTUAL, "project_id": "theirs"}]) == [
        "port vip: the port itself (10.0.0.100); it is on no server, and belongs to another project"
    ]
    assert found(ports=[*TIDY.ports, {**VIRTUAL, "network_id": "other"}]) == []


def test_what_is_reached_by_a_trunk_belongs_to_the_application():
    subport = neutron_port("sub1", device_id="t", device_owner="trunk:subport", network_id="other", fixed_ips=[], security_groups=["sg2"])
    parent = {**TIDY.ports[0], "trunk_details": {"trunk_id": "t", "sub_ports": [{"port_id": "sub1"}]}}
    networks = [TIDY.networks[0], {"id": "other", "name": "other-net", "qinq": True}]
    groups = [group(), group("sg2", "other", shared=True)]
    trunks = [{"id": "t", "name": "uplink", "port_id": "p1", "flux": 1}, {"id": "t2", "name": "stranger", "port_id": "p2", "flux": 1}]
    more = {"networks": networks, "subnets": TIDY.subnets[:1], "security_groups": groups, "trunks": trunks}
    assert found(ports=[parent, subport, TIDY.ports[2]], **more) == [
        "trunk 'uplink': flux (1); this release does not know the attribute",
        "network 'other-net': qinq (true)",
        "security group 'other': shared (true); shares with other projects are lost",
    ]


def test_the_trunk_of_a_port_on_no_server_is_named_with_the_ports_in_it():
    subport = neutron_port("sub1", name="inner", device_id="t", device_owner="trunk:subport", fixed_ips=[], security_groups=[])
    trunks = [{"id": "t", "name": "uplink", "port_id": VIRTUAL["id"], "sub_ports": [{"port_id": "sub1"}, {"port_id": "unseen"}]}]
    assert found(ports=[*TIDY.ports, VIRTUAL, subport], trunks=trunks) == [
        "port vip on no server: trunk_details (uplink (t)); the trunk of a port on no server is not restored",
        "port inner (sub1): the port itself (in trunk uplink (t)); it is lost with its trunk",
        "port unseen: the port itself (in trunk uplink (t)); it is lost with its trunk",
    ]


def test_policies_and_pools_without_a_known_name_are_named():
    ports, subnets = [neutron_port(qos_policy_id="q1")], [{**TIDY.subnets[0], "subnetpool_id": "p"}]
    changed = {"ports": ports, "subnets": subnets, "security_groups": [], "routers": []}
    assert found(**changed) == [
        "port p1 of server 'front': qos_policy_id (q1); the project does not see what it is called",
        "subnet 'shop-subnet': subnetpool_id (p); the project does not see what it is called",
    ]
    assert found(**changed, usable=frozenset({"q1", "p"})) == []


@pytest.mark.parametrize(
    ("values", "holder"),
    [
        ({"device_owner": "Octavia", "device_id": "lb-1"}, "Octavia lb-1"),
        ({"device_owner": "vrrp", "device_id": ""}, "vrrp"),
        ({"device_owner": "", "device_id": "by hand"}, "by hand"),
        ({"device_owner": "Octavia", "device_id": "lb-1", "network_id": "other"}, None),
        ({"device_owner": "compute:nova", "device_id": "s2"}, None),
        ({"device_owner": "network:dhcp", "device_id": "dhcp"}, None),
    ],
)
def test_a_port_that_something_else_has_is_named(values, holder):
    told = found(ports=[*TIDY.ports, neutron_port("p9", **values)])
    assert told == ([f"port p9: the port itself (10.0.0.11); it is not protected, because '{holder}' has it"] if holder else [])


def test_with_whom_something_is_shared_is_named():
    """Neutron shows as shared what everybody may use, and not what some may."""
    shared = {"action": "access_as_shared", "object_type": "network"}
    policies = [
        {**shared, "object_id": "net", "target_tenant": "theirs"},
        {**shared, "object_id": "net", "target_tenant": "*"},
        {**shared, "object_id": "other", "target_tenant": "theirs"},
        {**shared, "object_id": "sg", "object_type": "security_group", "target_project": "theirs"},
    ]
    assert found(rbac_policies=policies) == [
        "network 'shop-net': shared (access_as_shared for project theirs); shares with other projects are lost, except those with projects of the same "
        "application that have ports on it",
        "security group 'shop': shared (access_as_shared for project theirs); shares with other projects are lost",
    ]


def test_what_a_server_has_from_its_host_is_named():
    note = "what it holds is not copied, such as keys that disks are sealed to: the restored server has a new one"
    specs = {"extra_specs": {"hw:tpm_version": "2.0", "hw:cpu_policy": "dedicated"}}
    assert found(servers=[nova_server(flavor=specs)]) == [f"server 'front': TPM (2.0); {note}"]
    sealed = [{**volume, "volume_image_metadata": {"hw_tpm_version": "1.2"}} for volume in TIDY.volumes]
    assert found(volumes=sealed) == [f"server 'front': TPM (1.2); {note}"]
    assert found(volumes=[TIDY.volumes[0], sealed[1]]) == []
    shares = {"s1": [{"share_id": "sh1", "tag": "data", "status": "active"}], "s2": [{"share_id": "sh2"}]}
    assert found(shares=shares) == ["server 'front': share (sh1); it is not protected with the server, nor attached to the restored one"]


def test_routes_that_lead_elsewhere_are_named():
    # The router joins the first one only.
    subnets = [{**TIDY.subnets[0], "cidr": "10.0.0.0/24"}, {**TIDY.subnets[0], "id": "sub2", "name": "back", "cidr": "203.0.113.0/24"}]
    routes = [{"destination": "10.8.0.0/16", "nexthop": "10.0.0.9"}, {"destination": "10.9.0.0/16", "nexthop": "203.0.113.9"}]
    assert found(subnets=subnets, routers=[{**TIDY.routers[0], "routes": routes}]) == [
        "router 'shop-router': routes (10.9.0.0/16 by 203.0.113.9); it leads to none of the application's subnets that the router joins"
    ]


def test_an_interface_whose_port_the_project_does_not_see_is_named():
    hidden = {"shop-net": [{"OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01"}], "dmz": [{"OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:99"}]}
    assert found(servers=[nova_server(addresses=hidden)]) == [
        "interface fa:16:3e:00:00:99 of server 'front': port (on network 'dmz'); its port belongs to another project"
    ]


def test_all_floating_addresses_of_a_port_are_looked_through():
    more = [
        {"id": "f2", "floating_ip_address": "203.0.113.2", "port_id": "p1", "flux": 1},
        {"id": "f3", "floating_ip_address": "203.0.113.3", "port_id": "vip"},
    ]
    assert found(floating_ips=[*TIDY.floating_ips, *more], ports=[*TIDY.ports, VIRTUAL]) == [
        "floating address 203.0.113.2 of port p1 of server 'front': flux (1); this release does not know the attribute",
    ]


def test_forwardings_of_ranges_of_ports_are_named():
    def floating(address, **ports):
        forwarding = {"internal_ip_address": address, **ports}
        return {"id": "f2", "floating_ip_address": "203.0.113.2", "port_id": None, "port_forwardings": [forwarding]}

    assert found(floating_ips=[floating("10.0.0.11", internal_port=22, external_port=2222)]) == []
    assert found(floating_ips=[floating("10.0.0.11", internal_port_range="22:29")]) == [
        "floating address 203.0.113.2: port forwarding (to 10.0.0.11); it forwards a range of ports"
    ]
    assert found(floating_ips=[floating("10.0.0.12")]) == []


@pytest.mark.parametrize(
    ("server", "port"),
    [
        ({"OS-EXT-SRV-ATTR:hostname": "Web-1"}, {"dns_name": "web-1"}),
        ({"scheduler_hints": {"group": ["g"]}}, {}),
        ({}, {"binding:profile": {"pci_slot": "0000:03:10.1", "pci_vendor_info": "8086:10ed", "physical_network": "datacentre", "allocation": {"x": "y"}}}),
        ({}, {"binding:profile": {"card_serial_number": "MT1", "pf_mac_address": "aa:bb", "vf_num": 3, "device_mac_address": "aa:cc"}}),
        ({}, {"binding:profile": {"arq_uuid": "1", "migrating_to": "host-2"}}),
    ],
    ids=["name", "group", "device", "port of a card", "accelerator"],
)
def test_what_nova_writes_again_at_another_site_is_no_loss(server, port):
    assert found(servers=[nova_server(**server)], ports=[neutron_port(**port)], security_groups=[]) == []


def test_what_somebody_wrote_beside_nova_is_named():
    servers = [nova_server(**{"OS-EXT-SRV-ATTR:hostname": "web-1", "scheduler_hints": {"group": ["g"], "different_host": ["s2"]}})]
    ports = [neutron_port(**{"dns_name": "shop", "binding:profile": {"pci_slot": "0000:03:10.1", "trusted": "true"}})]
    assert found(servers=servers, ports=ports, security_groups=[]) == [
        "server 'front': scheduler_hints ({\"different_host\": [\"s2\"]}); hints other than the server group are lost",
        "port p1 of server 'front': dns_name (shop); Nova writes the host name of the server",
    ]


@pytest.mark.parametrize(("metadata", "told"), [({"osdr_fence": "{}"}, []), ({}, ["status"])])
def test_that_a_server_is_fenced_is_no_loss(metadata, told):
    stopped = nova_server(status="PAUSED", locked=True, locked_reason="Fenced by its project", metadata=metadata)
    assert [one.attribute for one in inspect({"s1"}, dataclasses.replace(TIDY, servers=[stopped]))] == told


def test_what_a_router_has_beside_its_first_gateway_is_named():
    gateway = {"network_id": "ext", "enable_snat": True, "qos_policy_id": None}
    assert found(routers=[{**TIDY.routers[0], "external_gateway_info": gateway, "external_gateways": [gateway]}]) == []
    limited = {**gateway, "qos_policy_id": "q1"}
    assert found(routers=[{**TIDY.routers[0], "external_gateway_info": limited}], usable=frozenset({"q1"})) == []
    assert found(routers=[{**TIDY.routers[0], "external_gateway_info": limited, "external_gateways": [limited, {"network_id": "ext2"}]}]) == [
        "router 'shop-router', its gateway: qos_policy_id (q1); the project does not see what it is called",
        "router 'shop-router': a further gateway (ext2); one for each router is restored",
    ]


def test_groups_that_only_rules_name_are_looked_through_too():
    rule = {"id": "r1", "remote_group_id": "sg2"}
    groups = [group(security_group_rules=[rule]), group("sg2", "bastion", flux=1, security_group_rules=[{"id": "r2", "remote_group_id": "sg"}])]
    assert found(security_groups=groups) == ["security group 'bastion': flux (1); this release does not know the attribute"]


def test_whatever_is_missing_fits_into_a_manifest():
    many = [{"subnet_id": "sub", "ip_address": f"2001:db8:0:1234::{number:x}"} for number in range(99)]
    virtual = neutron_port("vip", device_id="", device_owner="", project_id="theirs", fixed_ips=many)
    hidden = nova_server(tenant_id="ours", addresses={"n" * 255: [{"OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:99"}]})
    lost = inspect({"s1"}, dataclasses.replace(TIDY, servers=[hidden], ports=[*TIDY.ports, virtual]))
    assert len(lost) == 2
    Manifest.parse({**shop.document(), "missing": [dataclasses.asdict(one) for one in lost]})
