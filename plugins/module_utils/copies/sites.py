# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sites between which copies travel, and a backup with all that it builds on."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.object_store import ObjectStore
from ..cloud.session import Cloud, connect_other
from ..core.records import Backup
from .objects import Link
from .transport import Stores


@dataclasses.dataclass(frozen=True)
class Sites:
    """Where a backup is made and where it must become known.

    :param exporting: as an administrator, in the project that owns the backups.
    :param importing: as an administrator, in the project that is to own the imported records.
    :param stores: that hold the objects of the backups.
    """

    primary: BlockStorage
    exporting: BlockStorage
    remote: BlockStorage
    importing: BlockStorage
    stores: Stores

    @classmethod
    def connect(cls, primary: Cloud, params: t.Mapping[str, t.Any]) -> Sites:
        """Connect to all clouds that the options of the fragment ``replication`` name."""
        remote = connect_other(params["remote_cloud"])
        exporting = connect_other(params["admin_cloud"]) if params["admin_cloud"] else primary
        importing = connect_other(params["remote_admin_cloud"]) if params["remote_admin_cloud"] else remote
        store = connect_other(params["store_cloud"]) if params["store_cloud"] else primary
        remote_store = connect_other(params["remote_store_cloud"]) if params["remote_store_cloud"] else remote
        return cls(
            BlockStorage(primary),
            BlockStorage(exporting.in_project(primary.project_id)),
            BlockStorage(remote),
            BlockStorage(importing.in_project(remote.project_id)),
            Stores(ObjectStore(store), ObjectStore(remote_store)),
        )


@dataclasses.dataclass(frozen=True)
class Chain:
    """A backup of this checkpoint with all that it builds on, the oldest first, itself last."""

    backup: Backup
    links: tuple[Link, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(link.backup_id for link in self.links)
