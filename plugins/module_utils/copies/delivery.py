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
from .verification import LOOKING, RESTORE, RESTORING


@dataclasses.dataclass(frozen=True)
class Delivery:
    """How backups are transported and verified.

    :param transport: one of ``transport.TRANSPORTS``.
    :param depth: one of ``verification.DEPTHS``.
    :param sampling: selects the volumes whose content is proved.
    :param is_foreseen: whether nothing may be changed, so that no content is proved.
    """

    transport: str
    depth: str
    sampling: Sampling = Sampling()
    is_foreseen: bool = False

    def looks_at_objects(self, sites: Sites) -> bool:
        """Whether a store is needed. Without one, a restore alone proves the content of copies."""
        if self.transport == SHARED and self.depth == RESTORE:
            return sites.stores.remote.exists
        return self.transport != SHARED or self.depth in LOOKING

    @property
    def tolerates_other_drivers(self) -> bool:
        """Whether copies count of which no object can be found, although the objects of others are looked at."""
        return self.transport == SHARED and self.depth == RESTORE

    @property
    def foreseen(self) -> Delivery:
        """This delivery in check mode: verified only as far as is possible without changing anything."""
        return dataclasses.replace(self, is_foreseen=True)

    def knowing(self, contents: Contents) -> Delivery:
        """The same, with what earlier checkpoints proved of the volumes' content."""
        return dataclasses.replace(self, sampling=dataclasses.replace(self.sampling, contents=contents))

    def restored(self, volumes: t.Collection[str], backups: t.Iterable[Backup]) -> set[str]:
        """Ids of the volumes that are restored to prove their content.

        :param volumes: ids of the checkpoint's.
        :param backups: of the primary site, before any is removed.
        """
        return self.sampling.chosen(volumes, backups) if self._proves_content else set()

    def rooms(self, sizes: t.Iterable[int], concurrency: int, sites: Sites) -> tuple[Room, Room]:
        """What proofs take at the primary and at the remote site, while volumes exist for so many at a time, at most.

        :param sizes: of all volumes whose content is proved.
        """
        largest = tuple(sorted(sizes, reverse=True)[:concurrency])
        compares, is_backed_up = self.depth == RESTORE, self.looks_at_objects(sites)
        return Room(largest if compares and not is_backed_up else ()), Room(largest, compares and is_backed_up)

    def content(self, volume_id: str, proved_at: str) -> Content:
        """What is known of a volume's content after this checkpoint.

        :param proved_at: empty when the checkpoint does not prove it.
        """
        return self.sampling.after(volume_id, proved_at, self.depth) if self._proves_content else self.sampling.last(volume_id)

    @property
    def _proves_content(self) -> bool:
        return self.depth in RESTORING and not self.is_foreseen

    def problems(self, sites: Sites) -> list[str]:
        """Why the stores cannot be used as needed."""
        problems = store_problems("remote_store_cloud", sites.stores.remote) if self.looks_at_objects(sites) else []
        return problems + (store_problems("store_cloud", sites.stores.primary) if self.transport != SHARED else [])
