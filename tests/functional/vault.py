# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An application at the lab's primary site that has an encrypted volume, and an operator with a pair of keys."""

from __future__ import annotations

import base64
import contextlib
import json
import pathlib
import subprocess
import tempfile

import inputs
import laboratory
import owned
from laboratory import Guest, cloud, wait

#: An address that no other application of the lab has.
RANGE, ADDRESS = "10.68.0.0/24", "10.68.0.11"
CONTAINER = "osdr-catalogue"


def pair(directory, name):
    """The private and the public key, made as the guide says."""
    private, public = (pathlib.Path(directory, f"{name}.{kind}") for kind in ("pem", "pub"))
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096", "-out", private], check=True, capture_output=True
    )
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True, capture_output=True)
    return private.read_text(), public.read_text()


def secrets(site):
    """All secrets that the application's project has: name per id."""
    answer = cloud(site).key_manager.get("/secrets?limit=100").json()["secrets"]
    return {one["secret_ref"].rpartition("/")[2]: one["name"] for one in answer}


def clear_forms(site, key_id):
    """A key in all the forms in which it may be written."""
    content = cloud(site).key_manager.get(f"/secrets/{key_id}/payload", headers={"Accept": "application/octet-stream"}).content
    assert len(content) == 32
    return content.hex(), base64.b64encode(content).decode(), json.dumps(list(content))[1:-1]


def left_of_restores(site):
    """Backups, secrets and objects that encrypted volumes are restored by."""
    storage = cloud(site).block_storage
    backups = [one.id for one in storage.backups() if (one.name or "").startswith("osdr-restore-")]
    # A restored volume's own key is a copy with the same name.
    own = {storage.get(f"/volumes/{one.id}/encryption").json()["encryption_key_id"] for one in storage.volumes() if one.is_encrypted}
    names = [name for key_id, name in secrets(site).items() if (name or "").startswith("osdr-restore") and key_id not in own]
    store = cloud(f"{site}-backup").object_store
    objects = [one.name for container in store.containers() for one in store.objects(container.name, prefix="osdr_restore/")]
    return backups, names, objects


class Vault:
    """One server with an encrypted data volume."""

    def __init__(self, undo):
        self.name = laboratory.unique("vault")
        self.server = f"{self.name}-db"
        self._undo = undo
        self.checkpoints = [f"{self.name}-1", f"{self.name}-2"]
        directory = undo.enter_context(tempfile.TemporaryDirectory())
        self.private, self.public = pair(directory, "volumes")
        self.other_private, _public = pair(directory, "other")

    @property
    def definition(self):
        return {"name": self.name, "tiers": [{"name": "database", "servers": [self.server]}]}

    def build(self):
        network, undo = cloud("primary").network, self._undo
        public = network.find_network("public", ignore_missing=False)
        net = network.create_network(name=self.name)
        undo.callback(network.delete_network, net)
        subnet = network.create_subnet(name=self.name, network_id=net.id, ip_version=4, cidr=RANGE)
        router = network.create_router(name=self.name, external_gateway_info={"network_id": public.id})
        undo.callback(network.delete_router, router)
        network.add_interface_to_router(router, subnet_id=subnet.id)
        undo.callback(network.remove_interface_from_router, router, subnet_id=subnet.id)
        group = network.create_security_group(name=self.name)
        undo.callback(network.delete_security_group, group)
        network.create_security_group_rule(security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=22, port_range_max=22)
        port = network.create_port(name=self.name, network_id=net.id, fixed_ips=[{"ip_address": ADDRESS}], security_groups=[group.id])
        undo.callback(network.delete_port, port)
        floating = network.create_ip(floating_network_id=public.id, port_id=port.id)
        undo.callback(network.delete_ip, floating)
        owned.key_pair(self._undo, self.name)
        disks = [self._volume("boot", "ceph", image="lab-guest", bootable=True), self._volume("data", "ceph-encrypted")]
        self._server(port, disks)
        self.data = disks[1]

    def _volume(self, name, volume_type, **options):
        return owned.volume(self._undo, f"{self.name}-{name}", volume_type=volume_type, **options)

    def _server(self, port, disks):
        compute = cloud("primary").compute
        mapping = [
            {"uuid": disk, "source_type": "volume", "destination_type": "volume", "boot_index": -1 if place else 0} for place, disk in enumerate(disks)
        ]
        server = compute.create_server(
            name=self.server,
            flavor_id=compute.find_flavor("lab.small", ignore_missing=False).id,
            networks=[{"port": port.id}],
            block_device_mapping=mapping,
            key_name=self.name,
            config_drive=True,
        )
        self._undo.callback(owned.remove_server, server.id)
        compute.wait_for_server(server, wait=600)

    def guest(self, site):
        """The server at a site; it answers when this returns."""
        guest = Guest(cloud(site).compute.find_server(self.server, ignore_missing=False))
        wait(f"{guest.name} at {site}", lambda: guest.run("test -d /data && hostname"), 300, 3)
        return guest

    def format(self):
        """Make the file system that the guest mounts when it starts. It does so itself on blank disks only, and what was never encrypted decrypts to noise."""
        said = self.guest("primary").run("(/usr/sbin/mke2fs -t ext4 -m 0 -L data /dev/vdb && mount -t ext4 /dev/vdb /data && echo done) 2>&1")
        assert said.endswith("done"), said

    def write(self, text):
        """Into the encrypted volume."""
        guest = self.guest("primary")
        assert guest.run(f"grep -q ' /data ' /proc/mounts && echo {text} >> /data/told && sync && echo done") == "done"

    # What is done with it

    def checkpoint(self, number, **changes):
        return inputs.checkpoint(self.definition, self.checkpoints[number], **{"dr_checkpoint_volume_public_key": self.public, **changes})

    def restore(self, **changes):
        return {
            "dr_restore_cloud": "remote",
            "dr_restore_admin_cloud": "remote-admin",
            "dr_restore_store_cloud": "remote-backup",
            "dr_restore_application": self.name,
            "dr_restore_activate": False,
            "dr_restore_volume_private_key": self.private,
            **changes,
        }

    def cleanup(self):
        return inputs.cleanup(self.name, self.checkpoints[1])

    def beside(self):
        """At its own site, where nobody needs the private key. Its backup service writes into the remote site's store."""
        return {
            "dr_volume_cloud": "primary",
            "dr_volume_store_cloud": "remote-backup",
            "dr_volume_catalogue_cloud": "remote",
            "dr_volume_application": self.name,
            "dr_volume_checkpoint": self.checkpoints[1],
            "dr_volume_server": self.server,
            "dr_volume_devices": [self.data],
            "dr_volume_id": "beside",
        }

    def cleanup_beside(self):
        return {**self.cleanup(), "dr_cleanup_cloud": "primary", "dr_cleanup_beside": "beside"}

    def remove(self):
        """Leave nothing of it at either site; what a restore has made is removed before."""
        owned.forget(self.definition, *self.checkpoints)


@contextlib.contextmanager
def running():
    with contextlib.ExitStack() as undo:
        application = Vault(undo)
        undo.callback(application.remove)
        application.build()
        application.format()
        yield application
