# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the objects of backups are transported and verified, and what access to the stores that needs."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.records import Backup
from ..manifest.manifest import Content
from .check import Room, store_problems
from .sampling import Contents, Sampling
from .sites import Sites
from .transport import SHARED
from .verification import LOOKING, RESTORE, RESTORING, foreseeable


@dataclasses.dataclass(frozen=True)
class Delivery:
    """How backups are transported and verified.

    :param transport: one of ``transport.TRANSPORTS``.
    :param depth: one of ``verification.DEPTHS``.
    :param sampling: selects the volumes whose content is proved.
    """

    transport: str
    depth: str
    sampling: Sampling = Sampling()

    @property
    def looks_at_objects(self) -> bool:
        return self.transport != SHARED or self.depth in LOOKING

    @property
    def foreseen(self) -> Delivery:
        """This delivery in check mode: verified only as far as is possible without changing anything."""
        return dataclasses.replace(self, depth=foreseeable(self.depth))

    def knowing(self, contents: Contents) -> Delivery:
        """The same, with what earlier checkpoints proved of the volumes' content."""
        return dataclasses.replace(self, sampling=dataclasses.replace(self.sampling, contents=contents))

    def restored(self, volumes: t.Collection[str], backups: t.Iterable[Backup]) -> set[str]:
        """Ids of the volumes that are restored to prove their content.

        :param volumes: ids of the checkpoint's.
        :param backups: of the primary site, before any is removed.
        """
        return self.sampling.chosen(volumes, backups) if self.depth in RESTORING else set()

    def room(self, sizes: t.Iterable[int], concurrency: int) -> Room:
        """What the volumes that are restored take while so many exist at a time, at most.

        :param sizes: of all that are restored.
        """
        return Room(tuple(sorted(sizes, reverse=True)[:concurrency]), is_backed_up=self.depth == RESTORE)

    def content(self, volume_id: str, proved_at: str) -> Content:
        """What is known of a volume's content after this checkpoint.

        :param proved_at: empty when the checkpoint does not prove it.
        """
        return self.sampling.after(volume_id, proved_at, self.depth) if self.depth in RESTORING else self.sampling.last(volume_id)

    def problems(self, sites: Sites) -> list[str]:
        """Why the stores cannot be used as needed."""
        problems = store_problems("remote_store_cloud", sites.stores.remote) if self.looks_at_objects else []
        return problems + (store_problems("store_cloud", sites.stores.primary) if self.transport != SHARED else [])
