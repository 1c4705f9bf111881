# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FloatingIp, Forwarding
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop

NAMES = ("orders-db", "shop-front")


def manifest():
    document = shop.document()
    ports = {server["name"]: server["ports"][0] for server in document["servers"]}
    forwardings = [
        {"port": ports[name]["source_id"], "place": 0, "internal_port": 80, "external_port": 8000 + number, "protocol": "tcp", "description": ""}
        for number, name in enumerate(NAMES)
    ]
    floating = {**ports["orders-db"]["floating_ips"][0], "place": None}
    for port in ports.values():
        port["floating_ips"] = []
    document["topology"]["forwarders"] = [{"source_id": shop.uuid(72), "floating": floating, "forwardings": forwardings}]
    return Manifest.parse(document)


def address(*names):
    """One of somebody else that forwards to the ports of some servers."""
    forwardings = tuple(Forwarding(f"port-{name}", shop.ADDRESS[name], 80, 8000 + NAMES.index(name), "tcp") for name in names)
    return FloatingIp("theirs", "10.88.2.9", network_id="ext", forwardings=forwardings, forwarded=frozenset(one.port_id for one in forwardings))


def planned(ports, *floating):
    there = [shop.restored_port(name, shop.mark(shop_number(name))) for name in ports]
    site = shop.prepared_site(ports=(shop.ROUTER_PORT, *there), floating_ips=floating)
    (step,) = RestorePlan.of(manifest(), site).forwarders
    return step


def shop_number(name):
    return next(int(server["source_id"][-2:]) for server in shop.document()["servers"] if server["name"] == name)


@pytest.mark.parametrize(
    ("ports", "forwards_to", "is_used"),
    [
        pytest.param(NAMES, NAMES, True, id="it forwards all"),
        pytest.param(NAMES, NAMES[:1], False, id="it lacks one"),
        pytest.param(NAMES[:1], NAMES[:1], False, id="a port is not there yet, so it may lack one"),
        pytest.param((), (), False, id="no port is there yet"),
    ],
)
def test_an_address_of_others_is_used_where_it_is_known_to_lack_nothing(ports, forwards_to, is_used):
    """It would be changed otherwise, once the other port is there."""
    step = planned(ports, address(*forwards_to))
    assert (step.current is not None, len(step.missing)) == (is_used, 0 if is_used else len(ports))
