# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier step of the same run found out about a server, so that its guest agent need not be asked again."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..core.errors import InvalidInput
from ..core.numbers import is_whole
from ..core.text import told
from .driver import THAWED, Support
from .mark import LONGEST_FREEZE

#: Seconds for which the answer of a guest agent counts. It may die a second later just as well; then its freeze fails, and all are thawed.
_FRESH_SECONDS = 300


@dataclasses.dataclass(frozen=True)
class EarlierProbe:
    """A server that could be frozen when it was probed.

    :param driver: name of the one that was chosen.
    :param passed_over: why better drivers do not qualify, per name.
    """

    server_id: str
    driver: str
    support: Support
    passed_over: t.Mapping[str, str]
    at: datetime.datetime

    @classmethod
    def parse(cls, found: t.Any) -> EarlierProbe:
        """Read what :meth:`described` wrote.

        :raises InvalidInput: when it is something else.
        """
        try:
            at = datetime.datetime.fromisoformat(found["probed_at"])
            if at.tzinfo is None or not all(isinstance(found[key], str) for key in ("id", "driver", "guard")):
                raise ValueError("the time has no zone, or a name is none")
            longest, answer = found["longest"], found["answer"]
            if not (longest is None or is_whole(longest)) or not (answer is None or 0 <= float(answer) <= LONGEST_FREEZE):
                raise ValueError("a number is none")
            support = Support(state=THAWED, guard=found["guard"], longest=longest, answer=None if answer is None else float(answer))
            return cls(found["id"], found["driver"], support, dict(found["passed_over"]), at)
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise InvalidInput(f"The option freezes is not what os_checkpoint_check returned as freezes ({told(repr(error))}).") from error

    def counts_at(self, moment: datetime.datetime, guard_timeout: int) -> bool:
        """Whether it still counts.

        :param guard_timeout: seconds for which the server will be frozen at most.
        """
        is_fresh = 0 <= (moment - self.at).total_seconds() <= _FRESH_SECONDS
        return is_fresh and (self.support.longest is None or self.support.longest >= guard_timeout)

    def described(self) -> dict[str, t.Any]:
        """It, as a result shows it, and later runs take it."""
        return {
            "driver": self.driver,
            "guard": self.support.guard,
            "passed_over": dict(self.passed_over),
            "probed_at": self.at.isoformat(timespec="milliseconds"),
            "answer": None if self.support.answer is None else round(self.support.answer, 3),
            "longest": self.support.longest,
        }
