# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify that copies at the remote site are complete, before they count."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import typing as t

from ..core.errors import CloudError, DrError
from ..core.records import DIFFERS_KEY, UNPROVED_KEY, Backup
from ..work.pool import each
from ..work.progress import Progress
from ..work.waiting import Waiter
from .comparison import Comparison, ContentDiffers
from .objects import Location, inspect
from .sites import Chain, Sites, time_of_proof
from .transport import Effort, location_of

#: The remote site has the record of each backup, with the same contents as at the primary site.
RECORDS = "records"
#: In addition, every object of the whole chain is in the store.
OBJECTS = "objects"
#: In addition, a volume restored from it equals the snapshot. With drivers whose objects cannot be found, that and the records are all.
RESTORE = "restore"
#: The records, and a volume can be restored from it; nothing of the store is looked at.
READABLE = "readable"
DEPTHS = (RECORDS, OBJECTS, READABLE, RESTORE)
#: Those that look at the store, and those that restore volumes.
LOOKING, RESTORING = (OBJECTS, RESTORE), (READABLE, RESTORE)

#: What each depth leaves unproved of copies.
_UNPROVED = {
    RECORDS: (
        "only what both sites say of them was compared, so it is not proved that their data are in the store, that these are whole, "
        "or that a volume restored from them equals its snapshot"
    ),
    READABLE: "a volume could be restored from them, but it is not proved that it equals its snapshot",
    OBJECTS: "the store has their objects, but it is not proved that a volume restored from them equals its snapshot",
}

#: A store may list an object a little after it was written.
_LISTING_LAG_SECONDS = 30.0


def unproved(depths: t.Iterable[str]) -> str:
    """What is not proved of copies, in words; empty when everything is.

    :param depths: how far each of them was proved.
    """
    counts = collections.Counter(depths)
    return " ".join(f"{counts[depth]} of {counts.total()} copies: {words}." for depth, words in _UNPROVED.items() if counts[depth])


@dataclasses.dataclass(frozen=True)
class Proof:
    """What was found of one backup in the store; empty where the store was not read.

    :param depth: how far the copy was proved.
    :param proved_at: when its content was proved by a restore; empty when it was not.
    """

    stored_bytes: int = 0
    inventory: str = ""
    depth: str = RECORDS
    proved_at: str = ""

    def dated(self, depth: str, proved_at: str | None) -> Proof:
        """The same with a proof of the content, if there is one."""
        return dataclasses.replace(self, depth=depth, proved_at=proved_at) if proved_at else self


class Verification:
    """Verifies copies to the wanted depth."""

    def __init__(self, sites: Sites, depth: str, effort: Effort, waiter: Waiter, progress: Progress) -> None:
        self._sites = sites
        self._depth = depth
        self._effort = effort
        self._waiter = waiter
        self._progress = progress

    def prove(self, chains: t.Sequence[Chain], restored: t.Collection[str] = ()) -> list[tuple[Chain, Proof]]:
        """Verify all copies.

        :param restored: ids of the volumes of which the content is proved too, by a restore.
        :raises DrError: listing everything that is wrong.
        """
        self._progress.begin("verifying", "backups", len(chains))
        _refuse(self._sites, self._record_problems(chains))
        to_restore = [chain for chain in chains if chain.backup.volume_id in restored]
        proofs = each(chains, lambda chain: self._look(chain, is_all=chain.backup.volume_id not in restored), self._effort.concurrency)
        moments = dict(each(to_restore, self._prove_content, self._effort.concurrency))
        return [(chain, proof.dated(self._depth, moments.get(chain.backup.volume_id))) for chain, proof in zip(chains, proofs, strict=True)]

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

    def _look(self, chain: Chain, is_all: bool) -> Proof:
        """Prove the objects of a copy, where that is wanted.

        :param is_all: whether no other proof of this copy follows.
        """
        proof = Proof()
        for link in chain.links if self._looks_at(chain) else ():
            proof = self._prove_link(chain.backup, location_of(link))
        if is_all:
            self._progress.add(steps=1)
        return proof

    def _looks_at(self, chain: Chain) -> bool:
        """Whether the objects of a copy are looked at; those that cannot be found are an error where nothing else proves it."""
        return self._depth == OBJECTS or (self._depth == RESTORE and chain.is_in_swift)

    def _prove_link(self, backup: Backup, location: Location) -> Proof:
        store, clock = self._sites.stores.remote, self._waiter.clock
        deadline = clock.now() + _LISTING_LAG_SECONDS
        inventory, problems = self._effort.insist(lambda: inspect(store, location))
        while problems and clock.now() < deadline:
            clock.sleep(self._waiter.interval)
            inventory, problems = self._effort.insist(lambda: inspect(store, location))
        of = f"Backup {location.backup_id} in container '{location.container}', which volume {backup.volume_id} needs: "
        _refuse(self._sites, [of + "; ".join(problems[:5]) + "."] if problems else [])
        return Proof(inventory.stored_bytes, inventory.digest, OBJECTS)

    def _prove_content(self, chain: Chain) -> tuple[str, str]:
        """Restore a volume from a copy, and compare it with its snapshot where that is wanted.

        :returns: the id of the volume, and when that succeeded.
        """
        backup = chain.backup
        comparison = Comparison(self._sites.remote, self._sites.primary, self._waiter, backup)
        try:
            if self._depth == READABLE:
                comparison.restore()
            elif chain.is_in_swift:
                comparison.compare(self._sites.stores.remote, location_of(chain.links[-1]))
            else:
                comparison.compare_digests()
        except DrError as error:
            self._remember(backup, DIFFERS_KEY if isinstance(error, ContentDiffers) else UNPROVED_KEY)
            error.message = f"The content of the copy of volume {backup.volume_id} was not proved. {error.message}"
            raise
        self._progress.add(steps=1)
        return backup.volume_id, self._now()

    def _remember(self, backup: Backup, key: str) -> None:
        """Mark a backup whose proof failed, so that the next run proves its volume again, or makes a new one.

        A site that does not let us mark it changes nothing about the failure, which matters more.
        """
        with contextlib.suppress(DrError):
            known = self._effort.insist(lambda: self._sites.primary.backup(backup.id))
            if known:
                self._effort.insist(lambda: self._sites.primary.mark_backup(backup.id, {**known.metadata, key: self._now()}))

    def _now(self) -> str:
        return time_of_proof(self._sites.remote.cloud, self._waiter.clock)


def _refuse(sites: Sites, problems: t.Sequence[str]) -> None:
    if problems:
        raise CloudError(f"The copies at site '{sites.remote.cloud.site}' are incomplete. " + " ".join(problems))
