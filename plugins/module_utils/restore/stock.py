# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site has and allows, for whoever judges whether a whole restore can succeed there."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..cloud.session import Cloud
from ..core.records import Backup, Quota
from ..work.pool import each, run_all
from . import site as restore_site
from .site import RestoreSite


@dataclasses.dataclass(frozen=True)
class Stock:
    """What a site has and allows.

    :param quotas: of the project, per service (``volume``, ``compute``, ``network``) and name.
    :param zones: names of the availability zones that can be used, per service (``volume``, ``compute``).
    """

    site: RestoreSite
    backups: t.Mapping[str, Backup]
    volume_types: tuple[str, ...]
    quotas: t.Mapping[str, t.Mapping[str, Quota]]
    zones: t.Mapping[str, tuple[str, ...]]


def look(cloud: Cloud, concurrency: int, wanted: t.Iterable[str] = ()) -> Stock:
    """See what the project has at the site and may have.

    :param concurrency: how many calls at once.
    :param wanted: ids of backups, which administrators may use also where they belong to another project.
    """
    compute, storage, network = Compute(cloud), BlockStorage(cloud), Networking(cloud)
    found = run_all(
        {
            "backups": storage.backups,
            "volume types": storage.volume_types,
            "volume": storage.quotas,
            "compute": compute.quotas,
            "network": network.quotas,
            "volume zones": storage.availability_zones,
            "compute zones": compute.availability_zones,
        },
        concurrency,
    )
    backups = {backup.id: backup for backup in found["backups"]}
    others = each({*wanted} - {*backups}, storage.backup, concurrency)
    return Stock(
        site=restore_site.look(cloud, concurrency),
        backups={**backups, **{backup.id: backup for backup in others if backup}},
        volume_types=tuple(found["volume types"]),
        quotas={service: found[service] for service in ("volume", "compute", "network")},
        zones={service: tuple(found[f"{service} zones"]) for service in ("volume", "compute")},
    )
