# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the pool of a site is reached: by whom, and on which host.

All of it becomes words of a command line. None of them goes through a shell here; SSH gives its command to one on the host, so the words
are quoted for it, and they are of letters that mean nothing to one anyway.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
import typing as t

from ..core.errors import InvalidInput
from ..core.hosts import host_in_uri
from ..core.text import told

#: What Ceph and Cinder take as names, as far as nobody takes them for options, snapshots or paths.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
_PATH = re.compile(r"/[A-Za-z0-9_./-]{0,1023}")
_LOGIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15")


@dataclasses.dataclass(frozen=True)
class RbdAccess:
    """Access to the pool of one site.

    :param user: of Ceph, without ``client.``.
    :param host: on which the commands run, reached by SSH, with the name of a user before an ``@`` if need be; empty for this machine.
    :param conf: Ceph's configuration there; its own default when empty.
    :param keyring: with the user's key; what the configuration says when empty.
    """

    pool: str
    user: str
    host: str = ""
    conf: str = ""
    keyring: str = ""

    @classmethod
    def parse(cls, where: str, options: t.Mapping[str, str]) -> RbdAccess:
        """Read the options.

        :param where: how messages call them.
        :raises InvalidInput: for what cannot be such a name.
        """
        access = cls(**{field.name: options[field.name] or "" for field in dataclasses.fields(cls)})
        wrong = [
            *(name for name in ("pool", "user") if not _NAME.fullmatch(getattr(access, name))),
            *(name for name in ("conf", "keyring") if getattr(access, name) and not _PATH.fullmatch(getattr(access, name))),
            *(["host"] if access.host and not _is_host(access.host) else []),
        ]
        if wrong:
            told_of = ", ".join(f"{where}.{name}: '{told(getattr(access, name))}'" for name in wrong)
            raise InvalidInput(f"This cannot be used in a command: {told_of}.", "Give names of letters, digits, '_', '-' and '.', and absolute paths.")
        return access

    def command(self, words: t.Sequence[str]) -> list[str]:
        """The command that does something with rbd."""
        given = {"--conf": self.conf, "--keyring": self.keyring, "--id": self.user}
        rbd = ["rbd", *(word for option, value in given.items() if value for word in (option, value)), *words]
        return [*_SSH, "--", self.host, shlex.join(rbd)] if self.host else rbd


def _is_host(text: str) -> bool:
    login, at, host = text.rpartition("@")
    return (not at or bool(_LOGIN.fullmatch(login))) and ":" not in host and host_in_uri(host) is not None
