# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for the turn of an application."""

from __future__ import annotations

import typing as t

from ..core.errors import WaitTimeout
from ..work.clock import SYSTEM_CLOCK, Clock
from ..work.waiting import Patience
from .controller import Controller
from .local import LocalState
from .part import SKIPPED, Shares, Turn
from .schedule import Admission

_LOOK_SECONDS = 1.0
#: Seconds after which somebody looks although nothing has changed here: the time of another controller's part may have ended.
_ANYWAY_SECONDS = 15.0
#: Seconds for which the store may fail while an application waits.
_PATIENCE_SECONDS = 300.0
TELL_SECONDS = 120.0


class Queue:
    """Where applications of one controller wait.

    :param tell: says to people how far the run is.
    :param timeout: seconds until :class:`WaitTimeout`.
    """

    def __init__(self, controller: Controller, local: LocalState, tell: t.Callable[[], None], timeout: float, clock: Clock = SYSTEM_CLOCK) -> None:
        self._controller, self._local, self._tell, self._timeout, self._clock = controller, local, tell, timeout, clock

    def turn_of(self, name: str, needs: Shares) -> Turn:
        """The turn of an application: under way now, done before, or skipped because something that it depends on is not there.

        :raises WaitTimeout: when its turn does not come in time.
        """
        turn = self._controller.ask(name, needs)
        if turn.is_over:
            return turn
        admission = self._admission(name)
        if admission.missing:
            return self._controller.finish(name, SKIPPED, admission.missing)
        return self._local.read().own.turns[name]

    def _admission(self, name: str) -> Admission:
        patience = Patience(_PATIENCE_SECONDS, self._clock)
        deadline = self._clock.now() + self._timeout
        admission, version, looked = Admission(waits_for="its turn"), None, self._clock.now()
        while self._clock.now() < deadline:
            if self._local.version() != version or self._clock.now() - looked >= _ANYWAY_SECONDS:
                version, looked = self._local.version(), self._clock.now()
                admission = self._controller.look(name)
                if admission.is_go:
                    admission = patience.ask(lambda: self._controller.take(name), Admission(waits_for="the catalogue, which does not answer"))
                if admission.is_go or admission.missing:
                    return admission
            if self._local.may_tell(TELL_SECONDS, self._clock.wall().timestamp()):
                self._tell()
            self._clock.sleep(_LOOK_SECONDS)
        raise WaitTimeout(
            f"The turn of application '{name}' did not come within {self._timeout:g} s: it waits for {admission.waits_for}.",
            "See what keeps the run, then re-run it: what is done stays done.",
        )
