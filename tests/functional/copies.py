# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints of one server, copied to the remote site of the lab in every way, and what is there of them."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import tempfile

import inputs
import laboratory
from laboratory import ModuleRun, cloud, module, wait

SERVER = "shop-front"
CLOUDS = {
    "cloud": "primary",
    "admin_cloud": "primary-admin",
    "remote_cloud": "remote",
    "remote_admin_cloud": "remote-admin",
    "remote_store_cloud": "remote-backup",
    "store_cloud": "primary-backup",
}
#: What each transport needs on the lab: the backups of the zone "local" stay at their site.
TRANSPORTS = {
    "shared": {},
    "copy": {"transport": "copy", "availability_zone": "local"},
    "external": {"transport": "external", "availability_zone": "local"},
}
#: Other names at the remote site, for restores beside whatever else is there, the shop itself perhaps.
ELSEWHERE = {
    "schema_version": 1,
    "networks": {"shop-net": {"name": "moved-net", "make": True}},
    "subnets": {"shop-subnet": {"name": "moved-subnet", "make": True, "cidr": "10.77.0.0/24"}},
    "routers": {"shop-router": {"name": "moved-router", "make": True}},
    "security_groups": {"shop": {"name": "moved", "make": True}},
}
#: Of Swift's container synchronization on the lab.
REALM, KEY = "osdr", "functional"


class Protected:
    """An application of one server, known to nobody else.

    :param transport: one of TRANSPORTS.
    """

    def __init__(self, transport="shared", **options):
        self.name = laboratory.unique(transport)
        self.options = {**CLOUDS, **TRANSPORTS[transport], **options}
        self.count = 0
        #: Where modules keep what they know of each checkpoint.
        self._drafts = tempfile.TemporaryDirectory()

    @property
    def definition(self):
        return {"name": self.name, "tiers": [{"name": "only", "servers": [SERVER]}]}

    def snapshot(self):
        """Snapshot its volumes; returns the id of the checkpoint."""
        self.count += 1
        name = f"{self.name}-{self.count}"
        drafts = [self._draft(name)]
        taken = module("os_cg_snapshot", cloud="primary", name=name, application=self.definition, consistency="crash", drafts=drafts)
        assert taken.get("changed"), taken
        return name

    def _draft(self, checkpoint):
        return os.path.join(self._drafts.name, checkpoint)

    def start(self, checkpoint, check=False, **options):
        """Begin to copy a checkpoint."""
        arguments = {**self.options, "application": self.name, "checkpoint": checkpoint, **options}
        return ModuleRun("os_backup_replicate", check=check, **arguments)

    def copy(self, checkpoint, **options):
        return self.start(checkpoint, **options).result(900)

    def protect(self, **options):
        """A whole checkpoint; returns the copy of its only volume."""
        copied = self.copy(self.snapshot(), **options)
        assert "replication" in copied, copied
        (copy,) = copied["replication"]["copies"]
        return copy

    def publish(self, checkpoint):
        """Copy the snapshots of a checkpoint and write its manifest, by its playbook's modules; returns the copy of its only volume."""
        draft = self._draft(checkpoint)
        captured = module("os_application_info", cloud="primary", application=self.definition, draft=draft)
        assert captured.get("differences") == [], captured
        copied = self.copy(checkpoint, draft=draft)
        assert "replication" in copied, copied
        published = module(
            "os_checkpoint",
            cloud="remote",
            application=self.name,
            checkpoint=checkpoint,
            site="primary",
            draft=draft,
        )
        assert "checkpoint" in published, published
        (copy,) = json.loads(pathlib.Path(draft, "copies.json").read_text())["copies"]
        return copy

    def checkpoint(self):
        """What the playbook checkpoint is given to publish the next one."""
        self.count += 1
        return inputs.checkpoint(self.definition, f"{self.name}-{self.count}", dr_checkpoint_keep_snapshots=True)

    def restore(self, **mapping):
        """What the playbook restore is given, for one beside the shop that nobody takes for a move."""
        return {
            "dr_restore_cloud": "remote",
            "dr_restore_application": self.name,
            "dr_restore_mapping": {**ELSEWHERE, "addresses": {"policy": "remap"}, **mapping},
            "dr_restore_activate": False,
        }

    def cleanup(self):
        """What the playbook cleanup is given to take it away again."""
        return inputs.cleanup(self.name, f"{self.name}-{self.count}")

    def remove(self):
        """Leave nothing of it at either site."""
        # None is being backed up any more.
        wait(f"the removal of the snapshots of {self.name}", lambda: {one.status for one in self._removing_snapshots()} <= {"deleting"}, 180)
        for site in ("remote", "primary"):
            for backup in backups(site, self.name):
                remove_backup(site, backup.id)
        wait(f"the snapshots of {self.name} to be removed", lambda: not self._removing_snapshots(), 180)

    def _removing_snapshots(self):
        """Ask for the removal of all snapshots that there are still: one that is being made or backed up has to wait for its turn."""
        storage = cloud().block_storage
        left = [one for one in storage.snapshots() if (one.metadata or {}).get("osdr_application") == self.name]
        for one in left:
            if one.status in ("available", "error"):
                storage.delete_snapshot(one.id)
        return left


@contextlib.contextmanager
def protected(transport="shared", **options):
    application = Protected(transport, **options)
    try:
        yield application
    finally:
        application.remove()


@contextlib.contextmanager
def published(transport="shared", **options):
    """An application with a checkpoint in the catalogue of the remote site."""
    with protected(transport, **options) as application:
        application.publish(application.snapshot())
        try:
            yield application
        finally:
            # Its backups go with the rest.
            module("os_checkpoint", cloud="remote", application=application.name, checkpoint=f"{application.name}-1", state="absent")


def backups(site, application):
    """Those of an application, the newest first."""
    found = cloud(site).block_storage.backups(details=True)
    mine = [one for one in found if (one.metadata or {}).get("osdr_application") == application]
    return sorted(mine, key=lambda one: one.data_timestamp, reverse=True)


def remove_backup(site, backup_id):
    storage = cloud(site).block_storage
    storage.delete_backup(backup_id)
    wait(f"backup {backup_id} to be deleted", lambda: storage.find_backup(backup_id) is None, 120)


def objects(site, container):
    """What a container of a site's store holds; Cinder makes the container with its first backup."""
    store = cloud(f"{site}-backup").object_store
    exists = any(one.name == container for one in store.containers())
    return list(store.objects(container)) if exists else []


def stored(site, backup_id, container="volumebackups"):
    """Objects of a backup in the store of a site: time of the last write per name."""
    return {one.name: one.last_modified_at for one in objects(site, container) if f"_backup_{backup_id}" in one.name}


def orphans(container="volumebackups"):
    """Objects in the stores of both sites, by site and name, of backups that neither site knows."""
    known = {one.id for site in ("primary", "remote") for one in cloud(f"{site}-admin").block_storage.backups(all_tenants=True)}
    return {
        (site, one.name)
        for site in ("primary", "remote")
        for one in objects(site, container)
        if not any(backup_id in one.name for backup_id in known)
    }


@contextlib.contextmanager
def synchronized(container):
    """Swift's own replication of a container from the primary to the remote site."""
    remote, primary = cloud("remote-backup"), cloud("primary-backup")
    account = remote.current_project_id
    remote.object_store.put(f"/{container}", headers={"X-Container-Sync-Key": KEY}).raise_for_status()
    target = f"//{REALM}/remote/AUTH_{account}/{container}"
    primary.object_store.put(f"/{container}", headers={"X-Container-Sync-To": target, "X-Container-Sync-Key": KEY}).raise_for_status()
    try:
        yield
    finally:
        headers = {"X-Container-Sync-To": "", "X-Container-Sync-Key": ""}
        primary.object_store.post(f"/{container}", headers=headers).raise_for_status()


@contextlib.contextmanager
def stopped(program, site):
    """A program of a site that does not run."""
    laboratory.supervisor("stop", program, site=site)
    try:
        yield
    finally:
        laboratory.supervisor("start", program, site=site)
        url = {"swift-proxy": f"http://{site}:8080/healthcheck", "cinder-api": f"http://{site}:8776/"}.get(program)
        if url:
            wait(f"{program} of {site}", lambda: laboratory.answers(url), 60)
