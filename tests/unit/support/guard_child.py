# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guard's process runs in tests: the real loop, on a cloud that consists of files.

The options of the cloud name a directory. A server is marked as long as there is a file ``mark`` in it; who is thawed is
told through the pipe ``thawed``.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path

from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import guard_loop
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import Thaw
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark


class Marks:
    def __init__(self, directory):
        self._directory = directory

    def current(self, server_id):
        if server_id == "id-stuck":
            threading.Event().wait()
        there = (self._directory / "mark").exists()
        return FreezeMark("fake", "2026-01-01T00:00:00Z", "t") if there else None

    def remove(self, _server, _mark):
        (self._directory / "mark").unlink(missing_ok=True)


class Driver:
    name = "fake"

    def __init__(self, directory):
        self._directory = directory

    def thaw(self, server):
        with (self._directory / "thawed").open("w", encoding="utf-8") as pipe:
            pipe.write(f"{server.name} {server.flavor.name}\n")
        return Thaw(filesystems=2)


def main(setup):
    directory = Path(setup["cloud"]["directory"])
    (directory / "setup").write_text(json.dumps(setup), encoding="utf-8")

    def connect(_options):
        if setup["cloud"].get("hangs"):
            threading.Event().wait()

    guard_loop.connect, guard_loop.Compute = connect, lambda cloud: None
    guard_loop.FreezeMarks = lambda compute: Marks(directory)
    if setup["driver"] == "fake":
        guard_loop.driver_named = lambda name, reach: Driver(directory)
    guard_loop.main(setup)
