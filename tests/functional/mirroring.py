# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The storage of the lab's sites, which mirrors volumes once it is set up."""

from __future__ import annotations

import contextlib
import subprocess

import laboratory
from laboratory import cloud


def set_up():
    """Have the storage of both sites mirror volumes, as an operator does; returns what Ansible said."""
    command = ["ansible-playbook", "-i", "tests/lab/inventory.yml", "-e", f"lab_dir={laboratory.LAB_DIR}", "tests/lab/mirroring.yml"]
    return subprocess.run(command, check=True, cwd=laboratory.ROOT, capture_output=True, text=True).stdout


def storage(site):
    """How the pool of a site is reached from this machine, as dr_checkpoint_storage takes it."""
    ceph = laboratory.LAB_DIR / "sites" / site / "root/etc/ceph"
    backend = next(one.name for one in cloud(f"{site}-admin").block_storage.backend_pools() if one.name.endswith("@ceph#ceph"))
    keyring = ceph / "ceph.client.osdr.keyring"
    return {"backend": backend, "pool": "volumes", "user": "osdr", "conf": str(ceph / "ceph.conf"), "keyring": str(keyring)}


def both():
    """What roles are given."""
    return {
        "dr_checkpoint_transport": "mirror",
        "dr_checkpoint_storage": storage("primary"),
        "dr_checkpoint_remote_storage": storage("remote"),
    }


@contextlib.contextmanager
def stopped(site):
    """Nothing arrives at a site meanwhile."""
    laboratory.supervisor("stop", "rbd-mirror", site=site)
    try:
        yield
    finally:
        laboratory.supervisor("start", "rbd-mirror", site=site)


@contextlib.contextmanager
def hung(site):
    """Nothing arrives at a site meanwhile, and nobody says so."""
    pid = laboratory.supervisor("pid", "rbd-mirror", site=site).strip()
    laboratory.in_site("kill", "-STOP", pid, site=site)
    try:
        yield
    finally:
        laboratory.in_site("kill", "-CONT", pid, site=site)
