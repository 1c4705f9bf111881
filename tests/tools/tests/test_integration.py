# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the integration targets are run, and on whose clouds."""

from __future__ import annotations

import integration
import pytest


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A working tree with somebody's clouds, and a script in the place of ansible-test."""
    script = tmp_path / "bin" / "ansible-test"
    script.parent.mkdir()
    notes = ['echo "$@"', "pwd", "cat tests/integration/integration_config.yml"]
    script.write_text("\n".join(["#!/bin/sh", *(f"{one} >> {tmp_path}/asked" for one in notes), "exit 3\n"]))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    monkeypatch.setattr(integration, "ROOT", tmp_path)
    monkeypatch.setattr(integration, "copy_tree", lambda collection: (collection / "tests" / "integration").mkdir(parents=True))
    (tmp_path / "mine.yml").write_text("osdr_primary_cloud: mine\n")
    return tmp_path


def test_targets_are_run_in_a_collection_on_the_clouds_of_the_file(tree):
    assert integration.main("mine.yml", "os_checkpoint") == 3
    asked, place, config = (tree / "asked").read_text().splitlines()
    assert asked.endswith("--allow-unsupported os_checkpoint")
    assert place.endswith("/ansible_collections/osdr/openstack")
    assert config == "osdr_primary_cloud: mine"


def test_without_clouds_nothing_is_run(tree, capsys):
    assert integration.main("others.yml") == 2
    assert "integration_config.yml.template" in capsys.readouterr().err
    assert not (tree / "asked").exists()
