# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of a site are waited for as long as one after the other comes up, and those that do not are told."""

from __future__ import annotations

import contextlib
import functools
import sys
import xmlrpc.client
from pathlib import Path

import ansible.module_utils
import pytest
from lab_patience import Patience
from lab_site import Site

LAB = Path(__file__).parents[2] / "lab"
# As Ansible finds them for a module.
ansible.module_utils.__path__.append(str(LAB / "module_utils"))
sys.path.append(str(LAB / "library"))

import site_programs  # noqa: E402 (the paths have to be set first)

TIMEOUT = 100


class Supervisor:
    """Programs that serve, or end, a while after the beginning."""

    def __init__(self):
        self.now = 0.0
        self.serving = {}
        self.ending = {}

    def state(self, name):
        ended = self.now >= self.ending.get(name, float("inf"))
        return {"name": name, "statename": "FATAL" if ended else "RUNNING", "start": 0, "spawnerr": ""}

    def getAllProcessInfo(self):  # noqa: N802 (the supervisor's own name)
        return [self.state(name) for name in (*self.serving, *self.ending)]

    def serves(self, program):
        return self.now >= self.serving.get(program["name"], float("inf"))

    def sleep(self, seconds):
        self.now += 1


@pytest.fixture
def supervisor(monkeypatch):
    supervisor = Supervisor()
    monkeypatch.setattr(site_programs, "serves", supervisor.serves)
    monkeypatch.setattr(site_programs, "time", supervisor)
    patience = functools.partial(Patience, clock=lambda: supervisor.now, crowd=lambda: 1.0)
    monkeypatch.setattr(site_programs, "Patience", patience)
    monkeypatch.setattr(Site, "supervisor", lambda _self: supervisor)
    return supervisor


@pytest.fixture
def site(tmp_path):
    site = Site("primary", str(tmp_path))
    Path(site.log_dir).mkdir(parents=True)
    return site


def wait(site, names):
    site_programs.Programs(site, [{"name": name} for name in names], TIMEOUT).wait()


def test_each_that_comes_up_is_progress(site, supervisor):
    """Together they take longer than one may alone."""
    supervisor.serving = {"mariadb": 0.9 * TIMEOUT, "rabbitmq": 1.8 * TIMEOUT, "nova-api": 2.7 * TIMEOUT}
    wait(site, supervisor.serving)
    assert supervisor.now == pytest.approx(2.7 * TIMEOUT)


def test_those_that_do_not_come_are_told_with_their_logs(site, supervisor):
    supervisor.serving = {"mariadb": 5, "nova-api": 10 * TIMEOUT}
    Path(site.log_dir, "nova-api.log").write_text("still importing\n")
    with pytest.raises(site_programs.SiteError, match="Program nova-api of site primary does not serve after 10[67] s") as told:
        wait(site, supervisor.serving)
    assert "still importing" in str(told.value)
    assert "mariadb" not in str(told.value)


def test_one_that_has_ended_is_not_waited_for(site, supervisor):
    supervisor.ending = {"nova-api": 3}
    with pytest.raises(site_programs.SiteError, match="nova-api of site primary ended"):
        wait(site, supervisor.ending)
    assert supervisor.now == 3


def test_what_is_waited_for_can_be_read_meanwhile(site, supervisor, monkeypatch):
    seen = []
    supervisor.serving = {"mariadb": 1, "nova-api": 3}
    monkeypatch.setattr(site_programs, "serves", lambda program: seen.append(Path(site.waiting).read_text()) or supervisor.serves(program))
    wait(site, supervisor.serving)
    assert seen[0] == "mariadb, nova-api"
    assert seen[-1] == "nova-api"


@pytest.mark.parametrize(("code", "is_fine"), [(site_programs.ALREADY_STARTED, True), (50, False)])
def test_one_that_the_supervisor_starts_meanwhile_is_started(site, supervisor, code, is_fine):
    def refuse(name, _waits):
        raise xmlrpc.client.Fault(code, f"No: {name}")

    supervisor.startProcess = refuse
    programs = site_programs.Programs(site, [{"name": "nova-scheduler"}], TIMEOUT)
    with contextlib.nullcontext() if is_fine else pytest.raises(xmlrpc.client.Fault, match="No: nova-scheduler"):
        programs.begin("nova-scheduler")
