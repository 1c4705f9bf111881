# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy a checkpoint by what the storage of both sites mirrors.

The storage brings the snapshots of the checkpoint to the remote site. Once all of one are there, it is made something of its own, which Cinder adopts as a
volume of the project. A checkpoint's copies are these volumes, all of its own snapshots: where a single one is missing, there is no
checkpoint, and the one before stays the newest.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..core.errors import CheckFailed, CloudError, ResourceFailed, WaitTimeout
from ..core.records import Snapshot, Volume, VolumeCopy
from ..core.text import listed
from ..core.volume_marks import VolumeCopyMark, complete_mark, copy_of
from ..manifest.manifest import Copy
from ..manifest.pieces import LABEL_KEY
from ..mirror.driver import Cut, MirrorDriver
from ..mirror.options import MirrorOptions
from ..work.pool import each
from ..work.progress import Progress
from ..work.waiting import Waiter
from .check import shortages
from .method import Copied, Copying
from .mirrored_volume import MirroredVolume
from .options import ReplicationOptions
from .plan import snapshots_of
from .sites import Sites
from .verification import RECORDS


@dataclasses.dataclass(frozen=True)
class _MirrorTask:
    """The copy of one volume.

    :param snapshot: None where it is gone, and the copy is all that is left.
    :param copy: what is there of it.
    """

    volume_id: str
    snapshot: Snapshot | None
    copy: VolumeCopy | None

    @property
    def is_done(self) -> bool:
        return self.copy is not None and self.copy.is_usable


class Mirroring(Copying):
    """Copies the volumes of one checkpoint; adopts what an earlier run did."""

    def __init__(self, sites: Sites, options: ReplicationOptions, mirror: MirrorOptions, waiter: Waiter, progress: Progress) -> None:
        self._sites = sites
        self._wanted, self._delivery, self._concurrency = options.wanted, options.delivery, options.effort.concurrency
        self._mirror = mirror
        self._driver = mirror.driver(sites.primary.cloud.site, sites.remote.cloud.site)
        self._waiter = waiter
        self._progress = progress

    @property
    def has_volumes(self) -> bool:
        return bool(self._tasks())

    def check(self) -> None:
        self._checked()

    def carry_out(self) -> Copied:
        tasks, surplus = self._checked()
        each(surplus, self._remove, self._concurrency)
        self._make([task for task in tasks if not task.is_done])
        return _copied(tasks, bool(surplus) or not all(task.is_done for task in tasks), self._described(self._tasks()))

    def foresee(self) -> Copied:
        tasks, surplus = self._checked()
        return _copied(tasks, bool(surplus) or not all(task.is_done for task in tasks), self._described([task for task in tasks if task.is_done]))

    # Planning

    def _copies(self) -> list[VolumeCopy]:
        """All that have the marks of this checkpoint."""
        found = (copy_of(volume) for volume in self._sites.remote.volumes() if volume.status != "deleting")
        return [one for one in found if one and self._wanted.metadata.items() <= one.metadata.items()]

    def _tasks(self) -> list[_MirrorTask]:
        snapshots, copies = snapshots_of(self._sites.primary, self._wanted), self._copies()
        if not snapshots:
            return [_MirrorTask(one.volume_id, None, one) for one in copies if one.is_usable]
        return [_MirrorTask(snapshot.volume_id, snapshot, _best(copies, snapshot)) for snapshot in snapshots]

    def _checked(self) -> tuple[list[_MirrorTask], list[VolumeCopy]]:
        """What is to be copied, and what has the marks of this checkpoint and is no copy of its snapshots, or failed.

        :raises CheckFailed: when there is nothing to copy, or it cannot be copied.
        """
        tasks = self._tasks()
        kept = {task.copy.id for task in tasks if task.copy}
        surplus = [one for one in self._copies() if one.id not in kept]
        problems = [problem for one in surplus for problem in self._why_it_stays(one)]
        problems += [problem for task in tasks for problem in self._snapshot_problems(task)]
        to_make = {task.volume_id: task.snapshot.size for task in tasks if task.snapshot and not task.copy}
        problems += prospect_problems(self._sites, self._mirror, self._driver, to_make)
        if not tasks:
            problems.append(f"It has no snapshots on site '{self._sites.primary.cloud.site}'; take them with os_cg_snapshot.")
        if problems:
            raise CheckFailed(f"Checkpoint '{self._wanted.checkpoint}' of '{self._wanted.application}' cannot be copied", problems)
        return tasks, surplus

    def _why_it_stays(self, copy: VolumeCopy) -> list[str]:
        if LABEL_KEY not in copy.metadata:
            return []
        return [
            f"A checkpoint with this id was published with volume {copy.id} at site '{self._sites.remote.cloud.site}', which is of another moment. "
            "Give another id, or first remove that checkpoint with os_checkpoint (state: absent)."
        ]

    def _snapshot_problems(self, task: _MirrorTask) -> list[str]:
        if task.is_done or task.snapshot is None or task.snapshot.status == "available":
            return []
        return [
            f"Snapshot {task.snapshot.id} of volume {task.volume_id} on site '{self._sites.primary.cloud.site}' is {task.snapshot.status}; it must be "
            "available. Retake the snapshots with os_cg_snapshot."
        ]

    # Making

    def _make(self, tasks: t.Sequence[_MirrorTask]) -> None:
        """Make copies of all snapshots that have none, and complete those that an earlier run began."""
        new = [task.snapshot for task in tasks if task.snapshot and not task.copy]
        self._progress.begin("mirroring", "volumes", len(new))
        each(new, self._enable, self._concurrency)
        tokens = dict(zip((one.id for one in new), each(new, lambda one: self._driver.send(_cut(one)), self._concurrency), strict=True))
        receipts = self._receipts(new, tokens)
        volumes = {one.id: one for one in self._sites.primary.volumes()}
        each(new, lambda one: self._adopt(one, receipts[one.id], volumes.get(one.volume_id)), self._concurrency)
        made = [one for one in self._copies() if not one.is_complete]
        each(made, lambda one: self._complete(one, volumes.get(one.volume_id)), self._concurrency)

    def _enable(self, snapshot: Snapshot) -> None:
        self._driver.mirror(snapshot.volume_id, self._waiter.moving(snapshot.size).timeout)

    def _receipts(self, snapshots: t.Sequence[Snapshot], tokens: t.Mapping[str, str]) -> dict[str, str]:
        """How the storage says that each snapshot has arrived, per its id.

        :raises WaitTimeout: naming the volumes of which one has not.
        """
        receipts: dict[str, str] = {}

        def look() -> bool | None:
            missing = [one for one in snapshots if one.id not in receipts]
            found = each(missing, lambda one: self._driver.arrived(_cut(one), tokens[one.id]), self._concurrency)
            receipts.update({one.id: receipt for one, receipt in zip(missing, found, strict=True) if receipt})
            self._progress.at(len(receipts), 0)
            return True if len(receipts) == len(snapshots) else None

        what = f"the mirrored snapshots to be complete on site '{self._sites.remote.cloud.site}'"
        try:
            self._waiter.moving(sum(one.size for one in snapshots)).until(what, look)
        except WaitTimeout as error:
            late = [one.volume_id for one in snapshots if one.id not in receipts]
            states = "; ".join(f"volume {one}: {self._driver.state(one)}" for one in late)
            raise WaitTimeout(f"{error.message} The storage says of {states}.", "Nothing was published. Re-run with the same id.") from error
        return receipts

    def _adopt(self, snapshot: Snapshot, receipt: str, volume: Volume | None) -> None:
        """Keep what has arrived, and have Cinder adopt it."""
        name = _name(snapshot.id)
        self._driver.keep(_cut(snapshot), name)
        mark = VolumeCopyMark(snapshot.volume_id, snapshot.id, snapshot.created_at, receipt, self._wanted.metadata)
        wanted = {
            "name": snapshot.name,
            "description": f"Copy of volume {snapshot.volume_id}. Kept for a checkpoint; do not attach or change it.",
            "bootable": volume is not None and volume.bootable,
            "metadata": mark.as_metadata(),
        }
        volume_type = self._mirror.volume_type or (volume.volume_type if volume else "")
        body = {**wanted, "volume_type": volume_type} if volume_type else wanted
        self._sites.importing.manage_volume(self._mirror.backend, name, body)

    def _complete(self, copy: VolumeCopy, volume: Volume | None) -> None:
        """Give an adopted volume what belongs to it, once Cinder has it; the mark that it is complete comes last."""
        remote = self._sites.remote
        self._waiter.until(f"volume {copy.id} on site '{remote.cloud.site}' to be managed", lambda: self._managed(copy))
        if volume and volume.image_metadata:
            remote.set_volume_image_metadata(copy.id, volume.image_metadata)
        remote.make_volume_read_only(copy.id)
        remote.set_volume_metadata(copy.id, complete_mark(copy.id))

    def _managed(self, copy: VolumeCopy) -> bool | None:
        remote = self._sites.remote
        status = remote.volume(copy.id).status
        if status.startswith("error"):
            reason = remote.failure_reason(copy.id)
            raise ResourceFailed(
                f"Volume {copy.id} on site '{remote.cloud.site}' could not be managed: it is {status}.{f' Cinder says: {reason}' if reason else ''}",
                f"Check that remote_storage.backend ({self._mirror.backend}) is of pool {self._mirror.remote.pool} there; then re-run, which replaces it.",
                resource_type="volume",
                resource_id=copy.id,
            )
        return True if status == "available" else None

    def _remove(self, copy: VolumeCopy) -> None:
        """Remove what is no copy of this checkpoint, with what Cinder may have failed to adopt for it."""
        remote = self._sites.remote
        remote.delete_volume(copy.id)
        self._waiter.until(f"the deletion of volume {copy.id} on site '{remote.cloud.site}'", lambda: MirroredVolume().is_gone(remote, copy))
        self._driver.discard(_name(copy.snapshot_id))

    def _described(self, tasks: t.Iterable[_MirrorTask]) -> list[Copy]:
        return [self._copy(task.copy) for task in tasks if task.copy]

    def _copy(self, copy: VolumeCopy) -> Copy:
        return Copy(
            volume_id=copy.volume_id,
            method=MirroredVolume.name,
            copy_id=copy.id,
            chain=(copy.id,),
            size=copy.size,
            incremental=False,
            object_count=0,
            verified=RECORDS,
            content=self._delivery.content(copy.volume_id, ""),
        )


def prospect_problems(sites: Sites, mirror: MirrorOptions, driver: MirrorDriver, sizes: t.Mapping[str, int]) -> list[str]:
    """Why copies of volumes could not be made, as far as that can be found out without making them.

    :param sizes: in GiB, per id of the volumes that are to be copied.
    """
    if not sizes:
        return []
    volumes = [one for one in sites.primary.volumes() if one.id in sizes]
    problems = [
        f"Volume {one.label} is encrypted: Cinder does not adopt such volumes with their keys. Use another transport."
        for one in volumes
        if one.encrypted
    ]
    problems += driver.problems(sizes)
    problems += _cinder_problems(sites.importing, mirror)
    problems += _type_problems(sites.remote, mirror, volumes)
    room = {"volumes": len(sizes), "gigabytes": sum(sizes.values())}
    return problems + shortages(sites.remote, room, "Each kept checkpoint takes a volume for each of its volumes. Raise it, or remove old checkpoints.")


def _cinder_problems(importing: BlockStorage, mirror: MirrorOptions) -> list[str]:
    site = importing.cloud.site
    if not importing.may_manage(mirror.backend):
        return [
            f"The credentials may not manage volumes on site '{site}'. Give remote_admin_cloud: an administrator with a role in the target project, "
            "or one whom the policy volume_extension:volume_manage allows it."
        ]
    try:
        backends = {one.name for one in importing.pools()}
    except CloudError:
        # Who may manage volumes need not be allowed to see all backends.
        return []
    if mirror.backend in backends:
        return []
    return [f"Site '{site}' has no backend '{mirror.backend}' (it has {listed(sorted(backends)) or 'none'}). Correct remote_storage.backend."]


def _type_problems(remote: BlockStorage, mirror: MirrorOptions, volumes: t.Iterable[Volume]) -> list[str]:
    wanted = {mirror.volume_type} if mirror.volume_type else {one.volume_type for one in volumes if one.volume_type}
    missing = sorted(wanted - remote.volume_types().keys())
    return [f"Site '{remote.cloud.site}' has no volume type '{one}' for the copies; give remote_storage.volume_type." for one in missing]


def _name(snapshot_id: str) -> str:
    """How what is kept of a snapshot is called until Cinder has adopted it."""
    return f"osdr-{snapshot_id}"


def _cut(snapshot: Snapshot) -> Cut:
    return Cut(snapshot.volume_id, snapshot.id)


def _best(copies: t.Iterable[VolumeCopy], snapshot: Snapshot) -> VolumeCopy | None:
    """The copy of a snapshot that counts; one that failed does not."""
    mine = [one for one in copies if one.snapshot_id == snapshot.id and (one.is_usable or one.is_under_way)]
    return min(mine, key=lambda one: (not one.is_usable, one.id), default=None)


def _copied(tasks: t.Sequence[_MirrorTask], changed: bool, copies: t.Sequence[Copy]) -> Copied:
    before = tuple(sorted(task.volume_id for task in tasks if task.is_done))
    return Copied(changed, before, tuple(sorted(task.volume_id for task in tasks)), tuple(copies))
