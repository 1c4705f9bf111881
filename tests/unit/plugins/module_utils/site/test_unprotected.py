# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Flavor
from ansible_collections.osdr.openstack.plugins.module_utils.site.unprotected import unprotected
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

FLAVOR = Flavor("", "large", 1, 128, 20, 5, 0)


def gigabytes(**changes):
    (found,) = unprotected("shop", [server("one", flavor=FLAVOR, **changes)], {"a": 3, "b": 4}).gigabytes.values()
    return found


def test_the_data_of_a_server_are_its_volumes_and_the_disks_of_its_flavor():
    volumes = (("a", False), ("b", True))
    assert gigabytes(volumes=volumes) == 3 + 4 + 5
    assert gigabytes(volumes=volumes, boots_from_image=True) == 3 + 4 + 5 + 20


def test_a_volume_of_unknown_size_counts_nothing():
    assert gigabytes(volumes=(("gone", False),)) == 5
