# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.site_clock import SiteClock
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import Member
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots import proof
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.evidence import Seen
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import INDIVIDUAL, Unit
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.holding import hold_of, warnings
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Moment
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, server, volume

CLOCK = SiteClock("primary")
WINDOWS = volume("db", image_metadata={"os_type": "windows"})
DB = server("db")


def at(seconds):
    start = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
    return Moment(seconds, start + datetime.timedelta(seconds=seconds))


def member(which, requested=1):
    """A server that Nova has frozen: nobody counts its file systems."""
    freeze = {"freeze_requested": at(requested), "frozen": at(2), "guard_fired": False, "guard_until": at(60)}
    return Member(which, "database", FakeDriver(), **freeze, thaw_requested=at(40), thawed=at(41))


@pytest.mark.parametrize(
    ("properties", "hold"),
    [({}, None), ({"os_type": "linux"}, None), ({"os_type": "windows"}, 10), ({"os_distro": "Windows"}, 10), ({"name": "windows"}, None)],
)
def test_windows_is_known_by_the_properties_of_its_image(properties, hold):
    assert hold_of([volume("data"), volume("boot", image_metadata=properties)]) == hold


@pytest.mark.parametrize(("complete", "level"), [(10.9, "quiesced"), (11, "crash"), (30, "crash")])
def test_a_hold_is_counted_from_the_request_to_the_last_snapshot(complete, level):
    """The freeze was asked for in second 1; when Windows began to hold, nobody knows."""
    one = member(DB)
    taken = [proof.Taken(at(3), at(4)), proof.Taken(at(3), at(complete))]
    assert proof.of_frozen(one, taken, at(2), 10)[0] == level
    assert proof.of_frozen(one, taken, at(2), None)[0] == "quiesced"


def test_who_is_paused_holds_whatever_system_it_is():
    one = member(DB)
    one.driver.consistency = "paused"
    assert proof.of_frozen(one, [proof.Taken(at(3), at(30))], at(2), 10)[0] == "paused"


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        pytest.param({}, True, id="not counted"),
        pytest.param({"filesystems": 2}, False, id="counted"),
        pytest.param({"driver": "pause"}, False, id="paused"),
    ],
)
def test_so_it_is_with_a_freeze_of_another_process(changes, doubt):
    mark = FreezeMark("nova", str(at(120)), "t", str(at(1)), str(at(2)))
    late, in_time = [proof.Taken(at(3), at(11))], [proof.Taken(at(3), at(10))]
    found = proof.doubt_of_mark(dataclasses.replace(mark, **changes), late, 10)
    assert (found == "Windows holds a freeze for 10 s, and the last snapshot was complete 10.0 s after it was asked for") is doubt
    assert proof.doubt_of_mark(dataclasses.replace(mark, **changes), in_time, 10) is None
    assert proof.doubt_of_mark(mark, late, None) is None


def test_the_evidence_looks_at_the_image_of_each_server():
    other = server("other")
    volumes = {DB.id: WINDOWS, other.id: volume("other")}
    taken = {one.id: proof.Taken(at(3), at(12)) for one in volumes.values()}
    units = [Unit(INDIVIDUAL, None, tuple(volumes.values()), "")]
    window = SimpleNamespace(members=[member(DB), member(other)], started=at(1), all_frozen=at(2), ended=at(41))
    found = Seen(taken, units, window, {}, {}, CLOCK).evidence({one.id: (one, (volumes[one.id],)) for one in (DB, other)})
    assert {one.server_id: one.consistency for one in found.servers.values()} == {DB.id: "crash", other.id: "quiesced"}
    mark = FreezeMark("nova", str(at(120)), "t", str(at(1)), str(at(2)))
    standing = Seen(taken, units, None, {DB.id: mark, other.id: mark}, {}, CLOCK).evidence({one.id: (one, (volumes[one.id],)) for one in (DB, other)})
    assert {one.server_id: one.pending for one in standing.servers.values()} == {DB.id: None, other.id: "quiesced"}


@pytest.mark.parametrize(("budget", "is_told"), [(10, False), (11, True), (60, True)])
def test_a_budget_that_windows_does_not_hold_is_warned_of(budget, is_told):
    told = warnings([(DB, (WINDOWS,)), (server("linux"), (volume("linux"),))], budget)
    expected = f"The budget is {budget} s, but Windows holds a freeze for 10 s only, and so do these servers: db (id-db). "
    assert [one.startswith(expected) for one in told] == [True] * is_told
