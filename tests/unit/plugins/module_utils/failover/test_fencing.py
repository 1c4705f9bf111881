# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from unittest.mock import Mock

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, CloudError, FenceIncomplete, ResourceFailed, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import FixedIp, FloatingIp
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fence_mark import FenceMark
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fencing import (
    Fencing,
    Members,
    addresses,
    fence_problems,
    is_fenced,
    plan_fence,
    plan_release,
    release_problems,
)
from ansible_collections.osdr.openstack.plugins.module_utils.readiness.gates import Gates
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fake_nova import FakeNova
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

APPLICATION = Application.parse(
    {
        "name": "shop",
        "tiers": [
            {"name": "database", "servers": ["orders-db", "payments-db"], "checks": [{"port": 5432}]},
            {"name": "front", "servers": ["shop-front"]},
        ],
    }
)
NAMES = ["orders-db", "payments-db", "shop-front"]
MARK = FenceMark("shop", "remote", "noon", "2026-01-01T12:00:00.000Z", "planned move")
LATER = FenceMark("shop", "remote", "noon", "2026-01-02T12:00:00.000Z", "again")
OTHER = FenceMark("shop", "remote", "one", "2026-01-02T12:00:00.000Z", "")


def members(nova, origin=None):
    return Members.of("primary", APPLICATION, nova.servers(), origin)


def fence(nova, mark=MARK):
    found = members(nova)
    steps = plan_fence(found, mark, nova.is_admin)
    Fencing(nova, found, nova.waiter, 8, Gates()).fence(steps, nova.is_admin)


def fence_all(nova, mark=MARK):
    found = members(nova)
    Fencing(nova, found, nova.waiter, 8, Gates()).fence_all(plan_fence(found, mark, nova.is_admin), nova.is_admin)


def release(nova, start=False, reached=None, ask=None):
    found = members(nova)
    reached = {one.id: "10.88.1.1" for one in nova.servers()} if reached is None else reached
    Fencing(nova, found, nova.waiter, 8, Gates(ask or (lambda *_attempt: None))).release(plan_release(found, start), reached, nova)


def changes(nova, mark=MARK):
    return any(step.changes for step in plan_fence(members(nova), mark, nova.is_admin))


def running(**changes):
    return [server(name, **changes) for name in NAMES]


def with_standby(**changes):
    """An application whose second database is off and locked."""
    standby = {"status": "SHUTOFF", "locked": True, "locked_reason": "ask the DBA", **changes}
    return [server(name, **(standby if name == "payments-db" else {})) for name in NAMES]


@pytest.mark.parametrize("is_admin", [False, True])
@pytest.mark.parametrize("how", [fence, fence_all])
def test_a_release_leaves_a_standby_off_and_locks_it_again(how, is_admin):
    nova = FakeNova(*with_standby(), is_admin=is_admin)
    how(nova)
    assert all(is_fenced(one) for one in nova.servers())
    release(nova, start=True)
    assert nova.names("start") == ["orders-db", "shop-front"]
    assert {one.name: (one.status, one.locked_reason) for one in nova.servers()} == {
        "orders-db": ("ACTIVE", ""),
        "payments-db": ("SHUTOFF", "ask the DBA"),
        "shop-front": ("ACTIVE", ""),
    }
    assert not any(step.changes for step in plan_release(members(nova), start=True))


@pytest.mark.parametrize("status", ["PAUSED", "SUSPENDED"])
def test_what_its_owner_had_paused_is_paused_after_a_fence_and_its_release(status):
    nova = FakeNova(*with_standby(status=status))
    fence(nova)
    assert all(is_fenced(one) for one in nova.servers())
    assert release_problems(plan_release(members(nova), start=True), by_admin=False) == []
    release(nova, start=True)
    assert (nova.server("id-payments-db").status, nova.server("id-payments-db").locked_reason) == (status, "ask the DBA")
    assert nova.names("start") == ["orders-db", "shop-front"]


def test_a_release_that_died_before_it_locked_a_server_again_does_so_when_it_is_repeated(monkeypatch):
    nova = FakeNova(*with_standby(status="ACTIVE"))
    fence(nova)

    def die(*_arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(nova, "lock", die)
        with pytest.raises(KeyboardInterrupt):
            release(nova, start=True)
    release(nova, start=True)
    assert (nova.server("id-payments-db").status, nova.server("id-payments-db").locked_reason) == ("ACTIVE", "ask the DBA")
    assert nova.names("start").count("payments-db") == 1


def test_a_locked_server_is_started_although_an_earlier_release_has_locked_it_again():
    nova = FakeNova(*with_standby(status="ACTIVE"))
    fence(nova)
    release(nova)
    assert nova.server("id-payments-db").locked_reason == "ask the DBA"
    assert release_problems(plan_release(members(nova), start=True), by_admin=False) == []
    release(nova, start=True)
    assert (nova.server("id-payments-db").status, nova.server("id-payments-db").locked) == ("ACTIVE", True)


def test_a_fence_keeps_how_a_server_is_wanted_when_it_is_fenced_again():
    nova = FakeNova(*with_standby())
    fence(nova)
    fence(nova, OTHER)
    release(nova, start=True)
    assert (nova.server("id-payments-db").status, nova.server("id-payments-db").locked_reason) == ("SHUTOFF", "ask the DBA")


def test_what_an_earlier_fence_kept_is_forgotten_when_it_is_no_longer_true():
    nova = FakeNova(*with_standby(status="ACTIVE", locked=False, locked_reason="", metadata={"osdr_off": "yes", "osdr_lock": "ask the DBA"}))
    fence(nova)
    release(nova, start=True)
    one = nova.server("id-payments-db")
    assert (one.status, one.locked, one.metadata) == ("ACTIVE", False, {})


def test_an_application_that_was_off_as_a_whole_is_started_by_a_release():
    nova = FakeNova(*running(status="SHUTOFF"))
    fence(nova)
    release(nova, start=True)
    assert nova.names("start") == NAMES


@pytest.mark.parametrize("is_admin", [False, True])
def test_all_are_marked_then_stopped_and_locked_front_before_database(is_admin):
    nova = FakeNova(*running(), is_admin=is_admin)
    fence(nova)
    assert nova.calls[:3] == [("mark", name) for name in nova.names("mark")]
    assert [call for call in nova.calls if call[1] == "shop-front"] == [("mark", "shop-front"), ("stop", "shop-front"), ("lock", "shop-front")]
    assert nova.names("stop", "lock")[:2] == ["shop-front", "shop-front"]
    assert all(is_fenced(one) for one in nova.servers())
    assert {one.locked_reason for one in nova.servers()} == {MARK.lock_reason(is_admin)}
    assert not changes(nova, LATER)


def test_what_was_stopped_by_others_is_only_marked_and_locked():
    nova = FakeNova(*running(status="SHUTOFF"))
    fence(nova)
    assert not nova.names("stop")
    assert nova.now == 0


def test_a_server_that_does_not_stop_is_named_and_the_next_run_goes_on():
    nova = FakeNova(*running(), stubborn=["payments-db"])
    with pytest.raises(WaitTimeout, match=r"Tier 'database' .* 60 s. Server payments-db \(id-payments-db\) is ACTIVE \(powering-off\)") as raised:
        fence(nova)
    assert "orders-db" not in str(raised.value)
    nova.stubborn.clear()
    nova.calls.clear()
    fence(nova)
    assert (nova.names("mark", "stop"), sorted(nova.names("lock"))) == ([], ["orders-db", "payments-db"])


def test_a_server_that_fails_while_it_stops_is_named():
    nova = FakeNova(*running())
    nova.stop = lambda server_id: nova._until.update({server_id: (nova.now, "ERROR")})
    with pytest.raises(ResourceFailed, match="shop-front .* went to ERROR"):
        fence(nova)


def unfenced(nova):
    return [one.name for one in nova.servers() if not is_fenced(one)]


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_server_on_a_dead_host_keeps_none_from_being_fenced_and_is_locked_itself(is_admin):
    nova = FakeNova(*running(), stubborn=["shop-front"], is_admin=is_admin)
    for _run in range(2):
        with pytest.raises(FenceIncomplete, match=r"partly fenced. Server shop-front \(id-shop-front\) is ACTIVE \(powering-off\)\. All other") as raised:
            fence_all(nova)
        assert len(raised.value.facts["problems"]) == 1
        assert (unfenced(nova), [one.name for one in nova.servers() if one.locked]) == (["shop-front"], NAMES)
    assert sorted(nova.names("stop")) == NAMES
    nova.stubborn.clear()
    fence_all(nova)
    assert not changes(nova)


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_lock_waits_for_no_stop_but_the_projects_own_would_keep_it_from_stopping(is_admin):
    nova = FakeNova(*running(), stubborn=["shop-front"], is_admin=is_admin)
    with pytest.raises(FenceIncomplete):
        fence_all(nova)
    actions = [action for action, _name in nova.calls]
    assert actions == ["mark"] * 3 + (["lock"] * 3 + ["stop"] * 3 if is_admin else ["stop", "lock"] + ["stop"] * 2 + ["lock"] * 2)
    assert nova.names("stop")[0] == "shop-front"


@pytest.mark.parametrize("is_admin", [False, True])
def test_a_server_in_error_is_stopped_too_and_marked_when_nova_takes_it(is_admin):
    nova = FakeNova(server("orders-db"), server("payments-db", status="ERROR"), server("shop-front"), is_admin=is_admin)
    fence_all(nova)
    assert unfenced(nova) == []
    assert not changes(nova)


def test_what_nova_refuses_to_stop_is_told_with_its_reason_and_locked():
    nova = FakeNova(server("orders-db"), server("payments-db", status="ERROR"), server("shop-front", task_state="migrating"), stubborn=["payments-db"])
    nova._until["id-shop-front"] = (1000, "ACTIVE")
    with pytest.raises(FenceIncomplete) as raised:
        fence_all(nova)
    stuck, moving = raised.value.facts["problems"]
    assert stuck.startswith("Server payments-db (id-payments-db) is ERROR (powering-off), not marked: Site 'primary' could not mark")
    assert moving.startswith("Server shop-front (id-shop-front) is ACTIVE (migrating): Site 'primary' could not stop")
    assert [one.locked for one in nova.servers()] == [True] * 3


def test_a_server_that_goes_to_error_while_it_stops_or_vanishes_is_told_at_the_end():
    nova = FakeNova(*running())
    stop = nova.stop

    def fail(server_id):
        stop(server_id)
        nova._until.update({server_id: (nova.now + 5, "ERROR")} if server_id == "id-shop-front" else {})
        if server_id == "id-payments-db":
            del nova.by_id[server_id]

    nova.stop = fail
    with pytest.raises(FenceIncomplete, match=r"payments-db \(id-payments-db\) cannot be seen: There is no .* shop-front \(id-shop-front\) is ERROR\. All"):
        fence_all(nova)


def test_what_the_project_cannot_undo_is_told():
    nova = FakeNova(*running(), is_admin=True)
    fence(nova)
    nova.is_admin = False
    nova.admin_locked.remove("id-orders-db")
    with pytest.raises(FenceIncomplete) as raised:
        fence_all(nova, OTHER)
    assert [one.split(": ")[0] for one in raised.value.facts["problems"]] == [f"Server {name} (id-{name}) is SHUTOFF, not marked" for name in NAMES[1:]]
    assert FenceMark.of(nova.by_id["id-orders-db"]) == OTHER


def test_an_administrator_who_cannot_lock_is_told_though_the_project_did():
    nova = FakeNova(*running())
    fence(nova)
    nova.is_admin = True
    nova.lock = Mock(side_effect=CloudError("Site 'primary' could not lock: 403."))
    with pytest.raises(FenceIncomplete, match="shop-front .* is SHUTOFF, locked by others: Site 'primary' could not lock: 403."):
        fence_all(nova)


def test_another_reason_takes_the_projects_own_lock_away_first():
    nova = FakeNova(*running())
    fence(nova)
    nova.calls.clear()
    fence(nova, OTHER)
    assert [action for action, name in nova.calls if name == "shop-front"] == ["unlock", "mark", "lock"]
    assert all(FenceMark.of(one) == OTHER for one in nova.servers())


def test_an_administrator_makes_the_lock_his_own_and_the_project_is_content_with_that():
    nova = FakeNova(*running())
    fence(nova)
    nova.is_admin = True
    nova.calls.clear()
    fence(nova)
    assert {action for action, _name in nova.calls} == {"lock"}
    nova.is_admin = False
    assert not changes(nova)
    assert len(release_problems(plan_release(members(nova), start=False), by_admin=False)) == 3
    assert "fenced by an administrator; give admin_cloud" in fence_problems(plan_fence(members(nova), OTHER, by_admin=False))[0]
    assert release_problems(plan_release(members(nova), start=True), by_admin=True) == []


def test_servers_that_were_started_behind_the_fence_are_stopped_again():
    nova = FakeNova(*running(metadata=MARK.metadata(), locked=True, locked_reason=MARK.lock_reason(False)))
    fence(nova)
    assert sorted(nova.names("stop")) == NAMES
    assert all(is_fenced(one) for one in nova.servers())


@pytest.mark.parametrize(
    ("status", "task", "refused"),
    [
        ("ACTIVE", None, False),
        ("ACTIVE", "powering-off", False),
        ("SHUTOFF", None, False),
        ("PAUSED", None, False),
        ("ACTIVE", "migrating", True),
        ("SHUTOFF", "powering-on", True),
        ("ERROR", None, True),
        ("BUILD", "spawning", True),
        ("SHELVED_OFFLOADED", None, True),
    ],
)
def test_states_in_which_nobody_can_be_fenced_are_named(status, task, refused):
    nova = FakeNova(server("orders-db", status=status, task_state=task))
    problems = fence_problems(plan_fence(members(nova), MARK, by_admin=False))
    assert bool(problems) is refused
    assert all(f"orders-db (id-orders-db) is {status}" in one for one in problems)


def test_what_is_not_there_is_told():
    assert members(FakeNova(server("orders-db"))).absent == ["payments-db", "shop-front"]


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        ([], "None of its servers exists there"),
        ([server("orders-db"), server("orders-db", id="another")], r"2 servers are called 'orders-db' \(another, id-orders-db\)"),
        ([server("orders-db", metadata={"osdr_application": "blog"})], "was restored for application 'blog'"),
        ([server("orders-db"), server("unrelated", id="unrelated")], f"'noon' was taken of {shop.uuid(11)}"),
    ],
)
def test_nothing_is_touched_that_may_be_anothers(servers, expected):
    with pytest.raises(CheckFailed, match=expected):
        members(FakeNova(*servers), shop.manifest())


def test_servers_are_known_by_the_ids_of_the_checkpoint_and_restored_ones_by_their_marks():
    original = server("orders-db", id=shop.uuid(11))
    restored = server("shop-front", metadata=shop.mark(21).metadata())
    found = members(FakeNova(original, restored, server("payments-db")), shop.manifest())
    assert set(found.servers) == set(NAMES)


def test_released_servers_are_started_in_boot_order_with_their_checks():
    checked = []
    nova = FakeNova(*running(), is_admin=True)
    fence(nova)
    nova.calls.clear()
    release(nova, start=True, ask=lambda check, subject, _seconds: checked.append((subject.name, subject.address, check.port)))
    assert sorted(nova.names("start")[:2]) == ["orders-db", "payments-db"]
    assert sorted(checked) == [("orders-db", "10.88.1.1", 5432), ("payments-db", "10.88.1.1", 5432)]
    assert all((one.status, one.locked, one.metadata) == ("ACTIVE", False, {}) for one in nova.servers())
    assert not any(step.changes for step in plan_release(members(nova), start=True))


def test_a_release_that_was_broken_off_between_lock_and_mark_is_finished():
    nova = FakeNova(*running(status="SHUTOFF", metadata=MARK.metadata()))
    release(nova)
    assert set(nova.names("unmark")) == set(NAMES)
    assert not nova.names("unlock", "start")


def test_a_lock_of_others_stays():
    nova = FakeNova(*running(status="SHUTOFF", locked=True, locked_reason="in repair"))
    release(nova)
    assert nova.calls == []
    problems = release_problems(plan_release(members(nova), start=True), by_admin=False)
    assert len(problems) == 3 and "locked (in repair), but not by a fence" in problems[0]


def test_only_what_is_shut_off_can_be_started():
    nova = FakeNova(*running(status="PAUSED"))
    assert "is PAUSED; bring it to SHUTOFF first" in release_problems(plan_release(members(nova), start=True), by_admin=False)[0]


def test_a_check_needs_an_address():
    nova = FakeNova(server("orders-db", status="SHUTOFF", metadata=MARK.metadata()))
    with pytest.raises(ResourceFailed, match="orders-db .* has no address"):
        release(nova, start=True, reached={})


def test_servers_are_reached_at_their_floating_address_where_they_have_one():
    class Neutron:
        def floating_ips(self):
            return [FloatingIp("fip", "10.88.1.5", "port-orders-db")]

        def ports(self):
            fixed = (FixedIp("sub", "10.10.0.11"),)
            return [shop.port(name, device_id=f"id-{name}", fixed_ips=fixed) for name in ("orders-db", "shop-front")]

    assert addresses(Neutron(), running()) == {"id-orders-db": "10.88.1.5", "id-shop-front": "10.10.0.11"}
