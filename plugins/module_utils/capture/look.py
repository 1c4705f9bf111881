# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeing what a site has that may belong to an application, with one list call per kind of resource."""

from __future__ import annotations

import collections
import dataclasses
import functools
import typing as t

from ..application.definition import Application
from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..cloud.session import Cloud
from ..core.encryption import Encryption
from ..core.errors import CheckFailed
from ..core.records import (
    AddressGroup,
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
from ..manifest.describing import Called
from ..manifest.user_data import Form
from ..work.pool import each, run_all


@dataclasses.dataclass(frozen=True)
class CaptureSite:
    """What a site has that may belong to an application. Mappings go by id unless they say otherwise.

    Networks, subnets and security groups are also those that other projects share.

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
    networks: t.Mapping[str, Network]
    subnets: t.Mapping[str, Subnet]
    routers: t.Mapping[str, Router]
    security_groups: t.Mapping[str, SecurityGroup]
    floating_ips: tuple[FloatingIp, ...]
    key_pairs: t.Mapping[str, str]
    #: In the form in which the manifest is to have it, per server id.
    user_data: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    server_groups: tuple[ServerGroup, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    qos_policies: t.Mapping[str, QosPolicy] = dataclasses.field(default_factory=dict)
    subnet_pools: t.Mapping[str, SubnetPool] = dataclasses.field(default_factory=dict)
    #: Per id of the attached volume or port, per server id: each server may have another tag for a volume that they share.
    device_tags: t.Mapping[str, t.Mapping[str, str]] = dataclasses.field(default_factory=dict)
    address_groups: t.Mapping[str, AddressGroup] = dataclasses.field(default_factory=dict)
    #: Names that key pairs of several users have, with different keys.
    ambiguous_keys: frozenset[str] = frozenset()
    #: Of encrypted volumes whose keys can be sealed, per id.
    encryption: t.Mapping[str, Encryption] = dataclasses.field(default_factory=dict)
    #: The newest microversion that the site's Nova knows.
    nova: tuple[int, int] = (2, 100)

    @functools.cached_property
    def called(self) -> Called:
        """A QoS policy or a subnet pool that the project does not see is named as missing."""
        groups = {**self.security_groups, **self.address_groups}
        kinds: tuple[t.Mapping[str, t.Any], ...] = (self.networks, self.subnets, groups, self.qos_policies, self.subnet_pools)
        return Called(*({one: there.name for one, there in kind.items()} for kind in kinds))

    def is_own(self, resource: Network | SecurityGroup) -> bool:
        """Whether something is the project's, and not shared by another one."""
        return resource.project_id == self.project_id

    def device_tag(self, server_id: str, one: str) -> str | None:
        """The tag by which a server knows a volume or port."""
        return self.device_tags.get(server_id, {}).get(one)

    def group_of(self, server: Server) -> ServerGroup | None:
        return next((group for group in self.server_groups if server.id in group.member_ids), None)

    def ports_of(self, server: Server) -> list[Port]:
        """A server's ports in the order of its interfaces; those without an address come last."""
        order = {mac: position for position, mac in enumerate(server.mac_addresses)}
        ports = [port for port in self.ports if port.device_id == server.id]
        return sorted(ports, key=lambda port: (order.get(port.mac_address, len(order)), port.id))

    def trunks_of_servers(self) -> list[Trunk]:
        """Trunks of which servers of the application have the parents."""
        parents = {port.id for server in self.servers.values() for port in self.ports_of(server)}
        return sorted((one for one in self.trunks if one.port_id in parents), key=lambda one: one.id)

    def ports_on_no_server(self) -> list[Port]:
        """Own ports on the application's networks that nothing has, such as those of virtual addresses, and those that servers have by way of a trunk."""
        subports = {one.port_id for trunk in self.trunks_of_servers() for one in trunk.subports}
        networks = {port.network_id for server in self.servers.values() for port in self.ports_of(server)}
        networks |= {port.network_id for port in self.ports if port.id in subports}
        free = {port.id for port in self.ports if port.network_id in networks and not port.device_id and not port.device_owner}
        return [port for port in self.ports if port.id in subports or (port.id in free and port.project_id == self.project_id)]

    def volumes_of(self, server: Server) -> list[Volume]:
        """A server's volumes in the order of its devices, the one that it boots from first."""
        devices = self.devices[server.id]
        attached = [self.volumes[volume_id] for volume_id, _delete in server.volumes]
        root = None if server.boots_from_image else self._root(server, attached)
        attached.sort(key=lambda volume: _device_order(devices[volume.id]))
        # False sorts before True; the sort keeps the order of the others.
        return sorted(attached, key=lambda volume: volume is not root)

    def _root(self, server: Server, attached: list[Volume]) -> Volume:
        """The volume that a server boots from: Nova shows its device to administrators, and lists it first to everybody else.

        :param attached: in Nova's order, which is that in which the server got them.
        """
        devices = self.devices[server.id]
        shown = [volume for volume in attached if server.root_device and devices[volume.id] == server.root_device]
        return next(iter((*shown, *(volume for volume in attached if volume.bootable))), attached[0])


def look(cloud: Cloud, application: Application, concurrency: int) -> CaptureSite:
    """See what a site has.

    :param concurrency: how many calls at once.
    :raises CheckFailed: naming servers that are unknown or ambiguous.
    """
    compute = Compute(cloud)
    servers = compute.resolve(application.servers)
    work = {**_questions(cloud), "device tags": lambda: each(servers.values(), compute.device_tags, concurrency)}
    found = run_all(work, concurrency)
    volumes = _by_id(found["volumes"])
    return CaptureSite(
        site=cloud.site,
        project_id=cloud.project_id,
        servers=servers,
        volumes=volumes,
        devices={server.id: _devices(compute, server, volumes) for server in servers.values()},
        ports=(*found["ports"], *found["ports of others"]),
        networks=_by_id(found["networks"]),
        subnets=_by_id(found["subnets"]),
        routers=_by_id(found["routers"]),
        security_groups=_by_id(found["security groups"]),
        floating_ips=tuple(found["floating addresses"]),
        key_pairs=found["key pairs"],
        server_groups=tuple(found["server groups"]),
        trunks=tuple(found["trunks"]),
        qos_policies=_by_id(found["QoS policies"]),
        subnet_pools=_by_id(found["subnet pools"]),
        address_groups=_by_id(found["address groups"]),
        device_tags={server.id: tags for server, tags in zip(servers.values(), found["device tags"], strict=True)},
        nova=found["version"],
    )


def _questions(cloud: Cloud) -> dict[str, t.Callable[[], t.Any]]:
    """What a site is asked for, whichever servers the application has."""
    compute, storage, network = Compute(cloud), BlockStorage(cloud), Networking(cloud)
    return {
        "volumes": storage.volumes,
        "ports": network.ports,
        "ports of others": network.ports_of_others,
        "networks": network.networks,
        "subnets": network.subnets,
        "routers": network.routers,
        "security groups": network.security_groups,
        "address groups": network.address_groups,
        "floating addresses": network.floating_ips,
        "key pairs": compute.key_pairs,
        "server groups": compute.server_groups,
        "trunks": network.trunks,
        "QoS policies": network.qos_policies,
        "subnet pools": network.subnet_pools,
        "version": compute.newest_version,
    }


def user_data_of(admin: Cloud, seen: CaptureSite, form: Form) -> dict[str, str]:
    """User data of the servers that have any, per server id.

    :param admin: the same site with credentials that see it.
    :param form: in which it is to be written.
    :raises CheckFailed: when they do not see it.
    """
    found = _servers_seen_by(admin, seen)
    # Nova shows both to the same people, or else neither.
    if not any(server.hypervisor for server in found.values()):
        problem = "Its user data can be seen by administrators only; give admin_cloud, or leave user data out."
        raise CheckFailed(f"The application on site '{seen.site}' cannot be captured", [problem])
    shown = {one: found[one].user_data for one in (server.id for server in seen.servers.values()) if one in found}
    return {server_id: form(content) for server_id, content in shown.items() if content}


def with_root_devices(admin: Cloud, seen: CaptureSite) -> CaptureSite:
    """The site with what only administrators see: from which device each server boots."""
    found = _servers_seen_by(admin, seen)
    servers = {name: dataclasses.replace(one, root_device=found[one.id].root_device if one.id in found else "") for name, one in seen.servers.items()}
    return dataclasses.replace(seen, servers=servers)


def with_key_pairs(admin: Cloud, seen: CaptureSite) -> CaptureSite:
    """The site with the public keys of its servers, whoever made them: only administrators see the key pairs of other users."""
    named = sorted({(server.user_id, server.key_name) for server in seen.servers.values() if server.key_name and server.user_id})
    compute = Compute(admin)
    by_user = {user: compute.key_pairs_of(user) for user in dict(named)}
    keys: dict[str, set[str]] = collections.defaultdict(set)
    for user, name in named:
        keys[name] |= {key for key in (by_user[user].get(name) or seen.key_pairs.get(name),) if key}
    known = {name: min(found) for name, found in keys.items() if len(found) == 1}
    ambiguous = frozenset(name for name, found in keys.items() if len(found) > 1)
    others = {name: key for name, key in seen.key_pairs.items() if name not in ambiguous}
    return dataclasses.replace(seen, key_pairs={**others, **known}, ambiguous_keys=ambiguous)


def _servers_seen_by(admin: Cloud, seen: CaptureSite) -> dict[str, Server]:
    # Only administrators may name a project, even their own.
    project_id = None if admin.project_id == seen.project_id else seen.project_id
    return {server.id: server for server in Compute(admin).servers(project_id)}


def _by_id(found: t.Iterable[t.Any]) -> dict[str, t.Any]:
    return {one.id: one for one in found}


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
    return devices if known else compute.devices(server)


def _device_order(device: str) -> tuple[int, str]:
    """/dev/vdz comes before /dev/vdaa."""
    return len(device), device
