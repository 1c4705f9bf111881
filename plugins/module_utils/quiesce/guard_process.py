# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard beside the controller: a process of its own that thaws servers when nobody else does.

For what cannot be guarded inside the guest or by Nova. It outlives the module and the
controller's process, also their kill, but not the machine or container in which they run.
It acts only on servers that still bear the mark of the freeze that it guards.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import typing as t

from ..core.errors import FreezeFailed
from ..core.records import Server

_START = """
import importlib, json, sys
setup = json.loads(sys.stdin.readline())
sys.path[:0] = setup["path"]
importlib.import_module(setup["module"]).main(setup)
"""


@dataclasses.dataclass(frozen=True)
class Guarded:
    """What the guard's process must know to thaw servers.

    :param driver: ``pause`` or ``libvirt``.
    :param cloud: the options by which the cloud is reached, as a module has them.
    """

    driver: str
    cloud: t.Mapping[str, t.Any]
    libvirt_uri: str | None
    thaw_timeout: int


class GuardProcess:
    """The controller's side. The process is started when the first guard is armed.

    :param loop: name of the Python module that the process runs.
    """

    def __init__(self, guarded: Guarded, loop: str) -> None:
        self._guarded = guarded
        self._loop = loop
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def arm(self, server: Server, seconds: int) -> None:
        """:raises FreezeFailed: when the guard does not say that it is armed."""
        request = {"arm": dataclasses.asdict(server), "seconds": seconds}
        if self._ask(request).get("armed") != server.id:
            raise FreezeFailed(f"The guard of server {server.label} could not be armed beside the controller.")

    def disarm(self, server: Server) -> bool:
        """:returns: whether it had fired. One that was armed by another process finds out by itself."""
        if self._process is None:
            return False
        return bool(self._ask({"disarm": server.id}).get("fired"))

    def _ask(self, request: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        with self._lock:
            process = self._process = self._process or self._start()
            try:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                return json.loads(process.stdout.readline() or "{}")
            except (OSError, ValueError) as error:
                raise FreezeFailed(f"The guard beside the controller does not answer: {error}.") from error

    def _start(self) -> subprocess.Popen[str]:
        # In a session of its own: what ends the controller's does not reach it.
        process = subprocess.Popen(
            [sys.executable, "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        setup = {"module": self._loop, **dataclasses.asdict(self._guarded), **_import_path()}
        # By the pipe: neither command line nor disk ever has the credentials.
        process.stdin.write(json.dumps(setup) + "\n")
        process.stdin.flush()
        return process


def _import_path() -> dict[str, t.Any]:
    """Where the process finds this collection; Ansible removes the archive with which it runs a module."""
    archive = next((parent for parent in pathlib.Path(__file__).parents if parent.is_file()), None)
    if archive is None:
        return {"path": sys.path, "copy": None}
    directory = tempfile.mkdtemp(prefix="osdr-guard-")
    copy = shutil.copy(archive, os.path.join(directory, "osdr.zip"))
    return {"path": [copy, *sys.path], "copy": directory}


def forget_copy(setup: t.Mapping[str, t.Any]) -> None:
    """Remove the archive's copy once everything is imported."""
    if setup["copy"]:
        with contextlib.suppress(OSError):
            shutil.rmtree(setup["copy"])
