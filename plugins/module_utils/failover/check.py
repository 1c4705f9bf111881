# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check whether an application can be moved to another site, before its first server is stopped."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..capture.job import capture
from ..catalogue.catalogue import Catalogue
from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.session import Cloud
from ..copies import methods
from ..core.encryption import VolumeKey
from ..core.errors import CheckFailed
from ..core.records import Snapshot
from ..manifest.manifest import ApplicationDescription, Checkpoint, Copy, Manifest
from ..manifest.specs import VolumeSpec
from ..manifest.volume_keys import Sealer
from ..mapping.isolation import Wish
from ..mapping.mapping import SiteMapping
from ..mapping.parts import refusals_of_parts
from ..restore import sealed
from ..restore import stock as restore_stock
from ..restore.needs import Need
from ..snapshots.wanted import Storages, snapshots_of
from ..snapshots.wanted import Wanted as WantedSet
from ..work.pool import each
from . import active_site, superseded
from .active_site import Move
from .preflight import Conditions, assess


@dataclasses.dataclass(frozen=True)
class MoveRequest:
    """The requested move.

    :param given: id for the last checkpoint; empty for any.
    :param fresh: id that it gets when neither this nor an earlier run has named one.
    :param active_site: the site that the operator says has the right data; None when not given.
    :param conditions: of the restore at the target.
    :param sealer: for the keys of encrypted volumes; None to refuse such volumes.
    :param means: to restore encrypted volumes at the target.
    """

    application: Application
    given: str
    fresh: str
    active_site: str | None
    mapping: SiteMapping
    conditions: Conditions
    sealer: Sealer | None = None
    means: sealed.Means = sealed.Means()


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The result of the check.

    :param checkpoint: id of the last checkpoint.
    :param is_taken: whether it is in the catalogue already.
    :param old: servers at the target that must be removed first.
    :param warnings: what will be missing at the target, and what else an operator should know.
    """

    move: Move
    checkpoint: str
    is_taken: bool
    problems: tuple[str, ...]
    old: tuple[superseded.Old, ...] = ()
    needs: tuple[Need, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "application": self.move.application.name,
            "checkpoint": self.checkpoint,
            "taken": self.is_taken,
            "done": self.move.is_done,
            "resumed": bool(self.move.begun),
            "problems": list(self.problems),
            "old": [one.as_dict() for one in self.old],
            "needs": [dataclasses.asdict(one) for one in self.needs],
        }


def settle(move: Move, given: str, fresh: str) -> tuple[str, list[str]]:
    """Choose the id of the last checkpoint; also returns the problems with it."""
    if move.is_done:
        return t.cast(active_site.ActiveRecord, move.record).checkpoint, []
    begun = sorted(move.begun)
    if len(begun) > 1 or (begun and given and given != begun[0]):
        listed = ", ".join(f"'{one}'" for one in begun)
        return begun[0], [
            f"A move to site '{move.target.name}' has begun with checkpoint {listed}. To resume it, give no other id; to give it up, release the servers "
            f"at site '{move.source.name}' (playbook fence, dr_fence_state: released)."
        ]
    return (begun[0] if begun else given or fresh), []


def provisional(description: ApplicationDescription, checkpoint: str, site: str, now: str, sealer: Sealer | None = None) -> Manifest:
    """Make the manifest of a checkpoint that is yet to be taken: everything except where the data is."""
    levels = {server.name: "offline" for server in description.servers}
    copies = tuple(_pending(volume, sealer) for volume in description.volumes)
    return Manifest(Checkpoint(checkpoint, now, site, "offline", levels, {}), description, copies)


def _pending(volume: VolumeSpec, sealer: Sealer | None) -> Copy:
    """A copy that is yet to be made; that of an encrypted volume has something sealed, which shows whether the keys are a pair."""
    copy = methods.pending(volume.source_id, volume.size, volume.is_image)
    return dataclasses.replace(copy, key=sealer.seal(volume.source_id, VolumeKey("", 0, b""))) if volume.encryption and sealer else copy


class MoveSite:
    """One of the two sites.

    :param name: how the catalogues call it.
    :param admin: the site as an administrator, who makes ports on networks of others there.
    """

    def __init__(self, name: str, cloud: Cloud, catalogue: Catalogue, admin: Cloud | None = None) -> None:
        self.name = name
        self.cloud = cloud
        self.catalogue = catalogue
        self.admin = admin

    def view(self, application: Application) -> active_site.View:
        return active_site.look(self.name, self.catalogue, application, Compute(self.cloud).servers())

    def snapshots(self, application: Application, checkpoint: str) -> list[Snapshot]:
        """Snapshots that exist here for a checkpoint and would be adopted when it is taken."""
        return snapshots_of(Storages([BlockStorage(self.cloud)]), WantedSet(application, checkpoint, "offline", ()))


def check(source: MoveSite, target: MoveSite, wanted: MoveRequest, now: str, concurrency: int) -> Verdict:
    """Look at both sites and judge.

    :param now: ISO 8601 in UTC.
    """
    views = each((source, target), lambda one: one.view(wanted.application), concurrency)
    move = Move(wanted.application, *views)
    checkpoint, problems = settle(move, wanted.given, wanted.fresh)
    problems += move.problems(wanted.active_site)
    taken = target.catalogue.find(wanted.application.name, checkpoint)
    problems += _outdated(source, move, checkpoint, taken) + refusals_of_parts(taken, "A move to another site")
    verdict = Verdict(move, checkpoint, taken is not None, tuple(problems))
    if move.is_done:
        return verdict
    if taken is None:
        try:
            captured = capture(source.cloud, wanted.application, concurrency, seals_keys=wanted.sealer is not None)
        except CheckFailed as error:
            return dataclasses.replace(verdict, problems=(*problems, *error.facts["problems"]))
        taken = provisional(captured.description, checkpoint, source.name, now, wanted.sealer)
        verdict = dataclasses.replace(verdict, warnings=captured.warnings)
    return _judged(verdict, taken, wanted, restore_stock.look(target.cloud, concurrency, admin=target.admin), target.cloud)


def _outdated(source: MoveSite, move: Move, checkpoint: str, taken: Manifest | None) -> list[str]:
    """Refuse a checkpoint that was taken before the move: whatever the application has written since would be lost silently."""
    if move.is_done or move.is_held:
        return []
    moments = [taken.checkpoint.created_at] if taken else sorted(one.created_at for one in source.snapshots(move.application, checkpoint))
    if not moments:
        return []
    return [f"Checkpoint '{checkpoint}' was taken earlier ({moments[0]}), so everything written since would be lost. {_anew(move)}"]


def _anew(move: Move) -> str:
    if not move.begun:
        return "Give another id, or none."
    return (
        f"At site '{move.source.name}' these servers run, or were unlocked, since the move began: {', '.join(move.let_go)}. Release the servers there "
        "(playbook fence, dr_fence_state: released) and start over; or, if you know that they have not run since, lock them again."
    )


def _judged(verdict: Verdict, source: Manifest, wanted: MoveRequest, stock: restore_stock.Stock, target: Cloud) -> Verdict:
    """Add what the restore at the target needs, and what blocks it."""
    # Judged as if the old servers were gone; those that are still there are reported separately.
    found = assess(Wish(source, wanted.mapping), dataclasses.replace(wanted.conditions, remove_old=True), stock)
    if wanted.conditions.remove_old:
        old_problems = superseded.removal_problems(source, stock.site.name, found.old, verdict.is_taken)
        old_problems += superseded.root_disk_problems(stock.site.name, found.old, wanted.conditions.keep_volumes)
    else:
        old_problems = superseded.in_the_way(stock.site.name, found.old)
    sealed_problems, sealed_doubts = sealed.check(found.plan.volumes, wanted.means, target)
    return dataclasses.replace(
        verdict,
        problems=(*verdict.problems, *old_problems, *found.problems, *sealed_problems),
        old=found.old,
        needs=found.needs,
        # Both sides tell what will be missing.
        warnings=tuple(dict.fromkeys((*verdict.warnings, *found.doubts, *sealed_doubts))),
    )
