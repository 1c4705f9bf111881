# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove checkpoints with everything that only they need, at both sites.

The manifest goes first, so that no checkpoint in the catalogue ever lacks anything; then the parts of its copies at the remote
site, then those at the primary site, in the order that their method demands. Where both sites share one store, removing a
backup at one site removes its objects, and the other site's record of it is removed after it.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ..cloud.block_storage import BlockStorage
from ..copies import methods
from ..copies.method import Part
from ..core.errors import CloudError, DrError, Interrupted, InvalidInput, ManifestInvalid
from ..core.records import APPLICATION_KEY, CHECKPOINT_KEY, Snapshot
from ..manifest.manifest import Outline
from ..manifest.pieces import LABEL_KEY
from ..work.pool import each, run_all
from ..work.waiting import Waiter
from .publication import Publication
from .retention import Following, Policy, Retention, Surplus, decide, spare, surplus


@dataclasses.dataclass(frozen=True)
class PrunePlan:
    """What is kept and removed.

    :param sites: what is removed at each site, the remote one first.
    """

    retention: Retention
    sites: tuple[tuple[BlockStorage, Surplus], ...]

    @property
    def changes(self) -> bool:
        return bool(self.retention.remove or any(one.parts or one.snapshots for _storage, one in self.sites))


@dataclasses.dataclass(frozen=True)
class _Opposite:
    """The checkpoints copied the other way, from the remote site to the primary one, while the application ran there.

    :param manifests: None when they are unknown.
    :param problem: why they are unknown.
    """

    manifests: t.Sequence[Outline] | None
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class _Found:
    """What exists at one site."""

    storage: BlockStorage
    parts: t.Sequence[Part]
    snapshots: t.Sequence[Snapshot] = ()

    def surplus(self, application: str, retention: Retention) -> Surplus:
        return surplus(application, retention, self.parts, self.snapshots)


class Pruning:
    """Applies a retention policy to one application.

    :param primary: the site with the catalogue of what was copied the other way; None to leave it alone, for example when it is gone.
    """

    def __init__(self, publication: Publication, primary: Publication | None, waiter: Waiter, concurrency: int) -> None:
        self._publication = publication
        self._remote = publication.storage
        self._primary = primary
        self._waiter = waiter
        self._concurrency = concurrency
        #: What could not be removed, and why.
        self.warnings: list[str] = []

    def plan(self, application: str, policy: Policy | Following) -> PrunePlan:
        """Decide what is removed.

        :raises ManifestInvalid: when a manifest is unreadable, so that the backups it needs are unknown.
        :raises InvalidInput: when the parts of checkpoints over several projects would be kept by other rules than the leading project's.
        """
        known = methods.look(self._remote)
        primary = self._primary.storage if self._primary else None
        at_primary = methods.look(primary) if primary else []
        manifests = self._manifests(application)
        _refuse_own_rules(application, policy, manifests)
        opposite = self._opposite(application, manifests, at_primary)
        retention = spare(application, decide(policy, manifests, known, opposite.manifests), at_primary)
        sites = [_Found(self._remote, known)]
        if primary:
            sites.append(_Found(primary, at_primary, primary.snapshots()))
        self.warnings += _spared(application, retention, sites, opposite.problem)
        return PrunePlan(retention, tuple((one.storage, one.surplus(application, retention)) for one in sites))

    def _manifests(self, application: str) -> t.Sequence[Outline]:
        found = self._publication.catalogue.checkpoints(application, Outline.of)
        problems = [one.problem for one in found.damaged] + _unknown(found.kept)
        if problems:
            raise ManifestInvalid(
                f"Nothing of application '{application}' was pruned: these manifests are unreadable, so the backups they need are unknown: "
                f"{' '.join(problems)}",
                "Rebuild them with os_catalogue_rebuild, or remove them with os_checkpoint (state: absent).",
            )
        return found.kept

    def _opposite(self, application: str, manifests: t.Sequence[Outline], at_primary: t.Sequence[Part]) -> _Opposite:
        """Find the checkpoints that were copied the other way.

        :param manifests: the remote site's; where both sites share an object store, the primary site's too.
        :param at_primary: all parts of copies that the primary site knows.
        """
        if not self._primary:
            return _Opposite(None, "the primary site, which has their catalogue, was not read.")
        try:
            found = self._primary.catalogue.checkpoints(application, Outline.of)
        except Interrupted:
            raise
        except DrError as error:
            return _Opposite(None, f"the catalogue of site '{self._primary.site}' cannot be read. {error}")
        ids = {one.checkpoint.id for one in found.kept}
        lost = _published(application, at_primary) - ids - {one.checkpoint for one in found.damaged}
        problems = [one.problem for one in found.damaged] + _unknown(found.kept)
        problems += [f"It lacks checkpoint '{one}', of which the site has backups; rebuild it with os_catalogue_rebuild." for one in sorted(lost)]
        if problems:
            return _Opposite(None, f"the catalogue of site '{self._primary.site}' is incomplete. {' '.join(problems)}")
        return _Opposite([one for one in found.kept if one not in manifests])

    def carry_out(self, plan: PrunePlan) -> PrunePlan:
        """Remove what was planned.

        :returns: what was removed: the plan without what the sites refused to delete.
        """
        for manifest in plan.retention.remove:
            application, checkpoint = manifest.application.name, manifest.checkpoint.id
            self._publication.withdraw(application, checkpoint, self._publication.pieces_to_remove(application, checkpoint))
        left: set[str] = set()
        removed = []
        for storage, gone in plan.sites:
            snapshots = self._remove_snapshots(storage, gone.snapshots)
            # The objects may be those of both sites.
            left |= self._remove_parts(storage, [one for one in gone.parts if one.id not in left])
            removed.append((storage, Surplus(tuple(one for one in gone.parts if one.id not in left), tuple(snapshots))))
        return dataclasses.replace(plan, sites=tuple(removed))

    def _remove_parts(self, storage: BlockStorage, parts: t.Sequence[Part]) -> set[str]:
        """Remove parts of copies.

        :returns: ids of those that the site refused to delete.
        """
        left = each(methods.removal_order(parts), lambda ordered: self._remove_in_order(storage, ordered), self._concurrency)
        return {one.id for some in left for one in some}

    def _remove_in_order(self, storage: BlockStorage, parts: t.Sequence[Part]) -> t.Sequence[Part]:
        for number, part in enumerate(parts):
            if not self._try(functools.partial(methods.delete, storage, part)):
                return parts[number:]
            methods.await_removal(storage, part, self._waiter)
        return ()

    def _try(self, delete: t.Callable[[], None]) -> bool:
        """Delete one thing, or warn.

        :returns: False when the site refuses: somebody else's backup builds on it, or it is in use.
        """
        try:
            delete()
        except CloudError as error:
            if error.http_status != 400:
                raise
            self.warnings.append(f"{error.message} It was kept.")
            return False
        return True

    def _remove_snapshots(self, storage: BlockStorage, snapshots: t.Sequence[Snapshot]) -> list[Snapshot]:
        """Remove snapshots.

        :returns: those that are gone.
        """
        delete = {
            one.group_snapshot_id or one.id: storage.delete_group_snapshot if one.group_snapshot_id else storage.delete_snapshot
            for one in snapshots
        }
        work = {one: functools.partial(self._try, functools.partial(act, one)) for one, act in delete.items()}
        deleted = {one for one, is_accepted in run_all(work, self._concurrency).items() if is_accepted}
        gone = [one for one in snapshots if (one.group_snapshot_id or one.id) in deleted]
        ids = {one.id for one in gone}
        what = f"the snapshots of removed checkpoints on site '{storage.cloud.site}' to be deleted"
        self._waiter.until(what, lambda: None if ids & {one.id for one in storage.snapshots()} else True)
        return gone


def _refuse_own_rules(application: str, policy: Policy | Following, manifests: t.Iterable[Outline]) -> None:
    """A part may be there of a checkpoint that does not exist as a whole, and would push out one that does."""
    led = next((one.checkpoint.together for one in manifests if one.checkpoint.together and not one.checkpoint.together.is_leading), None)
    if led and isinstance(policy, Policy):
        raise InvalidInput(
            f"Here are parts of checkpoints of application '{application}', which is in several projects. Which are kept is decided in the catalogue of "
            f"the leading project ({led.projects[0]} at the primary site).",
            "Give leading_cloud, the remote site in that project.",
        )


def _unknown(manifests: t.Iterable[Outline]) -> list[str]:
    return [problem for one in manifests for problem in methods.unknown_problems(one)]


def _published(application: str, parts: t.Iterable[Part]) -> set[str]:
    """Ids of the checkpoints whose manifests the backups at a site keep: those of the site's own catalogue."""
    return {
        one.metadata.get(CHECKPOINT_KEY, "") for one in parts if one.metadata.get(APPLICATION_KEY) == application and LABEL_KEY in one.metadata
    }


def _spared(application: str, retention: Retention, sites: t.Iterable[_Found], problem: str) -> t.Iterator[str]:
    """Warn of leftovers that are kept because checkpoints copied the other way may need them.

    :param problem: why it is unknown which checkpoints those are.
    """
    if retention.opposite is not None:
        return
    certain = dataclasses.replace(retention, opposite=frozenset())
    for site in sites:
        goes, would = site.surplus(application, retention), site.surplus(application, certain)
        backups, snapshots = len(would.parts) - len(goes.parts), len(would.snapshots) - len(goes.snapshots)
        if backups or snapshots:
            yield (
                f"{backups} backups and {snapshots} snapshots at site '{site.storage.cloud.site}' belong to no checkpoint in the catalogue. They were kept "
                f"because checkpoints copied the other way may need them: {problem}"
            )
