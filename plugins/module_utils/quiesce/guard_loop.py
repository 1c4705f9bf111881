# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main loop of the guard's process; see :mod:`.guard_process`.

A guard lives as long as the mark of its freeze exists. One that has fired keeps checking, because the freeze may arrive late.
Servers are independent: none has to wait for another, and nothing ends the process before its last guard is done.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import queue
import signal
import sys
import threading
import typing as t

from ..cloud.compute import Compute
from ..cloud.session import Cloud, connect
from ..core import leeway
from ..core.errors import DrError, NotFound
from ..core.records import Flavor, Server
from ..work.clock import SYSTEM_CLOCK, Clock
from ..work.waiting import within
from .driver import QuiesceDriver
from .drivers import Reach, driver_named
from .guard_process import forget_copy
from .mark import FreezeMark, FreezeMarks

#: Between two looks at a server whose guard has fired.
_AGAIN_SECONDS = 2.0
#: What a look may take besides the thaw.
_LOOK_SECONDS = 60.0
_CONNECT_SECONDS = 60.0
#: What Nova gets to say whether the freeze has ended; who can thaw without it, does so then.
_MARK_SECONDS = 10.0
#: More than the servers that may hang at once.
_CONCURRENCY = 64

Request = t.Mapping[str, t.Any]


@dataclasses.dataclass(eq=False)
class Guard:
    """One armed guard.

    :param token: of the mark under which the server was frozen.
    """

    server: Server
    deadline: float
    token: str
    fired: bool = False
    #: Somebody looks at the server.
    is_busy: bool = False


@dataclasses.dataclass(frozen=True)
class _NewGuard:
    """A guard that is about to be kept; None when there is no freeze to guard."""

    number: int
    guard: Guard | None


@dataclasses.dataclass(frozen=True)
class _Looked:
    guard: Guard
    is_over: bool


class GuardLoop:
    """Keeps guards and fires those that are due.

    :param requests: dictionaries ``arm`` and ``disarm``; "now" when all are due; None once the controller's process is gone.
    :param patience: seconds that a look at a server may take, its thaw included.
    """

    def __init__(
        self,
        driver: QuiesceDriver,
        marks: FreezeMarks,
        requests: queue.SimpleQueue[t.Any],
        answer: t.Callable[[Request], None],
        patience: float,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._driver = driver
        self._marks = marks
        self._requests = requests
        self._answer = answer
        self._patience = patience
        self._clock = clock
        self._guards: dict[str, Guard] = {}
        self._is_alone = False

    def run(self) -> None:
        """Run until the controller's process is gone and no guard is armed."""
        with concurrent.futures.ThreadPoolExecutor(_CONCURRENCY) as pool:
            while not self._is_alone or self._guards:
                try:
                    self._take_request(pool)
                    self._fire_due(pool)
                except Exception:
                    # Whatever it was: the guards that are left are needed all the more.
                    self._clock.sleep(_AGAIN_SECONDS)

    def _fire_due(self, pool: concurrent.futures.Executor) -> None:
        for guard in self._idle():
            if self._clock.now() >= guard.deadline:
                pool.submit(self._look, guard)
                guard.is_busy = True

    def _idle(self) -> list[Guard]:
        return [guard for guard in self._guards.values() if not guard.is_busy]

    def _take_request(self, pool: concurrent.futures.Executor) -> None:
        deadlines = [guard.deadline - self._clock.now() for guard in self._idle()]
        try:
            request = self._requests.get(timeout=max(0.0, min(deadlines)) if deadlines else None)
        except queue.Empty:
            return
        if request is None:
            self._is_alone = True
        elif request == "now":
            for guard in self._guards.values():
                guard.deadline = self._clock.now()
        elif isinstance(request, _NewGuard):
            self._keep(request)
        elif isinstance(request, _Looked):
            self._settle(request)
        elif "arm" in request:
            pool.submit(self._arm, request)
        else:
            disarmed = self._guards.pop(request["disarm"], None)
            self._answer({"number": request["number"], "fired": bool(disarmed and disarmed.fired)})

    def _arm(self, request: Request) -> None:
        guard = None
        try:
            server = _server(request["arm"])
            mark = within(self._patience, f"the mark of server {server.label}", lambda: self._marks.current(server.id))
            if mark and mark.is_same(FreezeMark.of(server)):
                guard = Guard(server, self._clock.now() + request["seconds"], mark.token)
        finally:
            self._requests.put(_NewGuard(request["number"], guard))

    def _keep(self, new: _NewGuard) -> None:
        if new.guard:
            self._guards[new.guard.server.id] = new.guard
        self._answer({"number": new.number, "armed": new.guard and new.guard.server.id})

    def _settle(self, looked: _Looked) -> None:
        guard = looked.guard
        guard.is_busy = False
        guard.deadline = self._clock.now() + _AGAIN_SECONDS
        if looked.is_over and self._guards.get(guard.server.id) is guard:
            del self._guards[guard.server.id]

    def _look(self, guard: Guard) -> None:
        is_over = False
        try:
            with leeway.hurried(self._patience):
                is_over = within(self._patience, f"the thaw of server {guard.server.label}", lambda: self._fire(guard))
        finally:
            # Whatever it was that failed: it is tried again, since nobody else is there to do it.
            self._requests.put(_Looked(guard, is_over))

    def _fire(self, guard: Guard) -> bool:
        """Thaw a server unless its freeze has ended; returns whether there is nothing left to guard."""
        try:
            with leeway.hurried(_MARK_SECONDS):
                mark = self._marks.current(guard.server.id)
        except DrError as error:
            if _is_gone(error):
                return True
            # Who can thaw without Nova must do so without it; a later freeze that is thawed by it is found out and not relied on.
            mark = FreezeMark(self._driver.name, "", guard.token)
            return self._thaw(guard, mark, is_certain=False)
        if mark is None or mark.token != guard.token:
            return True
        return self._thaw(guard, mark, is_certain=True)

    def _thaw(self, guard: Guard, mark: FreezeMark, is_certain: bool) -> bool:
        guard.fired = True
        thaw = self._driver.thaw(guard.server)
        # As long as the controller is there, it sees to the end. A freeze arrives once; until it has, it may, for as long as it may be asked for.
        has_ended = thaw.has_arrived or mark.is_leftover
        if not (self._is_alone and is_certain and has_ended):
            return False
        self._marks.remove(guard.server, mark)
        return True


def _is_gone(error: DrError) -> bool:
    """Whether Nova itself says that the server does not exist; a proxy can also answer "not found"."""
    return isinstance(error, NotFound) and bool(error.facts.get("request_id"))


def _server(values: dict[str, t.Any]) -> Server:
    return Server(**{**values, "flavor": Flavor(**values["flavor"])})


def _read_requests(requests: queue.SimpleQueue[t.Any], lines: t.Iterable[str]) -> None:
    """Read requests until the controller's process is gone; the last line of a killed process may be incomplete."""
    with contextlib.suppress(ValueError):
        for line in lines:
            requests.put(json.loads(line))
    requests.put(None)


def _answer(content: Request) -> None:
    try:
        # Past Python's buffers: what they keep of it would fail again when the process ends.
        os.write(sys.stdout.fileno(), f"{json.dumps(content)}\n".encode())
    except OSError:
        # Nobody is there to hear it, and the guards are needed all the more.
        return


def main(setup: Request) -> None:
    """Run the guard.

    :param setup: the fields of :class:`~.guard_process.Guarded`.
    """
    # A simple queue: a signal's handler may put into it at any moment.
    requests: queue.SimpleQueue[t.Any] = queue.SimpleQueue()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # The machine or the container is going down: now or never.
    signal.signal(signal.SIGTERM, lambda number, frame: requests.put("now"))
    forget_copy(setup["copy"])
    # Before anything that takes time: whoever writes must not have to wait.
    threading.Thread(target=_read_requests, args=(requests, sys.stdin), daemon=True).start()
    try:
        cloud: Cloud = within(_CONNECT_SECONDS, "the cloud to log in at", lambda: connect(setup["cloud"]))
        compute = Compute(cloud)
        driver = driver_named(setup["driver"], Reach(compute, setup["libvirt_uri"], setup["thaw_timeout"]))
    except DrError as error:
        _answer({"failed": str(error)})
        return
    GuardLoop(driver, FreezeMarks(compute), requests, _answer, setup["thaw_timeout"] + _LOOK_SECONDS).run()
