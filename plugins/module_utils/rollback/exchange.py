# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange the servers of an application for the same ones on other volumes.

Nova detaches no root volume, so a server is deleted and recreated, with its ports, addresses and all else that it has. Every step follows from what
is there, so any run resumes where another ended:

1. All servers that leave are marked, stopped tier by tier, and locked.
2. Their volumes are made to stay when they are deleted, and are marked as kept.
3. Their ports are described as those of the new servers, and taken from them: Nova would delete those that it made itself.
4. They are deleted; their volumes are waited for.
5. The new ones are built tier by tier, each with its health checks.

No volume is ever deleted, and no port.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..core.errors import ResourceFailed, warned
from ..core.marking import Mark
from ..core.records import KEPT_KEY, Port, Server, Volume
from ..failover.fence_mark import FenceMark
from ..failover.fencing import Fencing, Members, fence_problems, plan_fence
from ..failover.superseded import Old, without
from ..manifest.specs import PortSpec, ServerSpec
from ..readiness.gates import Gates
from ..restore import nova_features
from ..restore.cleanup import ServerRemover
from ..restore.plan import RestorePlan
from ..restore.servers import ServerRestore, Services
from ..restore.site import RestoreSite
from ..restore.stock import Stock
from ..work.pool import each
from ..work.waiting import Waiter

#: How Cinder calls a volume that nothing has.
_FREE = "available"
_STAYS = "Move the data to a volume, or take the server out of the application's definition, so that it stays as it is."
#: In which Nova leaves what it could not build, or is still building.
_UNBUILT = ("ERROR", "BUILD")


@dataclasses.dataclass(frozen=True)
class Clouds:
    """The site's services, as its project uses them."""

    site: str
    compute: Compute
    network: Networking
    storage: BlockStorage


@dataclasses.dataclass(frozen=True)
class Exchange:
    """What leaves, and what comes instead.

    :param leaving: the servers that leave, per name in the application, each with the ports that it hands over.
    :param free: ports that no server has, where an exchange was interrupted, with the descriptions that they get.
    :param plan: of what comes, at the site as it is without them.
    :param stock: of the site without them.
    """

    leaving: t.Mapping[str, Old]
    free: tuple[tuple[Port, str], ...]
    plan: RestorePlan
    stock: Stock


def plan_exchange(replan: t.Callable[[RestoreSite], RestorePlan], stock: Stock, leaving: t.Mapping[str, Server]) -> Exchange:
    """Plan an exchange.

    :param replan: plans what comes, at a site.
    :param stock: of the site as it is.
    :param leaving: per name in the application.
    """
    described = _descriptions(replan(stock.site))
    olds = {name: _old(stock.site, server, described) for name, server in leaving.items()}
    free = tuple((port, described[port.id]) for port in stock.site.ports if port.id in described and not port.device_id)
    texts = {port.id: description for port, description in free}
    ports = tuple(dataclasses.replace(one, description=texts.get(one.id, one.description)) for one in stock.site.ports)
    known = dataclasses.replace(stock, site=dataclasses.replace(stock.site, ports=ports))
    without_them = without(known, list(olds.values()), keep_volumes=True)
    return Exchange(olds, free, replan(without_them.site), without_them)


def _descriptions(plan: RestorePlan) -> dict[str, str]:
    """The description by which what comes finds its ports, per id of the port."""
    steps = [port for server in plan.servers for port in server.ports]
    return {port.id: step.description for step in steps if (port := _port(plan.site, step.spec))}


def _port(site: RestoreSite, spec: PortSpec) -> Port | None:
    """The port itself: it outlives its servers."""
    network = site.network(spec.network)
    same = (one for one in site.ports if network and one.network_id == network.id and one.mac_address.lower() == spec.mac_address.lower())
    return next((one for one in site.ports if one.id == spec.source_id), None) or next(same, None)


def _old(site: RestoreSite, server: Server, described: t.Mapping[str, str]) -> Old:
    ports = [port for port in site.ports if port.device_id == server.id]
    handed = tuple((port, described[port.id]) for port in ports if port.id in described)
    attached = dict(server.volumes)
    return Old(server, handed, (), (), tuple(volume for volume in site.volumes if volume.id in attached))


def problems(exchange: Exchange, site: RestoreSite) -> list[str]:
    """Why servers cannot leave."""
    found, leaving = [], {old.server.id for old in exchange.leaving.values()}
    for old in exchange.leaving.values():
        # It would never be free for another attachment.
        found += [
            f"Volume {volume.label} of server {old.server.label} is also attached to server {one.server_id}, which stays; detach it there first."
            for volume in old.volumes
            for one in volume.attachments
            if one.server_id not in leaving
        ]
        found += [f"{lost} of server {old.server.label} would be deleted with it, and could not come back. {_STAYS}" for lost in _local_disks(old.server)]
        flagged = [volume_id for volume_id, goes_with_it in old.server.volumes if goes_with_it]
        if flagged and not nova_features.DELETION.is_taken(site.nova):
            found.append(
                f"Volume {', '.join(flagged)} would be deleted with server {old.server.label}, and Nova at site '{site.name}' is too old to change that "
                "(2.85); attach it so that it stays."
            )
        handed = {port.id for port, _description in old.handed}
        found += [
            f"Port {port.id} of server {old.server.label} was attached after the roll-back began; detach it first."
            for port in site.ports
            if port.device_id == old.server.id and port.id not in handed
        ]
    return [*found, *_fence_problems(exchange, site)]


def _local_disks(server: Server) -> t.Iterator[str]:
    """What of a server's data is on no volume. Nobody misses a swap disk."""
    if server.boots_from_image:
        yield "The root disk"
    if server.flavor.ephemeral:
        yield f"The ephemeral disk ({server.flavor.ephemeral} GiB)"


def _fence_problems(exchange: Exchange, site: RestoreSite) -> list[str]:
    steps = plan_fence(_members(exchange, site.name), FenceMark("", site.name, "", "", ""), by_admin=False)
    return fence_problems(steps)


def _members(exchange: Exchange, site: str) -> Members:
    """The servers that are stopped before they leave. What a roll-back could not build is not: nothing runs on it that must end in order."""
    stopping = {name: old.server for name, old in exchange.leaving.items() if not _was_never_built(old.server)}
    return Members(site, exchange.plan.manifest.application, stopping)


def _was_never_built(server: Server) -> bool:
    mark = Mark.of_metadata(server.metadata)
    return server.status in _UNBUILT and mark is not None and mark.apart is not None


class Exchanger:
    """Carries out an exchange.

    :param stopping: how long a tier may take to stop.
    :param waiter: how long all else may take.
    :param kept: id with which volumes that leave are marked.
    """

    def __init__(self, clouds: Clouds, stopping: Waiter, waiter: Waiter, concurrency: int, kept: str) -> None:
        self._clouds = clouds
        self._stopping = stopping
        self._waiter = waiter
        self._concurrency = concurrency
        self._kept = kept
        self.warnings: list[str] = []

    def leave(self, exchange: Exchange, mark: FenceMark, gates: Gates) -> None:
        """Have the servers that leave stopped and deleted.

        :param mark: why they are stopped.
        """
        members = _members(exchange, self._clouds.site)
        fencing = Fencing(self._clouds.compute, members, self._stopping, self._concurrency, gates)
        fencing.fence(plan_fence(members, mark, by_admin=False), by_admin=False)
        each(exchange.leaving.values(), self._keep_volumes, self._concurrency)
        each(exchange.leaving.values(), self._remove, self._concurrency)
        # Not server by server: several may have the same one.
        volumes = {volume.id: volume for old in exchange.leaving.values() for volume in old.volumes}
        each(volumes.values(), self._await_free, self._concurrency)
        each(exchange.free, self._describe, self._concurrency)

    def come(self, plan: RestorePlan, gates: Gates) -> list[dict[str, t.Any]]:
        """Build the servers that come.

        :param plan: at the site as it is now.
        :returns: a description of each.
        """
        services = Services(self._clouds.compute, self._clouds.network)
        restore = ServerRestore(services, plan, self._waiter, self._concurrency, gates)
        restore.refuse_problems("the servers that leave are removed already, and all their volumes are kept")
        with warned(restore.warnings):
            servers = restore.apply()
        self.warnings += restore.warnings
        return servers

    def _keep_volumes(self, old: Old) -> None:
        for volume in old.volumes:
            self._clouds.storage.set_volume_metadata(volume.id, {KEPT_KEY: self._kept})
        for volume_id, goes_with_it in old.server.volumes:
            if goes_with_it:
                self._clouds.compute.set_delete_on_termination(old.server.id, volume_id, False)
        doomed = [volume_id for volume_id, goes_with_it in self._clouds.compute.server(old.server.id).volumes if goes_with_it]
        if doomed:
            raise ResourceFailed(
                f"Volume {', '.join(doomed)} would still be deleted with server {old.server.label}, so the server is not deleted.",
                "Attach the volume so that it stays when the server is deleted, and re-run, which resumes here.",
                resource_type="volume",
                resource_id=doomed[0],
            )

    def _describe(self, handed: tuple[Port, str]) -> None:
        port, description = handed
        if port.description != description:
            self._clouds.network.describe_port(port.id, description)

    def _remove(self, old: Old) -> None:
        for port, description in old.handed:
            self._describe((port, description))
            self._clouds.network.release_port(port.id)
        if self._clouds.compute.server(old.server.id).locked:
            self._clouds.compute.unlock(old.server.id)
        ServerRemover(self._clouds.site, self._clouds.compute, self._clouds.network, self._waiter, 1).delete(dataclasses.replace(old.server, locked=False))

    def _await_free(self, volume: Volume) -> None:
        def is_free() -> bool | None:
            return True if self._clouds.storage.volume(volume.id).status == _FREE else None

        self._waiter.until(f"volume {volume.label} on site '{self._clouds.site}' to be free", is_free)


def marked(site: RestoreSite, owner: Mark, names: t.Iterable[str]) -> dict[str, Server]:
    """Servers with the marks of an owner, per name.

    :param names: of the application's servers.
    """
    wanted = {*names}
    return {one.name: one for one in site.servers if one.name in wanted and (mark := Mark.of_metadata(one.metadata)) and mark.is_of(owner)}


def has_its_ports(site: RestoreSite, server: Server, spec: ServerSpec) -> bool:
    """Whether a server still has all the ports that it is described with."""
    return all((port := _port(site, one)) is not None and port.device_id == server.id for one in spec.ports)
