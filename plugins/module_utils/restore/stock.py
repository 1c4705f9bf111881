# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site's resources and limits, by which a restore is judged."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..cloud.session import Cloud
from ..copies import methods
from ..copies.method import Parts
from ..core.records import Quota
from ..manifest.manifest import Copy
from ..work.pool import run_all
from . import site as restore_site
from .site import RestoreSite


@dataclasses.dataclass(frozen=True)
class Stock:
    """A site's resources and limits.

    :param parts: of copies, per id.
    :param quotas: of the project, per service (``volume``, ``compute``, ``network``) and name.
    :param zones: names of the availability zones that can be used, per service (``volume``, ``compute``).
    """

    site: RestoreSite
    parts: Parts
    volume_types: tuple[str, ...]
    quotas: t.Mapping[str, t.Mapping[str, Quota]]
    zones: t.Mapping[str, tuple[str, ...]]


def look(cloud: Cloud, concurrency: int, copies: t.Iterable[Copy] = ()) -> Stock:
    """Read the project's resources and limits at the site.

    :param concurrency: how many calls at once.
    :param copies: that are wanted also where they belong to another project, as administrators may use them.
    """
    compute, storage, network = Compute(cloud), BlockStorage(cloud), Networking(cloud)
    work: dict[str, t.Callable[[], t.Any]] = {
        "parts": lambda: methods.look(storage, copies, concurrency),
        "volume types": storage.volume_types,
        "volume": storage.quotas,
        "compute": compute.quotas,
        "network": network.quotas,
        "volume zones": storage.availability_zones,
        "compute zones": compute.availability_zones,
    }
    found = run_all(work, concurrency)
    return Stock(
        site=restore_site.look(cloud, concurrency),
        parts=methods.by_id(found["parts"]),
        volume_types=tuple(found["volume types"]),
        quotas={service: found[service] for service in ("volume", "compute", "network")},
        zones={service: tuple(found[f"{service} zones"]) for service in ("volume", "compute")},
    )
