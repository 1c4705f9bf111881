# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that name address groups, of the project and of others: restored, completed, drilled and removed."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.unit.plugins.modules import test_networks_of_others as others
from ansible_collections.osdr.openstack.tests.unit.support.memory.neutron import EXTENSIONS
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import Modules

NEW = others.NEW
ADDRESSES = ["198.51.100.0/24", "203.0.113.7/32"]


@pytest.fixture(params=["own", "of others"])
def primary(request):
    there = others.site("primary")
    others.run_at(there)
    group = there.neutron.create("address-groups", {"name": "offices", "addresses": ADDRESSES}, others.US if request.param == "own" else others.ADMIN)
    group["shared"] = True
    shop = next(one for one in others.things(there, "security-groups") if one["name"] == "shop")
    rule = {"security_group_id": shop["id"], "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "remote_address_group_id": group["id"]}
    there.neutron.create("security-group-rules", rule, others.US)
    return there


@pytest.fixture
def remote():
    return others.site("remote")


def groups(there):
    return [(one["name"], sorted(one["addresses"]), one["project_id"]) for one in others.things(there, "address-groups")]


def named(there):
    ids = {one["id"]: one["name"] for one in others.things(there, "address-groups")}
    return [ids[rule["remote_address_group_id"]] for rule in others.things(there, "security-group-rules") if rule.get("remote_address_group_id")]


def test_they_come_back_as_the_projects_own_and_go_with_the_restore(primary, remote):
    manifest, there = others.checkpoint(primary, remote), Modules(remote)
    assert there.checked(manifest, **NEW) == []
    assert there.restored(manifest, **NEW) is True
    assert (groups(remote), named(remote)) == ([("offices", ADDRESSES, "ours")], ["offices"])
    assert there.restored(manifest, **NEW) is False
    assert others.clean_up(remote) == []
    assert groups(remote) == []


def test_a_drill_has_its_own(primary, remote):
    remote.neutron.create("address-groups", {"name": "offices"}, others.US)
    manifest, there = others.checkpoint(primary, remote), Modules(remote)
    assert there.checked(manifest, drill="7") == []
    there.restored(manifest, drill="7")
    assert (groups(remote)[1], named(remote)) == (("drill-7-offices", ADDRESSES, "ours"), ["drill-7-offices"])
    others.clean_up(remote, drill="7")
    assert [one[0] for one in groups(remote)] == ["offices"]


def test_what_was_made_by_halves_is_completed(primary, remote):
    manifest, there = others.checkpoint(primary, remote), Modules(remote)
    there.restored(manifest, **NEW)
    made = others.things(remote, "address-groups")[0]
    made["addresses"] = ADDRESSES[:1]
    assert there.checked(manifest, **NEW) == []
    assert there.restored(manifest, **NEW) is True
    assert groups(remote)[0][1] == ADDRESSES


def test_one_that_somebody_filled_in_another_way_is_a_problem(primary, remote):
    there = remote.neutron.create("address-groups", {"name": "offices", "addresses": ADDRESSES[:1]}, others.US)
    manifest = others.checkpoint(primary, remote)
    (problem,) = Modules(remote).checked(manifest, **NEW)
    assert problem.startswith(f"Address group 'offices' exists at site 'remote' with other addresses ({ADDRESSES[0]} instead of {', '.join(ADDRESSES)})")
    there["addresses"] = ADDRESSES
    assert Modules(remote).checked(manifest, **NEW) == []


def test_one_of_the_site_can_stand_for_it(primary, remote):
    shared = remote.neutron.create("address-groups", {"name": "partners"}, others.ADMIN)
    shared["shared"] = True
    mapping = {**NEW["mapping"], "address_groups": {"offices": "partners"}}
    manifest, there = others.checkpoint(primary, remote), Modules(remote)
    assert there.checked(manifest, mapping=mapping) == []
    there.restored(manifest, mapping=mapping)
    assert (groups(remote), named(remote)) == ([("partners", [], "operator")], ["partners"])
    assert there.restored(manifest, mapping=mapping) is False


def test_a_site_without_address_groups_cannot_have_such_rules(primary):
    remote = others.site("remote")
    remote.neutron.extensions = EXTENSIONS - {"address-group"}
    (problem,) = Modules(remote).checked(others.checkpoint(primary, remote), **NEW)
    assert problem.startswith("Rules of the application's security groups name the address groups offices, but the Neutron of site 'remote' has no extensions")


def test_one_that_others_name_by_now_stays(primary, remote):
    manifest = others.checkpoint(primary, remote)
    Modules(remote).restored(manifest, **NEW)
    mine = remote.neutron.create("security-groups", {"name": "mine"}, others.US)
    rule = {"security_group_id": mine["id"], "direction": "ingress", "remote_address_group_id": others.things(remote, "address-groups")[0]["id"]}
    remote.neutron.create("security-group-rules", rule, others.US)
    assert others.clean_up(remote) == []
    assert [one[0] for one in groups(remote)] == ["offices"]
