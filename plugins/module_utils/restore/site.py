# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site that an application is restored at: what its project has there, and what others share with it.

What is shared is used where a name means it, and never changed.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..cloud.session import Cloud
from ..core.records import (
    AddressGroup,
    Flavor,
    FloatingIp,
    Network,
    Port,
    QosPolicy,
    Router,
    SecurityGroup,
    Server,
    ServerGroup,
    Subnet,
    SubnetPool,
    Trunk,
    Volume,
)
from ..manifest.specs import Topology
from ..work.pool import run_all
from .names import Names

#: The role that every OpenStack has for its administrators.
ADMINISTRATOR = "admin"

Shareable = t.TypeVar("Shareable", AddressGroup, Network, SecurityGroup, Subnet)
Named = t.TypeVar("Named", QosPolicy, SubnetPool)


@dataclasses.dataclass(frozen=True)
class RestoreSite:
    """What a site has that servers are restored from and into.

    :param project_id: to which servers, volumes, ports, routers, floating addresses and server groups belong.
    :param networks: with those that others share and external ones; so subnets and security groups.
    :param key_pairs: public key per name, of the credentials' user.
    :param ports_of_others: on networks that the project can use.
    :param extensions: aliases of what its Neutron knows beside its core.
    :param qos_policies: that the project may use; so subnet pools.
    """

    name: str
    servers: tuple[Server, ...]
    volumes: tuple[Volume, ...]
    ports: tuple[Port, ...]
    floating_ips: tuple[FloatingIp, ...]
    networks: tuple[Network, ...]
    subnets: tuple[Subnet, ...]
    security_groups: tuple[SecurityGroup, ...]
    flavors: tuple[Flavor, ...]
    key_pairs: t.Mapping[str, str]
    routers: tuple[Router, ...] = ()
    server_groups: tuple[ServerGroup, ...] = ()
    ports_of_others: tuple[Port, ...] = ()
    project_id: str = ""
    extensions: frozenset[str] = frozenset()
    trunks: tuple[Trunk, ...] = ()
    qos_policies: tuple[QosPolicy, ...] = ()
    subnet_pools: tuple[SubnetPool, ...] = ()
    address_groups: tuple[AddressGroup, ...] = ()
    #: The newest microversion that the site's Nova knows.
    nova: tuple[int, int] = (2, 100)
    #: Whether ports on networks of others are made with credentials that may choose their addresses; None where that is not known.
    may_choose: bool | None = None
    #: Whose things are meant by which names.
    names: Names = Names()

    @property
    def all_ports(self) -> tuple[Port, ...]:
        return (*self.ports, *self.ports_of_others)

    def is_own(self, resource: Network | Subnet | Router | SecurityGroup | AddressGroup) -> bool:
        return resource.project_id == self.project_id

    def restricts(self, network: Network) -> bool:
        """Whether a network is one of others, on whose ports only its owner and administrators set what these credentials may not."""
        return not self.is_own(network) and not self.may_choose

    def own(self, resources: t.Iterable[Shareable]) -> list[Shareable]:
        """The project's own resources, without those that others share."""
        return [one for one in resources if self.is_own(one)]

    def of_others(self, resources: t.Iterable[Shareable]) -> list[Shareable]:
        """What others share, without the project's own."""
        return [one for one in resources if not self.is_own(one)]

    def server_group(self, name: str | None) -> ServerGroup | None:
        return next((group for group in self.server_groups if group.name == name), None)

    def router(self, name: str) -> Router | None:
        return next((router for router in self.routers if router.name == name), None)

    def in_terms_of(self, topology: Topology) -> RestoreSite:
        """The site, where names mean what they mean to an application."""
        return dataclasses.replace(self, names=Names.of(topology))

    def networks_called(self, name: str) -> list[Network]:
        """Networks that servers may use, which a name of the application means, or a name or an id in a mapping: external ones last."""
        called = [one for one in self.networks if name in (one.name, one.id)]
        alike = [one for one in called if one.is_external == (name in self.names.external_networks)]
        if name in self.names.own_networks:
            return self.own(alike)
        if name in self.names.networks_of_others:
            return self.of_others(alike) or alike
        return self._meant(one for one in called if not one.is_external) or called

    def network(self, name: str) -> Network | None:
        return next(iter(self.networks_called(name)), None)

    def external_networks(self, name: str) -> list[Network]:
        return [one for one in self.networks if name in (one.name, one.id) and one.is_external]

    def external_network(self, name: str) -> Network | None:
        return next(iter(self.external_networks(name)), None)

    def subnets_called(self, name: str, network: Network | None) -> list[Subnet]:
        """The project's own of a name, or id, and others' where they are on a network; on a network of others, what is on it."""
        called, is_free = [one for one in self.subnets if name in (one.name, one.id)], network is None or self.is_own(network)
        return [one for one in called if (is_free and self.is_own(one)) or (network and one.network_id == network.id)]

    def subnet_id(self, network_id: str, name: str) -> str | None:
        matches = (one.id for one in self.subnets if name in (one.name, one.id) and one.network_id == network_id)
        return next(matches, None)

    def security_groups_called(self, name: str) -> list[SecurityGroup]:
        """Security groups with this name: the project's own, or else others', but for those of the application."""
        called = [one for one in self.security_groups if one.name == name]
        return self.own(called) if name in self.names.own_groups else self._meant(called)

    def security_group_id(self, name: str) -> str | None:
        return next((group.id for group in self.security_groups_called(name)), None)

    def own_security_group(self, name: str) -> SecurityGroup | None:
        return next((group for group in self.own(self.security_groups) if group.name == name), None)

    def address_groups_called(self, name: str) -> list[AddressGroup]:
        """Address groups with this name, as security groups."""
        called = [one for one in self.address_groups if one.name == name]
        return self.own(called) if name in self.names.own_address_groups else self._meant(called)

    def own_address_group(self, name: str) -> AddressGroup | None:
        return next((group for group in self.own(self.address_groups) if group.name == name), None)

    def group_names(self, topology: Topology) -> dict[str, str]:
        """Name per id of the security groups and address groups that rules refer to by these names.

        :param topology: names in it mean the project's own groups, whatever others share.
        """
        groups = {one.name: called[0] for one in self.security_groups if (called := self.security_groups_called(one.name))}
        addresses = {one.name: listed[0] for one in self.address_groups if (listed := self.address_groups_called(one.name))}
        described = {spec.name for spec in topology.security_groups}, {spec.name for spec in topology.address_groups}
        return {
            **{group.id: name for name, group in groups.items() if self.is_own(group) or name not in described[0]},
            **{group.id: name for name, group in addresses.items() if self.is_own(group) or name not in described[1]},
        }

    def floating_ips_of(self, port: Port | None) -> list[FloatingIp]:
        return [one for one in self.floating_ips if port and one.port_id == port.id]

    def trunk_of(self, port: Port | None) -> Trunk | None:
        """The trunk of which a port is the parent."""
        return next((one for one in self.trunks if port and one.port_id == port.id), None)

    def qos_policy(self, name: str | None) -> QosPolicy | None:
        """The project's own of a name, or else one that others share."""
        return next(iter(self._own_first(self.qos_policies, name)), None)

    def subnet_pool(self, name: str | None) -> SubnetPool | None:
        return next(iter(self._own_first(self.subnet_pools, name)), None)

    def _own_first(self, resources: t.Iterable[Named], name: str | None) -> list[Named]:
        return sorted((one for one in resources if name and one.name == name), key=lambda one: one.project_id != self.project_id)

    def _meant(self, called: t.Iterable[Shareable]) -> list[Shareable]:
        found = list(called)
        return self.own(found) or found


def look(cloud: Cloud, concurrency: int, admin: Cloud | None = None) -> RestoreSite:
    """See what the project has at the site: one list call per kind of resource, all at once.

    :param concurrency: how many calls at once.
    :param admin: the site as an administrator, who makes ports on networks of others.
    """
    compute, storage, network = Compute(cloud), BlockStorage(cloud), Networking(cloud)
    work: dict[str, t.Callable[[], t.Any]] = {
        "servers": compute.servers,
        "volumes": storage.volumes,
        "ports": network.ports,
        "ports_of_others": network.ports_of_others,
        "floating_ips": network.floating_ips,
        "networks": network.networks,
        "subnets": network.subnets,
        "routers": network.routers,
        "security_groups": network.security_groups,
        "address_groups": network.address_groups,
        "flavors": compute.flavors,
        "server_groups": compute.server_groups,
        "key_pairs": compute.key_pairs,
        "extensions": network.extensions,
        "trunks": network.trunks,
        "qos_policies": network.qos_policies,
        "subnet_pools": network.subnet_pools,
        "nova": compute.newest_version,
    }
    found = run_all(work, concurrency)
    whole = {kind: found.pop(kind) for kind in ("key_pairs", "extensions", "nova")}
    listed: dict[str, t.Any] = {kind: tuple(there) for kind, there in found.items()}
    return RestoreSite(name=cloud.site, project_id=cloud.project_id, may_choose=_may_choose(cloud, admin), **whole, **listed)


def with_all_ports(admin: Cloud, site: RestoreSite) -> RestoreSite:
    """The site with all ports on networks of others, which only their owners and administrators see."""
    theirs = sorted(one.id for one in site.networks if not site.is_own(one) and (one.is_shared or not one.is_external))
    seen = [one for one in Networking(admin).ports_on(theirs) if one.project_id != site.project_id]
    return dataclasses.replace(site, ports_of_others=tuple({one.id: one for one in (*site.ports_of_others, *seen)}.values()))


def _may_choose(cloud: Cloud, admin: Cloud | None) -> bool | None:
    """Whether there are credentials that may choose addresses on networks of others. Of some that were given for it, a site's own policies may say so."""
    if admin and ADMINISTRATOR not in admin.roles:
        return None
    return ADMINISTRATOR in (admin or cloud).roles if (admin or cloud).roles else None
