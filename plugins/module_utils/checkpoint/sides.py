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
from ..manifest.manifest import Outline
from ..snapshots.job import SnapshotJob
from ..snapshots.plan import SnapshotPlan
from ..snapshots.wanted import Storages, Wanted
from ..work.waiting import Waiter
from .intended import IntendedCheckpoint


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

    def problems(self, intended: IntendedCheckpoint, wanted: Wanted) -> list[str]:
        """Why the checkpoint cannot be taken here, or not be copied.

        :param wanted: what the project has of the set of snapshots.
        """
        problems = self._runs_elsewhere(intended)
        return problems + self._set_problems(intended, wanted) if wanted.members else problems

    def _runs_elsewhere(self, intended: IntendedCheckpoint) -> list[str]:
        if not intended.site:
            return []
        name = intended.application.name
        return active_site.refusals(intended.site, active_site.own_record(self.own, name), self.catalogue.active(name))

    def _set_problems(self, intended: IntendedCheckpoint, wanted: Wanted) -> list[str]:
        # Nothing is waited for.
        waiter = Waiter(timeout=0, interval=0)
        job = SnapshotJob(Storages([self.sites.primary]), self.admin, wanted, intended.grouping, waiter, intended.concurrency)
        plan = job.plan(is_confirmed=False)
        problems = job.problems(plan, job.units(), thaws_leftovers=intended.quiesce is not None) if plan.changed else []
        contents = last_proofs(self.catalogue.overview(intended.application.name, Outline.of).kept, besides=intended.name)
        return problems + _prospect(intended, wanted, job, plan).problems(self.sites, intended.delivery.knowing(contents))


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
    )
