# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch the progress of backups under way, and notice when they stall.

Cinder shows nothing between ``creating`` and the end, but the objects that arrive in the store can be counted.
"""

from __future__ import annotations

import contextlib
import typing as t

from ..cloud.object_store import ObjectStore
from ..core.errors import CloudError, WaitTimeout
from ..core.records import Backup
from ..work.clock import Clock
from .objects import stored_bytes

#: Seconds between two looks at the store.
_LOOK_SECONDS = 10.0


class BackupWatch:
    """Counts what backups have stored, and raises when one stalls.

    :param store: the store that they are written to; None where it cannot be read.
    :param stall_timeout: seconds without progress after which a backup counts as stalled.
    """

    def __init__(self, store: ObjectStore | None, stall_timeout: float, clock: Clock) -> None:
        self._store = store
        self._stall_timeout = stall_timeout
        self._clock = clock
        self._looked = float("-inf")
        #: Bytes per backup id, as last seen.
        self._sizes: dict[str, int] = {}
        #: Since when a backup has been as it is.
        self._since: dict[str, tuple[t.Any, float]] = {}

    @property
    def stored(self) -> int:
        """Bytes stored by all backups seen."""
        return sum(self._sizes.values())

    def see(self, under_way: t.Sequence[Backup]) -> None:
        """Take note of the backups under way.

        :raises WaitTimeout: when one has stalled.
        """
        now = self._clock.now()
        if self._store and now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._count(self._store, under_way)
        begun = any(b.container for b in under_way)
        for backup in under_way:
            state = (backup.container, self._sizes.get(backup.id))
            if self._since.get(backup.id, (None, 0))[0] != state or not self._must_get_on(backup, begun):
                self._since[backup.id] = (state, now)
            if now - self._since[backup.id][1] >= self._stall_timeout:
                raise self._stalled(backup)

    def _count(self, store: ObjectStore, under_way: t.Sequence[Backup]) -> None:
        # A store that does not answer a listing does not end the backups.
        with contextlib.suppress(CloudError):
            there = {one for one in {b.container for b in under_way if b.container} if store.has_container(one)}
            self._sizes.update({b.id: stored_bytes(store, b) for b in under_way if b.container in there})

    def _must_get_on(self, backup: Backup, others_begun: bool) -> bool:
        """Whether progress can be expected and seen.

        Backups wait for earlier ones; an increment stores nothing while it reads unchanged data; other drivers store nothing here.
        """
        if not backup.container:
            return not others_begun
        return backup.id in self._sizes and not backup.is_incremental

    def _stalled(self, backup: Backup) -> WaitTimeout:
        state = "has stored nothing more" if backup.container else "was not begun by any backup service"
        return WaitTimeout(
            f"Backup {backup.id} of volume {backup.volume_id} {state} for {self._stall_timeout:g} s.",
            "Check that cinder-backup, cinder-scheduler, the message queue and the object store work. Restart cinder-backup, which aborts "
            "unfinished backups, or have an administrator force-delete the backup; then re-run.",
            resource_type="backup",
            resource_id=backup.id,
        )
