# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small application at the lab's primary site whose only server boots from an image and has a volume beside it."""

from __future__ import annotations

import contextlib
import json

import inputs
import laboratory
import owned
from laboratory import Guest, cloud, wait

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
        owned.key_pair(self._undo, self.name)
        self._server(port["id"], self._volume())

    def _router(self, subnet):
        public = self._api.find_network("public", ignore_missing=False)
        router = self._make("routers", "router", name=self.name, external_gateway_info={"network_id": public.id})
        path = f"/routers/{router['id']}"
        assert self._api.put(f"{path}/add_router_interface", json={"subnet_id": subnet["id"]}).ok
        self._undo.callback(self._api.put, f"{path}/remove_router_interface", json={"subnet_id": subnet["id"]})

    def _volume(self):
        return owned.volume(self._undo, f"{self.name}-data", volume_type="ceph")

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
        self._undo.callback(owned.remove_server, server.id)
        self._compute.wait_for_server(server, wait=600)

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
        return inputs.checkpoint(self.definition, f"{self.name}-{number}")

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
        return inputs.cleanup(self.name, self.checkpoint_id)

    def remove(self):
        """Leave nothing of it at either site; what a restore has made is removed before."""
        owned.forget(self.definition, *(f"{self.name}-{number}" for number in (1, 2)))
        for site in ("remote", "primary"):
            for image in self.images(site):
                cloud(site).image.delete(f"/images/{image['id']}")
        self._undo.close()


@contextlib.contextmanager
def running():
    application = Imaged()
    try:
        application.build()
        yield application
    finally:
        application.remove()
