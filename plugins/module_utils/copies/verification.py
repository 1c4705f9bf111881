# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify that copies at the remote site are complete, before they count."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core.errors import CloudError
from ..core.records import Backup
from ..work.pool import each
from ..work.progress import Progress
from ..work.waiting import Waiter
from .comparison import Comparison
from .objects import Location, inspect
from .sites import Chain, Sites
from .transport import Effort, location_of

#: The remote site has the record of each backup, with the same contents as at the primary site.
RECORDS = "records"
#: In addition, every object of the whole chain is in the store.
OBJECTS = "objects"
#: In addition, a volume restored from it equals the snapshot, block by block.
RESTORE = "restore"
DEPTHS = (RECORDS, OBJECTS, RESTORE)

#: A store may list an object a little after it was written.
_LISTING_LAG_SECONDS = 30.0


def foreseeable(depth: str) -> str:
    """The deepest verification that changes nothing."""
    return OBJECTS if depth == RESTORE else depth


@dataclasses.dataclass(frozen=True)
class Proof:
    """What was found of one backup in the store; empty where the store was not read."""

    stored_bytes: int = 0
    inventory: str = ""


class Verification:
    """Verifies copies to the wanted depth."""

    def __init__(self, sites: Sites, depth: str, effort: Effort, waiter: Waiter, progress: Progress) -> None:
        self._sites = sites
        self._depth = depth
        self._effort = effort
        self._waiter = waiter
        self._progress = progress

    def prove(self, chains: t.Sequence[Chain]) -> list[tuple[Chain, Proof]]:
        """Verify all copies.

        :raises CloudError: listing everything that is wrong.
        """
        self._progress.begin("verifying", "backups", len(chains))
        _refuse(self._sites, self._record_problems(chains))
        if self._depth == RECORDS:
            return [(chain, Proof()) for chain in chains]
        proofs = each(chains, self._prove_objects, self._effort.concurrency)
        if self._depth == RESTORE:
            each(chains, self._prove_content, self._effort.concurrency)
        return list(zip(chains, proofs, strict=True))

    def _record_problems(self, chains: t.Sequence[Chain]) -> list[str]:
        known = {b.id: b for b in self._effort.insist(self._sites.remote.backups)}
        problems = [
            f"Backup {one} of volume {chain.backup.volume_id} is not available there."
            for chain in chains
            for one in chain.ids
            if one not in known or not known[one].is_usable
        ]
        mine = [chain.backup for chain in chains]
        return problems + [
            f"It has another backup with id {b.id} of volume {b.volume_id}."
            for b in mine
            if b.id in known and (known[b.id].size, known[b.id].object_count) != (b.size, b.object_count)
        ]

    def _prove_objects(self, chain: Chain) -> Proof:
        proof = Proof()
        for link in chain.links:
            proof = self._prove_link(chain.backup, location_of(link))
        if self._depth == OBJECTS:
            self._progress.add(steps=1)
        return proof

    def _prove_link(self, backup: Backup, location: Location) -> Proof:
        store, clock = self._sites.stores.remote, self._waiter.clock
        deadline = clock.now() + _LISTING_LAG_SECONDS
        inventory, problems = self._effort.insist(lambda: inspect(store, location))
        while problems and clock.now() < deadline:
            clock.sleep(self._waiter.interval)
            inventory, problems = self._effort.insist(lambda: inspect(store, location))
        of = f"Backup {location.backup_id} in container '{location.container}', which volume {backup.volume_id} needs: "
        _refuse(self._sites, [of + "; ".join(problems[:5]) + "."] if problems else [])
        return Proof(inventory.stored_bytes, inventory.digest)

    def _prove_content(self, chain: Chain) -> None:
        Comparison(self._sites.remote, self._waiter, chain.backup).compare(self._sites.stores.remote, location_of(chain.links[-1]))
        self._progress.add(steps=1)


def _refuse(sites: Sites, problems: t.Sequence[str]) -> None:
    if problems:
        raise CloudError(f"The copies at site '{sites.remote.cloud.site}' are incomplete. " + " ".join(problems))
