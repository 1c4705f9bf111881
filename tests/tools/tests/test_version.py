# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a release begins, and what may be released."""

from __future__ import annotations

import subprocess

import pytest
import version
import yaml

CONFIG = "title: osdr.openstack\nchanges_file: changelog.yaml\nchangelog_filename_template: ../CHANGELOG.rst\nchanges_format: combined\nkeep_fragments: false\n"


#: The number as it is named, and numbers that only look like it.
NAMED = dict.fromkeys(version.NAMED, "image: registry/osdr:0.1.0\nothers: 10.1.0 0.1.0.1\n")
MODULE = '''
DOCUMENTATION = """
module: os_one
short_description: One
version_added: 0.1.0
description: [Since 0.1.0.]
"""
'''


def git(root, *arguments):
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path):
    """A collection with a fragment, all committed."""
    root = tmp_path / "ansible_collections" / "osdr" / "openstack"
    (root / "changelogs" / "fragments").mkdir(parents=True)
    (root / "changelogs" / "config.yaml").write_text(CONFIG)
    (root / ".gitignore").write_text("changelogs/.plugin-cache.yaml\n")
    (root / "galaxy.yml").write_text("# Of the collection.\nnamespace: osdr\nname: openstack\nversion: 0.1.0\nreadme: README.md\nauthors: []\n")
    for name, text in {**NAMED, "plugins/modules/os_one.py": MODULE}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    change(root, "minor_changes")
    git(root, "init")
    commit(root)
    return root


def change(root, kind):
    (root / "changelogs" / "fragments" / "one.yml").write_text(yaml.safe_dump({kind: ["Something that users notice."]}))


def commit(root):
    git(root, "add", "--all")
    git(root, "commit", "--message", "x")


def test_a_release_begins_with_its_number_and_its_entry(tree):
    version.begin(tree, "0.2.0")
    assert (tree / "galaxy.yml").read_text().splitlines()[:4] == ["# Of the collection.", "namespace: osdr", "name: openstack", "version: 0.2.0"]
    entry = yaml.safe_load((tree / "changelogs" / "changelog.yaml").read_text())["releases"]["0.2.0"]
    assert entry["changes"] == {"minor_changes": ["Something that users notice."]}
    assert "Something that users notice." in (tree / "CHANGELOG.rst").read_text()
    assert not version.fragments(tree)


def test_the_number_is_put_wherever_the_next_release_is_named(tree):
    version.begin(tree, "1.0.0")
    assert {(tree / name).read_text() for name in NAMED} == {"image: registry/osdr:1.0.0\nothers: 10.1.0 0.1.0.1\n"}


def test_what_came_with_a_version_that_nobody_has_had_comes_with_the_first_one(tree):
    module = tree / "plugins" / "modules" / "os_one.py"
    version.begin(tree, "1.0.0")
    assert module.read_text() == MODULE.replace("added: 0.1.0", "added: 1.0.0")
    change(tree, "minor_changes")
    version.begin(tree, "1.1.0")
    assert "version_added: 1.0.0" in module.read_text()


def test_the_number_is_named_where_it_is_put():
    number = version.FIELD.search((version.ROOT / "galaxy.yml").read_text())[1]
    assert [name for name in version.NAMED if number not in (version.ROOT / name).read_text()] == []


def test_only_what_has_begun_and_is_committed_is_released(tree):
    with pytest.raises(version.NotReady, match="has no entry"):
        version.require_begun(tree)
    version.begin(tree, "0.1.0")
    with pytest.raises(version.NotReady, match="CHANGELOG.rst"):
        version.require_begun(tree)
    commit(tree)
    version.require_begun(tree)
    change(tree, "bugfixes")
    commit(tree)
    with pytest.raises(version.NotReady, match="changes have come since"):
        version.require_begun(tree)


def test_there_is_no_release_without_changes(tree):
    version.begin(tree, "0.1.0")
    with pytest.raises(version.NotReady, match="no fragments"):
        version.begin(tree, "0.1.1")


@pytest.mark.parametrize("text", ["1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "1.0.0\n"])
def test_a_version_is_three_numbers(tree, text):
    with pytest.raises(version.NotReady, match="three numbers"):
        version.begin(tree, text)


@pytest.mark.parametrize(
    ("last", "kind", "lowest"),
    [
        ((0, 4, 2), "bugfixes", (0, 4, 3)),
        ((0, 4, 2), "security_fixes", (0, 4, 3)),
        ((0, 4, 2), "minor_changes", (0, 5, 0)),
        ((0, 4, 2), "breaking_changes", (0, 5, 0)),
        ((1, 4, 2), "bugfixes", (1, 4, 3)),
        ((1, 4, 2), "deprecated_features", (1, 5, 0)),
        ((1, 4, 2), "breaking_changes", (2, 0, 0)),
        ((1, 4, 2), "removed_features", (2, 0, 0)),
    ],
)
def test_what_has_changed_decides_how_far_it_rises(last, kind, lowest):
    assert version.least(last, {"bugfixes", kind}) == lowest


def test_a_version_that_is_too_low_is_refused(tree):
    version.begin(tree, "1.0.0")
    change(tree, "breaking_changes")
    with pytest.raises(version.NotReady, match="it is 2.0.0 or higher"):
        version.begin(tree, "1.1.0")
