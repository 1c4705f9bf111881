# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the objects of backups are transported and verified, and what access to the stores that needs."""

from __future__ import annotations

import dataclasses

from .check import store_problems
from .sites import Sites
from .transport import SHARED
from .verification import RECORDS, foreseeable


@dataclasses.dataclass(frozen=True)
class Delivery:
    """How backups are transported and verified.

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
        """This delivery in check mode: verified only as far as is possible without changing anything."""
        return dataclasses.replace(self, depth=foreseeable(self.depth))

    def problems(self, sites: Sites) -> list[str]:
        """Why the stores cannot be used as needed."""
        problems = store_problems("remote_store_cloud", sites.stores.remote) if self.looks_at_objects else []
        return problems + (store_problems("store_cloud", sites.stores.primary) if self.transport != SHARED else [])
