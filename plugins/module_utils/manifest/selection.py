# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Select some servers of a checkpoint, with only what they need. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..application.definition import Application
from ..core.errors import InvalidInput
from .manifest import Manifest
from .specs import ForwarderSpec, PortSpec, RouterSpec, SecurityGroupSpec, ServerSpec, Topology, TrunkSpec


def chosen(manifest: Manifest, servers: t.Collection[str] | None) -> Manifest:
    """A checkpoint with only some of its servers: their tiers, volumes, networks, groups and keys.

    :param servers: by name at the source; all when None.
    :raises InvalidInput: naming those that it does not have, or when none is named.
    """
    if servers is None:
        return manifest
    description = manifest.description
    _refuse_unknown("server", servers, [server.name for server in description.servers], manifest)
    kept = tuple(server for server in description.servers if server.name in servers)
    volumes = {volume.source_id for server in kept for volume in server.volumes}
    application, topology = _application(description.application, servers), _topology(description.topology, kept)
    return dataclasses.replace(
        manifest,
        description=dataclasses.replace(description, application=application, servers=kept, topology=topology),
        copies=tuple(copy for copy in manifest.copies if copy.volume_id in volumes),
    )


def servers_of_tiers(manifest: Manifest, tiers: t.Collection[str]) -> list[str]:
    """The names of the servers of some tiers.

    :raises InvalidInput: naming the tiers that it does not have, or when none is named.
    """
    known = manifest.application.tiers
    _refuse_unknown("tier", tiers, [tier.name for tier in known], manifest)
    return [server for tier in known if tier.name in tiers for server in tier.servers]


def _refuse_unknown(kind: str, named: t.Collection[str], known: t.Sequence[str], manifest: Manifest) -> None:
    application, listed = manifest.application.name, ", ".join(known)
    if not named:
        raise InvalidInput(f"No {kind} of application '{application}' is named; name some of {listed}, or leave the option out for all of them.")
    unknown = sorted({*named} - {*known})
    if unknown:
        raise InvalidInput(
            f"Checkpoint '{manifest.checkpoint.id}' of application '{application}' has no {kind} {', '.join(unknown)}; it has {listed}."
        )


def _application(application: Application, servers: t.Collection[str]) -> Application:
    tiers = (dataclasses.replace(tier, servers=tuple(name for name in tier.servers if name in servers)) for tier in application.tiers)
    return dataclasses.replace(application, tiers=tuple(tier for tier in tiers if tier.servers))


def _topology(topology: Topology, servers: t.Sequence[ServerSpec]) -> Topology:
    """Subnets go with their networks, also those in which the servers have no address."""
    of_servers = [port for server in servers for port in server.ports]
    trunks = tuple(trunk for trunk in topology.trunks if trunk.port in {port.source_id for port in of_servers})
    ports = tuple(_ports(topology, trunks, {port.network for port in of_servers}))
    networks = {port.network for port in (*of_servers, *ports)}
    subnets = tuple(spec for spec in topology.subnets if spec.network in networks)
    groups = _with_remote_groups(topology.security_groups, {name for port in (*of_servers, *ports) for name in port.security_groups})
    addresses = {rule.remote_address_group for spec in topology.security_groups if spec.name in groups for rule in spec.rules}
    return Topology(
        networks=tuple(spec for spec in topology.networks if spec.name in networks),
        subnets=subnets,
        routers=tuple(_routers(topology.routers, {spec.name for spec in subnets})),
        security_groups=tuple(spec for spec in topology.security_groups if spec.name in groups),
        key_pairs=tuple(spec for spec in topology.key_pairs if spec.name in {server.key_name for server in servers}),
        server_groups=tuple(spec for spec in topology.server_groups if spec.name in {server.server_group for server in servers}),
        ports=ports,
        trunks=trunks,
        forwarders=tuple(_forwarders(topology.forwarders, {port.source_id for port in (*of_servers, *ports)})),
        address_groups=tuple(spec for spec in topology.address_groups if spec.name in addresses),
    )


def _ports(topology: Topology, trunks: t.Iterable[TrunkSpec], networks: t.Collection[str]) -> t.Iterator[PortSpec]:
    """Ports on no server: those of the trunks, and on the servers' networks those of no trunk."""
    of_trunks = {subport.port for trunk in topology.trunks for subport in trunk.subports}
    wanted = {subport.port for trunk in trunks for subport in trunk.subports}
    for port in topology.ports:
        if port.source_id in wanted or (port.source_id not in of_trunks and port.network in networks):
            yield port


def _forwarders(forwarders: t.Iterable[ForwarderSpec], ports: t.Collection[str]) -> t.Iterator[ForwarderSpec]:
    for spec in forwarders:
        inside = tuple(one for one in spec.forwardings if one.port in ports)
        if inside:
            yield dataclasses.replace(spec, forwardings=inside)


def _routers(routers: t.Iterable[RouterSpec], subnets: t.Collection[str]) -> t.Iterator[RouterSpec]:
    for spec in routers:
        joined = tuple(name for name in spec.subnets if name in subnets)
        if joined:
            yield dataclasses.replace(spec, subnets=joined)


def _with_remote_groups(groups: t.Iterable[SecurityGroupSpec], used: t.Collection[str]) -> set[str]:
    """Names of the groups that are used, and of all that their rules name, directly or not."""
    remotes = {spec.name: {rule.remote_group for rule in spec.rules if rule.remote_group} for spec in groups}
    found: set[str] = set()
    waiting = {*used}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= remotes.get(name, set()) - found
    return found
