# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.checks import Check
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, InvalidInput, ManifestInvalid, NotFound
from ansible_collections.osdr.openstack.plugins.modules import os_restore_servers
from ansible_collections.osdr.openstack.tests.unit.support import given, shop

COMMAND = {"command": ["/bin/order"], "timeout": 60}
QUIESCE = {"driver": "auto", "admin_cloud": None, "libvirt_uri": None}
PROBE = {"agent": False, "console": None, "timeout": None}


def document(*checks):
    """A manifest whose front has these checks."""
    application = shop.document()["application"]
    application["tiers"][1]["checks"] = list(checks)
    return shop.document(application=application)


class Restore:
    """Stands for :class:`ServerRestore`; remembers what it was made with."""

    started = "2026-11-22T14:30:14.150Z"
    changes = False

    def __init__(self, _services, plan, _waiter, _concurrency, gates, volumes=None):
        self.plan, self.gates, self.volumes = plan, gates, volumes
        self.steps, self.lone_ports, self.forwarders = plan.servers, plan.ports, plan.forwarders
        self.warnings = []
        self.applied = False

    def refuse_problems(self):
        pass

    def apply(self):
        self.applied = True
        return []

    def predicted(self):
        return []

    described_ports = described_forwarders = predicted

    def timing(self):
        return {"wall_seconds": 1.0}


@pytest.fixture
def run(monkeypatch):
    def run(*checks, check_mode=False, site=None, storage=(), **changes):
        made = []

        def restore(*arguments):
            made.append(Restore(*arguments))
            return made[0]

        monkeypatch.setattr(os_restore_servers, "connect", lambda _params: "cloud")
        monkeypatch.setattr(os_restore_servers, "published", given.manifest)
        monkeypatch.setattr(os_restore_servers, "look", lambda *_given: site or shop.prepared_site())
        monkeypatch.setattr(os_restore_servers, "ServerRestore", restore)
        cinder = SimpleNamespace(cloud=SimpleNamespace(site="remote"), volumes=lambda: list(storage))
        monkeypatch.setattr(os_restore_servers, "BlockStorage", lambda _cloud: cinder)
        monkeypatch.setattr(os_restore_servers, "Compute", lambda _cloud: None)
        monkeypatch.setattr(os_restore_servers, "Networking", lambda _cloud: None)
        warnings = []
        params = {
            "manifest": document(*checks),
            "mapping": None,
            **shop.NOT_ENCRYPTED,
            "user_data_key": None,
            "state": "present",
            "tiers": None,
            "servers": None,
            "volumes": "there",
            "timeout": 60,
            "concurrency": 8,
            "command_checks": "refuse",
            "quiesce": QUIESCE,
            "drill": None,
            "drill_probe": PROBE,
            "admin_cloud": None,
            **changes,
        }
        result = os_restore_servers.run(SimpleNamespace(params=params, warn=warnings.append, check_mode=check_mode))
        return SimpleNamespace(result=result, warnings=warnings, restore=made[0])

    return run


@pytest.mark.parametrize("check_mode", [False, True])
def test_commands_are_refused_without_a_word(run, check_mode):
    with pytest.raises(CheckFailed, match="this step has changed nothing.*/bin/order"):
        run(COMMAND, check_mode=check_mode)


def test_they_are_left_out_with_a_warning(run):
    done = run(COMMAND, command_checks="skip")
    assert done.restore.applied
    assert not done.restore.gates.runs_commands
    assert len(done.warnings) == 1


def test_they_are_run_when_told(run):
    done = run(COMMAND, command_checks="run")
    assert done.restore.gates.runs_commands
    assert done.warnings == []


def test_what_is_not_restored_now_is_not_asked_about(run):
    done = run(COMMAND, tiers=["database"])
    assert [tier.name for tier in done.restore.plan.manifest.application.tiers] == ["database"]
    assert list(done.result["diff"]["after"]["servers"]) == ["orders-db"]


def test_all_is_removed_or_nothing(run):
    with pytest.raises(InvalidInput, match="take tiers, servers and volumes out"):
        run(state="absent", tiers=["database"])
    with pytest.raises(InvalidInput, match="take tiers, servers and volumes out"):
        run(state="absent", volumes="restore")
    with pytest.raises(InvalidInput, match="take tiers, servers and volumes out"):
        run(state="absent", servers=["orders-db"])


def test_everything_that_was_restored_is_removed_in_order(monkeypatch):
    calls, site = [], shop.restored_site()

    def note(call):
        return lambda one: calls.append((call, one))

    def gone(_server_id):
        raise NotFound("It is gone.")

    compute = SimpleNamespace(delete_server=note("server"), server=gone)
    network = SimpleNamespace(delete_floating_ip=note("floating address"), delete_port=note("port"))
    monkeypatch.setattr(os_restore_servers, "connect", lambda _params: None)
    monkeypatch.setattr(os_restore_servers, "look", lambda *_given: site)
    monkeypatch.setattr(os_restore_servers, "Compute", lambda _cloud: compute)
    monkeypatch.setattr(os_restore_servers, "Networking", lambda _cloud: network)
    params = {"application": "shop", "checkpoint": "noon", "drill": None, "state": "absent", "tiers": None, "servers": None, "volumes": "there"}
    effort = {"timeout": 60, "concurrency": 1}
    result = os_restore_servers.run(SimpleNamespace(params={**params, **effort}, check_mode=False))
    assert [call for call, _one in calls] == ["server"] * 2 + ["floating address"] * 2 + ["port"] * 2
    assert result["diff"]["before"]["ports"] == ["port-orders-db", "port-shop-front"]
    calls.clear()
    assert os_restore_servers.run(SimpleNamespace(params={**params, **effort}, check_mode=True)) == result
    assert calls == []


def test_of_some_servers_only_those_are_restored_with_their_tiers_and_volumes(run):
    done = run(COMMAND, servers=["orders-db"], volumes="restore", site=shop.prepared_site(volumes=()), check_mode=True, storage=())
    assert [step.spec.name for step in done.restore.steps] == ["orders-db"]
    assert [tier.name for tier in done.restore.plan.manifest.application.tiers] == ["database"]
    assert {step.servers for step in done.restore.volumes.steps} == {("orders-db",)}


def test_for_a_drill_what_was_asked_for_stands_for_the_checks(run):
    gates = run({"port": 80, "timeout": 60}, drill="7", drill_probe={"agent": False, "console": "login:", "timeout": 9}).restore.gates
    assert (gates.probes, gates.timeout) == ((Check(console="login:"),), 9)


@pytest.mark.parametrize("checks", [[], [{"agent": True, "timeout": 60}]])
def test_agents_are_asked_in_the_same_way_in_drills(run, checks):
    with pytest.raises(InvalidInput, match="needs libvirt_uri"):
        run(*checks, drill="7", drill_probe={**PROBE, "agent": not checks}, quiesce={**QUIESCE, "driver": "libvirt"})


def test_volumes_must_be_there_unless_they_are_to_be_restored(run):
    done = run()
    assert (done.restore.volumes, "volumes" in done.result) == (None, False)


@pytest.mark.parametrize("check_mode", [False, True])
def test_volumes_are_restored_too_and_shown(run, check_mode):
    made = shop.prepared_site().volumes[:1]
    site = shop.prepared_site(volumes=made)
    done = run(volumes="restore", tiers=["front"], check_mode=check_mode, site=site, storage=made)
    assert len(done.restore.volumes.steps) == 3, "the volumes of all tiers are begun"
    assert sorted(done.result["diff"]["before"]["volumes"].values()) == ["absent", "absent", "available"]
    assert set(done.result["diff"]["after"]["volumes"].values()) == {"restored", "available"}
    assert done.result["changed"]
    assert [one["status"] for one in done.result["volumes"]] == ["available", "absent", "absent"]


def test_volumes_of_copies_that_are_not_known_end_it_before_the_first_change(run):
    pigeon = document()
    pigeon["copies"][0]["method"] = "pigeon"
    with pytest.raises(ManifestInvalid, match="the method 'pigeon', which this release does not know"):
        run(manifest=pigeon, volumes="restore")


@pytest.mark.parametrize(("check_mode", "timing"), [(True, None), (False, {"wall_seconds": 1.0})])
def test_how_long_it_took_is_told_where_something_was_done(run, check_mode, timing):
    assert run(check_mode=check_mode).result["timing"] == timing
