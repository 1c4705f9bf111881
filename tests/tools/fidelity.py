# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of docs/fidelity.md from the registries of states and of attributes."""

from __future__ import annotations

import itertools
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "fidelity.md"
#: What is written stands between this line and the end of the page.
BEGIN = "## State by state\n"
_ATTRIBUTES = "## Attribute by attribute\n"


def tables(kinds: t.Iterable[t.Any]) -> str:
    """One table per kind of resource, in the order of the registry."""
    return "\n".join(_table(kind) for kind in kinds)


def _table(kind: t.Any) -> str:
    rows = [f"| {_names(one)} | {one.fate.value} | {one.note} |\n" for one in kind.attributes]
    return f"### {kind.name[0].upper()}{kind.name[1:]}\n\n| attribute | fate | |\n| --- | --- | --- |\n{''.join(rows)}"


def _names(attribute: t.Any) -> str:
    return ", ".join(f"`{name}`" for name in attribute.names)


def states(registry: t.Iterable[t.Any]) -> str:
    """The table of states; those of which the same is to be said share a row."""
    grouped = itertools.groupby(registry, _of_state)
    rows = [f"| {', '.join(f'`{one.name}`' for one in same)} | {row}\n" for row, same in grouped]
    return f"| status | in a checkpoint | level | what comes back | what its owner can do |\n| --- | --- | --- | --- | --- |\n{''.join(rows)}"


def _of_state(state: t.Any) -> str:
    level = f"`{state.level}`" if state.level else ""
    return f"{state.treatment.value} | {level} | {state.note} | {state.remedy} |"


def page(text: str, kinds: t.Iterable[t.Any], registry: t.Iterable[t.Any]) -> str:
    """The page with its tables as the registries have them."""
    introduction, _old = text.split(BEGIN)
    return f"{introduction}{BEGIN}\n{states(registry)}\n{_ATTRIBUTES}\n{tables(kinds)}"


def main() -> int:
    """Write the page."""
    sys.path.insert(0, str(ROOT / ".build" / "collections"))
    from ansible_collections.osdr.openstack.plugins.module_utils.core.states import STATES
    from ansible_collections.osdr.openstack.plugins.module_utils.manifest.attributes import KINDS

    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), KINDS, STATES), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
