# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import GroupType, Pool
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots import grouping
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import (
    CONSISTENT_GROUP,
    GENERIC_GROUP,
    INDIVIDUAL,
    Grouping,
    Landscape,
    is_ours,
    mark_of_group,
    policy_problems,
)
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import CONSISTENT, GENERIC, POOL
from ansible_collections.osdr.openstack.tests.unit.support.fakes import volume, volume_group

ORDERS, PAYMENTS, FRONT = volume("orders"), volume("payments"), volume("front")


def landscape(**changes):
    values = {
        "pools": (Pool(POOL, True),),
        "backends": dict.fromkeys((ORDERS.id, PAYMENTS.id, FRONT.id), POOL),
        "groups": (),
        "members": {},
        "group_types": (GENERIC, CONSISTENT),
        "volume_types": {"ceph": "type-ceph", "ssd": "type-ssd"},
    }
    return Landscape(**{**values, **changes})


def units(*volumes, policy="auto", group_type=None, **changes):
    return Grouping(landscape(**changes), "shop", policy, group_type).units(volumes or (ORDERS, PAYMENTS))


def shape(found):
    """Strategy and names of the volumes, per unit."""
    return [(unit.strategy, sorted(one.name for one in unit.volumes)) for unit in found]


def grouped(one, group):
    return dataclasses.replace(one, group_id=group.id)


def test_volumes_of_a_backend_with_consistent_groups_become_one_group_of_ours():
    (unit,) = units()
    assert shape([unit]) == [(CONSISTENT_GROUP, ["orders", "payments"])]
    assert (unit.backend, unit.group, unit.group_type, unit.is_ours) == (POOL, None, CONSISTENT, True)
    assert unit.is_of_one_instant


BLIND = "the credentials may not see what the backends can do; give admin_cloud"
UNABLE = "the backend reports no consistent group snapshots"
WISH = "consistent_group_snapshot_enabled='<is> True'"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"policy": "individual"}, "asked for", id="not wanted"),
        pytest.param({"policy": "individual", "backends": {}}, "asked for", id="not wanted, whatever the backend"),
        pytest.param({"pools": None, "backends": {}}, BLIND, id="nothing may be seen"),
        pytest.param({"pools": None}, BLIND, id="the pools may not be seen"),
        pytest.param({"backends": {}}, BLIND, id="the volumes' backend is not known"),
        pytest.param({"pools": (Pool(POOL, False),)}, UNABLE, id="the type wishes what the backend cannot"),
        pytest.param({"pools": (Pool("host@lvm#pool", True),)}, UNABLE, id="only another backend can"),
        pytest.param({"group_types": (GENERIC,)}, f"the project has no group type with {WISH}", id="no type for it"),
        pytest.param({"group_type": "gold"}, f"the project has no group type 'gold' with {WISH}", id="the named type is not there"),
        pytest.param({"group_type": "generic"}, f"the project has no group type 'generic' with {WISH}", id="the named type is not consistent"),
        pytest.param({"policy": "generic", "group_types": ()}, "the project has no group type", id="no type at all"),
        pytest.param({"policy": "generic", "group_type": "gold"}, "the project has no group type 'gold'", id="there is no type of that name"),
    ],
)
def test_where_no_group_can_be_had_every_volume_is_for_itself(changes, reason):
    (unit,) = units(**changes)
    assert shape([unit]) == [(INDIVIDUAL, ["orders", "payments"])]
    assert unit.reason == reason
    assert not unit.is_ours
    assert not unit.is_of_one_instant


@pytest.mark.parametrize(
    ("pools", "strategy"),
    [
        pytest.param([("node-2@ceph#pool", True)], CONSISTENT_GROUP, id="another node reports for it"),
        pytest.param([("node-2@ceph#pool", True), ("node-3@ceph#pool", False)], INDIVIDUAL, id="the nodes do not agree"),
        pytest.param([("node-2@ceph#other", True)], INDIVIDUAL, id="another pool"),
        pytest.param([(POOL, True), ("node-2@ceph#pool", False)], CONSISTENT_GROUP, id="the volumes' own node counts first"),
    ],
)
def test_in_a_cluster_hosts_of_volumes_and_pools_differ(pools, strategy):
    assert units(pools=tuple(Pool(*one) for one in pools))[0].strategy == strategy


def test_each_backend_is_for_itself():
    other = "host@lvm#pool"
    found = units(
        ORDERS,
        PAYMENTS,
        FRONT,
        volume("cache"),
        backends={ORDERS.id: POOL, PAYMENTS.id: POOL, FRONT.id: other, "volume-cache": other},
        pools=(Pool(POOL, True), Pool(other, False)),
    )
    assert shape(found) == [(CONSISTENT_GROUP, ["orders", "payments"]), (INDIVIDUAL, ["cache", "front"])]


def test_a_single_volume_needs_no_group():
    (unit,) = units(ORDERS)
    assert shape([unit]) == [(INDIVIDUAL, ["orders"])]
    assert unit.reason == "it is the only volume of the application there"
    assert unit.is_of_one_instant
    assert not unit.is_ours


def test_without_volumes_there_is_nothing_to_do():
    assert Grouping(landscape(), "shop", "auto").units(()) == []


# Group types


def test_the_first_type_by_name_that_fits_is_taken():
    types = (GroupType("z", "zebra", True), GroupType("a", "ant", True), GroupType("b", "aardvark", False))
    assert units(group_types=types)[0].group_type.name == "ant"
    assert units(group_types=types, group_type="zebra")[0].group_type.name == "zebra"


def test_the_type_that_cinder_keeps_for_itself_is_never_taken():
    reserved = GroupType("reserved", "default_cgsnapshot_type", True)
    assert units(group_types=(reserved, GroupType("g", "gold", True)))[0].group_type.name == "gold"
    assert units(group_types=(reserved,))[0].strategy == INDIVIDUAL


@pytest.mark.parametrize(
    ("types", "is_capable", "name", "strategy"),
    [
        pytest.param((CONSISTENT, GENERIC), True, "generic", GENERIC_GROUP, id="a plain type is preferred"),
        pytest.param((CONSISTENT, GENERIC), False, "generic", GENERIC_GROUP, id="the backend need not be able to do more"),
        pytest.param((CONSISTENT,), True, "consistent", CONSISTENT_GROUP, id="a better one where there is no other"),
        pytest.param((CONSISTENT,), False, "consistent", GENERIC_GROUP, id="a wish that the backend does not keep"),
    ],
)
def test_generic_groups(types, is_capable, name, strategy):
    (unit,) = units(policy="generic", group_types=types, pools=(Pool(POOL, is_capable),))
    assert (unit.group_type.name, unit.strategy, unit.is_ours) == (name, strategy, True)
    assert unit.reason == ("asked for" if strategy == GENERIC_GROUP else "the backend reports consistent group snapshots")


# Groups of ours

OURS = volume_group("ours", description=mark_of_group("shop", POOL))


def test_a_group_of_an_earlier_run_is_used_again():
    (unit,) = units(groups=(OURS,), members={OURS.id: frozenset({FRONT.id})})
    assert (unit.group, unit.is_ours) == (OURS, True)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"description": mark_of_group("shop", "host@lvm#pool")}, id="it is on another backend"),
        pytest.param({"description": mark_of_group("bank", POOL)}, id="it is of another application"),
        pytest.param({"group_type_id": "type-generic"}, id="its group type is another"),
        pytest.param({"volume_type_ids": frozenset({"type-ssd"})}, id="it does not take the volumes' types"),
        pytest.param({"status": "error"}, id="it is broken"),
    ],
)
def test_a_group_that_does_not_fit_is_not_used_again(changes):
    (unit,) = units(groups=(dataclasses.replace(OURS, **changes),))
    assert (unit.group, unit.is_ours) == (None, True)


def test_a_group_must_take_the_types_of_all_volumes():
    fast = volume("fast", volume_type="ssd")
    both = dataclasses.replace(OURS, volume_type_ids=frozenset({"type-ceph", "type-ssd"}))
    backends = {ORDERS.id: POOL, fast.id: POOL}
    assert units(ORDERS, fast, groups=(OURS,), backends=backends)[0].group is None
    assert units(ORDERS, fast, groups=(both,), backends=backends)[0].group == both


# Groups of others

THEIRS = volume_group("theirs")


def test_somebody_elses_group_of_nothing_but_our_volumes_is_used_and_not_changed():
    members = {THEIRS.id: frozenset({ORDERS.id, PAYMENTS.id})}
    theirs, ours = units(
        grouped(ORDERS, THEIRS), grouped(PAYMENTS, THEIRS), FRONT, groups=(THEIRS,), members=members
    )
    assert shape([theirs, ours]) == [(CONSISTENT_GROUP, ["orders", "payments"]), (INDIVIDUAL, ["front"])]
    assert (theirs.group, theirs.is_ours) == (THEIRS, False)
    assert theirs.reason == f"the existing group {THEIRS.label} has these volumes and no others"


@pytest.mark.parametrize(
    ("group", "members"),
    [
        pytest.param(THEIRS, {ORDERS.id, "volume-foreign"}, id="it has other volumes too"),
        pytest.param(dataclasses.replace(THEIRS, status="updating"), {ORDERS.id}, id="it is not available"),
        pytest.param(dataclasses.replace(THEIRS, group_type_id="type-generic"), {ORDERS.id}, id="it is not consistent"),
        pytest.param(dataclasses.replace(THEIRS, group_type_id="unknown"), {ORDERS.id}, id="its type is not known"),
    ],
)
def test_somebody_elses_group_that_will_not_do_keeps_its_volumes_out_of_ours(group, members):
    found = units(grouped(ORDERS, group), PAYMENTS, FRONT, groups=(group,), members={group.id: frozenset(members)})
    assert shape(found) == [(CONSISTENT_GROUP, ["front", "payments"]), (INDIVIDUAL, ["orders"])]
    assert found[1].reason == "they are in somebody else's group that has other volumes too, is not consistent or is not available"


def test_a_generic_group_of_somebody_else_will_do_where_that_is_asked_for():
    plain = dataclasses.replace(THEIRS, group_type_id="type-generic")
    members = {plain.id: frozenset({ORDERS.id, PAYMENTS.id})}
    (unit,) = units(grouped(ORDERS, plain), grouped(PAYMENTS, plain), policy="generic", groups=(plain,), members=members)
    assert (unit.strategy, unit.group, unit.is_ours) == (GENERIC_GROUP, plain, False)


def test_an_empty_group_of_somebody_else_is_nothing_to_us():
    (unit,) = units(groups=(THEIRS,))
    assert (unit.group, unit.is_ours) == (None, True)


def test_volumes_in_a_group_of_ours_are_free():
    members = {OURS.id: frozenset({ORDERS.id, PAYMENTS.id})}
    (unit,) = units(grouped(ORDERS, OURS), grouped(PAYMENTS, OURS), groups=(OURS,), members=members)
    assert (unit.group, unit.is_ours) == (OURS, True)


def test_whose_group_a_volume_is_in_is_told_by_its_own_group():
    members = {OURS.id: frozenset({ORDERS.id}), THEIRS.id: frozenset({PAYMENTS.id, "volume-foreign"})}
    for groups in ((OURS, THEIRS), (THEIRS, OURS)):
        found = units(grouped(ORDERS, OURS), grouped(PAYMENTS, THEIRS), FRONT, groups=groups, members=members)
        assert shape(found) == [(CONSISTENT_GROUP, ["front", "orders"]), (INDIVIDUAL, ["payments"])]


# Marks


@pytest.mark.parametrize(
    "description",
    ["", "my group", "5", "null", "[]", '"osdr_application"', '{"osdr_application": "bank"}', '{"osdr_application": ["shop"]}', "{", None],
)
def test_a_description_that_is_not_our_mark_is_somebody_elses(description):
    assert is_ours(volume_group("g", description=description), "shop") is False


@pytest.mark.parametrize("length", [10, 100, 255])
def test_a_mark_is_known_again_and_fits_however_long_the_backend_is_called(length):
    mark = mark_of_group("a" * 63, ("host@" + "b" * length)[:length])
    assert len(mark) <= 255
    assert is_ours(volume_group("g", description=mark), "a" * 63)


def test_a_mark_names_its_backend_as_long_as_that_fits():
    fitting = "b" * (255 - len(mark_of_group("shop", "")))
    assert len(mark_of_group("shop", fitting)) == 255
    assert fitting in mark_of_group("shop", fitting)
    assert fitting not in mark_of_group("shop", fitting + "b")


# What is made of it


@pytest.mark.parametrize(
    ("policy", "volumes", "problems"),
    [("consistent", (ORDERS, PAYMENTS), 1), ("consistent", (ORDERS,), 0), ("auto", (ORDERS, PAYMENTS), 0)],
)
def test_only_the_strictest_policy_refuses_volumes_that_are_not_of_one_instant(policy, volumes, problems):
    found = policy_problems(units(*volumes, policy=policy, pools=(Pool(POOL, False),)), policy)
    assert len(found) == problems
    assert all("orders (volume-orders), payments (volume-payments)" in one and "reports no consistent" in one for one in found)


def test_the_strictest_policy_is_content_with_consistent_groups():
    assert policy_problems(units(policy="consistent"), "consistent") == []


def test_strategies_and_policies_are_called_what_plays_call_them():
    """Plays ask for the ones and look for the others, and sets that were taken have them in their evidence."""
    assert (CONSISTENT_GROUP, GENERIC_GROUP, INDIVIDUAL) == ("consistent_group", "generic_group", "individual")
    assert grouping.POLICIES == ("auto", "individual", "generic", "consistent")


def test_units_are_described():
    assert grouping.describe(units(PAYMENTS, ORDERS)) == [
        {
            "strategy": "consistent_group",
            "backend": POOL,
            "reason": "the backend reports consistent group snapshots",
            "volumes": [ORDERS.id, PAYMENTS.id],
        }
    ]
