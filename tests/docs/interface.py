# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection takes: variables of roles by their argument specs, variables of playbooks by what these read."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path.parent.parent.name for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
PLAYBOOKS = {path.stem: path for path in sorted((ROOT / "playbooks").glob("*.yml"))}
MODULES = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
#: Variables begin with these.
PREFIXES = ("dr_", "nova_quiesce_api_", "guest_quiesce_hooks_", "rbd_mirror_")
_VARIABLE = re.compile(rf"\b(?:{'|'.join(PREFIXES)})\w+\b")
#: A move, and a run over a whole site, hand these roles what is theirs.
_HANDED_ON = {"dr_failover": ("dr_checkpoint", "dr_restore"), "dr_site_run": ("dr_checkpoint", "dr_restore", "dr_failover")}


@functools.cache
def specs(role: str) -> dict[str, dict]:
    """Options per entry point."""
    loaded = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text())
    return {name: entry["options"] for name, entry in loaded["argument_specs"].items()}


def options(role: str, entry: str = "main") -> dict[str, dict]:
    """Options of a role's entry point; tasks files without one of their own take those of ``main``."""
    return specs(role).get(entry) or specs(role)["main"]


@functools.cache
def all_options() -> dict[str, dict]:
    return {name: spec for role in ROLES for entry in specs(role).values() for name, spec in entry.items()}


@functools.cache
def handed_out() -> set[str]:
    """What playbooks and roles leave for later jobs, what hooks know, and what the inventory tells of its hosts."""
    files = [*PLAYBOOKS.values(), *ROOT.glob("roles/*/tasks/*.yml")]
    left = {name for path in files for name in re.findall(r"^ +(dr_\w+):", path.read_text(), re.MULTILINE)}
    return left | {"dr_hook"} | of_inventory()


@functools.cache
def of_inventory() -> set[str]:
    """What the inventory of a site's applications tells of its hosts, beside variables of roles."""
    files = (ROOT / "plugins/inventory/applications.py", ROOT / "plugins/module_utils/site/variables.py")
    return {name for path in files for name in re.findall(r'"(dr_site_\w+)"', path.read_text())}


def names_in(text: str) -> set[str]:
    """Variables that a text names; with an ellipsis or an asterisk it names many."""
    return {name for name in _VARIABLE.findall(re.sub(r"\w+_(?:…|\*)", "", text)) if not name.startswith("__")}


@functools.cache
def of_awx() -> set[str]:
    """What the setup of AWX takes for itself, and its job templates beside what their playbooks do."""
    names = {name for path in (ROOT / "awx").rglob("*.yml") for name in names_in(path.read_text())}
    return {name for name in names if name.startswith(("dr_awx_", "dr_cutover_"))}


def read_by(playbook: str) -> set[str]:
    """All variables that may be given to a playbook."""
    text = PLAYBOOKS[playbook].read_text()
    names = names_in(text)
    for role, entry in re.findall(r"name: osdr\.openstack\.(\w+)(?:\n +tasks_from: (\w+))?", text):
        for one in (role, *_HANDED_ON.get(role, ())):
            names |= set(options(one, entry or "main"))
    return names


@functools.cache
def known() -> set[str]:
    """All variables that may be given to something."""
    return {*all_options(), *of_awx(), *(name for playbook in PLAYBOOKS for name in read_by(playbook))}


def problems(given: dict, spec: dict[str, dict], whole: bool) -> list[str]:
    """What a role would not take.

    :param whole: whether everything that the role requires must be there.
    """
    known = {name: one if whole else {**one, "required": False} for name, one in spec.items()}
    plain = {name: value for name, value in given.items() if "{{" not in str(value)}
    left_out = {name: None for name in given if name not in plain and name in known}
    needed = {name: {**one, "required": False} if name in left_out else one for name, one in known.items()}
    wrong = [f"{name} is no variable of it." for name in given if name not in known]
    return wrong + ArgumentSpecValidator(_as_module_spec(needed)).validate({k: v for k, v in plain.items() if k in known}).error_messages


def _as_module_spec(spec: dict[str, dict]) -> dict[str, dict]:
    words = ("type", "elements", "choices", "default", "required")
    return {
        name: {
            **{word: one[word] for word in words if one.get(word) is not None and not (word == "default" and one.get("required"))},
            **({"options": _as_module_spec(one["options"])} if "options" in one else {}),
        }
        for name, one in spec.items()
    }
