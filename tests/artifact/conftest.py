# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others get: the artifact, installed in an environment that holds nothing but what it asks for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
import artifact as tool

ENVIRONMENTS = Path(os.environ["OSDR_LAB_DIR"]) / "venvs"


def pytest_addoption(parser):
    parser.addoption("--artifact", type=Path, help="an artifact to look at instead of the working tree's own")


@pytest.fixture(scope="session")
def artifact(request, tmp_path_factory):
    return request.config.getoption("--artifact") or tool.build(tmp_path_factory.mktemp("artifact"))


@pytest.fixture(scope="session")
def collections(artifact, tmp_path_factory):
    """Where the artifact is installed, alone."""
    place = tmp_path_factory.mktemp("collections")
    tool.install(artifact, place)
    return place


class Environment:
    """A Python environment with its commands, and nothing of who runs the tests."""

    def __init__(self, path, home, **variables):
        self.path = path
        self.home = home
        self.variables = {"PATH": f"{path / 'bin'}:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", **variables}

    def run(self, *command, cwd=None):
        command = [str(one) for one in command]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd or self.home, env=self.variables)

    def output(self, *command, cwd=None):
        done = self.run(*command, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def bare(collections, tmp_path_factory):
    """What requirements.txt and requirements.yml list, ansible-core, and the installed artifact."""
    return Environment(ENVIRONMENTS / "bare", tmp_path_factory.mktemp("home"), ANSIBLE_COLLECTIONS_PATH=str(collections))


@pytest.fixture(scope="session")
def packaging(tmp_path_factory):
    return Environment(ENVIRONMENTS / "packaging", tmp_path_factory.mktemp("home"))
