# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import contextlib
import dataclasses
import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import GroupType
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import CONSISTENT_GROUP, INDIVIDUAL, Unit, mark_of_group
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.volume_groups import VolumeGroups, look
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import (
    CONSISTENT,
    GENERIC,
    POOL,
    FakeCinder,
)
from ansible_collections.osdr.openstack.tests.unit.support.fakes import group_snapshot, volume, volume_group

OURS = volume_group("ours", description=mark_of_group("shop", POOL))
THEIRS = volume_group("theirs", description="the bank's")


def uuid(number):
    return f"{number:08d}-0000-4000-8000-000000000000"


def volumes(*names, **changes):
    return tuple(volume(name, **changes) for name in names)


def unit(*members, group=None):
    return Unit(CONSISTENT_GROUP, POOL, members, "it can", group, CONSISTENT, is_ours=True)


def prepare(cinder, *units, insist=False):
    return VolumeGroups(cinder, "shop", cinder.waiter).prepare(units, insist)


def dissolve(cinder):
    VolumeGroups(cinder, "shop", cinder.waiter).dissolve()


def members(cinder, group):
    return {one.id for one in cinder.volumes() if one.group_id == group.id}


# Looking


def test_all_that_groups_depend_on_is_seen():
    orders, front = volume("orders", group_id=OURS.id), volume("front")
    cinder = FakeCinder(orders, front, groups=[OURS])
    found = look(cinder, None)
    assert found.members == {OURS.id: {orders.id}}
    assert found.backends == {orders.id: POOL, front.id: POOL}
    assert found.is_consistent(POOL)
    assert (found.groups, found.group_types) == ((OURS,), (CONSISTENT, GENERIC))


def test_a_volume_that_shows_no_backend_has_none():
    """Cinder has not placed it yet."""
    cinder = FakeCinder(volume("orders"))
    cinder.volumes_of_project = lambda project_id: [dataclasses.replace(one, backend=backend) for one in cinder.volumes() for backend in (None, "")]
    assert look(cinder, None).backends == {}


def test_who_is_no_administrator_sees_no_backends():
    def refuse():
        raise CloudError("Not for you.", http_status=403)

    cinder = FakeCinder(volume("orders"))
    cinder.pools = refuse
    found = look(cinder, None)
    assert (found.pools, found.backends, found.group_types) == (None, {}, ())


def test_an_administrator_shows_what_the_project_may_not_see():
    project, admin = FakeCinder(volume("orders")), FakeCinder(volume("orders"))
    private = GroupType("private", "private", True)
    project.group_types = lambda: [GroupType(CONSISTENT.id, CONSISTENT.name, False)]
    project.pools = lambda: pytest.fail("only administrators are asked")
    admin.group_types = lambda: [CONSISTENT, private]
    found = look(project, admin)
    assert found.is_consistent(POOL)
    assert found.group_types == (CONSISTENT,)


def test_a_cloud_that_does_not_answer_is_not_taken_for_one_that_refuses():
    def fail():
        raise CloudError("Broken.", http_status=500)

    cinder = FakeCinder()
    cinder.pools = fail
    with pytest.raises(CloudError, match="Broken"):
        look(cinder, None)


# Preparing


def test_a_group_that_is_lacking_is_made_and_filled():
    pair = volumes("orders", "payments")
    cinder = FakeCinder(*pair)
    (ready,) = prepare(cinder, unit(*pair))
    (wanted,), = cinder.called("create_group")
    assert wanted == {
        "name": f"shop.{POOL}",
        "description": mark_of_group("shop", POOL),
        "group_type": CONSISTENT.id,
        "volume_types": ["ceph"],
        "availability_zone": "nova",
    }
    assert (ready.strategy, ready.group.status) == (CONSISTENT_GROUP, "available")
    assert members(cinder, ready.group) == {"volume-orders", "volume-payments"}


def test_a_group_is_made_for_a_single_volume_too():
    (only,) = volumes("orders")
    cinder = FakeCinder(only)
    (ready,) = prepare(cinder, unit(only))
    (wanted,), = cinder.called("create_group")
    assert (wanted["availability_zone"], members(cinder, ready.group)) == ("nova", {"volume-orders"})


def test_a_group_has_no_longer_a_name_than_cinder_takes():
    pair = volumes("orders", "payments")
    cinder = FakeCinder(*pair)
    prepare(cinder, dataclasses.replace(unit(*pair), backend="host@" + "b" * 250))
    (wanted,), = cinder.called("create_group")
    assert wanted["name"] == ("shop.host@" + "b" * 250)[:255]


def test_a_group_that_somebody_deletes_meanwhile_is_gone_without():
    pair = volumes("orders", "payments")
    cinder = FakeCinder(*pair, groups=[THEIRS])
    cinder.create_group = lambda wanted: "group-gone"
    cinder.delete_group = lambda group_id: None
    (unit_,) = prepare(cinder, unit(*pair))
    assert (unit_.strategy, unit_.group) == (INDIVIDUAL, None)
    assert unit_.reason == "no group could be made: Volume group group-gone on site 'primary' was deleted meanwhile. Re-run."


def test_a_group_gets_the_volumes_that_it_lacks_and_loses_those_that_are_not_its():
    kept, former, new = volume("kept", group_id=OURS.id), volume("former", group_id=OURS.id), volume("new")
    cinder = FakeCinder(kept, former, new, groups=[OURS])
    (ready,) = prepare(cinder, unit(kept, new, group=OURS))
    assert members(cinder, OURS) == {kept.id, new.id}
    assert ready.group.id == OURS.id
    assert not cinder.called("create_group")


def test_a_group_that_is_right_is_left_alone():
    pair = volumes("orders", "payments", group_id=OURS.id)
    cinder = FakeCinder(*pair, groups=[OURS])
    prepare(cinder, unit(*pair, group=OURS))
    assert cinder.calls == []


def test_volumes_move_from_one_group_of_ours_to_another():
    old = dataclasses.replace(OURS, id="group-old", description=mark_of_group("shop", "host@lvm#pool"))
    pair = volumes("orders", "payments", group_id=old.id)
    cinder = FakeCinder(*pair, groups=[old, OURS])
    prepare(cinder, unit(*pair, group=OURS))
    assert members(cinder, OURS) == {"volume-orders", "volume-payments"}


def test_cinder_takes_no_more_than_six_ids_at_once():
    many = [volume(f"v{n}", id=uuid(n)) for n in range(14)]
    cinder = FakeCinder(*many)
    (ready,) = prepare(cinder, unit(*many))
    assert [len(add) for _group, add, _remove in cinder.called("update_group")] == [6, 6, 2]
    assert len(members(cinder, ready.group)) == 14
    VolumeGroups(cinder, "shop", cinder.waiter).prepare([], insist=False)
    assert [len(remove) for _group, _add, remove in cinder.called("update_group")] == [0, 0, 0, 6, 6, 2]


def test_somebody_elses_group_is_neither_changed_nor_deleted():
    orders = volume("orders", group_id=THEIRS.id)
    cinder = FakeCinder(orders, groups=[THEIRS])
    theirs = Unit(CONSISTENT_GROUP, POOL, (orders,), "it is there", THEIRS)
    assert prepare(cinder, theirs) == [theirs]
    dissolve(cinder)
    assert cinder.calls == []


def test_units_without_groups_stay_what_they_are():
    alone = Unit(INDIVIDUAL, POOL, volumes("orders"), "asked for")
    cinder = FakeCinder(*alone.volumes)
    assert prepare(cinder, alone, insist=True) == [alone]
    assert cinder.calls == []


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param({"refusing": ["create_group"]}, id="a group is refused"),
        pytest.param({"refusing": ["update_group"]}, id="the volumes are refused"),
        pytest.param({"failing": ["create_group"]}, id="the group ends in an error"),
        pytest.param({"failing": ["update_group"]}, id="the change ends in an error"),
    ],
)
def test_where_no_group_can_be_had_the_volumes_are_for_themselves_and_no_group_stays(trouble):
    pair = volumes("orders", "payments")
    cinder = FakeCinder(*pair, **trouble)
    (unit_,) = prepare(cinder, unit(*pair))
    assert (unit_.strategy, unit_.group, unit_.is_ours, unit_.volumes) == (INDIVIDUAL, None, False, pair)
    assert unit_.reason.startswith("no group could be made: ")
    assert cinder.groups() == []


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"refusing": ["create_group"]}, "Not allowed"),
        ({"refusing": ["update_group"]}, "Not allowed"),
        ({"failing": ["create_group"]}, r"could not be made \(error\).*The driver says no to group-made-project-1"),
    ],
)
def test_who_insists_on_a_group_is_told_why_there_is_none(trouble, reason):
    pair = volumes("orders", "payments")
    cinder = FakeCinder(*pair, **trouble)
    with pytest.raises(DrError, match=reason):
        prepare(cinder, unit(*pair), insist=True)


def test_a_volume_that_somebody_grouped_meanwhile_is_not_fought_for():
    orders, payments = volume("orders"), volume("payments", group_id=THEIRS.id)
    cinder = FakeCinder(orders, payments, groups=[THEIRS])
    (unit_,) = prepare(cinder, unit(orders, payments))
    assert unit_.strategy == INDIVIDUAL
    assert cinder.groups() == [THEIRS]


def test_a_broken_group_of_ours_does_not_stand_in_the_way():
    broken = dataclasses.replace(OURS, status="error")
    pair = volumes("orders", "payments", group_id=broken.id)
    cinder = FakeCinder(*pair, groups=[broken])
    (unit_,) = prepare(cinder, unit(*pair))
    assert unit_.strategy == INDIVIDUAL


# Dissolving


def test_only_groups_of_the_application_without_snapshots_are_dissolved_and_volumes_stay():
    used = dataclasses.replace(OURS, id="group-used")
    others = dataclasses.replace(OURS, id="group-bank", description=mark_of_group("bank", POOL))
    many = [volume(f"v{n}", id=uuid(n), group_id=OURS.id) for n in range(8)]
    cinder = FakeCinder(*many, volume("used", group_id=used.id), groups=[OURS, used, others, THEIRS])
    cinder._group_snapshots = {"s": group_snapshot("s", group_id=used.id)}
    dissolve(cinder)
    assert {one.id for one in cinder.groups()} == {used.id, others.id, THEIRS.id}
    assert len(cinder.volumes()) == 9
    assert members(cinder, used) == {"volume-used"}


def test_groups_are_dissolved_one_after_the_other():
    """All the volumes of a project are read for each, and Cinder changes one group at a time."""
    at_once, most, lock = [], [], threading.Lock()
    cinder = FakeCinder(groups=[dataclasses.replace(OURS, id=f"group-{number}") for number in range(3)])
    delete = cinder.delete_group
    meeting = threading.Barrier(2)

    def delete_group(group_id):
        with lock:
            at_once.append(group_id)
            most.append(len(at_once))
        # Whoever is alone does not meet anybody, however long it waits.
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(0.05)
        with lock:
            at_once.remove(group_id)
        delete(group_id)

    cinder.delete_group = delete_group
    dissolve(cinder)
    assert (most, cinder.groups()) == ([1, 1, 1], [])


def test_a_broken_group_is_dissolved_too():
    cinder = FakeCinder(groups=[dataclasses.replace(OURS, status="error")])
    dissolve(cinder)
    assert cinder.groups() == []


def test_a_group_that_cannot_be_dissolved_does_not_keep_the_others():
    busy = dataclasses.replace(OURS, id="group-busy", status="creating")
    cinder = FakeCinder(groups=[busy, OURS])
    with pytest.raises(CloudError):
        dissolve(cinder)
    assert [one.id for one in cinder.groups()] == [busy.id]
