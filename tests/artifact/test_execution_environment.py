# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder makes of the collection. Only the building itself needs a container engine."""

from __future__ import annotations

import re

import pytest
import yaml
from working_tree import ROOT


@pytest.fixture(scope="module")
def context(packaging, tmp_path_factory):
    place = tmp_path_factory.mktemp("context")
    packaging.output("ansible-builder", "create", "--file", ROOT / "execution-environment.yml", "--context", place, "--output-filename", "Containerfile")
    return place


def test_definition_has_the_collection_installed(context):
    wanted = yaml.safe_load((context / "_build" / "requirements.yml").read_text())
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert wanted == {"collections": [{"name": "osdr.openstack", "version": f">={version}"}]}
    steps = (context / "Containerfile").read_text()
    assert "ansible-galaxy collection install" in steps
    # What the collections say of themselves is found in the image, by this.
    assert "introspect.py introspect" in steps


def test_definition_keeps_to_the_supported_versions(context):
    """Up to the newest ansible-core that has been released and runs with the image's Python."""
    steps = (context / "Containerfile").read_text()
    oldest = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"].removeprefix(">=").removesuffix(".0")
    locks = [path.read_text() for path in (ROOT / "tests" / "requirements").glob("core-*.txt")]
    released = [int(minor) for lock in locks for minor in re.findall(r"^ansible-core==2\.(\d+)\.\d+$", lock, re.MULTILINE)]
    assert re.search(r'ARG PYPKG="?python3\.12"?\n', steps)
    assert re.search(rf"ansible-core>={re.escape(oldest)},<2\.{max(released) + 1}\b", steps)


def test_collection_says_what_it_needs(packaging, collections):
    found = yaml.safe_load(packaging.output("ansible-builder", "introspect", collections))
    listed = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert [line.partition("  #")[0] for line in found["python"]] == listed
    assert all("osdr.openstack" in line for line in found["python"])


def test_nothing_is_installed_that_images_do_not_have(packaging, collections):
    """The headers of libvirt are in no repository that is enabled by itself, and only the libvirt driver wants them."""
    system = yaml.safe_load(packaging.output("ansible-builder", "introspect", collections))["system"]
    assert any(line.startswith("openssh-clients ") for line in system)
    profiles = {word for line in system for word in re.search(r"\[(.*?)\]", line)[1].split() if not word.startswith("platform:")}
    assert profiles == {"libvirt-python"}
