# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers in the states into which Nova can bring them: what a checkpoint finds before it freezes anybody, and what is restored."""

from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import running
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.check import state_problems
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import Storages, Wanted, survey
from ansible_collections.osdr.openstack.tests.unit.support.memory.asking import Caller
from ansible_collections.osdr.openstack.tests.unit.support.memory.roundtrip import Modules, manifest_of
from ansible_collections.osdr.openstack.tests.unit.support.memory.site import OPERATOR, OURS, MemorySite, connection_to

SHOP = {"name": "shop", "tiers": [{"name": "database", "servers": ["db"]}, {"name": "front", "servers": ["front"]}]}
#: By state: how a server gets there, what its owner is told to do, and how that is done; nothing where it is protected.
REFUSED = {
    "RESCUE": ({"rescue": None}, "Unrescue it.", {"unrescue": None}),
    "VERIFY_RESIZE": ({"resize": {"flavorRef": "large"}}, "Confirm or revert the resize.", {"confirmResize": None}),
    "ERROR": ({"os-resetState": {"state": "error"}}, "Repair it", {"os-resetState": {"state": "active"}}),
}
STANDING = {"PAUSED": ({"pause": None}, "Unpause it.", {"unpause": None}), "SUSPENDED": ({"suspend": None}, "Resume it.", {"resume": None})}


class Shop:
    """A database and a front end with a disk each at a site in memory."""

    def __init__(self):
        self.site = MemorySite("primary")
        self.flavor = self.site.nova.flavor("small", 1, 512)
        self.servers = {name: self._server(name) for name in ("db", "front")}

    def _server(self, name):
        root = self.site.cinder.create({"name": f"{name}-root", "size": 1}, OURS)
        root["bootable"] = "true"
        mapping = [{"uuid": root["id"], "boot_index": 0, "delete_on_termination": False}]
        body = {"name": name, "flavorRef": self.flavor["id"], "networks": "none", "block_device_mapping_v2": mapping}
        return self.site.ask("nova", "POST", "servers", {"server": body})["server"]["id"]

    def act(self, action):
        self.site.ask("nova", "POST", f"servers/{self.servers['db']}/action", action, Caller(OPERATOR, sees_all=True))

    def look(self, least="quiesced"):
        """What a checkpoint would be of, as the site shows it."""
        cloud = Cloud(connection_to(self.site), self.site.name)
        cloud.__dict__["project_id"] = OURS
        application = Application.parse(SHOP)
        servers = Compute(cloud).resolve(application.servers)
        return Wanted(application, "noon", least, survey(application, servers, Storages([BlockStorage(cloud)]))), servers

    def problems(self, least="quiesced"):
        return state_problems(self.look(least)[0])

    def frozen(self):
        return [server.name for server in running(self.look()[1].values())]


@pytest.mark.parametrize("status", REFUSED)
def test_what_is_refused_is_protected_once_its_owner_has_done_what_was_said(status):
    shop = Shop()
    there, remedy, back = REFUSED[status]
    shop.act(there)
    for least in ("quiesced", "crash"):
        (problem,) = shop.problems(least)
        assert f"Server db ({shop.servers['db']}) is {status}: it is" in problem and remedy in problem
    shop.act(back)
    assert shop.problems() == []
    assert shop.frozen() == ["db", "front"]


@pytest.mark.parametrize("status", STANDING)
def test_what_its_owner_has_paused_is_left_alone_or_resumed(status):
    shop = Shop()
    there, remedy, back = STANDING[status]
    shop.act(there)
    (problem,) = shop.problems()
    assert f"is {status}: it is" in problem and remedy in problem
    assert shop.problems("paused") == []
    assert shop.frozen() == ["front"]
    shop.act(back)
    assert shop.problems() == []
    assert shop.frozen() == ["db", "front"]


def test_what_is_shut_down_needs_nothing():
    shop = Shop()
    shop.act({"os-stop": None})
    assert shop.problems("quiesced") == []
    assert shop.frozen() == ["front"]


def test_a_shelved_server_is_refused_and_not_its_volumes_that_cinder_keeps_for_it():
    shop = Shop()
    shop.act({"shelve": None})
    (problem,) = shop.problems("crash")
    assert "is SHELVED_OFFLOADED: it is" in problem and "Unshelve it" in problem
    assert [one.status for one in shop.look()[0].volumes.values()] == ["reserved", "in-use"]


def test_a_locked_server_is_in_its_state_all_the_same():
    shop = Shop()
    shop.act({"lock": {"locked_reason": "ask the DBA"}})
    assert shop.problems() == []
    assert shop.frozen() == ["db", "front"]


@pytest.mark.parametrize(("actions", "status"), [(("pause",), "SHUTOFF"), (("suspend",), "SHUTOFF"), (("os-stop",), "SHUTOFF"), ((), "ACTIVE")])
def test_who_does_not_run_comes_back_off(actions, status):
    shop, remote = Shop(), MemorySite("remote")
    remote.nova.flavor("small", 1, 512)
    for action in actions:
        shop.act({action: None})
    here, there = Modules(shop.site), Modules(remote)
    manifest = json.loads(json.dumps(manifest_of(here.captured(SHOP), shop.site, remote)))
    there.restored(manifest)
    assert {one["name"]: one["status"] for one in remote.nova.by_id["servers"].values()} == {"db": status, "front": "ACTIVE"}
    assert ("its memory is lost" in " ".join(here.warnings)) is (actions in (("pause",), ("suspend",)))
    remote.writes.clear()
    assert not there.restored(manifest)
