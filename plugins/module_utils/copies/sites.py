# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two sites of a copy, and a backup with everything that it builds on."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.object_store import ObjectStore
from ..cloud.session import Cloud, connect_other
from ..core.records import Backup
from ..core.text import timestamp
from ..work.clock import Clock
from .objects import Link
from .transport import Stores


@dataclasses.dataclass(frozen=True)
class Accounts:
    """The credentials that copying needs in addition to the primary site's: by name, or as ``clouds.yaml`` describes them.

    :param admin: of the primary site; None for its own credentials. The same holds for the others.
    """

    remote: t.Any
    admin: t.Any = None
    remote_admin: t.Any = None
    store: t.Any = None
    remote_store: t.Any = None

    @classmethod
    def parse(cls, options: t.Mapping[str, t.Any]) -> Accounts:
        """Read the options of the fragment ``replication``."""
        return cls(**{field.name: options[f"{field.name}_cloud"] for field in dataclasses.fields(cls)})


@dataclasses.dataclass(frozen=True)
class Sites:
    """Where backups are made and where they are imported.

    :param exporting: as an administrator, in the project that owns the backups.
    :param importing: as an administrator, in the project that is to own the imported records.
    :param stores: hold the objects of the backups.
    """

    primary: BlockStorage
    exporting: BlockStorage
    remote: BlockStorage
    importing: BlockStorage
    stores: Stores

    @classmethod
    def connect(cls, primary: Cloud, accounts: Accounts) -> Sites:
        remote = connect_other(accounts.remote)
        exporting = connect_other(accounts.admin) if accounts.admin else primary
        importing = connect_other(accounts.remote_admin) if accounts.remote_admin else remote
        store = connect_other(accounts.store) if accounts.store else primary
        remote_store = connect_other(accounts.remote_store) if accounts.remote_store else remote
        return cls(
            BlockStorage(primary),
            BlockStorage(exporting.in_project(primary.project_id)),
            BlockStorage(remote),
            BlockStorage(importing.in_project(remote.project_id)),
            Stores(ObjectStore(store), ObjectStore(remote_store)),
        )


def time_of_proof(remote: Cloud, clock: Clock) -> str:
    """The time of a proof of content that succeeds now, by the clock of the site that has the copy.

    :param clock: this process's.
    """
    return timestamp(remote.clock.by_site(clock.wall()))


@dataclasses.dataclass(frozen=True)
class Chain:
    """A backup of this checkpoint with everything that it builds on, the oldest first, itself last."""

    backup: Backup
    links: tuple[Link, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(link.backup_id for link in self.links)

    @property
    def is_in_swift(self) -> bool:
        return all(link.is_in_swift for link in self.links)
