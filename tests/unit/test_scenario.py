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
    ],
    ids=["passed", "failed", "empty"],
)
def test_outcome(said, status, outcome, molecule):
    molecule(f"echo '{said}'; exit {status}")
    assert scenario.main("default") == outcome


def test_scenarios_are_run_in_order_up_to_the_first_that_fails(molecule, tmp_path):
    molecule(f'echo "$3" >> {tmp_path}/ran; test "$3" != second')
    assert scenario.main("first", "second", "third") == 1
    assert (tmp_path / "ran").read_text().split() == ["first", "second"]
    assert scenario.main("first", "third") == 0
