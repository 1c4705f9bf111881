# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only the package of copies knows what they consist of; everything else asks the methods of copying."""

from __future__ import annotations

import ast
import functools
import typing as t
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
#: The room of the methods, the adapters of the services with their records, and the form of the document.
MAY_KNOW = (
    "module_utils/copies/",
    "module_utils/cloud/",
    "module_utils/core/records.py",
    "module_utils/manifest/schema.py",
    "module_utils/manifest/manifest.py",
)
#: What a copy consists of, what Cinder's backups tell, and how they are reached.
SECRETS = {
    "chain",
    "container",
    "incremental",
    "object_count",
    "has_dependents",
    "is_incremental",
    "backup_id",
    "Backup",
    "BackupRecord",
    "backup",
    "backups",
    "create_backup",
    "create_volume_from_backup",
    "restore_backup",
    "delete_backup",
    "export_record",
    "import_record",
    "mark_backup",
}
#: Of what a copy says of itself in a document.
KEYS = {"chain", "backup_id", "object_count"}
#: What a report shows of each copy, from facts of its own, and what a summary counts.
ALLOWED = {
    ("module_utils/catalogue/catalogue.py", "incremental"),
    ("plugin_utils/report/checkpoint_view.py", "incremental"),
}


def secrets(tree: ast.AST) -> t.Iterator[str]:
    """What of it an expression or import of some code names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in SECRETS:
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names if alias.name in SECRETS)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in KEYS:
            yield node.value


@functools.cache
def named_outside() -> set[tuple[str, str]]:
    found = set()
    for path in PLUGINS.rglob("*.py"):
        name = path.relative_to(PLUGINS).as_posix()
        if not name.startswith(MAY_KNOW):
            found |= {(name, secret) for secret in secrets(ast.parse(path.read_text(encoding="utf-8")))}
    return found


def test_nothing_outside_knows_what_copies_consist_of():
    assert named_outside() - ALLOWED == set()


def test_nothing_is_allowed_that_nobody_does():
    assert named_outside() >= ALLOWED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("for one in copy.chain: pass", {"chain"}),
        ("storage.backups()", {"backups"}),
        ("from ..core.records import Backup, Volume", {"Backup"}),
        ("document['chain'] + copy.texts('backup_id')", {"chain", "backup_id"}),
        ("critical.chain_length + copy.size", set()),
    ],
)
def test_what_is_planted_is_found(text, expected):
    assert set(secrets(ast.parse(text))) == expected
