# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove what a restore or a drill made, unless somebody else uses it."""

from __future__ import annotations

import functools
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.compute import Compute
from ..cloud.network import Networking
from ..cloud.session import Cloud
from ..copies.twins import Scaffolding
from ..core.errors import CheckFailed, CloudError, NotFound, ResourceFailed
from ..core.intent import is_owners_lock
from ..core.marking import Mark
from ..core.records import AddressGroup, FloatingIp, Network, Port, Router, SecurityGroup, Server, ServerGroup, Subnet, Trunk, Volume
from ..work.pool import each, run_all
from ..work.waiting import Waiter
from . import site as restore_site
from .marks import MadeServers, made_volumes
from .removal import Removal, others, plan

#: Cinder deletes no volume that it is at work on.
_BUSY = ("creating", "downloading", "restoring-backup", "detaching")
_CONFLICT = 409
#: What may be in use by others who are not seen.
_InUse = Router | Subnet | Network | SecurityGroup | AddressGroup


class ServerRemover:
    """Removes servers, and what leads to them.

    :param site: how messages call it.
    :param concurrency: how many at once.
    """

    def __init__(self, site: str, compute: Compute, network: Networking, waiter: Waiter, concurrency: int) -> None:
        self._site = site
        self._compute = compute
        self._network = network
        self._waiter = waiter
        self._concurrency = concurrency

    def remove(self, made: MadeServers) -> None:
        """Delete servers, then trunks, which keep their ports, then floating addresses, then ports."""
        each(made.servers, self.delete, self._concurrency)
        each(made.trunks, self._delete_trunk, self._concurrency)
        each(made.floating_ips, self._delete_floating_ip, self._concurrency)
        each(made.ports, self._delete_port, self._concurrency)

    def _delete_trunk(self, trunk: Trunk) -> None:
        self._network.delete("trunks", trunk.id)

    def _delete_floating_ip(self, floating_ip: FloatingIp) -> None:
        self._network.delete_floating_ip(floating_ip.id)

    def _delete_port(self, port: Port) -> None:
        self._network.delete_port(port.id)

    def delete(self, server: Server) -> None:
        """Delete a server and wait until it is gone; its owner's lock is no reason to keep it, but anybody else's is."""
        if is_owners_lock(server):
            self._compute.unlock(server.id)
        self._compute.delete_server(server.id)
        self._waiter.until(f"server {server.label} on site '{self._site}' to be deleted", lambda: self._gone(server))

    def _gone(self, server: Server) -> bool | None:
        try:
            now = self._compute.server(server.id)
        except NotFound:
            return True
        if now.status == "ERROR" and now.task_state is None and server.status != "ERROR":
            raise ResourceFailed(
                f"Server {server.label} on site '{self._site}' could not be deleted: {now.fault or 'its status is ERROR'}.",
                "See the log of the site's nova-compute and run again.",
                resource_type="server",
                resource_id=server.id,
            )
        return None


class VolumeRemover:
    """Removes volumes.

    :param concurrency: how many at once.
    """

    def __init__(self, storage: BlockStorage, waiter: Waiter, concurrency: int) -> None:
        self._storage = storage
        self._waiter = waiter
        self._concurrency = concurrency

    def remove(self, volumes: t.Iterable[Volume]) -> None:
        """Delete volumes and wait until they are gone."""
        each(volumes, self._delete, self._concurrency)

    def _delete(self, volume: Volume) -> None:
        site = self._storage.cloud.site
        status = self._waiter.until(f"volume {volume.label} on site '{site}' to come to rest", lambda: self._rest(volume))
        if status not in ("deleting", "deleted"):
            self._storage.delete_volume(volume.id)
        self._waiter.until(f"volume {volume.label} on site '{site}' to be deleted", lambda: self._gone(volume))

    def _rest(self, volume: Volume) -> str | None:
        try:
            status = self._storage.volume(volume.id).status
        except NotFound:
            return "deleted"
        return None if status in _BUSY else status

    def _gone(self, volume: Volume) -> bool | None:
        try:
            status = self._storage.volume(volume.id).status
        except NotFound:
            return True
        if status == "error_deleting":
            raise ResourceFailed(
                f"Volume {volume.label} on site '{self._storage.cloud.site}' could not be deleted.",
                "See the log of the site's cinder-volume, reset its state, and run again.",
                resource_type="volume",
                resource_id=volume.id,
            )
        return None


class MadeVolumes:
    """The volumes that one restore or drill made, and by what encrypted ones were restored.

    :param owner: whose marks count.
    """

    def __init__(self, storage: BlockStorage, owner: Mark, waiter: Waiter, concurrency: int) -> None:
        self._storage = storage
        self._waiter = waiter
        self._remover = VolumeRemover(storage, waiter, concurrency)
        self.volumes = made_volumes(owner, storage.volumes())
        #: What an interrupted run has left.
        self.scaffolding = Scaffolding.of(storage, owner)

    def refuse_attached(self) -> None:
        problems = [
            f"Volume {volume.label} is attached to server {one.server_id}; remove the restored servers first "
            "(os_restore_servers with state: absent)."
            for volume in self.volumes
            for one in volume.attachments
        ]
        if problems:
            raise CheckFailed(f"The restored volumes on site '{self._storage.cloud.site}' cannot be removed", problems)

    def remove(self) -> None:
        """Delete all of it, and wait until the volumes are gone."""
        self._remover.remove(self.volumes)
        self.scaffolding.remove(self._storage, self._waiter)


class Cleanup:
    """Everything that one restore or drill made at one site.

    :param owner: whose marks count.
    """

    def __init__(self, cloud: Cloud, owner: Mark, waiter: Waiter, concurrency: int) -> None:
        self.owner = owner
        self._concurrency = concurrency
        self._network = Networking(cloud)
        self._compute = Compute(cloud)
        self._servers = ServerRemover(cloud.site, self._compute, self._network, waiter, concurrency)
        self._storage = BlockStorage(cloud)
        self._waiter = waiter
        self._volumes = VolumeRemover(self._storage, waiter, concurrency)
        #: What encrypted volumes were restored by.
        self.scaffolding = Scaffolding.of(self._storage, owner)
        self._site = restore_site.look(cloud, concurrency)

    def plan(self) -> Removal:
        return plan(self.owner, self._site)

    def others(self) -> list[dict[str, t.Any]]:
        return others(self.owner.application, self.owner, self._site)

    def apply(self, removal: Removal) -> list[str]:
        """Remove everything that the plan names.

        :returns: what was left because somebody has begun to use it meanwhile.
        :raises DrError: naming each that could not be removed; everything that does not depend on it is.
        """
        self._servers.remove(removal.servers)
        left = run_all(
            {
                "volumes": lambda: self._remove_volumes(removal.volumes),
                "networks": lambda: self._remove_networks(removal),
                "key pairs": lambda: each(removal.key_pairs, self._compute.delete_key_pair, self._concurrency),
                "server groups": lambda: each(removal.server_groups, self._delete_server_group, self._concurrency),
            },
            self._concurrency,
        )["networks"]
        return t.cast("list[str]", left)

    def _remove_volumes(self, volumes: t.Iterable[Volume]) -> None:
        """Volumes first: Cinder deletes no backup that it is restoring."""
        self._volumes.remove(volumes)
        self.scaffolding.remove(self._storage, self._waiter)

    def _delete_server_group(self, group: ServerGroup) -> None:
        self._compute.delete_server_group(group.id)

    def _remove_networks(self, removal: Removal) -> list[str]:
        # A router keeps the interfaces that its routes need.
        each([one for one in removal.routers if one.routes], self._remove_routes, self._concurrency)
        each(removal.interfaces, self._remove_interface, self._concurrency)
        kinds: dict[str, t.Sequence[_InUse]] = {
            "routers": removal.routers,
            "subnets": removal.subnets,
            "networks": removal.networks,
            "security-groups": removal.security_groups,
            # Rules of these may have named them.
            "address-groups": removal.address_groups,
        }
        left: list[str | None] = []
        for collection, resources in kinds.items():
            left += each(resources, functools.partial(self._delete, collection), self._concurrency)
        return [why for why in left if why]

    def _remove_routes(self, router: Router) -> None:
        self._network.set_routes(router.id, ())

    def _remove_interface(self, port: Port) -> None:
        self._network.remove_router_interface(port.device_id, port.id)

    def _delete(self, collection: str, resource: _InUse) -> str | None:
        """Remove one resource.

        :returns: why it is kept; None when it is gone.
        """
        try:
            self._network.delete(collection, resource.id)
        except CloudError as error:
            if error.http_status != _CONFLICT:
                raise
            # Its ports may be of a project that is not seen.
            return f"{resource.name} ({resource.id}) of the {collection} stays: {error}"
        return None
