# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.prospect import Prospect
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import Sampling
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Content
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import TwoSites

NOON = marks("shop", "noon")
YET_TO_BE_TAKEN = {"volume-orders": "", "volume-payments": ""}
TAKEN = {"volume-orders": "snapshot-orders", "volume-payments": "snapshot-payments"}


def problems(site, snapshot_ids, delivery=None):
    prospect = Prospect(NOON, {"volume-orders": 3, "volume-payments": 4}, snapshot_ids, concurrency=1)
    return prospect.problems(site.sites, delivery or Delivery("shared", "records"))


@pytest.fixture
def site():
    return TwoSites()


def limit(site, **limits):
    for one in (site.primary, site.remote):
        one.limits |= limits


def test_new_copies_need_room_at_both_sites(site):
    limit(site, backups=1, backup_gigabytes=6)
    found = problems(site, YET_TO_BE_TAKEN)
    assert [("'backups'" in one, "'primary'" in one) for one in found] == [(True, True), (False, True), (True, False), (False, False)]
    assert all("is 1 too small" in one for one in found)


def test_what_is_copied_already_needs_none(site):
    for volume in TAKEN:
        name = volume.removeprefix("volume-")
        site.primary.hold(name, metadata=NOON, snapshot_id=f"snapshot-{name}")
    limit(site, backups=2)
    assert problems(site, TAKEN) == []


def test_what_gives_place_gives_its_room_where_it_is_known(site):
    old = site.primary.hold("orders", metadata=NOON, snapshot_id="of yesterday")
    # The site counts the old one, of 1 GiB, as in use.
    limit(site, backups=2, backup_gigabytes=7)
    assert problems(site, YET_TO_BE_TAKEN) == []
    limit(site, backups=1)
    assert ["is 1 too small" in one for one in problems(site, YET_TO_BE_TAKEN)] == [True, True]
    site.remote.by_id[old.id] = old
    site.remote.limits["backups"] = 2
    assert ["'primary'" in one for one in problems(site, YET_TO_BE_TAKEN)] == [True]


def test_what_cannot_give_place_is_told(site):
    site.primary.hold("orders", metadata=NOON, snapshot_id="of yesterday", has_dependents=True)
    (problem,) = problems(site, YET_TO_BE_TAKEN)
    assert "other backups build on it" in problem


def test_a_checkpoint_of_the_same_id_that_came_from_the_other_site_need_not_give_place(site):
    site.primary.hold("away", metadata=NOON, has_dependents=True, status="error")
    assert problems(site, YET_TO_BE_TAKEN) == problems(site, TAKEN) == []


def test_a_proof_of_content_needs_room_for_the_largest_volume_and_its_backup(site):
    site.remote.limits |= {"volumes": 0, "gigabytes": 3, "backups": 2, "backup_gigabytes": 10}
    found = problems(site, YET_TO_BE_TAKEN, Delivery("shared", "restore"))
    assert [one.split("on site")[0].split("'")[1] for one in found] == ["backups", "backup_gigabytes", "volumes", "gigabytes"]
    assert all("site 'remote' is 1 too small" in one for one in found)


def test_a_volume_that_is_only_restored_needs_no_room_for_a_backup(site):
    site.remote.limits |= {"volumes": 0, "gigabytes": 3, "backups": 2, "backup_gigabytes": 7}
    found = problems(site, YET_TO_BE_TAKEN, Delivery("shared", "readable"))
    assert [one.split("on site")[0].split("'")[1] for one in found] == ["volumes", "gigabytes"]


def test_only_the_sample_needs_room(site):
    delivery = Delivery("shared", "restore", Sampling("noon", 2, {"volume-payments": Content("2026-01-01T12:00:00.000Z", "earlier")}))
    site.remote.limits |= {"volumes": 1, "gigabytes": 3}
    assert problems(site, YET_TO_BE_TAKEN, delivery) == []


def test_who_may_not_import_or_look_is_told(site):
    site.remote.allowed_to_import = False
    site.stores.primary.down = site.stores.remote.down = 10
    found = problems(site, YET_TO_BE_TAKEN, Delivery("copy", "objects"))
    assert [one.split("Give ")[1].split(":")[0] for one in found] == ["remote_admin_cloud", "remote_store_cloud", "store_cloud"]


CEPH = "cinder.backup.drivers.ceph.CephBackupDriver"


@pytest.mark.parametrize(
    ("service", "changes", "zone", "is_told"),
    [
        pytest.param(CEPH, {}, "", True, id="whose zone is unknown"),
        pytest.param(CEPH, {}, "nova", True, id="in the same zone"),
        pytest.param(CEPH, {}, "elsewhere", False, id="another service will make the next"),
        pytest.param(CEPH, {"snapshot_id": None}, "nova", False, id="of the volume itself"),
        pytest.param(CEPH, {"object_count": 3}, "nova", False, id="a driver that counts objects"),
        pytest.param("cinder.backup.drivers.nfs.NFSBackupDriver", {}, "nova", False, id="another driver"),
    ],
)
def test_a_volume_that_has_the_one_backup_that_the_ceph_driver_takes_is_told(site, service, changes, zone, is_told):
    site.primary.service = service
    site.primary.hold("orders", **{"snapshot_id": "of yesterday", "object_count": 0, **changes})
    prospect = Prospect(NOON, {"volume-orders": 3}, {"volume-orders": ""}, concurrency=1, zones={"volume-orders": zone})
    found = prospect.problems(site.sites, Delivery("shared", "records"))
    assert ["Volume volume-orders has backup" in one for one in found] == [True] * is_told
