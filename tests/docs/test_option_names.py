# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages call options as modules do; whoever gives variables of a role finds theirs by the rule in the guide, or in its table."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.osdr.openstack.tests.docs import documents, interface

GUIDE = documents.read(documents.ROOT / "docs" / "troubleshooting.md")
#: What a run is about and where, which every message names by its value; and the report, which is no cause of trouble.
NAMED_BY_VALUE = {"cloud", "checkpoint"}
REPORT = "osdr.openstack.os_run_report"


def exceptions():
    section = re.search(r"^## Names of options\n(.*?)^## ", GUIDE, re.DOTALL | re.MULTILINE)[1]
    rows = re.findall(r"^\| (`.+) \| `(\w+)` \|$", section, re.MULTILINE)
    return {(option, variable) for options, variable in rows for option in re.findall(r"`(\w+)`", options)}


def calls(loaded):
    """The modules of the collection that tasks call, each with what it is given."""
    if isinstance(loaded, list):
        for one in loaded:
            yield from calls(one)
    elif isinstance(loaded, dict):
        for key, value in loaded.items():
            if str(key).startswith("osdr.openstack.os_") and isinstance(value, dict):
                yield key, value
            yield from calls(value)


def renamed(role):
    """Options that are given by variables of other names. What only follows from whether a variable is given has no value that a message names."""
    for path in sorted((interface.ROOT / "roles" / role / "tasks").glob("*.yml")):
        for module, given in calls(yaml.safe_load(path.read_text())):
            for option, value in given.items() if module != REPORT else ():
                variables = set(re.findall(rf"(?<!_)(?<!not ){role}_\w+", str(value))) & interface.all_options().keys()
                if variables and f"{role}_{option}" not in variables and option not in NAMED_BY_VALUE:
                    yield option, variables


@pytest.mark.parametrize("role", interface.ROLES)
def test_an_option_is_the_variable_of_the_same_name_or_in_the_table(role):
    for option, variables in renamed(role):
        assert {(option, one) for one in variables} & exceptions(), f"{option} is {variables}"


def test_the_table_names_nothing_that_is_not_so():
    found = {(option, one) for role in interface.ROLES for option, variables in renamed(role) for one in variables}
    assert exceptions()
    assert exceptions() <= found
