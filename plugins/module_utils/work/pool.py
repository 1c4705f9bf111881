# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do many things in parallel, at most so many at a time."""

from __future__ import annotations

import concurrent.futures
import contextvars
import dataclasses
import functools
import typing as t

from ..core.errors import DrError, InvalidInput

Key = t.TypeVar("Key")
Item = t.TypeVar("Item")
Value = t.TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class Outcome(t.Generic[Value]):
    """The outcome of one piece of work: a value, or the error it ended with."""

    value: Value | None = None
    error: DrError | None = None


def attempt_all(
    work: t.Mapping[Key, t.Callable[[], Value]], concurrency: int
) -> dict[Key, Outcome[Value]]:
    """Run all pieces of work in parallel, at most ``concurrency`` at a time, and return every outcome.

    What limits the caller (see :mod:`..core.leeway`) limits each piece.
    A :class:`DrError` becomes the outcome of its piece. Any other error is a fault of ours; it is raised, when all
    others have had their turn. When the calling thread is interrupted, pieces not begun are
    dropped, those under way are waited for, and the interruption is raised again.

    :returns: outcome per key, in the order of ``work``.
    :raises InvalidInput: when nothing could ever begin.
    """
    if not work:
        return {}
    if concurrency < 1:
        raise InvalidInput(f"With concurrency {concurrency}, nothing would ever be done.", "Give a number from 1 on.")
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=min(concurrency, len(work)))
    try:
        futures = {key: pool.submit(contextvars.copy_context().run, _outcome, piece) for key, piece in work.items()}
        concurrent.futures.wait(futures.values())
        return {key: future.result() for key, future in futures.items()}
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(piece: t.Callable[[], Value]) -> Outcome[Value]:
    try:
        return Outcome(value=piece())
    except DrError as error:
        return Outcome(error=error)


def run_all(work: t.Mapping[Key, t.Callable[[], Value]], concurrency: int) -> dict[Key, Value]:
    """Like :func:`attempt_all`, but raise when anything failed.

    :raises DrError: the only error, or one that lists all of them.
    """
    return values_of(attempt_all(work, concurrency))


def values_of(outcomes: t.Mapping[Key, Outcome[Value]]) -> dict[Key, Value]:
    """The values of all pieces of work.

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


def each(items: t.Iterable[Item], act: t.Callable[[Item], Value], concurrency: int) -> list[Value]:
    """Do the same to all items in parallel, at most ``concurrency`` at a time.

    :returns: what came of each, in the order of the items.
    :raises DrError: the only error, or one that lists all of them; the other items have had their turn by then.
    """
    return list(values_of(dict(enumerate(attempt_each(items, act, concurrency)))).values())


def attempt_each(items: t.Iterable[Item], act: t.Callable[[Item], Value], concurrency: int) -> list[Outcome[Value]]:
    """Like :func:`each`, but an error becomes the outcome of its item."""
    return list(attempt_all({number: functools.partial(act, item) for number, item in enumerate(items)}, concurrency).values())


class Crew(t.Generic[Item]):
    """Does the same to items that come one after the other, in parallel, while whoever brings them goes on.

    :param act: raises nothing: what comes of an item, it notes by itself.
    :param concurrency: how many items it is done to at once.
    """

    def __init__(self, act: t.Callable[[Item], None], concurrency: int) -> None:
        self._act = act
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=concurrency)
        self._begun: dict[int, tuple[Item, concurrent.futures.Future[None]]] = {}

    def begin(self, item: Item) -> None:
        """Have an item done as soon as it is its turn; one that is being done, or waits for its turn, is left at that."""
        if not self.is_busy_with(item):
            self._begun[id(item)] = (item, self._pool.submit(contextvars.copy_context().run, self._act, item))

    def is_busy_with(self, item: Item) -> bool:
        return id(item) in self._begun and not self._begun[id(item)][1].done()

    def finish(self, items: t.Iterable[Item]) -> None:
        """Have all of these items done, also those that are being done, and wait for it."""
        wanted = list(items)
        for item in wanted:
            self.begin(item)
        futures = [self._begun[id(item)][1] for item in wanted]
        concurrent.futures.wait(futures)
        for future in futures:
            future.result()

    def end(self) -> None:
        """Wait for all that was begun."""
        self._pool.shutdown(wait=True, cancel_futures=False)
