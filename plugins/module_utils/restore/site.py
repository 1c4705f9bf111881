# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the site that an application is restored at: one list call per kind of resource, all at once."""

from __future__ import annotations

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Network
from ..cloud.session import Cloud
from ..work.pool import run_all
from .server_plan import Site


def look(cloud: Cloud, concurrency: int) -> Site:
    """See what the project has at the site.

    :param concurrency: how many calls at once.
    """
    compute, storage, network = Compute(cloud), BlockStorage(cloud), Network(cloud)
    found = run_all(
        {
            "servers": compute.servers,
            "volumes": storage.volumes,
            "ports": network.ports,
            "floating addresses": lambda: network.list("floatingips"),
            "networks": lambda: network.list("networks"),
            "subnets": lambda: network.list("subnets"),
            "security groups": lambda: network.list("security-groups"),
            "flavors": compute.flavors,
            "key pairs": compute.key_pairs,
            "server groups": compute.server_groups,
        },
        concurrency,
    )
    return Site(
        name=cloud.site,
        servers=tuple(found["servers"]),
        volumes=tuple(found["volumes"]),
        ports=tuple(found["ports"]),
        floating_ips=tuple(found["floating addresses"]),
        networks=tuple(found["networks"]),
        subnets=tuple(found["subnets"]),
        security_groups=tuple(found["security groups"]),
        flavors=tuple(found["flavors"]),
        key_pairs=found["key pairs"],
        server_groups=tuple(found["server groups"]),
    )
