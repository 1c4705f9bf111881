# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry of states: what a checkpoint does about a server in each status that Nova shows.

A server runs and must be frozen, or stands still by itself and is left as it is, or is refused with what its owner has to do. A
status that is not listed is refused as well, so that a newer Nova cannot make a checkpoint claim what nobody has thought of. The
table in ``docs/fidelity.md`` is made from this registry.
"""

from __future__ import annotations

import dataclasses
import enum
import typing as t

from .consistency import satisfies
from .records import FREEZE_KEY, Server


class Treatment(enum.Enum):
    """What a checkpoint does with a server."""

    FROZEN = "frozen for the snapshots"
    LEFT = "left as it is"
    REFUSED = "refused"


@dataclasses.dataclass(frozen=True)
class ServerState:
    """What a checkpoint does about servers of a status.

    :param name: the status, as Nova shows it.
    :param level: of snapshots of a server that is left as it is, if it stays so from before the first to after the last.
    :param words: what the server is, for messages.
    :param remedy: what its owner does to have it protected, or better protected.
    :param note: what comes back, and what is lost.
    :param is_off: whether it is restored switched off, as a standby is.
    """

    name: str
    treatment: Treatment
    words: str
    level: str | None = None
    remedy: str = ""
    note: str = ""
    is_off: bool = False


def _refused(name: str, words: str, remedy: str, is_off: bool = False) -> ServerState:
    return ServerState(name, Treatment.REFUSED, words, remedy=remedy, is_off=is_off)


_WAIT = "Wait until Nova has finished."
_MEMORY = "the memory of its guest is lost, with what it had not written yet; it is restored switched off"

#: In the order of the documentation.
STATES = (
    ServerState("ACTIVE", Treatment.FROZEN, "running", note="it is restored running"),
    ServerState("SHUTOFF", Treatment.LEFT, "shut down", "offline", note="it is restored switched off, unless all servers are off", is_off=True),
    ServerState("PAUSED", Treatment.LEFT, "paused by its owner", "paused", "Unpause it.", f"it stays paused; {_MEMORY}", is_off=True),
    ServerState("SUSPENDED", Treatment.LEFT, "suspended", "paused", "Resume it.", f"it stays suspended; {_MEMORY}", is_off=True),
    _refused(
        "SHELVED",
        "shelved",
        "Unshelve it, and stop it if it shall not run.",
        is_off=True,
    ),
    _refused(
        "SHELVED_OFFLOADED",
        "shelved and taken off its host, so Cinder keeps its volumes reserved and snapshots none of them",
        "Unshelve it, and stop it if it shall not run.",
        is_off=True,
    ),
    _refused("RESCUE", "in rescue mode, so its guest is another system than its own", "Unrescue it."),
    _refused("VERIFY_RESIZE", "resized, which is neither confirmed nor reverted, so its flavor is not decided", "Confirm or revert the resize."),
    _refused("ERROR", "in ERROR, and Nova does not know whether its guest runs", "Repair it, for example by a hard reboot."),
    _refused("SOFT_DELETED", "deleted, and only kept for a while", "Restore it, if it shall be protected."),
    _refused("DELETED", "deleted", "Take it out of the application."),
    _refused("UNKNOWN", "of unknown state, because its cell does not answer", "Have the site's operator repair the cell."),
    *(
        _refused(name, words, _WAIT)
        for name, words in (
            ("BUILD", "being built"),
            ("REBUILD", "being rebuilt"),
            ("REBOOT", "being rebooted"),
            ("HARD_REBOOT", "being rebooted"),
            ("PASSWORD", "being given a password"),
            ("MIGRATING", "being migrated"),
            ("RESIZE", "being resized"),
            ("CONFIRMING_RESIZE", "being resized"),
            ("REVERT_RESIZE", "being resized back"),
        )
    ),
)
_BY_NAME: t.Mapping[str, ServerState] = {state.name: state for state in STATES}


def state_of(server: Server) -> ServerState:
    """The entry for a server's status."""
    unknown = _refused(server.status, f"{server.status or 'without a status'}, which this release does not know", "Bring it to ACTIVE or SHUTOFF.")
    return _BY_NAME.get(server.status, unknown)


def stands_still(server: Server) -> bool:
    """Whether a server stands still by its owner's will, and not because a freeze has paused it."""
    is_frozen = FREEZE_KEY in server.metadata and server.status != "SHUTOFF"
    return state_of(server).treatment is Treatment.LEFT and not server.task_state and not is_frozen


def is_off(server: Server) -> bool:
    """Whether a server is one that its owner does not want to run now, so that it is restored switched off."""
    return state_of(server).is_off and (server.status == "SHUTOFF" or FREEZE_KEY not in server.metadata)


def refusal(server: Server) -> str | None:
    """Why a server cannot be protected in its state, and what to do; None when it can."""
    state = state_of(server)
    if state.treatment is Treatment.REFUSED:
        return f"Server {server.label} is {server.state}: it is {state.words}. {state.remedy}"
    if server.task_state:
        return f"Server {server.label} is {server.state}: a task is under way. {_WAIT}"
    return None


def shortfall(server: Server, least: str) -> str | None:
    """Why a server that stands still is not consistent enough, and what to do; None when it is.

    :param least: the least acceptable consistency.
    """
    state = state_of(server)
    if state.level is None or satisfies(state.level, least):
        return None
    return (
        f"Server {server.label} is {server.status}: it is {state.words}, so its snapshots can only be {state.level}-consistent, but {least} is "
        f"required. {state.remedy} Or have the checkpoint accept {state.level}."
    )
