# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being told to stop: by the operator, a closing terminal or a cancelled job."""

from __future__ import annotations

import contextlib
import signal
import typing as t

from ..core.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Turns signals into :class:`Interrupted`, except while shielded.

    Only the main thread may install it.
    """

    def __init__(self) -> None:
        self._shields = 0
        self._pending: int | None = None

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
        """Let what is inside finish; a signal that came meanwhile counts afterwards."""
        self._shields += 1
        try:
            yield
        finally:
            self._shields -= 1
        if not self._shields:
            self.raise_pending()

    def raise_pending(self) -> None:
        if self._pending is not None:
            number, self._pending = self._pending, None
            raise Interrupted(f"Stopped by {signal.Signals(number).name}.")

    def _receive(self, number: int, frame: t.Any) -> None:
        self._pending = number
        if not self._shields:
            self.raise_pending()
