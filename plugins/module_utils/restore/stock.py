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
from ..core.errors import CloudError
from ..core.records import Quota
from ..manifest.manifest import Copy
from ..work.pool import run_all
from . import site as restore_site
from .site import RestoreSite

Told = t.TypeVar("Told")

_SERVICES = ("volume", "compute", "network")
#: How a service answers that does not tell its quotas, or what else only some may know.
_NOT_TOLD = (403, 404)


@dataclasses.dataclass(frozen=True)
class Stock:
    """A site's resources and limits.

    :param parts: of copies, per id.
    :param quotas: of the project, per service (``volume``, ``compute``, ``network``) and name.
    :param unreadable: services whose quotas the credentials may not read, or that have no such call.
    :param roles: of the credentials in the project; none where they are not known.
    :param type_zones: availability zones per volume type, for those that can only be in some.
    :param free_addresses: how many IPv4 addresses are left, per id of a network; only administrators see it.
    :param zones: names of the availability zones that can be used, per service (``volume``, ``compute``).
    """

    site: RestoreSite
    parts: Parts
    volume_types: tuple[str, ...]
    quotas: t.Mapping[str, t.Mapping[str, Quota]]
    zones: t.Mapping[str, tuple[str, ...]]
    unreadable: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()
    type_zones: t.Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    free_addresses: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    #: Whether a volume can have several servers, per name of the types of which the site shows it.
    multiattach_types: t.Mapping[str, bool] = dataclasses.field(default_factory=dict)


def look(cloud: Cloud, concurrency: int, copies: t.Iterable[Copy] = (), admin: Cloud | None = None) -> Stock:
    """Read the project's resources and limits at the site.

    :param concurrency: how many calls at once.
    :param copies: that are wanted also where they belong to another project, as administrators may use them.
    :param admin: the site as an administrator, who makes ports on networks of others, and sees which addresses are taken there.
    """
    compute, storage, network = Compute(cloud), BlockStorage(cloud), Networking(cloud)
    work: dict[str, t.Callable[[], t.Any]] = {
        "parts": lambda: methods.look(storage, copies, concurrency),
        "volume types": storage.volume_types,
        "type zones": storage.zones_of_types,
        "multi-attach types": storage.multiattach_types,
        "free addresses": lambda: _if_readable(network.free_addresses),
        "volume": lambda: _if_readable(storage.quotas),
        "compute": lambda: _if_readable(compute.quotas),
        "network": lambda: _if_readable(network.quotas),
        "volume zones": storage.availability_zones,
        "compute zones": compute.availability_zones,
    }
    found = run_all(work, concurrency)
    site = restore_site.look(cloud, concurrency, admin)
    return Stock(
        site=restore_site.with_all_ports(admin, site) if admin else site,
        parts=methods.by_id(found["parts"]),
        volume_types=tuple(found["volume types"]),
        quotas={service: found[service] or {} for service in _SERVICES},
        zones={service: tuple(found[f"{service} zones"]) for service in ("volume", "compute")},
        unreadable=tuple(service for service in _SERVICES if found[service] is None),
        roles=cloud.roles,
        type_zones=found["type zones"],
        free_addresses=found["free addresses"] or {},
        multiattach_types=found["multi-attach types"],
    )


def _if_readable(read: t.Callable[[], dict[str, Told]]) -> dict[str, Told] | None:
    """What a service tells; None where it is kept from these credentials, or the service does not tell it."""
    try:
        return read()
    except CloudError as error:
        if error.http_status in _NOT_TOLD:
            return None
        raise
