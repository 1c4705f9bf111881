# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ansible-test is run, by one at a time since all clones share its environments, and what it finds."""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import SimpleNamespace

import ansible_test
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


def test_pip_is_at_the_place_where_this_ansible_test_looks(home):
    sanity.prepare_home()
    (script,) = (home / ".ansible" / "test" / "cache").iterdir()
    version = script.stem.removeprefix("get_pip_").replace("_", ".")
    assert f"pip='{version}'" in (Path(ansible_test.__file__).parent / "_internal" / "python_requirements.py").read_text()
    # It is found by the name that ansible-test makes of the version.
    assert script.name == f"get_pip_{version.replace('.', '_')}.py"
    compile(script.read_text(), script, "exec")


def test_what_is_taken_from_a_repository_is_left_out(tmp_path):
    (tmp_path / "sanity.pylint.txt").write_text("# made by https://example.org\nastroid==4.0.4\ndill @ https://example.org/dill.zip#sha256=0\n")
    (tmp_path / "sanity.validate-modules.txt").write_text("# made by https://example.org\njinja2==3.1.6\n")
    (tmp_path / "units.txt").write_text("dill @ https://example.org/dill.zip\n")
    assert sanity.tests_from_elsewhere(tmp_path) == ["pylint"]
