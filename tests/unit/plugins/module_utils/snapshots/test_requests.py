# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import CONSISTENT_GROUP, INDIVIDUAL, Unit
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.proof import Taken
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.requests import Requests, Sight, pieces_of
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Moment
from ansible_collections.osdr.openstack.tests.unit.support.fakes import group_snapshot, snapshot, volume, volume_group

ORDERS, LOGS = (volume(name, project_id="p1") for name in ("orders", "logs"))
OTHER = volume("other", project_id="p2")
SINGLE = Unit(INDIVIDUAL, "b", (ORDERS, LOGS), "asked for")
GROUPED = Unit(CONSISTENT_GROUP, "b", (ORDERS, LOGS), "it can", volume_group("g"))


def at(seconds):
    return Moment(seconds, datetime.datetime.fromtimestamp(seconds, datetime.UTC))


def asked(*units):
    """Requests that were all made, each piece under an id of its number."""
    requests = Requests(units)
    for number, unit in requests.waiting.items():
        with requests.asking(number):
            requests.add(f"r{number}", unit, at(number))
    return requests


def shown(requests, *snapshots, groups=(), seconds=9):
    requests.note(Sight(at(seconds), snapshots, groups))


def of(which, status="available", **changes):
    return snapshot("s", **{"id": "r0", "volume_id": which.id, "status": status, **changes})


def group(status="available"):
    return group_snapshot("g", id="r0", status=status)


def test_a_group_is_one_request_and_comes_first():
    other = Unit(INDIVIDUAL, "b", (OTHER,), "")
    assert pieces_of([SINGLE, GROUPED, other]) == [
        GROUPED,
        Unit(INDIVIDUAL, "b", (ORDERS,), "asked for"),
        Unit(INDIVIDUAL, "b", (LOGS,), "asked for"),
        other,
    ]


# Asking


def test_what_is_asked_for_does_not_wait_any_more():
    requests = Requests([SINGLE])
    with requests.asking(0) as may_ask:
        assert may_ask
        assert list(requests.waiting) == [1]


def test_what_is_asked_for_comes_in_turns_but_for_groups_and_whoever_has_none_comes_last():
    others = Unit(INDIVIDUAL, "b", (OTHER, LOGS, ORDERS), "asked for")
    requests = Requests([others, Unit(CONSISTENT_GROUP, "b", (volume("late"), volume("later")), "it can", volume_group("g"))])
    requests.sort({ORDERS.id: 1, LOGS.id: 2, "volume-late": 7})
    assert [[one.name for one in unit.volumes] for unit in requests.waiting.values()] == [["late", "later"], ["orders"], ["logs"], ["other"]]


def test_what_the_cloud_has_accepted_is_known_until_it_is_taken_and_after():
    requests = asked(SINGLE)
    assert requests.asked == {ORDERS.id, LOGS.id}
    shown(requests, of(ORDERS))
    assert (set(requests.taken), requests.asked) == ({ORDERS.id}, {ORDERS.id, LOGS.id})
    assert Requests([SINGLE]).asked == set()


def test_once_it_is_stopped_nothing_is_asked_for_until_it_is_resumed():
    requests = Requests([SINGLE])
    requests.stop()
    with requests.asking(0) as may_ask:
        assert not may_ask
    assert list(requests.waiting) == [0, 1]
    requests.resume()
    with requests.asking(0) as may_ask:
        assert may_ask


def test_after_a_request_that_failed_nothing_is_asked_for():
    requests = Requests([SINGLE])
    with pytest.raises(CloudError), requests.asking(0):
        raise CloudError("A quota is used up.")
    with requests.asking(1) as may_ask:
        assert not may_ask


@pytest.mark.parametrize("error", [None, KeyError])
def test_only_inside_a_block_requests_begin_however_it_ends(error):
    requests = Requests([SINGLE])
    try:
        with requests.only_inside():
            with requests.asking(0) as may_ask:
                assert may_ask
            if error:
                raise error
    except KeyError:
        pass
    with requests.asking(1) as may_ask:
        assert not may_ask


def test_the_end_waits_for_what_is_under_way_and_lets_nothing_begin():
    requests = Requests([SINGLE])
    waited, woken = [], []

    class Changed:
        """A condition that tells what it was waited for."""

        def __enter__(self):
            pass

        def __exit__(self, *exc_info):
            pass

        def notify_all(self):
            woken.append(len(waited))

        def wait_for(self, is_over, seconds):
            waited.append((is_over(), seconds))

    requests._changed = Changed()
    requests.end(5)
    with requests.asking(0) as may_ask:
        assert not may_ask
        requests.end(6)
    requests.resume()
    with requests.asking(1):
        requests.end(7)
    requests.end(8)
    assert waited == [(True, 5), (True, 6), (False, 7), (True, 8)]
    # Whoever waits at the end of a request is woken: it need not wait for all of its time.
    assert woken == [3]


# Seeing


def test_what_was_seen_available_is_taken_between_its_request_and_then():
    requests = asked(SINGLE)
    assert not requests.is_over
    shown(requests, of(ORDERS), seconds=8)
    shown(requests, of(LOGS, id="r1"), seconds=9)
    assert requests.is_over
    assert not requests.has_failed
    assert requests.taken == {ORDERS.id: Taken(at(0), at(8)), LOGS.id: Taken(at(1), at(9))}


@pytest.mark.parametrize(
    "snapshots",
    [
        pytest.param([], id="the list does not show it"),
        pytest.param([of(ORDERS, "creating")], id="it is being taken"),
        pytest.param([of(ORDERS, "deleting")], id="somebody deletes it"),
        pytest.param([of(ORDERS, id="another")], id="another one is there"),
    ],
)
def test_nothing_else_proves_that_a_snapshot_is_taken(snapshots):
    requests = asked(Unit(INDIVIDUAL, "b", (ORDERS,), ""))
    shown(requests, *snapshots)
    assert not requests.is_over
    assert requests.taken == {}


@pytest.mark.parametrize("status", ["error", "error_deleting"])
def test_a_failed_snapshot_ends_the_waiting_for_all(status):
    requests = asked(SINGLE)
    shown(requests, of(ORDERS, status))
    assert requests.is_over
    assert requests.has_failed
    shown(requests, of(LOGS, id="r1"))
    assert requests.has_failed


MEMBERS = [of(ORDERS, id="s1", group_snapshot_id="r0"), of(LOGS, id="s2", group_snapshot_id="r0")]


def test_a_groups_snapshot_is_taken_when_it_and_all_of_its_members_were_seen_available():
    requests = asked(GROUPED)
    shown(requests, *MEMBERS, groups=[group()])
    assert requests.is_over
    assert requests.taken == dict.fromkeys([ORDERS.id, LOGS.id], Taken(at(0), at(9)))


@pytest.mark.parametrize(
    ("members", "groups"),
    [
        pytest.param(MEMBERS, [], id="the group's snapshot does not show"),
        pytest.param(MEMBERS, [group("creating")], id="it is being taken"),
        pytest.param(MEMBERS[:1], [group()], id="a member does not show"),
        pytest.param([MEMBERS[0], of(LOGS, "creating", id="s2", group_snapshot_id="r0")], [group()], id="a member is being taken"),
        pytest.param([MEMBERS[0], of(LOGS, id="s2", group_snapshot_id="another")], [group()], id="the member is another one's"),
        pytest.param([of(ORDERS)], [group()], id="a snapshot of the same id"),
    ],
)
def test_a_groups_snapshot_of_which_something_was_not_seen_is_not_taken(members, groups):
    requests = asked(GROUPED)
    shown(requests, *members, groups=groups)
    assert not requests.is_over
    assert requests.taken == {}


@pytest.mark.parametrize(
    ("members", "groups"), [(MEMBERS, [group("error")]), ([MEMBERS[0], of(LOGS, "error", id="s2", group_snapshot_id="r0")], [group()])]
)
def test_a_group_of_which_something_failed_has_failed(members, groups):
    requests = asked(GROUPED)
    shown(requests, *members, groups=groups)
    assert requests.has_failed


def test_a_single_snapshot_is_not_taken_by_a_groups_of_the_same_id():
    requests = asked(Unit(INDIVIDUAL, "b", (ORDERS,), ""))
    shown(requests, groups=[group()])
    assert not requests.is_over


# Looking


def test_what_is_open_is_told_by_project_and_kind():
    requests = asked(GROUPED, Unit(INDIVIDUAL, "b", (OTHER,), ""))
    assert requests.projects == {"p1", "p2"}
    assert (requests.open_in("p1", True), requests.open_in("p1", False)) == ({"r0": 2}, {})
    assert (requests.open_in("p2", True), requests.open_in("p2", False)) == ({}, {"r1": 1})
    shown(requests, *MEMBERS, groups=[group()])
    assert requests.projects == {"p2"}


@pytest.mark.parametrize(
    ("found", "request_id"),
    [
        pytest.param(of(OTHER, id="r1"), "r1", id="asked for by itself"),
        pytest.param(of(ORDERS, id="s1", group_snapshot_id="r0"), "r0", id="a member"),
        pytest.param(of(OTHER, id="s3", group_snapshot_id="r0"), None, id="a foreign volume in the group"),
        pytest.param(of(ORDERS, id="s1"), None, id="nobody's"),
        pytest.param(of(ORDERS, id="r0"), None, id="named like the group's snapshot"),
        pytest.param(of(OTHER, id="s1", group_snapshot_id="r1"), None, id="a member of no group"),
    ],
)
def test_a_snapshot_belongs_to_the_request_that_it_was_wanted_with(found, request_id):
    assert asked(GROUPED, Unit(INDIVIDUAL, "b", (OTHER,), "")).request_of(found) == request_id


def test_progress_counts_volumes():
    requests = Requests([GROUPED, SINGLE, Unit(INDIVIDUAL, "b", (OTHER,), "")])
    assert requests.progress() == "0 snapshots were complete, 0 being taken, and 5 not requested yet"
    for number, unit in list(requests.waiting.items())[:2]:
        with requests.asking(number):
            requests.add(f"r{number}", unit, at(number))
    assert requests.progress() == "0 snapshots were complete, 3 being taken, and 2 not requested yet"
    shown(requests, *MEMBERS, groups=[group()])
    assert requests.progress() == "2 snapshots were complete, 1 being taken, and 2 not requested yet"
