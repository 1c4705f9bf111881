# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait with a deadline, by the caller's clock, so that tests need not sleep."""

from __future__ import annotations

import concurrent.futures
import contextvars
import dataclasses
import threading
import typing as t

from ..core import leeway
from ..core.errors import CloudError, WaitTimeout
from .clock import SYSTEM_CLOCK, Clock
from .pool import Outcome

Value = t.TypeVar("Value")
Other = t.TypeVar("Other")


_RETRY_SECONDS = 2.0
#: What a volume's data are allowed to take: 10 MiB/s, an eighth of a link of 1 Gbit/s.
_SECONDS_PER_GIB = 100.0


@dataclasses.dataclass(frozen=True)
class Waiter:
    """Repeats a query until it succeeds, fails or is late.

    :param timeout: seconds until :class:`WaitTimeout`.
    :param interval: seconds between two questions.
    """

    timeout: float
    interval: float
    clock: Clock = SYSTEM_CLOCK

    def moving(self, gibibytes: int) -> Waiter:
        """A waiter for work that moves the data of a volume: the larger the volume, the longer it may take."""
        return dataclasses.replace(self, timeout=self.timeout + gibibytes * _SECONDS_PER_GIB)

    def until(self, what: str, ask: t.Callable[[], Value | None]) -> Value:
        """Return the first answer that is not None.

        :param what: completes "Timed out after N s waiting for ...".
        :raises WaitTimeout: when no answer came in time. ``ask`` itself raises for states
            that can never become good.
        """
        deadline = self.clock.now() + self.timeout
        while True:
            with leeway.limited(deadline - self.clock.now()):
                answer = ask()
            if answer is not None:
                return answer
            if self.clock.now() >= deadline:
                raise WaitTimeout(f"Timed out after {self.timeout:g} s waiting for {what}.")
            self.clock.sleep(self.interval)


class Patience:
    """Tolerates temporary failures of a cloud, such as restarted services and broken links.

    :param seconds: for which one question after another may fail.
    """

    def __init__(self, seconds: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._seconds = seconds
        self._clock = clock
        self._failing_since: float | None = None

    def ask(self, question: t.Callable[[], Value], otherwise: Other) -> Value | Other:
        """The answer, or ``otherwise`` while the cloud does not answer.

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
        """Repeat an idempotent action until it succeeds.

        :raises CloudError: one that will not pass, or that has not passed in time.
        """
        while True:
            outcome = self.ask(lambda: Outcome(value=action()), otherwise=None)
            if outcome:
                return t.cast(Value, outcome.value)
            self._clock.sleep(_RETRY_SECONDS)


class Call(t.Generic[Value]):
    """A call without a timeout of its own, started immediately; one that never returns is abandoned.

    :param what: completes "Timed out after N s waiting for ...".
    """

    def __init__(self, what: str, call: t.Callable[[], Value], clock: Clock = SYSTEM_CLOCK) -> None:
        self._what = what
        self._clock = clock
        self._result: concurrent.futures.Future[Value] = concurrent.futures.Future()
        threading.Thread(target=contextvars.copy_context().run, args=(self._run, call), daemon=True).start()

    def _run(self, call: t.Callable[[], Value]) -> None:
        try:
            self._result.set_result(call())
        except BaseException as error:
            self._result.set_exception(error)

    def is_over(self, seconds: float) -> bool:
        """Whether it has come back, or does within so many seconds."""
        return self._clock.wait(self._result, seconds)

    def result(self, seconds: float) -> Value:
        """Wait for the call's result.

        :raises WaitTimeout: when it has not come back by then; it may be waited for again.
        """
        if not self.is_over(seconds):
            raise WaitTimeout(f"Timed out after {seconds:g} s waiting for {self._what}.")
        return self._result.result()


def within(seconds: float, what: str, call: t.Callable[[], Value], clock: Clock = SYSTEM_CLOCK) -> Value:
    """Bound one call; see :class:`Call`.

    Each call has a thread of its own, which takes a tenth of a millisecond: nothing beside a request to a cloud. A pool would save that,
    and have to replace every thread whose call never returns.
    """
    with leeway.limited(seconds):
        bounded = Call(what, call, clock)
    return bounded.result(seconds)
