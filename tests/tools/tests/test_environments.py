# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python environments, and that every tool has its version in one place."""

from __future__ import annotations

import os
import subprocess
import tomllib
import zipfile
from pathlib import Path

import environments
import pytest

NAMES = sorted(path.stem for path in environments.REQUIREMENTS.glob("*.in"))


@pytest.fixture
def made(monkeypatch, tmp_path):
    """What is run in place of pip, for an environment called bare."""
    commands = []
    environment = tmp_path / "bare"

    def run(*command):
        commands.append([str(one) for one in command])
        if "venv" in commands[-1]:
            (environment / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
        if "download" in commands[-1]:
            (place,) = (one.removeprefix("--dest=") for one in commands[-1] if one.startswith("--dest="))
            with zipfile.ZipFile(Path(place) / "ansible-1.0-py3-none-any.whl", "w") as wheel:
                wheel.writestr("ansible_collections/openstack/cloud/MANIFEST.json", "{}")
                wheel.writestr("ansible_collections/openstack/cloudy/MANIFEST.json", "{}")

    monkeypatch.setattr(environments, "run", run)
    return environment, commands


def test_a_command_that_takes_long_shows_that_it_moves(monkeypatch, tmp_path):
    told, may_end = [], tmp_path / "pipe"
    os.mkfifo(may_end)

    def show(line, **_how):
        told.append(line)
        if len(told) == 1:
            may_end.write_text("so it may\n")

    monkeypatch.setattr(environments, "PERIOD", 0.01)
    monkeypatch.setattr(environments, "print", show, raising=False)
    environments.run("sh", "-c", f"read line < {may_end}")
    assert told[0].endswith(" s: sh -c")


def test_a_command_that_fails_is_named():
    with pytest.raises(subprocess.CalledProcessError, match="returned non-zero exit status 3"):
        environments.run("sh", "-c", "exit 3")


def test_an_environment_holds_its_lock_and_its_collections(made):
    environment, commands = made
    environments.ensure(environment)
    assert [command[:2] for command in commands] == [[commands[0][0], "-m"], *[[str(environment / "bin" / "pip"), one] for one in ("install", "download")]]
    assert str(environments.REQUIREMENTS / "bare.txt") in commands[1]
    tree = environment / "lib" / "python3.11" / "site-packages" / "ansible_collections" / "openstack"
    assert [path.name for path in tree.iterdir()] == ["cloud"]


def test_what_is_up_to_its_lock_is_left_alone(made):
    environment, commands = made
    environments.ensure(environment)
    del commands[:]
    environments.ensure(environment)
    assert commands == []


def test_what_was_cut_short_is_made_anew_and_what_is_used_is_not(made, monkeypatch, tmp_path):
    environment, commands = made
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    (tmp_path / "bare.txt").write_text("one==1\n")
    environments.ensure(environment)
    (tmp_path / "bare.txt").write_text("one==2\n")
    environments.ensure(environment)
    assert sum("venv" in command for command in commands) == 1
    (environment / "lock.sha256").unlink()
    environments.ensure(environment)
    assert sum("venv" in command for command in commands) == 2


def test_a_failure_names_the_command(monkeypatch, capsys, tmp_path):
    def fail(*command):
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(environments, "run", fail)
    monkeypatch.setattr("sys.argv", ["environments.py", str(tmp_path / "bare")])
    assert environments.main() == 1
    assert "-m venv" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_every_environment_is_locked(name):
    lock = (environments.REQUIREMENTS / f"{name}.txt").read_text()
    assert lock.startswith(environments.LOCK_HEADER.format(wanted=f"{name}.in"))
    packages = [line for line in lock.splitlines() if not line.startswith("#")]
    assert packages
    assert all("==" in line for line in packages)


def test_collections_are_for_environments_that_there_are():
    assert set(tomllib.loads(environments.COLLECTIONS.read_text())) <= set(NAMES)
