# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils import args
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import DEPTHS
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import TwoSites


@pytest.mark.parametrize(
    ("transport", "depth", "options"),
    [
        pytest.param("shared", "records", [], id="no object is looked at"),
        pytest.param("shared", "readable", [], id="volumes are restored, but no object is looked at"),
        pytest.param("shared", "objects", ["remote_store_cloud"], id="one store"),
        pytest.param("external", "records", ["remote_store_cloud", "store_cloud"], id="two stores"),
        pytest.param("copy", "restore", ["remote_store_cloud", "store_cloud"], id="two stores, and all is proved"),
    ],
)
def test_only_stores_that_are_used_need_be_in_reach(transport, depth, options):
    shop = TwoSites()
    shop.stores.primary.down = shop.stores.remote.down = 10**6
    problems = Delivery(transport, depth).problems(shop.sites)
    assert [problem.split("Give ")[1].split(":")[0] for problem in problems] == options


def test_the_option_offers_all_depths():
    assert args.REPLICATION["verification"]["choices"] == list(DEPTHS)


def test_what_is_foreseen_restores_nothing():
    delivery = Delivery("copy", "restore")
    assert delivery.restored(["volume-db"], []) == {"volume-db"}
    assert delivery.foreseen.restored(["volume-db"], []) == set()


def test_a_site_without_a_store_proves_content_by_a_restore_alone():
    shop = TwoSites()
    shop.stores.remote.exists = False
    shop.stores.primary.down = shop.stores.remote.down = 10**6
    assert Delivery("shared", "restore").problems(shop.sites) == []
    assert len(Delivery("shared", "objects").problems(shop.sites)) == 1
    assert len(Delivery("copy", "restore").problems(shop.sites)) == 2
