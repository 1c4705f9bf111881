# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils import capture, failover_check, restore_check
from ansible_collections.osdr.openstack.plugins.module_utils.active_record import ActiveRecord
from ansible_collections.osdr.openstack.plugins.module_utils.active_site import Move, View
from ansible_collections.osdr.openstack.plugins.module_utils.application import Application
from ansible_collections.osdr.openstack.plugins.module_utils.errors import CheckFailed
from ansible_collections.osdr.openstack.plugins.module_utils.failover_check import Wanted, check, provisional, settle
from ansible_collections.osdr.openstack.plugins.module_utils.fence_mark import FenceMark
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.restore_check import Stock
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils import shop
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils.fakes import server

APPLICATION = Application.parse(shop.DOCUMENT["application"])
NOW = "2026-01-02T12:00:00.000Z"
QUOTAS = {"volume": {}, "compute": {}, "network": {}}


def fenced(name, checkpoint="x", site="remote", **changes):
    mark = FenceMark("shop", site, checkpoint, "2026-01-01T12:00:00Z", "")
    return server(name, **{"status": "SHUTOFF", "locked": True, "metadata": mark.metadata(), **changes})


RUNNING = (server("orders-db"), server("shop-front"))


def move(*servers, record=None):
    return Move(APPLICATION, View("primary", None, (), servers), View("remote", record, (), ()))


@pytest.mark.parametrize(
    ("found", "given", "expected"),
    [
        (move(*RUNNING), "", "fresh"),
        (move(*RUNNING), "mine", "mine"),
        (move(fenced("orders-db"), server("shop-front")), "", "x"),
        (move(fenced("orders-db")), "x", "x"),
        (move(fenced("orders-db"), record=ActiveRecord("shop", "remote", NOW, "y")), "mine", "y"),
    ],
)
def test_the_last_checkpoint_has_one_id_over_all_runs(found, given, expected):
    assert settle(found, given, "fresh") == (expected, [])


@pytest.mark.parametrize(("servers", "given"), [((fenced("orders-db"),), "y"), ((fenced("orders-db"), fenced("shop-front", "y")), "")])
def test_a_move_that_was_begun_with_another_id_is_told(servers, given):
    _checkpoint, (problem,) = settle(move(*servers), given, "fresh")
    assert "was begun with checkpoint 'x'" in problem
    assert "release the servers at site 'primary'" in problem


def test_what_is_yet_to_be_taken_is_a_whole_manifest_but_for_its_copies():
    made = provisional(shop.manifest().description, "x", "primary", NOW)
    assert {made.copy_of(volume).chain for volume in made.description.volumes} == {()}
    assert (made.checkpoint.consistency, made.checkpoint.site) == ("offline", "primary")


class Here:
    """A site as the check sees it."""

    def __init__(self, name, servers=(), record=None, taken=None):
        self.name = name
        self.cloud = SimpleNamespace(site=name)
        self.catalogue = SimpleNamespace(find=lambda application, checkpoint: taken)
        self._view = View(name, record, (), tuple(servers))

    def view(self, _application):
        return self._view


@pytest.fixture
def run(monkeypatch):
    def go(source=None, target=None, site=None, description=None, **changes):
        monkeypatch.setattr(capture, "look", lambda cloud, application, concurrency: None)
        monkeypatch.setattr(capture, "describe", lambda application, seen: (description or shop.manifest().description))
        stock = Stock(site or shop.empty_site(), (), {}, ("ceph",), QUOTAS, shop.ZONES)
        monkeypatch.setattr(restore_check, "look", lambda cloud, concurrency: stock)
        values = {
            "application": APPLICATION,
            "given": "",
            "fresh": "fresh",
            "active_site": None,
            "mapping": SiteMapping.parse(None),
            "remove_old": False,
            "keep_volumes": False,
            "command_checks": "refuse",
        }
        return check(source or Here("primary", RUNNING), target or Here("remote"), Wanted(**{**values, **changes}), NOW, 2)

    return go


def test_a_first_move_can_be_begun_and_needs_no_checkpoint_for_it(run):
    found = run().as_dict()
    assert (found["problems"], found["checkpoint"], found["done"], found["taken"], found["old"]) == ([], "fresh", False, False, [])


def test_all_that_speaks_against_it_is_told_at_once(run):
    bare = shop.empty_site(flavors=(), networks=())
    problems = run(target=Here("remote", [server("orders-db", id="there")]), site=bare).problems
    assert [any(part in one for one in problems) for part in ("run at both sites", "needs flavor", "no external network")] == [True] * 3


def test_an_application_that_cannot_be_captured_is_told(run, monkeypatch):
    def fail(application, seen):
        raise CheckFailed("It cannot be captured", ["A volume is encrypted."])

    go = run
    go()
    monkeypatch.setattr(failover_check, "_described", lambda *arguments: fail(*arguments[:2]))
    assert go().problems == ("A volume is encrypted.",)


@pytest.mark.parametrize(("policy", "problems"), [("refuse", 1), ("run", 0)])
def test_what_would_stop_the_restore_stops_the_move(run, policy, problems):
    check = {"command": ["/bin/order"], "timeout": 60}
    application = shop.document()["application"]
    application["tiers"][0]["checks"].append(check)
    description = dataclasses.replace(shop.manifest().description, application=Application.parse(application))
    found = run(description=description, command_checks=policy).problems
    assert len([one for one in found if "/bin/order" in one]) == problems


def back_home(**changes):
    """The old servers at the original site, with their ports and volumes."""
    servers = tuple(fenced(spec.name, site="remote") for spec in shop.manifest().description.servers)
    ports = tuple(shop.restored_port(one.name, shop.mark(1), device_id=one.id, description="", tags=()) for one in servers)
    return shop.prepared_site(**{"name": "primary", "servers": servers, "ports": (shop.ROUTER_PORT, *ports), "volumes": (), **changes})


def go_back(run, **changes):
    record = ActiveRecord("shop", "remote", "2026-01-01T13:00:00Z", "x")
    home = back_home()
    source, target = Here("remote", RUNNING, record), Here("primary", home.servers, record)
    return run(source, target, home, **changes)


def test_old_servers_are_in_the_way_until_they_may_be_removed(run):
    refused = go_back(run)
    assert len([one for one in refused.problems if "is of an earlier time of the application and in the way" in one]) == 2
    allowed = go_back(run, remove_old=True)
    assert (allowed.problems, len(allowed.old)) == ((), 2)


def test_a_move_that_is_done_needs_nothing(run):
    record = ActiveRecord("shop", "remote", NOW, "x")
    found = run(Here("primary", [fenced("orders-db")]), Here("remote", RUNNING, record))
    assert (found.as_dict()["done"], found.problems, found.checkpoint) == (True, (), "x")


def test_when_the_last_checkpoint_is_there_its_copies_count(run):
    manifest = Manifest.parse(shop.document())
    taken = dataclasses.replace(manifest, checkpoint=dataclasses.replace(manifest.checkpoint, id="x"))
    found = run(Here("primary", [fenced("orders-db")]), Here("remote", taken=taken))
    assert found.is_taken
    assert any("Backup" in one and "is not known at site 'remote'" in one for one in found.problems)
