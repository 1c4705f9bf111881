# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard's process does; see :mod:`guard_process`."""

from __future__ import annotations

import dataclasses
import json
import queue
import signal
import sys
import threading
import time
import typing as t

from ..cloud.compute import Compute
from ..cloud.session import connect
from ..core.errors import DrError, NotFound
from ..core.records import Flavor, Server
from ..work.pool import attempt_all
from .driver import QuiesceDriver
from .guard_process import forget_copy
from .libvirt import LibvirtDriver
from .mark import FreezeMarks
from .pause import PauseDriver

_RETRY_SECONDS = 2.0
_CONCURRENCY = 16


@dataclasses.dataclass
class Guard:
    """One armed guard.

    :param token: of the mark under which the server was frozen.
    """

    server: Server
    deadline: float
    token: str
    fired: bool = False
    done: bool = False


class GuardLoop:
    """Keeps guards and fires those that are due.

    :param requests: dictionaries ``arm`` and ``disarm``; None once the controller's process is gone.
    """

    def __init__(
        self, driver: QuiesceDriver, marks: FreezeMarks, requests: queue.SimpleQueue[t.Any], answer: t.Callable[[t.Any], None]
    ) -> None:
        self._driver = driver
        self._marks = marks
        self._requests = requests
        self._answer = answer
        self._guards: dict[str, Guard] = {}
        self._is_alone = False

    def run(self) -> None:
        """Until the controller's process is gone and no guard is armed."""
        while not self._is_alone or self._waiting():
            self._take_request()
            due = [guard for guard in self._waiting() if time.monotonic() >= guard.deadline]
            attempt_all({guard.server.id: (lambda guard=guard: self._fire(guard)) for guard in due}, _CONCURRENCY)

    def _waiting(self) -> list[Guard]:
        return [guard for guard in self._guards.values() if not guard.done]

    def _take_request(self) -> None:
        deadlines = [guard.deadline - time.monotonic() for guard in self._waiting()]
        try:
            request = self._requests.get(timeout=max(0.01, min(deadlines)) if deadlines else None)
        except queue.Empty:
            return
        if request is None:
            self._is_alone = True
        elif request == "now":
            for guard in self._waiting():
                guard.deadline = time.monotonic()
        elif "arm" in request:
            self._arm(_server(request["arm"]), request["seconds"])
        else:
            guard = self._guards.pop(request["disarm"], None)
            self._answer({"fired": bool(guard and guard.fired)})

    def _arm(self, server: Server, seconds: int) -> None:
        try:
            mark = self._marks.current(server.id)
        except DrError:
            mark = None
        if mark is None:
            self._answer({"armed": None})
            return
        self._guards[server.id] = Guard(server, time.monotonic() + seconds, mark.token)
        self._answer({"armed": server.id})

    def _fire(self, guard: Guard) -> None:
        """Thaw; a failure is tried again, since nobody else is there to do it."""
        guard.deadline = time.monotonic() + _RETRY_SECONDS
        try:
            if self._is_over(guard):
                guard.done = True
                return
            guard.fired = True
            self._driver.thaw(guard.server)
        except NotFound:
            guard.done = True
        else:
            guard.done = True
            if self._is_alone:
                self._marks.remove(guard.server)

    def _is_over(self, guard: Guard) -> bool:
        """Whether the freeze that is guarded has ended, by the mark of the server."""
        try:
            mark = self._marks.current(guard.server.id)
        except NotFound:
            raise
        except DrError:
            # Who can thaw without Nova must do so without it; a later freeze that is thawed by it is found out and not relied on.
            return False
        return mark is None or mark.token != guard.token


def _server(values: dict[str, t.Any]) -> Server:
    return Server(**{**values, "flavor": Flavor(**values["flavor"])})


def _read_requests(requests: queue.SimpleQueue[t.Any]) -> None:
    for line in sys.stdin:
        requests.put(json.loads(line))
    requests.put(None)


def _answer(content: t.Any) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def main(setup: dict[str, t.Any]) -> None:
    """Run the guard.

    :param setup: the fields of :class:`~.guard_process.Guarded`.
    """
    # A simple queue: a signal's handler may put into it at any moment.
    requests: queue.SimpleQueue[t.Any] = queue.SimpleQueue()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # The machine or the container is going down: now or never.
    signal.signal(signal.SIGTERM, lambda number, frame: requests.put("now"))
    compute = Compute(connect(setup["cloud"]))
    driver: QuiesceDriver = (
        PauseDriver(compute, setup["thaw_timeout"])
        if setup["driver"] == PauseDriver.name
        else LibvirtDriver(setup["libvirt_uri"], setup["thaw_timeout"])
    )
    forget_copy(setup)
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    GuardLoop(driver, FreezeMarks(compute), requests, _answer).run()
