# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application over two projects, one of which has its servers on the other's network: captured, checked, restored and cleaned up, each part in its own."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from unittest import mock

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.proposal import Inventory
from ansible_collections.osdr.openstack.plugins.module_utils.restore import stock as restore_stock
from ansible_collections.osdr.openstack.plugins.module_utils.restore.cleanup import Cleanup
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.plugins.modules import os_restore_check, os_restore_mapping_info, os_restore_networks
from ansible_collections.osdr.openstack.tests.unit.support import given
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller
from ansible_collections.osdr.openstack.tests.unit.support.memory.neutron import EXTENSIONS
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import Modules, manifest_of
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import OPERATOR, OURS, THEIRS, MemorySite

US, THEM, ADMIN = Caller(OURS), Caller(THEIRS), Caller(OPERATOR, sees_all=True)
SHARING = "rbac-policies"
PROJECTS = [OURS, THEIRS]
SERVERS = {OURS: ("database", "orders-db", "10.10.0.11"), THEIRS: ("front", "shop-front", "10.10.0.21")}


def site(name):
    made = MemorySite(name)
    made.neutron.extensions = EXTENSIONS | {SHARING}
    made.nova.flavor("small", 1, 512)
    return made


def things(there, kind, project=None):
    return [one for one in there.neutron.by_id[kind].values() if project in (None, one["project_id"])]


def run_at(there):
    """Our database and their front are on our network, which we share with them; both projects call a group of their own alike."""
    network = there.neutron.create("networks", {"name": "shop-net"}, US)
    subnet = there.neutron.create("subnets", {"name": "shop-subnet", "network_id": network["id"], "cidr": "10.10.0.0/24"}, US)
    share = {"object_type": "network", "object_id": network["id"], "action": "access_as_shared", "target_tenant": THEIRS}
    there.neutron.create(SHARING, share, US)
    for caller in (US, THEM):
        _tier, name, address = SERVERS[caller.project]
        group = there.neutron.create("security-groups", {"name": "shop"}, caller)
        fixed = [{"subnet_id": subnet["id"], "ip_address": address}]
        body = {"network_id": network["id"], "fixed_ips": fixed, "security_groups": [group["id"]], "project_id": caller.project}
        port = there.neutron.create("ports", body, ADMIN)
        there.boot(name, port, caller)


class Project(Modules):
    """The modules, as one of the projects of a site."""

    def __init__(self, there, caller, **options):
        super().__init__(there, **options)
        self.caller = caller

    @contextlib.contextmanager
    def there(self):
        """The other parts are reached as the others."""
        before, self.site.caller = self.site.caller, self.caller
        admin = self._cloud(ADMIN)
        clouds = {"remote-admin": admin, **{caller.project: self._cloud(caller) for caller in (US, THEM)}}
        with contextlib.ExitStack() as stack:
            cloud = stack.enter_context(super().there())
            for module in (os_restore_check, os_restore_networks):
                stack.enter_context(mock.patch.object(module, "connect_other", clouds.__getitem__))
            yield cloud
        self.site.caller = before


@pytest.fixture
def primary():
    there = site("primary")
    run_at(there)
    return there


@pytest.fixture
def remote():
    return site("remote")


def checkpoint(source, target):
    """The manifests of both parts, by their projects."""
    manifests = {}
    for caller in (US, THEM):
        tier, name, _address = SERVERS[caller.project]
        definition = {"name": "shop", "tiers": [{"name": tier, "servers": [name]}]}
        description = Project(source, caller).captured(definition)
        manifest = json.loads(json.dumps(manifest_of(description, source, target)))
        for copy in manifest["copies"]:
            target.cinder.by_id["backups"][copy["copy_id"]]["project_id"] = caller.project
        manifest["checkpoint"]["together"] = {"project": caller.project, "projects": PROJECTS, "tiers": ["database", "front"]}
        manifests[caller.project] = manifest
    return manifests


def others(manifests, project, **mappings):
    return [{"cloud": one, "manifest": manifest, "mapping": mappings.get(one)} for one, manifest in manifests.items() if one != project]


@dataclasses.dataclass
class Both:
    """Both parts at the remote site."""

    site: MemorySite
    manifests: dict

    def __post_init__(self):
        self.projects = {caller.project: Project(self.site, caller, has_admin=True) for caller in (US, THEM)}

    def checked(self, **more):
        return {one: there.checked(self.manifests[one], others=others(self.manifests, one), **more) for one, there in self.projects.items()}

    def networks(self, check_mode=False):
        """Make the networks of both; their own first, to show that the order does not matter."""
        made = {}
        for one in reversed(PROJECTS):
            with self.projects[one].there():
                module = self.projects[one]._module(manifest=self.manifests[one], others=others(self.manifests, one))
                made[one] = os_restore_networks.run(module.params, check_mode)
        return made

    def restored(self):
        changed = [made["changed"] for made in self.networks().values()]
        changed += [there.restored(self.manifests[one], others=others(self.manifests, one)) for one, there in self.projects.items()]
        return any(changed)


@pytest.fixture
def both(primary, remote):
    return Both(remote, checkpoint(primary, remote))


def test_each_part_tells_whose_network_its_servers_are_on(both):
    (ours,), (theirs,) = (both.manifests[one]["topology"]["networks"] for one in PROJECTS)
    assert (ours["name"], ours["is_of_others"], ours["owner"]) == ("shop-net", False, "")
    assert (theirs["name"], theirs["is_of_others"], theirs["owner"]) == ("shop-net", True, OURS)


def test_the_parts_come_back_together_each_in_its_own_project_on_the_network_of_one(both, remote):
    assert both.checked() == {OURS: [], THEIRS: []}
    assert remote.writes == []
    assert both.restored() is True
    (network,) = things(remote, "networks")
    assert (network["name"], network["project_id"]) == ("shop-net", OURS)
    for project, (_tier, name, address) in SERVERS.items():
        (port,) = things(remote, "ports", project)[-1:]
        (server,) = [one for one in remote.nova.by_id["servers"].values() if one["project_id"] == project]
        assert (server["name"], port["network_id"], port["fixed_ips"][0]["ip_address"]) == (name, network["id"], address)
        assert len(things(remote, "security-groups", project)) == 2
        assert [one["size"] for one in remote.cinder.by_id["volumes"].values() if one["project_id"] == project] == [1]
    assert [(one["object_id"], one["target_tenant"]) for one in things(remote, SHARING)] == [(network["id"], THEIRS)]


def test_an_external_network_that_is_called_like_theirs_is_taken_for_it_by_no_part(both, remote):
    remote.neutron.create("networks", {"name": "shop-net", "router:external": True}, ADMIN)
    assert both.checked() == {OURS: [], THEIRS: []}
    assert both.restored()
    (network,) = things(remote, "networks", OURS)
    assert {port["network_id"] for port in things(remote, "ports") if port["device_owner"].startswith("compute:")} == {network["id"]}
    assert not both.restored()


def test_a_second_restore_changes_nothing(both, remote):
    both.restored()
    assert both.checked() == {OURS: [], THEIRS: []}
    remote.writes.clear()
    assert both.restored() is False
    assert remote.writes == []


def test_check_mode_tells_what_would_be_shared_and_shares_nothing(both, remote):
    made = both.networks(check_mode=True)
    assert made[OURS]["shared"] == [{"network": "shop-net", "project_id": THEIRS}]
    assert (made[OURS]["diff"]["after"]["shared"], made[THEIRS]["shared"], remote.writes) == (made[OURS]["shared"], [], [])


def test_a_network_that_is_there_is_shared_and_what_stands_on_it_is_seen_before(both, remote):
    network = remote.neutron.create("networks", {"name": "shop-net"}, US)
    subnet = remote.neutron.create("subnets", {"name": "shop-subnet", "network_id": network["id"], "cidr": "10.10.0.0/24"}, US)
    assert both.checked() == {OURS: [], THEIRS: []}
    taken = [{"subnet_id": subnet["id"], "ip_address": SERVERS[THEIRS][2]}]
    remote.neutron.create("ports", {"network_id": network["id"], "fixed_ips": taken}, US)
    (problem,) = both.checked()[THEIRS]
    assert "10.10.0.21 of server 'shop-front' on network 'shop-net' at site 'remote' is in use by port" in problem


def test_a_member_may_not_choose_addresses_on_the_network_of_the_other_project(both):
    both.projects = {caller.project: Project(both.site, caller) for caller in (US, THEM)}
    found = both.checked()
    assert found[OURS] == []
    assert "10.10.0.21, but network 'shop-net' at site 'remote' belongs to another project" in found[THEIRS][0]


def test_without_a_way_to_share_it_is_refused_before_anything_is_made(both, remote):
    remote.neutron.extensions = EXTENSIONS
    (problem,) = both.checked()[OURS]
    assert problem.startswith("Network 'shop-net' is used by several of the application's projects, but Neutron at site 'remote' does not let projects share")


def test_a_part_is_not_taken_for_the_application(both, remote):
    for project, there in both.projects.items():
        (problem, *_more) = there.checked(both.manifests[project])
        assert problem.startswith(f"Checkpoint 'noon' of application 'shop' is only the part of project {project}, of 2. Restore it together with the others")
    assert remote.writes == []


def test_some_servers_can_be_restored_without_the_other_part(both):
    assert both.projects[OURS].checked(both.manifests[OURS], servers=["orders-db"]) == []
    (problem,) = both.projects[OURS].checked(both.manifests[OURS], servers=["orders-db"], others=others(both.manifests, OURS))
    assert "some of its servers can only be restored on their own" in problem


def test_no_drill_pretends_to_be_of_the_whole(both):
    (problem,) = both.projects[OURS].checked(both.manifests[OURS], drill="7", others=others(both.manifests, OURS))
    assert "Drills of such applications are not supported" in problem


def changed(manifest, **changes):
    return {**manifest, "checkpoint": {**manifest["checkpoint"], **changes}}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "midnight"}, "is of checkpoint 'midnight' (2026-01-01T12:00:00Z), which is not one with checkpoint 'noon'"),
        ({"created_at": "2026-01-02T12:00:00Z"}, "is of checkpoint 'noon' (2026-01-02T12:00:00Z), which is not one with"),
        ({"together": None}, "The part of project none (remote) is of checkpoint"),
        ({"together": {"project": OURS, "projects": PROJECTS, "tiers": ["database", "front"]}}, "The part of project ours is given twice."),
    ],
)
def test_parts_of_several_checkpoints_are_not_one_application(both, change, told):
    foreign = others({THEIRS: changed(both.manifests[THEIRS], **change)}, OURS)
    problems = both.projects[OURS].checked(both.manifests[OURS], others=foreign)
    assert any(told in problem for problem in problems), problems


def test_a_part_that_is_missing_is_named(both):
    three = {"project": OURS, "projects": [*PROJECTS, "third"], "tiers": ["database", "front"]}
    ours = changed(both.manifests[OURS], together=three)
    theirs = changed(both.manifests[THEIRS], together={**three, "project": THEIRS})
    problems = both.projects[OURS].checked(ours, others=others({THEIRS: theirs}, OURS))
    assert [problem.split(":")[0] for problem in problems] == ["The part of project third is missing"]


def test_an_application_in_one_project_has_no_other_parts(both):
    alone = changed(both.manifests[OURS], together=None)
    (problem, *_more) = both.projects[OURS].checked(alone, others=others(both.manifests, OURS))
    assert "is all in one project, so nothing belongs to it that other projects have" in problem


def test_the_part_on_anothers_network_goes_first_and_then_the_network_with_its_share(both, remote):
    both.restored()
    for project in reversed(PROJECTS):
        with both.projects[project].there() as cloud:
            cleanup = Cleanup(cloud, Mark("shop", "noon"), Waiter(60, 1, FakeTime().clock), 1)
            assert cleanup.apply(cleanup.plan()) == []
    assert (things(remote, "networks"), things(remote, "ports"), things(remote, SHARING)) == ([], [], [])


def test_a_mapping_need_not_say_what_stands_for_a_network_of_another_part(both, monkeypatch):
    monkeypatch.setattr(os_restore_mapping_info, "connect", lambda _params: None)
    monkeypatch.setattr(os_restore_mapping_info, "published", given.manifest)
    with both.projects[THEIRS].there() as cloud:
        inventory = Inventory(restore_stock.look(cloud, 1), None)
    asked = {"manifest": both.manifests[THEIRS], "mapping": None}
    assert os_restore_mapping_info.run(asked, lambda _cloud, _params: inventory)["undecided"] == []
    proposed = os_restore_mapping_info.run(asked, lambda _cloud, _params: inventory)["mapping"]
    there = both.projects[THEIRS]
    assert there.checked(both.manifests[THEIRS], mapping=proposed, others=others(both.manifests, THEIRS)) == []
    alone = changed(both.manifests[THEIRS], together=None)
    undecided = os_restore_mapping_info.run({"manifest": alone, "mapping": None}, lambda _cloud, _params: inventory)["undecided"]
    assert [(one["kind"], one["name"]) for one in undecided] == [("networks", "shop-net"), ("subnets", "shop-subnet")]


def test_a_network_that_gets_another_name_is_shared_under_that(both, remote):
    renamed = {"schema_version": 1, "networks": {"shop-net": {"name": "shop-dr", "make": True}}}
    ours, theirs = both.manifests[OURS], both.manifests[THEIRS]
    follows = {"schema_version": 1, "networks": {"shop-net": "shop-dr"}}
    asked = {OURS: (ours, renamed, others(both.manifests, OURS, theirs=follows)), THEIRS: (theirs, follows, others(both.manifests, THEIRS, ours=renamed))}
    for project, (manifest, mapping, beside) in asked.items():
        assert both.projects[project].checked(manifest, mapping=mapping, others=beside) == []
    for project, (manifest, mapping, beside) in asked.items():
        both.projects[project].restored(manifest, mapping=mapping, others=beside)
    (network,) = things(remote, "networks")
    assert (network["name"], {port["network_id"] for port in things(remote, "ports", THEIRS)}) == ("shop-dr", {network["id"]})
    unaware = both.projects[THEIRS].checked(theirs, others=others(both.manifests, THEIRS, ours=renamed))
    assert "Network 'shop-net' belongs to another project at the source" in unaware[0]
