# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options for mirrored volumes; a driver for other storage is made here, too."""

from __future__ import annotations

import dataclasses
import typing as t

from .access import RbdAccess
from .commands import Rbd
from .driver import MirrorDriver
from .rbd import RbdMirror


@dataclasses.dataclass(frozen=True)
class MirrorOptions:
    """How the storage of both sites is reached, and how Cinder of the remote site knows its own.

    :param backend: there, ``host@backend#pool``.
    :param volume_type: of the copies there; that of each volume when empty.
    """

    primary: RbdAccess
    remote: RbdAccess
    backend: str
    volume_type: str = ""

    @classmethod
    def parse(cls, options: t.Mapping[str, t.Any]) -> MirrorOptions:
        """Read the options ``storage`` and ``remote_storage``.

        :raises InvalidInput: for what cannot be a word of a command.
        """
        remote = options["remote_storage"]
        primary, there = (RbdAccess.parse(name, options[name]) for name in ("storage", "remote_storage"))
        return cls(primary, there, remote["backend"], remote["volume_type"] or "")

    def driver(self, primary: str, remote: str) -> MirrorDriver:
        """The driver of the storage.

        :param primary: how messages call the site; the same holds for the other.
        """
        return RbdMirror(Rbd(self.primary, primary), Rbd(self.remote, remote))
