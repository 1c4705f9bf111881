# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, FreezeFailed, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import window as window_module
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED, Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.group import TARGETS, Group, describe
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import QuiesceOptions, Quiescer
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Moment
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeMarks, server

#: When no test runs any more, however slow the machine is; the longest freeze is of a day.
LATER = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=12)).isoformat()
MARK = {"driver": "fake", "until": LATER, "token": "t", "frozen": "2026-11-22T12:00:00.000Z", "filesystems": 2}


def at(seconds):
    return Moment(seconds, datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC) + datetime.timedelta(seconds=seconds))


def window(driver, metadata=None):
    members = [Member(server("orders", metadata=metadata or {}), "database", driver)]
    return FreezeWindow([members], Limits(30, 60, 120, 4), FakeMarks(), Interruption())


def shown(opened, target):
    return describe(opened.members[0], target)


def thawed(driver):
    adopted = window(driver, {"osdr_freeze": json.dumps(MARK)})
    adopted.adopt()
    adopted.close()
    return shown(adopted, THAWED)


def test_a_freeze_is_shown():
    opened = window(FakeDriver())
    opened.open()
    opened.publish()
    found = shown(opened, FROZEN)
    assert (found["state"], found["filesystems"], found["intact"], found["interrupted"]) == (FROZEN, 2, None, None)
    assert found["freeze"] == opened.members[0].mark.token
    assert found["requested_at"]
    assert found["frozen_at"]
    assert found["thawed_at"] is None


def test_a_thaw_is_shown_as_what_confirms_a_set():
    found = thawed(FakeDriver())
    assert (found["state"], found["freeze"], found["intact"], found["interrupted"]) == (THAWED, "t", True, None)
    assert found["thawed_at"]
    assert found["guard_until"][:19] == LATER[:19]


def test_a_thaw_does_not_claim_to_know_when_the_freeze_was_confirmed():
    found = thawed(FakeDriver())
    assert (found["requested_at"], found["frozen_at"]) == (None, None)


@pytest.mark.parametrize(
    ("driver", "reason"),
    [
        (FakeDriver(interrupted={"orders": "it was rebooted"}), "it was rebooted"),
        (FakeDriver(fired=["orders"]), "the guard fired"),
        (FakeDriver(thawed_counts={"orders": 1}), "2 file systems were frozen and 1 thawed"),
    ],
)
def test_a_freeze_that_may_not_have_held_is_not_intact_and_says_why(driver, reason):
    found = thawed(driver)
    assert found["intact"] is False
    assert reason in found["interrupted"]


def test_where_there_was_nothing_to_do_nothing_is_claimed():
    found = shown(window(FakeDriver()), THAWED)
    assert (found["freeze"], found["intact"], found["thawed_at"]) == (None, None, None)


@pytest.mark.parametrize(
    ("target", "changes"),
    [
        pytest.param(
            FROZEN,
            {"filesystems": 3, "requested_at": str(at(1)), "frozen_at": str(at(2)), "interrupted": "3 file systems were frozen and 2 thawed", "intact": None},
            id="frozen",
        ),
        pytest.param(
            THAWED,
            {"filesystems": 2, "requested_at": None, "frozen_at": None, "interrupted": "3 file systems were frozen and 2 thawed", "intact": False},
            id="thawed",
        ),
    ],
)
def test_all_that_is_known_of_a_server_is_shown(target, changes):
    driver = FakeDriver()
    driver.name = "libvirt"
    one = Member(
        server("orders"),
        "database",
        driver,
        guard="guest",
        freeze_requested=at(1),
        frozen=at(2),
        filesystems_frozen=3,
        thaw_requested=at(3),
        thawed=at(4),
        filesystems_thawed=2,
        guard_until=at(60),
        guard_fired=False,
        mark=FreezeMark("libvirt", str(at(60)), "its token"),
    )
    assert describe(one, target) == {
        "id": "id-orders",
        "name": "orders",
        "tier": "database",
        "state": target,
        "driver": "libvirt",
        "thawed_at": str(at(4)),
        "guard": "guest",
        "guard_until": str(at(60)),
        "guard_fired": False,
        "freeze": "its token",
        **changes,
    }


# A whole run

SHOP = Application("shop", (Tier("database", ("orders",)), Tier("front", ("front",))))
OPTIONS = {"driver": "auto", "admin_cloud": None, "libvirt_uri": "test:///", "freeze_timeout": 5, "budget": 10, "guard_timeout": 20}


class Site:
    """Two servers, and a quiescer that reaches them.

    :param marks: per server name.
    """

    def __init__(self, drivers, marks=None, **changes):
        self.metadata = {f"id-{name}": {} for name in SHOP.servers}
        for name, mark in (marks or {}).items():
            self.metadata[f"id-{name}"]["osdr_freeze"] = json.dumps(mark)
        self._changes = changes
        for name, driver in drivers.items():
            driver.name = name
        self.quiescer = made = Quiescer.__new__(Quiescer)
        made._options, made._least, made._concurrency = QuiesceOptions.parse(OPTIONS, {}), "quiesced", 4
        made._drivers, made.compute = drivers, self

    def resolve(self, names, _project_ids):
        return {name: self.server(f"id-{name}") for name in names}

    def server(self, server_id):
        return server(server_id.removeprefix("id-"), metadata=dict(self.metadata[server_id]), **self._changes)

    def set_metadata(self, server_id, values):
        self.metadata[server_id].update(values)

    def delete_metadata(self, server_id, key):
        if self.metadata[server_id].pop(key, None) is None:
            raise NotFound("The server has no such metadata.")

    def bring(self, target, is_real=True):
        self.quiescer._project_ids = ()
        return Group(self.quiescer, SHOP, Interruption()).bring(target, is_real)


def states(found):
    return [(one["name"], one["state"], one["driver"]) for one in found["quiesce"]["servers"]]


def test_a_group_is_frozen_and_thawed_and_a_second_time_nothing_is_done():
    driver = FakeDriver()
    site = Site({"libvirt": driver})
    found = site.bring(FROZEN)
    assert found["changed"] is True
    assert states(found) == [("front", FROZEN, "libvirt"), ("orders", FROZEN, "libvirt")]
    assert found["quiesce"]["application"] == "shop"
    labels = ("front (id-front)", "orders (id-orders)")
    assert found["diff"] == {"before": dict.fromkeys(labels, THAWED), "after": dict.fromkeys(labels, FROZEN)}
    assert driver.names("freeze") == ["front", "orders"]
    assert all("frozen" in json.loads(one["osdr_freeze"]) for one in site.metadata.values())
    assert site.bring(FROZEN)["changed"] is False
    thawed = site.bring(THAWED)
    assert (thawed["changed"], states(thawed)) == (True, [("front", THAWED, "libvirt"), ("orders", THAWED, "libvirt")])
    assert driver.names("thaw") == ["orders", "front"]
    assert not any(site.metadata.values())
    assert site.bring(THAWED)["changed"] is False
    assert len(driver.names("freeze")) == 2


@pytest.mark.parametrize("target", [FROZEN, THAWED])
def test_what_would_be_done_is_told_and_left(target):
    driver = FakeDriver()
    site = Site({"libvirt": driver}, {} if target == FROZEN else dict.fromkeys(SHOP.servers, {**MARK, "driver": "libvirt"}))
    found = site.bring(target, is_real=False)
    assert (found["changed"], [one["state"] for one in found["quiesce"]["servers"]]) == (True, [target] * 2)
    assert driver.calls == []


def test_what_was_left_frozen_is_thawed_by_who_froze_it_however_long_ago():
    """Nova would say that it had thawed the server before, whoever froze it."""
    drivers = {"nova": FakeDriver(interrupted={"orders": "Nova had thawed it before"}), "libvirt": FakeDriver()}
    drivers["libvirt"].frozen.add("id-orders")
    site = Site(drivers, {"orders": {**MARK, "driver": "libvirt", "until": "2020-01-01T00:00:00Z"}})
    found = site.bring(THAWED)
    assert states(found) == [("front", THAWED, "nova"), ("orders", THAWED, "libvirt")]
    assert not drivers["libvirt"].frozen
    assert not any(site.metadata.values())


@pytest.mark.parametrize("target", [FROZEN, THAWED])
@pytest.mark.parametrize("is_real", [True, False])
def test_a_freeze_that_a_run_holds_for_itself_is_neither_relied_on_nor_ended(target, is_real):
    driver = FakeDriver()
    driver.frozen.add("id-orders")
    held = {"driver": "libvirt", "until": LATER, "token": "of another run"}
    site = Site({"libvirt": driver}, {"orders": held})
    with pytest.raises(CheckFailed, match=r"orders \(id-orders\) is held by another freeze until .*playbook osdr.openstack.thaw"):
        site.bring(target, is_real)
    assert driver.calls == []
    assert json.loads(site.metadata["id-orders"]["osdr_freeze"]) == held


@pytest.mark.parametrize("text", ["{", json.dumps({**MARK, "driver": "of a later version"})], ids=["damaged", "of another version"])
def test_whose_mark_names_no_driver_is_thawed_by_none_and_keeps_its_mark_and_the_others_are_thawed(monkeypatch, text):
    """Nova would say that it was never frozen, even if it is paused."""
    monkeypatch.setattr(window_module, "_THAW_PAUSE", 0)
    driver = FakeDriver(interrupted={"orders": "Nova never froze it"})
    site = Site({"nova": driver}, {"front": {**MARK, "driver": "nova"}})
    site.metadata["id-orders"]["osdr_freeze"] = text
    with pytest.raises(FreezeFailed, match=r"The mark of server orders \(id-orders\) names the unknown driver '.*Thaw the server by hand"):
        site.bring(THAWED)
    assert driver.names("thaw") == ["front"]
    assert [name for name, metadata in site.metadata.items() if metadata] == ["id-orders"]


def test_whose_mark_names_no_driver_is_not_frozen_while_it_stands():
    driver = FakeDriver()
    with pytest.raises(CheckFailed, match="names the unknown driver 'of a later version'"):
        Site({"nova": driver}, {"orders": {**MARK, "driver": "of a later version"}}).bring(FROZEN)
    assert driver.calls == []


def test_a_server_of_which_nova_knows_nothing_is_not_taken_for_thawed():
    site = Site({"libvirt": FakeDriver()}, status="UNKNOWN")
    with pytest.raises(CheckFailed, match=r"Server orders \(id-orders\) is UNKNOWN: its cell does not answer"):
        site.bring(THAWED)


class Silent(FakeDriver):
    """A driver that cannot tell anything of a server."""

    def probe(self, server):
        return Support("Its agent does not answer.")


def test_who_cannot_be_asked_and_has_no_mark_was_not_frozen():
    driver = Silent()
    assert Site({"libvirt": driver}).bring(THAWED)["changed"] is False
    assert driver.calls == []


def test_who_cannot_be_asked_and_has_a_mark_is_thawed():
    driver = Silent()
    site = Site({"libvirt": driver}, {"orders": {**MARK, "driver": "libvirt"}})
    assert site.bring(THAWED)["changed"] is True
    assert driver.names("thaw") == ["orders"]
    assert not any(site.metadata.values())


def test_who_cannot_be_asked_is_not_frozen():
    driver = Silent()
    with pytest.raises(CheckFailed, match="Its agent does not answer"):
        Site({"libvirt": driver}).bring(FROZEN)
    assert driver.calls == []


@pytest.mark.parametrize(("state", "wanted"), [("quiesced", FROZEN), ("unquiesced", THAWED)])
def test_a_play_asks_for_a_state_by_its_name(state, wanted):
    found = Site({"libvirt": FakeDriver()}).bring(TARGETS[state], is_real=False)
    assert {one["state"] for one in found["quiesce"]["servers"]} == {wanted}


def test_who_is_seen_frozen_is_thawed_even_without_a_mark():
    driver = FakeDriver()
    driver.frozen.add("id-orders")
    found = Site({"libvirt": driver}).bring(THAWED)
    assert found["diff"]["before"] == {"front (id-front)": THAWED, "orders (id-orders)": FROZEN}
    assert driver.names("thaw") == ["orders"]
    assert not driver.frozen
