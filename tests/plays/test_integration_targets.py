# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module is tried by an integration target, in check mode and twice where it changes something."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fencing import Members
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ROOT / "tests" / "integration" / "targets"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
#: They change nothing.
READING = {name for name in MODULES if name.endswith(("_info", "_check"))}
#: Nothing is there that it could remove, see docs/failover.md; each of its runs is another record.
ONCE = {"os_application_supersede", "os_drill_record"}
#: What it makes of a site stays there, and is not for tests on somebody's clouds to make.
ONLY_PREDICTED = {"os_site_infrastructure_make"}


def aliases(target):
    return {line for line in (target / "aliases").read_text().splitlines() if line and not line.startswith("#")}


def covering(module):
    """The target that is called like the module, or says that it covers it."""
    return [target for target in TARGETS.iterdir() if target.name == module or module in aliases(target)]


def tasks(content):
    """All tasks of a file, in blocks too."""
    for task in content:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks(task.get(part) or [])


def calls(module):
    """The tasks by which its target calls the module."""
    (target,) = covering(module)
    files = sorted((target / "tasks").glob("*.yml"))
    return [task for path in files for task in tasks(yaml.safe_load(path.read_text())) if f"osdr.openstack.{module}" in task]


@pytest.mark.parametrize("module", MODULES)
def test_module_is_tried(module):
    assert calls(module)


@pytest.mark.parametrize("module", sorted(set(MODULES) - READING - ONCE))
def test_what_changes_something_is_predicted_done_and_done_again(module):
    predicted = [task for task in calls(module) if task.get("check_mode")]
    done = [task for task in calls(module) if not task.get("check_mode")]
    assert predicted
    assert len(done) >= (0 if module in ONLY_PREDICTED else 2)


@pytest.mark.parametrize("target", sorted(path.name for path in TARGETS.iterdir()))
def test_results_are_looked_at(target):
    """Whatever is registered is in an assertion, or goes into another task."""
    content = "".join(path.read_text() for path in sorted((TARGETS / target / "tasks").glob("*.yml")))
    registered = re.findall(r"register: (\w+)", content)
    assert [name for name in registered if len(re.findall(rf"\b{name}\b", content)) < 2] == []


def test_targets_are_run_only_where_somebody_has_clouds():
    assert {target.name: aliases(target) & {"unsupported", "hidden"} for target in TARGETS.iterdir()} == {
        target.name: {"hidden"} if target.name.startswith("setup_") else {"unsupported"} for target in TARGETS.iterdir()
    }


def test_template_has_whatever_the_targets_want_to_know():
    template = yaml.safe_load((ROOT / "tests" / "integration" / "integration_config.yml.template").read_text())
    content = "".join(path.read_text() for path in TARGETS.rglob("*.yml"))
    # Metadata of resources, and names of things.
    wanted = set(re.findall(r"(?<![.\w-])osdr_\w+", content))
    assert set(template) == wanted
    assert set(yaml.safe_load((ROOT / "tests" / "lab" / "integration_config.yml").read_text())) == wanted


SETUP = TARGETS / "setup_application"


def nobody_is_there():
    """What is said when the servers could not be made."""
    definition = yaml.safe_load((SETUP / "defaults" / "main.yml").read_text())["setup_application_definition"]
    with pytest.raises(CheckFailed) as raised:
        Members.of("primary", Application.parse(definition), [], None)
    return str(raised.value)


@pytest.mark.parametrize(("said", "goes_on"), [(nobody_is_there(), True), ("Site 'primary' could not list servers.", False)], ids=["none", "other"])
def test_what_was_made_is_removed_without_servers_too(tmp_path, said, goes_on):
    release = yaml.safe_load((SETUP / "tasks" / "remove.yml").read_text())[0]
    play = {"name": "Remove", "hosts": "localhost", "gather_facts": False, "vars_files": [str(SETUP / "defaults" / "main.yml")], "tasks": [release]}
    collection = Collection(tmp_path, {"os_application_fence": {"failed": True, "msg": said}})
    (tmp_path / "ansible_collections/osdr/openstack/playbooks/remove.yml").write_text(yaml.safe_dump([play]))
    code, output, calls = collection.play("remove", osdr_primary_cloud="primary", osdr_primary_admin_cloud="primary-admin")
    assert [name for name, _given in calls] == ["os_application_fence"]
    assert (code == 0) is goes_on, output
