# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subnets that give addresses to ports of some services only (``service_types``). Pure.

Neutron asks whose a port is (``device_owner``) when it is made, and when it is bound to a host. A restore makes ports before the servers, so these say
in advance that a server has them, until Nova says it. A port on no server says so only until it has its addresses.
"""

from __future__ import annotations

import typing as t

from ..core.records import Subnet
from ..manifest.manifest import Manifest
from ..manifest.specs import PortSpec, SubnetSpec
from .marks import INTERFACE, owner_of
from .site import RestoreSite
from .topology import is_made

#: Whose the ports of servers are, behind which Nova writes their zone. Neutron trusts its own ports: they have no port security.
OF_SERVERS = "compute:"

#: Of one subnet.
Types: t.TypeAlias = "t.Collection[str]"


def owner_for(subnets: t.Iterable[Types]) -> str | None:
    """Whose a port must be to get addresses of some subnets: of nobody where that is empty, and None where no port of a server gets them."""
    limited = [types for types in subnets if types]
    if not limited:
        return ""
    return next((one for one in limited[0] if one.startswith(OF_SERVERS) and all(one in types for types in limited)), None)


def owner_of_port(site: RestoreSite, spec: PortSpec) -> str | None:
    """Whose a port must be when it is made, on subnets as they are at the site; see :func:`owner_for`."""
    return _owner(spec, _types_there(site, spec.network))


def _types_there(site: RestoreSite, network_name: str) -> dict[str, Types]:
    """The service types of each subnet on a network, by its name and by its id, which a mapping may have."""
    network = site.network(network_name)
    there = [one for one in site.subnets if network and one.network_id == network.id]
    return {name: one.service_types for one in there for name in (one.id, one.name)}


def _owner(spec: PortSpec, types: t.Mapping[str, Types]) -> str | None:
    """Whose a port must be; Neutron makes one without addresses only where it could have some.

    :param types: per subnet on the port's network.
    """
    if spec.fixed_ips or not types:
        return owner_for(types.get(ip.subnet, ()) for ip in spec.fixed_ips)
    fitting = [owner for one in types.values() if (owner := owner_for([one])) is not None]
    return "" if "" in fitting else next(iter(fitting), None)


def can_join(subnet: Subnet) -> bool:
    """Whether Neutron itself gives routers addresses of a subnet."""
    return not subnet.service_types or INTERFACE in subnet.service_types


def kept_open(whole: Manifest, site: RestoreSite) -> set[str]:
    """Subnets that the restore makes for all ports, because with their service types the application's own would not get their addresses.

    At the source, the ports were there first, or were made in another way.

    :param whole: with all servers.
    """
    limited = [spec for spec in whole.description.topology.subnets if spec.service_types and _is_of_restore(whole, site, spec)]
    found: set[str] = set()
    for port in whole.description.ports if limited else ():
        there, made = _types_there(site, port.network), [spec for spec in limited if spec.network == port.network]
        types = {**there, **{spec.name: there.get(spec.name) or spec.service_types for spec in made}}
        if _owner(port, types) is None:
            wanted = {ip.subnet for ip in port.fixed_ips} or types.keys()
            found |= {spec.name for spec in made if spec.name in wanted}
    return found


def _is_of_restore(whole: Manifest, site: RestoreSite, spec: SubnetSpec) -> bool:
    """Whether the restore makes a subnet, or has made it."""
    there = site.subnets_called(spec.name, site.network(spec.network))
    return not whole.description.topology.is_of_others(spec.name) and all(is_made(site, owner_of(whole), one) for one in there)
