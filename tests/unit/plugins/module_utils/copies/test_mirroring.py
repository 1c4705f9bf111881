# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import re
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies import methods
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, DrError, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark
from ansible_collections.osdr.openstack.plugins.module_utils.core.volume_marks import copy_of
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.pieces import LABEL_KEY
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.rbd import image_of, snapshot_of
from ansible_collections.osdr.openstack.tests.unit.support.mirrored import BACKEND, MirroredSites

VOLUMES = ["volume-orders", "volume-payments"]


@pytest.fixture
def sites():
    return MirroredSites("orders", "payments")


def refused(sites, act="carry_out"):
    with pytest.raises(CheckFailed) as raised:
        getattr(sites.mirroring(), act)()
    assert "this step has changed nothing" in str(raised.value)
    assert not sites.remote.calls
    return raised.value.facts["problems"]


def test_every_snapshot_becomes_a_volume_of_the_project_with_its_content(sites):
    copied = sites.copy()
    assert (copied.changed, copied.before, list(copied.after)) == (True, (), VOLUMES)
    assert [(one.volume_id, one.method, one.chain, one.verified) for one in copied.copies] == [
        (volume, "mirrored_volume", (copy.copy_id,), "records") for volume, copy in zip(VOLUMES, copied.copies, strict=True)
    ]
    assert [sites.content(one) for one in copied.copies] == [b"volume-orders", b"volume-payments"]


def test_what_was_written_after_the_snapshot_is_not_in_its_copy(sites):
    for volume in VOLUMES:
        sites.ceph.primary.images[image_of(volume)].content = b"later"
    assert [sites.content(one) for one in sites.copy().copies] == [b"volume-orders", b"volume-payments"]


def test_a_copy_is_like_its_volume_and_cannot_be_written_to(sites):
    original = sites.primary._volumes["volume-orders"]
    sites.primary._volumes["volume-orders"] = dataclasses.replace(original, bootable=False, image_metadata={"hw_disk_bus": "virtio"})
    orders, payments = (sites.remote.volume(one.copy_id) for one in sites.copy().copies)
    assert (orders.bootable, payments.bootable) == (False, True)
    assert (orders.image_metadata, payments.image_metadata) == ({"hw_disk_bus": "virtio"}, {})
    assert [(one.volume_type, one.is_read_only, one.name) for one in (orders, payments)] == [("ceph", True, "orders"), ("ceph", True, "payments")]


def test_no_restore_takes_a_copy_for_its_own(sites):
    for one in sites.copy().copies:
        assert Mark.of_volume(sites.remote.volume(one.copy_id)) is None


def test_another_run_changes_nothing(sites):
    first = sites.copy()
    calls, commands = len(sites.remote.calls), len(sites.ceph.primary.commands)
    second = sites.copy()
    assert (second.changed, list(second.before), second.copies) == (False, VOLUMES, first.copies)
    assert (len(sites.remote.calls), len(sites.ceph.primary.commands)) == (calls, commands)


def test_what_is_foreseen_is_what_is_there_and_whether_anything_is_left(sites):
    foreseen = sites.mirroring().foresee()
    assert (foreseen.changed, foreseen.copies, list(foreseen.after)) == (True, (), VOLUMES)
    assert not sites.remote.calls
    done = sites.copy()
    again = sites.mirroring().foresee()
    assert (again.changed, again.copies) == (False, done.copies)


def test_copies_are_all_that_is_needed_when_the_snapshots_are_gone(sites):
    done = sites.copy()
    sites.forget("noon")
    assert sites.copy().copies == done.copies


def test_copies_of_each_checkpoint_stay_whatever_comes_later(sites):
    noon = sites.copy()
    sites.forget("noon")
    for volume in VOLUMES:
        sites.ceph.primary.images[image_of(volume)].content = b"evening"
    sites.snapshot("evening", "orders", "payments")
    evening = sites.copy("evening")
    assert [sites.content(one) for one in (*noon.copies, *evening.copies)] == [b"volume-orders", b"volume-payments", b"evening", b"evening"]


def test_where_one_snapshot_does_not_arrive_there_is_no_copy_and_the_volume_is_named(sites):
    sites.held = {"volume-payments"}
    sites.ceph.transfer()
    with pytest.raises(WaitTimeout, match=r"The storage says of volume volume-payments: .*Nothing was published") as raised:
        sites.copy()
    assert "volume-orders" not in str(raised.value)
    assert not sites.remote.volumes()
    sites.held = set()
    assert len(sites.copy().copies) == 2


def test_what_an_interrupted_run_kept_is_adopted(sites, monkeypatch):
    def interrupted(*_arguments):
        raise CloudError("Nobody answers.")

    monkeypatch.setattr(sites.remote, "manage_volume", interrupted)
    with pytest.raises(DrError, match="Nobody answers"):
        sites.copy()
    monkeypatch.undo()
    assert len(sites.copy().copies) == 2
    assert not [one for one in sites.ceph.remote.images if one.startswith("osdr-")]


def test_what_an_interrupted_run_did_not_complete_is_no_copy_and_is_completed(sites, monkeypatch):
    def interrupted(*_arguments):
        raise CloudError("Nobody answers.")

    monkeypatch.setattr(sites.remote, "make_volume_read_only", interrupted)
    with pytest.raises(DrError, match="Nobody answers"):
        sites.copy()
    monkeypatch.undo()
    assert [copy_of(one).is_usable for one in sites.remote.volumes()] == [False, False]
    assert [copy_of(one).is_under_way for one in sites.remote.volumes()] == [True, True]
    copied = sites.copy()
    assert (copied.changed, len(copied.copies), len(sites.remote.called("manage_volume"))) == (True, 2, 2)


def test_a_volume_that_could_not_be_managed_is_told_and_replaced():
    sites = MirroredSites("orders", failing=["manage"])
    with pytest.raises(ResourceFailed, match=r"it is error_managing. Cinder says: The driver says no.*remote_storage.backend \(host@ceph#ceph\)"):
        sites.copy()
    sites.remote.failing = set()
    (copy,) = sites.copy().copies
    assert [one.id for one in sites.remote.volumes()] == [copy.copy_id]
    assert sites.content(copy) == b"volume-orders"


def test_copies_of_an_earlier_set_are_replaced(sites):
    old = {one.copy_id for one in sites.copy().copies}
    sites.forget("noon")
    sites.primary.snapshot("noon", "orders", "payments", status="available")
    sites.primary._snapshots = [dataclasses.replace(one, id=f"{one.id}-2") for one in sites.primary._snapshots]
    for one in sites.primary.snapshots():
        sites.ceph.primary.snapshot(image_of(one.volume_id), snapshot_of(one.id))
    new = {one.copy_id for one in sites.copy().copies}
    assert not new & old
    assert {one.id for one in sites.remote.volumes()} == new


def test_copies_with_which_a_checkpoint_was_published_are_never_replaced(sites):
    (first, _second) = sites.copy().copies
    sites.remote.set_volume_metadata(first.copy_id, {LABEL_KEY: "1:x"})
    sites.primary._snapshots = [dataclasses.replace(one, id=f"{one.id}-2") for one in sites.primary._snapshots]
    with pytest.raises(CheckFailed, match=f"was published with volume {first.copy_id} at site 'remote'"):
        sites.copy()


def test_nothing_to_copy_is_an_error():
    assert refused(MirroredSites()) == ["It has no snapshots on site 'primary'; take them with os_cg_snapshot."]


def test_a_snapshot_that_is_not_there_yet_is_not_copied(sites):
    sites.primary._snapshots[0] = dataclasses.replace(sites.primary._snapshots[0], status="creating")
    assert refused(sites) == [
        "Snapshot snapshot-orders-noon of volume volume-orders on site 'primary' is creating; it must be available. Retake the snapshots with os_cg_snapshot."
    ]


def encrypt(sites):
    sites.primary._volumes["volume-orders"] = dataclasses.replace(sites.primary._volumes["volume-orders"], encrypted=True)


def retype(sites):
    sites.primary._volumes["volume-orders"] = dataclasses.replace(sites.primary._volumes["volume-orders"], volume_type="gold")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (encrypt, r"^Volume orders \(volume-orders\) is encrypted: Cinder does not adopt such volumes with their keys\. Use another transport\.$"),
        (retype, "^Site 'remote' has no volume type 'gold' for the copies; give remote_storage.volume_type.$"),
        (lambda sites: setattr(sites.remote, "may", False), "^The credentials may not manage volumes on site 'remote'. Give remote_admin_cloud"),
        (lambda sites: setattr(sites.remote, "pools", list), f"^Site 'remote' has no backend '{BACKEND}' \\(it has none\\)"),
        (lambda sites: sites.remote.limits.update(volumes=1), "^The quota 'volumes' of the project on site 'remote' is 1 too small: 2 more are needed"),
        (lambda sites: sites.remote.limits.update(gigabytes=1), "^The quota 'gigabytes' of the project on site 'remote' is 1 too small"),
        (lambda sites: sites.ceph.primary.images.pop("volume-volume-orders"), "^Volume volume-orders cannot be mirrored: its image"),
        (lambda sites: sites.ceph.remote.info.update(mode="disabled"), "single images cannot be mirrored"),
    ],
)
def test_whatever_would_fail_is_refused_before_the_first_change(sites, spoil, says):
    spoil(sites)
    for act in ("check", "foresee", "carry_out"):
        assert len(refused(sites, act)) == 1
        with pytest.raises(CheckFailed) as raised:
            sites.mirroring().check()
        (problem,) = raised.value.facts["problems"]
        assert re.search(says, problem)


def test_who_may_not_see_the_backends_may_still_manage_volumes(sites):
    def hidden():
        raise CloudError("Policy does not allow it.", http_status=403)

    sites.remote.pools = hidden
    assert len(sites.copy().copies) == 2


def test_another_type_of_copies_counts_for_all(sites):
    retype(sites)
    sites.remote.volume_types = lambda: {"silver": "type-silver"}
    types = [sites.remote.volume(one.copy_id).volume_type for one in sites.copy(volume_type="silver").copies]
    assert types == ["silver", "silver"]


# Parts


def test_a_copy_is_one_volume_that_needs_no_other(sites):
    (copy, _other) = sites.copy().copies
    method = methods.method_of(copy)
    parts = {one.id: one for one in methods.look(sites.remote)}
    assert (method.needs(copy), method.carriers(copy)) == ((copy.copy_id,), (copy.copy_id,))
    assert methods.lacks(copy, parts) == []
    assert (parts[copy.copy_id].volume_id, parts[copy.copy_id].data_timestamp) == ("volume-orders", "2026-01-02T00:00:00")
    assert methods.removal_order(parts.values()) == [[one] for one in parts.values()]
    assert methods.bases(parts.values(), list(parts.values())) == set()
    assert method.extent({}) == "1 mirrored volume"


def test_a_copy_that_is_attached_is_lacking(sites):
    (copy, _other) = sites.copy().copies
    sites.remote._volumes[copy.copy_id] = dataclasses.replace(sites.remote._volumes[copy.copy_id], status="in-use")
    (lack,) = methods.lacks(copy, methods.by_id(methods.look(sites.remote)))
    assert (lack.what, lack.state) == (f"Volume {copy.copy_id}", "is in-use")


def test_a_copy_keeps_and_loses_pieces_of_a_manifest(sites):
    (copy, _other) = sites.copy().copies
    part = methods.by_id(methods.look(sites.remote))[copy.copy_id]
    for metadata in ({**part.metadata, LABEL_KEY: "1:x"}, dict(part.metadata)):
        methods.mark(sites.remote, part, metadata)
        assert methods.by_id(methods.look(sites.remote))[copy.copy_id].metadata == metadata


def test_a_copy_is_removed_and_waited_for(sites):
    (copy, _other) = sites.copy().copies
    part = methods.by_id(methods.look(sites.remote))[copy.copy_id]
    methods.delete(sites.remote, part)
    methods.await_removal(sites.remote, part, sites.waiter)
    assert copy.copy_id not in [one.id for one in sites.remote.volumes()]


def test_a_removal_that_fails_is_told(sites):
    (copy, _other) = sites.copy().copies
    part = methods.by_id(methods.look(sites.remote))[copy.copy_id]
    sites.remote._volumes[copy.copy_id] = dataclasses.replace(sites.remote._volumes[copy.copy_id], status="error_deleting")
    with pytest.raises(ResourceFailed, match=f"Volume {copy.copy_id}, a copy of volume volume-orders, on site 'remote' could not be deleted"):
        methods.await_removal(sites.remote, part, sites.waiter)


def test_a_copy_of_another_project_is_asked_for(sites):
    (copy, _other) = sites.copy().copies
    storage = SimpleNamespace(volumes=list, volume=sites.remote.volume)
    gone = dataclasses.replace(copy, copy_id="gone", chain=("gone",))
    assert [one.id for one in methods.method_of(copy).look(storage, [copy, gone], 1)] == [copy.copy_id]


@pytest.mark.parametrize(
    ("volume_type", "zone", "says"),
    [
        ("", "", []),
        ("ceph", "nova", []),
        ("ssd", "", ["is of type 'ceph' and not 'ssd'; map the one to the other"]),
        ("ssd", "north", ["is of type 'ceph' and not 'ssd' and in availability zone 'nova' and not 'north'; map the one to the other"]),
    ],
)
def test_a_volume_has_the_type_and_the_zone_of_its_copy(sites, volume_type, zone, says):
    (copy, _other) = sites.copy().copies
    parts = methods.by_id(methods.look(sites.remote))
    assert methods.misfits(copy, parts, volume_type, zone) == [f"Volume {copy.copy_id} {one}" for one in says]
    assert methods.misfits(dataclasses.replace(copy, chain=("gone",)), parts, volume_type, zone) == []
