# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site refuses by policies of its own makes no restore fail, and is told."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError
from ansible_collections.osdr.openstack.tests.unit.support.memory import plain
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Refused
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import Modules, manifest_of
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import OURS
from ansible_collections.osdr.openstack.tests.unit.support.memory.topologies import APPLICATION, Remote, Source


def arrived(blueprint):
    """The modules at the remote site, and the manifest of an application that comes there."""
    source = Source(blueprint)
    remote = Remote(blueprint, source)
    definition = {"name": APPLICATION, "tiers": [{"name": "all", "servers": [one["id"] for one in source.servers]}]}
    captured = Modules(source.site).captured(definition)
    return Modules(remote.site), json.loads(json.dumps(manifest_of(captured, source.site, remote.site)))


def refusing(service, name, action=None):
    """Have a service refuse what one of its methods does, or that for one action."""
    real = getattr(service, name)

    def refuse(*given):
        if action is None or action in given[-1]:
            raise Refused(403, "It is disallowed by policy")
        return real(*given)

    return mock.patch.object(service, name, refuse)


def test_a_trunk_that_was_refused_is_asked_for_again_until_it_is_there():
    there, manifest = arrived(plain.blueprint(trunk=(0, 100)))
    trunks = there.site.neutron.by_id["trunks"]
    with refusing(there.site.neutron, "_make_trunk"):
        assert there.restored(manifest)
        assert there.restored(manifest)
    refused = [one for one in there.warnings if "trunk_details" in one]
    assert (len(refused), trunks) == (2, {})
    assert there.restored(manifest)
    assert [len(one["sub_ports"]) for one in trunks.values()] == [1]
    assert not there.restored(manifest)


@pytest.mark.parametrize(("action", "attribute"), [("os-set_bootable", "bootable: true"), ("os-set_image_metadata", "volume_image_metadata: hw_disk_bus")])
def test_what_a_volume_is_refused_is_told_by_each_run_and_tried_by_one(action, attribute):
    volumes = [plain.volume(bootable=True), plain.volume(bootable=True)]
    there, manifest = arrived(plain.blueprint(servers=[plain.server(plain.port(), volumes=volumes)]))
    root, data = manifest["servers"][0]["volumes"]
    data["image_metadata"] = {"hw_disk_bus": "scsi"}
    for one in there.site.cinder.by_id["backups"].values():
        # With an image's properties, a volume comes back bootable.
        one["_volume"] |= {"volume_image_metadata": {"os_type": "linux"}} if one["volume_id"] == root["source_id"] else {}
    with refusing(there.site.cinder, "_act", action):
        assert there.restored(manifest)
    (told,) = there.warnings
    assert attribute in told and "which the site refuses" in told
    there.warnings.clear()
    assert not there.restored(manifest)
    (again,) = there.warnings
    assert again.startswith("At site 'remote', volume ") and f" lacks its {attribute.replace(': ', ' (')}): the site refused it" in again
    there.warnings.clear()
    assert there.checked(manifest) == []
    assert again in there.warnings


def test_a_security_group_that_cannot_be_stateless_is_made_and_told():
    there, manifest = arrived(plain.blueprint(groups=[plain.group(stateful=False)], servers=[plain.server(plain.port(groups=[0]))]))
    real = there.site.neutron.create

    def create(kind, wanted, caller):
        if kind == "security-groups" and wanted.get("stateful") is False:
            raise Refused(400, "This driver has no stateless groups")
        return real(kind, wanted, caller)

    with mock.patch.object(there.site.neutron, "create", create):
        there.restored(manifest)
    assert "without stateful (false)" in there.warnings[0]


#: Policies by which a site may keep from its members what Neutron's own give the owner of a network.
STRICT = {
    "networks": ({"secure": False}, "create_network:port_security_enabled", "port_security_enabled"),
    "ports": ({"secure": False, "groups": []}, "create_port:port_security_enabled", "port_security_enabled"),
    "pairs": ({"pairs": [{"ip_address": "10.10.0.200"}]}, "create_port:allowed_address_pairs", "allowed_address_pairs"),
}


@pytest.mark.parametrize("what", STRICT)
def test_what_a_site_keeps_from_the_owner_of_a_network_makes_no_restore_fail_and_is_told(what):
    unusual, rule, attribute = STRICT[what]
    of_network, of_port = (unusual, {}) if what == "networks" else ({}, unusual)
    networks = [plain.network(plain.subnet(), **of_network)]
    there, manifest = arrived(plain.blueprint(networks=networks, servers=[plain.server(plain.port(**of_port))]))
    real = there.site.neutron.create

    def create(kind, wanted, caller):
        if caller.project == OURS and kind == f"{rule.split(':')[0].removeprefix('create_')}s" and wanted.get(attribute) not in (None, [], True):
            raise Refused(403, f"((rule:create_{kind}) and rule:{rule}) is disallowed by policy")
        return real(kind, wanted, caller)

    with mock.patch.object(there.site.neutron, "create", create):
        assert there.checked(manifest) == []
        assert there.restored(manifest)
        assert [one for one in there.warnings if f"is without {attribute} (" in one and ", which the site refuses" in one]
        assert not there.restored(manifest)


def with_network(**changes):
    return plain.blueprint(networks=[plain.network(plain.subnet(), **changes)])


def with_subnet(**changes):
    return plain.blueprint(networks=[plain.network(plain.subnet(**changes))])


def with_port(**changes):
    return plain.blueprint(servers=[plain.server(plain.port(**changes))])


def with_floating_address(**changes):
    servers = [plain.server(plain.port(floating=[plain.floating(**changes)]))]
    return plain.blueprint(routers=[plain.router((0, False))], servers=servers)


OPTION = {"opt_name": "mtu", "opt_value": "1400", "ip_version": 4}
ROUTE = {"destination": "10.99.0.0/24", "nexthop": "10.10.0.9"}
#: Per policy, an application that has what it forbids, and what every run says then.
FORBIDDEN = {
    "create_network:admin_state_up": (with_network(up=False), "network 'web' lacks its admin_state_up (false)"),
    "create_network:dns_domain": (with_network(dns_domain="shop."), "network 'web' lacks its dns_domain (shop.)"),
    "create_network:qos_policy_id": (with_network(qos=0), "network 'web' lacks its qos_policy_id (gold)"),
    "create_network:port_security_enabled": (with_network(secure=False), "network 'web' lacks its port_security_enabled (off)"),
    "create_subnet:dns_nameservers": (with_subnet(dns=["10.0.0.53"]), "subnet 'web' lacks its dns_nameservers (10.0.0.53)"),
    "create_subnet:host_routes": (with_subnet(routes=[ROUTE]), "subnet 'web' lacks its host_routes (10.99.0.0/24 by 10.10.0.9)"),
    "create_router:admin_state_up": (plain.blueprint(routers=[plain.router((0, False), up=False)]), "router 'web' lacks its admin_state_up (false)"),
    "create_security_group:stateful": (
        plain.blueprint(groups=[plain.group(stateful=False)], servers=[plain.server(plain.port(groups=[0]))]),
        "security group 'web' lacks its stateful (false)",
    ),
    "create_port:admin_state_up": (with_port(up=False), "lacks its admin_state_up (false)"),
    "create_port:allowed_address_pairs": (with_port(pairs=[{"ip_address": "10.10.0.200"}]), "lacks its allowed_address_pairs (10.10.0.200)"),
    "create_port:binding:vnic_type": (with_port(vnic="direct"), "lacks its binding:vnic_type (direct)"),
    "create_port:dns_domain": (with_port(dns_domain="shop."), "lacks its dns_domain (shop.)"),
    "create_port:extra_dhcp_opts": (with_port(dhcp_options=[OPTION]), "lacks its extra_dhcp_opts (mtu)"),
    "create_port:fixed_ips:ip_address": (with_port(addresses=[(0, 11)]), "lacks its fixed_ips (10.10.0.11)"),
    "create_port:mac_address": (with_port(mac="fa:16:3e:0a:00:01"), "lacks its mac_address (fa:16:3e:0a:00:01)"),
    "create_port:port_security_enabled": (with_port(secure=False, groups=[]), "lacks its port_security_enabled (off)"),
    "create_port:qos_policy_id": (with_port(qos=0), "lacks its qos_policy_id (gold)"),
    "create_floatingip:dns_name": (with_floating_address(dns="front"), "lacks its dns_name (front)"),
    "create_floatingip:qos_policy_id": (with_floating_address(qos=0), "lacks its qos_policy_id (gold)"),
}


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_what_a_policy_forbids_is_told_by_every_later_run(rule):
    blueprint, told = FORBIDDEN[rule]
    there, manifest = arrived(blueprint)
    there.site.neutron.forbids = {rule}
    assert there.checked(manifest) == []
    assert not [one for one in there.warnings if told in one]
    assert there.restored(manifest)
    attribute = rule.split(":", 1)[1].removesuffix(":ip_address")
    assert [one for one in there.warnings if f" is without {attribute} (" in one and ", which the site refuses: " in one]
    there.warnings.clear()
    assert there.checked(manifest) == []
    assert len([one for one in there.warnings if told in one]) == 1
    there.warnings.clear()
    assert not there.restored(manifest)
    assert [told in one for one in there.warnings] == [True]


def secured_on_an_open_network():
    port = plain.port(secure=True, groups=[0], pairs=[{"ip_address": "10.10.0.200"}], mac="fa:16:3e:0a:00:01", addresses=[(0, 11)])
    return plain.blueprint(networks=[plain.network(plain.subnet(), secure=False)], groups=[plain.group()], servers=[plain.server(port)])


def test_a_port_that_cannot_be_protected_is_switched_off_rather_than_open_and_that_is_told_by_every_run():
    there, manifest = arrived(secured_on_an_open_network())
    there.site.neutron.forbids = {"create_port:port_security_enabled"}
    assert there.checked(manifest) == []
    assert there.restored(manifest)
    made = port_of_server(there.site)
    assert (made["port_security_enabled"], made["admin_state_up"], made["security_groups"], made["allowed_address_pairs"]) == (False, False, [], [])
    # All that does not depend on it is as at the source.
    assert (made["mac_address"], [ip["ip_address"] for ip in made["fixed_ips"]]) == ("fa:16:3e:0a:00:01", ["10.10.0.11"])
    (lost,) = [one for one in there.warnings if "which the site refuses" in one]
    assert "is without allowed_address_pairs (10.10.0.200), port_security_enabled (on), security_groups (web), which the site refuses" in lost
    assert [one for one in there.warnings if "is switched off (admin_state_up: false), because nothing would filter what reaches it" in one]
    there.warnings.clear()
    assert not there.restored(manifest)
    told = [one for one in there.warnings if " lacks its port_security_enabled (on): the site refused it, so it is switched off (admin_state_up: false)" in one]
    assert len(told) == 1
    assert [one for one in there.warnings if " lacks its security_groups (web): " in one]
    made["admin_state_up"] = True
    there.warnings.clear()
    assert there.checked(manifest) == []
    assert [one for one in there.warnings if "the site refused it, and nothing filters what reaches the port, which is open to all" in one]


def test_a_port_that_can_be_neither_protected_nor_switched_off_is_not_made():
    there, manifest = arrived(secured_on_an_open_network())
    there.site.neutron.forbids = {"create_port:port_security_enabled", "create_port:admin_state_up"}
    with pytest.raises(DrError, match="create_port:admin_state_up"):
        there.restored(manifest)
    assert not [one for one in there.site.neutron.by_id["ports"].values() if one["mac_address"] == "fa:16:3e:0a:00:01"]


def test_a_port_that_can_be_protected_is_on_an_open_network_too():
    there, manifest = arrived(secured_on_an_open_network())
    assert there.restored(manifest)
    made = port_of_server(there.site)
    assert (made["port_security_enabled"], made["admin_state_up"], len(made["security_groups"])) == (True, True, 1)
    assert [one["ip_address"] for one in made["allowed_address_pairs"]] == ["10.10.0.200"]
    there.warnings.clear()
    assert not there.restored(manifest)
    assert there.warnings == []


def test_what_a_killed_run_was_refused_is_told_by_the_next():
    """The run that was killed has told nobody."""
    blueprint, told = FORBIDDEN["create_subnet:dns_nameservers"]
    there, manifest = arrived(blueprint)
    there.site.neutron.forbids = {"create_subnet:dns_nameservers"}
    there.killed(manifest, 4)
    assert [one["name"] for one in there.site.neutron.by_id["subnets"].values() if one["project_id"] == OURS] == ["web"]
    assert there.restored(manifest)
    assert [one for one in there.warnings if told in one]


def port_of_server(site):
    (made,) = [one for one in site.neutron.by_id["ports"].values() if one["device_owner"].startswith("compute:")]
    return made


def test_a_port_that_got_other_addresses_than_at_the_source_has_all_else():
    pairs = [{"ip_address": "10.10.0.200"}]
    port = plain.port(mac="fa:16:3e:0a:00:01", addresses=[(0, 11)], pairs=pairs, floating=[plain.floating()])
    there, manifest = arrived(plain.blueprint(routers=[plain.router((0, False))], servers=[plain.server(port)]))
    there.site.neutron.forbids = {"create_port:mac_address", "create_port:fixed_ips:ip_address"}
    assert there.restored(manifest)
    made = port_of_server(there.site)
    (address,) = made["fixed_ips"]
    assert made["mac_address"] != "fa:16:3e:0a:00:01" and address["ip_address"] != "10.10.0.11"
    (floating,) = there.site.neutron.by_id["floatingips"].values()
    assert (floating["port_id"], floating["fixed_ip_address"]) == (made["id"], address["ip_address"])
    assert not there.restored(manifest)


def test_a_port_keeps_its_addresses_where_several_policies_forbid_something_else():
    """Neutron tells with them all that the request has besides."""
    port = plain.port(mac="fa:16:3e:0a:00:01", addresses=[(0, 11)], vnic="macvtap", dns_domain="example.org.")
    there, manifest = arrived(plain.blueprint(servers=[plain.server(port)]))
    there.site.neutron.forbids = {"create_port:dns_domain", "create_port:binding:vnic_type"}
    assert there.restored(manifest)
    made = port_of_server(there.site)
    assert (made["mac_address"], [ip["ip_address"] for ip in made["fixed_ips"]]) == ("fa:16:3e:0a:00:01", ["10.10.0.11"])
    (told,) = [one for one in there.warnings if " is without " in one]
    assert " is without binding:vnic_type (macvtap), dns_domain (example.org.), which the site refuses: " in told


def test_what_forwards_ports_leads_to_the_address_that_a_port_got():
    servers = [plain.server(plain.port(addresses=[(0, 11)]))]
    there, manifest = arrived(plain.blueprint(routers=[plain.router((0, False))], servers=servers, forwardings=[(0, 80)]))
    there.site.neutron.forbids = {"create_port:fixed_ips:ip_address"}
    assert there.restored(manifest)
    (floating,) = [one for one in there.site.neutron.by_id["floatingips"].values() if one.get("port_forwardings")]
    assert floating["port_forwardings"][0]["internal_ip_address"] == port_of_server(there.site)["fixed_ips"][0]["ip_address"] != "10.10.0.11"
    assert not there.restored(manifest)


@pytest.mark.parametrize(
    ("unusual", "lost", "kept"),
    [
        ({"dns": ["10.0.0.53", "10.0.0.54"]}, "dns_nameservers", "host_routes"),
        ({"routes": [{"destination": "10.99.0.0/24", "nexthop": "10.10.0.9"}]}, "host_routes", "dns_nameservers"),
    ],
)
def test_a_subnet_is_made_without_what_its_site_allows_fewer_of(unusual, lost, kept):
    both = {"dns": ["10.0.0.53"], "routes": [{"destination": "10.98.0.0/24", "nexthop": "10.10.0.9"}], **unusual}
    limits = {"dns_nameservers": 1, "host_routes": 1} | {lost: len(unusual.get("dns", [])) - 1 if lost == "dns_nameservers" else 0}
    blueprint = plain.blueprint(networks=[plain.network(plain.subnet(**both))], remote=plain.remote(most=limits))
    there, manifest = arrived(blueprint)
    assert there.checked(manifest) == []
    assert there.restored(manifest)
    (told,) = [one for one in there.warnings if "exceeds the limit" in one]
    assert told.startswith("Subnet 'web' at site 'remote' is without " + lost)
    (made,) = [one for one in there.site.neutron.by_id["subnets"].values() if one["project_id"] == OURS]
    assert (bool(made[lost]), bool(made[kept])) == (False, True)
    assert not there.restored(manifest)


def test_a_run_that_fails_tells_what_it_was_refused_before():
    there, manifest = arrived(plain.blueprint(trunk=(0, 100)))
    with refusing(there.site.neutron, "_make_trunk"), refusing(there.site.nova, "_build"), pytest.raises(DrError) as failed:
        there.restored(manifest)
    assert "trunk_details" in failed.value.warnings[0]
