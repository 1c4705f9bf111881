# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers on a network that the operator provides at both sites: captured, checked, restored, drilled, cleaned up and captured again."""

from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.restore.cleanup import Cleanup
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import Modules, manifest_of
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import OPERATOR, OURS, MemorySite

US, ADMIN = Caller(OURS), Caller(OPERATOR, sees_all=True)
DEFINITION = {"name": "shop", "tiers": [{"name": "all", "servers": ["front"]}]}
MAC, ADDRESS = "fa:16:3e:00:00:21", "10.10.0.21"
NEW = {"mapping": {"schema_version": 1, "addresses": {"policy": "new"}}}


def site(name, network="corporate", cidr="10.10.0.0/24"):
    """One with a network of the operator that all may use."""
    made = MemorySite(name)
    made.nova.flavor("small", 1, 512)
    net = made.neutron.create("networks", {"name": network, "shared": True}, ADMIN)
    made.neutron.create("subnets", {"name": "rack", "network_id": net["id"], "cidr": cidr}, ADMIN)
    return made


def things(there, kind):
    return list(there.neutron.by_id[kind].values())


def run_at(there):
    """Have the application there."""
    (network,), (subnet,) = things(there, "networks"), things(there, "subnets")
    group = there.neutron.create("security-groups", {"name": "shop"}, US)
    pairs = [{"ip_address": "10.10.0.100"}]
    fixed = [{"subnet_id": subnet["id"], "ip_address": ADDRESS}]
    body = {"network_id": network["id"], "mac_address": MAC, "fixed_ips": fixed, "security_groups": [group["id"]], "allowed_address_pairs": pairs}
    port = there.neutron.create("ports", {**body, "project_id": OURS}, ADMIN)
    there.boot("front", port, US)


def ours(there):
    return [port for port in things(there, "ports") if port["project_id"] == OURS]


@pytest.fixture
def primary():
    there = site("primary")
    run_at(there)
    return there


@pytest.fixture
def remote():
    return site("remote")


def checkpoint(source, target, **described):
    manifest = manifest_of({**Modules(source).captured(DEFINITION), **described}, source, target)
    return json.loads(json.dumps(manifest))


def clean_up(there, drill=None):
    with Modules(there).there() as cloud:
        cleanup = Cleanup(cloud, Mark("shop", "noon", drill=drill), Waiter(60, 1, FakeTime().clock), 1)
        return cleanup.apply(cleanup.plan())


def test_with_an_administrator_it_comes_back_with_its_addresses_and_the_operator_notices_nothing(primary, remote):
    manifest, there, before = checkpoint(primary, remote), Modules(remote, has_admin=True), remote.of(OPERATOR)
    assert there.checked(manifest) == []
    assert there.restored(manifest) is True
    (port,) = ours(remote)
    assert (port["mac_address"], [ip["ip_address"] for ip in port["fixed_ips"]]) == (MAC, [ADDRESS])
    assert [pair["ip_address"] for pair in port["allowed_address_pairs"]] == ["10.10.0.100"]
    assert "osdr_application=shop" in port["description"]
    assert there.restored(manifest) is False
    assert remote.of(OPERATOR) == before
    assert clean_up(remote) == []
    assert (ours(remote), remote.of(OPERATOR)) == ([], before)


def test_a_member_is_refused_before_anything_is_made(primary, remote):
    manifest, there = checkpoint(primary, remote), Modules(remote)
    (problem,) = there.checked(manifest)
    assert f"needs {MAC} and {ADDRESS}, but network 'corporate' at site 'remote' belongs to another project" in problem
    assert remote.writes == []


def test_a_member_gets_what_neutron_chooses_and_is_told_what_it_does_not_get(primary, remote):
    manifest, there, before = checkpoint(primary, remote), Modules(remote), remote.of(OPERATOR)
    assert there.checked(manifest, **NEW) == []
    assert any("will lack its allowed_address_pairs (10.10.0.100)" in one for one in there.warnings)
    assert there.restored(manifest, **NEW) is True
    (port,) = ours(remote)
    assert (port["mac_address"] != MAC, port["fixed_ips"][0]["ip_address"] != ADDRESS, port["allowed_address_pairs"]) == (True, True, [])
    assert [group["name"] for group in things(remote, "security-groups") if group["id"] in port["security_groups"]] == ["shop"]
    assert there.restored(manifest, **NEW) is False
    assert remote.of(OPERATOR) == before
    assert clean_up(remote) == []
    assert ours(remote) == []


@pytest.mark.parametrize("types", [["compute:nova"], ["network:dhcp", "compute:az9"]])
def test_a_member_gets_an_address_of_a_subnet_for_servers(primary, remote, types):
    manifest, there = checkpoint(primary, remote), Modules(remote)
    things(remote, "subnets")[0]["service_types"] = types
    assert there.checked(manifest, **NEW) == []
    there.restored(manifest, **NEW)
    assert [len(port["fixed_ips"]) for port in ours(remote)] == [1]


def test_and_is_refused_where_it_is_for_neutron_alone(primary, remote):
    things(remote, "subnets")[0]["service_types"] = ["network:dhcp"]
    (problem,) = Modules(remote).checked(checkpoint(primary, remote), **NEW)
    assert problem.startswith("Neutron gives server 'front' no addresses at site 'remote' of subnet 'rack', which is only for ports of network:dhcp")


def test_what_is_there_keeps_its_addresses_whoever_may_have_some_since(primary, remote):
    manifest, there = checkpoint(primary, remote), Modules(remote)
    there.restored(manifest, **NEW)
    things(remote, "subnets")[0]["service_types"] = ["network:dhcp"]
    assert (there.checked(manifest, **NEW), there.restored(manifest, **NEW)) == ([], False)


def test_an_address_that_others_have_is_seen_by_an_administrator(primary, remote):
    network = things(remote, "networks")[0]["id"]
    remote.neutron.create("ports", {"network_id": network, "fixed_ips": [{"ip_address": ADDRESS}]}, ADMIN)
    (problem,) = Modules(remote, has_admin=True).checked(checkpoint(primary, remote))
    assert problem.startswith(f"{ADDRESS} of server 'front' on network 'corporate' at site 'remote' is in use by port ")


def test_another_network_stands_for_it_by_name_or_by_id(primary):
    remote = site("remote", "elsewhere", "10.77.0.0/24")
    twin = remote.neutron.create("networks", {"name": "elsewhere", "shared": True}, ADMIN)
    remote.neutron.create("subnets", {"name": "rack", "network_id": twin["id"], "cidr": "10.99.0.0/24"}, ADMIN)
    manifest, there = checkpoint(primary, remote), Modules(remote, has_admin=True)
    assert [problem.split(" belongs")[0] for problem in there.checked(manifest)] == ["Network 'corporate'"]
    rest = {"schema_version": 1, "subnets": {"rack": {"name": "rack", "cidr": "10.77.0.0/24"}}, "addresses": {"policy": "remap"}}
    (problem,) = there.checked(manifest, mapping={**rest, "networks": {"corporate": "elsewhere"}})
    assert problem.startswith("2 networks at site 'remote' are called 'elsewhere'") and problem.endswith("give the id of the one that is meant in a mapping.")
    mapping = {**rest, "networks": {"corporate": things(remote, "networks")[0]["id"]}}
    assert there.checked(manifest, mapping=mapping) == []
    assert there.restored(manifest, mapping=mapping) is True
    assert [ip["ip_address"] for port in ours(remote) for ip in port["fixed_ips"]] == ["10.77.0.21"]


def test_a_drill_is_on_a_network_of_its_own(primary, remote):
    manifest, there, before = checkpoint(primary, remote), Modules(remote), remote.of(OPERATOR)
    assert there.checked(manifest, drill="7") == []
    assert there.restored(manifest, drill="7") is True
    isolated = next(one for one in things(remote, "networks") if one["project_id"] == OURS)
    assert (isolated["name"], isolated["shared"]) == ("drill-7-corporate", False)
    assert {port["network_id"] for port in ours(remote)} == {isolated["id"]}
    assert remote.of(OPERATOR) == before
    assert clean_up(remote, drill="7") == []
    assert [one["name"] for one in things(remote, "networks")] == ["corporate"]


def test_what_was_restored_there_can_be_protected_there_and_come_back(primary, remote):
    Modules(remote, has_admin=True).restored(checkpoint(primary, remote))
    clean_up(primary)
    back = checkpoint(remote, primary)
    (network,) = back["topology"]["networks"]
    assert (network["name"], network["is_of_others"]) == ("corporate", True)
    # What it left there is in the way, as everywhere.
    assert any("in use by port" in problem for problem in Modules(primary, has_admin=True).checked(back))
    for server in list(primary.nova.by_id["servers"]):
        primary.ask("nova", "DELETE", f"servers/{server}", caller=US)
    for port in ours(primary):
        primary.ask("neutron", "DELETE", f"ports/{port['id']}", caller=US)
    there = Modules(primary, has_admin=True)
    assert there.checked(back) == []
    assert there.restored(back) is True
    assert [ip["ip_address"] for port in ours(primary) for ip in port["fixed_ips"]] == [ADDRESS]
