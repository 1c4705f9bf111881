# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load of the lab's shop as a process of its own; what runs here only says that it writes."""

from __future__ import annotations

import json

import pytest
from shop_workload import background

PROGRAM = """
import json, pathlib, signal, sys, time
given = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[2:])
pathlib.Path(given["pid-file"]).write_text(str(__import__("os").getpid()))
with open(given["journal"], "a") as journal:
    journal.write(json.dumps({"event": "acknowledged", "table": "payments", "orders": given["orders"]}) + "\\n")
time.sleep(600)
"""


@pytest.fixture
def started(tmp_path):
    """Starts the load for a database; returns whether it was not running."""
    program, pid_file, journal = tmp_path / "program.py", tmp_path / "load.pid", tmp_path / "journal.jsonl"
    program.write_text(PROGRAM)

    def start(orders, at=program):
        command = [str(at), "load", f"--orders={orders}", f"--journal={journal}", f"--pid-file={pid_file}"]
        return background.start(command, pid_file, journal, 60)

    start.writes_to = lambda: [json.loads(line)["orders"] for line in journal.read_text().splitlines()]
    yield start
    background.stop(pid_file)


def test_a_load_that_runs_is_left_alone_also_by_another_checkout(started, tmp_path):
    other = tmp_path / "other.py"
    other.write_text(PROGRAM)
    assert (started("10.0.0.1"), started("10.0.0.1"), started("10.0.0.1", other)) == (True, False, False)
    assert started.writes_to() == ["10.0.0.1"]


def test_a_load_for_databases_that_are_gone_gives_way(started):
    assert (started("10.0.0.1"), started("10.0.0.2")) == (True, True)
    assert started.writes_to() == ["10.0.0.1", "10.0.0.2"]
