# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observe what surrounds the snapshots of a set: freezes that others hold, and servers that stand still by themselves."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.compute import Compute
from ..core.records import Server
from ..core.states import ServerState, stands_still, state_of
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
        #: What had been done with servers that stand still before images were made of them; None for one that was started since it was first seen.
        self._histories: dict[str, set[tuple[str, str]] | None] = {}

    def begin(self) -> None:
        """Note what was done so far with the servers that stand still and of which images will be made."""
        imaged = [server for server in self._servers if server.boots_from_image and stands_still(server)]
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

    def still(self) -> dict[str, ServerState]:
        """The servers that stood still by themselves before the snapshots and have ever since: the state of each, per id."""
        before = {server.id: server for server in self._servers if stands_still(server)}
        found = each(before, self._compute.server, self._concurrency)
        return {one.id: state_of(one) for one in found if _is_still(one) and self._is_unchanged(before[one.id], one)}

    def _is_unchanged(self, before: Server, after: Server) -> bool:
        """Whether nothing was done to a server: one that was started and stopped meanwhile is another one to Nova."""
        if (before.status, before.updated_at) == (after.status, after.updated_at):
            return True
        # So is one of which it has made an image.
        earlier = self._histories.get(before.id)
        return (
            before.status == after.status
            and earlier is not None
            and all(action == _IMAGING for action, _request in {*self._compute.actions(before.id)} - earlier)
        )


def _is_still(server: Server) -> bool:
    """Whether a server stands still by itself, also while Nova makes an image of it."""
    is_imaged = server.boots_from_image and server.task_state in _IMAGE_TASKS
    return stands_still(dataclasses.replace(server, task_state=None) if is_imaged else server)
