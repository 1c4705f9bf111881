# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A remote site whose copies are to be proved, for tests of pure code."""

from __future__ import annotations

import dataclasses

from ansible_collections.osdr.openstack.plugins.module_utils.copies.sites import Chain
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import OBJECTS, RESTORE, Verification
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import SWIFT, TwoSites, link, location
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup

HERE = location("db")
DATA = f"{HERE.prefix}-00001"


class Proving(TwoSites):
    """A remote site with a chain of two backups, all of it whole.

    :param service: the driver that made them; with another one than Swift's, no object can be found.
    """

    def __init__(self, depth=OBJECTS, service=SWIFT, **trouble):
        super().__init__("db", **trouble)
        self.depth = depth
        self.store = self.stores.remote
        for name in ("older", "db"):
            self.remote.hold(name)
            if service == SWIFT:
                self.store.put(location(name))
        copied = backup("db", snapshot_id="snapshot-db-noon")
        self.chain = Chain(copied, (link("older", service=service), link("db", parent="older", service=service)))
        self.verification = Verification(self.sites, depth, self.effort, self.waiter, self.progress)

    def prove(self):
        restored = [self.chain.backup.volume_id] if self.depth == RESTORE else []
        ((chain, proof),) = self.verification.prove([self.chain], restored)
        assert chain == self.chain
        return proof

    def later(self, seconds, change):
        """Something happens at the site in so many seconds."""
        sleep = self.time.sleep

        def passing(slept):
            sleep(slept)
            if self.time.seconds >= seconds:
                change()

        self.waiter = dataclasses.replace(self.waiter, clock=dataclasses.replace(self.waiter.clock, sleep=passing))
        self.verification = Verification(self.sites, OBJECTS, self.effort, self.waiter, self.progress)

    @property
    def scratch(self):
        """What is at both sites beside the chain and what it was made of."""
        found = [one.id for site in (self.primary, self.remote) for one in (*site.volumes(), *site.backups())]
        images = [one for site in (self.primary, self.remote) for one in site.glance.by_id]
        return [one for one in found + images if one not in (*self.chain.ids, "volume-db")]
