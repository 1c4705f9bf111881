# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.scratch import Scratch, description, mark, name
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Backup, marks
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeCopies, FakeTime, backup, volume

#: Whose copy a comparison was made for: ours, another application's, somebody's who marks nothing, or one that is gone.
COPIES = ("ours", "theirs", "plain", "gone")


@pytest.fixture
def site():
    """A site with copies, and what was made to be compared with each of them."""
    copies = [backup("ours", metadata=marks("shop", "noon")), backup("theirs", metadata=marks("bank", "noon")), backup("plain")]
    made = FakeCopies("remote", [*copies, *(backup(name(f"backup-{one}"), id=f"backup-of-{one}", metadata=mark(f"backup-{one}")) for one in COPIES)])
    volumes = [volume(name(f"backup-{one}"), id=f"volume-of-{one}", description=description(f"backup-{one}"), status="available") for one in COPIES]
    volumes.append(volume("bare", description="a volume of somebody"))
    made.volumes_by_id = {one.id: one for one in volumes}
    for one in COPIES:
        made.cloud.service("image").add(f"image-of-{one}", name=name(f"backup-{one}"), **mark(f"backup-{one}"))
    return made


def names(found):
    return [one.id.partition("-")[2] for one in (*found.backups, *found.volumes, *found.images)]


def test_of_one_copy_there_is_only_its_own(site):
    assert names(Scratch.of(site, "backup-theirs")) == ["of-theirs"] * 3


def test_what_is_left_of_an_application_is_of_its_copies_or_of_those_that_are_gone(site):
    assert names(Scratch.left_of(site, "shop")) == ["of-ours", "of-gone"] * 3
    assert names(Scratch.left_of(site, "bank")) == ["of-theirs", "of-gone"] * 3


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param(volume("keep", description=description("backup-gone")), id="our text in a description"),
        pytest.param(volume(name("backup-gone"), description="mine"), id="our name"),
        pytest.param(volume(name("backup-gone"), description=description("backup-gone") + " keep"), id="more text"),
        pytest.param(volume(name("backup-gone"), description=description("backup-other")), id="they contradict each other"),
        pytest.param(backup("keep", metadata=mark("backup-gone")), id="our key in metadata"),
        pytest.param(backup(name("backup-gone")), id="our name of a backup"),
    ],
)
def test_what_only_looks_like_ours_is_left_alone(theirs):
    is_backup = isinstance(theirs, Backup)
    site = FakeCopies("remote", [theirs] if is_backup else [])
    site.volumes_by_id = {} if is_backup else {theirs.id: theirs}
    assert not Scratch.left_of(site, "shop")
    assert not Scratch.of(site, "backup-gone")


@pytest.mark.parametrize("facts", [{"name": name("backup-gone")}, mark("backup-gone"), {"name": name("backup-gone"), **mark("backup-other")}])
def test_an_image_that_only_looks_like_ours_is_left_alone(facts):
    site = FakeCopies("remote")
    site.cloud.service("image").add("theirs", **facts)
    assert not Scratch.left_of(site, "shop")


def test_backups_go_before_volumes_and_all_is_waited_for(site):
    waiter = Waiter(timeout=10, interval=1, clock=FakeTime().clock)
    Scratch.left_of(site, "shop").remove(site, waiter)
    assert [what for _site, what in site.journal] == ["backup-of-ours", "backup-of-gone", "volume-of-ours", "volume-of-gone"]
    assert not Scratch.left_of(site, "shop")
    assert list(site.cloud.service("image").by_id) == ["image-of-theirs", "image-of-plain"]
    site.delete_volume = lambda volume_id: None
    with pytest.raises(WaitTimeout, match="volume osdr-verify-backup-theirs to be deleted"):
        Scratch.left_of(site, "bank").remove(site, waiter)


def test_a_backup_that_does_not_go_is_told_and_its_volume_stays(site):
    site.delete_backup = lambda backup_id: None
    with pytest.raises(WaitTimeout, match="backup osdr-verify-backup-theirs to be deleted"):
        Scratch.of(site, "backup-theirs").remove(site, Waiter(timeout=10, interval=1, clock=FakeTime().clock))
    assert site.journal == []


def test_a_result_tells_their_ids_by_what_they_are(site):
    expected = {"backups": ["backup-of-theirs"], "volumes": ["volume-of-theirs"], "images": ["image-of-theirs"]}
    assert Scratch.of(site, "backup-theirs").ids == expected


@pytest.mark.parametrize(("status", "is_idle"), [("available", True), ("error_restoring", True), ("restoring-backup", False), ("deleting", False)])
def test_what_cinder_works_on_is_busy(status, is_idle):
    for found in (Scratch((), (volume("scratch", status=status),)), Scratch((backup("scratch", status=status),), ())):
        assert (bool(found.idle), len(found.busy)) == (is_idle, 0 if is_idle else 1)
