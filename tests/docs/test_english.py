# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents, messages and docstrings are in plain English, as far as that can be told by their words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from ansible_collections.osdr.openstack.tests.docs.documents import ROOT

PLACES = ("README.md", "CONTRIBUTING.md", "docs", "plugins", "roles", "playbooks", "awx", "changelogs/fragments")
KINDS = {".md", ".rst", ".py", ".yml", ".j2"}
#: Words over which engineers stumble, and what they would say.
AVOIDED = {
    r"bears?|bearing|borne": "has, is marked with, tolerates",
    r"gives? (?:place|way) to": "is replaced by",
    r"whosesoever|whosoever": "no matter whose",
    r"wholly": "completely, only partly",
    r"in this moment": "meanwhile",
    r"go(?:es)? on with": "resumes",
    r"behind (?:his|its) back": "meanwhile, without it",
    r"hand(?:s|ed)? on": "passes",
    r"of one's own": "your own",
    r"as good as an?": "equivalent to",
}


def files() -> list[Path]:
    places = [ROOT / place for place in PLACES]
    found = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*")))]
    return [path for path in found if path.suffix in KINDS]


def docstrings(path: Path) -> list[str]:
    """All docstrings of a file."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [text for node in nodes if isinstance(node, documented) and (text := ast.get_docstring(node)) is not None]


@pytest.mark.parametrize(("words", "better"), AVOIDED.items(), ids=AVOIDED)
def test_nobody_stumbles_over_words(words, better):
    pattern = re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    found = [f"{path.relative_to(ROOT)}: {match}" for path in files() for match in pattern.findall(path.read_text(encoding="utf-8"))]
    assert found == [], f"say: {better}"


def test_docstrings_begin_with_what_is_returned_or_done():
    """The parameters alone tell nobody what they are for."""
    programs = [path for path in files() if path.suffix == ".py"]
    assert len(programs) > 100
    bare = [f"{path.relative_to(ROOT)}: {text}" for path in programs for text in docstrings(path) if text.startswith(":") or not text]
    assert bare == []
