# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the application's addresses free until its ports have them. Pure.

As soon as a subnet is there, what Neutron itself has on it (DHCP, metadata, distributed routers) takes addresses of its allocation pools.
So a subnet is made with pools in which those of the application are missing: its ports may ask for them all the same. It gets the pools that
it has at the source once all these ports are there. Where a run is killed in between, the next one does that.
"""

from __future__ import annotations

import collections
import typing as t

from ..core.records import Subnet
from ..manifest.addresses import derives_addresses, without
from ..manifest.manifest import Manifest
from ..manifest.specs import SubnetSpec
from .marks import owner_of
from .site import RestoreSite
from .topology import is_made

Pools = list[dict[str, str]]


def reserving_pools(manifest: Manifest, spec: SubnetSpec) -> Pools:
    """The allocation pools with which a subnet is made; addresses that follow from MAC addresses nothing else takes."""
    if derives_addresses(spec.ipv6_ra_mode, spec.ipv6_address_mode):
        return _plain(spec)
    return without(spec.allocation_pools, _addresses(manifest)[spec.network, spec.name])


def complete_pools(whole: Manifest, site: RestoreSite) -> list[tuple[Subnet, Pools]]:
    """Subnets that this restore made, and whose addresses are kept free no longer, each with the pools that it is to have.

    :param whole: with all servers, also where some are restored: tier by tier, the last one completes the pools.
    """
    owner, addresses = owner_of(whole), _addresses(whole)
    found = []
    for spec in whole.description.topology.subnets:
        there = [one for one in site.subnets_called(spec.name, site.network(spec.network)) if is_made(site, owner, one)]
        found += [(one, _plain(spec)) for one in there if _is_done(site, one, spec, addresses[spec.network, spec.name])]
    return found


def _is_done(site: RestoreSite, subnet: Subnet, spec: SubnetSpec, addresses: t.Iterable[str]) -> bool:
    """Whether a subnet's pools lack addresses of the application, which all have their ports, and lack no other: that somebody has changed since."""
    there = without(subnet.allocation_pools, ())
    kept_free = [one for one in addresses if without(subnet.allocation_pools, [one]) == there]
    held = {ip.ip_address for port in site.all_ports if port.network_id == subnet.network_id for ip in port.fixed_ips}
    reserves = there != without(spec.allocation_pools, ()) and there == without(spec.allocation_pools, kept_free)
    return reserves and held.issuperset(kept_free)


def _plain(spec: SubnetSpec) -> Pools:
    return [dict(pool) for pool in spec.allocation_pools]


def _addresses(manifest: Manifest) -> dict[tuple[str, str], list[str]]:
    """The addresses of the application's ports and of its routers' own interfaces, per network and subnet."""
    found: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
    for port in manifest.description.ports:
        for ip in port.fixed_ips:
            if ip.ip_address:
                found[port.network, ip.subnet].append(ip.ip_address)
    networks = {spec.name: spec.network for spec in manifest.description.topology.subnets}
    for router in manifest.description.topology.routers:
        for ip in router.interface_addresses:
            found[networks.get(ip.subnet, ""), ip.subnet].append(ip.ip_address)
    return found
