# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A remote site whose copies are to be proved, for tests of pure code."""

from __future__ import annotations

import dataclasses

from ansible_collections.osdr.openstack.plugins.module_utils.copies.sites import Chain
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import OBJECTS, RESTORE, Verification
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import TwoSites, link, location
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup

HERE = location("db")
DATA = f"{HERE.prefix}-00001"


class Proving(TwoSites):
    """A remote site with a chain of two backups, all of it whole."""

    def __init__(self, depth=OBJECTS, **trouble):
        super().__init__(**trouble)
        self.depth = depth
        self.store = self.stores.remote
        for name in ("older", "db"):
            self.remote.hold(name)
            self.store.put(location(name))
        self.chain = Chain(backup("db"), (link("older"), link("db", parent="older")))
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
        """What is at the site beside the chain."""
        return [one.id for one in (*self.remote.volumes(), *self.remote.backups()) if one.id not in self.chain.ids]
