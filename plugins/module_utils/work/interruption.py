# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handle signals to stop, from the operator, a closing terminal or a cancelled job."""

from __future__ import annotations

import contextlib
import signal
import sys
import typing as t

from ..core.errors import DrError, Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Turns the first signal into :class:`Interrupted`, except while shielded; those after it are only recorded.

    Who cancels a job may signal twice within microseconds: a second exception could end the cleaning up that
    the first one began before that has shielded itself.

    Only the main thread may install it.
    """

    def __init__(self) -> None:
        self._shields = 0
        self._received: list[int] = []
        self._is_raised = False

    @contextlib.contextmanager
    def installed(self) -> t.Iterator[Interruption]:
        before = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextlib.contextmanager
    def shielded(self) -> t.Iterator[None]:
        """Let what is inside finish; a signal that arrives meanwhile takes effect afterwards."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if not self._shields:
            self.raise_pending()

    @contextlib.contextmanager
    def exposed(self) -> t.Iterator[None]:
        """Within shields, let a signal stop what is inside, such as waiting that may be abandoned."""
        shields = self._shields
        try:
            self._shields = 0
            self.raise_pending()
            yield
        finally:
            self._shields = shields

    def raise_pending(self) -> None:
        if self._received and not self._is_raised:
            self._is_raised = True
            names = dict.fromkeys(signal.Signals(number).name for number in self._received)
            raise _interrupted(f"Stopped by {', '.join(names)}.", sys.exc_info()[1])

    def _receive(self, number: int, frame: t.Any) -> None:
        self._received.append(number)
        if not self._shields:
            self.raise_pending()


def _interrupted(message: str, handled: BaseException | None) -> Interrupted:
    """The error that a signal raises.

    :param handled: the error that was being dealt with, whose place it takes: that may say which servers are still frozen.
    """
    return Interrupted(message, str(handled), **handled.facts) if isinstance(handled, DrError) else Interrupted(message)
