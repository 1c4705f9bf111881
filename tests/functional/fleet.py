# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many small servers at the lab's primary site, all alike."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import time

import openstack
from laboratory import in_site, wait

PREFIX = "fleet-"
_BOOT_SECONDS = 600
#: The lab's guests slow each other down when they boot at once.
_AT_ONCE = 3


def remove(cloud: openstack.connection.Connection) -> None:
    """Remove every server and volume of a fleet, also of one that an earlier run left."""
    for server in _servers(cloud):
        cloud.delete_server(server.id)
    wait("the servers to be removed", lambda: not _servers(cloud), 300, 1)
    wait("the volumes to be removed", lambda: not _removing_volumes(cloud), 120, 1)


def _servers(cloud: openstack.connection.Connection) -> list[openstack.compute.v2.server.Server]:
    return [one for one in cloud.compute.servers() if (one.name or "").startswith(PREFIX)]


def _removing_volumes(cloud: openstack.connection.Connection) -> list[str]:
    """Ask for the removal of all volumes that there are still: Cinder gives up as long as an image seems to be in use."""
    left = [one for one in cloud.block_storage.volumes() if (one.name or "").startswith(PREFIX)]
    for volume in left:
        if volume.status in ("available", "error"):
            cloud.block_storage.delete_volume(volume.id)
    return [one.id for one in left]


def agent_says(server_id: str, command: str = "guest-fsfreeze-status", **arguments) -> str:
    """The answer of a server's guest agent, empty when there is none."""
    request = json.dumps({"execute": command, "arguments": arguments})
    return in_site("virsh", "qemu-agent-command", server_id, request, check=False)


def answers(server_id: str) -> bool:
    return "return" in agent_says(server_id)


def boot(
    cloud: openstack.connection.Connection, name: str, has_agent: bool = True, volume_type: str = "ceph", network: str = "shop-net"
) -> str:
    """Start a server of the fleet; returns its id.

    :param network: its name; empty for none.
    """
    volume = cloud.create_volume(1, name=PREFIX + name, image="lab-guest", volume_type=volume_type, bootable=True, wait=True, timeout=120)
    if not has_agent:
        action = {"os-unset_image_metadata": {"key": "hw_qemu_guest_agent"}}
        cloud.block_storage.post(f"/volumes/{volume.id}/action", json=action).raise_for_status()
    flavor = cloud.get_flavor("lab.small")
    networks = [{"uuid": cloud.network.find_network(network).id}] if network else "none"
    server = cloud.compute.create_server(
        name=PREFIX + name,
        flavor_id=flavor.id,
        networks=networks,
        block_device_mapping=[
            {"uuid": volume.id, "source_type": "volume", "destination_type": "volume", "boot_index": 0, "delete_on_termination": False}
        ],
    )
    return server.id


def add_volumes(cloud: openstack.connection.Connection, volume_types: dict[str, list[str]]) -> None:
    """Give servers empty volumes: one of each type in the list of a server. Nova attaches to a server one volume after the other."""

    def attach(server_id: str) -> None:
        for volume in made[server_id]:
            cloud.block_storage.wait_for_status(volume, status="available", interval=0.5, wait=120)
            cloud.compute.create_volume_attachment(server_id, volume_id=volume.id)
            cloud.block_storage.wait_for_status(volume, status="in-use", interval=0.5, wait=120)

    made = {
        server_id: [cloud.create_volume(1, name=f"{PREFIX}data", volume_type=one, wait=False) for one in types] for server_id, types in volume_types.items()
    }
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(attach, made))


@contextlib.contextmanager
def running(cloud: openstack.connection.Connection, size: int, **how):
    """A fleet of so many servers whose guest agents answer, by name; removed at the end.

    :param how: as :func:`boot` takes it.
    """
    remove(cloud)
    try:
        names = [f"{number:02d}" for number in range(size)]
        ids: list[str] = []
        deadline = time.monotonic() + _BOOT_SECONDS
        for start in range(0, size, _AT_ONCE):
            with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as pool:
                ids += pool.map(lambda name: boot(cloud, name, **how), names[start : start + _AT_ONCE])
            while not all(answers(server_id) for server_id in ids):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"The fleet did not boot within {_BOOT_SECONDS} s.")
                time.sleep(2)
        yield {PREFIX + name: server_id for name, server_id in zip(names, ids, strict=True)}
    finally:
        remove(cloud)
