# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshots that were asked for."""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ..core.errors import WaitTimeout
from ..work.clock import Moment
from . import proof
from .grouping import Unit


class Requests:
    """The snapshots that were asked for, and when each was asked for and seen complete."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, bool], tuple[Unit, Moment]] = {}
        self.taken: dict[str, proof.Taken] = {}
        self._changed = threading.Condition()
        self._under_way = 0
        self._is_over = False

    @contextlib.contextmanager
    def asking(self) -> t.Iterator[None]:
        """Around every request.

        :raises WaitTimeout: when it is too late for any.
        """
        with self._changed:
            if self._is_over:
                raise WaitTimeout("It is too late to ask for a snapshot.")
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def end(self, seconds: float) -> None:
        """Let no more requests begin, and wait for the answers to those under way: what they make is there then."""
        with self._changed:
            self._is_over = True
            self._changed.wait_for(lambda: not self._under_way, seconds)

    def add(self, request_id: str, unit: Unit, requested: Moment) -> None:
        """:param unit: whose only volume, or whose group, the request was for."""
        self._open[request_id, unit.group is not None] = (unit, requested)

    @property
    def is_complete(self) -> bool:
        return not self._open

    def close(self, creating: t.Collection[str], now: Moment) -> None:
        """Note what is not being taken any more.

        :param creating: ids of the snapshots and group snapshots that are.
        """
        for key in [key for key in self._open if key[0] not in creating]:
            unit, requested = self._open.pop(key)
            self.taken.update({volume.id: proof.Taken(requested, now) for volume in unit.volumes})

    def open_in(self, are_groups: bool) -> set[str]:
        """Ids of the projects in which there are such requests open."""
        return {unit.project_id for (_id, is_group), (unit, _at) in self._open.items() if is_group == are_groups}
