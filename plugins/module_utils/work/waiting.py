# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting with a deadline, and doing many things at once within a limit.

Both take their clock from the caller, so that tests need no sleeping.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import threading
import time
import typing as t

from ..core.errors import CloudError, DrError, WaitTimeout

Key = t.TypeVar("Key")
Value = t.TypeVar("Value")
Other = t.TypeVar("Other")


@dataclasses.dataclass(frozen=True)
class Clock:
    """Monotonic seconds, and a way to let them pass."""

    now: t.Callable[[], float] = time.monotonic
    sleep: t.Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()
_RETRY_SECONDS = 2.0
#: What a volume's data are allowed to take: 10 MiB/s, an eighth of a link of 1 Gbit/s.
_SECONDS_PER_GIB = 100.0


@dataclasses.dataclass(frozen=True)
class Waiter:
    """Repeats a question until its answer is good, bad or late.

    :param timeout: seconds until :class:`WaitTimeout`.
    :param interval: seconds between two questions.
    """

    timeout: float
    interval: float
    clock: Clock = SYSTEM_CLOCK

    def moving(self, gibibytes: int) -> Waiter:
        """For work that moves the data of a volume of that size: it takes the longer, the bigger it is."""
        return dataclasses.replace(self, timeout=self.timeout + gibibytes * _SECONDS_PER_GIB)

    def until(self, what: str, ask: t.Callable[[], Value | None]) -> Value:
        """Return the first answer that is not None.

        :param what: completes "Timed out after N s waiting for ...".
        :raises WaitTimeout: when no answer came in time. ``ask`` itself raises for states
            that can never become good.
        """
        deadline = self.clock.now() + self.timeout
        while True:
            answer = ask()
            if answer is not None:
                return answer
            if self.clock.now() >= deadline:
                raise WaitTimeout(f"Timed out after {self.timeout:g} s waiting for {what}.")
            self.clock.sleep(self.interval)


@dataclasses.dataclass(frozen=True)
class Outcome(t.Generic[Value]):
    """What became of one piece of work: a value, or the error it ended with."""

    value: Value | None = None
    error: DrError | None = None


class Patience:
    """Bears that a cloud does not answer for a while: services are restarted, links break.

    :param seconds: for which one question after another may fail.
    """

    def __init__(self, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._seconds = seconds
        self._clock = clock
        self._failing_since: float | None = None

    def ask(self, question: t.Callable[[], Value], otherwise: Other) -> Value | Other:
        """The answer, or ``otherwise`` while there is none.

        :raises CloudError: one that will not pass, or that has not passed in time.
        """
        try:
            answer = question()
        except CloudError as error:
            if self._failing_since is None:
                self._failing_since = self._clock.now()
            if not error.may_pass or self._clock.now() - self._failing_since >= self._seconds:
                raise
            return otherwise
        self._failing_since = None
        return answer

    def insist(self, action: t.Callable[[], Value]) -> Value:
        """Do what may be done any number of times until it succeeds.

        :raises CloudError: one that will not pass, or that has not passed in time.
        """
        while True:
            outcome = self.ask(lambda: Outcome(value=action()), otherwise=None)
            if outcome:
                return t.cast(Value, outcome.value)
            self._clock.sleep(_RETRY_SECONDS)


class Call(t.Generic[Value]):
    """A call that has no timeout of its own, begun at once; one that does not come back is left behind.

    :param what: completes "Timed out after N s waiting for ...".
    """

    def __init__(self, what: str, call: t.Callable[[], Value]) -> None:
        self._what = what
        self._result: concurrent.futures.Future[Value] = concurrent.futures.Future()
        threading.Thread(target=self._run, args=(call,), daemon=True).start()

    def _run(self, call: t.Callable[[], Value]) -> None:
        try:
            self._result.set_result(call())
        except BaseException as error:
            self._result.set_exception(error)

    def result(self, seconds: float) -> Value:
        """:raises WaitTimeout: when it has not come back by then; it may be waited for again."""
        try:
            return self._result.result(timeout=seconds)
        except concurrent.futures.TimeoutError as error:
            raise WaitTimeout(f"Timed out after {seconds:g} s waiting for {self._what}.") from error


def within(seconds: float, what: str, call: t.Callable[[], Value]) -> Value:
    """Bound one call; see :class:`Call`."""
    return Call(what, call).result(seconds)


def attempt_all(
    work: t.Mapping[Key, t.Callable[[], Value]], limit: int
) -> dict[Key, Outcome[Value]]:
    """Run all pieces of work at once, at most ``limit`` at a time, and lose none of the outcomes.

    A :class:`DrError` becomes the outcome of its piece; the others go on. When the calling thread is
    interrupted, pieces not begun are dropped, those under way are waited for, and the
    interruption is raised again.

    :returns: outcome per key, in the order of ``work``.
    """
    if not work:
        return {}
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=min(limit, len(work)))
    try:
        futures = {key: pool.submit(_outcome, piece) for key, piece in work.items()}
        return {key: future.result() for key, future in futures.items()}
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(piece: t.Callable[[], Value]) -> Outcome[Value]:
    try:
        return Outcome(value=piece())
    except DrError as error:
        return Outcome(error=error)


def run_all(work: t.Mapping[Key, t.Callable[[], Value]], limit: int) -> dict[Key, Value]:
    """Like :class:`attempt_all`, but raise when anything failed.

    :raises DrError: the only error, or one that lists all of them.
    """
    return values_of(attempt_all(work, limit))


def values_of(outcomes: t.Mapping[Key, Outcome[Value]]) -> dict[Key, Value]:
    """What came of all pieces of work.

    :raises DrError: the only error, or one that lists all of them.
    """
    errors = [outcome.error for outcome in outcomes.values() if outcome.error]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise DrError(
            f"{len(errors)} of {len(outcomes)} operations failed: " + " ".join(str(e) for e in errors),
            failures=[e.as_result() for e in errors],
        )
    return {key: t.cast(Value, outcome.value) for key, outcome in outcomes.items()}
