# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Molecule run that proves nothing must not pass."""

from __future__ import annotations

import os

import pytest
from ansible_collections.osdr.openstack.tests.tools import scenario


@pytest.mark.parametrize(
    "said, status, outcome",
    [
        ("PLAY [Verify]", 0, 0),
        ("PLAY [Verify]", 3, 3),
        ("skipping: no hosts matched", 0, 1),
    ],
    ids=["passed", "failed", "empty"],
)
def test_outcome(said, status, outcome, tmp_path, monkeypatch):
    molecule = tmp_path / "molecule"
    molecule.write_text(f"#!/bin/sh\necho '{said}'\nexit {status}\n")
    molecule.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert scenario.main("default") == outcome
