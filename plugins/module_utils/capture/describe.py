# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describing an application: everything that is needed to rebuild it but its data. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..core.errors import CheckFailed
from ..core.intent import intents_of
from ..core.marking import unmarked, unmarked_tags, unmarked_text
from ..core.records import Network, Port, Router, SecurityGroup, Server, Subnet, Volume
from ..manifest.manifest import ApplicationDescription
from ..manifest.rules import rule_spec
from ..manifest.specs import (
    AddressSpec,
    KeyPairSpec,
    NetworkSpec,
    PortSpec,
    RouterSpec,
    SecurityGroupSpec,
    ServerGroupSpec,
    ServerSpec,
    SubnetSpec,
    Topology,
    VolumeSpec,
)
from .look import CaptureSite
from .problems import problems, ssh_keys
from .scope import Scope, group_name, groups


def describe(application: Application, seen: CaptureSite) -> ApplicationDescription:
    """Describe an application as it is.

    :raises CheckFailed: naming everything that could not be restored from such a description.
    """
    scope = Scope.of(seen)
    found = problems(application, seen, scope)
    if found:
        raise CheckFailed(f"Application '{application.name}' on site '{seen.site}' cannot be captured", found)
    return ApplicationDescription(
        application=_by_name(application, seen),
        servers=tuple(
            _server(application, seen, tier.name, seen.servers[wanted]) for tier in application.tiers for wanted in tier.servers
        ),
        topology=_topology(application, seen, scope),
    )


def _by_name(application: Application, seen: CaptureSite) -> Application:
    """The definition with names instead of ids, which mean nothing at another site."""
    tiers = tuple(
        dataclasses.replace(tier, servers=tuple(seen.servers[wanted].name for wanted in tier.servers))
        for tier in application.tiers
    )
    return dataclasses.replace(application, tiers=tiers)


# Servers


def _server(application: Application, seen: CaptureSite, tier: str, server: Server) -> ServerSpec:
    group, intent = seen.group_of(server), intents_of(seen.servers.values())[server.id]
    return ServerSpec(
        source_id=server.id,
        name=server.name,
        tier=tier,
        flavor=server.flavor,
        key_name=server.key_name,
        config_drive=server.config_drive,
        description=server.description,
        metadata=unmarked(server.metadata),
        tags=unmarked_tags(server.tags),
        ports=tuple(_port(seen, port) for port in seen.ports_of(server)),
        volumes=tuple(_volume(seen, server, volume, place == 0) for place, volume in enumerate(seen.volumes_of(server))),
        user_data=seen.user_data.get(server.id),
        server_group=group_name(application, group) if group else None,
        availability_zone=server.pinned_zone,
        hostname=server.hostname or None,
        is_off=intent.is_off,
        lock=intent.lock,
    )


def _volume(seen: CaptureSite, server: Server, volume: Volume, boots: bool) -> VolumeSpec:
    return VolumeSpec(
        source_id=volume.id,
        name=volume.name,
        size=volume.size,
        volume_type=volume.volume_type,
        # Nova boots a new server from no other volume.
        bootable=volume.bootable or boots,
        device=seen.devices[server.id][volume.id],
        delete_on_termination=dict(server.volumes)[volume.id],
        metadata=unmarked(volume.metadata),
        availability_zone=volume.availability_zone or None,
        description=unmarked_text(volume.description),
        image_metadata=volume.image_metadata,
        is_read_only=volume.is_read_only,
        device_tag=seen.device_tags.get(volume.id),
    )


def _port(seen: CaptureSite, port: Port) -> PortSpec:
    floating = next((one for one in seen.floating_ips if one.port_id == port.id), None)
    # A restore leads the floating address to the first one.
    fixed_ips = sorted(port.fixed_ips, key=lambda ip: not floating or ip.ip_address != floating.fixed_ip_address)
    return PortSpec(
        name=port.name,
        network=seen.networks[port.network_id].name,
        mac_address=port.mac_address,
        fixed_ips=tuple(AddressSpec(seen.subnets[ip.subnet_id].name, ip.ip_address) for ip in fixed_ips),
        security_groups=tuple(sorted(seen.security_groups[one].name for one in port.security_group_ids)),
        port_security=port.port_security,
        allowed_address_pairs=port.allowed_address_pairs,
        floating_network=_network_name(seen, floating.network_id) if floating else None,
        is_up=port.is_up,
        vnic_type=port.vnic_type,
        device_tag=seen.device_tags.get(port.id),
    )


def _network_name(seen: CaptureSite, network_id: str) -> str:
    """External networks are visible to all, but for policies that hide them."""
    network = seen.networks.get(network_id)
    return network.name if network else network_id


# Topology


def _topology(application: Application, seen: CaptureSite, scope: Scope) -> Topology:
    used = {server.key_name for server in seen.servers.values()}
    return Topology(
        networks=_named(_network(seen.networks[one]) for one in scope.networks),
        subnets=_named(_subnet(seen, seen.subnets[one]) for one in scope.subnets),
        routers=_named(_router(seen, seen.routers[one], scope.router_subnets[one]) for one in scope.routers),
        security_groups=_named(_security_group(seen, seen.security_groups[one]) for one in scope.security_groups),
        key_pairs=_named(KeyPairSpec(name, unmarked_text(key)) for name, key in ssh_keys(seen).items() if name in used),
        server_groups=_named(ServerGroupSpec(group_name(application, one), one.policy, one.max_per_host) for one in groups(seen)),
    )


def _named(specs: t.Iterable[t.Any]) -> tuple[t.Any, ...]:
    """Sort by name, so that the same topology is always described alike."""
    return tuple(sorted(specs, key=lambda spec: spec.name))


def _network(network: Network) -> NetworkSpec:
    return NetworkSpec(name=network.name, mtu=network.mtu, port_security_enabled=network.port_security)


def _subnet(seen: CaptureSite, subnet: Subnet) -> SubnetSpec:
    return SubnetSpec(
        name=subnet.name,
        network=seen.networks[subnet.network_id].name,
        cidr=subnet.cidr,
        ip_version=subnet.ip_version,
        gateway_ip=subnet.gateway_ip,
        enable_dhcp=subnet.enable_dhcp,
        dns_nameservers=subnet.dns_nameservers,
        allocation_pools=subnet.allocation_pools,
        host_routes=subnet.host_routes,
        ipv6_ra_mode=subnet.ipv6_ra_mode,
        ipv6_address_mode=subnet.ipv6_address_mode,
    )


def _router(seen: CaptureSite, router: Router, subnet_ids: t.Iterable[str]) -> RouterSpec:
    return RouterSpec(
        name=router.name,
        external_network=_network_name(seen, router.external_network_id) if router.external_network_id else None,
        enable_snat=router.enable_snat,
        subnets=tuple(sorted(seen.subnets[one].name for one in subnet_ids)),
    )


def _security_group(seen: CaptureSite, group: SecurityGroup) -> SecurityGroupSpec:
    names = {one.id: one.name for one in seen.security_groups.values()}
    return SecurityGroupSpec(
        name=group.name,
        description=unmarked_text(group.description),
        rules=tuple(sorted((rule_spec(rule, names) for rule in group.rules), key=repr)),
        is_stateful=group.is_stateful,
    )
