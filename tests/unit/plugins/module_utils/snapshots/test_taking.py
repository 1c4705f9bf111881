# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime
import json
import os
import re
import signal
import threading

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import (
    CheckFailed,
    CloudError,
    ConsistencyTooLow,
    DrError,
    Interrupted,
    ResourceFailed,
    WaitTimeout,
)
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.plugins.module_utils.core.states import state_of
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots import taking
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.evidence import Evidence, ServerEvidence, SetEvidence, SnapshotEvidence
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.grouping import CONSISTENT_GROUP, INDIVIDUAL, Unit
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.plan import plan_present
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.requests import Requests
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.result import describe
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.seeing import Seeing
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.taking import SnapshotSet
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.taking import _is_worth_a_look as is_worth_a_look
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import ServerVolumes, Storages, Wanted, survey, warnings
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Call
from ansible_collections.osdr.openstack.tests.unit.support.fake_cinder import FakeCinder
from ansible_collections.osdr.openstack.tests.unit.support.fakes import (
    FakeDriver,
    FakeMarks,
    FakeTime,
    attached,
    group_snapshot,
    server,
    snapshot,
    volume,
    volume_group,
)

SHOP = Application("shop", (Tier("database", ("orders", "payments")),))
SHARED = volume("shared", attachments=attached("orders", "payments"))
NOON = "2026-11-22T12:00:00.000Z"


def wanted(least="quiesced", **changes):
    members = (
        ServerVolumes(server("orders"), "database", (volume("orders"), SHARED)),
        ServerVolumes(server("payments", **changes), "database", (volume("payments"), SHARED)),
    )
    return Wanted(SHOP, "noon", least, members)


# Planning


def evidence(level="quiesced", pending=None):
    servers = {key: ServerEvidence(key, level, "because", pending, {}) for key in ("id-orders", "id-payments")}
    one = SnapshotEvidence(NOON, NOON, INDIVIDUAL, None, "asked for")
    names = ("orders", "payments", "shared")
    return Evidence(SetEvidence(level, NOON, None, 0), servers, {f"volume-{name}": one for name in names})


def whole(found=None):
    found = found or evidence()
    homes = {"orders": "id-orders", "payments": "id-payments", "shared": "id-orders"}
    return [snapshot(name, metadata=found.metadata(f"volume-{name}", home)) for name, home in homes.items()]


def test_a_volume_of_two_servers_is_snapshotted_once():
    assert [v.name for v in plan_present(wanted(), []).create] == ["orders", "shared", "payments"]


@pytest.mark.parametrize(
    ("found", "least", "changed"),
    [
        pytest.param(evidence(), "quiesced", False, id="good enough"),
        pytest.param(evidence("offline"), "quiesced", False, id="better"),
        pytest.param(evidence("paused"), "quiesced", True, id="not good enough"),
        pytest.param(evidence("paused"), "paused", False, id="good enough for less"),
        pytest.param(evidence("crash", pending="quiesced"), "quiesced", False, id="good enough when its thaw is confirmed"),
        pytest.param(evidence("crash", pending="paused"), "quiesced", True, id="never good enough"),
    ],
)
def test_a_whole_set_is_adopted_when_it_is_good_enough(found, least, changed):
    assert plan_present(wanted(least), whole(found)).changed is changed


def test_a_whole_set_that_is_being_backed_up_is_adopted():
    first, *others = whole()
    plan = plan_present(wanted(), [dataclasses.replace(first, status="backing-up"), *others])
    assert not plan.changed


def test_a_set_of_other_servers_is_taken_again():
    assert plan_present(wanted(id="id-rebuilt"), whole()).changed


def without_mark(one):
    return dataclasses.replace(one, metadata={})


@pytest.mark.parametrize(
    "current",
    [
        pytest.param(whole()[:2], id="one is missing"),
        pytest.param([*whole()[:2], without_mark(whole()[2])], id="one was never sealed"),
        pytest.param([*whole()[:2], dataclasses.replace(whole()[2], status="error")], id="one failed"),
        pytest.param([*whole(), snapshot("former", metadata=whole()[0].metadata)], id="one of a volume that is gone"),
        pytest.param([*whole(), dataclasses.replace(whole()[0], id="twin")], id="two of one volume"),
    ],
)
def test_a_set_that_is_not_whole_is_taken_again(current):
    plan = plan_present(wanted(), current)
    assert plan.delete == tuple(current)
    assert len(plan.create) == 3


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("osdr_set", "{}"),
        ("osdr_set", "5"),
        ("osdr_taken", None),
        ("osdr_taken", "{"),
        ("osdr_server", None),
        ("osdr_frozen", "5"),
    ],
)
def test_a_set_whose_evidence_cannot_be_read_is_taken_again(key, value):
    """It is of another version of this collection, or somebody tampered with it."""

    def damaged(one):
        metadata = {**one.metadata, key: value}
        return dataclasses.replace(one, metadata={name: text for name, text in metadata.items() if text is not None})

    assert plan_present(wanted(), [damaged(one) for one in whole()]).changed


@pytest.mark.parametrize("written", [{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}], ids=str)
def test_an_unfinished_confirmation_can_be_finished(written):
    """Evidence is written to all snapshots at once, and whoever did so may have died over it."""
    complete, pending = whole(evidence()), whole(evidence("crash", pending="quiesced"))
    found = Evidence.read([complete[n] if n in written else pending[n] for n in range(3)])
    assert any(one.pending for one in found.servers.values()) or found == evidence()


# Looking


def test_a_server_without_volumes_and_a_volume_out_of_sight_are_named():
    servers = {"orders": server("orders", volumes=()), "payments": server("payments")}
    with pytest.raises(CheckFailed) as raised:
        survey(SHOP, servers, Storages([FakeCinder()]))
    first, second = raised.value.facts["problems"]
    assert "Server orders (id-orders) has no volumes" in first
    assert "Volume volume-payments of server payments (id-payments) is not visible" in second


def test_volumes_are_found_in_all_projects():
    servers = {name: server(name) for name in ("orders", "payments")}
    storages = Storages([FakeCinder(volume("orders")), FakeCinder(volume("payments"), project_id="p2")])
    found = survey(SHOP, servers, storages)
    assert [(one.tier, one.volumes[0].project_id) for one in found] == [("database", "project"), ("database", "p2")]


def test_a_snapshot_has_no_longer_a_name_than_cinder_takes():
    assert wanted().snapshot_name(volume("v" * 250)) == ("shop.noon." + "v" * 250)[:255]
    # A volume need not have a name.
    assert wanted().snapshot_name(volume("", id="volume-1")) == "shop.noon.volume-1"


def test_an_encrypted_volume_is_no_reason_to_warn():
    """Whether its key is sealed is not known here: without a key to seal with, describing and copying refuse the volume."""
    secret = dataclasses.replace(volume("orders"), encrypted=True)
    members = (ServerVolumes(server("orders"), "database", (secret,)),)
    assert warnings(Wanted(SHOP, "noon", "crash", members)) == []


def test_a_servers_evidence_is_on_a_volume_that_is_its_alone():
    own = volume("own", attachments=attached("orders"))
    one = Wanted(SHOP, "noon", "crash", (ServerVolumes(server("orders"), "database", (SHARED, own)),))
    assert one.homes == {"id-orders": own.id}


class Nova:
    """Servers as they are found one time after the other; the last one stays."""

    def __init__(self, **servers):
        self._found = {f"id-{name}": list(found) for name, found in servers.items()}

    def server(self, server_id):
        found = self._found[server_id]
        return found.pop(0) if len(found) > 1 else found[0]


def marked(name, token="t", **facts):
    mark = {"driver": "libvirt", "until": "2026-11-22T13:00:00Z", "token": token, "requested": NOON, "frozen": NOON, "filesystems": 2}
    return server(name, metadata={"osdr_freeze": json.dumps({**mark, **facts})})


def seeing(job, **servers):
    return Seeing(Nova(**servers), job, 4)


def test_servers_that_were_started_are_not_off():
    off = {name: server(name, status="SHUTOFF") for name in ("orders", "payments")}
    members = tuple(ServerVolumes(one, "database", (volume(name),)) for name, one in off.items())
    job = Wanted(SHOP, "noon", "crash", members)
    assert seeing(job, orders=[off["orders"]], payments=[server("payments")]).still() == {"id-orders": state_of(off["orders"])}


@pytest.mark.parametrize("changes", [{"task_state": "powering-on"}, {"updated_at": "2026-11-22T12:00:09Z"}])
def test_a_server_that_is_being_started_or_has_run_meanwhile_has_not_been_off(changes):
    off = server("orders", status="SHUTOFF", updated_at="2026-11-22T11:00:00Z")
    job = Wanted(SHOP, "noon", "crash", (ServerVolumes(off, "database", (volume("orders"),)),))
    assert seeing(job, orders=[off]).still() == {"id-orders": state_of(off)}
    assert seeing(job, orders=[dataclasses.replace(off, **changes)]).still() == {}


@pytest.mark.parametrize("status", ["PAUSED", "SUSPENDED"])
@pytest.mark.parametrize(
    ("changes", "stood_still"),
    [
        pytest.param({}, True, id="untouched"),
        pytest.param({"status": "ACTIVE"}, False, id="runs"),
        pytest.param({"updated_at": "2026-11-22T12:00:09Z"}, False, id="has run meanwhile"),
        pytest.param({"task_state": "unpausing"}, False, id="is about to run"),
        pytest.param({"status": "SHUTOFF"}, False, id="was switched off"),
        pytest.param({"metadata": {"osdr_freeze": "{}"}}, False, id="somebody freezes it"),
    ],
)
def test_what_its_owner_paused_counts_only_while_nobody_touches_it(status, changes, stood_still):
    paused = server("orders", status=status, updated_at="2026-11-22T11:00:00Z")
    job = Wanted(SHOP, "noon", "crash", (ServerVolumes(paused, "database", (volume("orders"),)),))
    assert seeing(job, orders=[dataclasses.replace(paused, **changes)]).still() == ({"id-orders": state_of(paused)} if stood_still else {})


# Taking


class Shop:
    """Two servers with a volume each, frozen by a driver that writes into the same log as Cinder."""

    def __init__(self, least="quiesced", budget=60, interruption=None, in_group=(), second=None, driver=None, **trouble):
        names = ("orders", "payments")
        self.time = second.time if second else FakeTime()
        self.group = volume_group("g")
        volumes = {name: volume(name, group_id=self.group.id if name in in_group else None) for name in names}
        if second:
            del volumes["payments"]
        self.cinder = FakeCinder(*volumes.values(), groups=[self.group], time=self.time, **trouble)
        storages = [self.cinder, second] if second else [self.cinder]
        self.servers = {name: server(name) for name in names}
        self.driver = driver or FakeDriver()
        self.driver.calls = self.cinder.calls
        steps = [[Member(one, "database", self.driver) for one in self.servers.values()]]
        self.interruption = interruption or Interruption()
        self.window = FreezeWindow(steps, Limits(30, budget, 120, 4), FakeMarks(), self.interruption, self.time.clock)
        self.wanted = Wanted(SHOP, "noon", least, survey(SHOP, self.servers, Storages(storages)))
        self.set = SnapshotSet(Storages(storages), self.wanted, self.cinder.waiter, 4)
        known = [self.wanted.volumes[f"volume-{name}"] for name in names]
        grouped = tuple(one for one in known if one.group_id)
        self.units = [Unit(INDIVIDUAL, "b", (one,), "asked for") for one in known if not one.group_id]
        if grouped:
            self.units.append(Unit(CONSISTENT_GROUP, "b", grouped, "it can", self.group))

    def take(self, window=True, **servers):
        found = {name: [one] for name, one in self.servers.items()}
        look = seeing(self.wanted, **{**found, **servers})
        return self.set.take(self.units, self.window if window else None, look, self.interruption)

    def order(self, *names):
        """The calls of these names in their order."""
        return [call[0] for call in self.cinder.calls if call[0] in names]


def test_a_set_is_taken_within_the_freeze_and_carries_its_evidence():
    shop = Shop()
    evidence = shop.take()
    assert shop.order("freeze", "create_snapshot", "thaw") == ["freeze"] * 2 + ["create_snapshot"] * 2 + ["thaw"] * 2
    assert (evidence.whole.consistency, evidence.at_best) == ("quiesced", "quiesced")
    current = shop.set.current()
    assert Evidence.read(current) == evidence
    assert {one.name for one in current} == {"shop.noon.orders", "shop.noon.payments"}
    assert all(marks("shop", "noon").items() <= one.metadata.items() for one in current)
    assert not plan_present(shop.wanted, current).changed
    # Nothing is waited for that is there already.
    assert shop.time.seconds < 2


# Overlap


class Fleet:
    """Servers with a volume each, in tiers; some share volumes.

    :param tiers: names of servers per tier, in the order in which tiers are frozen.
    :param shared: names of the servers of each shared volume, per its name.
    :param shut_down: names of servers that stand still by themselves.
    """

    def __init__(self, *tiers, shared=None, shut_down=(), concurrency=4, budget=60, **seconds):
        self.shared = shared or {}
        names = [*(name for tier in tiers for name in tier), *shut_down]
        of = {name: [name, *(one for one, others in self.shared.items() if name in others)] for name in names}
        servers = {name: server(name, volumes=tuple((f"volume-{one}", False) for one in of[name])) for name in names}
        servers |= {name: dataclasses.replace(servers[name], status="SHUTOFF") for name in shut_down}
        volumes = [volume(name, attachments=attached(name)) for name in names]
        volumes += [volume(one, multiattach=True, attachments=attached(*others)) for one, others in self.shared.items()]
        self.time = FakeTime()
        self.cinder = FakeCinder(*volumes, time=self.time, seconds={f"volume-{name}": found for name, found in seconds.items()})
        self.driver = FakeDriver()
        self.driver.calls = self.cinder.calls
        steps = [[Member(servers[name], "tier", self.driver) for name in tier] for tier in tiers]
        self.window = FreezeWindow(steps, Limits(30, budget, 120, concurrency), FakeMarks(), Interruption(), self.time.clock)
        application = Application("shop", (Tier("tier", tuple(names)),))
        self.storages = Storages([self.cinder])
        self.wanted = Wanted(application, "noon", "quiesced", survey(application, servers, self.storages))
        self.set = SnapshotSet(self.storages, self.wanted, self.cinder.waiter, concurrency)
        self.units = [Unit(INDIVIDUAL, "b", tuple(self.wanted.volumes.values()), "asked for")]
        self.look = seeing(self.wanted, **{name: [one] for name, one in servers.items()})
        self._release, self.window.release = self.window.release, self._release_and_wait

    def _release_and_wait(self, is_done_with):
        """Thaws take no time here: none passes before those that were begun are over."""
        self._release(is_done_with)
        self.window._crew.end()
        self.window._crew = None

    def take(self):
        return self.set.take(self.units, self.window, self.look, Interruption())

    def thawed(self):
        """When each server's thaw was asked for, per name."""
        return {member.server.name: round(member.thaw_requested.monotonic, 1) for member in self.window.members}


def test_each_server_stands_still_for_its_own_snapshots_only():
    fleet = Fleet(["a", "b", "c"], a=2, b=9, c=5)
    evidence = fleet.take()
    assert evidence.whole.consistency == "quiesced"
    thawed = fleet.thawed()
    assert 2 <= thawed["a"] < 5 <= thawed["c"] < 9 <= thawed["b"]
    assert evidence.whole.window["seconds"] >= 9


def test_nothing_is_asked_for_before_the_last_server_is_frozen_and_nobody_is_thawed_before_that():
    fleet = Fleet(["a"], ["b"], ["c"], a=1, b=1, c=1)
    fleet.take()
    order = [call[0] for call in fleet.cinder.calls if call[0] in ("freeze", "create_snapshot", "thaw")]
    assert order[:4] == ["freeze"] * 3 + ["create_snapshot"]


def test_a_shared_volume_keeps_all_of_its_servers_until_it_is_snapshotted():
    fleet = Fleet(["a", "b", "c"], shared={"disk": ("a", "b")}, a=1, b=1, c=1, disk=8)
    assert fleet.take().whole.consistency == "quiesced"
    thawed = fleet.thawed()
    assert thawed["c"] < 8 <= min(thawed["a"], thawed["b"])


def test_a_volume_keeps_also_a_server_that_nova_does_not_show_it_with():
    fleet = Fleet(["a", "b"], shared={"disk": ("a", "b")}, a=1, b=1, disk=8)
    members = [dataclasses.replace(one, volumes=one.volumes[:1]) if one.server.name == "b" else one for one in fleet.wanted.members]
    fleet.set._wanted = dataclasses.replace(fleet.wanted, members=tuple(members))
    assert fleet.set._wanted.written_by["id-b"] == {"volume-b", "volume-disk"}
    fleet.take()
    assert fleet.thawed()["b"] >= 8


def test_tiers_are_thawed_in_their_order_whosever_snapshots_are_there_first():
    fleet = Fleet(["front"], ["orders", "payments"], front=1, orders=2, payments=6)
    fleet.take()
    thawed = fleet.thawed()
    assert thawed["orders"] < 6 <= thawed["payments"] <= thawed["front"]


def test_whoever_is_thawed_first_is_asked_for_first_and_within_a_tier_whoever_stands_still_for_longest():
    fleet = Fleet(["front"], ["orders", "payments"], shared={"disk": ("orders", "front")}, concurrency=1)
    fleet.take()
    asked = [volume_id for volume_id, *_rest in fleet.cinder.called("create_snapshot")]
    assert ({*asked[:2]}, asked[2:]) == ({"volume-orders", "volume-disk"}, ["volume-payments", "volume-front"])


def test_servers_are_released_while_snapshots_of_others_are_still_asked_for(monkeypatch):
    fleet = Fleet(["a", "b"], concurrency=1, a=1, b=1)
    thawed, thaw, create = threading.Event(), fleet.driver.thaw, fleet.cinder.create_snapshot

    def thaw_and_tell(which):
        found = thaw(which)
        # Before anybody hears of it: whoever waited for this would see time pass until the other thread has its turn.
        fleet.time.get_going()
        thawed.set()
        return found

    def wait_for_the_first(volume_id, *arguments):
        if volume_id == "volume-b":
            # Whoever waits for this one sees time pass.
            fleet.time.get_stuck()
            assert thawed.wait(60)
        return create(volume_id, *arguments)

    fleet.driver.thaw, fleet.cinder.create_snapshot = thaw_and_tell, wait_for_the_first
    # Only what is asked for hangs; a look beside it takes no time, whenever its thread has its turn.
    monkeypatch.setattr(taking, "within", lambda _seconds, _what, call, _clock: call())
    assert fleet.take().whole.consistency == "quiesced"
    assert fleet.driver.names("thaw") == ["a", "b"]


def test_as_long_as_no_server_has_all_of_its_snapshots_asked_for_nothing_is_looked_at():
    wanted = {"id-a": {"one", "two"}, "id-b": {"three"}}
    requests = Requests([Unit(INDIVIDUAL, "b", tuple(volume(name, id=name) for name in ("one", "two", "three")), "asked for")])

    def accept(name):
        requests.add(f"snapshot of {name}", Unit(INDIVIDUAL, "b", (volume(name, id=name),), "asked for"), FakeTime().clock.moment())

    accept("one")
    assert not is_worth_a_look(requests, wanted)
    accept("two")
    assert is_worth_a_look(requests, wanted)
    requests.taken.update(dict.fromkeys(["one", "two"]))
    assert not is_worth_a_look(requests, wanted)
    accept("three")
    assert is_worth_a_look(requests, wanted)


def test_nobody_stands_still_for_servers_that_stand_still_by_themselves():
    """Their guards would fire, and their standstill be doubted."""
    fleet = Fleet(["a"], shut_down=["off"], budget=20, a=1, off=50)
    disarmed, disarm = [], fleet.driver.disarm_guard

    def note(which):
        disarmed.append(fleet.time.seconds)
        return disarm(which)

    fleet.driver.disarm_guard = note
    evidence = fleet.take()
    assert {key: one.consistency for key, one in evidence.servers.items()} == {"id-a": "quiesced", "id-off": "offline"}
    assert disarmed[0] < 5 and evidence.whole.window["seconds"] < 5
    assert fleet.time.seconds > 50


@pytest.mark.parametrize("frozen", [(), ("a",)])
def test_snapshots_of_servers_that_stand_still_by_themselves_are_not_waited_for_without_end(frozen):
    fleet = Fleet(frozen, shut_down=["off"], off=10_000)
    with pytest.raises(WaitTimeout, match=r"^Timed out after 60 s waiting for the snapshots on site 'primary'\.$"):
        fleet.take()


def test_what_is_still_to_be_asked_for_is_asked_for_when_nobody_stands_still_any_more():
    fleet = Fleet(["a"], shut_down=["b", "c", "d"], concurrency=1, a=1, b=1, c=1, d=1)
    assert fleet.take().whole.consistency == "quiesced"
    assert sorted(volume_id for volume_id, *_rest in fleet.cinder.called("create_snapshot")) == [f"volume-{name}" for name in "abcd"]


def test_a_freeze_that_breaks_when_others_are_thawed_makes_the_set_crash_consistent_and_names_the_server():
    fleet = Fleet(["a", "b"], a=1, b=6)
    fleet.driver._interrupted = {"b": "its guest thawed itself"}
    with pytest.raises(ConsistencyTooLow, match=r"b: crash \(its guest thawed itself\)") as raised:
        fleet.take()
    assert "a: quiesced" in str(raised.value)
    assert fleet.cinder.snapshots() == []


def test_a_thaw_that_is_not_confirmed_on_the_way_is_confirmed_at_the_end():
    fleet = Fleet(["a", "b"], a=1, b=6)
    thaw, errors = fleet.driver.thaw, [CloudError("Nova is away.")]

    def fail_once(which):
        if which.name == "a" and errors:
            raise errors.pop()
        return thaw(which)

    fleet.driver.thaw = fail_once
    assert fleet.take().whole.consistency == "quiesced"
    assert fleet.thawed()["a"] < 6
    assert sorted(fleet.driver.names("thaw")) == ["a", "b"]


def test_a_budget_that_passes_names_who_still_stood_still_and_what_would_have_done():
    fleet = Fleet([f"s{number}" for number in range(14)], budget=20, concurrency=14, **{f"s{number}": 500 for number in range(1, 14)})
    with pytest.raises(WaitTimeout) as raised:
        fleet.take()
    told = str(raised.value)
    assert "1 of 14 servers were done with; open were 13 volumes of 13 servers (s1 (id-s1), s2 (id-s2)," in told
    assert "s10 (id-s10) and 3 more)." in told
    # One in 20 s, and thirteen to go.
    assert re.search(r"Raise budget \(at this rate, 2[78]\d s would do\) and guard_timeout\.", told)


def test_nobody_can_tell_what_would_have_done_when_nothing_is_there():
    fleet = Fleet(["a"], budget=5, a=500)
    with pytest.raises(WaitTimeout, match=r"\(0\.0 complete per second\)\. 0 of 1 servers were done with") as raised:
        fleet.take()
    assert "Raise budget and guard_timeout." in str(raised.value)


def sharing(least="quiesced", *others):
    """Two servers in tiers of their own, which share a volume, perhaps with others: their volumes, window and wanted set."""
    names = ("orders", "payments")
    application = Application("shop", tuple(Tier(name, (name,)) for name in names))
    shared = volume("shared", multiattach=True, attachments=attached(*names, *others))
    cinder = FakeCinder(*(volume(name, attachments=attached(name)) for name in names), shared)
    servers = {name: server(name, volumes=((f"volume-{name}", False), ("volume-shared", False))) for name in names}
    driver = FakeDriver()
    driver.calls = cinder.calls
    steps = [[Member(servers[name], name, driver)] for name in reversed(names)]
    window = FreezeWindow(steps, Limits(30, 60, 120, 4), FakeMarks(), Interruption(), cinder.time.clock)
    wanted = Wanted(application, "noon", least, survey(application, servers, Storages([cinder])))
    return cinder, window, wanted


def take_shared(cinder, window, wanted):
    units = [Unit(INDIVIDUAL, "b", (one,), "asked for") for one in wanted.volumes.values()]
    job = SnapshotSet(Storages([cinder]), wanted, cinder.waiter, 4)
    return job, job.take(units, window, seeing(wanted, orders=[server("orders")], payments=[server("payments")]), Interruption())


def test_a_volume_of_servers_in_several_tiers_is_snapshotted_once_when_all_of_them_are_frozen():
    cinder, window, wanted = sharing()
    job, evidence = take_shared(cinder, window, wanted)
    asked = [call[0] for call in cinder.calls if call[0] in ("freeze", "create_snapshot", "thaw")]
    assert asked == ["freeze"] * 2 + ["create_snapshot"] * 3 + ["thaw"] * 2
    assert sorted(one.volume_id for one in job.current()) == ["volume-orders", "volume-payments", "volume-shared"]
    assert {one.consistency for one in evidence.servers.values()} == {"quiesced"}
    # What is adopted later says the same of both servers.
    assert Evidence.read(job.current()) == evidence
    assert not plan_present(wanted, job.current()).changed


def test_a_volume_that_a_server_outside_has_too_makes_the_set_crash_consistent_and_says_so():
    cinder, window, wanted = sharing("crash", "foreign")
    _job, evidence = take_shared(cinder, window, wanted)
    assert evidence.whole.consistency == "crash"
    assert {one.reason for one in evidence.servers.values()} == {
        "volume shared (volume-shared) is also attached to server id-foreign, which is not frozen with the others"
    }
    with pytest.raises(ConsistencyTooLow, match="also attached to server id-foreign"):
        take_shared(*sharing("paused", "foreign"))


def test_without_a_freeze_a_set_is_crash_consistent():
    shop = Shop(least="crash")
    assert shop.take(window=False).whole.consistency == "crash"
    assert not shop.driver.names("freeze")


def test_snapshots_of_other_sets_are_not_this_ones():
    shop = Shop()
    shop.cinder.create_snapshot("volume-orders", "foreign", marks("shop", "morning"))
    shop.take()
    shop.set.delete()
    assert [one.name for one in shop.cinder.snapshots()] == ["foreign"]


def test_a_set_over_projects_is_taken_in_each():
    second = FakeCinder(volume("payments"), project_id="p2")
    shop = Shop(second=second)
    shop.take()
    assert shop.cinder.called("create_snapshot") == [["volume-orders"]]
    assert second.called("create_snapshot") == [["volume-payments"]]
    shop.set.delete()
    assert shop.cinder.snapshots() == second.snapshots() == []


def test_a_consistency_that_is_too_low_deletes_the_set_and_says_why():
    shop = Shop(driver=FakeDriver(interrupted={"payments": "it was rebooted"}))
    with pytest.raises(ConsistencyTooLow, match=r"only crash-consistent, but quiesced is required.*payments: crash \(it was rebooted\)"):
        shop.take()
    assert shop.cinder.snapshots() == []


# Being late


def test_a_budget_that_passes_is_enough_for_crash_consistency():
    shop = Shop(least="crash", budget=5, seconds={"volume-payments": 30})
    found = shop.take()
    assert found.whole.consistency == "crash"
    assert {key: one.consistency for key, one in found.servers.items()} == {"id-orders": "quiesced", "id-payments": "crash"}
    assert "not taken within the freeze" in found.servers["id-payments"].reason
    assert {one.status for one in shop.set.current()} == {"available"}


@pytest.mark.parametrize("least", ["quiesced", "paused"])
def test_a_budget_that_passes_ends_the_freeze_and_then_the_set(least):
    shop = Shop(least=least, budget=5, seconds={"volume-payments": 30})
    with pytest.raises(WaitTimeout) as raised:
        shop.take()
    told = str(raised.value)
    assert told.startswith("The budget of 5 s was too short for the snapshots on site 'primary': 5.1 s after the first freeze was requested, when the thaw")
    assert "1 snapshots were complete, 1 being taken, and 0 not requested yet (0.2 complete per second)" in told
    assert "1 of 2 servers were done with; open were 1 volumes of 1 servers (payments (id-payments))." in told
    assert "Raise budget (at this rate, 11 s would do) and guard_timeout." in told
    assert "thaw" not in shop.order("thaw", "delete_snapshot")[2:]
    assert shop.cinder.snapshots() == []


@pytest.mark.parametrize("seconds", [4, 4.8])
def test_asking_for_the_snapshots_counts_into_the_budget(seconds):
    shop = Shop(budget=10, seconds={"volume-payments": 3600})
    shop.set._concurrency = 1
    slow = shop.cinder.create_snapshot
    shop.cinder.create_snapshot = lambda *arguments: (shop.time.sleep(seconds), slow(*arguments))[1]
    thawed, thaw = [], shop.driver.thaw
    shop.driver.thaw = lambda which: (thawed.append(shop.time.seconds), thaw(which))[1]
    with pytest.raises(WaitTimeout):
        shop.take()
    assert 10 <= max(thawed) < 10.2


class Hanging(Shop):
    """A shop whose Cinder answers a question only when everybody is thawed, and then later than everything else.

    :param question: name of the call; one to create a snapshot hangs for the volume of payments.
    """

    def __init__(self, monkeypatch, question, budget=60, before=lambda: None, least="quiesced", **changes):
        super().__init__(budget=budget, least=least, **changes)
        thawed, others_are_done, thaw, ask, end = threading.Event(), threading.Event(), self.driver.thaw, getattr(self.cinder, question), Requests.end
        self._held_up, self._has_hung = [], threading.Event()
        if least == "crash":
            others_are_done.set()

        def thaw_and_tell(which):
            answer = thaw(which)
            self.time.sleep(1)
            if not self.driver.frozen:
                self.time.get_going()
                thawed.set()
            return answer

        def end_and_tell(requests, seconds):
            others_are_done.set()
            end(requests, seconds)

        def hang(*arguments):
            if "volume-orders" not in arguments and not thawed.is_set():
                self.time.get_stuck()
                before()
                self._held_up.append(not (thawed.wait(60) and others_are_done.wait(60)))
                self._has_hung.set()
            return ask(*arguments)

        self.driver.thaw = thaw_and_tell
        setattr(self.cinder, question, hang)
        monkeypatch.setattr(Requests, "end", end_and_tell)

    @property
    def held_up_the_thaw(self):
        assert self._has_hung.wait(60)
        return any(self._held_up)


QUESTIONS = ["create_snapshot", "creating_snapshots", "newest_snapshots"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_cinder_that_does_not_answer_is_not_waited_for_in_the_freeze_and_what_comes_late_is_deleted(monkeypatch, question):
    shop = Hanging(monkeypatch, question)
    with pytest.raises(WaitTimeout, match="The budget of 60 s was too short for the snapshots on site 'primary'"):
        shop.take()
    assert not shop.held_up_the_thaw
    order = shop.order("thaw", "create_snapshot", "delete_snapshot")
    late = ["create_snapshot"] if question == "create_snapshot" else []
    assert order == ["create_snapshot"] * (2 - len(late)) + ["thaw"] * 2 + late + ["delete_snapshot"] * 2
    assert shop.cinder.snapshots() == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_a_cinder_that_did_not_answer_makes_at_last_is_enough_for_crash_consistency(monkeypatch, question):
    shop = Hanging(monkeypatch, question, least="crash")
    found = shop.take()
    assert not shop.held_up_the_thaw
    assert found.servers["id-payments"].consistency == "crash"
    assert shop.order("thaw", "delete_snapshot") == ["thaw"] * 2
    assert {one.status for one in shop.set.current()} == {"available"}


def test_what_is_still_being_asked_for_is_waited_for_once_all_are_thawed(monkeypatch):
    is_awaited = threading.Event()
    shop = Hanging(monkeypatch, "create_snapshot", before=lambda: is_awaited.wait(60), least="crash")
    result = Call.result

    def result_and_tell(call, seconds):
        if not shop.driver.frozen:
            is_awaited.set()
        return result(call, seconds)

    monkeypatch.setattr(Call, "result", result_and_tell)
    found = shop.take()
    assert set(found.servers) == {"id-orders", "id-payments"}
    assert not shop.held_up_the_thaw
    assert len(shop.order("create_snapshot")) == 2


def test_after_a_signal_no_more_snapshots_are_asked_for(monkeypatch):
    with Interruption().installed() as interruption:
        shop = Hanging(monkeypatch, "create_snapshot", before=lambda: os.kill(os.getpid(), signal.SIGTERM), interruption=interruption)
        # The clock lets nobody wait in vain; here the signal is to end the waiting.
        shop.time.get_stuck = lambda: None
        shop.window._tiers[0].reverse()
        shop.set._concurrency = 1
        with pytest.raises(Interrupted):
            shop.take()
    assert not shop.held_up_the_thaw
    assert shop.order("thaw", "create_snapshot") == ["thaw"] * 2 + ["create_snapshot"]
    assert shop.cinder.called("create_snapshot") == [["volume-payments"]]
    assert shop.cinder.snapshots() == []


class Slow(Shop):
    """A shop whose Cinder is asked for one snapshot after the other, and takes four seconds to answer."""

    def __init__(self, **changes):
        super().__init__(**changes)
        self.set._concurrency = 1
        create = self.cinder.create_snapshot

        def create_slowly(volume_id, *arguments):
            self.cinder.calls.append(("ask", volume_id))
            self.time.sleep(4)
            if self.time.seconds >= self.window.budget:
                # The budget has passed while this one is under way: the other thread gets to know of it first.
                self.time.get_stuck()
                self.everybody_is_thawed.wait(60)
            return create(volume_id, *arguments)

        self.everybody_is_thawed = threading.Event()
        self.cinder.create_snapshot = create_slowly
        thaw = self.driver.thaw

        def thaw_and_tell(which):
            answer = thaw(which)
            if not self.driver.frozen:
                self.time.get_going()
                self.everybody_is_thawed.set()
            return answer

        self.driver.thaw = thaw_and_tell


def test_once_the_thaw_is_decided_no_snapshot_is_asked_for_any_more():
    shop = Slow(budget=3)
    with pytest.raises(WaitTimeout, match="0 snapshots were complete, 1 being taken, and 1 not requested yet") as raised:
        shop.take()
    assert "All servers are thawed. Raise budget and guard_timeout." in str(raised.value)
    assert shop.order("ask", "thaw", "create_snapshot") == ["ask", "thaw", "thaw", "create_snapshot"]
    assert shop.cinder.snapshots() == []


def test_only_who_is_content_with_crash_consistency_asks_again_and_when_all_are_thawed():
    shop = Slow(budget=3, least="crash")
    found = shop.take()
    assert found.whole.consistency == "crash"
    assert shop.order("ask", "thaw", "create_snapshot") == ["ask", "thaw", "thaw", "create_snapshot", "ask", "create_snapshot"]
    assert {one.status for one in shop.set.current()} == {"available"}


def test_a_request_that_is_refused_is_the_last_one():
    shop = Shop(refusing=["create_snapshot"])
    shop.set._concurrency = 1
    with pytest.raises(CloudError, match="Not allowed"):
        shop.take()
    assert len(shop.cinder.called("create_snapshot")) == 1


# Only what was seen counts


@pytest.mark.parametrize("in_group", [(), ("orders", "payments")], ids=["singly", "as a group"])
@pytest.mark.parametrize("lag", [0.05, 0.5, 5])
def test_a_list_that_lags_behind_does_not_end_the_freeze_before_the_cut(lag, in_group):
    seconds = {"volume-orders": 2, "volume-payments": 4}
    shop = Shop(lag=lag, in_group=in_group, seconds=seconds)
    thawed, thaw = [], shop.driver.thaw
    shop.driver.thaw = lambda which: (thawed.append(shop.time.seconds), thaw(which))[1]
    found = shop.take()
    assert found.whole.consistency == "quiesced"
    # Each server stands still for its own snapshots; those of a group are complete together.
    assert min(thawed) >= max(4 if in_group else 2, lag)
    assert max(thawed) >= max(4, lag)


def test_a_lagging_list_makes_nothing_vanish_afterwards():
    shop = Shop()
    listed, answers = shop.cinder.snapshots, []

    def lag(*arguments):
        answers.append(listed(*arguments))
        return answers[-1] if len(answers) > 4 else []

    take, shop.set._refuse_failed = shop.set._refuse_failed, lambda requests: (setattr(shop.cinder, "snapshots", lag), take(requests))[1]
    assert shop.take().whole.consistency == "quiesced"


def test_the_snapshots_themselves_are_looked_at_when_half_of_those_left_seem_done():
    names = [f"v{number}" for number in range(8)]
    cinder = FakeCinder(*(volume(name) for name in names), seconds={f"volume-{name}": 1 + number for number, name in enumerate(names)})
    members = (ServerVolumes(server("orders"), "database", tuple(cinder.volumes())),)
    job = Wanted(SHOP, "noon", "crash", members)
    taken = SnapshotSet(Storages([cinder]), job, cinder.waiter, 4).take(
        [Unit(INDIVIDUAL, None, tuple(cinder.volumes()), "asked for")], None, seeing(job, orders=[server("orders")]), Interruption()
    )
    assert len(taken.snapshots) == 8
    assert cinder.looked == 4


def test_members_of_groups_and_single_snapshots_count_alike_for_when_they_are_looked_at():
    group = volume_group("g")
    volumes = [volume("a", group_id=group.id), volume("b", group_id=group.id), volume("c"), volume("d")]
    cinder = FakeCinder(*volumes, groups=[group], seconds={"volume-d": 3})
    ends = cinder._end
    cinder._end = lambda what, where, key, seconds=1: ends(what, where, key, 3 if what == "create_group_snapshot" else seconds)
    a, b, c, d = cinder.volumes()
    job = Wanted(SHOP, "noon", "crash", (ServerVolumes(server("orders"), "database", (a, b, c, d)),))
    units = [Unit(CONSISTENT_GROUP, None, (a, b), "", group), Unit(INDIVIDUAL, None, (c, d), "")]
    SnapshotSet(Storages([cinder]), job, cinder.waiter, 4).take(units, None, seeing(job, orders=[server("orders")]), Interruption())
    assert cinder.looked == 1


def test_no_more_of_the_list_is_read_than_the_sets_own_snapshots():
    shop = Shop()
    newest, read = shop.cinder.newest_snapshots, []
    shop.cinder._snapshots["foreign"] = snapshot("foreign")
    shop.cinder.newest_snapshots = lambda: (read.append(one.id) or one for one in newest())
    shop.take()
    assert len(read) == 2
    assert "foreign" not in read


def test_a_snapshot_that_fails_ends_the_freeze_at_once():
    shop = Shop(failing=["volume-payments"], seconds={"volume-orders": 50})
    thawed, thaw = [], shop.driver.thaw
    shop.driver.thaw = lambda which: (thawed.append(shop.time.seconds), thaw(which))[1]
    with pytest.raises(ResourceFailed, match="of volume volume-payments: error") as raised:
        shop.take()
    assert max(thawed) < 2
    assert "volume-orders" not in str(raised.value)


# Failing


def test_a_snapshot_that_failed_is_named_with_cinders_own_words_and_all_are_deleted():
    shop = Shop(failing=["volume-payments"])
    with pytest.raises(ResourceFailed, match=r"of volume volume-payments: error\. The driver says no to snapshot-") as raised:
        shop.take()
    assert "volume-orders" not in str(raised.value)
    assert shop.order("thaw", "delete_snapshot") == ["thaw"] * 2 + ["delete_snapshot"] * 2
    assert shop.cinder.snapshots() == []


def test_a_failed_snapshot_is_named_also_when_cinder_has_no_words_for_it():
    def refuse(_resource_id):
        raise CloudError("There are no messages.")

    shop = Shop(failing=["volume-payments"])
    shop.cinder.failure_reason = refuse
    with pytest.raises(ResourceFailed, match="of volume volume-payments: error"):
        shop.take()


def test_a_refused_snapshot_ends_the_freeze_and_leaves_nothing():
    shop = Shop()
    make = shop.cinder.create_snapshot

    def create(volume_id, *arguments):
        if volume_id == "volume-payments":
            raise CloudError("A quota is used up.")
        return make(volume_id, *arguments)

    shop.cinder.create_snapshot = create
    with pytest.raises(CloudError, match="quota"):
        shop.take()
    assert not shop.driver.frozen
    assert shop.cinder.snapshots() == []


def test_a_snapshot_that_vanishes_is_missed():
    shop = Shop()
    make = shop.cinder.create_snapshot
    shop.cinder.create_snapshot = lambda volume_id, name, marked: make(
        volume_id, name, {} if volume_id == "volume-payments" else marked
    )
    with pytest.raises(ResourceFailed, match="of volume volume-payments: it vanished"):
        shop.take()


def test_an_interruption_thaws_and_leaves_nothing():
    interruption = Interruption()
    shop = Shop(interruption=interruption)
    ask = shop.cinder.creating_snapshots
    shop.cinder.creating_snapshots = lambda: (ask(), shop.time.sleep(5), interruption._receive(15, None))
    with pytest.raises(Interrupted):
        shop.take()
    assert not shop.driver.frozen
    assert shop.cinder.snapshots() == []


# Deleting


def existing(status, **changes):
    values = {"volume_id": "volume-orders", "project_id": "project", "status": status, "metadata": marks("shop", "noon")}
    return snapshot("old", **{**values, **changes})


def holding(one):
    shop = Shop()
    shop.cinder._snapshots[one.id] = one
    return shop


@pytest.mark.parametrize("status", ["creating", "deleting"])
def test_what_cinder_is_busy_with_is_waited_for_and_then_gone(status):
    shop = holding(existing(status))
    end = {
        "creating": lambda: shop.cinder._change(shop.cinder._snapshots, "snapshot-old", status="available"),
        "deleting": lambda: shop.cinder._snapshots.pop("snapshot-old", None),
    }
    shop.cinder._due.append((3, end[status]))
    shop.set.delete()
    assert shop.cinder.snapshots() == []


@pytest.mark.parametrize("status", ["creating", "deleting"])
def test_a_groups_snapshot_that_cinder_is_busy_with_is_waited_for_and_then_gone(status):
    shop = Shop()
    busy = group_snapshot("g", id="busy", status=status, description=shop.wanted.description, project_id="project")
    there = shop.cinder._group_snapshots = {busy.id: busy}
    end = {"creating": lambda: shop.cinder._change(there, "busy", status="available"), "deleting": there.clear}
    shop.cinder._due.append((3, end[status]))
    shop.set.delete()
    assert shop.cinder.group_snapshots() == []


def test_a_snapshot_that_cannot_be_deleted_is_named():
    shop = holding(existing("available"))
    shop.cinder._begin_deletion = lambda one: shop.cinder._change(shop.cinder._snapshots, one, status="error_deleting")
    with pytest.raises(ResourceFailed, match="Snapshot snapshot-old of volume volume-orders on site 'primary' cannot be deleted"):
        shop.set.delete()


def test_where_there_is_nothing_nothing_is_deleted():
    shop = Shop()
    shop.set.delete()
    assert shop.cinder.calls == []


# Groups


def test_groups_are_asked_for_first_and_everything_counts_as_one_set():
    shop = Shop(in_group=["payments"])
    shop.set._concurrency = 1
    found = shop.take()
    assert shop.order("create_group_snapshot", "create_snapshot") == ["create_group_snapshot", "create_snapshot"]
    assert found.whole.consistency == "quiesced"
    assert {key: one.strategy for key, one in found.snapshots.items()} == {
        "volume-orders": INDIVIDUAL,
        "volume-payments": CONSISTENT_GROUP,
    }


def test_members_of_a_groups_snapshot_get_names_and_marks_of_their_own():
    shop = Shop(in_group=["orders", "payments"])
    shop.take()
    current = shop.set.current()
    assert {one.name for one in current} == {"shop.noon.orders", "shop.noon.payments"}
    assert all(marks("shop", "noon").items() <= one.metadata.items() for one in current)
    assert not plan_present(shop.wanted, current).changed


def test_members_of_a_groups_snapshot_are_found_before_they_are_marked_and_go_with_it():
    shop = Shop(in_group=["orders", "payments"], refusing=["set_snapshot_metadata"])
    with pytest.raises(DrError):
        shop.take()
    assert len(shop.cinder.called("delete_group_snapshot")) == 1
    assert not shop.cinder.called("delete_snapshot")
    assert shop.cinder.snapshots() == shop.cinder.group_snapshots() == []


def test_somebody_elses_group_snapshot_is_not_touched():
    shop = Shop(in_group=["orders", "payments"])
    shop.cinder._group_snapshots["g"] = group_snapshot("g", id="g", description="the bank's")
    shop.cinder._snapshots["s"] = existing("available", id="s", group_snapshot_id="g", metadata={})
    shop.take()
    shop.set.delete()
    assert [one.id for one in shop.cinder.group_snapshots()] == ["g"]
    assert [one.id for one in shop.cinder.snapshots()] == ["s"]


def test_the_times_of_a_group_are_those_of_its_one_request():
    shop = Shop(in_group=["orders", "payments"])
    one, other = shop.take().snapshots.values()
    assert (one.requested, one.complete) == (other.requested, other.complete)


def test_a_group_that_somebody_added_a_volume_to_makes_too_many_snapshots():
    shop = Shop(in_group=["orders", "payments"])
    shop.cinder._volumes["volume-foreign"] = volume("foreign", group_id=shop.group.id, project_id="project")
    with pytest.raises(ResourceFailed, match="more of them than volumes"):
        shop.take()
    assert shop.cinder.snapshots() == shop.cinder.group_snapshots() == []


def test_a_groups_snapshot_that_fails_leaves_nothing():
    shop = Shop(in_group=["orders", "payments"], failing=["create_group_snapshot", "volume-orders", "volume-payments"])
    with pytest.raises(ResourceFailed, match="of volume volume-orders: error.*of volume volume-payments: error"):
        shop.take()
    assert shop.cinder.snapshots() == shop.cinder.group_snapshots() == []


# Within somebody else's freeze


def frozen():
    return {name: marked(name) for name in ("orders", "payments")}


def shop_frozen_by_others(**changes):
    shop = Shop(**changes)
    shop.wanted = dataclasses.replace(
        shop.wanted, members=tuple(dataclasses.replace(one, server=marked(one.server.name)) for one in shop.wanted.members)
    )
    shop.set = SnapshotSet(shop.set._storages, shop.wanted, shop.cinder.waiter, 4)
    return shop


def take_within(shop, **servers):
    return shop.take(window=False, **{name: [one] for name, one in frozen().items()} | servers)


def thaw(name, **changes):
    return {"id": f"id-{name}", "freeze": "t", "intact": True, "interrupted": None, "thawed_at": "2026-11-22T12:00:09.000Z", **changes}


def test_a_set_within_somebody_elses_freeze_awaits_its_thaw():
    shop = shop_frozen_by_others()
    found = take_within(shop)
    assert (found.whole.consistency, found.at_best) == ("crash", "quiesced")
    assert not plan_present(shop.wanted, shop.set.current()).changed


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(marked("payments", token="another"), id="it was frozen anew"),
        pytest.param(marked("payments", thawing=True), id="its thaw was announced"),
        pytest.param(server("payments"), id="it was thawed"),
    ],
)
def test_a_freeze_that_did_not_stand_all_the_time_promises_nothing(after):
    shop = shop_frozen_by_others(least="crash")
    found = take_within(shop, payments=[marked("payments"), after])
    assert {key: one.pending for key, one in found.servers.items()} == {"id-orders": "quiesced", "id-payments": None}
    assert found.at_best == "crash"


def test_a_freeze_that_began_too_late_promises_nothing():
    shop = shop_frozen_by_others(least="crash")
    found = take_within(shop, payments=[server("payments"), marked("payments")])
    assert found.servers["id-payments"].pending is None


def test_a_thaw_confirms_the_set_for_every_later_run():
    shop = shop_frozen_by_others()
    complete = shop.set.confirm(take_within(shop), [thaw("orders"), thaw("payments")])
    assert complete.whole.consistency == "quiesced"
    assert Evidence.read(shop.set.current()) == complete


def test_a_thaw_that_does_not_confirm_enough_is_told():
    shop = shop_frozen_by_others()
    pending = take_within(shop)
    with pytest.raises(ConsistencyTooLow, match="payments: crash"):
        shop.set.confirm(pending, [thaw("orders"), thaw("payments", intact=False)])


def test_a_thaw_that_cannot_be_understood_changes_nothing():
    shop = shop_frozen_by_others()
    pending = take_within(shop)
    with pytest.raises(CheckFailed):
        shop.set.confirm(pending, [{"id": "id-orders"}])
    assert Evidence.read(shop.set.current()) == pending


@pytest.mark.parametrize(("standing", "pause"), [(True, 1.0), (False, 30.0)])
def test_no_service_that_asks_to_be_left_alone_keeps_others_frozen(passing, standing, pause):
    shop = shop_frozen_by_others() if standing else Shop(least="crash")
    create = shop.cinder.create_snapshot
    shop.cinder.create_snapshot = lambda *arguments: leeway.Tries().wait(30) and create(*arguments)
    take_within(shop) if standing else shop.take(window=False)
    assert set(passing.pauses) == {pause}


def test_standing_freezes_are_looked_up_anew():
    job = Wanted(SHOP, "noon", "crash", tuple(ServerVolumes(one, "database", (volume(name),)) for name, one in frozen().items()))
    standing = seeing(job, orders=[marked("orders")], payments=[server("payments")]).standing()
    assert standing == {"id-orders": FreezeMark.of(marked("orders"))}


# Describing


@pytest.mark.parametrize(
    "volumes",
    [
        pytest.param({"orders": (volume("orders"), SHARED), "payments": (SHARED,)}, id="one has a volume of its own"),
        pytest.param({"orders": (SHARED,), "payments": (SHARED, volume("payments"))}, id="the other one has"),
    ],
)
def test_servers_that_share_volumes_all_keep_their_evidence(volumes):
    cinder = FakeCinder(*{one.id: one for found in volumes.values() for one in found}.values())
    servers = {name: server(name, volumes=tuple((one.id, False) for one in found)) for name, found in volumes.items()}
    job = Wanted(SHOP, "noon", "crash", survey(SHOP, servers, Storages([cinder])))
    snapshots = SnapshotSet(Storages([cinder]), job, cinder.waiter, 4)
    look = seeing(job, **{name: [one] for name, one in servers.items()})
    taken = snapshots.take([Unit(INDIVIDUAL, None, tuple(job.volumes.values()), "asked for")], None, look, Interruption())
    assert Evidence.read(snapshots.current()) == taken


def test_all_that_is_known_of_a_set_is_described():
    freeze = {
        "driver": "nova",
        "requested": "12:00:01",
        "frozen": "12:00:02",
        "thawed": "12:00:06",
        "filesystems": 3,
        "guard": "guest",
        "guard_until": "12:01:00",
        "token": "its own business",
    }
    known = Evidence(
        SetEvidence("crash", "12:00:02", {"started": "12:00:01", "ended": "12:00:06", "seconds": 5}, 1.5),
        {
            "id-orders": ServerEvidence("id-orders", "crash", "its thaw is awaited", "quiesced", freeze),
            "id-payments": ServerEvidence("id-payments", "offline", "shut down", None, {}),
        },
        {"volume-orders": SnapshotEvidence("12:00:03", "12:00:04", CONSISTENT_GROUP, "host@ceph#pool", "it can")},
    )
    members = (
        ServerVolumes(server("orders"), "database", (volume("orders"),)),
        ServerVolumes(server("payments"), "front", (volume("payments"),)),
    )
    one = snapshot("shop.noon.orders", id="one", volume_id="volume-orders", size=7, created_at="12:00:05")
    assert describe(Wanted(SHOP, "noon", "crash", members), [one], known) == {
        "name": "noon",
        "application": "shop",
        "consistency": "crash",
        "taken_at": "12:00:02",
        "clock": None,
        "skew": 1.5,
        "window": {"started": "12:00:01", "ended": "12:00:06", "seconds": 5},
        "servers": [
            {
                "id": "id-orders",
                "name": "orders",
                "tier": "database",
                "consistency": "crash",
                "pending": "quiesced",
                "reason": "its thaw is awaited",
                "driver": "nova",
                "requested_at": "12:00:01",
                "frozen_at": "12:00:02",
                "thawed_at": "12:00:06",
                "filesystems": 3,
                "guard": "guest",
                "guard_until": "12:01:00",
            },
            {
                "id": "id-payments",
                "name": "payments",
                "tier": "front",
                "consistency": "offline",
                "pending": None,
                "reason": "shut down",
                **dict.fromkeys(("driver", "requested_at", "frozen_at", "thawed_at", "filesystems", "guard", "guard_until")),
            },
        ],
        "snapshots": [
            {
                "id": "one",
                "name": "shop.noon.orders",
                "volume_id": "volume-orders",
                "size": 7,
                "created_at": "12:00:05",
                "requested_at": "12:00:03",
                "complete_at": "12:00:04",
                "strategy": "consistent_group",
                "backend": "host@ceph#pool",
                "reason": "it can",
            }
        ],
    }


def test_a_set_is_described_in_the_order_of_its_servers_and_names():
    shop = Shop()
    found = describe(shop.wanted, shop.set.current(), shop.take()) | {"snapshots": None}
    assert [one["name"] for one in found["servers"]] == ["orders", "payments"]
    assert (found["name"], found["application"], found["consistency"]) == ("noon", "shop", "quiesced")
    assert found["servers"][0]["driver"] == "fake"
    listed = describe(shop.wanted, shop.set.current(), Evidence.read(shop.set.current()))["snapshots"]
    assert [one["name"] for one in listed] == ["shop.noon.orders", "shop.noon.payments"]
    assert {one["strategy"] for one in listed} == {INDIVIDUAL}


def test_a_set_stands_for_a_moment_by_the_clock_of_the_site():
    shop = Shop()
    shop.cinder.ahead = datetime.timedelta(seconds=90)
    evidence = shop.take()
    whole, here = evidence.whole, datetime.datetime.fromisoformat(evidence.whole.taken_by_controller)
    assert abs(whole.clock.seconds - 90) <= whole.clock.within < 2
    assert here == shop.window.all_frozen.wall
    assert datetime.datetime.fromisoformat(whole.taken) - here == datetime.timedelta(seconds=whole.clock.seconds)
    assert (whole.window["started"], whole.consistency) == (str(shop.window.started), "quiesced")
    assert Evidence.read(shop.set.current()) == evidence
    told = describe(shop.wanted, shop.set.current(), evidence)
    assert (told["taken_at"], told["clock"]) == (
        whole.taken,
        {"ahead": whole.clock.seconds, "within": whole.clock.within, "taken_at": whole.taken_by_controller},
    )


def test_a_set_of_a_site_whose_clock_is_right_stands_for_the_moment_at_which_all_were_frozen():
    shop = Shop()
    whole = shop.take().whole
    assert (whole.taken, whole.taken_by_controller, whole.clock.seconds) == (*[str(shop.window.all_frozen)] * 2, 0)
