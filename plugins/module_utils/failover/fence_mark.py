# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark that shows everybody that this collection fenced a server: the server's own metadata, and the reason of its lock.

The server is marked before it is stopped, so that any later run, from anywhere, finds what an interrupted run left.
"""

from __future__ import annotations

import dataclasses
import datetime
import json

from ..core.errors import InvalidInput
from ..core.records import FENCE_KEY, Server

_BY_ADMIN = "Fenced by an administrator"
#: Characters that a metadata value may have.
_LONGEST = 255


@dataclasses.dataclass(frozen=True)
class FenceMark:
    """Why a server must not be started.

    :param application: the application that the server belongs to.
    :param site: where the application runs now, or is moved to.
    :param checkpoint: the checkpoint that is restored there; empty when unknown.
    :param since: when the server was fenced, ISO 8601 in UTC.
    :param reason: in words.
    """

    application: str
    site: str
    checkpoint: str
    since: str
    reason: str

    @classmethod
    def of(cls, server: Server) -> FenceMark | None:
        """The mark of a server; a damaged one still counts as a mark."""
        text = server.metadata.get(FENCE_KEY)
        if text is None:
            return None
        try:
            mark = cls(**json.loads(text))
        except (TypeError, ValueError):
            return _DAMAGED
        return mark if all(isinstance(value, str) for value in dataclasses.astuple(mark)) else _DAMAGED

    def says_the_same(self, other: FenceMark | None) -> bool:
        """Whether another mark differs only in time and wording."""
        return other is not None and (self.application, self.site, self.checkpoint) == (other.application, other.site, other.checkpoint)

    @property
    def moment(self) -> datetime.datetime | None:
        """``since`` for comparisons; None when it is not a time: anybody in the project can write metadata."""
        try:
            moment = datetime.datetime.fromisoformat(self.since)
        except ValueError:
            return None
        return moment if moment.tzinfo else None

    def metadata(self) -> dict[str, str]:
        """The mark as a server's metadata.

        :raises InvalidInput: when the names are so long that they do not fit.
        """
        return {FENCE_KEY: _fitting(self)}

    def lock_reason(self, by_admin: bool) -> str:
        """The reason of the lock, as Nova shows it."""
        of_checkpoint = f", from checkpoint {self.checkpoint}" if self.checkpoint else ""
        who = _BY_ADMIN if by_admin else "Fenced by its project"
        return f"{who}: application {self.application} runs at site {self.site}{of_checkpoint}."[:_LONGEST]


def needs_admin(server: Server) -> bool:
    """Whether only an administrator can unlock a server that is fenced."""
    return server.locked and server.locked_reason.startswith(_BY_ADMIN)


_DAMAGED = FenceMark("", "", "", "", "its mark is damaged")


def _fitting(mark: FenceMark) -> str:
    """JSON that fits into a metadata value; the reason is shortened if necessary."""
    text = json.dumps(dataclasses.asdict(mark), separators=(",", ":"), ensure_ascii=False)
    if len(text) <= _LONGEST:
        return text
    if not mark.reason:
        raise InvalidInput(f"The site's name '{mark.site}' is too long for the metadata of a server.", "Give the site a shorter name.")
    # Escaped characters take more room in JSON, and so another turn.
    surplus = max(1, (len(text) - _LONGEST) // 6)
    return _fitting(dataclasses.replace(mark, reason=mark.reason[:-surplus]))
