# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies import sites
from ansible_collections.osdr.openstack.plugins.module_utils.copies.comparison import ContentDiffers
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.options import ReplicationOptions
from ansible_collections.osdr.openstack.plugins.module_utils.copies.plan import WantedBackups
from ansible_collections.osdr.openstack.plugins.module_utils.copies.replication import Replication
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import Sampling
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sites import Accounts, Sites
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, DrError, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import DIFFERS_KEY, UNPROVED_KEY, marks
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.pieces import LABEL_KEY
from ansible_collections.osdr.openstack.tests.unit.support.fake_stores import BLOCKS, CONTAINER, TwoSites, location, record
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup, volume

NOON = marks("shop", "noon")


class Protecting(TwoSites):
    """An application whose checkpoints are copied, each by a run of its own."""

    full_every = 3

    def __init__(self, *names, transport="copy", depth="objects", **trouble):
        super().__init__(*(names or ("orders",)), shared=transport == "shared", **trouble)
        self.delivery = Delivery(transport, depth)

    def job(self, checkpoint="noon", **changes):
        wanted = WantedBackups("shop", checkpoint, self.full_every, **changes)
        return Replication(self.sites, ReplicationOptions(wanted, self.delivery, self.effort), self.waiter, self.progress)

    def run(self, checkpoint="noon"):
        """Whether it changed anything, and the copies."""
        job = self.job(checkpoint)
        copies = job.deliver(job.chains(job.back_up(job.plan())))
        return job.changed, copies

    def back_up(self):
        job = self.job()
        return job.back_up(job.plan())

    def next(self, checkpoint):
        """Another checkpoint of all volumes."""
        self.primary.snapshot(checkpoint, *(one.removeprefix("volume-") for one in self.primary._volumes))
        return self.run(checkpoint)[1]


@pytest.fixture
def shop():
    return Protecting("orders", "payments")


# The whole course


@pytest.mark.parametrize(("transport", "depth"), [("copy", "objects"), ("copy", "restore"), ("shared", "objects"), ("shared", "records")])
def test_a_checkpoint_is_copied_once(transport, depth):
    shop = Protecting("orders", "payments", transport=transport, depth=depth)
    changed, copies = shop.run()
    assert changed
    assert [one.volume_id for one in copies] == ["volume-orders", "volume-payments"]
    assert {one.verified for one in copies} == {depth}
    made = (shop.stores.remote.written.copy(), shop.remote.called("import_record"), shop.primary.called("create_backup"))
    changed, again = shop.run()
    assert not changed
    assert [dataclasses.replace(one, content=None) for one in again] == [dataclasses.replace(one, content=None) for one in copies]
    assert made == (shop.stores.remote.written, shop.remote.called("import_record"), shop.primary.called("create_backup"))


def test_a_copy_is_described_as_a_restore_needs_it():
    shop = Protecting()
    shop.run()
    (copy,) = shop.next("evening")
    where = location("primary-2", "orders")
    sizes = [len(content) for name, content in shop.stores.remote.containers[CONTAINER].items() if name.startswith(where.prefix)]
    assert dataclasses.asdict(copy) | {"inventory": copy.inventory[:7]} == {
        "volume_id": "volume-orders",
        "method": "cinder_backup",
        "copy_id": "backup-primary-2",
        "chain": ("backup-primary-1", "backup-primary-2"),
        "size": 1,
        "incremental": True,
        "object_count": len(BLOCKS),
        "container": CONTAINER,
        "stored_bytes": sum(sizes),
        "inventory": "sha256:",
        "verified": "objects",
        "content": {"proved_at": "", "proved_by": "", "how": "", "passed_over": 0},
        "key": None,
    }


POSIX = "cinder.backup.drivers.posix.PosixBackupDriver"


def test_backups_of_another_driver_are_built_on_and_their_content_is_compared():
    shop = Protecting("orders", "payments", transport="shared", depth="restore")
    shop.primary.service = POSIX
    first = shop.run()[1]
    assert {(one.verified, one.incremental, one.inventory) for one in first} == {("restore", False, "")}
    second = shop.next("evening")
    assert {(one.verified, one.incremental, len(one.chain)) for one in second} == {("restore", True, 2)}
    assert {one.id for one in shop.remote.volumes()} == set()


def test_of_a_volume_cinders_ceph_driver_takes_one_backup_only():
    shop = Protecting("orders", "payments", transport="shared", depth="readable")
    shop.primary.service = "cinder.backup.drivers.ceph.CephBackupDriver"
    shop.primary.counts_objects = False
    assert {one.verified for one in shop.run()[1]} == {"readable"}
    with pytest.raises(CheckFailed, match="Volume volume-orders has backup .* made of a snapshot by Cinder's Ceph driver"):
        shop.next("evening")


def test_a_volume_gets_a_full_backup_by_which_its_objects_can_be_looked_at_again():
    """Its newest backup tells which driver the site has."""
    shop = Protecting("orders", transport="shared", depth="restore")
    shop.run()
    shop.stores.remote.containers[CONTAINER].clear()
    (copy,) = shop.next("evening")
    assert (copy.verified, copy.incremental) == ("restore", False)


def test_the_objects_of_another_driver_cannot_be_wanted():
    shop = Protecting("orders", transport="shared", depth="objects")
    shop.primary.service = POSIX
    with pytest.raises(DrError, match="was made by the driver 'cinder.backup.drivers.posix.PosixBackupDriver', whose objects cannot be"):
        shop.run()


def test_room_for_what_is_compared_without_a_store_is_needed_at_both_sites():
    shop = Protecting("orders", transport="shared", depth="restore")
    shop.primary.service, shop.stores.remote.exists = POSIX, False
    for site in (shop.primary, shop.remote):
        site.limits = {**site.limits, "volumes": len(site.volumes())}
    with pytest.raises(CheckFailed) as raised:
        shop.run()
    assert all(f"'volumes' of the project on site '{site}' is 1 too small" in str(raised.value) for site in ("primary", "remote"))


class Sampled(Protecting):
    """Runs that prove the content of a share of the volumes, and publish what they copied unless they fail."""

    full_every = 9

    def __init__(self, *names, runs, depth="restore"):
        super().__init__(*names, transport="shared" if depth == "readable" else "copy", depth=depth)
        self.runs, self.contents = runs, {}

    def proving(self, checkpoint):
        """The volumes whose content a run proves."""
        self.delivery = dataclasses.replace(self.delivery, sampling=Sampling(checkpoint, self.runs, self.contents))
        copies = self.next(checkpoint) if checkpoint != "noon" else self.run()[1]
        self.contents = {one.volume_id: one.content for one in copies}
        return [one.volume_id for one in copies if one.verified == self.delivery.depth]


def restored(shop):
    """How many backups were restored at the remote site; increments to volumes that are there, as a restore does it."""
    return len([*shop.remote.called("create_volume_from_backup"), *shop.remote.called("restore_backup")])


def test_the_content_of_all_volumes_is_proved_within_so_many_runs():
    shop = Sampled("a", "b", runs=2)
    assert [shop.proving(one) for one in ("noon", "evening", "night")] == [["volume-a"], ["volume-b"], ["volume-a"]]
    assert restored(shop) == 3
    assert [(one.proved_by, one.passed_over) for _volume, one in sorted(shop.contents.items())] == [("night", 0), ("evening", 1)]
    assert all(one.proved_at for one in shop.contents.values())


def test_copies_of_which_no_object_can_be_looked_at_are_restored_in_turn_too():
    shop = Sampled("a", "b", runs=2, depth="readable")
    shop.stores.remote.down = 10**6
    assert [shop.proving(one) for one in ("noon", "evening")] == [["volume-a"], ["volume-b"]]
    assert {one.how for one in shop.contents.values()} == {"readable"}
    assert restored(shop) == 2
    # Nothing is backed up to be compared, and nothing is left.
    assert shop.remote.called("create_backup") == []
    assert shop.remote.volumes() == []


def test_a_copy_that_cannot_be_restored_fails_the_run_even_if_no_object_can_be_looked_at():
    shop = Sampled("a", runs=1, depth="readable")
    shop.remote.failing.add("restore")
    with pytest.raises(ResourceFailed, match="The content of the copy of volume volume-a was not proved. .*error_restoring"):
        shop.proving("noon")
    assert shop.remote.volumes() == []
    assert [one.volume_id for one in shop.primary.backups() if UNPROVED_KEY in one.metadata] == ["volume-a"]


def test_a_run_that_proves_no_content_keeps_what_is_known_of_it():
    shop = Sampled("a", "b", runs=2)
    shop.proving("noon")
    known = shop.contents
    shop.delivery = Delivery("copy", "objects", Sampling("evening", 2, known))
    assert {one.volume_id: one.content for one in shop.next("evening")} == known


def test_a_volume_whose_content_differs_fails_the_run_by_name_and_gets_a_full_backup_that_is_proved():
    shop = Sampled("a", "b", "c", "d", runs=3)
    assert (shop.proving("noon"), shop.proving("evening")) == (["volume-a", "volume-b"], ["volume-c", "volume-d"])
    del shop.primary._volumes["volume-b"]
    shop.remote.restored_blocks = (b"other",)
    shop.runs = 9
    with pytest.raises(ContentDiffers, match="The content of the copy of volume volume-a was not proved. .* Re-run: a full backup replaces it"):
        shop.proving("night")
    assert [one.volume_id for one in shop.primary.backups() if DIFFERS_KEY in one.metadata] == ["volume-a"]
    shop.remote.restored_blocks = BLOCKS
    # A new volume, of which nothing was ever proved, comes first, but does not displace it.
    shop.primary._volumes["volume-new"] = volume("new")
    assert shop.proving("morning") == ["volume-a", "volume-new"]
    made = {called[0]: called[1]["incremental"] for called in shop.primary.called("create_backup")[-4:]}
    assert made == {"volume-a": False, "volume-c": True, "volume-d": True, "volume-new": False}
    # That made up for it.
    assert "volume-a" not in shop.proving("second-noon")


def test_the_same_checkpoint_again_replaces_what_differs_by_a_full_backup():
    shop = Sampled("a", "b", runs=2)
    shop.proving("noon")
    shop.remote.restored_blocks = (b"other",)
    with pytest.raises(ContentDiffers):
        shop.proving("evening")
    shop.remote.restored_blocks = BLOCKS
    # Its mark goes with it.
    assert shop.run("evening")[1][1].verified == "restore"
    assert [one.is_incremental for one in shop.primary.backups() if one.volume_id == "volume-b"] == [False, False]
    assert not [one for one in shop.primary.backups() if DIFFERS_KEY in one.metadata]


def test_a_volume_whose_content_could_not_be_proved_is_proved_next_and_keeps_its_backup():
    shop = Sampled("a", "b", "c", runs=3)
    shop.proving("noon")
    shop.remote.failing.add("restore")
    with pytest.raises(ResourceFailed, match="The content of the copy of volume volume-b was not proved. .*error_restoring"):
        shop.proving("evening")
    assert [one.volume_id for one in shop.primary.backups() if UNPROVED_KEY in one.metadata] == ["volume-b"]
    shop.remote.failing.clear()
    made = len(shop.primary.called("create_backup"))
    assert [one.verified for one in shop.run("evening")[1]] == ["objects", "restore", "objects"]
    assert len(shop.primary.called("create_backup")) == made


def test_every_volume_of_which_the_proof_failed_is_named():
    shop = Sampled("a", "b", runs=1)
    shop.remote.restored_blocks = (b"other",)
    with pytest.raises(DrError, match="2 of 2 operations failed: .*volume-a was not proved.*volume-b was not proved"):
        shop.proving("noon")


def test_a_proof_that_failed_is_told_even_if_it_cannot_be_noted():
    shop = Sampled("a", runs=1)
    shop.remote.restored_blocks = (b"other",)
    shop.primary.mark_backup = refusing
    with pytest.raises(ContentDiffers):
        shop.proving("noon")


def refusing(_backup_id, _metadata):
    raise CloudError("Site 'primary' could not mark it.", http_status=403)


def test_what_is_restored_to_be_compared_needs_room():
    shop = Sampled("a", "b", runs=1)
    shop.remote.limits["volumes"] = 0
    with pytest.raises(CheckFailed, match="The quota 'volumes' of the project on site 'remote' is 1 too small"):
        shop.job().plan()
    shop.delivery = Delivery("copy", "objects")
    shop.run()
    # Also when all is copied.
    shop.delivery = Delivery("copy", "restore")
    with pytest.raises(CheckFailed, match="'volumes'"):
        shop.job().plan()


def test_without_a_look_at_the_store_nothing_of_it_is_claimed():
    (copy,) = Protecting(transport="shared", depth="records").run()[1]
    assert (copy.stored_bytes, copy.inventory, copy.verified) == (0, "", "records")


# Planning


def test_a_checkpoint_without_snapshots_cannot_be_copied(shop):
    with pytest.raises(CheckFailed, match="Checkpoint 'evening' of 'shop' cannot be copied: .*no snapshots on site 'primary'"):
        shop.job("evening").plan()


def test_snapshots_of_others_are_not_this_ones(shop):
    shop.primary.snapshot("noon", "foreign", metadata=marks("bank", "noon"))
    assert {one.volume_id for one in shop.job().snapshots()} == {"volume-orders", "volume-payments"}


def test_a_copied_checkpoint_needs_its_snapshots_no_longer(shop):
    copies = shop.run()[1]
    shop.primary._snapshots.clear()
    assert shop.run() == (False, copies)


def take_anew(shop):
    """The snapshots of the checkpoint are replaced."""
    shop.primary._snapshots = [dataclasses.replace(one, id=f"{one.id}-anew") for one in shop.primary._snapshots]


@pytest.mark.parametrize("transport", ["copy", "shared"])
def test_backups_of_snapshots_that_were_replaced_are_made_again_and_the_old_ones_go(transport):
    shop = Protecting("orders", "payments", transport=transport)
    old = [one.copy_id for one in shop.run()[1]]
    take_anew(shop)
    changed, copies = shop.run()
    assert changed
    new = [one.copy_id for one in copies]
    assert not set(old) & set(new)
    for site in (shop.primary, shop.remote):
        assert [one.id for one in site.backups()] == new
        assert [one for (one, _force) in site.called("delete_backup")] == old
    assert {one.snapshot_id for one in shop.primary.backups()} == {"snapshot-orders-noon-anew", "snapshot-payments-noon-anew"}
    assert shop.run() == (False, copies)


def test_the_copies_of_a_published_checkpoint_are_not_replaced():
    shop = Protecting()
    (copy,) = shop.run()[1]
    shop.remote.mark_backup(copy.copy_id, {**NOON, LABEL_KEY: "1:ab"})
    take_anew(shop)
    shop.primary.calls.clear()
    shop.remote.calls.clear()
    with pytest.raises(CheckFailed, match="a checkpoint with this id was published with it"):
        shop.run()
    assert (shop.primary.calls, shop.remote.calls) == ([], [])


def test_what_is_replaced_needs_no_more_quota_at_either_site():
    shop = Protecting()
    shop.run()
    take_anew(shop)
    for site in (shop.primary, shop.remote):
        site.limits = {"backups": 1, "backup_gigabytes": 1}
    assert shop.run()[0]


def test_a_deletion_that_an_earlier_run_began_is_waited_for():
    shop = Protecting()
    shop.primary.hold("failed", volume_id="volume-orders", status="deleting", metadata=NOON)
    shop.primary._due.append((5, lambda: shop.primary.by_id.pop("backup-failed")))
    assert len(shop.run()[1]) == 1
    assert shop.primary.called("delete_backup") == []


def test_all_that_is_in_the_way_is_told_before_anything_is_done(shop):
    shop.primary.limits["backups"] = 1
    shop.remote.limits["backup_gigabytes"] = 0
    shop.remote.allowed_to_import = False
    shop.primary._snapshots = [dataclasses.replace(one, status="error") for one in shop.primary._snapshots]
    shop.stores.primary.down = 1
    with pytest.raises(CheckFailed) as raised:
        shop.job().plan()
    expected = ["'backups' of the project on site 'primary' is 1 too small", "'backup_gigabytes' of the project on site 'remote' is 2 too"]
    expected += ["snapshot-orders-noon", "snapshot-payments-noon", "may not import", "Give store_cloud"]
    assert [text in problem for text, problem in zip(expected, raised.value.facts["problems"], strict=True)] == [True] * len(expected)
    assert (shop.primary.calls, shop.remote.calls) == ([], [])


def test_what_the_remote_site_never_knew_gives_no_room_there():
    shop = Protecting()
    shop.primary.hold("failed", volume_id="volume-orders", status="error", metadata=NOON)
    shop.remote.limits["backups"] = 0
    with pytest.raises(CheckFailed, match="The quota 'backups' of the project on site 'remote' is 1 too small"):
        shop.job().plan()


def test_only_where_ours_may_be_the_store_is_looked_at():
    shop = Protecting()
    shop.primary.hold("ours", volume_id="volume-orders", metadata=marks("shop", "morning"))
    shop.primary.hold("begun", volume_id="volume-orders", container="", metadata=marks("shop", "morning"))
    shop.primary.hold("theirs", volume_id="volume-orders", container="theirs")
    shop.primary.hold("unprotected", container="elsewhere", metadata=marks("bank", "noon"))
    looked, names = [], shop.stores.remote.names
    shop.stores.remote.names = lambda *place: (looked.append(place), names(*place))[1]
    shop.job().plan()
    assert looked == [(CONTAINER, "volume_volume-orders/")]


def test_planning_is_no_change(shop):
    job = shop.job()
    job.plan()
    assert not job.changed


def test_a_project_over_its_quota_may_keep_what_it_has(shop):
    shop.run()
    for site in (shop.primary, shop.remote):
        site.limits = {"backups": 1, "backup_gigabytes": 1}
    assert not shop.run()[0]


def test_what_is_made_but_not_imported_yet_needs_quota_at_the_remote_site(shop):
    shop.run()
    shop.remote.by_id.clear()
    shop.remote.limits["backups"] = 1
    with pytest.raises(CheckFailed, match="The quota 'backups' of the project on site 'remote' is 1 too small: 2 more are needed"):
        shop.job().plan()


def test_what_replaces_a_failed_backup_needs_no_more_quota():
    shop = Protecting()
    shop.primary.hold("failed", volume_id="volume-orders", status="error", metadata=NOON)
    shop.primary.limits = {"backups": 1, "backup_gigabytes": 1}
    assert len(shop.job().plan().create) == 1


# Other backups with the same marks


def away(name, **changes):
    """A backup of a checkpoint of the same id, of a volume that the application had at the other site."""
    return {"volume_id": f"volume-of-remote-{name}", "snapshot_id": f"snapshot-at-remote-{name}", "metadata": NOON, **changes}


def test_a_checkpoint_of_the_same_id_that_came_from_the_other_site_is_another_one():
    shop = Protecting()
    shop.primary.hold("away", **away("db"))
    shop.primary.hold("away-failed", **away("web", status="error"))
    shop.primary.calls.clear()
    changed, (copy,) = shop.run()
    assert (changed, copy.volume_id) == (True, "volume-orders")
    assert shop.primary.called("delete_backup") == shop.remote.called("delete_backup") == []
    assert shop.remote.called("import_record") == [[copy.copy_id]]
    assert shop.run() == (False, [copy])


def test_progress_counts_only_what_is_copied():
    shop = Protecting()
    shop.primary.hold("away", **away("db"))
    job = shop.job()
    job.back_up(job.plan())
    assert shop.progress.line.startswith("backing up: 1 of 1 volumes")


def test_what_a_published_checkpoint_consists_of_at_this_site_is_not_replaced():
    """The other site's catalogue may be gone, or that of another way."""
    shop = Protecting()
    shop.primary.hold("old", volume_id="volume-orders", snapshot_id="snapshot-of-yesterday", metadata={**NOON, LABEL_KEY: "1:ab"})
    shop.primary.calls.clear()
    with pytest.raises(CheckFailed, match="a checkpoint with this id was published with it"):
        shop.run()
    assert shop.primary.calls == []


# What there is to build on


def lose_record(shop):
    del shop.remote.by_id["backup-primary-1"]


def lose_list(shop):
    del shop.stores.remote.containers[CONTAINER][location("primary-1", "orders").list_name]


def break_record(shop):
    shop.remote._change(shop.remote.by_id, "backup-primary-1", status="error")


@pytest.mark.parametrize(
    ("transport", "depth", "loss", "incremental"),
    [
        pytest.param("copy", "objects", lambda shop: None, True, id="nothing lost"),
        pytest.param("copy", "records", lose_list, False, id="copies without objects"),
        pytest.param("shared", "objects", lose_list, False, id="a shared store without objects"),
        pytest.param("shared", "records", lose_list, True, id="a store that is not looked at"),
        pytest.param("shared", "records", lose_record, False, id="no record"),
        pytest.param("shared", "records", break_record, False, id="a record that is of no use"),
    ],
)
def test_what_the_remote_site_has_lost_is_not_built_on(transport, depth, loss, incremental):
    shop = Protecting(transport=transport, depth=depth)
    shop.run()
    loss(shop)
    shop.primary.snapshot("evening", "orders")
    (new,) = shop.job("evening").plan().create
    assert new.incremental is incremental


def test_a_chain_is_continued_until_it_is_full():
    shop = Protecting()
    shop.run()
    chains = [shop.next(checkpoint)[0].chain for checkpoint in ("b", "c", "d")]
    assert [len(chain) for chain in chains] == [2, 3, 1]


# Backing up


def test_a_backup_that_fails_is_named_and_the_others_are_kept():
    shop = Protecting("orders", "payments", failing=["volume-payments"])
    with pytest.raises(ResourceFailed, match="backup of volume volume-payments on site 'primary' failed: error The store is full.") as raised:
        shop.run()
    assert raised.value.as_result() == {"code": "resource_failed", "resource_type": "volume", "resource_id": "volume-payments"}
    assert "volume-orders" not in str(raised.value)
    assert {one.volume_id: one.status for one in shop.primary.backups()} == {"volume-orders": "available", "volume-payments": "error"}
    assert shop.remote.calls == []


def test_the_next_run_makes_only_what_failed():
    shop = Protecting("orders", "payments", failing=["volume-payments"])
    with pytest.raises(ResourceFailed):
        shop.run()
    shop.primary.failing.clear()
    changed, copies = shop.run()
    assert changed
    assert [one.copy_id for one in copies] == ["backup-primary-1", "backup-primary-3"]
    assert shop.primary.called("delete_backup") == [["backup-primary-2", False]]
    assert [one[0] for one in shop.primary.called("create_backup")] == ["volume-orders", "volume-payments", "volume-payments"]


def test_the_removal_of_a_failed_backup_is_a_change_though_another_one_is_whole():
    shop = Protecting()
    copies = shop.run()[1]
    shop.primary.hold("failed", volume_id="volume-orders", status="error", metadata=NOON)
    assert shop.run() == (True, copies)
    assert shop.primary.backup("backup-failed") is None


def test_several_failures_are_all_named():
    shop = Protecting("orders", "payments", failing=["volume-orders", "volume-payments"])
    with pytest.raises(DrError, match="2 of 2 operations failed: .*volume-orders.*volume-payments"):
        shop.run()


def test_a_backup_under_way_is_waited_for():
    shop = Protecting()
    job = shop.job()
    (new,) = job.plan().create
    shop.primary.create_backup("volume-orders", new.body(WantedBackups("shop", "noon", 3)))
    changed, (copy,) = shop.run()
    assert (changed, copy.copy_id) == (True, "backup-primary-1")
    assert len(shop.primary.called("create_backup")) == 1


def test_a_backup_may_take_the_longer_the_bigger_its_volume_is():
    shop = Protecting(transport="shared", depth="records")
    shop.primary.hold("orders", size=2, status="creating", metadata=NOON, snapshot_id="snapshot-orders-noon")
    shop.primary._due.append((200, lambda: shop.primary._change(shop.primary.by_id, "backup-orders", status="available")))
    (made,) = shop.back_up()
    assert (made.status, shop.time.seconds) == ("available", 200)


def test_what_somebody_else_backs_up_meanwhile_is_not_taken_for_ours():
    shop = Protecting()
    create = shop.primary.create_backup

    def beside(volume_id, wanted):
        made = create(volume_id, wanted)
        shop.primary.hold("theirs", volume_id=volume_id, status="error", metadata={})
        return made

    shop.primary.create_backup = beside
    assert [one.id for one in shop.back_up()] == ["backup-primary-1"]


def refused(http_status=400, **theirs):
    """What becomes of a backup that Cinder refuses, while there is another one."""
    shop = Protecting()

    def create(volume_id, wanted):
        shop.primary.hold("theirs", **{"volume_id": volume_id, "status": "creating", "metadata": NOON, "snapshot_id": wanted["snapshot_id"], **theirs})
        raise CloudError("Invalid snapshot: its status is backing-up.", http_status=http_status)

    shop.primary.create_backup = create
    with pytest.raises(DrError) as raised:
        shop.back_up()
    return str(raised.value)


@pytest.mark.parametrize("status", ["creating", "available"])
def test_what_another_run_with_the_same_id_backs_up_meanwhile_is_told(status):
    assert refused(status=status).startswith(
        "Another run is copying checkpoint 'noon' of 'shop' too: meanwhile it has begun backup backup-theirs of volume volume-orders on site 'primary'."
    )


@pytest.mark.parametrize(
    ("status", "theirs"), [(500, {}), (400, {"metadata": {}}), (400, {"snapshot_id": "another"})], ids=["no refusal", "of nobody of us", "of another snapshot"]
)
def test_any_other_failure_to_begin_a_backup_is_told_as_it_is(status, theirs):
    assert refused(status, **theirs).startswith("Invalid snapshot: its status is backing-up.")


def test_a_backup_that_vanishes_is_told():
    shop = Protecting()
    shop.primary._end_backup = lambda where, volume_id: shop.primary.by_id.pop(where.backup_id)
    with pytest.raises(ResourceFailed, match="of volume volume-orders on site 'primary' failed: it vanished"):
        shop.back_up()


def test_a_backup_that_nobody_begins_ends_the_waiting():
    shop = Protecting()
    shop.primary._end_backup = lambda where, volume_id: None
    shop.waiter = dataclasses.replace(shop.waiter, timeout=3600)
    with pytest.raises(WaitTimeout, match="Backup backup-primary-1 of volume volume-orders was not begun"):
        shop.back_up()
    assert shop.time.seconds == 60


def test_a_failed_backup_that_is_not_deleted_is_told():
    shop = Protecting()
    shop.primary.hold("failed", volume_id="volume-orders", status="error", metadata=NOON)
    shop.primary.delete_backup = lambda backup_id: None
    with pytest.raises(WaitTimeout, match="the deletion of backup backup-failed on site 'primary'"):
        shop.back_up()
    assert shop.primary.called("create_backup") == []


def failing_between(shop, begin, end):
    """The primary site lists no backups for some seconds."""
    listed = shop.primary.backups

    def backups():
        if begin <= shop.time.seconds < end:
            raise CloudError("Site 'primary' could not list backups.", http_status=503)
        return listed()

    shop.primary.backups = backups


def test_a_site_that_does_not_answer_for_a_while_is_borne():
    shop = Protecting()
    job = shop.job()
    plan = job.plan()
    failing_between(shop, 0, 50)
    (made,) = job.back_up(plan)
    assert (made.status, shop.time.seconds) == ("available", 50)


def test_a_site_that_never_answers_again_is_told():
    shop = Protecting()
    shop.waiter = dataclasses.replace(shop.waiter, timeout=3600)
    job = shop.job()
    plan = job.plan()
    failing_between(shop, 0, 10**6)
    with pytest.raises(CloudError, match="could not list backups"):
        job.back_up(plan)
    assert shop.time.seconds == 60


@pytest.mark.parametrize(
    ("transport", "depth", "site"),
    [("shared", "records", None), ("shared", "objects", "remote"), ("external", "records", "primary"), ("copy", "objects", "primary")],
)
def test_backups_are_watched_in_the_store_that_they_are_written_to(transport, depth, site):
    shop = Protecting()
    shop.delivery = Delivery(transport, depth)
    job = shop.job()
    assert (job._written_store and job._written_store.cloud.site) == site


def test_one_sees_how_far_the_backups_are():
    shop = Protecting("orders", "payments")
    lines = []
    sleep = shop.time.sleep
    shop.waiter = dataclasses.replace(
        shop.waiter, clock=dataclasses.replace(shop.time.clock, sleep=lambda seconds: (lines.append(shop.progress.line), sleep(seconds)))
    )
    shop.back_up()
    # One at once is allowed: the second is begun when the first has ended.
    assert [line.split(",")[0] for line in lines] == ["backing up: 0 of 2 volumes", "backing up: 1 of 2 volumes"]


# Making them known


def test_records_are_imported_the_oldest_first():
    shop = Protecting()
    for name, parent in (("a", None), ("b", "a"), ("c", "b")):
        one = shop.primary.hold(name, parent, volume_id="volume-orders")
        shop.stores.primary.put(location(name, "orders"))
    job = shop.job()
    (chain,) = job.chains([one])
    assert chain.ids == ("backup-a", "backup-b", "backup-c")
    job.deliver([chain])
    assert [called[0] for called in shop.remote.called("import_record")] == ["backup-a", "backup-b", "backup-c"]


def restore(shop, site, seconds):
    """Somebody restores from the first backup, for so many seconds."""
    site._change(site.by_id, "backup-primary-1", status="restoring")
    end = shop.time.seconds + seconds
    site._due.append((end, lambda: site._change(site.by_id, "backup-primary-1", status="available")))
    return end


def test_a_restore_at_the_remote_site_holds_up_no_checkpoint_that_builds_on_the_same():
    shop = Protecting()
    shop.run()
    end = restore(shop, shop.remote, 3600)
    (copy,) = shop.next("evening")
    assert copy.chain == ("backup-primary-1", "backup-primary-2")
    assert shop.time.seconds < end


def test_the_end_of_a_restore_at_the_primary_site_is_waited_for():
    shop = Protecting()
    shop.run()
    shop.next("evening")
    end = restore(shop, shop.primary, 100)
    (copy,) = shop.next("night")
    assert copy.chain == ("backup-primary-1", "backup-primary-2", "backup-primary-3")
    assert shop.time.seconds >= end


def test_a_restore_at_the_primary_site_that_does_not_end_is_told():
    shop = Protecting()
    shop.run()
    shop.next("evening")
    restore(shop, shop.primary, 10**6)
    with pytest.raises(WaitTimeout, match="waiting for the restore from backup backup-primary-1 on site 'primary' to end"):
        shop.next("night")


def test_records_travel_without_marks_which_are_set_anew(shop):
    _changed, copies = shop.run()
    assert {one.id: one.metadata for one in shop.remote.backups()} == {one.copy_id: NOON for one in copies}
    shop.run()
    assert shop.remote.writes == 2


def test_marks_leave_other_metadata_alone():
    shop = Protecting()
    (copy,) = shop.run()[1]
    shop.remote.mark_backup(copy.copy_id, {"purpose": "shop"})
    shop.run()
    assert shop.remote.backup(copy.copy_id).metadata == {**NOON, "purpose": "shop"}


def test_another_backup_under_an_id_of_ours_is_told_at_once():
    shop = Protecting()
    job = shop.job()
    chains = job.chains(job.back_up(job.plan()))
    shop.remote.hold("primary-1", "other", volume_id="volume-orders")
    before = shop.time.seconds
    with pytest.raises(ResourceFailed, match="has another backup with id backup-primary-1"):
        job.deliver(chains)
    assert shop.time.seconds == before


def test_an_import_that_fails_for_a_while_is_borne():
    shop = Protecting()
    importing, refused = shop.remote.import_record, []

    def refuse(record):
        if len(refused) < 5:
            refused.append(record)
            raise CloudError("Site 'remote' could not import.", http_status=503)
        return importing(record)

    shop.remote.import_record = refuse
    assert len(shop.run()[1]) == 1


def test_an_import_that_is_refused_is_told_at_once():
    shop = Protecting()

    def refuse(record):
        raise CloudError("Site 'remote' could not import.", http_status=413)

    shop.remote.import_record = refuse
    job = shop.job()
    chains = job.chains(job.back_up(job.plan()))
    before = shop.time.seconds
    with pytest.raises(CloudError, match="could not import"):
        job.deliver(chains)
    assert shop.time.seconds == before


def test_what_is_not_whole_at_the_remote_site_does_not_count():
    shop = Protecting(transport="shared")
    job = shop.job()
    chains = job.chains(job.back_up(job.plan()))
    lose_list(shop)
    with pytest.raises(CloudError, match="incomplete. Backup backup-primary-1"):
        job.deliver(chains)


# What is outstanding


def test_before_the_delivery_all_is_outstanding_and_then_nothing(shop):
    job = shop.job()
    chains = job.chains(job.back_up(job.plan()))
    assert job.outstanding(chains) == {chain.backup.id for chain in chains}
    job.deliver(chains)
    assert job.outstanding(chains) == set()


@pytest.mark.parametrize("loss", [lose_record, lose_list, break_record])
def test_what_lacks_part_of_its_chain_is_outstanding(loss):
    shop = Protecting()
    shop.run()
    (copy,) = shop.next("evening")
    job = shop.job("evening")
    chains = job.chains(job.plan().finished)
    assert job.outstanding(chains) == set()
    loss(shop)
    assert job.outstanding(chains) == {copy.copy_id}


def test_what_a_lost_object_leaves_is_delivered_again():
    shop = Protecting()
    copies = shop.run()[1]
    lose_list(shop)
    assert shop.run() == (True, copies)


def test_a_lost_record_is_imported_again():
    shop = Protecting()
    copies = shop.run()[1]
    lose_record(shop)
    assert shop.run() == (True, copies)


def test_a_backup_of_which_nothing_can_be_exported_is_told(shop):
    with pytest.raises(CloudError, match="There is no backup backup-lost"):
        shop.job().chains([backup("lost")])


def strip(shop):
    """Somebody takes the marks off the records at the remote site."""
    for one in shop.remote.backups():
        shop.remote.mark_backup(one.id, {})


def test_marks_that_are_lost_are_outstanding_and_set_again_as_a_change(shop):
    copies = shop.run()[1]
    strip(shop)
    job = shop.job()
    assert job.outstanding(job.chains(job.plan().finished)) == {one.copy_id for one in copies}
    assert shop.run() == (True, copies)
    assert {tuple(one.metadata.items()) for one in shop.remote.backups()} == {tuple(NOON.items())}
    assert shop.run() == (False, copies)


def test_an_import_alone_is_a_change():
    """What is not ours has no marks to be set."""
    shop = Protecting()
    one = shop.primary.hold("theirs", volume_id="volume-orders")
    shop.stores.primary.put(location("theirs", "orders"))
    job = shop.job()
    job.deliver(job.chains([one]))
    assert (job.changed, shop.remote.called("import_record"), shop.remote.writes) == (True, [["backup-theirs"]], 0)
    job = shop.job()
    shop.stores.remote.containers[CONTAINER].update(shop.stores.primary.containers[CONTAINER])
    del shop.remote.by_id["backup-theirs"]
    job.deliver(job.chains([one]))
    assert job.changed


def test_one_sees_how_far_the_imports_are(shop):
    lines, mark = [], shop.remote.mark_backup
    shop.remote.mark_backup = lambda *what: (lines.append(shop.progress.line), mark(*what))[1]
    shop.run()
    assert [line.split(",")[0] for line in lines] == ["importing: 2 of 2 backups"] * 2


def test_an_import_that_stands_still_is_given_up_before_a_backup_would_be():
    shop = Protecting()
    job = shop.job()
    backups = job.back_up(job.plan())
    shop.waiter = dataclasses.replace(shop.waiter, timeout=3600)
    shop.remote._later = lambda resources, key, **changes: None
    began, job = shop.time.seconds, shop.job()
    with pytest.raises(WaitTimeout, match="Timed out after 60 s waiting for site 'remote' to import backup backup-primary-1"):
        job.deliver(job.chains(backups))
    assert shop.time.seconds - began < 200


def claim(shop, backup_id, name, parent=None):
    """The primary site exports another record of a backup."""
    shop.primary._records[backup_id] = record(name, parent)


def test_backups_that_build_on_each_other_are_told():
    shop = Protecting()
    one, _other = shop.primary.hold("one"), shop.primary.hold("other")
    claim(shop, "backup-one", "one", "other")
    claim(shop, "backup-other", "other", "one")
    with pytest.raises(CloudError, match="The records of site 'primary' say that backup backup-one builds on itself."):
        shop.job().chains([one])


def test_the_record_of_another_backup_is_told():
    shop = Protecting()
    one = shop.primary.hold("one")
    claim(shop, "backup-one", "other")
    with pytest.raises(CloudError, match="Site 'primary' exports the record of backup backup-other when asked for backup-one."):
        shop.job().chains([one])


# Connecting


@pytest.fixture
def connected(monkeypatch):
    """The sites as (cloud, project) when the clouds' own projects have their names."""

    def cloud(name, project=None):
        return SimpleNamespace(site=name, project_id=project or f"of {name}", in_project=lambda other: cloud(name, other))

    monkeypatch.setattr(sites, "connect_other", cloud)

    def connect(**params):
        names = ("admin_cloud", "remote_admin_cloud", "store_cloud", "remote_store_cloud")
        sites = Sites.connect(cloud("p"), Accounts.parse({**dict.fromkeys(names), "remote_cloud": "r", **params}))
        seen = (sites.primary, sites.exporting, sites.remote, sites.importing, sites.stores.primary, sites.stores.remote)
        return [(one.cloud.site, one.cloud.project_id) for one in seen]

    return connect


def test_two_clouds_do_for_everything(connected):
    p, r = ("p", "of p"), ("r", "of r")
    assert connected() == [p, p, r, r, p, r]


def test_administrators_act_in_the_projects_that_own_the_backups(connected):
    admins = connected(admin_cloud="pa", remote_admin_cloud="ra")
    assert admins[:4] == [("p", "of p"), ("pa", "of p"), ("r", "of r"), ("ra", "of r")]


def test_stores_belong_to_the_accounts_that_hold_the_backups(connected):
    assert connected(store_cloud="ps", remote_store_cloud="rs")[4:] == [("ps", "of ps"), ("rs", "of rs")]
