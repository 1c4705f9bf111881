# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of drivers for mirrored storage, with the Ceph clusters of the lab."""

from __future__ import annotations

import laboratory
import mirroring
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.access import RbdAccess
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.commands import Rbd
from ansible_collections.osdr.openstack.tests.functional.ceph_bench import CephBench
from ansible_collections.osdr.openstack.tests.unit.support.mirror_contract import MirrorContract

pytestmark = pytest.mark.campaign


def rbd(site):
    """rbd at a site, with what tests need more than a driver: to make images of images."""
    found = mirroring.storage(site)
    ceph = laboratory.LAB_DIR / "sites" / site / "root/etc/ceph"
    return Rbd(RbdAccess(found["pool"], "openstack", conf=found["conf"], keyring=str(ceph / "keyring")), site)


@pytest.fixture(scope="module")
def rbds():
    mirroring.set_up()
    return rbd("primary"), rbd("remote")


@pytest.fixture
def bench(rbds):
    made = CephBench(*rbds, lambda what: laboratory.supervisor(what, "rbd-mirror", site="remote"))
    try:
        yield made
    finally:
        made.clean()


class TestContract(MirrorContract):
    """The driver with two real clusters."""
