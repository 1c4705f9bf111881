# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How everybody sees that this collection froze a server: by the server's own metadata.

The mark is put before the freeze and taken away after the confirmed thaw, so what died
half-way is found by it, from anywhere.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import secrets

from ..cloud.compute import Compute
from ..core.errors import NotFound
from ..core.records import FREEZE_KEY, Server

#: By which the clocks of two controllers may differ.
_CLOCK_DIFFERENCE = datetime.timedelta(seconds=30)


@dataclasses.dataclass(frozen=True)
class FreezeMark:
    """By whom and until when a server is frozen.

    :param driver: name of the driver that thaws it.
    :param until: when its guard fires, ISO 8601, UTC.
    :param token: tells this freeze from earlier and later ones.
    :param requested: when the freeze was asked for; this and the following are for freezes that outlive their process.
    :param frozen: when it was confirmed.
    :param filesystems: how many were frozen; None when that cannot be known.
    :param guard: where the guard runs.
    :param thawing: whether the thaw has been, or is about to be, asked for.
    """

    driver: str
    until: str
    token: str
    requested: str | None = None
    frozen: str | None = None
    filesystems: int | None = None
    guard: str | None = None
    thawing: bool = False

    @classmethod
    def new(cls, driver: str, until: str) -> FreezeMark:
        return cls(driver, until, secrets.token_hex(8))

    @classmethod
    def of(cls, server: Server) -> FreezeMark | None:
        """The mark of a server; one that is damaged still says that there is one."""
        text = server.metadata.get(FREEZE_KEY)
        if text is None:
            return None
        try:
            mark = cls(**json.loads(text))
        except (TypeError, ValueError):
            return _DAMAGED
        texts = (mark.driver, mark.until, mark.token, mark.requested or "", mark.frozen or "", mark.guard or "")
        return mark if all(isinstance(one, str) for one in texts) else _DAMAGED

    @classmethod
    def stands_on(cls, server: Server) -> bool:
        """Whether a server's freeze is confirmed by its mark, and not being ended."""
        mark = cls.of(server)
        return bool(mark and mark.frozen and not mark.thawing)

    @property
    def is_leftover(self) -> bool:
        """Whether the guard's time is over: whoever froze the server did not end it."""
        try:
            until = datetime.datetime.fromisoformat(self.until)
            return datetime.datetime.now(datetime.UTC) > until + _CLOCK_DIFFERENCE
        except (TypeError, ValueError):
            return True


_DAMAGED = FreezeMark("unknown", "unknown", "")


def is_leftover(server: Server) -> bool:
    mark = FreezeMark.of(server)
    return bool(mark and mark.is_leftover)


class FreezeMarks:
    """Puts marks on servers and takes them away."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def put(self, server: Server, mark: FreezeMark) -> None:
        # A metadata value has at most 255 characters.
        text = json.dumps({key: value for key, value in dataclasses.asdict(mark).items() if value is not None}, separators=(",", ":"))
        self._compute.set_metadata(server.id, {FREEZE_KEY: text})

    def remove(self, server: Server) -> None:
        try:
            self._compute.delete_metadata(server.id, FREEZE_KEY)
        except NotFound:
            return

    def current(self, server_id: str) -> FreezeMark | None:
        return FreezeMark.of(self._compute.server(server_id))
