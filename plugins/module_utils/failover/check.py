# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an application can be moved to another site, found out before its first server is stopped."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..capture import describe as capture
from ..catalogue.catalogue import Catalogue
from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.session import Cloud
from ..copies import methods
from ..core.errors import CheckFailed
from ..core.records import Snapshot
from ..manifest.manifest import ApplicationDescription, Checkpoint, Manifest
from ..mapping.apply import apply
from ..mapping.drift import restore_problems
from ..mapping.mapping import SiteMapping
from ..mapping.proposal import Inventory
from ..readiness import gates as readiness
from ..restore import problems as restore_check
from ..snapshots.wanted import Storages, snapshots_of
from ..snapshots.wanted import Wanted as WantedSet
from ..work.pool import run_all
from . import active_site, superseded
from .active_site import Move


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The move that is wanted.

    :param given: id that the last checkpoint is to have; empty for any.
    :param fresh: id that it gets when neither this nor an earlier run has named one.
    :param active_site: the site that somebody says is right; None when nobody does.
    :param remove_old: whether old servers of the application at the target may be removed.
    :param command_checks: what becomes of health checks that are commands.
    """

    application: Application
    given: str
    fresh: str
    active_site: str | None
    mapping: SiteMapping
    remove_old: bool
    keep_volumes: bool
    command_checks: str


@dataclasses.dataclass(frozen=True)
class Verdict:
    """:param checkpoint: id of the last checkpoint.
    :param is_taken: whether it is in the catalogue already.
    :param old: servers at the target that have to give place.
    """

    move: Move
    checkpoint: str
    is_taken: bool
    problems: tuple[str, ...]
    old: tuple[superseded.Old, ...] = ()
    needs: tuple[restore_check.Need, ...] = ()

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
    """The id of the last checkpoint, and what speaks against it."""
    if move.is_done:
        return t.cast(active_site.ActiveRecord, move.record).checkpoint, []
    begun = sorted(move.begun)
    if len(begun) > 1 or (begun and given and given != begun[0]):
        listed = ", ".join(f"'{one}'" for one in begun)
        return begun[0], [
            f"A move to site '{move.target.name}' was begun with checkpoint {listed}; go on with it by not giving another id, or release the servers "
            f"at site '{move.source.name}' (playbook fence, dr_fence_state: released)."
        ]
    return (begun[0] if begun else given or fresh), []


def provisional(description: ApplicationDescription, checkpoint: str, site: str, now: str) -> Manifest:
    """The manifest of a checkpoint that is yet to be taken: all but where the data is."""
    levels = {server.name: "offline" for server in description.servers}
    copies = tuple(methods.pending(volume.source_id, volume.size) for volume in description.volumes)
    return Manifest(Checkpoint(checkpoint, now, site, "offline", levels, {}), description, copies)


class Site:
    """One of the two sites.

    :param name: how the catalogues call it.
    """

    def __init__(self, name: str, cloud: Cloud, catalogue: Catalogue) -> None:
        self.name = name
        self.cloud = cloud
        self.catalogue = catalogue

    def view(self, application: Application) -> active_site.View:
        return active_site.look(self.name, self.catalogue, application, Compute(self.cloud).servers())

    def snapshots(self, application: Application, checkpoint: str) -> list[Snapshot]:
        """What was taken here for a checkpoint, and would be adopted by who takes it."""
        return snapshots_of(Storages([BlockStorage(self.cloud)]), WantedSet(application, checkpoint, "offline", ()))


def check(source: Site, target: Site, wanted: Wanted, now: str, concurrency: int) -> Verdict:
    """Look at both sites and judge.

    :param now: ISO 8601 in UTC.
    """
    views = run_all({one.name: (lambda one=one: one.view(wanted.application)) for one in (source, target)}, concurrency)
    move = Move(wanted.application, views[source.name], views[target.name])
    checkpoint, problems = settle(move, wanted.given, wanted.fresh)
    problems += move.problems(wanted.active_site)
    taken = target.catalogue.find(wanted.application.name, checkpoint)
    problems += _outdated(source, move, checkpoint, taken)
    verdict = Verdict(move, checkpoint, taken is not None, tuple(problems))
    if move.is_done:
        return verdict
    try:
        manifest = taken or provisional(_described(source, wanted.application, concurrency), checkpoint, source.name, now)
    except CheckFailed as error:
        return dataclasses.replace(verdict, problems=(*problems, *error.facts["problems"]))
    return _judged(verdict, manifest, wanted, restore_check.look(target.cloud, concurrency))


def _outdated(source: Site, move: Move, checkpoint: str, taken: Manifest | None) -> list[str]:
    """The data of this checkpoint were taken before, and the application may have written since: a move with it would lose that without a word."""
    if move.is_done or move.is_held:
        return []
    moments = [taken.checkpoint.created_at] if taken else sorted(one.created_at for one in source.snapshots(move.application, checkpoint))
    if not moments:
        return []
    return [f"Checkpoint '{checkpoint}' was taken before ({moments[0]}), and what was written since would be lost. {_anew(move)}"]


def _anew(move: Move) -> str:
    if not move.begun:
        return "Give another id, or none."
    return (
        f"At site '{move.source.name}' these run, or were unlocked, since the move was begun: {', '.join(move.let_go)}. Release the servers there (playbook "
        "fence, dr_fence_state: released) and begin anew; or, if you know that they have not run since, lock them again."
    )


def _described(source: Site, application: Application, concurrency: int) -> ApplicationDescription:
    return capture.describe(application, capture.look(source.cloud, application, concurrency))


def _judged(verdict: Verdict, source: Manifest, wanted: Wanted, stock: restore_check.Stock) -> Verdict:
    """Add what the restore at the target takes, and what is in its way."""
    site = stock.site
    olds = superseded.plan_superseded(apply(source, wanted.mapping).manifest, site)
    if wanted.remove_old:
        found = superseded.removal_problems(source, site.name, olds, verdict.is_taken)
    else:
        found = superseded.in_the_way(site.name, olds)
    left = superseded.without(stock, olds, wanted.keep_volumes)
    manifest, problems = restore_problems(source, wanted.mapping, Inventory(left))
    commands = readiness.command_problems(manifest.application, wanted.command_checks)
    return dataclasses.replace(
        verdict,
        problems=(*verdict.problems, *found, *problems, *commands),
        old=tuple(olds),
        needs=tuple(restore_check.needs(manifest, left)),
    )
