# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slow work that a cloud does by itself once started: many pieces, a limited number in parallel, one query for all."""

from __future__ import annotations

import typing as t

from ..core.errors import Busy, WaitTimeout
from .pool import Key, Outcome, Value, attempt_all
from .waiting import Waiter


class Pipeline(t.Generic[Key, Value]):
    """Keeps at most ``concurrency`` pieces of work under way until all have ended.

    :param start: per piece, what starts it. One that is :class:`Busy` is tried again, after all others.
    :param look: asked again and again with the pieces under way; answers with the outcomes of those that ended.
    :param what: completes "Timed out after N s waiting for ..." for one piece.
    :param size: GiB of data that a piece moves, and that it may take longer for.
    :param startable: asked in every round with the pieces that are not begun; answers with those that may be. All may, unless told otherwise.
    """

    def __init__(
        self,
        start: t.Mapping[Key, t.Callable[[], t.Any]],
        look: t.Callable[[t.Collection[Key]], t.Mapping[Key, Outcome[Value]]],
        what: t.Callable[[Key], str],
        size: t.Callable[[Key], int] = lambda key: 0,
        startable: t.Callable[[t.Sequence[Key]], t.Sequence[Key]] = lambda keys: keys,
    ) -> None:
        self._start = start
        self._look = look
        self._what = what
        self._size = size
        self._startable = startable
        self._waiting = list(start)
        self._tried: dict[Key, float] = {}
        self._deadlines: dict[Key, float] = {}
        self._outcomes: dict[Key, Outcome[Value]] = {}

    def run(self, concurrency: int, waiter: Waiter) -> dict[Key, Outcome[Value]]:
        """Do all the work; the failure of one piece does not stop the others.

        :param waiter: its timeout, and what the size of a piece adds to it, holds for each piece from its start, and from the first try to start it.
        """
        while not self.ended:
            before = len(self._outcomes)
            self.advance(concurrency, waiter)
            made_room = self._waiting and len(self._outcomes) > before
            if not (self.ended or made_room):
                waiter.clock.sleep(waiter.interval)
        return {key: self._outcomes[key] for key in self._start}

    @property
    def ended(self) -> bool:
        return not (self._waiting or self._deadlines)

    def outcome(self, key: Key) -> Outcome[Value] | None:
        """The outcome of a piece; None until it has ended."""
        return self._outcomes.get(key)

    def advance(self, concurrency: int, waiter: Waiter) -> None:
        """Do one round: start what fits within the limit, and note what has ended."""
        free = max(0, concurrency - len(self._deadlines))
        begun = self._startable(tuple(self._waiting))[:free]
        busy = self._begin(begun, waiter)
        self._waiting = [key for key in self._waiting if key not in begun] + busy
        self._collect(waiter)

    def _begin(self, keys: t.Sequence[Key], waiter: Waiter) -> list[Key]:
        """Start pieces of work.

        :returns: those that are to be tried again.
        """
        started = attempt_all({key: self._start[key] for key in keys}, max(1, len(keys)))
        now = waiter.clock.now()
        busy = []
        for key, outcome in started.items():
            allowed = self._allowed(key, waiter)
            patient = now < self._tried.setdefault(key, now) + allowed
            if isinstance(outcome.error, Busy) and patient:
                busy.append(key)
            elif outcome.error:
                self._outcomes[key] = Outcome(error=outcome.error)
            else:
                self._deadlines[key] = now + allowed
        return busy

    def _collect(self, waiter: Waiter) -> None:
        ended = dict(self._look(tuple(self._deadlines))) if self._deadlines else {}
        for key, deadline in self._deadlines.items():
            if key not in ended and waiter.clock.now() >= deadline:
                ended[key] = Outcome(error=self._late(key, waiter))
        for key in ended:
            del self._deadlines[key]
        self._outcomes.update(ended)

    def _allowed(self, key: Key, waiter: Waiter) -> float:
        return waiter.moving(self._size(key)).timeout

    def _late(self, key: Key, waiter: Waiter) -> WaitTimeout:
        return WaitTimeout(
            f"Timed out after {self._allowed(key, waiter):g} s waiting for {self._what(key)}.",
            "The cloud may still be working on it. Re-run, which resumes with what exists, and raise the option timeout.",
        )
