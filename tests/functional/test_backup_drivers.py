# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups that are not in Swift: checkpoints whose content is proved, what is restored from them, and damage that is found."""

from __future__ import annotations

import backup_services
import pytest
import small
from laboratory import cloud, module, playbook, wait
from small import run

pytestmark = pytest.mark.campaign


class Elsewhere(small.Small):
    """An application of one server whose backups are made by a driver's own service, without a look at any store of them."""

    def __init__(self, driver):
        super().__init__(f"in-{driver}", ["web"])
        self._zone = driver

    def checkpoint(self, number=1):
        options = {"dr_checkpoint_backup_availability_zone": self._zone, "dr_checkpoint_verification": "restore"}
        return {**super().checkpoint(), **options, "dr_checkpoint_id": self.id(number), "dr_checkpoint_keep_snapshots": True}

    def id(self, number):
        return f"{self.name}-{number}"

    def remove(self):
        small.owned.forget(self.definition, self.id(1), self.id(2), self.id(3))
        self.undo.close()


@pytest.fixture(scope="module", params=list(backup_services.DRIVERS))
def store(request, tmp_path_factory):
    with backup_services.running(request.param, tmp_path_factory.mktemp(request.param)) as made:
        made.name = request.param
        yield made


@pytest.fixture(scope="module")
def protected(application, store):
    """Two checkpoints, the second one incremental; something was written before each of them. With the Ceph driver there is room for one only."""
    made = Elsewhere(store.name)
    try:
        made.build()
        for number in store.numbers:
            run(made.server().id, f"echo {number} > /root/written; sync")
            done = playbook("checkpoint", **made.checkpoint(number))
            assert done.returncode == 0, done.stdout + done.stderr
        made.last = number
        yield made
    finally:
        made.remove()


def left_to_compare():
    """What was made only to be compared, at either site."""
    found = []
    for site in ("primary", "remote"):
        found += [*cloud(site).block_storage.volumes(), *cloud(site).block_storage.backups(), *cloud(site).image.images()]
    return [one.name for one in found if (one.name or "").startswith("osdr-verify-")]


def test_the_content_of_full_and_incremental_backups_is_proved(protected):
    copies = []
    for number in range(1, protected.last + 1):
        manifest = module("os_checkpoint_info", cloud="remote", application=protected.name, checkpoint=protected.id(number), with_manifest=True)["manifest"]
        copies += manifest["copies"]
    assert {one["verified"] for one in copies} == {"restore"}
    assert [len(one["chain"]) for one in copies] == list(range(1, protected.last + 1))
    assert copies[-1]["content"]["proved_by"] == protected.id(protected.last)
    assert left_to_compare() == []


def test_the_same_checkpoint_again_changes_nothing(protected):
    again = playbook("checkpoint", **protected.checkpoint(protected.last))
    assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout + again.stderr


def test_the_server_comes_back_with_what_was_written(protected):
    done = playbook("restore", **protected.restore())
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        restored = protected.server(site="remote").id
        wait("the restored server's agent", lambda: small.answers(restored, "remote"), 300, 2)
        assert run(restored, "cat /root/written", site="remote").split() == [str(protected.last)]
    finally:
        removed = playbook("cleanup", **{**protected.cleanup(), "dr_cleanup_checkpoint": protected.id(protected.last)})
        assert removed.returncode == 0, removed.stdout + removed.stderr


@pytest.mark.parametrize("store", ["ceph"], indirect=True)
def test_a_second_backup_that_the_driver_would_refuse_is_told_before_anybody_is_frozen(protected):
    refused = playbook("checkpoint", **protected.checkpoint(2))
    said = " ".join(refused.stdout.split())
    assert refused.returncode != 0 and "which keeps one such backup of each volume" in said, said
    assert "Freeze" not in said


@pytest.mark.parametrize("store", ["posix"], indirect=True)
def test_damage_in_the_store_is_found(protected, store):
    """The negative control, where objects are files: Cinder itself restores a damaged one without a word."""
    taken = protected.snapshots(name=protected.id(3), consistency="crash")
    assert taken.get("changed"), taken
    assert store.damage() > 0
    options = {"availability_zone": store.name, "verification": "restore", "remote_cloud": "remote", "remote_store_cloud": "remote-backup"}
    admins = {"admin_cloud": "primary-admin", "remote_admin_cloud": "remote-admin"}
    copied = module("os_backup_replicate", cloud="primary", application=protected.name, checkpoint=protected.id(3), **options, **admins)
    assert "differs from the snapshot" in copied.get("msg", ""), copied
    assert left_to_compare() == []
