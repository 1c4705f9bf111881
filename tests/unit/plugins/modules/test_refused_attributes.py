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
def test_what_a_volume_is_refused_is_told_once(action, attribute):
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
    assert not there.restored(manifest)


def test_a_security_group_that_cannot_be_stateless_is_made_and_told():
    there, manifest = arrived(plain.blueprint(groups=[plain.group(stateful=False)], servers=[plain.server(plain.port(groups=[0]))]))
    real = there.site.neutron.create

    def create(kind, wanted, caller):
        if kind == "security-groups" and wanted.get("stateful") is False:
            raise Refused(400, "This driver has no stateless groups")
        return real(kind, wanted, caller)

    with mock.patch.object(there.site.neutron, "create", create):
        there.restored(manifest)
    assert "without stateful: false" in there.warnings[0]


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
        assert [one for one in there.warnings if f"is without {attribute}, which the site refuses" in one]
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
