# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""At its end, the demo says what was shown, by the figures of the run's own reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parents[2] / "lab/roles/story/templates"
SERVERS = [{"name": "orders-db", "consistency": "quiesced"}, {"name": "shop-front", "consistency": "paused"}]
TAKEN = {"consistency": "paused", "servers": SERVERS, "figures": {"window_seconds": 2.14, "rpo_seconds": 44.4, "stored_bytes": 142_300_000}}
BACK = {"figures": {"rto_seconds": 51.6}}
FIGURES = [
    "Frozen for 2.1 s altogether: the freeze window over 2 servers",
    "is paused: orders-db quiesced, shop-front paused.\n",
    "was 44 s old when it could be restored at the remote site, where its copies take 142 MB",
    "at the remote site 52 s after the restore began",
    "112 orders and 111 payments",
    "/reports/shop.one.checkpoint.html\n/reports/shop.one.restore.html\n",
    "make lab-restart SITE=primary",
]


def shown(taken, back):
    """What Ansible would make of the template, whose blocks leave no line."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True)
    environment.globals["lookup"] = lambda _plugin, path: json.dumps({"checkpoint": taken, "restore": back}[path.split(".")[-2]])
    environment.filters["from_json"] = json.loads
    return environment.get_template("shown.j2").render(
        story_reports="/reports", story_checkpoint="one", application={"name": "shop"}, shop_verdict={"rows": {"orders": 112, "payments": 111}}
    )


@pytest.mark.parametrize("words", FIGURES)
def test_figures_are_those_of_the_run(words):
    assert words in shown(TAKEN, BACK)


def test_what_is_not_known_is_not_said():
    """A run that only finished what an earlier one had begun has no times."""
    text = shown({**TAKEN, "figures": dict.fromkeys(TAKEN["figures"])}, {"figures": {"rto_seconds": None}})
    assert not [words for words in ("Frozen", "old when", "after the restore", "None") if words in text]
    assert "is paused: orders-db quiesced" in text
