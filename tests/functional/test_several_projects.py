# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application over two projects, the second of which has its server on the first one's network: frozen in one window, copied, and restored together."""

from __future__ import annotations

import contextlib

import copies
import inputs
import laboratory
import owned
import pytest
import small
from laboratory import cloud, module, playbook, wait
from second_project import SITES, SecondProject

pytestmark = pytest.mark.campaign

#: Addresses that no other application of the lab has.
RANGE, ADDRESSES = "10.69.0.0/24", {"data": "10.69.0.11", "front": "10.69.0.21"}


class Divided:
    """A server in the lab's own project, and one in a project that is made for it at both sites."""

    def __init__(self):
        self.name = laboratory.unique("divided")
        self.checkpoint_id = f"{self.name}-1"
        #: What was made, the last first: what removes it.
        self._undo = contextlib.ExitStack()
        self._project = SecondProject(self.name, self._undo)

    def build(self):
        self._project.build()
        network = cloud("primary").network
        net = network.create_network(name=self.name)
        self._undo.callback(network.delete_network, net)
        subnet = network.create_subnet(name=self.name, network_id=net.id, ip_version=4, cidr=RANGE)
        project = self.connection("primary").current_project_id
        network.create_rbac_policy(object_type="network", object_id=net.id, action="access_as_shared", target_project_id=project)
        image = self._project.shared_image()
        for part, owner in (("data", cloud("primary")), ("front", self.connection("primary"))):
            self._server(part, owner, subnet, image)

    @property
    def entry(self):
        return self._project.entry

    @property
    def connection(self):
        return self._project.connection

    def called(self, part):
        return f"{self.name}-{part}"

    def _server(self, part, owner, subnet, image):
        admin, name = cloud("primary-admin").network, self.called(part)
        fixed = [{"subnet_id": subnet.id, "ip_address": ADDRESSES[part]}]
        port = admin.create_port(network_id=subnet.network_id, project_id=owner.current_project_id, fixed_ips=fixed)
        self._undo.callback(admin.delete_port, port)
        volume = owner.create_volume(1, name=name, volume_type="ceph", image=image, bootable=True, wait=True, timeout=300)
        self._undo.callback(wait, f"volume {volume.id} to be removed", lambda: self._is_removed(owner, volume.id), 300, 3)
        disk = {"uuid": volume.id, "source_type": "volume", "destination_type": "volume", "boot_index": 0, "delete_on_termination": False}
        flavor = owner.compute.find_flavor("lab.small", ignore_missing=False)
        server = owner.compute.create_server(name=name, flavor_id=flavor.id, networks=[{"port": port.id}], block_device_mapping=[disk])
        self._undo.callback(self._remove_server, owner, server)
        owner.compute.wait_for_server(server, wait=600)
        wait(f"the agent of {name}", lambda: small.answers(server.id), 300, 2)

    @staticmethod
    def _is_removed(owner, volume_id):
        """Cinder refuses as long as a snapshot is there."""
        found = owner.block_storage.find_volume(volume_id)
        if found and found.status in ("available", "error"):
            owner.block_storage.delete(f"/volumes/{volume_id}")
        return found is None

    @staticmethod
    def _remove_server(owner, server):
        owner.compute.delete_server(server)
        owner.compute.wait_for_delete(server, wait=300)

    # What is done with it

    @property
    def definition(self):
        return {"name": self.name, "tiers": [{"name": part, "servers": [self.called(part)]} for part in ADDRESSES]}

    def checkpoint(self):
        other = {
            "cloud": self.entry("primary"),
            "admin_cloud": self.entry("primary-admin"),
            "remote_cloud": self.entry("remote"),
            "remote_admin_cloud": self.entry("remote-admin"),
            "remote_store_cloud": "remote-backup",
        }
        return inputs.checkpoint(self.definition, self.checkpoint_id, dr_checkpoint_projects=[other])

    def restore(self):
        other = {"cloud": self.entry("remote"), "admin_cloud": "remote-admin"}
        one = {"dr_restore_cloud": "remote", "dr_restore_application": self.name, "dr_restore_admin_cloud": "remote-admin"}
        return {**one, "dr_restore_activate": False, "dr_restore_projects": [other]}

    def manifests(self):
        """Both parts, the leading one first."""
        given = {"application": self.name, "checkpoint": self.checkpoint_id, "require": True, "with_manifest": True}
        return [module("os_checkpoint_info", cloud=one, **given)["manifest"] for one in ("remote", self.entry("remote"))]

    def restored(self):
        """The port of each part's server at the remote site."""
        found = {}
        for part, owner in (("data", cloud("remote")), ("front", self.connection("remote"))):
            server = owner.compute.find_server(self.called(part), ignore_missing=False)
            (found[part],) = owner.network.ports(device_id=server.id)
        return found

    def clean_up(self):
        """First the one that is on the other's network."""
        for one in (self.entry("remote"), "remote"):
            removed = playbook("cleanup", **{**inputs.cleanup(self.name, self.checkpoint_id), "dr_cleanup_cloud": one})
            assert removed.returncode == 0, removed.stdout + removed.stderr

    def remove(self):
        """Leave nothing of it at either site; what a restore has made is removed before."""
        given = {"application": self.definition, "name": self.checkpoint_id, "state": "absent"}
        module("os_cg_snapshot", cloud="primary", other_clouds=[self.entry("primary")], **given)
        for one in ("remote", self.entry("remote")):
            module("os_checkpoint", cloud=one, application=self.name, checkpoint=self.checkpoint_id, state="absent")
        for site in reversed(SITES):
            for owner in (cloud(site), self.connection(site)):
                self._remove_backups(owner)
        self._undo.close()

    def _remove_backups(self, owner):
        storage = owner.block_storage
        for backup in storage.backups(details=True):
            if (backup.metadata or {}).get("osdr_application") == self.name:
                storage.delete_backup(backup)
                storage.wait_for_delete(backup, wait=300)


@pytest.fixture(scope="module")
def divided(application):
    yield from owned.protected(Divided())


def test_both_parts_are_of_one_moment_and_each_has_its_own_server(divided):
    leading, other = divided.manifests()
    assert [[one["name"] for one in part["servers"]] for part in (leading, other)] == [[divided.called("data")], [divided.called("front")]]
    for fact in ("created_at", "consistency"):
        assert leading["checkpoint"][fact] == other["checkpoint"][fact]
    assert leading["checkpoint"]["consistency"] == "quiesced"
    assert leading["checkpoint"]["evidence"]["window"] == other["checkpoint"]["evidence"]["window"]
    assert leading["checkpoint"]["together"]["projects"] == other["checkpoint"]["together"]["projects"]
    assert len(copies.backups("remote", divided.name)) == 1


def test_a_second_run_takes_and_changes_nothing(divided):
    again = playbook("checkpoint", **divided.checkpoint())
    assert again.returncode == 0, again.stdout + again.stderr
    assert "changed=0 " in again.stdout


def test_a_part_is_not_restored_as_if_it_were_the_application(divided):
    refused = playbook("restore", **{**divided.restore(), "dr_restore_projects": []})
    assert refused.returncode != 0
    assert "Restore it together with the others" in " ".join((refused.stdout + refused.stderr).split())
    assert "changed=0 " in refused.stdout


def test_the_parts_come_back_together_on_the_network_of_one_of_them(divided):
    try:
        done = playbook("restore", **divided.restore())
        assert done.returncode == 0, done.stdout + done.stderr
        again = playbook("restore", **divided.restore())
        assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout + again.stderr
        ports = divided.restored()
        assert {part: [ip["ip_address"] for ip in port.fixed_ips] for part, port in ports.items()} == {part: [ip] for part, ip in ADDRESSES.items()}
        assert ports["data"].network_id == ports["front"].network_id
        assert ports["data"].project_id != ports["front"].project_id
    finally:
        divided.clean_up()
    assert cloud("remote").network.find_network(divided.name) is None
