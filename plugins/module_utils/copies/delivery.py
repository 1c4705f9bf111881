# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the objects of backups travel and how far they are proved, and what both need of the stores."""

from __future__ import annotations

import dataclasses

from .check import store_problems
from .sites import Sites
from .transport import SHARED
from .verification import RECORDS, foreseeable


@dataclasses.dataclass(frozen=True)
class Delivery:
    """
    :param transport: one of ``transport.TRANSPORTS``.
    :param depth: one of ``verification.DEPTHS``.
    """

    transport: str
    depth: str

    @property
    def looks_at_objects(self) -> bool:
        return self.transport != SHARED or self.depth != RECORDS

    @property
    def foreseen(self) -> Delivery:
        """The same, proved as far as it can be without any change."""
        return dataclasses.replace(self, depth=foreseeable(self.depth))

    def problems(self, sites: Sites) -> list[str]:
        """What keeps the stores from being used as this needs it."""
        problems = store_problems("remote_store_cloud", sites.stores.remote) if self.looks_at_objects else []
        return problems + (store_problems("store_cloud", sites.stores.primary) if self.transport != SHARED else [])
