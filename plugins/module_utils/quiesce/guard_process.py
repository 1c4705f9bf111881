# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard beside the controller: a separate process that thaws servers when nobody else does.

It is for servers that cannot be guarded inside the guest or by Nova. It outlives the module and the
controller's process, even if they are killed, but not the machine or container in which they run.
It acts only on servers that still have the mark of the freeze that it guards.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import typing as t

from ..core.errors import FreezeFailed
from ..core.records import Server
from ..core.text import told
from ..work.processes import LIBRARY_PROCESS, start

#: Seconds for an answer: to arm the first guard, the process has to log in at the cloud.
_ANSWER_SECONDS = 30.0


@dataclasses.dataclass(frozen=True)
class Guarded:
    """What the guard's process must know to thaw servers.

    :param driver: name of the driver that thaws them.
    :param cloud: the options by which the cloud is reached, as a module has them.
    """

    driver: str
    cloud: t.Mapping[str, t.Any] = dataclasses.field(repr=False)
    libvirt_uri: str | None
    thaw_timeout: int


class GuardProcess:
    """The controller's side. The process is started when the first guard is armed; servers may be armed from several threads at once.

    :param loop: name of the Python module that the process runs.
    :param seconds: within which the process must answer.
    """

    def __init__(self, guarded: Guarded, loop: str, seconds: float = _ANSWER_SECONDS) -> None:
        self._guarded = guarded
        self._loop = loop
        self._seconds = seconds
        self._child: _Child | None = None
        self._lock = threading.Lock()

    def arm(self, server: Server, seconds: int) -> None:
        """Arm the guard of a server.

        :raises FreezeFailed: when the guard does not say in time that it is armed.
        """
        with self._lock:
            child = self._child = self._child or _Child({"module": self._loop, **dataclasses.asdict(self._guarded)})
        try:
            armed = child.ask({"arm": dataclasses.asdict(server), "seconds": seconds}, self._seconds).get("armed") == server.id
        except FreezeFailed:
            child.end_unless_armed()
            raise
        if not armed:
            raise FreezeFailed(f"The guard of server {server.label} could not be armed beside the controller.")
        child.is_armed = True

    def disarm(self, server: Server) -> bool:
        """Disarm the guard of a server.

        :returns: whether it had fired. One that was armed by another process finds out by itself.
        """
        if self._child is None:
            return False
        return bool(self._child.ask({"disarm": server.id}, self._seconds).get("fired"))


class _Child:
    """The process, with the requests that it has not answered yet.

    :param setup: its settings; sent through the pipe, so that the credentials are on neither the command line nor a disk.
    """

    def __init__(self, setup: t.Mapping[str, t.Any]) -> None:
        #: Whether it guards anybody: it lives on whatever happens, then.
        self.is_armed = False
        self._path, self._copy = _import_path()
        self._questions: dict[int, concurrent.futures.Future[dict[str, t.Any]]] = {}
        self._asked = 0
        self._lock = threading.Lock()
        self._failure: str | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        try:
            self._process = start([sys.executable, "-c", LIBRARY_PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except OSError as error:
            self._forget_copy()
            raise FreezeFailed(f"The guard beside the controller could not be started: {error}.") from error
        self._write({**setup, "path": self._path, "copy": self._copy})
        for work in (self._write_lines, self._read_answers):
            threading.Thread(target=work, daemon=True).start()

    def ask(self, request: t.Mapping[str, t.Any], seconds: float) -> dict[str, t.Any]:
        """Send a request and wait for its answer.

        :raises FreezeFailed: when there is no answer within so many seconds.
        """
        answer: concurrent.futures.Future[dict[str, t.Any]] = concurrent.futures.Future()
        with self._lock:
            if self._failure is not None:
                raise FreezeFailed(f"The guard beside the controller does not answer: {self._failure}.")
            self._asked += 1
            number = self._asked
            self._questions[number] = answer
            self._write({**request, "number": number})
        try:
            return answer.result(timeout=seconds)
        except concurrent.futures.TimeoutError as error:
            self._fail(f"no answer within {seconds:g} s. Find out why the cloud does not answer from here")
            raise FreezeFailed(f"The guard beside the controller does not answer: {self._failure}.") from error

    def end_unless_armed(self) -> None:
        """End a process that guards nobody, with all that it left."""
        if not self.is_armed:
            self._process.kill()
            self._process.wait()
            self._forget_copy()

    def _write(self, content: t.Mapping[str, t.Any]) -> None:
        self._lines.put(json.dumps(content).encode() + b"\n")

    def _write_lines(self) -> None:
        """Write in a thread of its own, so that a process that does not read keeps nobody waiting."""
        with contextlib.suppress(OSError):
            while True:
                line = self._lines.get()
                t.cast("t.IO[bytes]", self._process.stdin).write(line)
                t.cast("t.IO[bytes]", self._process.stdin).flush()

    def _read_answers(self) -> None:
        """Read answers until the process is gone, or an answer is invalid."""
        try:
            for line in t.cast("t.IO[bytes]", self._process.stdout):
                self._take(json.loads(line))
            self._fail("it has ended")
        except (LookupError, TypeError, ValueError):
            self._fail("its answer is invalid")
        self._process.wait()
        self._forget_copy()

    def _take(self, answer: t.Mapping[str, t.Any]) -> None:
        if "failed" in answer:
            self._fail(told(answer["failed"]).rstrip("."))
            return
        # Whoever gives up waiting fails all questions at the same time: each is answered once.
        with self._lock:
            question = self._questions.pop(answer["number"], None)
        if question:
            question.set_result(dict(answer))

    def _fail(self, reason: str) -> None:
        """Fail all open requests; the first reason counts."""
        with self._lock:
            self._failure = self._failure or reason
            questions, self._questions = self._questions, {}
        for question in questions.values():
            question.set_exception(FreezeFailed(f"The guard beside the controller does not answer: {self._failure}."))

    def _forget_copy(self) -> None:
        forget_copy(self._copy)


def _import_path() -> tuple[list[str], str | None]:
    """Where the process finds this collection, and the copy that was made for it: Ansible removes the archive with which it runs a module."""
    archive = next((parent for parent in pathlib.Path(__file__).parents if parent.is_file()), None)
    if archive is None:
        return sys.path, None
    directory = tempfile.mkdtemp(prefix="osdr-guard-")
    copy = shutil.copy(archive, os.path.join(directory, "osdr.zip"))
    return [copy, *sys.path], directory


def forget_copy(directory: str | None) -> None:
    """Remove the archive's copy; it is not needed once everything is imported."""
    if directory:
        shutil.rmtree(directory, ignore_errors=True)
