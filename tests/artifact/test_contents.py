# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the artifact: everything that users need, and nothing of what is only for work on the collection."""

from __future__ import annotations

import posixpath
import re
import subprocess
import tarfile

import pytest
from working_tree import ROOT

NEEDED = {"plugins", "roles", "playbooks", "meta", "docs", "changelogs", "LICENSES"}
FILES = {
    "CHANGELOG.rst",
    "CONTRIBUTING.md",
    "COPYING",
    "FILES.json",
    "MANIFEST.json",
    "README.md",
    "REUSE.toml",
    "SECURITY.md",
    "bindep.txt",
    "execution-environment.yml",
    "requirements.txt",
    "requirements.yml",
}


@pytest.fixture(scope="module")
def members(artifact):
    with tarfile.open(artifact) as archive:
        return {member.name for member in archive.getmembers() if member.isfile()}


def test_documents_lead_to_what_is_there(artifact, members):
    """Or to the repository, which has the rest."""
    places = members | {parent for name in members for parent in parents(name)}
    with tarfile.open(artifact) as archive:
        documents = {name: archive.extractfile(name).read().decode() for name in members if name.endswith(".md")}
    assert {"README.md", "docs/awx.md"} <= set(documents)
    nowhere = [
        (name, link)
        for name, text in documents.items()
        for link in re.findall(r"\]\(([^)\s#]+)", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))
        if not link.startswith("https://") and posixpath.normpath(posixpath.join(posixpath.dirname(name), link)) not in places
    ]
    assert nowhere == []


def parents(name):
    while name := posixpath.dirname(name):
        yield name


def test_nothing_else_is_at_the_top(members):
    top = {name.partition("/")[0] for name in members}
    assert top == NEEDED | FILES | {"tests"}


def test_of_the_tests_only_those_for_everybodys_clouds_are_there(members):
    tests = {name.split("/")[1] for name in members if name.startswith("tests/")}
    assert tests == {"config.yml", "integration"}
    assert "tests/integration/integration_config.yml" not in members


def test_whatever_users_need_is_there_completely(members):
    listed = subprocess.run(["git", "ls-files", *sorted(NEEDED)], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    assert set(listed) - members == set()
