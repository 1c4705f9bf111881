# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ansible-test is run: by one at a time, since all clones share its environments."""

from __future__ import annotations

import fcntl
from types import SimpleNamespace

import pytest
import sanity


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setattr(sanity, "HOME", tmp_path / "home")
    monkeypatch.setattr(sanity, "copy_tree", lambda collection: collection.mkdir(parents=True))
    monkeypatch.setattr(sanity, "link_dependency", lambda _tree: None)
    monkeypatch.setattr(sanity.shutil, "which", lambda _program: "/usr/bin/shellcheck")
    return tmp_path / "home"


def test_nobody_else_uses_its_environments_meanwhile(home, monkeypatch):
    ran = []

    def run(command, cwd, env, check):
        ran.append((command[:2], env["HOME"]))
        with (home / "lock").open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return SimpleNamespace(returncode=3)

    monkeypatch.setattr(sanity.subprocess, "run", run)
    assert sanity.main([]) == 3
    assert ran == [(["ansible-test", "sanity"], str(home))]
    with (home / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
