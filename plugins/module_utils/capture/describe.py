# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capturing an application: everything that is needed to rebuild it but its data.

:func:`look` asks the site, with one list call per kind of resource; :func:`describe` is pure.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..application.definition import Application
from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Network
from ..cloud.session import Cloud
from ..core.errors import CheckFailed
from ..core.marking import unmarked, unmarked_tags, unmarked_text
from ..core.records import Port, Server, ServerGroup, Volume
from ..manifest.manifest import (
    AddressSpec,
    ApplicationDescription,
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
from ..manifest.rules import rule_spec
from ..manifest.user_data import Form
from ..work.pool import run_all

Resource = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a site has that may belong to an application. Mappings go by id unless they say otherwise.

    :param servers: server per name or id in the application's definition.
    :param devices: device name per volume id, per server id.
    :param key_pairs: public key per name.
    """

    site: str
    project_id: str
    servers: t.Mapping[str, Server]
    volumes: t.Mapping[str, Volume]
    devices: t.Mapping[str, t.Mapping[str, str]]
    ports: tuple[Port, ...]
    networks: t.Mapping[str, Resource]
    subnets: t.Mapping[str, Resource]
    routers: t.Mapping[str, Resource]
    security_groups: t.Mapping[str, Resource]
    floating_ips: tuple[Resource, ...]
    key_pairs: t.Mapping[str, str]
    #: In the form in which the manifest is to have it, per server id.
    user_data: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    server_groups: tuple[ServerGroup, ...] = ()

    def group_of(self, server: Server) -> ServerGroup | None:
        return next((group for group in self.server_groups if server.id in group.member_ids), None)

    def ports_of(self, server: Server) -> list[Port]:
        """In the order of the interfaces; those without an address come last."""
        order = {mac: position for position, mac in enumerate(server.mac_addresses)}
        ports = [port for port in self.ports if port.device_id == server.id]
        return sorted(ports, key=lambda port: (order.get(port.mac_address, len(order)), port.id))

    def volumes_of(self, server: Server) -> list[Volume]:
        """In the order of the devices, the one that boots first."""
        devices = self.devices[server.id]
        attached = [self.volumes[volume_id] for volume_id, _delete in server.volumes]
        attached.sort(key=lambda volume: _device_order(devices[volume.id]))
        # False sorts before True; the sort keeps the order of the others.
        root = next((volume for volume in attached if volume.bootable), attached[0])
        return sorted(attached, key=lambda volume: volume is not root)


def look(cloud: Cloud, application: Application, concurrency: int) -> Seen:
    """See what a site has.

    :param concurrency: how many calls at once.
    :raises CheckFailed: naming servers that are unknown or ambiguous.
    """
    compute, storage, network = Compute(cloud), BlockStorage(cloud), Network(cloud)
    servers = compute.resolve(application.servers)
    kinds = ("networks", "subnets", "routers", "security-groups", "floatingips")
    found = run_all(
        {
            "volumes": storage.volumes,
            "ports": network.ports,
            "key pairs": compute.key_pairs,
            "server groups": compute.server_groups,
            **{kind: lambda kind=kind: network.list(kind) for kind in kinds},
        },
        concurrency,
    )
    volumes = _by_id(found["volumes"], lambda volume: volume.id)
    return Seen(
        site=cloud.site,
        project_id=cloud.project_id,
        servers=servers,
        volumes=volumes,
        devices={server.id: _devices(compute, server, volumes) for server in servers.values()},
        ports=tuple(found["ports"]),
        networks=_by_id(found["networks"]),
        subnets=_by_id(found["subnets"]),
        routers=_by_id(found["routers"]),
        security_groups=_by_id(found["security-groups"]),
        floating_ips=tuple(found["floatingips"]),
        key_pairs=found["key pairs"],
        server_groups=tuple(found["server groups"]),
    )


def user_data(admin: Cloud, seen: Seen, form: Form) -> dict[str, str]:
    """User data of the servers that have any, per server id.

    :param admin: the same site with credentials that see it.
    :param form: in which it is to be written.
    :raises CheckFailed: when they do not see it.
    """
    # Only administrators may name a project, be it their own.
    project_id = None if admin.project_id == seen.project_id else seen.project_id
    found = {server.id: server for server in Compute(admin).servers(project_id)}
    # Nova shows both to the same people, or else neither.
    if not any(server.hypervisor for server in found.values()):
        problem = "Its user data can be seen by administrators only; give admin_cloud, or leave user data out."
        raise CheckFailed(f"The application on site '{seen.site}' cannot be captured", [problem])
    shown = {one: found[one].user_data for one in (server.id for server in seen.servers.values()) if one in found}
    return {server_id: form(content) for server_id, content in shown.items() if content}


def _by_id(
    found: t.Iterable[t.Any], id_of: t.Callable[[t.Any], str] = lambda one: one["id"]
) -> dict[str, t.Any]:
    return {id_of(one): one for one in found}


def _devices(compute: Compute, server: Server, volumes: t.Mapping[str, Volume]) -> t.Mapping[str, str]:
    """Device per volume as Cinder has it; Nova is asked where Cinder does not know."""
    devices = {
        volume_id: attachment.device
        for volume_id, _delete in server.volumes
        if volume_id in volumes
        for attachment in volumes[volume_id].attachments
        if attachment.server_id == server.id
    }
    known = len(devices) == len(server.volumes) and all(devices.values())
    return devices if known else compute.devices(server.id)


def _device_order(device: str) -> tuple[int, str]:
    """/dev/vdz comes before /dev/vdaa."""
    return len(device), device


def warnings(seen: Seen) -> list[str]:
    """What an operator should know although the application can be protected."""
    return [
        f"Key pair '{server.key_name}' of server {server.label} is not among those of the credentials' user, so its "
        "public key is not captured. A restored server gets it only where a key pair of this name exists; "
        "the key already installed on its disk is kept in any case."
        for server in seen.servers.values()
        if server.key_name and server.key_name not in seen.key_pairs
    ]


def describe(application: Application, seen: Seen) -> ApplicationDescription:
    """Describe an application as it is.

    :raises CheckFailed: naming everything that could not be restored from such a description.
    """
    scope = _Scope.of(seen)
    problems = [*_server_problems(seen), *_port_problems(seen), *_topology_problems(seen, scope), *_group_problems(application, seen)]
    if problems:
        raise CheckFailed(f"Application '{application.name}' on site '{seen.site}' cannot be captured", problems)
    return ApplicationDescription(
        application=_by_name(application, seen),
        servers=tuple(
            _server(application, seen, tier.name, seen.servers[wanted]) for tier in application.tiers for wanted in tier.servers
        ),
        topology=_topology(application, seen, scope),
    )


def _by_name(application: Application, seen: Seen) -> Application:
    """The definition may say ids; at another site only names mean something."""
    tiers = tuple(
        dataclasses.replace(tier, servers=tuple(seen.servers[wanted].name for wanted in tier.servers))
        for tier in application.tiers
    )
    return dataclasses.replace(application, tiers=tiers)


# Problems


def _server_problems(seen: Seen) -> t.Iterator[str]:
    names = collections.Counter(server.name for server in seen.servers.values())
    for name, count in names.items():
        if count > 1:
            yield f"{count} servers of the application are called '{name}'; give them names of their own."
    for server in seen.servers.values():
        if server.boots_from_image:
            yield (
                f"Server {server.label} boots from an image: it cannot be restored from volumes; "
                "rebuild it on a bootable volume, or take it out of the application."
            )
        elif not server.volumes:
            yield f"Server {server.label} has no volumes, so there is nothing to copy; take it out of the application."
        for volume_id, _delete in server.volumes:
            yield from _volume_problems(seen, server, volume_id)


def _volume_problems(seen: Seen, server: Server, volume_id: str) -> t.Iterator[str]:
    volume = seen.volumes.get(volume_id)
    if volume is None:
        yield (
            f"Volume {volume_id} of server {server.label} is not visible in the project; use credentials of its project."
        )
        return
    if volume.encrypted:
        yield (
            f"Volume {volume.label} of server {server.label} is encrypted: its key does not exist at another site; "
            "move the data to an unencrypted volume, or take the server out of the application."
        )
    if len(volume.attachments) > 1:
        yield (
            f"Volume {volume.label} of server {server.label} is attached to {len(volume.attachments)} servers, "
            "which is not supported; attach it to one."
        )


def _port_problems(seen: Seen) -> t.Iterator[str]:
    for server in seen.servers.values():
        for port in seen.ports_of(server):
            network = seen.networks.get(port.network_id)
            where = f"Port {port.id} of server {server.label}"
            if network is None or network["project_id"] != seen.project_id:
                name = network["name"] if network else port.network_id
                yield (
                    f"{where} is on network '{name}', which belongs to another project (shared or external): "
                    "its addresses cannot be promised at another site; put the server on a network of the project."
                )
            for group_id in port.security_group_ids:
                if group_id not in seen.security_groups:
                    yield f"{where} uses security group {group_id}, which the project does not see; use one of its own."


def _topology_problems(seen: Seen, scope: _Scope) -> t.Iterator[str]:
    """Names tie the parts of the topology together, so they must be there and be unique."""
    kinds = (
        ("network", seen.networks, scope.networks),
        ("subnet", seen.subnets, scope.subnets),
        ("router", seen.routers, scope.routers),
        ("security group", seen.security_groups, scope.security_groups),
    )
    for kind, everything, used in kinds:
        own = (one for one in everything.values() if one["project_id"] == seen.project_id)
        counts = collections.Counter(one["name"] for one in own)
        for resource_id in used:
            name = everything[resource_id]["name"]
            if not name:
                yield f"The {kind} {resource_id} has no name; give it one."
            elif counts[name] > 1:
                yield f"The {kind} {resource_id} is one of {counts[name]} called '{name}'; give it a name of its own."
    for group_id in scope.security_groups:
        yield from _rule_problems(seen, seen.security_groups[group_id])


def _rule_problems(seen: Seen, group: Resource) -> t.Iterator[str]:
    rules = group["security_group_rules"]
    if any(rule.get("remote_address_group_id") for rule in rules):
        yield f"Security group '{group['name']}' has a rule with an address group; write its addresses into rules."
    for remote in sorted({rule["remote_group_id"] for rule in rules} - {None, *seen.security_groups}):
        yield f"A rule of security group '{group['name']}' names group {remote}, which the project does not see."


def _group_problems(application: Application, seen: Seen) -> t.Iterator[str]:
    """Of server groups: they are known by their names, like all of the topology."""
    counts = collections.Counter(_group_name(application, group) for group in seen.server_groups)
    for group in _groups(seen):
        name = _group_name(application, group)
        if not group.name:
            yield f"The server group {group.id} has no name; move its servers to one that has."
        elif counts[name] > 1:
            yield f"The server group {group.id} is one of {counts[name]} that would be called '{name}' at another site; remove the others."


# Servers


def _server(application: Application, seen: Seen, tier: str, server: Server) -> ServerSpec:
    group = seen.group_of(server)
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
        volumes=tuple(_volume(seen, server, volume) for volume in seen.volumes_of(server)),
        user_data=seen.user_data.get(server.id),
        server_group=_group_name(application, group) if group else None,
        availability_zone=server.pinned_zone,
    )


def _volume(seen: Seen, server: Server, volume: Volume) -> VolumeSpec:
    return VolumeSpec(
        source_id=volume.id,
        name=volume.name,
        size=volume.size,
        volume_type=volume.volume_type,
        bootable=volume.bootable,
        device=seen.devices[server.id][volume.id],
        delete_on_termination=dict(server.volumes)[volume.id],
        metadata=unmarked(volume.metadata),
        availability_zone=volume.availability_zone or None,
    )


def _port(seen: Seen, port: Port) -> PortSpec:
    floating = next((one for one in seen.floating_ips if one["port_id"] == port.id), None)
    # A restore leads the floating address to the first one.
    fixed_ips = sorted(port.fixed_ips, key=lambda ip: not floating or ip.ip_address != floating["fixed_ip_address"])
    return PortSpec(
        name=port.name,
        network=seen.networks[port.network_id]["name"],
        mac_address=port.mac_address,
        fixed_ips=tuple(AddressSpec(seen.subnets[ip.subnet_id]["name"], ip.ip_address) for ip in fixed_ips),
        security_groups=tuple(sorted(seen.security_groups[one]["name"] for one in port.security_group_ids)),
        port_security=port.port_security,
        allowed_address_pairs=port.allowed_address_pairs,
        floating_network=_network_name(seen, floating["floating_network_id"]) if floating else None,
    )


def _network_name(seen: Seen, network_id: str) -> str:
    """External networks are visible to all, but for policies that hide them."""
    network = seen.networks.get(network_id)
    return network["name"] if network else network_id


# Topology


@dataclasses.dataclass(frozen=True)
class _Scope:
    """Ids of the networks and so on that the application's servers need around them."""

    networks: tuple[str, ...]
    subnets: tuple[str, ...]
    routers: tuple[str, ...]
    security_groups: tuple[str, ...]
    #: Ids of the application's subnets per router.
    router_subnets: t.Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, seen: Seen) -> _Scope:
        ports = [port for server in seen.servers.values() for port in seen.ports_of(server)]
        networks = sorted({port.network_id for port in ports} & set(seen.networks))
        subnets = sorted(one["id"] for one in seen.subnets.values() if one["network_id"] in networks)
        joined = _router_subnets(seen, subnets)
        return cls(
            networks=tuple(networks),
            subnets=tuple(subnets),
            routers=tuple(joined),
            security_groups=tuple(sorted(_with_remote_groups(seen, ports))),
            router_subnets=joined,
        )


def _router_subnets(seen: Seen, subnets: t.Collection[str]) -> dict[str, tuple[str, ...]]:
    joined = collections.defaultdict(set)
    for port in seen.ports:
        if port.device_id in seen.routers:
            joined[port.device_id].update(ip.subnet_id for ip in port.fixed_ips if ip.subnet_id in subnets)
    return {router: tuple(sorted(joined[router])) for router in sorted(joined) if joined[router]}


def _with_remote_groups(seen: Seen, ports: t.Iterable[Port]) -> set[str]:
    """The groups of the ports, and all that their rules name, directly or not."""
    found: set[str] = set()
    waiting = {group_id for port in ports for group_id in port.security_group_ids}
    while waiting:
        group_id = waiting.pop()
        if group_id in found or group_id not in seen.security_groups:
            continue
        found.add(group_id)
        rules = seen.security_groups[group_id]["security_group_rules"]
        waiting.update(rule["remote_group_id"] for rule in rules if rule["remote_group_id"])
    return found


def _topology(application: Application, seen: Seen, scope: _Scope) -> Topology:
    used = {server.key_name for server in seen.servers.values()}
    return Topology(
        networks=_named(_network(seen.networks[one]) for one in scope.networks),
        subnets=_named(_subnet(seen, seen.subnets[one]) for one in scope.subnets),
        routers=_named(_router(seen, seen.routers[one], scope.router_subnets[one]) for one in scope.routers),
        security_groups=_named(_security_group(seen, seen.security_groups[one]) for one in scope.security_groups),
        key_pairs=_named(KeyPairSpec(name, unmarked_text(key)) for name, key in seen.key_pairs.items() if name in used),
        server_groups=_named(ServerGroupSpec(_group_name(application, one), one.policy, one.max_per_host) for one in _groups(seen)),
    )


def _groups(seen: Seen) -> list[ServerGroup]:
    """Those that servers of the application are in."""
    return list(dict.fromkeys(group for server in seen.servers.values() if (group := seen.group_of(server))))


def _group_name(application: Application, group: ServerGroup) -> str:
    """With the application in it: Nova keeps nothing else by which to tell whose a group is."""
    prefix = f"{application.name}-"
    return group.name if group.name.startswith(prefix) else f"{prefix}{group.name}"


def _named(specs: t.Iterable[t.Any]) -> tuple[t.Any, ...]:
    """In the order of the names, so that the same topology is always described alike."""
    return tuple(sorted(specs, key=lambda spec: spec.name))


def _network(network: Resource) -> NetworkSpec:
    return NetworkSpec(
        name=network["name"],
        mtu=network.get("mtu") or 0,
        port_security_enabled=network.get("port_security_enabled") is not False,
    )


def _subnet(seen: Seen, subnet: Resource) -> SubnetSpec:
    return SubnetSpec(
        name=subnet["name"],
        network=seen.networks[subnet["network_id"]]["name"],
        cidr=subnet["cidr"],
        ip_version=subnet["ip_version"],
        gateway_ip=subnet["gateway_ip"],
        enable_dhcp=subnet["enable_dhcp"],
        dns_nameservers=tuple(subnet["dns_nameservers"]),
        allocation_pools=tuple(subnet["allocation_pools"]),
        host_routes=tuple(subnet["host_routes"]),
        ipv6_ra_mode=subnet.get("ipv6_ra_mode"),
        ipv6_address_mode=subnet.get("ipv6_address_mode"),
    )


def _router(seen: Seen, router: Resource, subnet_ids: t.Iterable[str]) -> RouterSpec:
    gateway = router.get("external_gateway_info")
    return RouterSpec(
        name=router["name"],
        external_network=_network_name(seen, gateway["network_id"]) if gateway else None,
        enable_snat=bool(gateway.get("enable_snat", True)) if gateway else True,
        subnets=tuple(sorted(seen.subnets[one]["name"] for one in subnet_ids)),
    )


def _security_group(seen: Seen, group: Resource) -> SecurityGroupSpec:
    names = {one["id"]: one["name"] for one in seen.security_groups.values()}
    return SecurityGroupSpec(
        name=group["name"],
        description=unmarked_text(group["description"] or ""),
        rules=tuple(sorted((rule_spec(rule, names) for rule in group["security_group_rules"]), key=repr)),
    )


