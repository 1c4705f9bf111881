# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints at the site where the application runs: a single volume beside the running one, and a roll-back with its way back."""

from __future__ import annotations

import contextlib

import inputs
import laboratory
import owned
import pytest
from laboratory import Guest, cloud, playbook, wait

pytestmark = pytest.mark.campaign

UNCHANGED = "changed=0 "
#: Addresses that no other application of the lab has.
RANGE = "10.68.0.0/24"


class Small:
    """Two small servers that nobody else knows: one whose port Nova made, and one with a data volume and a floating address."""

    def __init__(self):
        self.name = laboratory.unique("back")
        self.servers = [f"{self.name}-inner", f"{self.name}-outer"]
        self.checkpoint_id = f"{self.name}-1"
        self._compute, self._network = cloud().compute, cloud().network
        #: What was made, the last first: what removes it.
        self._undo = contextlib.ExitStack()

    @property
    def definition(self):
        inner, outer = ({"name": name, "servers": [server]} for name, server in zip(("inner", "outer"), self.servers, strict=True))
        return {"name": self.name, "tiers": [inner, {**outer, "checks": [{"port": 22, "timeout": 300}]}]}

    def build(self):
        group = self._surroundings()
        self._server(0, [{"uuid": self.network.id}], ["root"], goes_with_it=True)
        port = self._network.create_port(network_id=self.network.id, name=f"{self.name}-port", security_group_ids=[group.id])
        self._undo.callback(self._network.delete_port, port.id)
        public = self._network.find_network("public", ignore_missing=False)
        floating = self._network.create_ip(floating_network_id=public.id, port_id=port.id)
        self._undo.callback(self._network.delete_ip, floating.id)
        self.address = floating.floating_ip_address
        self._server(1, [{"port": port.id}], ["root", "data"], metadata={"role": "outer"}, tags=["gold"])

    def _surroundings(self):
        public = self._network.find_network("public", ignore_missing=False)
        self.network = self._network.create_network(name=f"{self.name}-net")
        self._undo.callback(self._network.delete_network, self.network.id)
        self._undo.callback(self._remove_ports)
        subnet = self._network.create_subnet(name=f"{self.name}-subnet", network_id=self.network.id, cidr=RANGE, ip_version=4)
        router = self._network.create_router(name=f"{self.name}-router", external_gateway_info={"network_id": public.id})
        self._undo.callback(self._network.delete_router, router.id)
        assert self._network.put(f"/routers/{router.id}/add_router_interface", json={"subnet_id": subnet.id}).ok
        self._undo.callback(self._network.put, f"/routers/{router.id}/remove_router_interface", json={"subnet_id": subnet.id})
        group = self._network.create_security_group(name=self.name)
        self._undo.callback(self._network.delete_security_group, group.id)
        self._network.create_security_group_rule(security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22)
        owned.key_pair(self._undo, self.name)
        self._undo.callback(self._remove_volumes)
        return group

    def _remove_ports(self):
        """Nova does not remove those that a roll-back made outlive their server."""
        for port in self._network.ports(network_id=self.network.id, project_id=cloud().current_project_id):
            self._network.delete_port(port)

    def volumes(self):
        return [one for one in cloud().block_storage.volumes() if (one.name or "").startswith(self.name)]

    def _remove_volumes(self):
        def gone():
            left = self.volumes()
            for one in left:
                # Cinder refuses as long as a snapshot is there.
                if one.status in ("available", "error"):
                    cloud().block_storage.delete(f"/volumes/{one.id}")
            return not left

        wait(f"volumes of {self.name} to be removed", gone, 300, 3)

    def _server(self, number, networks, disks, goes_with_it=False, **options):
        name, mapping = self.servers[number], []
        for place, kind in enumerate(disks):
            image = {"image": "lab-guest", "bootable": True} if kind == "root" else {}
            volume = cloud().create_volume(1, name=f"{name}-{kind}", volume_type="ceph", wait=True, timeout=300, **image)
            disk = {"uuid": volume.id, "source_type": "volume", "destination_type": "volume", "delete_on_termination": goes_with_it}
            mapping.append({**disk, "boot_index": -1 if place else 0})
        flavor = self._compute.find_flavor("lab.small", ignore_missing=False).id
        body = {"flavor_id": flavor, "networks": networks, "block_device_mapping": mapping, "key_name": self.name, "config_drive": True, **options}
        server = self._compute.create_server(name=name, **body)
        self._undo.callback(self._remove_server, name)
        self._compute.wait_for_server(server, wait=600)

    def _remove_server(self, name):
        for server in [one for one in self._compute.servers() if one.name == name]:
            self._compute.unlock_server(server.id)
            self._compute.delete_server(server.id)
            self._compute.wait_for_delete(server, wait=300)

    def guest(self):
        guest = Guest(self._compute.find_server(self.servers[1], ignore_missing=False))
        guest.address = self.address
        wait(f"{guest.name} to answer", lambda: guest.run("hostname"), 300, 3)
        return guest

    def look(self):
        """What must not change: ports with addresses, and what servers are."""
        found = {}
        for name in self.servers:
            server = self._compute.get_server(self._compute.find_server(name, ignore_missing=False).id)
            (port,) = self._network.ports(device_id=server.id)
            addresses = sorted(one["ip_address"] for one in port.fixed_ips)
            own = {key: value for key, value in server.metadata.items() if not key.startswith("osdr_")}
            found[name] = (server.status, port.id, port.mac_address, addresses, port.security_group_ids, server.flavor.name, own)
        return found

    # What playbooks are given

    def checkpoint(self):
        return inputs.checkpoint(self.definition, self.checkpoint_id)

    def roll_back(self):
        return {
            "dr_roll_back_cloud": "primary",
            "dr_roll_back_admin_cloud": "primary-admin",
            "dr_roll_back_catalogue_cloud": "remote",
            "dr_roll_back_application": self.definition,
        }

    def remove(self):
        owned.forget(self.definition, self.checkpoint_id)
        self._undo.close()


@pytest.fixture(autouse=True)
def nobody_stays_frozen():
    """The servers of the shop are not touched here."""


@pytest.fixture(scope="module")
def small():
    """The application with a checkpoint of its old data, and new data since."""
    application = Small()
    try:
        application.build()
        assert written(application.guest(), "old") == ["old", "old", "mounted"]
        played("checkpoint", **application.checkpoint())
        assert written(application.guest(), "new") == ["new", "new", "mounted"]
        yield application
    finally:
        application.remove()


def played(name, *options, **variables):
    done = playbook(name, *options, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def written(guest, text):
    """Have a text on both disks, flushed."""
    guest.run(f"echo {text} > /root/state; echo {text} > /data/state; sync")
    return read(guest)


def read(guest):
    return guest.run("cat /root/state /data/state; grep -q ' /data ' /proc/mounts && echo mounted").split()


def test_a_volume_comes_back_beside_the_running_one_and_goes_again(small):
    given = {
        "dr_volume_cloud": "primary",
        "dr_volume_application": small.name,
        "dr_volume_server": small.servers[1],
        "dr_volume_devices": "/dev/vdb",
        "dr_volume_id": "functional",
    }
    had, before = small.look(), {one.id for one in small.volumes()}
    played("restore_volume", "--check", **given)
    assert {one.id for one in small.volumes()} == before
    played("restore_volume", **given)
    (made,) = [one for one in small.volumes() if one.id not in before]
    assert (made.name, made.status, made.metadata["osdr_beside"]) == (f"{small.servers[1]}-data-functional", "available", "functional")
    assert UNCHANGED in played("restore_volume", **given)
    assert (small.look(), read(small.guest())) == (had, ["new", "new", "mounted"])
    cleanup = {"dr_cleanup_cloud": "primary", "dr_cleanup_application": small.name, "dr_cleanup_checkpoint": small.checkpoint_id}
    played("cleanup", **cleanup, dr_cleanup_beside="functional")
    assert {one.id for one in small.volumes()} == before


def test_the_data_of_the_checkpoint_comes_back_then_what_ran_before_and_nothing_is_lost(small):
    had, before = small.look(), {one.id for one in small.volumes()}
    given, back = small.roll_back(), {"dr_roll_back_checkpoint": small.checkpoint_id}
    played("roll_back", "--check", **given, **back)
    assert (small.look(), {one.id for one in small.volumes()}) == (had, before)
    played("roll_back", **given, **back)
    assert (read(small.guest()), small.look()) == (["old", "old", "mounted"], had)
    assert UNCHANGED in played("roll_back", **given, **back)
    assert before < {one.id for one in small.volumes()}
    played("roll_back_undo", **given)
    assert (read(small.guest()), small.look()) == (["new", "new", "mounted"], had)
    played("roll_back_accept", **given)
    assert {one.id for one in small.volumes()} == before
