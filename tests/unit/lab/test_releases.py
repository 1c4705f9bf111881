# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each release of OpenStack that a site may be made with has a lock, and launches the programs of a site in its own way."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from lab_site import Site

LAB = Path(__file__).parents[2] / "lab"
sys.path.append(str(LAB / "filter_plugins"))

import releases  # noqa: E402 (the path has to be set first)

SITES = yaml.safe_load((LAB / "group_vars/sites.yml").read_text())
DEFAULT = yaml.safe_load((LAB / "group_vars/all.yml").read_text())["lab_default_release"]
STAGES = {
    "apis": [{"name": "api", "run": "uwsgi", "http": 80}, {"name": "other", "run": "uwsgi"}],
    "workers": [{"name": "worker", "run": "work"}],
}


def test_what_a_release_has_differently_replaces_what_others_have():
    launched = releases.of_release(STAGES, {"api": {"run": "api", "environment": "A=1"}})
    assert launched["apis"] == [{"name": "api", "run": "api", "http": 80, "environment": "A=1"}, STAGES["apis"][1]]
    assert launched["workers"] == STAGES["workers"]


def test_what_a_release_does_not_have_is_left_out():
    assert releases.of_release(STAGES, {"worker": None}) == {**STAGES, "workers": []}


@pytest.mark.parametrize("release", SITES["site_releases"])
def test_a_release_has_a_lock_and_differs_only_in_programs_that_there_are(release):
    lock = (LAB / f"requirements/openstack-{release}.txt").read_text()
    assert f"OpenStack {release}" in lock and "\nnova==" in lock
    assert {*SITES["site_releases"][release]} <= {program["name"] for programs in SITES["site_programs"].values() for program in programs}


def test_every_lock_is_that_of_a_release_and_the_default_is_one():
    assert {path.stem for path in (LAB / "requirements").iterdir()} == {f"openstack-{release}" for release in SITES["site_releases"]}
    assert DEFAULT in SITES["site_releases"]


def test_a_site_has_the_programs_of_the_release_that_runs(tmp_path, monkeypatch):
    site = Site("primary", str(tmp_path))
    monkeypatch.setattr("lab_site.processes", lambda: [7])
    monkeypatch.setattr("lab_site.namespace_pids", lambda _pid: [7, 1])
    monkeypatch.setattr("lab_site.command_line", lambda _pid: ["/venvs/old/bin/python3", "/venvs/old/bin/supervisord", "--configuration", site.config])
    assert site.programs_dir() == "/venvs/old/bin"
