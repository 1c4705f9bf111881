# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.checks import Check
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.restore.server_plan import plan_servers
from ansible_collections.osdr.openstack.plugins.modules import os_restore_servers
from ansible_collections.osdr.openstack.tests.unit.support import shop

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

    def __init__(self, _cloud, manifest, _waiter, _limit, gates, volumes=None):
        self.manifest, self.gates, self.volumes = manifest, gates, volumes
        self.applied = False

    def plan(self):
        return plan_servers(self.manifest, shop.prepared_site())

    def refuse_problems(self, _steps):
        pass

    def apply(self, _steps):
        self.applied = True
        return []

    def predicted(self, _steps):
        return []

    def timing(self):
        return {"wall_seconds": 1.0}


@pytest.fixture
def run(monkeypatch):
    def run(*checks, check_mode=False, **changes):
        made = []

        def restore(*arguments):
            made.append(Restore(*arguments))
            return made[0]

        monkeypatch.setattr(os_restore_servers, "connect", lambda _params: "cloud")
        monkeypatch.setattr(os_restore_servers, "ServerRestore", restore)
        warnings = []
        params = {
            "manifest": document(*checks),
            "mapping": None,
            "user_data_key": None,
            "state": "present",
            "tiers": None,
            "volumes": "there",
            "timeout": 60,
            "concurrency": 8,
            "command_checks": "refuse",
            "quiesce": QUIESCE,
            "drill": None,
            "drill_probe": PROBE,
            **changes,
        }
        result = os_restore_servers.run(SimpleNamespace(params=params, warn=warnings.append, check_mode=check_mode))
        return SimpleNamespace(result=result, warnings=warnings, restore=made[0])

    return run


@pytest.mark.parametrize("check_mode", [False, True])
def test_commands_are_refused_without_a_word(run, check_mode):
    with pytest.raises(CheckFailed, match="nothing was changed.*/bin/order"):
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
    assert [tier.name for tier in done.restore.manifest.application.tiers] == ["database"]
    assert list(done.result["diff"]["after"]["servers"]) == ["orders-db"]


def test_all_is_removed_or_nothing(run):
    with pytest.raises(InvalidInput, match="take tiers and volumes out"):
        run(state="absent", tiers=["database"])
    with pytest.raises(InvalidInput, match="take tiers and volumes out"):
        run(state="absent", volumes="restore")


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
def test_volumes_are_restored_too_and_shown(run, monkeypatch, check_mode):
    made = shop.prepared_site().volumes[:1]
    storage = SimpleNamespace(cloud=SimpleNamespace(site="remote"), volumes=lambda: list(made))
    monkeypatch.setattr(os_restore_servers, "BlockStorage", lambda _cloud: storage)
    done = run(volumes="restore", tiers=["front"], check_mode=check_mode)
    assert len(done.restore.volumes.steps) == 3, "the volumes of all tiers are begun"
    assert sorted(done.result["diff"]["before"]["volumes"].values()) == ["absent", "absent", "available"]
    assert set(done.result["diff"]["after"]["volumes"].values()) == {"restored", "available"}
    assert done.result["changed"]
    assert [one["status"] for one in done.result["volumes"]] == ["available", "absent", "absent"]


@pytest.mark.parametrize(("check_mode", "timing"), [(True, None), (False, {"wall_seconds": 1.0})])
def test_how_long_it_took_is_told_where_something_was_done(run, check_mode, timing):
    assert run(check_mode=check_mode).result["timing"] == timing
