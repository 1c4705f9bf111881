# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the owner of a server wants it to be: a standby is off, and what must not be changed by mistake is locked.

A fence stops and locks every server, so it keeps in the metadata of a server how it was before.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .records import FENCE_KEY, LOCK_KEY, OFF_KEY, Server
from .states import is_off

_YES = "yes"


@dataclasses.dataclass(frozen=True)
class Intent:
    """The state in which the owner of a server wants it.

    :param lock: why it is locked, empty when nobody said so; None when it is not.
    """

    is_off: bool = False
    lock: str | None = None

    @classmethod
    def of(cls, server: Server) -> Intent:
        if FENCE_KEY in server.metadata:
            return cls.kept(server)
        return cls(is_off(server), server.locked_reason if server.locked else None)

    @classmethod
    def kept(cls, server: Server) -> Intent:
        """What the metadata of a server say, whatever it is like now."""
        return cls(server.metadata.get(OFF_KEY) == _YES, server.metadata.get(LOCK_KEY))

    def metadata(self) -> dict[str, str]:
        off = {OFF_KEY: _YES} if self.is_off else {}
        return off if self.lock is None else {**off, LOCK_KEY: self.lock}


def intents_of(servers: t.Iterable[Server]) -> dict[str, Intent]:
    """Per id of an application's servers. Where all are off, the whole application was shut down, and none of them is a standby."""
    found = {server.id: Intent.of(server) for server in servers}
    if all(intent.is_off for intent in found.values()):
        return {one: dataclasses.replace(intent, is_off=False) for one, intent in found.items()}
    return found


def is_owners_lock(server: Server) -> bool:
    """Whether the lock of a server is that which its metadata keep, and neither a fence's nor somebody else's."""
    return server.locked and server.metadata.get(LOCK_KEY) == server.locked_reason
