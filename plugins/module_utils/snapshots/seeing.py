# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe what surrounds the snapshots of a set: freezes that others hold, and servers that are shut down."""

from __future__ import annotations

import typing as t

from ..cloud.compute import Compute
from ..core.records import Server
from ..quiesce.driver import has_no_guest
from ..quiesce.mark import FreezeMark
from ..work.pool import each
from .wanted import Wanted

#: What Nova calls the making of an image, and its tasks meanwhile.
_IMAGING = "createImage"
_IMAGE_TASKS = ("image_snapshot_pending", "image_snapshot", "image_pending_upload", "image_uploading")


class Seeing:
    """Observes the servers around the snapshots of a set.

    :param compute: may show all servers of the set.
    """

    def __init__(self, compute: Compute, wanted: Wanted, concurrency: int) -> None:
        self._compute = compute
        self._servers = [member.server for member in wanted.members]
        self._concurrency = concurrency
        #: What had been done with servers that are off before images were made of them; None for one that was started since it was first seen.
        self._histories: dict[str, set[tuple[str, str]] | None] = {}

    def begin(self) -> None:
        """Note what was done so far with the servers that are off and of which images will be made."""
        imaged = [server for server in self._servers if server.boots_from_image and _is_off(server)]
        found = each(imaged, self._history, self._concurrency)
        self._histories = {server.id: history for server, history in zip(imaged, found, strict=True)}

    def _history(self, server: Server) -> set[tuple[str, str]] | None:
        history = {*self._compute.actions(server.id)}
        return history if self._compute.server(server.id).updated_at == server.updated_at else None

    def standing(self) -> dict[str, FreezeMark]:
        """Freezes of os_server_quiesce that are confirmed and not being ended, per server id."""
        marked = [server.id for server in self._servers if FreezeMark.stands_on(server)]
        found = each(marked, self._compute.server, self._concurrency)
        return {one.id: t.cast(FreezeMark, FreezeMark.of(one)) for one in found if FreezeMark.stands_on(one)}

    def still_off(self) -> set[str]:
        """Ids of the servers that were shut down before the snapshots, and have been ever since."""
        off = {server.id: server for server in self._servers if _is_off(server)}
        found = each(off, self._compute.server, self._concurrency)
        return {one.id for one in found if _is_off(one) and self._was_off(off[one.id], one)}

    def _was_off(self, before: Server, now: Server) -> bool:
        """Whether a server that is off has been off all the time: one that was started and stopped meanwhile is another one to Nova."""
        if now.updated_at == before.updated_at:
            return True
        # So is one of which it has made an image.
        earlier = self._histories.get(before.id)
        return earlier is not None and all(action == _IMAGING for action, _request in {*self._compute.actions(before.id)} - earlier)


def _is_off(server: Server) -> bool:
    """Whether it is shut down, and is not being started: its guest may run by then."""
    return server.status == "SHUTOFF" and (has_no_guest(server) or (server.boots_from_image and server.task_state in _IMAGE_TASKS))
