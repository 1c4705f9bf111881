# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for the collection as a whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())


def load(name):
    return yaml.safe_load((ROOT / name).read_text())


def test_action_group_lists_exactly_the_modules_that_talk_to_a_cloud():
    """Its defaults say to which, and others would refuse them."""
    entries = load("meta/runtime.yml")["action_groups"]["dr"]
    talkative = [path.stem for path in MODULES if "- osdr.openstack.auth\n" in path.read_text()]
    assert [entry for entry in entries if isinstance(entry, str)] == talkative
    # A site plan names clouds of its own.
    assert {path.stem for path in MODULES} - set(talkative) == {"os_run_report", "os_site_applications_info", "os_site_plan_check", "os_site_report"}


def test_action_group_extends_that_of_openstack_cloud():
    entries = load("meta/runtime.yml")["action_groups"]["dr"]
    assert {"metadata": {"extend_group": ["openstack.cloud.openstack"]}} in entries


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_role_declares_its_interface(role):
    assert (role / "README.md").is_file()
    assert yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]


@pytest.mark.parametrize("name", ["dr_checkpoint", "dr_restore"])
def test_every_point_for_hooks_is_promised_and_kept(name):
    options = load(f"roles/{name}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    promised = set(options[f"{name}_hooks"]["options"])
    tasks = "".join(path.read_text() for path in (ROOT / "roles" / name / "tasks").glob("*.yml"))
    assert set(re.findall(r"'point': '(\w+)'", tasks)) == set(re.findall(rf"'(\w+)' in (?:__)?{name}_hooks", tasks)) == promised
    documented = (ROOT / "docs" / "hooks.md").read_text()
    assert all(f"`{point}`" in documented for point in promised)


def facts(tasks):
    """What the tasks of a file set as facts, in blocks too."""
    for task in tasks:
        yield from (task.get("ansible.builtin.set_fact") or {}).items()
        for part in ("block", "rescue", "always"):
            yield from facts(task.get(part) or [])


def test_no_fact_is_left_out():
    """It would be undefined then, wherever it is used."""
    files = [path for role in ROLES for path in (role / "tasks").glob("*.yml")]
    left_out = [name for path in files for name, value in facts(yaml.safe_load(path.read_text()) or []) if re.search(r"\bomit\b", str(value))]
    assert left_out == []


def test_dependency_is_the_same_wherever_it_is_named():
    named = {item["name"]: item["version"] for item in load("requirements.yml")["collections"]}
    assert load("galaxy.yml")["dependencies"] == named


def test_openstack_cloud_is_one_that_bears_every_openstacksdk():
    """Before 2.6 it breaks with openstacksdk 4.15 and later, which users have for the sake of other clients."""
    assert load("galaxy.yml")["dependencies"]["openstack.cloud"] == ">=2.6.0"
    assert "openstacksdk>=4.14" in (ROOT / "requirements.txt").read_text().splitlines()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_role_wants_the_ansible_that_the_collection_wants(role):
    oldest = load("meta/runtime.yml")["requires_ansible"].removeprefix(">=").removesuffix(".0")
    assert load(f"roles/{role.name}/meta/main.yml")["galaxy_info"]["min_ansible_version"] == oldest


def test_sanity_has_no_ignore_file():
    assert not list((ROOT / "tests" / "sanity").glob("ignore*"))
