# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove the servers that an application left at a site when it was moved away, so that it can be restored there.

Planning is pure. The old servers hold the addresses that the restore needs. A port exactly like the one that the restore would
make is kept for it, with its floating address; all others are removed.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..core.marking import Mark
from ..core.records import APPLICATION_KEY, CHECKPOINT_KEY, DRILL_KEY, FloatingIp, Port, Quota, Server, Volume
from ..manifest.manifest import Manifest
from ..restore.cleanup import ServerRemover
from ..restore.plan import RestorePlan
from ..restore.port_plan import PortStep
from ..restore.site import RestoreSite
from ..restore.stock import Stock
from ..work.pool import each
from ..work.waiting import Waiter
from .fence_mark import FenceMark
from .fencing import at_rest


@dataclasses.dataclass(frozen=True)
class Old:
    """A server that blocks a restore, with its ports and volumes.

    :param handed: its ports that are kept for the restore, each with the description by which the restore finds it.
    :param removed: its other ports.
    :param floating_ips: addresses that an earlier restore allocated for these others.
    """

    server: Server
    handed: tuple[tuple[Port, str], ...]
    removed: tuple[Port, ...]
    floating_ips: tuple[FloatingIp, ...]
    volumes: tuple[Volume, ...]

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "server": self.server.name,
            "server_id": self.server.id,
            "addresses": [ip.ip_address for port in (*(one for one, _text in self.handed), *self.removed) for ip in port.fixed_ips],
            "ports_handed_over": [port.id for port, _description in self.handed],
            "ports_removed": [port.id for port in self.removed],
            "volumes": [volume.id for volume in self.volumes],
        }


def plan_superseded(plan: RestorePlan, whole: Manifest) -> list[Old]:
    """The application's servers at a site that this checkpoint's restore did not make; of a partial restore, those with the same names.

    :param plan: of the restore that replaces them.
    :param whole: the checkpoint with all its servers.
    """
    kept = {spec.name for spec in whole.description.servers} - {spec.name for spec in plan.manifest.description.servers}
    return [_old(plan, server) for server in plan.site.servers if _is_old(whole, server) and server.name not in kept]


def _is_old(manifest: Manifest, server: Server) -> bool:
    """Whether a server is an old one of the application; copies made by drills are not."""
    name = manifest.application.name
    mark, owner = FenceMark.of(server), server.metadata.get(APPLICATION_KEY)
    mine = owner == name or (owner is None and mark is not None and mark.application == name)
    return mine and DRILL_KEY not in server.metadata and server.metadata.get(CHECKPOINT_KEY) != manifest.checkpoint.id


def _old(plan: RestorePlan, server: Server) -> Old:
    site = plan.site
    ports = [port for port in site.ports if port.device_id == server.id]
    steps = [step for of_server in plan.servers for step in of_server.ports]
    wanted = {port.id: step.description for port in ports for step in steps if _is_as_wanted(site, port, step)}
    removed = [port for port in ports if port.id not in wanted]
    return Old(
        server,
        tuple((port, wanted[port.id]) for port in ports if port.id in wanted),
        tuple(removed),
        tuple(one for port in removed for one in site.floating_ips_of(port) if Mark.of_text(one.description)),
        tuple(volume for volume in site.volumes if volume.id in dict(server.volumes)),
    )


def _is_as_wanted(site: RestoreSite, port: Port, step: PortStep) -> bool:
    spec, network = step.spec, site.network(step.spec.network)
    if step.current is not None:
        return step.current.id == port.id
    if network is None or not spec.mac_address:
        return False
    return (
        (port.network_id, port.mac_address.lower(), port.port_security) == (network.id, spec.mac_address.lower(), spec.port_security)
        and (port.is_up, port.vnic_type) == (spec.is_up, spec.vnic_type)
        # Neutron lists them in an order of its own.
        and {(ip.subnet_id, ip.ip_address) for ip in port.fixed_ips} == {(site.subnet_id(network.id, ip.subnet), ip.ip_address) for ip in spec.fixed_ips}
        and set(port.security_group_ids) == {site.security_group_id(name) for name in spec.security_groups}
        and [dict(pair) for pair in port.allowed_address_pairs] == [dict(pair) for pair in spec.allowed_address_pairs]
    )


def removal_problems(manifest: Manifest, site: str, olds: t.Iterable[Old], is_taken: bool = True) -> list[str]:
    """Why old servers must not be removed.

    :param is_taken: whether the checkpoint exists already; otherwise it is about to be taken.
    """
    return [problem for old in olds for problem in _removal_problems(manifest, site, old.server, is_taken)]


def _removal_problems(manifest: Manifest, site: str, server: Server, is_taken: bool) -> t.Iterator[str]:
    mark, checkpoint = FenceMark.of(server), manifest.checkpoint
    where = f"Server {server.label} at site '{site}'"
    if not at_rest(server):
        yield f"{where} is {server.status}; stop and fence it (playbook fence)."
    elif mark is None or not server.locked:
        yield f"{where} is not fenced; fence it (playbook fence)."
    elif mark.site != checkpoint.site:
        yield f"{where} is fenced because the application runs at '{mark.site}', but the checkpoint is of site '{checkpoint.site}'."
    elif is_taken and (mark.moment is None or mark.moment >= checkpoint.moment):
        yield f"{where} was fenced at {mark.since}, not before the checkpoint of {checkpoint.created_at}; take a newer checkpoint."


def root_disk_problems(site: str, olds: t.Iterable[Old], keep_volumes: bool) -> list[str]:
    """Old servers whose root disk cannot stay, although all volumes are to."""
    return [
        f"Server {old.server.label} at site '{site}' boots from an image, so its root disk goes with it and cannot be kept (keep_volumes). Make an image of "
        "it if you need it, then remove the server yourself, or remove all with keep_volumes: false."
        for old in olds
        if keep_volumes and old.server.boots_from_image
    ]


def in_the_way(site: str, olds: t.Iterable[Old]) -> list[str]:
    """Old servers that the operator must decide about."""
    return [
        f"Server {old.server.label} at site '{site}', left by an earlier move of the application, blocks the restore with "
        f"{_counted(len(old.handed) + len(old.removed), 'port')} ({', '.join(old.as_dict()['addresses']) or 'no address'}) and "
        f"{_counted(len(old.volumes), 'volume')}; have it removed before the restore (remove_old: true), or remove it yourself."
        for old in olds
    ]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def without(stock: Stock, olds: t.Sequence[Old], keep_volumes: bool) -> Stock:
    """The site's resources and quotas as they will be without the old servers."""
    gone = {old.server.id for old in olds} | {port.id for old in olds for port in old.removed} | {one.id for old in olds for one in old.floating_ips}
    gone |= set() if keep_volumes else {*_going(olds)}
    handed = {port.id: description for old in olds for port, description in old.handed}
    site = stock.site
    ports = [dataclasses.replace(port, description=handed[port.id], device_id="") if port.id in handed else port for port in site.ports]
    left = dataclasses.replace(
        site,
        servers=tuple(one for one in site.servers if one.id not in gone),
        ports=tuple(one for one in ports if one.id not in gone),
        volumes=tuple(one for one in site.volumes if one.id not in gone),
        floating_ips=tuple(one for one in site.floating_ips if one.id not in gone),
    )
    return dataclasses.replace(stock, site=left, quotas=_freed(stock.quotas, olds, keep_volumes))


def _going(olds: t.Iterable[Old]) -> dict[str, Volume]:
    """Volumes, per id, that go with their servers; Cinder keeps one that a server has that stays."""
    servers = {old.server.id for old in olds}
    volumes = {volume.id: volume for old in olds for volume in old.volumes}
    return {key: volume for key, volume in volumes.items() if {one.server_id for one in volume.attachments} <= servers}


def _freed(quotas: t.Mapping[str, t.Mapping[str, Quota]], olds: t.Sequence[Old], keep_volumes: bool) -> dict[str, dict[str, Quota]]:
    freed: dict[str, int] = {}

    def free(name: str, amount: int) -> None:
        freed[name] = freed.get(name, 0) + amount

    for old in olds:
        flavor = old.server.flavor
        for name, amount in (("instances", 1), ("cores", flavor.vcpus), ("ram", flavor.ram)):
            free(name, amount)
        free("port", len(old.removed))
        free("floatingip", len(old.floating_ips))
    for volume in () if keep_volumes else _going(olds).values():
        for kind in ("", f"_{volume.volume_type}"):
            free(f"volumes{kind}", 1)
            free(f"gigabytes{kind}", volume.size)
    return {
        service: {name: dataclasses.replace(one, in_use=max(0, one.in_use - freed.get(name, 0))) for name, one in of_service.items()}
        for service, of_service in quotas.items()
    }


class OldServerRemover:
    """Removes old servers. They go last, so that an interrupted removal can be resumed.

    :param compute: acts with credentials that may change locked servers, or unlock them.
    :param by_admin: whether these are an administrator's.
    :param keep_volumes: whether volumes stay when their servers go.
    """

    def __init__(
        self, compute: Compute, network: Networking, waiter: Waiter, concurrency: int, by_admin: bool, keep_volumes: bool
    ) -> None:
        self._compute = compute
        self._network = network
        self._remover = ServerRemover(compute.cloud.site, compute, network, waiter, concurrency)
        self._concurrency = concurrency
        self._by_admin = by_admin
        self._keep_volumes = keep_volumes

    def remove(self, olds: t.Sequence[Old]) -> None:
        """Keep or remove the ports, then remove the servers, with or without their volumes."""
        each(olds, self._free_addresses, self._concurrency)
        each([old.server for old in olds], self._remove_server, self._concurrency)

    def _free_addresses(self, old: Old) -> None:
        for port, description in old.handed:
            if port.description != description:
                self._network.describe_port(port.id, description)
        for floating_ip in old.floating_ips:
            self._network.delete_floating_ip(floating_ip.id)
        for port in old.removed:
            self._network.delete_port(port.id)

    def _remove_server(self, server: Server) -> None:
        for volume_id, goes_with_it in server.volumes:
            if goes_with_it == self._keep_volumes:
                self._compute.set_delete_on_termination(server.id, volume_id, not self._keep_volumes)
        if server.locked and not self._by_admin:
            self._compute.unlock(server.id)
        self._remover.delete(server)
