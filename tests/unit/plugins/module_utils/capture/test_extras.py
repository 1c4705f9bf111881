# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.capture.extras import KINDS, Extras, ask, hanging_on
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud

NEUTRON = "http://neutron.example/v2.0"
OWN = {"net": "network 'shop-net'", "sub": "subnet 'shop-subnet'", "r": "router 'shop-router'", "p": "port p", "sg": "security group 'shop'"}
BY_NAME = {kind.name: kind for kind in KINDS}


@pytest.fixture
def cloud(requests_mock):
    versions = {"versions": [{"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": NEUTRON}]}]}
    requests_mock.get("http://neutron.example/", json=versions)
    requests_mock.get(NEUTRON, json=versions)
    return Cloud(openstack.connect(auth_type="none", endpoint=NEUTRON, network_endpoint_override=NEUTRON), "primary")


@pytest.mark.parametrize(
    ("name", "resource", "holder"),
    [
        ("VPN service", {"router_id": "r", "subnet_id": None}, "router 'shop-router'"),
        ("VPN service", {"router_id": "other", "subnet_id": "sub"}, "subnet 'shop-subnet'"),
        ("BGP VPN", {"networks": ["other", "net"], "routers": []}, "network 'shop-net'"),
        ("firewall group", {"ports": ["other", "p"]}, "port p"),
        ("NDP proxy", {"router_id": "r", "port_id": "other"}, "router 'shop-router'"),
        ("local IP address", {"local_port_id": "other", "network_id": "net"}, "network 'shop-net'"),
        ("port pair of a service chain", {"ingress": "other", "egress": "p"}, "port p"),
        ("tap service", {"port_id": "p"}, "port p"),
        ("log of packets", {"resource_id": "sg", "target_id": None}, "security group 'shop'"),
    ],
)
def test_what_hangs_on_the_application_is_named(name, resource, holder):
    stranger = {key: ["other"] if isinstance(value, list) else "other" for key, value in resource.items()}
    found = [(BY_NAME[name], {"id": "x", "name": "edge", **resource}), (BY_NAME[name], {"id": "y", **stranger})]
    assert [str(one) for one in hanging_on(OWN, Extras(found))] == [f"{name} edge (x): the resource itself (of {holder}); no restore makes it"]


def test_only_what_the_site_knows_is_asked_for_and_what_fails_is_told(cloud, requests_mock):
    requests_mock.get(f"{NEUTRON}/extensions", json={"extensions": [{"alias": "vpnaas"}, {"alias": "taas"}, {"alias": "router"}]})
    requests_mock.get(f"{NEUTRON}/vpn/vpnservices", json={"vpnservices": [{"id": "v", "router_id": "r"}]})
    requests_mock.get(f"{NEUTRON}/taas/tap_services", status_code=403, json={"NeutronError": {"message": "Not for you."}})
    extras = ask(cloud, 2)
    assert extras.found == [(BY_NAME["VPN service"], {"id": "v", "router_id": "r"})]
    assert len(extras.failures) == 1
    assert "Not for you." in extras.failures[0]
