# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual time for real code with threads: of all of them one runs at a time, and time only passes while all wait.

The same random numbers make the same schedule. A process may be stopped for a while, killed, and sent signals.
"""

from __future__ import annotations

import contextlib
import datetime
import heapq
import itertools
import threading
import types
import typing as t

from ansible_collections.osdr.openstack.plugins.module_utils.snapshots import requests
from ansible_collections.osdr.openstack.plugins.module_utils.work import pool, waiting
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock

_START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


class Gone(BaseException):
    """Ends a thread of a process that is no more."""


class Task:
    """A thread of the process."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        #: Tells a wake-up that is still meant from one that is not.
        self.turn = 0
        self.has_ended = False


class World:
    """Time, the threads of one process, and what happens outside of it.

    :param random: decides who of several goes first.
    """

    def __init__(self, random: t.Any) -> None:
        self.now = 0.0
        self.random = random
        self.main = Task()
        self.current = self.main
        self.stalls: list[tuple[float, float]] = []
        self.is_killed = False
        self.is_over = False
        self.signals = 0
        self.on_signal: t.Callable[[], None] = lambda: None
        self._order = itertools.count()
        self._events: list[t.Any] = []
        self._threads: list[tuple[threading.Thread, Task]] = []

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.now, self.sleep, self._wall, lambda future, seconds: future.wait(max(0, seconds)))

    def _wall(self) -> datetime.datetime:
        return _START + datetime.timedelta(seconds=self.now)

    # Outside of the process

    def later(self, seconds: float, act: t.Callable[[], None]) -> None:
        """Have something happen outside of the process."""
        heapq.heappush(self._events, (self.now + seconds, self.random.random(), next(self._order), act, None, 0))

    def stall(self, begin: float, seconds: float) -> None:
        """Stop the process for a while."""
        self.stalls.append((begin, begin + seconds))

    def kill(self) -> None:
        self.is_killed = True

    def signal(self) -> None:
        """Send the process a signal: its main thread handles it as soon as it runs."""
        self.signals += 1
        self._wake(self.main)

    def run_out(self, seconds: float) -> None:
        """Let time pass outside of a process that has ended or was killed."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _tie, _number, act, task, _turn = heapq.heappop(self._events)
            if task is None:
                act()
        self.now = end

    # Inside

    def spawn(self, act: t.Callable[[], None]) -> None:
        if self.is_over:
            raise Gone
        task = Task()

        def run() -> None:
            task.go.acquire()
            with contextlib.suppress(Gone):
                self._check(task)
                act()
            task.has_ended = True
            if not self.is_over:
                self._switch()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append((thread, task))
        thread.start()
        self._wake(task)

    def sleep(self, seconds: float) -> None:
        self.wait_until(lambda: False, seconds)

    def wait_until(self, is_done: t.Callable[[], bool], seconds: float | None = None) -> bool:
        """Let others run until something is so, or until so many seconds have passed."""
        if self.is_over:
            raise Gone
        end = None if seconds is None else self.now + seconds
        task = self.current
        while not is_done() and (end is None or self.now < end or seconds == 0):
            self._wake(task, end) if end is not None else self._expect(task)
            self._switch()
            task.go.acquire()
            self._check(task)
            if seconds == 0:
                break
        return is_done()

    def notify(self) -> None:
        """Have everybody look again whether what they wait for is so."""
        for task in [self.main, *(task for _thread, task in self._threads)]:
            if task is not self.current and not task.has_ended:
                self._wake(task, keep=True)

    def _check(self, task: Task) -> None:
        if self.is_over:
            raise Gone
        self.current = task
        while task is self.main and self.signals:
            self.signals -= 1
            self.on_signal()

    def _expect(self, task: Task) -> None:
        task.turn += 1

    def _wake(self, task: Task, when: float | None = None, keep: bool = False) -> None:
        if not keep:
            task.turn += 1
        at = self.now if when is None else when
        for begin, end in self.stalls:
            if begin <= at < end:
                at = end
        heapq.heappush(self._events, (at, self.random.random(), next(self._order), None, task, task.turn))

    def _switch(self) -> None:
        """Hand over to whoever is next; returns at once, and the caller waits for its own turn."""
        while self._events:
            at, _tie, _number, act, task, turn = heapq.heappop(self._events)
            if task is not None and (turn != task.turn or task.has_ended or self.is_killed):
                continue
            stalled = task is not None and any(begin <= at < end for begin, end in self.stalls)
            if stalled:
                self._wake(task, at, keep=True)
                continue
            self.now = max(self.now, at)
            if task is None:
                act()
                if self.is_killed:
                    break
                continue
            task.turn += 1
            task.go.release()
            return
        # Killed, or nobody can ever go on: the main thread tells.
        self.is_over = True
        self.main.go.release()

    def end(self) -> None:
        """Have all threads end that are left."""
        self.is_over = True
        for _thread, task in self._threads:
            task.go.release()
        for thread, _task in self._threads:
            thread.join(60)
            if thread.is_alive():
                raise RuntimeError("A thread does not end.")

    @contextlib.contextmanager
    def installed(self) -> t.Iterator[None]:
        """Have the library's threads be threads of this world."""
        futures = types.SimpleNamespace(
            Future=lambda: Future(self), ThreadPoolExecutor=lambda max_workers: Executor(self, max_workers), wait=lambda all_: [one.wait(None) for one in all_]
        )
        concurrent, threads = types.SimpleNamespace(futures=futures), types.SimpleNamespace(
            Thread=lambda target, args, daemon: types.SimpleNamespace(start=lambda: self.spawn(lambda: target(*args))), Condition=lambda: Condition(self)
        )
        before = (pool.concurrent, waiting.concurrent, waiting.threading, requests.threading)
        pool.concurrent = waiting.concurrent = concurrent
        waiting.threading = requests.threading = threads
        try:
            yield
        finally:
            pool.concurrent, waiting.concurrent, waiting.threading, requests.threading = before


class Future:
    """What concurrent.futures.Future is."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_done = False
        self._value: t.Any = None
        self._error: BaseException | None = None

    def set_result(self, value: t.Any) -> None:
        self._is_done, self._value = True, value
        self._world.notify()

    def set_exception(self, error: BaseException) -> None:
        self._is_done, self._error = True, error
        self._world.notify()

    def done(self) -> bool:
        return self._is_done

    def wait(self, seconds: float | None) -> bool:
        return self._world.wait_until(lambda: self._is_done, seconds)

    def result(self) -> t.Any:
        self.wait(None)
        if self._error:
            raise self._error
        return self._value


class Executor:
    """What concurrent.futures.ThreadPoolExecutor is."""

    def __init__(self, world: World, max_workers: int) -> None:
        self._world = world
        self._free = max_workers
        self._queue: list[tuple[Future, t.Callable[[], t.Any]]] = []
        self._active = 0

    def submit(self, act: t.Callable[..., t.Any], *arguments: t.Any) -> Future:
        future = Future(self._world)
        self._queue.append((future, lambda: act(*arguments)))
        if self._free:
            self._free -= 1
            self._active += 1
            self._world.spawn(self._work)
        return future

    def _work(self) -> None:
        try:
            while self._queue:
                future, act = self._queue.pop(0)
                try:
                    value = act()
                except Exception as error:
                    future.set_exception(error)
                else:
                    future.set_result(value)
        finally:
            self._free += 1
            self._active -= 1
            self._world.notify()

    def shutdown(self, wait: bool, cancel_futures: bool) -> None:
        if cancel_futures:
            self._queue.clear()
        if wait:
            self._world.wait_until(lambda: not self._active)


class Condition:
    """What threading.Condition is, where nobody runs beside whoever holds it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __enter__(self) -> Condition:
        return self

    def __exit__(self, *exc_info: t.Any) -> None:
        return None

    def notify_all(self) -> None:
        self._world.notify()

    def wait_for(self, is_done: t.Callable[[], bool], seconds: float) -> bool:
        return self._world.wait_until(is_done, seconds)
