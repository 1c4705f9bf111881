# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes beside the running ones: made as they were, marked as nobody else's, and nothing else is touched."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import Action, plan_volumes
from ansible_collections.osdr.openstack.plugins.modules import os_restore_beside, os_restore_cleanup
from ansible_collections.osdr.openstack.tests.unit.support import encrypted_site, sealing
from ansible_collections.osdr.openstack.tests.unit.support.encrypted_site import OwnBackups
from ansible_collections.osdr.openstack.tests.unit.support.memory.running import CHECKPOINT, Running


class Beside:
    """:ivar had: what the site had before."""

    def __init__(self):
        self.running = Running()
        self.manifest = self.running.checkpoint()
        self.had = copy.deepcopy(self.running.site.of("ours"))

    def restore(self, check_mode=False, **changes):
        given = {"manifest": self.manifest, "beside": "incident-42", "server": "orders-db", "volumes": ["/dev/vdb"], **changes}
        self.module = self.running.module(check_mode, **given)
        with self.running.there(os_restore_beside):
            return os_restore_beside.run(self.module)

    @property
    def new(self):
        return [one for key, one in self.running.volumes().items() if key not in self.had["volumes"]]

    @property
    def rest(self):
        """Everything but what is new."""
        now = self.running.site.of("ours")
        now["volumes"] = {key: one for key, one in now["volumes"].items() if key in self.had["volumes"]}
        return now


@pytest.fixture
def beside():
    return Beside()


def test_a_volume_is_made_beside_the_running_one_and_nothing_is_touched(beside):
    result = beside.restore()
    (made,) = beside.new
    assert (result["changed"], [one["volume_id"] for one in result["volumes"]]) == (True, [made["id"]])
    assert (made["name"], made["attachments"], made["size"]) == ("orders-db-data-incident-42", [], 1)
    assert beside.rest == beside.had


def test_a_second_run_makes_nothing_and_another_id_makes_another_volume(beside):
    beside.restore()
    assert beside.restore()["changed"] is False
    assert len(beside.new) == 1
    beside.restore(beside="other")
    assert sorted(one["name"] for one in beside.new) == ["orders-db-data-incident-42", "orders-db-data-other"]


def test_in_check_mode_it_is_only_told(beside):
    result = beside.restore(check_mode=True)
    assert (result["changed"], result["volumes"][0]["status"], beside.new) == (True, "absent", [])


@pytest.mark.parametrize(
    ("volumes", "names"),
    [
        (None, ["orders-db-data-incident-42", "orders-db-root-incident-42"]),
        (["orders-db-root"], ["orders-db-root-incident-42"]),
        (["/dev/vdb", "orders-db-data"], ["orders-db-data-incident-42"]),
    ],
)
def test_volumes_are_named_by_device_or_name_and_otherwise_all_are_meant(beside, volumes, names):
    beside.restore(volumes=volumes)
    assert sorted(one["name"] for one in beside.new) == names


def test_a_volume_is_named_by_its_id_too(beside):
    (volume,) = [one for one in beside.had["volumes"].values() if one["name"] == "orders-db-data"]
    beside.restore(volumes=[volume["id"]])
    assert [one["name"] for one in beside.new] == ["orders-db-data-incident-42"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"server": "web"}, "has no server web"),
        ({"volumes": ["/dev/vdz"]}, "has no volume /dev/vdz at the checkpoint; name one of /dev/vda .orders-db-root., /dev/vdb .orders-db-data."),
        ({"volumes": []}, "No volume of server 'orders-db' is named"),
        ({"beside": "in cident"}, "cannot be used as the id of volumes beside an application"),
    ],
)
def test_what_the_checkpoint_does_not_have_is_refused(beside, changes, told):
    with pytest.raises(InvalidInput, match=told):
        beside.restore(**changes)
    assert beside.new == []


def test_a_name_that_two_volumes_have_is_refused(beside):
    for volume in beside.manifest["servers"][0]["volumes"]:
        volume["name"] = "data"
    with pytest.raises(InvalidInput, match="has 2 volumes data at the checkpoint"):
        beside.restore(volumes=["data"])


def test_what_would_fail_is_told_before(beside):
    beside.running.site.cinder.limits.limit["volumes"] = 3
    beside.running.site.cinder.by_id["backups"].clear()
    with pytest.raises(CheckFailed) as raised:
        beside.restore()
    problems = raised.value.facts["problems"]
    assert any("quota 'volumes'" in one for one in problems) and any("is missing at site 'primary'" in one for one in problems)
    assert len(problems) == 2
    assert beside.new == []


def test_no_restore_of_the_application_takes_them_for_its_own(beside):
    beside.restore()
    manifest = Manifest.parse(beside.manifest)
    with beside.running.there(os_restore_beside):
        storage = os_restore_beside.BlockStorage(os_restore_beside.connect({}))
        assert {step.action for step in plan_volumes(manifest, storage.volumes())} == {Action.CREATE}


def cleaned(running, **owner):
    with running.there(os_restore_cleanup):
        given = running.module(application="shop", checkpoint=CHECKPOINT, **owner)
        cleanup = os_restore_cleanup.Cleanup(
            os_restore_cleanup.connect({}), os_restore_cleanup.owner_of(given.params), os_restore_cleanup.Waiter(timeout=60, interval=1), 1
        )
        return os_restore_cleanup.run(given, cleanup)


def test_a_cleanup_removes_them_and_nothing_else(beside):
    beside.restore()
    kept = cleaned(beside.running)
    assert (kept["removed"], kept["others"]) == ({}, [{"checkpoint": CHECKPOINT, "drill": None, "beside": "incident-42", "resources": 1}])
    assert list(cleaned(beside.running, beside="incident-42")["removed"]) == ["volumes"]
    assert beside.running.site.of("ours") == beside.had


def test_one_that_was_attached_meanwhile_stays(beside):
    beside.restore()
    (made,) = beside.new
    beside.running.site.nova.attach(beside.running.server("shop-front"), made, False)
    (left,) = cleaned(beside.running, beside="incident-42")["left"]
    assert "stays: it is attached to server" in left
    assert beside.new == [made]


def with_image_root(manifest):
    """A checkpoint whose server orders-db boots from an image."""
    (server,) = [one for one in manifest["servers"] if one["name"] == "orders-db"]
    root = server["volumes"][0]
    (made,) = [one for one in manifest["copies"] if one["volume_id"] == root["source_id"]]
    made |= {"volume_id": server["source_id"], "method": "glance_image", "chain": [made["copy_id"]]}
    root |= {"source_id": server["source_id"], "is_image": True}
    return server


def test_the_root_disk_of_a_server_that_boots_from_an_image_is_told_not_to_be_made(beside):
    with_image_root(beside.manifest)
    beside.restore(volumes=None)
    assert [one["name"] for one in beside.new] == ["orders-db-data-incident-42"]
    assert any("root disk of server 'orders-db' is an image" in one for one in beside.module.told)
    with pytest.raises(InvalidInput, match="has no volume /dev/vda"):
        beside.restore(volumes=["/dev/vda"])


def test_a_server_without_volumes_is_refused(beside):
    server = with_image_root(beside.manifest)
    gone = {one["source_id"] for one in server["volumes"][1:]}
    del server["volumes"][1:]
    beside.manifest["copies"] = [one for one in beside.manifest["copies"] if one["volume_id"] not in gone]
    with pytest.raises(InvalidInput, match="has no volumes at the checkpoint"):
        beside.restore(volumes=None)


@pytest.fixture
def encrypted(beside, monkeypatch):
    """The database's data volume was encrypted."""
    encrypted_site.seal(beside.manifest, "orders-db-data")
    encrypted_site.reach(monkeypatch)
    return beside


def test_an_encrypted_volume_of_the_sites_own_backup_needs_no_private_key(encrypted):
    encrypted.restore()
    assert [one["name"] for one in encrypted.new] == ["orders-db-data-incident-42"]


@pytest.mark.parametrize(("private", "told"), encrypted_site.WRONG_KEYS)
def test_one_of_the_other_site_is_refused_without_the_right_private_key(encrypted, monkeypatch, private, told):
    monkeypatch.setattr(OwnBackups, "told", "the key is elsewhere")
    with pytest.raises(CheckFailed, match=told):
        encrypted.restore(volume_private_key=private)
    assert encrypted.new == []


def test_with_it_the_volume_is_restored_from_twins_of_its_own(encrypted, monkeypatch):
    made = encrypted_site.note_twins(monkeypatch)
    encrypted.restore(volume_private_key=sealing.pair()[0])
    assert (made, len(encrypted.new)) == ([("incident-42", "ceph")], 1)
