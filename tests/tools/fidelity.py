# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the tables of docs/fidelity.md from the registry of attributes."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "fidelity.md"
#: The tables stand between this line and the end of the page.
BEGIN = "## Attribute by attribute\n"


def tables(kinds: t.Iterable[t.Any]) -> str:
    """One table per kind of resource, in the order of the registry."""
    return "\n".join(_table(kind) for kind in kinds)


def _table(kind: t.Any) -> str:
    rows = [f"| {_names(one)} | {one.fate.value} | {one.note} |\n" for one in kind.attributes]
    return f"### {kind.name[0].upper()}{kind.name[1:]}\n\n| attribute | fate | |\n| --- | --- | --- |\n{''.join(rows)}"


def _names(attribute: t.Any) -> str:
    return ", ".join(f"`{name}`" for name in attribute.names)


def page(text: str, kinds: t.Iterable[t.Any]) -> str:
    """The page with its tables as the registry has them."""
    introduction, _old = text.split(BEGIN)
    return f"{introduction}{BEGIN}\n{tables(kinds)}"


def main() -> int:
    """Write the page."""
    sys.path.insert(0, str(ROOT / ".build" / "collections"))
    from ansible_collections.osdr.openstack.plugins.module_utils.capture.attributes import KINDS

    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), KINDS), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
