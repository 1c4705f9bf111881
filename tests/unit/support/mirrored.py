# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two sites whose storage mirrors the volumes, for tests of pure code."""

from __future__ import annotations

import dataclasses

from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.mirroring import Mirroring
from ansible_collections.osdr.openstack.plugins.module_utils.copies.options import ReplicationOptions
from ansible_collections.osdr.openstack.plugins.module_utils.copies.plan import WantedBackups
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import Sampling
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import RECORDS
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Pool, marks
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.access import RbdAccess
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.commands import Rbd
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.options import MirrorOptions
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.rbd import RbdMirror, image_of, snapshot_of
from ansible_collections.osdr.openstack.tests.unit.support.fake_ceph import FakeCeph, FakeImage
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import FakeSite, TwoSites
from ansible_collections.osdr.openstack.tests.unit.support.fakes import volume

BACKEND = "host@ceph#ceph"


class AdoptingSite(FakeSite):
    """A site whose Cinder adopts images of a pool.

    :ivar pool: of its storage.
    """

    pool = None
    may = True

    def volume_types(self):
        return {"ceph": "type-ceph"}

    def pools(self):
        return [Pool(BACKEND, False)]

    def may_manage(self, _backend):
        return self.may

    def failure_reason(self, _resource_id):
        return "The driver says no."

    def manage_volume(self, backend, source, wanted):
        with self._call("manage_volume", backend, source, wanted):
            given = {**wanted, "volume_type": wanted.get("volume_type", "")}
            made = dataclasses.replace(volume(f"made-{next(self._numbers)}", status="creating"), **given)
            self._volumes[made.id] = made
            if "manage" in self.failing:
                self._later(self._volumes, made.id, status="error_managing")
            else:
                self.pool.images[image_of(made.id)] = self.pool.images.pop(source)
                self._later(self._volumes, made.id, status="available")
            return made.id

    def set_volume_metadata(self, volume_id, metadata):
        with self._call("set_volume_metadata", volume_id, metadata):
            self._change(self._volumes, volume_id, metadata={**self._volumes[volume_id].metadata, **metadata})

    def replace_volume_metadata(self, volume_id, metadata):
        with self._call("replace_volume_metadata", volume_id, metadata):
            self._change(self._volumes, volume_id, metadata=dict(metadata))

    def make_volume_read_only(self, volume_id):
        with self._call("make_volume_read_only", volume_id):
            self._change(self._volumes, volume_id, is_read_only=True)


class MirroredSites(TwoSites):
    """A primary site whose volumes have a snapshot of the checkpoint ``noon``, and a remote one to which everything arrives at once.

    :param failing: as :class:`AdoptingSite` has it, at the remote site.
    """

    def __init__(self, *names, failing=()):
        super().__init__()
        self.primary = AdoptingSite("primary", self.stores.primary, self.time, *names)
        self.remote = AdoptingSite("remote", self.stores.remote, self.time, failing=failing)
        self.sites = dataclasses.replace(self.sites, primary=self.primary, exporting=self.primary, remote=self.remote, importing=self.remote)
        self.ceph = FakeCeph()
        self.primary.pool, self.remote.pool = self.ceph.primary, self.ceph.remote
        #: Ids of the volumes of which nothing arrives.
        self.held = set()
        for one in self.primary.snapshots():
            self.ceph.primary.images[image_of(one.volume_id)] = FakeImage(one.volume_id.encode())
            self.ceph.primary.snapshot(image_of(one.volume_id), snapshot_of(one.id))
        sleep = self.time.sleep

        def passing(seconds):
            sleep(seconds)
            arriving = [one.volume_id for one in self.primary.snapshots() if one.volume_id not in self.held]
            self.ceph.transfer("", *map(image_of, arriving))

        self.waiter = dataclasses.replace(self.waiter, clock=dataclasses.replace(self.waiter.clock, sleep=passing))

    def snapshot(self, checkpoint, *names):
        """Volumes have a snapshot of another checkpoint."""
        before = {one.id for one in self.primary.snapshots()}
        self.primary.snapshot(checkpoint, *names)
        for one in self.primary.snapshots():
            if one.id not in before:
                self.ceph.primary.snapshot(image_of(one.volume_id), snapshot_of(one.id))

    def forget(self, checkpoint):
        """The snapshots of a checkpoint are deleted."""
        for one in self.primary.snapshots(checkpoint):
            self.ceph.primary.delete_snapshot(image_of(one.volume_id), snapshot_of(one.id))
        self.primary._snapshots = [one for one in self.primary.snapshots() if one.metadata != marks("shop", checkpoint)]

    def mirroring(self, checkpoint="noon", volume_type=""):
        sites, ceph = self.sites, self.ceph

        class Options(MirrorOptions):
            def driver(self, primary, remote):
                return RbdMirror(Rbd(self.primary, primary, ceph.primary.run), Rbd(self.remote, remote, ceph.remote.run))

        access = RbdAccess("volumes", "dr")
        options = ReplicationOptions(WantedBackups("shop", checkpoint, 7), Delivery("mirror", RECORDS, Sampling(checkpoint)), self.effort)
        return Mirroring(sites, options, Options(access, access, BACKEND, volume_type), self.waiter, self.progress)

    def copy(self, checkpoint="noon", **options):
        return self.mirroring(checkpoint, **options).carry_out()

    def content(self, copy):
        """What a copy has."""
        return self.ceph.remote.images[image_of(copy.copy_id)].content
