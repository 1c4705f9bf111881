# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is prepared on the controller, and what is only written down."""

from __future__ import annotations

import controller
import pytest


@pytest.fixture
def done(monkeypatch):
    """What was done, in order."""
    calls = []
    for name in ("ensure_packages", "ensure", "ensure_link", "lock"):
        monkeypatch.setattr(controller, name, lambda *environment, name=name: calls.append((name, *map(str, environment))))

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["controller.py", *arguments])
        assert controller.main() == 0
        return calls

    return run


def test_the_controller_gets_packages_its_environment_and_the_link(done):
    assert done("venvs/controller") == [("ensure_packages",), ("ensure", "venvs/controller"), ("ensure_link",)]


def test_locking_changes_no_environment(done):
    assert done("--lock", "venvs/controller", "venvs/bare") == [("ensure_packages",), ("lock", "venvs/controller"), ("lock", "venvs/bare")]
