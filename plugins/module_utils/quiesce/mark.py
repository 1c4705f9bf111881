# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark in a server's own metadata that shows everybody that this collection froze it.

The mark is put before the freeze and removed after the confirmed thaw, so any later run, from anywhere, finds what an interrupted
run left. Its token tells one freeze from any other: whoever put it holds the server, and nobody replaces or removes the mark of
another freeze before its time is over.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import secrets

from ..cloud.compute import Compute
from ..cloud.repeating import once
from ..core.errors import CloudError, FreezeFailed, NotFound
from ..core.numbers import is_whole
from ..core.records import FREEZE_KEY, Server
from ..core.text import told

#: Seconds for which a freeze may wait for its turn at a server's agent: 30 in libvirt, and some for the agent to be greeted.
TURN_SECONDS = 30 + 10
#: After its guard's time a freeze may still arrive, and the clocks of two controllers may differ.
_GRACE = datetime.timedelta(seconds=TURN_SECONDS)
#: A guard in the guest that nobody disarms thaws for an hour, and somewhat longer if each round takes its time. It would end a later freeze, too.
_LAST_OF_GUARDS = datetime.timedelta(hours=2)
#: Seconds for which a server may be frozen at most. What a mark says beyond that, nobody of us has written.
LONGEST_FREEZE = 86400
_MOST_FILESYSTEMS = 10**6


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclasses.dataclass(frozen=True)
class FreezeMark:
    """Says by whom and until when a server is frozen.

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
        return mark if mark._is_sound else _DAMAGED

    @property
    def _is_sound(self) -> bool:
        """Whether everything in it is of its kind: marks are metadata, which anybody in the project can write."""
        texts = (self.driver, self.until, self.token, self.requested or "", self.frozen or "", self.guard or "")
        count = self.filesystems
        is_count = count is None or (is_whole(count) and 0 <= count <= _MOST_FILESYSTEMS)
        return is_count and isinstance(self.thawing, bool) and all(isinstance(one, str) for one in texts)

    @classmethod
    def stands_on(cls, server: Server) -> bool:
        """Whether a server's freeze is confirmed by its mark, and not being ended."""
        mark = cls.of(server)
        return bool(mark and mark.frozen and not mark.thawing)

    def on(self, server: Server) -> Server:
        """A server as Nova shows it once it has this mark."""
        return dataclasses.replace(server, metadata={**server.metadata, **self.metadata})

    @property
    def metadata(self) -> dict[str, str]:
        # A value has at most 255 characters.
        text = json.dumps({key: value for key, value in dataclasses.asdict(self).items() if value is not None}, separators=(",", ":"))
        return {FREEZE_KEY: text}

    @property
    def is_begun(self) -> bool:
        """Whether it says more than that there will be a freeze."""
        return self.requested is not None or self.thawing

    def is_same(self, other: FreezeMark | None) -> bool:
        """Whether another mark is of the same freeze."""
        return other is not None and other.token == self.token

    @property
    def is_leftover(self) -> bool:
        """Whether the guard's time is over, or none that anybody would have written: whoever froze the server did not end it."""
        return self.is_leftover_at(_now())

    def is_leftover_at(self, moment: datetime.datetime) -> bool:
        """Whether it was a leftover at a moment."""
        try:
            left = datetime.datetime.fromisoformat(self.until) - moment
        except (ArithmeticError, TypeError, ValueError):
            return True
        return not -_GRACE <= left <= datetime.timedelta(seconds=LONGEST_FREEZE) + _GRACE

    @property
    def is_outlived(self) -> bool:
        """Whether its guard's time is over for so long that neither the freeze nor a guard can be at work any more."""
        try:
            return datetime.datetime.fromisoformat(self.until) + _LAST_OF_GUARDS < _now()
        except (ArithmeticError, TypeError, ValueError):
            return False

    @property
    def over(self) -> str:
        """The time from which the mark counts as a leftover."""
        return (datetime.datetime.fromisoformat(self.until) + _GRACE).isoformat(timespec="seconds").replace("+00:00", "Z")


_DAMAGED = FreezeMark("unknown", "unknown", "")


def is_leftover(server: Server) -> bool:
    mark = FreezeMark.of(server)
    return bool(mark and mark.is_leftover)


def held_problem(server: Server) -> str | None:
    """What keeps others off a server that a run freezes for itself, and will thaw by itself; None when none does."""
    mark = FreezeMark.of(server)
    return None if mark is None or mark.frozen or mark.is_leftover else " ".join(_held(server, mark))


def _held(server: Server, mark: FreezeMark) -> tuple[str, str]:
    return (
        f"Server {server.label} is held by another freeze until {told(mark.until)}.",
        "Wait for it to end; if no other run is under way, run the playbook osdr.openstack.thaw.",
    )


class FreezeMarks:
    """Puts marks on servers and takes them away."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def put(self, server: Server, mark: FreezeMark) -> None:
        """Mark a server before its freeze, or update the mark of its freeze.

        :raises FreezeFailed: when another freeze holds it, the mark to update is gone, or this one is not there in the end.
        """
        there = self.current(server.id)
        self._refuse_other(server, there, mark)
        if mark.is_begun and not there:
            raise FreezeFailed(f"Server {server.label} no longer has the mark of this freeze: somebody else has ended it.")
        self._compute.set_metadata(server.id, mark.metadata)
        # Of two who found it free, the one whose mark is there in the end has it.
        there = self.current(server.id)
        self._refuse_other(server, there, mark)
        if not mark.is_same(there):
            raise FreezeFailed(f"Server {server.label} has lost the mark of this freeze; somebody else may have thawed it.")

    def remove(self, server: Server, mark: FreezeMark | None = None) -> None:
        """Take the mark away.

        :param mark: the only one that may be; that of another freeze stays. Whatever is there, when None.
        """

        def delete() -> bool:
            self._compute.delete_metadata(server.id, FREEZE_KEY)
            return True

        def is_gone() -> bool | None:
            return None if mark is None or mark.is_same(self.current(server.id)) else True

        with contextlib.suppress(NotFound):
            if not is_gone():
                # When the answer is lost, another freeze may have put its mark there meanwhile.
                once(delete, is_gone)

    def current(self, server_id: str) -> FreezeMark | None:
        """Read the mark that a server has now.

        :raises CloudError: when Nova does not show for certain whether there is one.
        """
        return FreezeMark.of(self.server(server_id))

    def server(self, server_id: str) -> Server:
        """A server with its current mark.

        :raises CloudError: when Nova does not show that for certain.
        """
        server = self._compute.server(server_id)
        if not server.is_known:
            raise CloudError(f"Site '{self._compute.cloud.site}' cannot tell whether server {server_id} is marked as frozen: its cell does not answer.")
        return server

    @staticmethod
    def _refuse_other(server: Server, there: FreezeMark | None, mark: FreezeMark) -> None:
        if there and not there.is_leftover and not mark.is_same(there):
            raise FreezeFailed(*_held(server, there))
