# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to playbooks has every variable that a playbook reads itself, and what it is when nobody gives it."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.osdr.openstack.tests.docs import documents, interface

GUIDE = documents.read(documents.ROOT / "docs" / "playbooks.md")
REQUIRED = "required"
#: Defaults of the modules, where the playbook leaves a variable out.
OF_MODULES = {"container": "`osdr-catalogue`", "checkpoint": "`latest`"}


def table(playbook):
    """What the guide says of each variable when it is left out."""
    section = re.search(rf"^## {playbook}\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
    return dict(re.findall(r"^\| `(dr_\w+)` \| (.+?) \| ", section[1], re.MULTILINE)) if section else {}


def expressions(loaded):
    """All that a playbook computes; not its comments, nor what it says, nor the names under which it hands something on."""
    for key, value in documents.strings(loaded):
        yield from [value] if key in ("when", "that") else re.findall(r"\{\{.*?\}\}", value, re.DOTALL)


def defaults(playbook):
    """Each variable that a playbook reads itself, with what stands for it: None where nothing does."""
    found = {}
    computed = "\n".join(expressions(yaml.safe_load(interface.PLAYBOOKS[playbook].read_text())))
    for name, default in re.findall(r"(?<!\w)(dr_\w+)(?: \| default\(([^)]*)\))?", computed):
        # To ask for none is to ask whether it was given.
        found[name] = found.get(name) or (default if default not in ("", "none") else None)
    return found


def test_there_are_playbooks_with_variables_of_their_own():
    assert {name for name in interface.PLAYBOOKS if defaults(name)} == set(re.findall(r"^## (\w+)$", GUIDE, re.MULTILINE))
    assert len(defaults("rpo")) > 5


@pytest.mark.parametrize("playbook", sorted(interface.PLAYBOOKS))
def test_every_playbook_is_in_the_guide(playbook):
    assert re.search(rf"^\|[^|]*`{playbook}`[^|]*\| ", GUIDE, re.MULTILINE)
    assert set(table(playbook)) == set(defaults(playbook))


@pytest.mark.parametrize("playbook", sorted(interface.PLAYBOOKS))
def test_what_a_variable_is_when_it_is_left_out_is_said(playbook):
    for name, default in defaults(playbook).items():
        said = table(playbook)[name]
        literal = re.match(r"'(\w+)'|(true|false)", default or "")
        of_module = OF_MODULES.get(name.rsplit("_", 1)[1]) if (default or "").startswith("omit") else None
        assert (said == REQUIRED) == (default is None), name
        assert not literal or said == f"`{literal[1] or literal[2]}`", name
        assert not of_module or said == of_module, name


def test_every_key_for_signatures_is_in_the_guide_to_the_catalogue():
    keys = {name for name in interface.known() if name.endswith("_hmac_key")}
    assert len(keys) > 6
    assert keys == set(re.findall(r"`(dr_\w+_hmac_key)`", documents.read(documents.ROOT / "docs" / "catalogue.md")))
