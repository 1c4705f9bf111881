# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Import the record of one backup at the remote site."""

from __future__ import annotations

from ..core.errors import ResourceFailed, WaitTimeout
from ..core.records import Backup
from ..work.waiting import Waiter
from .objects import Link, read_link
from .sites import Sites


class RecordImport:
    """The record of one backup at the remote site.

    :param link: what the primary site says of the backup.
    """

    def __init__(self, sites: Sites, waiter: Waiter, link: Link) -> None:
        self._remote = sites.remote
        self._importing = sites.importing
        self._waiter = waiter
        self._link = link

    def ensure(self) -> int:
        """Import the record unless it is there and usable.

        :returns: how many records were imported: 0 or 1.
        :raises ResourceFailed: when the site cannot use it, or has another backup under this id.
        """
        found = self._remote.backup(self._link.backup_id)
        if found and self._is_broken(found):
            self._forget()
            found = None
        if found and found.is_usable:
            self._refuse_other(found)
            return 0
        if found is None:
            self._importing.import_record(self._link.record)
        self._await()
        return 1

    def _is_broken(self, found: Backup) -> bool:
        """Whether the backup service gave up an import. The record refers to no objects yet, so removing it loses none."""
        return found.status == "error" and not found.container

    def _forget(self) -> None:
        """Remove a record that was never finished."""
        self._importing.delete_backup(self._link.backup_id, force=True)
        what = f"site '{self._remote.cloud.site}' to forget the broken record of backup {self._link.backup_id}"
        self._waiter.until(what, lambda: self._remote.backup(self._link.backup_id) is None or None)

    def _refuse_other(self, found: Backup) -> None:
        if self._is_other(found):
            raise ResourceFailed(
                f"Site '{self._remote.cloud.site}' has another backup with id {self._link.backup_id}: its objects or its parent "
                "differ from those at the primary site.",
                "Delete its record there if nobody needs it, then re-run.",
                resource_type="backup",
                resource_id=self._link.backup_id,
            )

    def _is_other(self, found: Backup) -> bool:
        link = self._link
        if found.is_being_restored:
            # Its record cannot be exported until a drill ends, perhaps hours later, so what the site shows must suffice.
            is_elsewhere = link.location is not None and found.container != link.location.container
            return is_elsewhere or found.is_incremental != bool(link.parent_id)
        known = read_link(self._importing.export_record(link.backup_id))
        return (known.parent_id, known.location) != (link.parent_id, link.location)

    def _await(self) -> None:
        try:
            self._waiter.until(f"site '{self._remote.cloud.site}' to import backup {self._link.backup_id}", self._imported)
        except WaitTimeout:
            found = self._remote.backup(self._link.backup_id)
            if found and not found.container:
                self._forget()
            raise

    def _imported(self) -> bool | None:
        found = self._remote.backup(self._link.backup_id)
        if found is None or found.status == "error":
            raise ResourceFailed(
                f"Site '{self._remote.cloud.site}' could not import the record of backup {self._link.backup_id}"
                f"{': ' + found.fail_reason if found else ''}.",
                "Its backup service must use the same driver and reach the same store as the primary's.",
                resource_type="backup",
                resource_id=self._link.backup_id,
            )
        return found.is_usable or None
