# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications of servers without a network at the lab's primary site, known to nobody else, and what their guests say through their agents."""

from __future__ import annotations

import base64
import contextlib
import json

import inputs
import laboratory
import owned
from laboratory import cloud, module, wait


class Small:
    """An application of a few servers, which boot from a volume each.

    :param tiers: the servers' parts of names, per tier.
    """

    def __init__(self, prefix, *tiers):
        self.name = laboratory.unique(prefix)
        self.checkpoint_id = f"{self.name}-1"
        self.tiers = [[self.called(one) for one in tier] for tier in tiers]
        self._compute = cloud("primary").compute
        #: What was made, the last first: what removes it.
        self.undo = contextlib.ExitStack()

    @property
    def servers(self):
        return [name for tier in self.tiers for name in tier]

    @property
    def definition(self):
        return {"name": self.name, "tiers": [{"name": f"tier{number}", "servers": tier} for number, tier in enumerate(self.tiers)]}

    def called(self, part):
        return f"{self.name}-{part}"

    def server(self, name="", site="primary"):
        """One of its servers as it is now; the first where none is named."""
        return cloud(site).compute.find_server(name or self.servers[0], ignore_missing=False)

    def build(self):
        """Build the servers one after the other."""
        flavor = self._compute.find_flavor("lab.small", ignore_missing=False).id
        for name in self.servers:
            disk = self.volume(name, image="lab-guest", bootable=True, volume_type="ceph")
            mapping = [{"uuid": disk, "source_type": "volume", "destination_type": "volume", "boot_index": 0}]
            server = self._compute.create_server(name=name, flavor_id=flavor, networks="none", block_device_mapping=mapping, config_drive=True)
            self.undo.callback(owned.remove_server, server.id)
            self._compute.wait_for_server(server, wait=600)
            wait(f"the agent of {name}", lambda one=server.id: answers(one), 300, 2)

    def volume(self, name, **options):
        return owned.volume(self.undo, name, **options)

    def share(self, volume_id):
        """Attach a volume to all of its servers: not before they run, since a guest formats the blank disks that it finds when it boots."""
        storage = cloud("primary").block_storage
        for name in self.servers:
            body = {"volumeAttachment": {"volumeId": volume_id}}
            server_id = self.server(name).id
            self._compute.post(f"/servers/{server_id}/os-volume_attachments", json=body, microversion="2.60").raise_for_status()
            wait("the attachment", lambda one=server_id: one in {there["server_id"] for there in storage.get_volume(volume_id).attachments}, 120)

    def act(self, action, **expected):
        """Have Nova do something with its first server, and wait until that shows."""
        server = self.server()
        admin = cloud("primary-admin").compute
        answer = admin.post(f"/servers/{server.id}/action", json=action)
        assert answer.ok, answer.text
        self._compute.wait_for_server(server, wait=300, failures=[], **expected)

    def snapshots(self, **options):
        arguments = {"cloud": "primary", "name": self.checkpoint_id, "application": self.definition, **options}
        return module("os_cg_snapshot", **arguments)

    def checkpoint(self):
        """What the playbook checkpoint is given."""
        return inputs.checkpoint(self.definition, self.checkpoint_id)

    def restore(self, **mapping):
        """What the playbook restore is given; nobody takes it for a move."""
        mapped = {"dr_restore_mapping": {"schema_version": 1, **mapping}} if mapping else {}
        return {"dr_restore_cloud": "remote", "dr_restore_application": self.name, "dr_restore_activate": False, **mapped}

    def cleanup(self):
        return inputs.cleanup(self.name, self.checkpoint_id)

    def remove(self):
        """Leave nothing of it at either site; what a restore has made is removed before."""
        owned.forget(self.definition, self.checkpoint_id)
        self.undo.close()


@contextlib.contextmanager
def small(prefix, *tiers):
    application = Small(prefix, *tiers)
    try:
        yield application
    finally:
        application.remove()


def _ask(server_id, command, site, **arguments):
    """The guest agent's answer; None when it gives none."""
    request = json.dumps({"execute": command, **({"arguments": arguments} if arguments else {})})
    answer = laboratory.in_site("virsh", "qemu-agent-command", server_id, request, check=False, site=site)
    return json.loads(answer)["return"] if answer.strip() else None


def answers(server_id, site="primary"):
    return _ask(server_id, "guest-ping", site) is not None


def run(server_id, command, site="primary"):
    """Run a shell command in a guest; returns what it printed."""
    options = {"path": "/bin/sh", "arg": ["-c", command], "capture-output": True}
    pid = _ask(server_id, "guest-exec", site, **options)["pid"]

    def ended():
        status = _ask(server_id, "guest-exec-status", site, pid=pid)
        return status if status and status["exited"] else None

    status = wait(f"{command} in {server_id}", ended, 120)
    return base64.b64decode(status.get("out-data", "")).decode().strip()
