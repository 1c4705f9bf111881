# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One project of an application at both sites, and what a checkpoint of its servers would lack there."""

from __future__ import annotations

import dataclasses
import typing as t

from ..catalogue.catalogue import Catalogue
from ..cloud.block_storage import BlockStorage
from ..cloud.session import connect, connect_other
from ..cloud.site_clock import SiteClock
from ..copies.prospect import Prospect
from ..copies.sampling import last_proofs
from ..copies.sites import Accounts, Sites
from ..failover import active_site
from ..manifest.manifest import Manifest, Outline
from ..snapshots.forecast import Measured
from ..snapshots.grouping import Unit
from ..snapshots.job import SnapshotJob
from ..snapshots.plan import SnapshotPlan
from ..snapshots.wanted import Storages, Wanted
from ..work.waiting import Waiter
from .intended import IntendedCheckpoint

#: So many of the newest checkpoints tell how long a window is.
_MEASURED = 5


@dataclasses.dataclass(frozen=True)
class SideFindings:
    """What was found out about a project.

    :param answer: seconds in which Cinder answered a request for a snapshot; None when it was not asked.
    :param measured: what the windows of earlier checkpoints took, the newest first.
    :param units: what will be snapshotted together.
    """

    problems: list[str]
    answer: float | None = None
    measured: tuple[Measured, ...] = ()
    units: tuple[Unit, ...] = ()


@dataclasses.dataclass(frozen=True)
class _Earlier:
    """What counts of an earlier checkpoint."""

    outline: Outline
    measured: Measured | None

    @classmethod
    def of(cls, found: Manifest | Outline) -> _Earlier:
        return cls(Outline.of(found), Measured.of(found.checkpoint.id, found.checkpoint.evidence))


@dataclasses.dataclass(frozen=True)
class Side:
    """One project of the application, at both sites.

    :param admin: the primary site as an administrator, to whom backends are shown; None when there is none.
    :param own: the primary site's catalogue.
    :param catalogue: the remote site's, in which the checkpoint will be published.
    """

    sites: Sites
    admin: BlockStorage | None
    own: Catalogue
    catalogue: Catalogue

    @classmethod
    def connect(cls, options: t.Mapping[str, t.Any]) -> Side:
        """Connect to both sites.

        :param options: those of os_checkpoint_check, with this project's credentials.
        """
        sites = Sites.connect(connect(options), Accounts.parse(options))
        admin = BlockStorage(connect_other(options["admin_cloud"])) if options["admin_cloud"] else None
        return cls(sites, admin, Catalogue.of(sites.primary.cloud, options), Catalogue.of(sites.remote.cloud, options))

    @property
    def project_id(self) -> str:
        return self.sites.primary.cloud.project_id

    @property
    def remote_project_id(self) -> str:
        return self.sites.remote.cloud.project_id

    @property
    def clocks(self) -> tuple[SiteClock, SiteClock]:
        return self.sites.primary.cloud.clock, self.sites.remote.cloud.clock

    def judge(self, intended: IntendedCheckpoint, wanted: Wanted) -> SideFindings:
        """Why the checkpoint cannot be taken here, or not be copied, and what was learnt on the way.

        :param wanted: what the project has of the set of snapshots.
        """
        problems = self._runs_elsewhere(intended)
        return self._judge_set(intended, wanted, problems) if wanted.members else SideFindings(problems)

    def _runs_elsewhere(self, intended: IntendedCheckpoint) -> list[str]:
        if not intended.site:
            return []
        name = intended.application.name
        return active_site.refusals(intended.site, active_site.own_record(self.own, name), self.catalogue.active(name))

    def _judge_set(self, intended: IntendedCheckpoint, wanted: Wanted, problems: list[str]) -> SideFindings:
        # Nothing is waited for.
        waiter = Waiter(timeout=0, interval=0)
        job = SnapshotJob(Storages([self.sites.primary]), self.admin, wanted, intended.grouping, waiter, intended.concurrency)
        plan = job.plan(is_confirmed=False)
        units = job.units() if plan.changed else []
        problems = [*problems, *(job.problems(plan, units, thaws_leftovers=intended.quiesce is not None) if plan.changed else [])]
        earlier = self.catalogue.overview(intended.application.name, _Earlier.of).kept
        contents = last_proofs([one.outline for one in earlier], besides=intended.name)
        problems += _prospect(intended, wanted, job, plan).problems(self.sites, intended.delivery.knowing(contents), intended.mirror)
        measured = [one.measured for one in earlier if one.measured and one.outline.checkpoint.id != intended.name]
        return SideFindings(problems, job.answer, tuple(measured[:_MEASURED]), tuple(units))


def _prospect(intended: IntendedCheckpoint, wanted: Wanted, job: SnapshotJob, plan: SnapshotPlan) -> Prospect:
    """What there will be to copy: the snapshots that are there, if they stay."""
    snapshot_ids = dict.fromkeys(wanted.volumes, "") if plan.changed else {one.volume_id: one.id for one in job.snapshots.current()}
    disks = {disk.id for disk in wanted.root_disks}
    return Prospect(
        wanted.metadata,
        {one.id: one.size for one in wanted.volumes.values() if one.id not in disks},
        {volume: snapshot_id for volume, snapshot_id in snapshot_ids.items() if volume not in disks},
        intended.copy_concurrency,
        len(disks),
        {one.id: intended.backup_zone or one.availability_zone for one in wanted.volumes.values() if one.id not in disks},
    )
