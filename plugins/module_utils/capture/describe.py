# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Describing an application: everything that is needed to rebuild it but its data. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..core.errors import CheckFailed
from ..core.image_marks import unmarked_properties
from ..core.intent import intents_of
from ..core.marking import LONGEST_NAME, unmarked, unmarked_tags, unmarked_text
from ..core.records import FloatingIp, Network, Port, RootDisk, Router, Server, Volume
from ..manifest.attributes import OF_THE_HOST
from ..manifest.describing import (
    SNAT_OF_DISTRIBUTED,
    address_group_spec,
    floating_spec,
    network_spec,
    port_spec,
    router_spec,
    security_group_spec,
    subnet_spec,
    trunk_spec,
)
from ..manifest.manifest import ApplicationDescription
from ..manifest.specs import (
    AddressSpec,
    ForwarderSpec,
    ForwardingSpec,
    KeyPairSpec,
    NetworkSpec,
    PortSpec,
    RouterSpec,
    ServerGroupSpec,
    ServerSpec,
    Topology,
    VolumeSpec,
)
from .look import CaptureSite
from .problems import problems, ssh_keys
from .scope import Scope, group_name, groups

#: Where a server boots from that boots from an image, unless Nova says otherwise, which it does to administrators only.
_ROOT_DEVICE = "/dev/vda"


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
        ports=tuple(_port_of_server(seen, server, port) for port in seen.ports_of(server)),
        volumes=_volumes(seen, server),
        user_data=seen.user_data.get(server.id),
        server_group=group_name(application, group) if group else None,
        availability_zone=server.pinned_zone,
        hostname=server.hostname or None,
        is_off=intent.is_off,
        lock=intent.lock,
    )


def _volumes(seen: CaptureSite, server: Server) -> tuple[VolumeSpec, ...]:
    """What a server has of disks, the one that it boots from first."""
    volumes = seen.volumes_of(server)
    if server.boots_from_image:
        return (_root_disk(server), *(_volume(seen, server, volume, False) for volume in volumes))
    return tuple(_volume(seen, server, volume, place == 0) for place, volume in enumerate(volumes))


def _root_disk(server: Server) -> VolumeSpec:
    """The root disk of a server that boots from an image. The properties of the image come with its copy."""
    disk = RootDisk.of(server)
    return VolumeSpec(
        source_id=disk.id,
        name=disk.name[:LONGEST_NAME],
        size=disk.size,
        volume_type="",
        bootable=True,
        device=server.root_device or _ROOT_DEVICE,
        delete_on_termination=True,
        metadata={},
        is_image=True,
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
        image_metadata=unmarked_properties(volume.image_metadata),
        is_read_only=volume.is_read_only,
        device_tag=seen.device_tag(server.id, volume.id),
        encryption=seen.encryption.get(volume.id),
    )


def _port_of_server(seen: CaptureSite, server: Server, port: Port) -> PortSpec:
    """A port without what Nova writes at each site when it connects a server."""
    profile = {key: value for key, value in port.profile.items() if key not in OF_THE_HOST}
    # Nova connects no port that has another name than its server.
    return dataclasses.replace(_port(seen, port), dns_name="", profile=profile or None)


def _port(seen: CaptureSite, port: Port) -> PortSpec:
    floating_ips = sorted((one for one in seen.floating_ips if one.port_id == port.id), key=lambda one: (_place(port, one) or 0, one.id))
    leading = tuple(floating_spec(one, seen.called, _place(port, one)) for one in floating_ips)
    return dataclasses.replace(port_spec(port, seen.called), floating_ips=leading, device_tag=seen.device_tag(port.device_id, port.id))


def _place(port: Port, floating: FloatingIp) -> int | None:
    """Which of a port's addresses a floating address leads to."""
    addresses = [ip.ip_address for ip in port.fixed_ips]
    return addresses.index(floating.fixed_ip_address) if floating.fixed_ip_address in addresses else None


# Topology


def _topology(application: Application, seen: CaptureSite, scope: Scope) -> Topology:
    used = {server.key_name for server in seen.servers.values()}
    return Topology(
        networks=_named(_network(seen, seen.networks[one]) for one in scope.networks),
        subnets=_named(subnet_spec(seen.subnets[one], seen.called) for one in scope.subnets),
        routers=_named(_router(seen, seen.routers[one], scope.router_subnets[one]) for one in scope.routers),
        security_groups=_named(security_group_spec(seen.security_groups[one], seen.called) for one in scope.security_groups),
        key_pairs=_named(KeyPairSpec(name, unmarked_text(key)) for name, key in ssh_keys(seen).items() if name in used),
        server_groups=_named(ServerGroupSpec(group_name(application, one), one.policy, one.max_per_host) for one in groups(seen)),
        ports=tuple(sorted((_port(seen, one) for one in seen.ports_on_no_server()), key=lambda port: (port.network, port.name, port.source_id))),
        trunks=tuple(trunk_spec(one) for one in seen.trunks_of_servers()),
        forwarders=tuple(_forwarders(seen)),
        address_groups=_named(address_group_spec(seen.address_groups[one]) for one in scope.address_groups),
    )


def _named(specs: t.Iterable[t.Any]) -> tuple[t.Any, ...]:
    """Sort by name, so that the same topology is always described alike."""
    return tuple(sorted(specs, key=lambda spec: spec.name))


def _forwarders(seen: CaptureSite) -> t.Iterator[ForwarderSpec]:
    """Floating addresses that forward ports to the application."""
    ports = {port.id: port for server in seen.servers.values() for port in seen.ports_of(server)}
    ports |= {port.id: port for port in seen.ports_on_no_server()}
    for floating in sorted(seen.floating_ips, key=lambda one: one.id):
        places = [(one, [ip.ip_address for ip in ports[one.port_id].fixed_ips]) for one in floating.forwardings if one.port_id in ports]
        inside = tuple(
            ForwardingSpec(one.port_id, there.index(one.internal_address), one.internal_port, one.external_port, one.protocol, one.description)
            for one, there in places
            if one.internal_address in there
        )
        if inside:
            yield ForwarderSpec(floating.id, floating_spec(floating, seen.called, None), inside)


def _network(seen: CaptureSite, network: Network) -> NetworkSpec:
    is_own = seen.is_own(network)
    return dataclasses.replace(network_spec(network, seen.called), is_of_others=not is_own, owner="" if is_own else network.project_id)


def _router(seen: CaptureSite, router: Router, subnet_ids: t.Iterable[str]) -> RouterSpec:
    return dataclasses.replace(
        router_spec(router, seen.called),
        subnets=tuple(sorted(seen.subnets[one].name for one in subnet_ids)),
        interface_addresses=tuple(_interface_addresses(seen, router, subnet_ids)),
    )


def _interface_addresses(seen: CaptureSite, router: Router, subnet_ids: t.Iterable[str]) -> t.Iterator[AddressSpec]:
    """Addresses of a router that its subnets' gateways do not have."""
    ports = [port for port in seen.ports if port.device_id == router.id and port.device_owner != SNAT_OF_DISTRIBUTED]
    joined = [ip for port in ports for ip in port.fixed_ips]
    for subnet in sorted((seen.subnets[one] for one in subnet_ids), key=lambda one: one.name):
        addresses = [ip.ip_address for ip in joined if ip.subnet_id == subnet.id]
        if addresses and subnet.gateway_ip not in addresses:
            yield AddressSpec(subnet.name, min(addresses))
