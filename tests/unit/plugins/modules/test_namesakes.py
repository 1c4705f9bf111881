# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks at the other site that are called like the application's, and are not these."""

from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import Modules, manifest_of
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import OPERATOR, OURS, MemorySite

US, ADMIN = Caller(OURS), Caller(OPERATOR, sees_all=True)
DEFINITION = {"name": "shop", "tiers": [{"name": "all", "servers": ["front"]}]}
SHARED, EXTERNAL = {"shared": True}, {"router:external": True}


def run_at(there, caller=US, has_subnet=True, **flags):
    """Have an application there, on a network that is called like those to the outside."""
    net = there.neutron.create("networks", {"name": "public", **flags}, caller)
    if has_subnet:
        there.neutron.create("subnets", {"name": "inside", "network_id": net["id"], "cidr": "10.10.0.0/24", "ip_version": 4}, caller)
    port = there.neutron.create("ports", {"network_id": net["id"], "project_id": OURS}, ADMIN)
    there.boot("front", port, US)


def site(name):
    made = MemorySite(name)
    made.nova.flavor("small", 1, 512)
    return made


def network(there, caller=ADMIN, **flags):
    return there.neutron.create("networks", {"name": "public", **flags}, caller)


@pytest.fixture
def primary():
    return site("primary")


@pytest.fixture(params=["member", "administrator"])
def remote(request):
    made = site("remote")
    made.caller = Caller(OURS, sees_all=request.param == "administrator")
    return made


def checkpoint(source, target):
    return json.loads(json.dumps(manifest_of(Modules(source).captured(DEFINITION), source, target)))


def network_of_port(there):
    (port,) = [one for one in there.neutron.by_id["ports"].values() if one["device_owner"].startswith("compute:")]
    return there.neutron.by_id["networks"][port["network_id"]]


@pytest.mark.parametrize("has_subnet", [True, False], ids=["with a subnet", "bare"])
@pytest.mark.parametrize("flags", [EXTERNAL, SHARED, SHARED | EXTERNAL], ids=["external", "shared", "both"])
def test_the_applications_own_network_is_made_beside_that_of_others(primary, remote, flags, has_subnet):
    run_at(primary, has_subnet=has_subnet)
    theirs, there = network(remote, **flags), Modules(remote)
    before, manifest = remote.of(OPERATOR), checkpoint(primary, remote)
    assert there.checked(manifest) == []
    (told,) = [one for one in there.warnings if "is the project's own at the source" in one]
    assert "Network 'public'" in told and theirs["id"] in told
    assert there.restored(manifest) is True
    assert network_of_port(remote)["project_id"] == OURS
    assert there.restored(manifest) is False
    there.warnings.clear()
    there.checked(manifest)
    assert not [one for one in there.warnings if "is the project's own at the source" in one]
    assert remote.of(OPERATOR) == before


def test_that_of_others_is_used_where_a_mapping_says_so(primary, remote):
    run_at(primary, has_subnet=False)
    theirs, there = network(remote, **SHARED), Modules(remote, has_admin=True)
    manifest, mapping = checkpoint(primary, remote), {"schema_version": 1, "networks": {"public": theirs["id"]}}
    assert there.checked(manifest, mapping=mapping) == []
    assert not [one for one in there.warnings if "is the project's own at the source" in one]
    assert there.restored(manifest, mapping=mapping) is True
    assert network_of_port(remote)["id"] == theirs["id"]
    assert there.restored(manifest, mapping=mapping) is False


def test_a_network_of_others_is_never_taken_for_one_to_the_outside(primary, remote):
    run_at(primary, ADMIN, has_subnet=False, **SHARED)
    network(remote, **EXTERNAL)
    (problem,) = Modules(remote, has_admin=True).checked(checkpoint(primary, remote))
    assert problem.startswith("Network 'public' belongs to another project at the source, so no restore makes it, and site 'remote' has none of that name")


def test_one_of_the_projects_own_stands_for_that_of_others_only_where_there_is_no_other_and_is_told(primary, remote):
    run_at(primary, ADMIN, has_subnet=False, **SHARED)
    own, manifest = network(remote, US), checkpoint(primary, remote)
    there = Modules(remote, has_admin=True)
    assert there.checked(manifest) == []
    (told,) = [one for one in there.warnings if "what is called so at site 'remote' is the project's own" in one]
    assert own["id"] in told
    theirs = network(remote, **SHARED)
    there = Modules(remote, has_admin=True)
    assert there.checked(manifest) == []
    assert not [one for one in there.warnings if "Network 'public'" in one]
    assert there.restored(manifest) is True
    assert network_of_port(remote)["id"] == theirs["id"]


def test_an_external_network_that_the_application_itself_is_on_comes_back_as_one(primary, remote):
    run_at(primary, ADMIN, has_subnet=False, **SHARED | EXTERNAL)
    network(remote, **SHARED)
    outside, there = network(remote, **SHARED | EXTERNAL), Modules(remote, has_admin=True)
    manifest = checkpoint(primary, remote)
    assert [one["is_external"] for one in manifest["topology"]["networks"]] == [True]
    assert there.checked(manifest) == []
    assert there.restored(manifest) is True
    assert network_of_port(remote)["id"] == outside["id"]
