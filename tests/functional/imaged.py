# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small application at the lab's primary site whose only server boots from an image and has a volume beside it."""

from __future__ import annotations

import contextlib
import json

import copies
import laboratory
from laboratory import Guest, cloud, module, wait

#: Addresses that no other application of the lab has.
RANGE, ADDRESS = "10.68.0.0/24", "10.68.0.11"
MARK = "osdr_copy"


class Imaged:
    def __init__(self):
        self.name = laboratory.unique("imaged")
        self.server = f"{self.name}-web"
        self.checkpoint_id = f"{self.name}-1"
        self._api = cloud("primary").network
        self._compute = cloud("primary").compute
        #: What was made, the last first: what removes it.
        self._undo = contextlib.ExitStack()

    @property
    def definition(self):
        return {"name": self.name, "tiers": [{"name": "front", "servers": [self.server]}]}

    def _make(self, collection, key, **body):
        """One resource of Neutron; it is removed at the end."""
        answer = self._api.post(f"/{collection}", json={key: body})
        assert answer.ok, f"{collection}: {answer.text}"
        made = answer.json()[key]
        self._undo.callback(self._api.delete, f"/{collection}/{made['id']}")
        return made

    def build(self):
        network = self._make("networks", "network", name=self.name)
        subnet = self._make("subnets", "subnet", name=self.name, network_id=network["id"], cidr=RANGE, ip_version=4)
        self._router(subnet)
        group = self._make("security-groups", "security_group", name=self.name)
        body = {"security_group_id": group["id"], "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}
        self._make("security-group-rules", "security_group_rule", **body)
        addresses = [{"subnet_id": subnet["id"], "ip_address": ADDRESS}]
        port = self._make("ports", "port", network_id=network["id"], fixed_ips=addresses, security_groups=[group["id"]])
        public = self._api.find_network("public", ignore_missing=False).id
        self._make("floatingips", "floatingip", floating_network_id=public, port_id=port["id"])
        self._compute.create_keypair(name=self.name, public_key=(laboratory.LAB_DIR / "ssh/id_ed25519.pub").read_text())
        self._undo.callback(self._compute.delete_keypair, self.name)
        self._server(port["id"], self._volume())

    def _router(self, subnet):
        public = self._api.find_network("public", ignore_missing=False)
        router = self._make("routers", "router", name=self.name, external_gateway_info={"network_id": public.id})
        path = f"/routers/{router['id']}"
        assert self._api.put(f"{path}/add_router_interface", json={"subnet_id": subnet["id"]}).ok
        self._undo.callback(self._api.put, f"{path}/remove_router_interface", json={"subnet_id": subnet["id"]})

    def _volume(self):
        volume = cloud("primary").create_volume(1, name=f"{self.name}-data", volume_type="ceph", wait=True, timeout=300)
        self._undo.callback(wait, f"volume {volume.id} to be removed", lambda: self._is_removed(volume.id), 300, 3)
        return volume.id

    @staticmethod
    def _is_removed(volume_id):
        """Cinder refuses as long as a snapshot is there."""
        storage = cloud("primary").block_storage
        found = storage.find_volume(volume_id)
        if found and found.status in ("available", "error"):
            storage.delete(f"/volumes/{volume_id}")
        return found is None

    def _server(self, port_id, volume_id):
        image = cloud("primary").image.find_image("lab-guest", ignore_missing=False)
        mapping = [
            {"uuid": image.id, "source_type": "image", "destination_type": "local", "boot_index": 0, "delete_on_termination": True},
            {"uuid": volume_id, "source_type": "volume", "destination_type": "volume", "boot_index": -1, "delete_on_termination": False},
        ]
        server = self._compute.create_server(
            name=self.server,
            image_id=image.id,
            flavor_id=self._compute.find_flavor("lab.small", ignore_missing=False).id,
            networks=[{"port": port_id}],
            block_device_mapping=mapping,
            key_name=self.name,
            config_drive=True,
        )
        self._undo.callback(self._remove_server, server.id)
        self._compute.wait_for_server(server, wait=600)

    def _remove_server(self, server_id):
        self._compute.delete_server(server_id)
        self._compute.wait_for_delete(self._compute.get_server(server_id), wait=300)

    def found(self, site="primary"):
        """The server as Nova shows it."""
        return cloud(site).compute.find_server(self.server, ignore_missing=False, details=True)

    def guest(self, site="primary"):
        """The server; it answers when this returns."""
        guest = Guest(cloud(site).compute.get_server(self.found(site).id))
        wait(f"{guest.name} at {site}", lambda: guest.run("hostname"), 300, 3)
        return guest

    def images(self, site):
        """Images of the application at a site: copies, and those that Nova made."""
        mine = []
        for image in cloud(site).image.get("/images").json()["images"]:
            copied = json.loads(image[MARK])["metadata"]["osdr_application"] if image.get(MARK) else None
            if self.name in (copied, image.get("osdr_application")):
                mine.append(image)
        return mine

    # What is done with it

    def checkpoint(self, number=1):
        """What the playbook checkpoint is given."""
        return {
            "dr_checkpoint_cloud": "primary",
            "dr_checkpoint_admin_cloud": "primary-admin",
            "dr_checkpoint_remote_cloud": "remote",
            "dr_checkpoint_remote_admin_cloud": "remote-admin",
            "dr_checkpoint_remote_store_cloud": "remote-backup",
            "dr_checkpoint_application": self.definition,
            "dr_checkpoint_id": f"{self.name}-{number}",
        }

    def restore(self, **more):
        """What the playbook restore is given: nothing has another name, and nobody takes it for a move."""
        return {
            "dr_restore_cloud": "remote",
            "dr_restore_admin_cloud": "remote-admin",
            "dr_restore_application": self.name,
            "dr_restore_checkpoint": self.checkpoint_id,
            "dr_restore_activate": False,
            **more,
        }

    def cleanup(self):
        return {"dr_cleanup_cloud": "remote", "dr_cleanup_application": self.name, "dr_cleanup_checkpoint": self.checkpoint_id, "dr_cleanup_drill": ""}

    def remove(self):
        """Leave nothing of it at either site; what a restore has made is removed before."""
        for number in (1, 2):
            module("os_checkpoint", cloud="remote", application=self.name, checkpoint=f"{self.name}-{number}", state="absent")
            module("os_cg_snapshot", cloud="primary", name=f"{self.name}-{number}", application=self.definition, state="absent")
        for site in ("remote", "primary"):
            for image in self.images(site):
                cloud(site).image.delete(f"/images/{image['id']}")
            for backup in copies.backups(site, self.name):
                copies.remove_backup(site, backup.id)
        self._undo.close()


@contextlib.contextmanager
def running():
    application = Imaged()
    try:
        application.build()
        yield application
    finally:
        application.remove()
