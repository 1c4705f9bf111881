# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests make at the lab's primary site for applications of their own, and how it is removed."""

from __future__ import annotations

import copies
import laboratory
from laboratory import cloud, module, playbook, wait


def volume(undo, name, size=1, **options):
    """Make a volume; it is removed when the stack is closed. Returns its id."""
    made = cloud("primary").create_volume(size, name=name, wait=True, timeout=300, **options)
    undo.callback(wait, f"volume {made.id} to be removed", lambda: _is_removed(made.id), 300, 3)
    return made.id


def _is_removed(volume_id):
    """Cinder refuses as long as a snapshot, a server or an image in use is there."""
    storage = cloud("primary").block_storage
    found = storage.find_volume(volume_id)
    if found and found.status in ("available", "error"):
        storage.delete(f"/volumes/{volume_id}")
    return found is None


def key_pair(undo, name):
    """Make a key pair by whose private key guests of the lab can be logged in to; it is removed when the stack is closed."""
    compute = cloud("primary").compute
    compute.create_keypair(name=name, public_key=(laboratory.LAB_DIR / "ssh/id_ed25519.pub").read_text())
    undo.callback(compute.delete_keypair, name)


def remove_server(server_id):
    """Delete a server, and wait until it is gone."""
    compute = cloud("primary").compute
    compute.delete_server(server_id)
    compute.wait_for_delete(compute.get_server(server_id), wait=300)


def protected(made):
    """For a fixture: an application with a checkpoint in the catalogue, of which nothing is left afterwards.

    :param made: what builds and removes it, and knows what the playbook checkpoint is given.
    """
    try:
        made.build()
        taken = playbook("checkpoint", **made.checkpoint())
        assert taken.returncode == 0, taken.stdout + taken.stderr
        yield made
    finally:
        made.remove()


def forget(definition, *checkpoints):
    """Leave nothing of an application's checkpoints at either site."""
    name = definition["name"]
    for one in checkpoints:
        module("os_checkpoint", cloud="remote", application=name, checkpoint=one, state="absent")
        module("os_cg_snapshot", cloud="primary", name=one, application=definition, state="absent")
    for site in ("remote", "primary"):
        # An incremental backup goes before the one that it builds on.
        for backup in sorted(copies.backups(site, name), key=lambda one: one.created_at, reverse=True):
            copies.remove_backup(site, backup.id)
