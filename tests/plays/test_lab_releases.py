# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which release of OpenStack a site of the lab gets, and keeps."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def ansible(lab, host, *words, releases=""):
    given = {"lab_dir": str(lab), "lab_releases": releases, "ansible_connection": "local"}
    done = subprocess.run(["ansible", host, *words, "--extra-vars", json.dumps(given)], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode == 0, " ".join((done.stdout + done.stderr).split())


def made(lab, **notes):
    """A site that is complete, with these notes besides."""
    done = lab / "sites/primary/done"
    done.mkdir(parents=True)
    for name, content in {"site": "", **notes}.items():
        (done / name).write_text(content)


def released(lab, **options):
    """The release of the primary site, the site's environment and that of the clients outside of it."""
    asked = "msg='RELEASED: {{ lab_release }} {{ lab_venv }} {{ hostvars.localhost.lab_venv }} .'"
    passed, said = ansible(lab, "primary", "-m", "debug", "-a", asked, **options)
    assert passed, said
    release, *places = said.partition("RELEASED: ")[2].split()[:3]
    return release, *(str(Path(place).relative_to(lab)) for place in places)


def test_a_site_gets_the_release_that_is_asked_for_and_others_the_default(tmp_path):
    assert released(tmp_path, releases="remote=2025.2 primary=2024.1") == ("2024.1", "venvs/openstack-2024.1", "venvs/openstack")
    assert released(tmp_path, releases="remote=2025.2") == ("2026.2", "venvs/openstack", "venvs/openstack")


def test_a_site_that_is_there_keeps_its_release(tmp_path):
    made(tmp_path, release="2025.2\n")
    assert released(tmp_path)[0] == "2025.2"


@pytest.mark.parametrize(
    ("notes", "releases", "why"),
    [
        ({"release": "2025.2\n"}, "primary=2024.1", "Site primary was made with OpenStack 2025.2 and keeps it."),
        ({}, "primary=2024.1", "Site primary was made with OpenStack 2026.2 and keeps it."),
        ({}, "primary=2024.2", '"primary=2024.2" names no releases of sites'),
        ({}, "north=2024.1", '"north=2024.1" names no releases of sites'),
        ({}, "2024.1", '"2024.1" names no releases of sites'),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_changed(tmp_path, notes, releases, why):
    made(tmp_path, **notes)
    passed, said = ansible(tmp_path, "localhost", "-m", "include_role", "-a", "name=host_check", releases=releases)
    assert not passed and why in said, said
