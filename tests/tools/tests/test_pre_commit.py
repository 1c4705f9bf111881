# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What git runs before commits is what the Makefile has."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]


def test_the_quick_checks_are_exactly_the_parts_of_lint():
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    lint = re.search(r"^lint: (.*) ##", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert sorted(hook["id"] for hook in local["hooks"]) == sorted(lint)
    assert all(hook["entry"] == f"make --no-print-directory {hook['id']}" and not hook["pass_filenames"] for hook in local["hooks"])
