# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A floating address that forwards protocol ports is made once, and completed by whoever made it."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FloatingIp, Forwarding, QosPolicy
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop

MARK = shop.mark(72)
TAGS = tuple(MARK.tags())
SSH = Forwarding("port-orders-db", "10.10.0.11", 22, 2222, "tcp")
DNS = Forwarding("port-shop-front", "10.10.0.21", 53, 5353, "udp")
#: How they are asked for.
SSH_BODY = {"internal_port_id": "port-orders-db", "internal_ip_address": "10.10.0.11", "internal_port": 22, "external_port": 2222, "protocol": "tcp"}
DNS_BODY = {"internal_port_id": "port-shop-front", "internal_ip_address": "10.10.0.21", "internal_port": 53, "external_port": 5353, "protocol": "udp"}
DNS_BODY |= {"description": "names"}


def document(**floating):
    """The application, with one address that forwards to both servers."""
    found = shop.document()
    for server, number in zip(found["servers"], (74, 73), strict=True):
        server["ports"][0].update(source_id=shop.uuid(number), floating_ips=[])
    forwardings = [
        {"port": shop.uuid(73), "place": 0, "internal_port": 22, "external_port": 2222, "protocol": "tcp", "description": ""},
        {"port": shop.uuid(74), "place": 0, "internal_port": 53, "external_port": 5353, "protocol": "udp", "description": "names"},
    ]
    address = {**shop.FLOATING, "network": "public", "description": "for administrators", **floating}
    found["topology"]["forwarders"] = [{"source_id": shop.uuid(72), "floating": address, "forwardings": forwardings}]
    return found


MANIFEST = Manifest.parse(document())


def step(*floating_ips, site=shop.restored_site, manifest=MANIFEST, **changes):
    """What is to be done about the address at a site that has some."""
    (found,) = RestorePlan.of(manifest, site(floating_ips=floating_ips, **changes)).forwarders
    return found


def address(*forwardings, **changes):
    """The address as a restore has made it."""
    values = {"description": MARK.beside("for administrators"), "tags": TAGS, "network_id": "ext"}
    return FloatingIp("fip", "10.88.2.9", forwardings=forwardings, **{**values, **changes})


def test_one_that_is_not_there_is_asked_for_with_its_mark():
    found = step()
    assert (found.current, found.changes, list(found.missing)) == (None, True, [SSH_BODY, DNS_BODY])
    body = found.body(shop.restored_site())
    assert body == {"floating_network_id": "ext", "description": f"for administrators {MARK.text()}"}


def test_in_the_plan_for_one_server_it_forwards_to_that_one_only():
    (found,) = RestorePlan.of(MANIFEST, shop.restored_site(floating_ips=())).narrowed(["shop-front"]).forwarders
    assert list(found.missing) == [DNS_BODY]


def test_it_gets_what_other_floating_addresses_get():
    site = shop.restored_site(qos_policies=(QosPolicy("policy", "gold"),))
    found = step(manifest=Manifest.parse(document(qos_policy="gold", dns_name="in", dns_domain="shop.", tags=["way in"])))
    assert found.wishes(site).body == {"qos_policy_id": "policy", "dns_name": "in", "dns_domain": "shop."}
    assert found.lacks_tags
    tagged = step(address(SSH, DNS, tags=("way in", *TAGS)), manifest=Manifest.parse(document(tags=["way in"])))
    assert not tagged.lacks_tags


@pytest.mark.parametrize(
    ("there", "missing", "lacks_tags"),
    [
        pytest.param(address(SSH, DNS), [], False, id="complete"),
        pytest.param(address(SSH), [DNS_BODY], False, id="one is missing"),
        pytest.param(address(), [SSH_BODY, DNS_BODY], False, id="both are"),
        pytest.param(address(SSH, DNS, tags=TAGS[1:]), [], True, id="a tag is"),
    ],
)
def test_what_a_killed_restore_has_left_is_completed(there, missing, lacks_tags):
    found = step(FloatingIp("other", "10.88.2.1"), there)
    assert (found.current, list(found.missing), found.lacks_tags) == (there, missing, lacks_tags)
    assert found.changes is bool(missing or lacks_tags)


@pytest.mark.parametrize("more", [(), (Forwarding("port-orders-db", "10.10.0.11", 80, 8080, "tcp"),)])
def test_that_of_the_application_itself_is_used_as_it_is(more):
    """It forwards the same to the same, and may forward more."""
    own = address(SSH, DNS, *more, description="", tags=())
    found = step(own)
    assert (found.current, found.missing, found.lacks_tags, found.changes) == (own, (), False, False)


def test_the_mark_counts_more_than_what_an_address_forwards():
    marked, own = address(), address(SSH, DNS, description="", tags=())
    assert step(own, marked).current == marked


@pytest.mark.parametrize(
    "forwarded",
    [
        pytest.param({"port_id": "port-shop-front"}, id="another port"),
        pytest.param({"internal_address": "10.10.0.99"}, id="another address"),
        pytest.param({"internal_port": 23}, id="another port within"),
        pytest.param({"external_port": 2223}, id="another port without"),
        pytest.param({"protocol": "udp"}, id="another protocol"),
    ],
)
def test_what_forwards_something_else_is_not_it(forwarded):
    other = dataclasses.replace(SSH, **forwarded)
    assert step(address(other, DNS, description="")).current is None
    assert list(step(address(other, DNS)).missing) == [SSH_BODY]


def test_an_address_of_somebody_else_is_not_taken_while_the_ports_are_missing():
    """Whatever forwards nothing forwards all that there is to forward so far."""
    found = step(address(description="theirs"), site=shop.prepared_site)
    assert (found.current, found.missing) == (None, ())


def test_an_address_of_somebody_else_is_not_taken_before_it_is_known_to_lack_nothing():
    """It would be changed otherwise, once the other port is there."""
    ports = tuple(one for one in shop.restored_site().ports if one.id != "port-shop-front")
    found = step(address(SSH, description="theirs"), ports=ports)
    assert (found.current, list(found.missing)) == (None, [SSH_BODY])


def test_what_leads_to_ports_that_are_not_there_yet_waits_for_them():
    site = shop.restored_site()
    ports = tuple(one for one in site.ports if one.id != "port-shop-front")
    assert list(step(address(), ports=ports).missing) == [SSH_BODY]
    without = tuple(dataclasses.replace(one, fixed_ips=()) for one in site.ports)
    assert step(address(), ports=without).missing == ()


def test_a_site_that_forwards_no_ports_is_not_asked_to():
    site = shop.restored_site(extensions=shop.EXTENSIONS - {"floating-ip-port-forwarding"})
    assert RestorePlan.of(MANIFEST, site).forwarders == ()
