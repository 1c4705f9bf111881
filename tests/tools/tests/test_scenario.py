# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Molecule run that proves nothing must not pass."""

from __future__ import annotations

import os

import pytest
from ansible_collections.osdr.openstack.tests.tools import scenario


@pytest.fixture
def molecule(tmp_path, monkeypatch):
    """Puts a script in the place of Molecule."""

    def write(script):
        path = tmp_path / "molecule"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return write


@pytest.mark.parametrize(
    "said, status, outcome",
    [
        ("PLAY [Verify]", 0, 0),
        ("PLAY [Verify]", 3, 3),
        ("skipping: no hosts matched", 0, 1),
        ("default ➜ verify: Executed: Missing playbook (Remove from test_sequence to suppress)", 0, 1),
        # After a failure, Molecule looks for a playbook that no scenario has, and says this too.
        ("default ➜ destroy: Executed: Missing playbook (Remove from test_sequence to suppress)", 3, 3),
    ],
    ids=["passed", "failed", "empty", "no playbook", "failed without destroying"],
)
def test_outcome(said, status, outcome, molecule):
    molecule(f"echo '{said}'; exit {status}")
    assert scenario.main("default") == outcome


PLAY = "- name: Say something\n  hosts: {hosts}\n  gather_facts: false\n  tasks:\n    - ansible.builtin.debug:\n        msg: said\n"


@pytest.mark.parametrize("hosts, outcome", [("localhost", 0), ("nobody", 1), (None, 1)], ids=["whole", "empty", "no playbook"])
def test_what_molecule_itself_says_is_understood(hosts, outcome, tmp_path, monkeypatch):
    """Molecule as it is installed: its words may change from version to version."""
    place = tmp_path / "extensions" / "molecule" / "default"
    place.mkdir(parents=True)
    (tmp_path / "galaxy.yml").write_text("namespace: osdr\nname: openstack\nversion: 0.1.0\n")
    (place / "molecule.yml").write_text("scenario:\n  test_sequence: [verify]\ndependency:\n  enabled: false\nprerun: false\n")
    if hosts:
        (place / "verify.yml").write_text(PLAY.format(hosts=hosts))
    for name in ("ANSIBLE_CONFIG", "ANSIBLE_INVENTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(scenario, "ROOT", tmp_path)
    assert scenario.main("default") == outcome


def test_scenarios_are_run_in_order_up_to_the_first_that_fails(molecule, tmp_path):
    molecule(f'echo "$3" >> {tmp_path}/ran; test "$3" != second')
    assert scenario.main("first", "second", "third") == 1
    assert (tmp_path / "ran").read_text().split() == ["first", "second"]
    assert scenario.main("first", "third") == 0
