# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.capture.job import Captured
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.active_record import ActiveRecord
from ansible_collections.osdr.openstack.plugins.module_utils.core.encryption import Encryption
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.plugins.module_utils.failover import check as failover_check
from ansible_collections.osdr.openstack.plugins.module_utils.failover.active_site import Move, View
from ansible_collections.osdr.openstack.plugins.module_utils.failover.check import MoveRequest, check, provisional, settle
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fence_mark import FenceMark
from ansible_collections.osdr.openstack.plugins.module_utils.failover.preflight import Conditions
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.missing import Missing, warning
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.together import Together
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.volume_keys import Opener, Sealer
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.restore import stock as restore_stock
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock
from ansible_collections.osdr.openstack.tests.unit.support import sealing, shop
from ansible_collections.osdr.openstack.tests.unit.support.counting import ONCE, planning
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import FakeCinder
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server, snapshot, volume

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
    assert "has begun with checkpoint 'x'" in problem
    assert "release the servers at site 'primary'" in problem


def test_what_is_yet_to_be_taken_is_a_whole_manifest_but_for_its_copies():
    made = provisional(shop.manifest().description, "x", "primary", NOW)
    assert {made.copy_of(volume).chain for volume in made.description.volumes} == {()}
    assert (made.checkpoint.consistency, made.checkpoint.site) == ("offline", "primary")


class Here:
    """A site as the check sees it."""

    def __init__(self, name, servers=(), record=None, taken=None, snapshots=()):
        self.name = name
        self.snapshots = lambda application, checkpoint: list(snapshots)
        self.cloud, self.admin = SimpleNamespace(site=name), None
        self.catalogue = SimpleNamespace(find=lambda application, checkpoint: taken)
        self._view = View(name, record, (), tuple(servers))

    def view(self, _application):
        return self._view


@pytest.fixture
def run(monkeypatch):
    def go(source=None, target=None, site=None, description=None, told=(), capture=None, **changes):
        captured = Captured(description or shop.manifest().description, tuple(told))
        monkeypatch.setattr(failover_check, "capture", capture or (lambda cloud, application, concurrency, seals_keys: captured))
        stock = Stock(site or shop.empty_site(), {}, ("ceph",), QUOTAS, shop.ZONES)
        monkeypatch.setattr(restore_stock, "look", lambda *_given, **_more: stock)
        values = {
            "application": APPLICATION,
            "given": "",
            "fresh": "fresh",
            "active_site": None,
            "mapping": SiteMapping.parse(None),
            "conditions": Conditions(),
        }
        return check(source or Here("primary", RUNNING), target or Here("remote"), MoveRequest(**{**values, **changes}), NOW, 2)

    return go


def test_a_first_move_can_be_begun_and_needs_no_checkpoint_for_it(run):
    found = run().as_dict()
    assert (found["problems"], found["checkpoint"], found["done"], found["taken"], found["old"]) == ([], "fresh", False, False, [])


def test_all_that_speaks_against_it_is_told_at_once(run):
    bare = shop.empty_site(flavors=(), networks=())
    problems = run(target=Here("remote", [server("orders-db", id="there")]), site=bare).problems
    assert [any(part in one for one in problems) for part in ("run at both sites", "needs flavor", "no external network")] == [True] * 3


def test_an_application_that_cannot_be_captured_is_told(run):
    def fail(*_arguments, seals_keys):
        assert not seals_keys
        raise CheckFailed("It cannot be captured", ["A volume is encrypted."])

    assert run(capture=fail).problems == ("A volume is encrypted.",)


def test_what_will_be_missing_is_told_once_before_the_first_server_is_stopped(run):
    lost = (Missing("network 'shop-net'", "dns_domain", "shop.", ""),)
    description = dataclasses.replace(shop.manifest().description, missing=lost)
    small = shop.prepared_site(networks=(shop.PUBLIC, dataclasses.replace(shop.NETWORK, mtu=1400)))
    found = run(site=small, description=description, told=("A key is not captured.", warning(lost)))
    assert found.warnings[:2] == ("A key is not captured.", "Will be missing at the remote site: network 'shop-net': dns_domain (shop.).")
    assert ["MTU of 1400" in one for one in found.warnings[2:]] == [True]


@pytest.mark.parametrize(("policy", "problems"), [("refuse", 1), ("run", 0)])
def test_what_would_stop_the_restore_stops_the_move(run, policy, problems):
    check = {"command": ["/bin/order"], "timeout": 60}
    application = shop.document()["application"]
    application["tiers"][0]["checks"].append(check)
    description = dataclasses.replace(shop.manifest().description, application=Application.parse(application))
    found = run(description=description, conditions=Conditions(command_checks=policy)).problems
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
    assert len([one for one in refused.problems if "left by an earlier move of the application, blocks the restore" in one]) == 2
    allowed = go_back(run, conditions=Conditions(remove_old=True))
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
    assert any("Backup" in one and "is missing at site 'remote'" in one for one in found.problems)


def test_a_part_of_an_application_over_several_projects_is_not_moved_alone(run):
    manifest = Manifest.parse(shop.document())
    parts = Together("ours", ("ours", "theirs"), ("database", "front"))
    part = dataclasses.replace(manifest, checkpoint=dataclasses.replace(manifest.checkpoint, id="x", together=parts))
    found = run(Here("primary", [fenced("orders-db")]), Here("remote", taken=part))
    assert any(one.startswith("A move to another site is not supported for an application over several projects") for one in found.problems)


def taken(name="x"):
    """A checkpoint in the catalogue of the target, of long ago."""
    manifest = Manifest.parse(shop.document())
    return dataclasses.replace(manifest, checkpoint=dataclasses.replace(manifest.checkpoint, id=name, created_at="2025-06-01T12:00:00.000Z"))


def outdated(verdict):
    return [one for one in verdict.problems if "was taken earlier" in one]


FENCED = (fenced("orders-db"), fenced("shop-front"))
MARKED = (fenced("orders-db", status="ACTIVE", locked=False), fenced("shop-front", status="ACTIVE", locked=False))
STOPPING = fenced("orders-db", status="ACTIVE", task_state="powering-off", locked=False)
SNAPSHOTS = (snapshot("orders-db", created_at="2025-06-01T12:00:00"),)
RESTORED = (server("orders-db", id="new", metadata=shop.mark(11).metadata()),)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        pytest.param(Here("primary", (MARKED[0], server("shop-front"))), Here("remote"), id="marking"),
        pytest.param(Here("primary", (STOPPING, FENCED[1])), Here("remote"), id="stopping"),
        pytest.param(Here("primary", (fenced("orders-db", locked=False), FENCED[1])), Here("remote"), id="locking"),
        pytest.param(Here("primary", FENCED), Here("remote"), id="fenced"),
        pytest.param(Here("primary", FENCED, snapshots=SNAPSHOTS), Here("remote"), id="copying"),
        pytest.param(Here("primary", FENCED, snapshots=SNAPSHOTS), Here("remote", taken=taken()), id="published"),
        pytest.param(Here("primary", FENCED), Here("remote", RESTORED, taken=taken()), id="restoring"),
        pytest.param(Here("primary", FENCED), Here("remote", RESTORED, ActiveRecord("shop", "remote", NOW, "x"), taken()), id="recording"),
    ],
)
def test_a_move_goes_on_with_its_checkpoint_in_whatever_step_it_stopped(run, source, target):
    found = run(source, target)
    assert (found.checkpoint, found.as_dict()["resumed"], outdated(found)) == ("x", True, [])
    assert not any("where the application runs" in one for one in found.problems)


@pytest.mark.parametrize(
    ("source", "target", "given"),
    [
        pytest.param(Here("primary", RUNNING), Here("remote", taken=taken()), "x", id="the id of an old checkpoint"),
        pytest.param(Here("primary", (server("orders-db", status="SHUTOFF"),)), Here("remote", taken=taken()), "x", id="and nothing runs"),
        pytest.param(Here("primary", RUNNING, snapshots=SNAPSHOTS), Here("remote"), "x", id="the id of old snapshots"),
        pytest.param(Here("primary", MARKED), Here("remote", taken=taken()), "", id="started by hand"),
        pytest.param(Here("primary", (*FENCED, server("orders-db", id="new"))), Here("remote", taken=taken()), "", id="another runs"),
        pytest.param(Here("primary", (fenced("orders-db", locked=False), FENCED[1])), Here("remote", taken=taken()), "", id="started and stopped by hand"),
        pytest.param(Here("primary", MARKED, snapshots=SNAPSHOTS), Here("remote"), "", id="started by hand before it was published"),
    ],
)
def test_data_of_before_the_application_ran_again_are_not_restored(run, source, target, given):
    (problem,) = outdated(run(source, target, given=given))
    assert "Checkpoint 'x' was taken earlier (2025-06-01T12:00:00" in problem
    assert ("Give another id" if given else "dr_fence_state: released") in problem


def test_who_let_go_is_told(run):
    (problem,) = outdated(run(Here("primary", (MARKED[0], FENCED[1])), Here("remote", taken=taken())))
    assert "At site 'primary' these servers run, or were unlocked, since the move began: orders-db." in problem


def test_snapshots_of_the_checkpoint_are_known_by_their_marks(monkeypatch):
    cinder = FakeCinder(volume("orders-db"))
    for checkpoint in ("x", "y"):
        cinder.create_snapshot("volume-orders-db", checkpoint, marks("shop", checkpoint))
    monkeypatch.setattr(failover_check, "BlockStorage", lambda cloud: cinder)
    assert [one.name for one in failover_check.MoveSite("primary", None, None).snapshots(APPLICATION, "x")] == ["x"]


def test_the_restore_is_planned_once(run, monkeypatch):
    counts = planning(monkeypatch)
    run()
    assert counts == ONCE


# Encrypted volumes

LUKS = Encryption("luks", "aes-xts-plain64", 256)
PRIVATE, PUBLIC = sealing.pair()


def encrypted():
    """The application, whose first server's volumes are encrypted."""
    description = shop.manifest().description
    first, *others = description.servers
    volumes = tuple(dataclasses.replace(one, encryption=LUKS) for one in first.volumes)
    return dataclasses.replace(description, servers=(dataclasses.replace(first, volumes=volumes), *others))


def test_what_is_yet_to_be_sealed_shows_whether_the_keys_are_a_pair():
    made = provisional(encrypted(), "x", "primary", NOW, Sealer(PUBLIC))
    for spec in made.description.volumes:
        key = made.copy_of(spec).key
        assert (key is not None) == (spec.encryption is not None)
        if key:
            assert Opener(PRIVATE).open(spec.source_id, key).content == b""
            with pytest.raises(InvalidInput):
                Opener(sealing.pair(2)[0]).open(spec.source_id, key)


@pytest.mark.parametrize("sealer", [None, Sealer(PUBLIC)])
def test_an_application_with_encrypted_volumes_is_moved_where_their_keys_can_be_sealed_and_opened(run, monkeypatch, sealer):
    asked = []

    def capture(_cloud, _application, _concurrency, seals_keys):
        assert seals_keys == (sealer is not None)
        return Captured(encrypted(), ())

    def look(steps, means, cloud):
        asked.append(([step.copy.key is not None for step in steps], means, cloud))
        return ["The site has no key manager."], ["Only administrators see that."]

    monkeypatch.setattr(failover_check.sealed, "check", look)
    means, target = failover_check.sealed.Means(admin="remote-admin"), Here("remote")
    found = run(target=target, capture=capture, sealer=sealer, means=means)
    assert (found.problems[-1], found.warnings[-1]) == ("The site has no key manager.", "Only administrators see that.")
    ((has_keys, *with_what),) = asked
    assert (any(has_keys), with_what) == (sealer is not None, [means, target.cloud])
