# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examples in YAML can be used as they are, and every name in the documents is one that the collection knows."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
import yaml
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.mapping import SiteMapping
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan
from ansible_collections.osdr.openstack.tests.docs import documents, interface

ROOT = documents.ROOT
EXAMPLES = [block for block in documents.blocks() if block.language == "yaml"]
#: Words that look like modules of the collection.
OF_OTHERS = {"os_compute_api", "os_distro", "os_nova", "os_require_quiesce", "os_type"}


def dictionaries(loaded):
    """Every dictionary in it, at any depth."""
    if isinstance(loaded, dict):
        yield loaded
        loaded = list(loaded.values())
    if isinstance(loaded, list):
        for one in loaded:
            yield from dictionaries(one)


def loaded(block):
    return list(yaml.safe_load_all(block.text))


def tasks(block):
    """Every dictionary with an action by its full name: the name, its arguments, and the task."""
    for one in dictionaries(loaded(block)):
        for key, value in one.items():
            if re.fullmatch(r"\w+\.\w+\.\w+", key) and isinstance(value, dict):
                yield key, value, one


@pytest.fixture(scope="module")
def modules():
    """The options of every module that an example uses, by Ansible's own account."""
    used = sorted({name for block in EXAMPLES for name, _arguments, _task in tasks(block)})
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(documents.COLLECTIONS)}
    done = subprocess.run(["ansible-doc", "--json", *used], env=environment, capture_output=True, text=True, check=True)
    return {name: page["doc"].get("options", {}) for name, page in json.loads(done.stdout).items()}


def test_there_are_examples():
    assert len(EXAMPLES) > 25
    assert any(name == "osdr.openstack.os_cg_snapshot" for block in EXAMPLES for name, _arguments, _task in tasks(block))


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_variables_are_those_of_roles(block):
    given = {key: value for one in dictionaries(loaded(block)) for key, value in one.items() if str(key).startswith(interface.PREFIXES)}
    of_roles = {key: value for key, value in given.items() if key in interface.all_options()}
    assert set(given) <= interface.known()
    # A part of a file need not have all that a role requires.
    assert interface.problems(of_roles, interface.all_options(), whole=False) == []


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_roles_are_given_what_they_take(block):
    for name, arguments, task in tasks(block):
        role = str(arguments.get("name", "")).removeprefix("osdr.openstack.")
        if name == "ansible.builtin.include_role" and role in interface.ROLES:
            options = interface.options(role, arguments.get("tasks_from", "main"))
            assert interface.problems(task.get("vars", {}), options, whole=True) == []


@pytest.mark.parametrize("block", EXAMPLES, ids=str)
def test_modules_are_given_what_they_take(block, modules):
    for name, arguments, _task in tasks(block):
        known = modules[name]
        assert set(arguments) <= {*known, *(alias for one in known.values() for alias in one.get("aliases", ()))}
        assert {option for option, one in known.items() if one.get("required")} <= set(arguments)


def test_the_example_of_a_mapping_is_one():
    example = next(block for block in EXAMPLES if block.document.name == "mapping.md" and block.text.startswith("schema_version"))
    assert SiteMapping.parse(yaml.safe_load(example.text)).names


def test_the_example_of_a_site_plan_is_one():
    example = next(block for block in EXAMPLES if block.document.name == "site.md" and block.text.startswith("schema_version"))
    assert [one.name for one in SitePlan.parse(yaml.safe_load(example.text)).applications] == ["identity", "shop"]


def test_the_guide_to_a_site_has_every_variable_that_its_inventory_tells():
    guide = documents.read(ROOT / "docs" / "site.md")
    # Those of playbooks are in the guide to playbooks, those of runs in their role.
    told = {name for name in re.findall(r"`(dr_site_\w+)`", guide) if not name.startswith(("dr_site_check", "dr_site_run", "dr_site_status"))}
    assert told == interface.of_inventory()


@pytest.mark.parametrize("document", documents.DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_every_variable_is_known(document):
    assert interface.names_in(documents.read(document)) - {*interface.ROLES, *interface.handed_out()} <= interface.known()


@pytest.mark.parametrize("document", documents.DOCUMENTS, ids=lambda one: str(one.relative_to(ROOT)))
def test_every_module_is_there(document):
    named = {word for code in documents.code_in(documents.prose(document)) for word in re.findall(r"\bos_[a-z_]+[a-z]\b", code)}
    assert named - interface.MODULES - OF_OTHERS == set()


def test_every_mark_and_metric_is_one_of_the_code():
    code = "".join(path.read_text() for place in ("plugins", "roles", "playbooks") for path in (ROOT / place).rglob("*.*") if path.suffix in (".py", ".yml"))
    named = {word for document in documents.DOCUMENTS for word in re.findall(r"\bosdr_[a-z_]+[a-z]\b", documents.read(document))}
    # Pieces of a manifest are numbered.
    assert {word for word in named if word not in code} == set()


def test_policies_of_the_guide_are_those_of_the_quiesce_api():
    filter_ = (ROOT / "roles/nova_quiesce_api/files/nova_quiesce_api.py").read_text()
    policies = next(yaml.safe_load(block.text) for block in EXAMPLES if "os_compute_api:os-quiesce" in block.text)
    assert 'POLICY = "os_compute_api:os-quiesce:%s"' in filter_
    # Ending what somebody else holds stays with administrators.
    assert {name.rsplit(":", 1)[1] for name in policies} | {"force"} == set(re.findall(r'^        \("(\w+)", ', filter_, re.MULTILINE))
