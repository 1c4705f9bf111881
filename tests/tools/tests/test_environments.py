# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python environments, and that every tool has its version in one place."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import environments
import pytest

NAMES = sorted(path.stem for path in environments.REQUIREMENTS.glob("*.in"))
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
#: What else is in the path by that name is no Python that could be taken.
OTHER = "3.99"


@pytest.fixture
def made(monkeypatch, tmp_path):
    """What is run in place of pip, for an environment called bare."""
    commands = []
    environment = tmp_path / "bare"

    def run(*command):
        commands.append([str(one) for one in command])
        if "venv" in commands[-1]:
            (environment / "lib" / f"python{HERE}" / "site-packages").mkdir(parents=True)
            (environment / "bin").mkdir()
            for version in (HERE, OTHER):
                (environment / "bin" / f"python{version}").touch()
        if "download" in commands[-1]:
            (place,) = (one.removeprefix("--dest=") for one in commands[-1] if one.startswith("--dest="))
            with zipfile.ZipFile(Path(place) / "ansible-1.0-py3-none-any.whl", "w") as wheel:
                wheel.writestr("ansible_collections/openstack/cloud/MANIFEST.json", "{}")
                wheel.writestr("ansible_collections/openstack/cloudy/MANIFEST.json", "{}")

    monkeypatch.setattr(environments, "run", run)
    monkeypatch.setattr(environments, "installed", lambda _environment: ["attrs==26.1.0", "left==1.0"])
    return environment, commands


def wants(monkeypatch, place, settings):
    """As if the file said so of the environments."""
    (place / "environments.toml").write_text(settings)
    monkeypatch.setattr(environments, "SETTINGS", place / "environments.toml")


class Slow(subprocess.Popen):
    """It takes longer than the first wait for it."""

    has_been_waited_for = False

    def wait(self, timeout=None):
        if timeout is not None and not self.has_been_waited_for:
            self.has_been_waited_for = True
            raise subprocess.TimeoutExpired(self.args, timeout)
        return super().wait()


def test_a_command_that_takes_long_shows_that_it_moves(monkeypatch, capsys):
    monkeypatch.setattr(subprocess, "Popen", Slow)
    environments.run("sh", "-c", "")
    assert re.fullmatch(r"\.\.\. \d+ s: sh -c\n", capsys.readouterr().out)


def test_a_command_that_fails_is_named():
    with pytest.raises(subprocess.CalledProcessError, match="returned non-zero exit status 3"):
        environments.run("sh", "-c", "exit 3")


def test_an_environment_holds_its_lock_and_its_collections(made):
    environment, commands = made
    environments.ensure(environment)
    pip = str(environment / "bin" / "pip")
    assert [command[:2] for command in commands] == [[sys.executable, "-m"], *[[pip, one] for one in ("install", "uninstall", "download")]]
    assert str(environments.REQUIREMENTS / "bare.txt") in commands[1]
    tree = environment / "lib" / f"python{HERE}" / "site-packages" / "ansible_collections" / "openstack"
    assert [path.name for path in tree.iterdir()] == ["cloud"]


def test_what_an_earlier_lock_had_is_removed(made):
    environment, commands = made
    environments.ensure(environment)
    (removed,) = [command for command in commands if "uninstall" in command]
    assert "left" in removed
    assert "attrs" not in removed


def test_an_environment_is_made_with_the_python_that_it_wants(made, monkeypatch, tmp_path):
    environment, commands = made
    wants(monkeypatch, tmp_path, f'[bare]\npython = "{OTHER}"\n')
    (tmp_path / "path").mkdir()
    other = tmp_path / "path" / f"python{OTHER}"
    # As what pyenv puts there, it wants to be told which one is meant.
    other.write_text(f'#!/bin/sh\ntest "$PYENV_VERSION" = {OTHER} && echo /of/its/own\n')
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}:/usr/bin:/bin")
    environments.ensure(environment)
    assert commands[0] == ["/of/its/own", "-m", "venv", str(environment)]


def test_an_environment_of_another_python_is_made_anew(made):
    environment, commands = made
    environments.ensure(environment)
    (environment / "bin" / f"python{HERE}").unlink()
    environments.ensure(environment)
    assert sum("venv" in command for command in commands) == 2


def test_a_python_that_is_missing_is_named(made, monkeypatch, tmp_path, capsys):
    environment, commands = made
    wants(monkeypatch, tmp_path, f'[bare]\npython = "{OTHER}"\n')
    monkeypatch.setattr("sys.argv", ["environments.py", str(environment)])
    assert environments.main() == 1
    assert f"there is no python{OTHER} in the path" in capsys.readouterr().err
    assert commands == []


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


def settings():
    return tomllib.loads(environments.SETTINGS.read_text())


def test_settings_are_for_environments_that_there_are():
    assert set(settings()) <= set(NAMES)


# What is supported


def row(name):
    """An environment's versions, as the table of CONTRIBUTING.md has them."""
    locked = dict(line.split("==") for line in (environments.REQUIREMENTS / f"{name}.txt").read_text().splitlines() if "==" in line)
    minor = [".".join(locked[one].split(".")[:2]) for one in ("ansible-core", "openstacksdk")]
    # The Python of Debian 12, where none is named.
    return [minor[0], settings().get(name, {}).get("python", "3.11"), minor[1]]


def test_the_table_has_the_versions_of_the_locks():
    table = (environments.ROOT / "CONTRIBUTING.md").read_text().partition("| environment | ansible-core |")[2].partition("\n\n")[0]
    rows = {name: versions.split(" | ") for name, versions in re.findall(r"^\| `([\w.-]+)`[^|]* \| (.+) \|$", table, re.MULTILINE)}
    assert set(rows) == {"controller", *(name for name in NAMES if name.startswith("core-"))}
    assert rows == {name: row(name) for name in rows}


def test_every_row_is_run_from_the_oldest_that_is_supported():
    names = [name for name in NAMES if name.startswith("core-")]
    assert re.search(r"^MATRIX \?= (.+)$", (environments.ROOT / "Makefile").read_text(), re.MULTILINE)[1].split() == names
    assert f'requires_ansible: ">={row(names[0])[0]}.0"' in (environments.ROOT / "meta" / "runtime.yml").read_text()
    wanted = (environments.ROOT / "requirements.txt").read_text().splitlines()
    assert any(line.startswith(f"openstacksdk>={row(names[0])[2]}") for line in wanted)


def test_the_readme_names_the_span_of_the_rows():
    names = [name for name in NAMES if name.startswith("core-")]
    text = " ".join((environments.ROOT / "README.md").read_text().split())
    first, last = row(names[0]), row(names[-1])
    assert f"each release with {first[0]} to {last[0]}, Python {first[1]} to {last[1]}, and openstacksdk {first[2]} to {last[2]}" in text
    assert f"ansible-core {first[0]} or later and Python {first[1]} or later" in text
