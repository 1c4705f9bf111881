# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints at the site where the application runs: a single volume beside the running one, and a roll-back with its way back."""

from __future__ import annotations

import contextlib

import copies
import laboratory
import pytest
from laboratory import Guest, cloud, module, playbook, wait

pytestmark = pytest.mark.campaign

UNCHANGED = "changed=0 "


@pytest.fixture
def protected(application):
    with copies.published() as made:
        yield made


def played(name, *options, **variables):
    done = playbook(name, *options, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def called(name):
    return [one for one in cloud().block_storage.volumes() if one.name == name]


def test_a_volume_comes_back_beside_the_running_one_and_goes_again(protected):
    checkpoint = f"{protected.name}-{protected.count}"
    given = {
        "dr_volume_cloud": "primary",
        "dr_volume_application": protected.name,
        "dr_volume_server": copies.SERVER,
        "dr_volume_devices": "/dev/vda",
        "dr_volume_id": "functional",
    }
    server = cloud().compute.find_server(copies.SERVER, ignore_missing=False)
    attached = [one.id for one in server.attached_volumes]
    played("restore_volume", "--check", **given)
    assert called(f"{copies.SERVER}-functional") == []
    played("restore_volume", **given)
    (made,) = [one for one in cloud().block_storage.volumes() if one.name.endswith("-functional")]
    assert (made.status, made.metadata["osdr_beside"], made.metadata["osdr_checkpoint"]) == ("available", "functional", checkpoint)
    assert UNCHANGED in played("restore_volume", **given)
    now = cloud().compute.get_server(server.id)
    assert (now.status, [one.id for one in now.attached_volumes]) == ("ACTIVE", attached)
    cleanup = {"dr_cleanup_cloud": "primary", "dr_cleanup_application": protected.name, "dr_cleanup_checkpoint": checkpoint, "dr_cleanup_beside": "functional"}
    played("cleanup", **cleanup)
    assert called(made.name) == []


# Rolling back


class Small:
    """Two small servers of an application that nobody else knows: one with a floating address and a data volume, and one that Nova gave its port."""

    def __init__(self):
        self.name = laboratory.unique("back")
        self.servers = [f"{self.name}-inner", f"{self.name}-outer"]
        self.checkpoint_id = f"{self.name}-1"
        self._compute, self._network = cloud().compute, cloud().network
        #: What was made, the last first: what removes it.
        self._undo = contextlib.ExitStack()

    @property
    def definition(self):
        checked = {"checks": [{"port": 22, "timeout": 300}]}
        return {"name": self.name, "tiers": [{"name": "inner", "servers": self.servers[:1]}, {"name": "outer", "servers": self.servers[1:], **checked}]}

    def build(self):
        network = self._network.find_network("shop-net", ignore_missing=False)
        group = self._network.find_security_group("shop", ignore_missing=False)
        self._server(self.servers[0], [{"uuid": network.id}], self._disks(self.servers[0], ["root"]), goes_with_it=True)
        port = self._network.create_port(network_id=network.id, name=f"{self.name}-port", security_group_ids=[group.id])
        self._undo.callback(self._network.delete_port, port.id)
        public = self._network.find_network("public", ignore_missing=False)
        floating = self._network.create_ip(floating_network_id=public.id, port_id=port.id)
        self._undo.callback(self._network.delete_ip, floating.id)
        self.address = floating.floating_ip_address
        self._server(self.servers[1], [{"port": port.id}], self._disks(self.servers[1], ["root", "data"]), metadata={"role": "outer"}, tags=["gold"])

    def _disks(self, server, kinds):
        self._undo.callback(self._remove_volumes, f"{server}-")
        made = []
        for kind in kinds:
            image = {"image": "lab-guest", "bootable": True} if kind == "root" else {}
            made.append(cloud().create_volume(1, name=f"{server}-{kind}", volume_type="ceph", wait=True, timeout=300, **image).id)
        return made

    @staticmethod
    def _remove_volumes(beginning):
        storage = cloud().block_storage

        def gone():
            left = [one for one in storage.volumes() if (one.name or "").startswith(beginning)]
            for one in left:
                if one.status in ("available", "error"):
                    storage.delete(f"/volumes/{one.id}")
            return not left

        wait(f"volumes {beginning}… to be removed", gone, 300, 3)

    def _server(self, name, networks, disks, goes_with_it=False, **options):
        mapping = [
            {"uuid": one, "source_type": "volume", "destination_type": "volume", "boot_index": -1 if place else 0, "delete_on_termination": goes_with_it}
            for place, one in enumerate(disks)
        ]
        flavor = self._compute.find_flavor("lab.small", ignore_missing=False).id
        body = {"flavor_id": flavor, "networks": networks, "block_device_mapping": mapping, "key_name": "lab", **options}
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
        """What a roll-back must not change: ports with addresses, and what servers are."""
        found = {}
        for name in self.servers:
            server = self._compute.find_server(name, ignore_missing=False)
            (port,) = self._network.ports(device_id=server.id)
            ips = [one["ip_address"] for one in port.fixed_ips]
            own = {key: value for key, value in self._compute.get_server(server.id).metadata.items() if not key.startswith("osdr_")}
            found[name] = (port.id, port.mac_address, ips, port.security_group_ids, server.flavor.name, own, sorted(server.tags or ()))
        return found

    def checkpoint(self):
        return {
            "dr_checkpoint_cloud": "primary",
            "dr_checkpoint_admin_cloud": "primary-admin",
            "dr_checkpoint_remote_cloud": "remote",
            "dr_checkpoint_remote_admin_cloud": "remote-admin",
            "dr_checkpoint_remote_store_cloud": "remote-backup",
            "dr_checkpoint_application": self.definition,
            "dr_checkpoint_id": self.checkpoint_id,
        }

    def roll_back(self):
        return {
            "dr_roll_back_cloud": "primary",
            "dr_roll_back_admin_cloud": "primary-admin",
            "dr_roll_back_catalogue_cloud": "remote",
            "dr_roll_back_application": self.definition,
        }

    def remove(self):
        module("os_checkpoint", cloud="remote", application=self.name, checkpoint=self.checkpoint_id, state="absent")
        module("os_cg_snapshot", cloud="primary", name=self.checkpoint_id, application=self.definition, state="absent")
        for site in ("remote", "primary"):
            for backup in copies.backups(site, self.name):
                copies.remove_backup(site, backup.id)
        self._undo.close()


@pytest.fixture(scope="module")
def small():
    application = Small()
    try:
        application.build()
        yield application
    finally:
        application.remove()


def written(guest, text):
    """Have a text on both disks, flushed."""
    guest.run(f"echo {text} > /root/state; mkdir -p /data; echo {text} > /data/state; sync")
    return read(guest)


def read(guest):
    return guest.run("cat /root/state /data/state; mountpoint -q /data && echo mounted").split()


def test_the_data_of_the_checkpoint_comes_back_then_what_ran_before_and_nothing_is_lost(small):
    assert written(small.guest(), "old") == ["old", "old", "mounted"]
    played("checkpoint", **small.checkpoint())
    assert written(small.guest(), "new") == ["new", "new", "mounted"]
    had, volumes = small.look(), {one.id for one in cloud().block_storage.volumes() if one.name.startswith(small.name)}
    given = small.roll_back()
    played("roll_back", "--check", **given, dr_roll_back_checkpoint=small.checkpoint_id)
    assert small.look() == had
    played("roll_back", **given, dr_roll_back_checkpoint=small.checkpoint_id)
    assert (read(small.guest()), small.look()) == (["old", "old", "mounted"], had)
    assert UNCHANGED in played("roll_back", **given, dr_roll_back_checkpoint=small.checkpoint_id)
    played("roll_back_undo", **given)
    assert (read(small.guest()), small.look()) == (["new", "new", "mounted"], had)
    played("roll_back_accept", **given)
    assert {one.id for one in cloud().block_storage.volumes() if one.name.startswith(small.name)} == volumes
