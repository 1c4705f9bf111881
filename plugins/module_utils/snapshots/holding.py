# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a guest holds its freeze by itself. Pure.

Windows ends a freeze after ten seconds, whoever asked for it. Its agent goes on believing that it is frozen until it is asked to
thaw, so a question in between proves nothing. What proves that a freeze held is the number of file systems that the thaw found
frozen, which libvirt passes on and Nova does not; where it is not known, such a freeze counts for as long as Windows holds it.
"""

from __future__ import annotations

import typing as t

from ..core.records import Server, Volume

#: Seconds for which Windows (its Volume Shadow Copy Service) keeps writes back.
VSS_SECONDS = 10
#: Properties of images that say what system they hold, and what they say of Windows.
_OF_SYSTEMS, _WINDOWS = ("os_type", "os_distro"), "windows"


def hold_of(volumes: t.Iterable[Volume]) -> int | None:
    """Seconds for which a server holds a freeze at most; None for as long as it is told to.

    :param volumes: the server's.
    """
    said = {volume.image_metadata.get(name, "").lower() for volume in volumes for name in _OF_SYSTEMS}
    return VSS_SECONDS if _WINDOWS in said else None


def warnings(servers: t.Iterable[tuple[Server, t.Sequence[Volume]]], budget: int) -> list[str]:
    """Servers that may let go of their freeze before the budget is used up.

    :param servers: those that will be frozen, with their volumes.
    """
    holds = {server.label: hold_of(volumes) for server, volumes in servers}
    short = sorted(label for label, hold in holds.items() if hold is not None and hold < budget)
    if not short:
        return []
    return [
        f"The budget is {budget} s, but Windows holds a freeze for {VSS_SECONDS} s only, and so do these servers: {', '.join(short)}. What takes longer "
        f"is not called quiesced, and may be refused after all the work; set budget to {VSS_SECONDS} or less."
    ]
