# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that copies at the remote site are whole, before they count."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import re
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.object_store import ObjectStore
from ..core.errors import CloudError, DrError, ResourceFailed
from ..core.records import Backup
from ..work.pool import run_all
from ..work.progress import Progress
from ..work.waiting import Waiter
from . import scratch
from .objects import Location, inspect
from .sites import Chain, Sites
from .transport import Effort, location_of

#: The remote site knows each backup, and the same of it as the primary site.
RECORDS = "records"
#: And every object of the whole chain is in the store.
OBJECTS = "objects"
#: And a volume restored from it is the snapshot, block by block.
RESTORE = "restore"
DEPTHS = (RECORDS, OBJECTS, RESTORE)

#: A store may list an object a little later than it took it.
_LISTING_LAG_SECONDS = 30.0
_BLOCK_SIZE = re.compile(rb'"chunk_size":\s*(\d+)\D')
_SUM = re.compile(rb'"([0-9a-f]{64})"')
_SUM_BYTES = 65
#: In which the size of a block has to come.
_HEADER_BYTES = 1024**2


def foreseeable(depth: str) -> str:
    """How deep a look is that changes nothing."""
    return OBJECTS if depth == RESTORE else depth


@dataclasses.dataclass(frozen=True)
class Proof:
    """What was found of one backup in the store; nothing where the store was not looked at."""

    stored_bytes: int = 0
    inventory: str = ""


class Verification:
    """Looks at copies as deeply as wanted."""

    def __init__(self, sites: Sites, depth: str, effort: Effort, waiter: Waiter, progress: Progress) -> None:
        self._sites = sites
        self._depth = depth
        self._effort = effort
        self._waiter = waiter
        self._progress = progress

    def prove(self, chains: t.Sequence[Chain]) -> list[tuple[Chain, Proof]]:
        """:raises CloudError: listing all that is not as it must be."""
        self._progress.begin("verifying", "backups", len(chains))
        _refuse(self._sites, self._record_problems(chains))
        if self._depth == RECORDS:
            return [(chain, Proof()) for chain in chains]
        work = {chain.backup.id: (lambda chain=chain: self._prove_objects(chain)) for chain in chains}
        proofs = run_all(work, self._effort.concurrency)
        if self._depth == RESTORE:
            run_all({c.backup.id: (lambda c=c: self._prove_content(c)) for c in chains}, self._effort.concurrency)
        return [(chain, proofs[chain.backup.id]) for chain in chains]

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
            f"It has another backup under id {b.id} of volume {b.volume_id}."
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


class Comparison:
    """A volume restored from a backup only to be compared with what was backed up, and removed again.

    No data passes through here: the restored volume is backed up once more, and Cinder's backup service writes down
    the SHA-256 of every block of a volume that it backs up.
    """

    def __init__(self, storage: BlockStorage, waiter: Waiter, backup: Backup) -> None:
        self._storage = storage
        self._waiter = waiter
        self._backup = backup
        self._name = f"osdr-verify-{backup.id}"

    def compare(self, store: ObjectStore, location: Location) -> None:
        """:raises CloudError: when the volume's blocks are not those of the snapshot."""
        self.remove()
        try:
            self._compare(store, location)
        except BaseException:
            # What is still busy can only be removed by the next run, or by pruning; why this one failed must be told.
            with contextlib.suppress(DrError):
                self.remove()
            raise
        self.remove()

    def _compare(self, store: ObjectStore, location: Location) -> None:
        wanted = {"name": self._name, "size": self._backup.size, "description": scratch.description(self._backup.id)}
        volume = self._storage.create_volume_from_backup(self._backup.id, wanted)
        patient = self._waiter.moving(self._backup.size)
        patient.until(f"volume {self._name} to be restored", lambda: self._restored(volume.id))
        again = self._storage.create_backup(volume.id, {"name": self._name, "metadata": scratch.mark(self._backup.id)})
        found = patient.until(f"backup {self._name}", lambda: self._backed_up(again))
        with (
            store.stream(location.container, location.block_sums_name) as wanted_sums,
            store.stream(found.container, _block_sums_name(store, found)) as sums,
        ):
            _refuse_difference(BlockSums(wanted_sums), BlockSums(sums), self._backup)

    def remove(self) -> None:
        """Remove what this or an earlier run has made."""
        scratch.Scratch.of(self._storage, self._backup.id).remove(self._storage, self._waiter)

    def _restored(self, volume_id: str) -> bool | None:
        status = self._storage.volume(volume_id).status
        if status.startswith("error"):
            raise self._failure(f"a volume could not be restored from it ({status})")
        return True if status == "available" else None

    def _backed_up(self, backup_id: str) -> Backup | None:
        found = self._storage.backup(backup_id)
        if found is None or found.status == "error":
            raise self._failure("the volume restored from it could not be backed up for comparison")
        return found if found.status == "available" else None

    def _failure(self, reason: str) -> ResourceFailed:
        site = self._storage.cloud.site
        return ResourceFailed(
            f"Backup {self._backup.id} of volume {self._backup.volume_id} could not be verified on site '{site}': {reason}.",
            "See the logs of its backup service.",
            resource_type="backup",
            resource_id=self._backup.id,
        )


def _block_sums_name(store: ObjectStore, backup: Backup) -> str:
    names = store.names(backup.container, f"volume_{backup.volume_id}/")
    found = [one for one in names if one.endswith(f"_backup_{backup.id}_sha256file")]
    if not found:
        raise CloudError(f"Site '{store.cloud.site}' has no block checksums of backup {backup.id} in container '{backup.container}'.")
    return found[0]


class BlockSums:
    """The SHA-256 of each block of a volume, from the object in which Cinder keeps them.

    For a large volume that object is huge, so that it is read as a stream. Its keys are sorted: the size of a block comes
    before the sums.
    """

    def __init__(self, blocks: t.Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = b""

    def block_size(self) -> int | None:
        """Bytes; None where the object does not tell."""
        while not (found := _BLOCK_SIZE.search(self._rest)) and len(self._rest) < _HEADER_BYTES and self._more():
            pass
        return int(found[1]) if found else None

    def sums(self) -> t.Iterator[bytes]:
        """To be asked for after the size of a block."""
        while True:
            end = 0
            for found in _SUM.finditer(self._rest):
                end = found.end()
                yield found[1]
            self._rest = self._rest[max(end, len(self._rest) - _SUM_BYTES) :]
            if not self._more():
                return

    def _more(self) -> bool:
        block = next(self._blocks, b"")
        self._rest += block
        return bool(block)


def _refuse_difference(wanted: BlockSums, there: BlockSums, backup: Backup) -> None:
    """:raises CloudError: when a restored volume is not what was backed up."""
    size, size_there = wanted.block_size(), there.block_size()
    if size is None or size != size_there:
        raise CloudError(
            f"Backup {backup.id} of volume {backup.volume_id} cannot be compared: the sites' backup services sum up blocks of "
            f"{size} and {size_there} bytes.",
            "Give both the same backup_swift_block_size, or choose verification: objects.",
        )
    blocks, differing = 0, 0
    for one, other in itertools.zip_longest(wanted.sums(), there.sums()):
        blocks += 1
        differing += one != other
    if differing or not blocks:
        raise CloudError(
            f"A volume restored from backup {backup.id} differs from the snapshot of volume {backup.volume_id} in {differing} of "
            f"{blocks} blocks of {size} bytes.",
            "The copy is of no use; make a full backup.",
        )


def _refuse(sites: Sites, problems: t.Sequence[str]) -> None:
    if problems:
        raise CloudError(f"The copies at site '{sites.remote.cloud.site}' are not whole. " + " ".join(problems))
