# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules say that they return, so that no test has a playbook read what no module gives."""

from __future__ import annotations

import ast
import functools
import pathlib

import yaml

MODULES = pathlib.Path(__file__).parents[2] / "plugins" / "modules"
# Of every module, from Ansible.
COMMON = frozenset({"changed", "diff", "failed", "invocation", "msg", "warnings"})


@functools.cache
def documented(module):
    """Its RETURN."""
    for statement in ast.parse((MODULES / f"{module}.py").read_text()).body:
        if isinstance(statement, ast.Assign) and statement.targets[0].id == "RETURN":
            return yaml.safe_load(statement.value.value) or {}
    raise LookupError(module)


def undocumented(module, answer):
    """Dotted names of all that an answer has and the module's RETURN does not, by its ``contains`` or else by its ``sample``."""
    yield from _unknown({key: value for key, value in answer.items() if key not in COMMON}, documented(module), "")


def _unknown(given, fields, where):
    for key, value in given.items():
        if key not in fields:
            yield f"{where}{key}"
            continue
        known = fields[key]
        inner = known.get("contains") or _fields(known.get("sample"))
        for element in value if isinstance(value, list) else [value]:
            if inner and isinstance(element, dict):
                yield from _unknown(element, inner, f"{where}{key}.")


def _fields(sample):
    """A sample as the fields that it shows; none when it shows no dictionary."""
    shown = [element for element in (sample if isinstance(sample, list) else [sample]) if isinstance(element, dict)]
    return {key: {"sample": value} for element in shown for key, value in element.items()}
