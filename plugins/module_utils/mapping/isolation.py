# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill restores: an isolated copy of the application. Pure.

It is the manifest with a mapping that gives everything around the servers a name of the drill's own and has it made,
and with all ways to the outside cut. Addresses inside are those that a real restore would give. What comes out carries the
drill's id, by which marks and names of what is made tell it from everything that a real restore makes.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import require_drill_id
from ..core.errors import MappingInvalid
from ..core.marking import drill_name
from ..manifest.manifest import Manifest
from ..manifest.selection import chosen
from ..manifest.specs import PortSpec, RouterSpec, ServerSpec
from .apply import Mapped, apply
from .mapping import AddressRule, ServerRule, SiteMapping, Target

#: What a drill shares with real restores: nobody notices that.
_SHARED = ("flavors", "volume_types", "availability_zones", "qos_policies")


@dataclasses.dataclass(frozen=True)
class Wish:
    """What of a checkpoint is restored, and with which names.

    :param mapping: how the site calls things.
    :param drill: id of the drill; None for a real restore.
    :param servers: by name at the source; all when None.
    """

    manifest: Manifest
    mapping: SiteMapping = SiteMapping()
    drill: str | None = None
    servers: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, manifest: Manifest, mapping: t.Any = None, drill: str | None = None, servers: t.Iterable[str] | None = None) -> Wish:
        """Read what somebody wants of a checkpoint.

        :raises MappingInvalid: when the mapping cannot be read.
        """
        return cls(manifest, SiteMapping.parse(mapping), drill, None if servers is None else tuple(servers))

    @property
    def source(self) -> Manifest:
        """What is to be restored, as it is at the source.

        :raises InvalidInput: naming servers that the checkpoint does not have.
        """
        return chosen(self.manifest, self.servers)

    def manifest_there(self) -> Manifest:
        """What is restored, as it will be at the site.

        :raises MappingInvalid: naming everything that cannot be done.
        """
        mapped = as_restored(self.source, self.mapping, self.drill)
        if mapped.problems:
            raise MappingInvalid(mapped.problems)
        return mapped.manifest

    def whole_there(self) -> Manifest:
        """The whole checkpoint as it will be at the site, once what is not restored now is too; whatever the mapping lacks for that."""
        return as_restored(self.manifest, self.mapping, self.drill).manifest


def as_restored(manifest: Manifest, mapping: SiteMapping, drill: str | None) -> Mapped:
    """The manifest as it is to be at the site.

    :param drill: id of the drill; None for a real restore.
    """
    if drill is None:
        return apply(manifest, mapping)
    mapped = apply(manifest, isolating(manifest, mapping, require_drill_id(drill)))
    return Mapped(_cut_off(mapped.manifest, drill), (*_undescribed(manifest), *mapped.problems))


def isolating(manifest: Manifest, mapping: SiteMapping, drill: str) -> SiteMapping:
    """The mapping of a drill.

    :param mapping: of the real restore; flavors, volume types, zones, what becomes of addresses and which server groups are left out are as it says.
    """
    topology = manifest.description.topology
    made: dict[str, t.Sequence[t.Any]] = {
        "networks": topology.networks,
        "subnets": topology.subnets,
        "routers": topology.routers,
        "security_groups": topology.security_groups,
        "address_groups": topology.address_groups,
        "key_pairs": topology.key_pairs,
        "server_groups": topology.server_groups,
    }
    names = {kind: {spec.name: Target(drill_name(drill, spec.name), make=True) for spec in specs} for kind, specs in made.items()}
    names["subnets"] = {name: dataclasses.replace(one, cidr=_cidr(mapping, name)) for name, one in names["subnets"].items()}
    names["server_groups"] |= {name: one for name, one in mapping.targets("server_groups").items() if one.name is None}
    shared = {kind: mapping.targets(kind) for kind in _SHARED}
    servers = {name: _without_floating(one) for name, one in mapping.servers.items()}
    return SiteMapping({**names, **shared}, AddressRule(mapping.rule.policy, floating=False), servers, mapping.root_disks)


def _cidr(mapping: SiteMapping, subnet: str) -> str | None:
    target = mapping.target("subnets", subnet)
    return target.cidr if target else None


def _without_floating(rule: ServerRule) -> ServerRule:
    """Address rules without floating addresses, at every level, because the narrowest rule wins."""
    ports = {key: dataclasses.replace(one, floating=False) for key, one in rule.ports.items()}
    return ServerRule(dataclasses.replace(rule.rule, floating=False), ports)


def _cut_off(manifest: Manifest, drill: str) -> Manifest:
    """Routers without gateways, which still connect the application's own subnets; nothing that has a name in others' DNS, or a range of others."""
    description, topology = manifest.description, manifest.description.topology
    inner = dataclasses.replace(
        topology,
        networks=tuple(dataclasses.replace(network, dns_domain="") for network in topology.networks),
        subnets=tuple(dataclasses.replace(subnet, subnet_pool=None) for subnet in topology.subnets),
        routers=tuple(_inner(router) for router in topology.routers),
        ports=_unnamed(topology.ports),
    )
    servers = tuple(dataclasses.replace(server, ports=_unnamed(server.ports)) for server in description.servers)
    return dataclasses.replace(manifest, description=dataclasses.replace(description, servers=servers, topology=inner), drill=drill)


def _inner(router: RouterSpec) -> RouterSpec:
    return dataclasses.replace(router, external_network=None, enable_snat=True, gateway_addresses=(), gateway_qos_policy=None)


def _unnamed(ports: t.Iterable[PortSpec]) -> tuple[PortSpec, ...]:
    return tuple(dataclasses.replace(port, dns_name="", dns_domain="") for port in ports)


def _undescribed(manifest: Manifest) -> t.Iterator[str]:
    """What the manifest only names and does not describe, so that no copy of it can be made."""
    topology = manifest.description.topology
    networks = {spec.name for spec in topology.networks}
    subnets = {spec.name for spec in topology.subnets}
    groups = {spec.name for spec in topology.security_groups}
    server_groups = {spec.name for spec in topology.server_groups} | {None}
    for server in manifest.description.servers:
        if server.server_group not in server_groups:
            yield _cannot_be_made(server, f"server group '{server.server_group}'")
        for port in server.ports:
            lacking = [f"network '{port.network}'"] if port.network not in networks else []
            lacking += [f"subnet '{ip.subnet}'" for ip in port.fixed_ips if ip.subnet not in subnets]
            lacking += [f"security group '{name}'" for name in port.security_groups if name not in groups]
            for what in lacking:
                yield _cannot_be_made(server, what)


def _cannot_be_made(server: ServerSpec, what: str) -> str:
    return (
        f"Server '{server.name}' uses {what}, which the manifest does not describe, so no isolated copy of it can be made; "
        "take the server out of the application, or drill another checkpoint."
    )
