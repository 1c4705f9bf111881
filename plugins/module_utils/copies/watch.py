# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How backups under way get on, and when they no longer do.

Cinder says nothing between ``creating`` and the end; but the objects that come into the store can be counted.
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
    """Counts what backups have stored, and raises when those under way stand still.

    :param store: that they are written to; None where it cannot be looked at.
    :param stall_timeout: seconds of standing still that are too long.
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
        """Bytes that all backups seen have stored."""
        return sum(self._sizes.values())

    def see(self, under_way: t.Sequence[Backup]) -> None:
        """:raises WaitTimeout: when a backup stands still that should get on."""
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
            self._sizes.update({b.id: stored_bytes(store, b) for b in under_way if b.container})

    def _must_get_on(self, backup: Backup, others_begun: bool) -> bool:
        """Those not begun wait for those begun. An increment stores nothing while it reads what has not changed."""
        if not backup.container:
            return not others_begun
        return bool(self._store) and not backup.is_incremental

    def _stalled(self, backup: Backup) -> WaitTimeout:
        state = "has stored nothing more" if backup.container else "was not begun by any backup service"
        return WaitTimeout(
            f"Backup {backup.id} of volume {backup.volume_id} {state} for {self._stall_timeout:g} s.",
            "See that cinder-backup, cinder-scheduler, the message queue and the object store work; restart cinder-backup, which gives "
            "up what it had begun, or have an administrator delete the backup by force; then run the same again.",
            resource_type="backup",
            resource_id=backup.id,
        )
