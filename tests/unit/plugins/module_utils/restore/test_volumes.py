# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import threading
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.twins import Scaffolding
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import (
    Busy,
    CheckFailed,
    CloudError,
    DrError,
    ManifestInvalid,
    NotFound,
    ResourceFailed,
)
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark, unmarked
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Attachment
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.restore import cleanup
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volume_plan import Action, plan_volumes
from ansible_collections.osdr.openstack.plugins.module_utils.restore.volumes import VolumeRestore, VolumesUnderWay
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock, Moment
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup, volume


class Storage:
    """Cinder of a site whose restores take three seconds and replace the metadata by the source's.

    :param failing: ids of backups that cannot be restored.
    :ivar brought: what comes with every backup, as fields of a volume.
    """

    cloud = SimpleNamespace(site="remote")

    def __init__(self, volumes=(), failing=(), reason="", busy=()):
        self.now = 0.0
        self.interval = 1.0
        self.there = {one.id: one for one in volumes}
        self.calls = []
        self.brought = {"metadata": {"purpose": "shop"}}
        self._failing = failing
        self._reason = reason
        #: Per id of a backup, until when somebody else restores from it.
        self.busy = dict(busy)
        self._ready = {}
        self._lock = threading.Lock()

    @property
    def waiter(self):
        return Waiter(timeout=60, interval=self.interval, clock=Clock(now=lambda: self.now, sleep=self._sleep))

    def _sleep(self, seconds):
        self.now += seconds

    def _change(self, volume_id, **changes):
        self.there[volume_id] = dataclasses.replace(self.there[volume_id], **changes)

    def volumes(self):
        with self._lock:
            for volume_id, (seconds, status) in list(self._ready.items()):
                if self.now >= seconds:
                    del self._ready[volume_id]
                    self._change(volume_id, status=status, **self.brought)
            return list(self.there.values())

    def volume(self, volume_id):
        if volume_id not in self.there:
            raise NotFound(f"There is no {volume_id}.")
        return self.there[volume_id]

    def is_busy(self, backup_id):
        return self.now < self.busy.get(backup_id, 0)

    def backup(self, backup_id):
        return backup("any", id=backup_id, status="restoring" if self.is_busy(backup_id) else "available")

    def create_volume_from_backup(self, backup_id, wanted):
        if self.is_busy(backup_id):
            raise CloudError("Invalid backup.", http_status=400)
        with self._lock:
            self.calls.append(("create", wanted["name"]))
            one = volume(
                wanted["name"],
                status="creating",
                description=wanted["description"],
                metadata=wanted["metadata"],
                bootable=False,
            )
            self.there[one.id] = one
            self._ready[one.id] = (self.now + 3, "error" if backup_id in self._failing else "available")

    def create_empty_volume(self, wanted):
        with self._lock:
            self.calls.append(("create empty", wanted["name"]))
            one = volume(wanted["name"], status="creating", description=wanted["description"], metadata=wanted["metadata"], bootable=False)
            self.there[one.id] = one
            self._ready[one.id] = (self.now + 1, "available")

    def restore_backup(self, backup_id, volume_id):
        if self.is_busy(backup_id) or self.there[volume_id].status != "available":
            raise CloudError("Invalid backup.", http_status=400)
        with self._lock:
            self.calls.append(("fill", self.there[volume_id].name))
            self._change(volume_id, status="restoring-backup")
            self._ready[volume_id] = (self.now + 3, "error_restoring" if backup_id in self._failing else "available")

    def delete_volume(self, volume_id):
        self.calls.append(("delete", volume_id))
        del self.there[volume_id]

    def set_volume_metadata(self, volume_id, metadata):
        self._change(volume_id, metadata={**self.there[volume_id].metadata, **metadata})

    def set_volume_image_metadata(self, volume_id, metadata):
        self.calls.append(("image metadata", volume_id))
        self._change(volume_id, image_metadata={**self.there[volume_id].image_metadata, **metadata})

    def set_volume_bootable(self, volume_id, is_bootable):
        self._change(volume_id, bootable=is_bootable)

    def make_volume_read_only(self, volume_id):
        if self.there[volume_id].status != "available":
            raise CloudError("Volume status must be available to update readonly flag.", http_status=400)
        self._change(volume_id, is_read_only=True)

    def describe_volume(self, volume_id, name, description):
        self.calls.append(("describe", volume_id))
        self._change(volume_id, name=name, description=description)

    def failure_reason(self, _volume_id):
        if not self._reason:
            raise CloudError("There are no messages.")
        return self._reason


def full(manifest):
    """A manifest whose copies build on no others."""
    return dataclasses.replace(manifest, copies=tuple(dataclasses.replace(one, chain=(one.copy_id,)) for one in manifest.copies))


def restore(storage, concurrency=8):
    return VolumeRestore(storage, full(shop.manifest()), storage.waiter, concurrency)


def finished(storage, concurrency=8):
    work = restore(storage, concurrency)
    return work.finish(work.plan())


def test_all_volumes_are_restored_at_once_and_completed():
    storage = Storage()
    result = finished(storage)
    assert [one["seconds"] for one in result] == [{"requested": 0, "ready": 3}] * 3
    assert {one.name: (one.bootable, one.metadata["osdr_source"]) for one in storage.volumes()} == {
        "shop-front-boot": (True, shop.uuid(3)),
        "orders-db-boot": (True, shop.uuid(1)),
        # It has no name at the source, and one by which it is found until it is complete.
        "": (False, shop.uuid(2)),
    }
    assert all(one.metadata["purpose"] == "shop" for one in storage.volumes())


def test_the_start_of_the_run_is_noted():
    before, work = Moment.now(), restore(Storage())
    assert before.monotonic <= work.started.monotonic <= Moment.now().monotonic


def test_times_are_told_to_a_tenth_of_a_second_from_the_start_of_the_run():
    storage = Storage()
    storage.now, storage.interval = 1000.0, 1.26
    assert [one["seconds"] for one in finished(storage)] == [{"requested": 0.0, "ready": 3.8}] * 3


def test_a_copy_of_a_method_that_is_not_known_ends_it_before_the_first_change():
    manifest = shop.manifest()
    last = dataclasses.replace(manifest.copies[-1], method="pigeon")
    storage = Storage()
    work = VolumeRestore(storage, dataclasses.replace(manifest, copies=(*manifest.copies[:-1], last)), storage.waiter, 8)
    with pytest.raises(ManifestInvalid, match="was made by the method 'pigeon', which this release does not know"):
        work.plan()
    assert storage.calls == []


def test_the_result_names_volume_server_and_device():
    assert finished(Storage())[2] == {
        "source_id": shop.uuid(2),
        "servers": ["orders-db"],
        "name": "orders-db-vdb",
        "device": "/dev/vdb",
        "size": 1,
        "copy_id": shop.uuid(102),
        "volume_id": "volume-orders-db-vdb",
        "status": "available",
        "seconds": {"requested": 0, "ready": 3},
    }


def test_a_second_run_does_nothing():
    storage = Storage()
    finished(storage)
    made = list(storage.calls)
    again = restore(storage)
    assert not any(step.changes for step in again.plan())
    again.finish(again.plan())
    assert storage.calls == made


FREE_AT_SEVEN = {shop.uuid(102): 7}


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_copy_from_which_somebody_else_restores_is_waited_for_and_keeps_nobody_up(concurrency):
    storage = Storage(busy=FREE_AT_SEVEN)
    result = {one["name"]: one["seconds"] for one in finished(storage, concurrency)}
    assert result.pop("orders-db-vdb") == {"requested": 7, "ready": 10}
    assert max(one["ready"] for one in result.values()) <= 6


def test_it_is_not_waited_for_where_nothing_is_waited_for():
    storage = Storage(busy=FREE_AT_SEVEN)
    work = restore(storage)
    statuses = {one["name"]: one["status"] for one in work.begin(work.plan())}
    assert (statuses["orders-db-vdb"], statuses["orders-db-boot"], storage.now) == ("absent", "creating", 0)


def test_one_that_never_gets_free_is_told_in_the_end():
    storage = Storage(busy={shop.uuid(102): 10_000})
    with pytest.raises(Busy, match="Another restore of this backup is still running"):
        finished(storage)
    assert storage.now == storage.waiter.moving(1).timeout


DRILLED = volume("drill-7-orders-db-vdb", id="theirs", description=dataclasses.replace(shop.mark(2), drill="7").text())


def test_what_the_end_of_another_restore_has_spoilt_is_made_once_more():
    storage = Storage((DRILLED,), failing={shop.uuid(102)})
    work = restore(storage)
    with pytest.raises(ResourceFailed, match="could not be restored"):
        work.finish(work.plan())
    assert storage.calls.count(("create", "orders-db-vdb")) == 2
    assert [call for call in storage.calls if call[0] == "delete"] == [("delete", "volume-orders-db-vdb")]
    assert storage.now == 6


def test_it_may_succeed_then():
    storage = Storage((DRILLED,), failing={shop.uuid(102)})
    created = storage.create_volume_from_backup

    def create(backup_id, wanted):
        created(backup_id, wanted)
        if backup_id == shop.uuid(102):
            storage._failing = ()
            storage.busy = {backup_id: 5}

    storage.create_volume_from_backup = create
    result = {one["name"]: one["seconds"] for one in finished(storage)}
    assert result["orders-db-vdb"] == {"requested": 5, "ready": 8}
    assert storage.calls.count(("create", "orders-db-vdb")) == 2
    assert "theirs" in storage.there


def test_what_failed_by_itself_is_not_tried_again():
    storage = Storage(failing={shop.uuid(102)})
    with pytest.raises(ResourceFailed):
        finished(storage)
    assert storage.calls.count(("create", "orders-db-vdb")) == 1


def test_a_failed_volume_whose_copy_is_busy_is_removed_once():
    broken = dataclasses.replace(shop.restored_volumes()[2], status="error")
    storage = Storage((broken,), busy=FREE_AT_SEVEN)
    finished(storage)
    assert [call for call in storage.calls if call[0] == "delete"] == [("delete", broken.id)]


def test_no_more_than_the_limit_at_once():
    storage = Storage()
    result = finished(storage, concurrency=1)
    assert storage.now == 9
    assert [one["seconds"] for one in result] == [{"requested": at, "ready": at + 3} for at in (0, 3, 6)]


def test_a_run_that_does_not_wait_starts_what_the_limit_allows():
    storage = Storage()
    work = restore(storage, concurrency=2)
    statuses = [one["status"] for one in work.begin(work.plan())]
    assert statuses == ["creating", "creating", "absent"]
    assert storage.now == 0
    statuses = [one["status"] for one in work.begin(work.plan())]
    assert statuses == ["creating", "creating", "absent"]
    assert {one["status"] for one in finished(storage)} == {"available"}
    assert len([call for call in storage.calls if call[0] == "create"]) == 3


def test_each_of_two_runs_tells_the_times_that_it_knows():
    storage = Storage()
    begun = restore(storage)
    began = [one["seconds"] for one in begun.begin(begun.plan())]
    storage.now = 2.0
    ended = [one["seconds"] for one in finished(storage)]
    assert began == [{"requested": 0, "ready": None}] * 3
    assert ended == [{"requested": None, "ready": 1}] * 3


def test_a_run_that_does_not_wait_tells_what_could_not_be_begun():
    storage = Storage()

    def refuse(_backup_id, _wanted):
        raise CloudError("Quota exceeded.", http_status=413)

    storage.create_volume_from_backup = refuse
    work = restore(storage)
    with pytest.raises(DrError, match=r"3 of 3 operations failed: Quota exceeded\."):
        work.begin(work.plan())


def test_what_is_under_way_takes_its_places_of_the_limit():
    restoring = shop.unfinished(shop.restored_volumes()[0], status="restoring-backup", metadata={})
    storage = Storage((restoring,))
    work = restore(storage, concurrency=2)
    assert [one["status"] for one in work.begin(work.plan())] == ["restoring-backup", "creating", "absent"]
    assert storage.there[restoring.id].metadata == {}, "it is completed when it is ready"


def under_way(storage):
    work = restore(storage)
    return VolumesUnderWay(work, work.plan())


def test_rounds_are_made_by_whoever_has_time_until_all_has_ended():
    storage = Storage()
    volumes = under_way(storage)
    assert not volumes.ended
    volumes.advance()
    # All at once, so in any order.
    assert sorted(name for call, name in storage.calls if call == "create") == ["orders-db-boot", "orders-db-vdb", "shop-front-boot"]
    assert volumes.outcome(shop.uuid(1)) is None
    assert [(step.name, one["status"]) for step, one in zip(volumes.steps, volumes.described(), strict=True)] == [
        ("shop-front-boot", "creating"),
        ("orders-db-boot", "creating"),
        ("orders-db-vdb", "creating"),
    ]
    storage.now = 5.0
    volumes.advance()
    assert volumes.ended
    assert volumes.outcome(shop.uuid(1)).value.name == "orders-db-boot"
    storage.volumes = None  # Nobody asks any more.
    volumes.advance()


@pytest.mark.parametrize("other_is_done", [True, False])
def test_it_goes_on_until_the_other_is_done_or_nothing_is_left(other_is_done):
    storage = Storage(() if other_is_done else shop.restored_volumes())
    volumes, done = under_way(storage), threading.Event()
    if other_is_done:
        done.set()
        volumes.advance_until(done)
        assert storage.calls == [] and not volumes.ended
    else:
        pauses = []
        done.wait = pauses.append
        volumes.advance_until(done)
        assert volumes.ended
        assert pauses == [storage.interval]


def test_a_run_that_does_not_wait_completes_what_is_there():
    storage = Storage(map(shop.unfinished, shop.restored_volumes(status="available")))
    work = restore(storage)
    work.begin(work.plan())
    assert not any(step.changes for step in work.plan())


#: A volume with everything that volumes can have.
RICH = {
    "description": "the orders, by LUN 7",
    "image_metadata": {"hw_disk_bus": "scsi", "os_type": "linux"},
    "is_read_only": True,
    "metadata": {"purpose": "orders", "lun": "7"},
}


def rich_manifest():
    """One whose second volume of orders-db is rich, and not bootable."""
    document = shop.document()
    document["servers"][1]["volumes"][1].update(RICH)
    return Manifest.parse(document)


def rich_volume(storage):
    return storage.there["volume-orders-db-vdb"]


def finished_rich(storage):
    work = VolumeRestore(storage, full(rich_manifest()), storage.waiter, 8)
    work.finish(work.plan())
    return work


def test_a_volume_comes_back_with_all_that_it_had():
    storage = Storage()
    work = finished_rich(storage)
    made = rich_volume(storage)
    assert {key: getattr(made, key) for key in RICH if key != "metadata"} == {key: value for key, value in RICH.items() if key != "metadata"}
    assert unmarked(made.metadata) == RICH["metadata"]
    assert Mark.of_volume(made) == shop.mark(2)
    assert not any(step.changes for step in work.plan())


def test_a_data_volume_with_the_properties_of_an_image_is_not_bootable_after_its_restore_either():
    storage = Storage()
    storage.brought = {"metadata": RICH["metadata"], "image_metadata": RICH["image_metadata"], "bootable": True}
    finished_rich(storage)
    assert not rich_volume(storage).bootable
    assert ("image metadata", "volume-orders-db-vdb") not in storage.calls, "they came with the backup"


@pytest.mark.parametrize("step", ["set_volume_metadata", "set_volume_image_metadata", "make_volume_read_only", "describe_volume"])
def test_a_volume_whose_run_is_killed_anywhere_is_completed_by_the_next_run(step, monkeypatch):
    storage = Storage()

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(storage, step, die)
        with pytest.raises(KeyboardInterrupt):
            finished_rich(storage)
    work = finished_rich(storage)
    made = rich_volume(storage)
    assert (made.description, made.is_read_only, made.image_metadata) == (RICH["description"], True, RICH["image_metadata"])
    assert len([call for call in storage.calls if call[0] == "create"]) == 3
    assert not any(one.changes for one in work.plan())


def refusing(monkeypatch, storage, call, status=403):
    def refuse(*_arguments):
        raise CloudError("Policy does not allow it.", http_status=status)

    monkeypatch.setattr(storage, call, refuse)


#: What a later run says.
LACKS = {
    "set_volume_image_metadata": "volume_image_metadata (hw_disk_bus)",
    "set_volume_bootable": "bootable (false)",
    "make_volume_read_only": "readonly (true)",
}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("set_volume_image_metadata", "properties of its image (volume_image_metadata: hw_disk_bus)"),
        ("set_volume_bootable", "its bootable flag (bootable: false)"),
        ("make_volume_read_only", "its read-only flag (readonly)"),
    ],
)
def test_what_a_site_refuses_a_volume_is_told_and_not_asked_for_again(call, told, monkeypatch):
    storage = Storage()
    # Its backup brings less than it had, and more.
    storage.brought = {"metadata": RICH["metadata"], "image_metadata": {"os_type": "linux"}, "bootable": True}
    refusing(monkeypatch, storage, call)
    work = finished_rich(storage)
    (warning,) = [one for one in work.warnings if "orders-db-vdb" in one or "orders-data" in one]
    assert f"is without {told}, which the site refuses: Policy does not allow it." in warning
    assert rich_volume(storage).description == RICH["description"]
    again = finished_rich(storage)
    lacks = f"lacks its {LACKS[call]}: the site refused it, or somebody has changed it since; set it there if it is needed."
    assert ([one.split("' ")[-1] for one in again.warnings], any(step.changes for step in again.plan())) == ([lacks], False)


def test_what_fails_otherwise_is_a_failure(monkeypatch):
    storage = Storage()
    refusing(monkeypatch, storage, "set_volume_image_metadata", 500)
    with pytest.raises(DrError):
        finished_rich(storage)


def test_a_volume_from_which_its_server_cannot_boot_is_a_failure_and_tried_again(monkeypatch):
    storage = Storage()
    with monkeypatch.context() as refused:
        refusing(refused, storage, "set_volume_bootable")
        with pytest.raises(DrError, match="Policy does not allow it."):
            finished(storage)
    finished(storage)
    assert {one.name: one.bootable for one in storage.volumes()} == {"shop-front-boot": True, "orders-db-boot": True, "": False}


def test_nothing_boots_from_what_is_made_beside_the_application():
    steps = plan_volumes(dataclasses.replace(shop.manifest(), beside="look"), ())
    assert [step.boots for step in steps] == [False] * 3


def test_a_failed_volume_is_named_and_the_others_are_kept():
    storage = Storage(failing={shop.uuid(101)}, reason="The backup is damaged.")
    with pytest.raises(ResourceFailed) as raised:
        finished(storage)
    assert str(raised.value).startswith(
        "Volume 'orders-db-boot' of server 'orders-db' (volume-orders-db-boot) could not be restored from backup "
        f"{shop.uuid(101)} on site 'remote': its status is 'error'. Cinder says: The backup is damaged. Check the log"
    )
    assert raised.value.as_result() == {"code": "resource_failed", "resource_type": "volume", "resource_id": "volume-orders-db-boot"}
    assert sorted(one.status for one in storage.volumes()) == ["available", "available", "error"]


def test_all_failures_are_told_even_where_cinder_gives_no_reason():
    with pytest.raises(DrError) as raised:
        finished(Storage(failing={shop.uuid(101), shop.uuid(102)}))
    assert "2 of 3 operations failed" in str(raised.value)
    assert str(raised.value).count("its status is 'error'. Check the log") == 2


def test_the_next_run_replaces_what_failed():
    storage = Storage(failing={shop.uuid(101)})
    with pytest.raises(ResourceFailed):
        finished(storage)
    storage._failing = ()
    assert {one["status"] for one in finished(storage)} == {"available"}
    assert ("delete", "volume-orders-db-boot") in storage.calls
    assert storage.calls.count(("create", "orders-db-vdb")) == 1


def test_what_a_prediction_shows_is_what_is_there():
    failed = dataclasses.replace(shop.restored_volumes()[0], status="error")
    work = restore(Storage([failed]))
    assert [one["status"] for one in work.predicted(work.plan())] == ["absent", "absent", "absent"]


@pytest.fixture
def made(monkeypatch):
    """What was made of unencrypted volumes, which leave nothing else."""
    monkeypatch.setattr(cleanup.Scaffolding, "of", lambda *_given: Scaffolding((), {}))
    monkeypatch.setattr(cleanup.Scaffolding, "remove", lambda *_given: None)
    return lambda storage: cleanup.MadeVolumes(storage, Mark("shop", "noon"), storage.waiter, 8)


def test_only_its_own_volumes_are_removed(made):
    storage = Storage([*shop.restored_volumes(), volume("theirs")])
    made(storage).remove()
    assert list(storage.there) == ["volume-theirs"]


def test_attached_volumes_are_not_removed(made):
    storage = Storage(shop.restored_volumes(status="in-use", attachments=(Attachment("s1", "/dev/vda"),)))
    with pytest.raises(CheckFailed, match=r"is attached to server s1; remove the restored servers first"):
        made(storage).refuse_attached()


def test_a_volume_that_cannot_be_deleted_is_named(made):
    class Stubborn(Storage):
        def delete_volume(self, volume_id):
            self._change(volume_id, status="error_deleting")

    storage = Stubborn(shop.restored_volumes()[:1])
    with pytest.raises(ResourceFailed, match="on site 'remote' could not be deleted"):
        made(storage).remove()


# Increments


def filled(storage, concurrency=8):
    work = VolumeRestore(storage, shop.manifest(), storage.waiter, concurrency)
    return work.finish(work.plan())


def test_a_volume_of_an_increment_is_made_empty_and_then_restored_to():
    storage = Storage()
    found = filled(storage)
    assert {one["status"] for one in found} == {"available"}
    for one in found:
        assert [call[0] for call in storage.calls if call[1] == one["name"] and call[0] != "describe"] == ["create empty", "fill"]


def test_an_empty_volume_is_never_taken_for_a_restored_one():
    """Whenever a run is killed, the next one restores to what is empty, and only to that."""
    storage = Storage()
    work = VolumeRestore(storage, shop.manifest(), storage.waiter, 8)
    work.begin(work.plan())
    storage.now += 2
    storage.volumes()
    assert {step.current.status for step in work.plan()} == {"available"}
    assert {step.action for step in work.plan()} == {Action.FILL}
    assert all(step.changes for step in work.plan())
    assert {one["status"] for one in filled(storage)} == {"available"}
    assert {step.action for step in work.plan()} == {Action.KEEP}
    assert not any(step.changes for step in work.plan())
    assert sum(call[0] == "fill" for call in storage.calls) == sum(call[0] == "create empty" for call in storage.calls) == len(work.plan())


def test_a_run_that_is_killed_before_it_says_that_it_has_asked_asks_once_more():
    def end(*_arguments):
        raise CloudError("Killed.")

    storage = Storage()
    describe = storage.describe_volume
    storage.describe_volume = end
    with pytest.raises(DrError, match="Killed"):
        filled(storage)
    storage.describe_volume = describe
    assert {one["status"] for one in filled(storage)} == {"available"}
    assert {step.action for step in VolumeRestore(storage, shop.manifest(), storage.waiter, 8).plan()} == {Action.KEEP}
    assert sum(call[0] == "fill" for call in storage.calls) == 2 * sum(call[0] == "create empty" for call in storage.calls)


def test_an_increment_that_somebody_else_restores_is_waited_for_with_its_volume():
    storage = Storage(busy=FREE_AT_SEVEN)
    assert {one["status"] for one in filled(storage)} == {"available"}
    assert storage.now >= 7


def test_an_increment_that_cannot_be_restored_is_named_and_its_volume_replaced_by_the_next_run():
    storage = Storage(failing={shop.uuid(102)})
    with pytest.raises(ResourceFailed, match="error_restoring"):
        filled(storage)
    storage._failing = ()
    assert {one["status"] for one in filled(storage)} == {"available"}
    assert [call for call in storage.calls if call[0] == "delete"] == [("delete", "volume-orders-db-vdb")]
