# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring the objects of backups to the store that the remote site's backup service reads."""

from __future__ import annotations

import dataclasses
import threading
import typing as t

from ..cloud.object_store import ObjectStore, StoredObject
from ..core.errors import CloudError, InvalidInput, WaitTimeout
from ..work.clock import SYSTEM_CLOCK, Clock
from ..work.pool import each
from ..work.progress import Progress
from ..work.waiting import Patience, Value
from .objects import BackupObjects, Link, Location

#: Both backup services use one store.
SHARED = "shared"
#: The store's own engine replicates it.
EXTERNAL = "external"
#: We copy the objects.
COPY = "copy"
TRANSPORTS = (SHARED, EXTERNAL, COPY)
#: There are no backups: the storage of both sites mirrors the volumes.
MIRROR = "mirror"

_LOOK_SECONDS = 2.0
#: What Swift answers to content that does not match its ETag.
_CHECKSUM_DIFFERS = 422


@dataclasses.dataclass(frozen=True)
class Stores:
    """The object stores that hold backups: the one that the primary site writes, and the one that the remote site reads."""

    primary: ObjectStore
    remote: ObjectStore


@dataclasses.dataclass(frozen=True)
class Effort:
    """How much is done in parallel, and how long a stall may last.

    :param concurrency: parallel operations on a site.
    :param stall_timeout: seconds without any progress after which work counts as stalled.
    :param bandwidth: bytes per second that copying may use in all; None for no limit.
    """

    concurrency: int
    stall_timeout: float
    bandwidth: int | None = None
    clock: Clock = SYSTEM_CLOCK

    def insist(self, action: t.Callable[[], Value]) -> Value:
        """Do an idempotent action, and repeat it after temporary failures such as a restarted service or a broken link.

        :raises CloudError: when the failure is permanent, or lasts too long.
        """
        return Patience(self.stall_timeout, self.clock).insist(action)


class RateLimit:
    """Limits the bytes per second of all threads together."""

    def __init__(self, bytes_per_second: int | None, clock: Clock) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0

    def take(self, size: int) -> None:
        """Wait until so many more bytes may pass."""
        if not self._rate:
            return
        with self._lock:
            now = self._clock.now()
            self._free_at = max(self._free_at, now) + size / self._rate
            delay = self._free_at - now
        self._clock.sleep(delay)


@dataclasses.dataclass(frozen=True)
class MissingObject:
    """An object that the remote store lacks."""

    location: Location
    wanted: StoredObject

    @property
    def is_list(self) -> bool:
        return self.wanted.name == self.location.list_name


class Transport:
    """Brings the objects of backups from one store to the other.

    :param stores: None where both sites use one store.
    """

    def __init__(self, name: str, stores: Stores | None, effort: Effort, progress: Progress) -> None:
        self.name = name
        self._stores = stores
        self._effort = effort
        self._progress = progress
        self._limit = RateLimit(effort.bandwidth, effort.clock)

    def missing(self, links: t.Sequence[Link]) -> list[MissingObject]:
        """Objects that the remote site does not have yet."""
        if not self._stores:
            return []
        stores, locations = self._stores, [location_of(link) for link in links]
        different = {one.backup_id: one for one in locations}.values()
        pairs = each(different, lambda one: self._effort.insist(lambda: _both(stores, one)), self._effort.concurrency)
        return [MissingObject(there.location, wanted) for here, there in pairs for wanted in there.lacking(here)]

    def deliver(self, links: t.Sequence[Link]) -> int:
        """Bring all objects of the backups to the remote site, or wait for them.

        :returns: how many objects were copied.
        """
        missing = self.missing(links)
        if self.name == COPY:
            self._copy(missing)
            return len(missing)
        if missing:
            self._await(links, missing)
        return 0

    def _copy(self, missing: t.Sequence[MissingObject]) -> None:
        """Copy objects. The list of a backup's objects comes last: with it, the backup is complete."""
        stores = t.cast(Stores, self._stores)
        self._progress.begin("copying backups", "objects", len(missing), sum(one.wanted.size for one in missing))
        containers = {one.location.container for one in missing}
        each(containers, lambda name: self._effort.insist(lambda: stores.remote.ensure_container(name)), self._effort.concurrency)
        for is_list in (False, True):
            each([one for one in missing if one.is_list is is_list], self._copy_object, self._effort.concurrency)

    def _copy_object(self, one: MissingObject) -> None:
        self._effort.insist(lambda: self._copy_once(one))
        self._progress.add(steps=1)

    def _copy_once(self, one: MissingObject) -> None:
        stores, timeout = t.cast(Stores, self._stores), self._effort.stall_timeout
        container, moved = one.location.container, 0

        def passing(blocks: t.Iterator[bytes]) -> t.Iterator[bytes]:
            nonlocal moved
            for block in blocks:
                self._limit.take(len(block))
                moved += len(block)
                self._progress.add(size=len(block))
                yield block

        try:
            with stores.primary.stream(container, one.wanted.name, timeout) as blocks:
                stores.remote.write_stream(container, one.wanted, passing(blocks), timeout)
        except BaseException as error:
            self._progress.add(size=-moved)
            if isinstance(error, CloudError) and error.http_status == _CHECKSUM_DIFFERS:
                raise self._damaged(one) from error
            raise

    def _damaged(self, one: MissingObject) -> CloudError:
        return CloudError(
            f"Object {one.location.container}/{one.wanted.name} on site '{t.cast(Stores, self._stores).primary.cloud.site}' is damaged: its "
            f"content does not match the checksum in its container's list. Backup {one.location.backup_id} is unusable.",
            "Delete the backup and re-run.",
            http_status=_CHECKSUM_DIFFERS,
        )

    def _await(self, links: t.Sequence[Link], missing: t.Sequence[MissingObject]) -> None:
        """Wait for the engine that replicates the store while it makes progress."""
        clock = self._effort.clock
        total, size = len(missing), sum(one.wanted.size for one in missing)
        self._progress.begin("waiting for the store's own replication", "objects", total, size)
        last, since = total, clock.now()
        while missing:
            clock.sleep(_LOOK_SECONDS)
            asked = clock.now()
            missing = self.missing(links)
            # Time in which the stores do not answer does not count as a stall.
            since += clock.now() - asked
            self._progress.at(total - len(missing), size - sum(one.wanted.size for one in missing))
            if len(missing) < last:
                last, since = len(missing), clock.now()
            if missing and clock.now() - since >= self._effort.stall_timeout:
                raise self._stalled(missing)

    def _stalled(self, missing: t.Sequence[MissingObject]) -> WaitTimeout:
        stores = t.cast(Stores, self._stores)
        containers = ", ".join(sorted({f"'{one.location.container}'" for one in missing}))
        return WaitTimeout(
            f"The replication of container {containers} from site '{stores.primary.cloud.site}' to site "
            f"'{stores.remote.cloud.site}' has stalled: for {self._effort.stall_timeout:g} s none of {len(missing)} missing objects has arrived.",
            "Check that the store's replication engine runs and is set up for the container; then re-run.",
        )


def _both(stores: Stores, location: Location) -> tuple[BackupObjects, BackupObjects]:
    return BackupObjects.take(stores.primary, location), BackupObjects.take(stores.remote, location)


def location_of(link: Link) -> Location:
    """Where the objects of a backup are.

    :raises DrError: when they cannot be found.
    """
    if link.location is None and link.is_in_swift:
        raise CloudError(f"The record of backup {link.backup_id} does not say where its objects are.", "Delete the backup and re-run.")
    if link.location is None:
        raise InvalidInput(
            f"Backup {link.backup_id} was made by the driver '{link.record.backup_service}', whose objects cannot be copied or verified.",
            "That is possible for Cinder's Swift driver only; use transport: shared with verification: readable, or records.",
        )
    return link.location
