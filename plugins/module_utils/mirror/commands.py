# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program rbd, which acts on the pool of one site."""

from __future__ import annotations

import errno
import json
import typing as t

from ..core.errors import CloudError
from ..core.text import told
from ..work.processes import Answer, answer_of
from .access import RbdAccess

#: Questions and orders that move no data are answered by then, also by a cluster that is busy.
_SECONDS = 120.0
#: With which rbd ends where what was asked for is not there, or there already.
NOT_THERE, THERE = errno.ENOENT, errno.EEXIST
#: With which SSH ends where it did not get as far as rbd.
_NO_SSH = 255

Run: t.TypeAlias = "t.Callable[[t.Sequence[str], float], Answer]"


class RbdError(CloudError):
    """rbd refused, failed or could not be run.

    :ivar status: with which it ended; None when it did not.
    """

    status: int | None = None


class Rbd:
    """Runs rbd at one site.

    :param site: how messages call it.
    :param run: runs a program.
    """

    def __init__(self, access: RbdAccess, site: str, run: Run = answer_of) -> None:
        self.pool = access.pool
        self.site = site
        self._access = access
        self._run = run

    @property
    def place(self) -> str:
        return f"pool {self.pool} of site '{self.site}'"

    def spec(self, image: str, snapshot: str = "") -> str:
        return f"{self.pool}/{image}" + (f"@{snapshot}" if snapshot else "")

    def do(self, *words: str, seconds: float = _SECONDS) -> str:
        """Run it.

        :param words: those after the options that say who and where.
        :returns: what it said.
        :raises RbdError: when it did not end well.
        """
        what = f"'rbd {' '.join(words)}' at site '{self.site}'"
        try:
            answer = self._run(self._access.command(words), seconds)
        except OSError as error:
            raise RbdError(f"{what} cannot be run: {told(error.strerror or error)}.", self._remedy) from error
        if answer.status != 0:
            raise self._error(what, answer, seconds)
        return answer.output.decode(errors="replace")

    def ask(self, *words: str) -> t.Any:
        """What it answers to a question, as data.

        :raises RbdError: when it did not end well, or answers something else.
        """
        text = self.do(*words, "--format", "json")
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RbdError(f"'rbd {' '.join(words)}' at site '{self.site}' does not answer in JSON: {told(text)}.") from error

    @property
    def _remedy(self) -> str:
        where = f"host {self._access.host}" if self._access.host else "the controller"
        return f"Check that {where} has Ceph's command line tools (ceph-common)."

    def _error(self, what: str, answer: Answer, seconds: float) -> RbdError:
        if answer.status is None:
            error = RbdError(f"{what} did not end within {seconds:g} s.", "Check that the site's Ceph monitors can be reached from there.")
        elif answer.status == _NO_SSH and self._access.host:
            error = RbdError(f"{what}: host {self._access.host} cannot be reached by SSH: {_said(answer)}.", "Check key, known hosts and user.")
        else:
            error = RbdError(f"{what} failed ({answer.status}): {_said(answer)}.")
        error.status = answer.status
        return error


def _said(answer: Answer) -> str:
    """The last line, which has the reason."""
    lines = answer.complaint.decode(errors="replace").strip().splitlines() or ["nothing was said"]
    return told(lines[-1].rstrip("."))
