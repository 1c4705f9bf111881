# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime
import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core import leeway
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, FreezeFailed
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import thawing
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED, Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.drivers import Reach
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.thawing import Thawing, thaw_leftovers, thaw_problem
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, server

DRIVERS = ("nova", "libvirt", "pause")


def later(hours):
    """Told when the tests are collected, which may be long before they run."""
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=hours)).isoformat()


def mark(driver="libvirt", **facts):
    return json.dumps({"driver": driver, "until": "2026-01-01T00:00:00Z", "token": "t", **facts})


def marked(name="db", text=None, driver="libvirt", **changes):
    return server(name, metadata={"osdr_freeze": mark(driver) if text is None else text}, **changes)


class Nova:
    """Servers and their marks."""

    cloud = SimpleNamespace(site="primary")

    def __init__(self, *servers):
        self.by_id = {one.id: one for one in servers}
        self.asked = []

    def servers(self, everywhere):
        self.asked.append(everywhere)
        return list(self.by_id.values())

    def server(self, server_id):
        return self.by_id[server_id]

    def delete_metadata(self, server_id, key):
        one = self.by_id[server_id]
        self.by_id[server_id] = dataclasses.replace(one, metadata={name: value for name, value in one.metadata.items() if name != key})

    @property
    def marks(self):
        return sorted(one.name for one in self.by_id.values() if one.metadata)


class Site:
    """A Nova, and drivers that remember what was asked of them.

    :param trouble: what the drivers do not do as they should.
    """

    def __init__(self, monkeypatch, *servers, **trouble):
        self.nova = Nova(*servers)
        self.drivers = {name: FakeDriver(**trouble) for name in DRIVERS}
        for name, driver in self.drivers.items():
            driver.freezes_late = name != "nova"
            driver.asks_agent = name != "pause"
            driver.probe = lambda server: Support()
        monkeypatch.setattr(thawing, "drivers", lambda reach: self.drivers)
        self.reach = Reach(self.nova, None, 5)

    def thaw(self, seen=None):
        return Thawing(self.reach).thaw(seen or self.nova.by_id["id-db"])

    def sweep(self, is_real=True, everywhere=True):
        return thaw_leftovers(self.reach, everywhere, 4, is_real)

    @property
    def calls(self):
        return {name: [action for action, _server in driver.calls] for name, driver in self.drivers.items() if driver.calls}


@pytest.fixture
def site(monkeypatch):
    return lambda *servers, **trouble: Site(monkeypatch, *servers, **trouble)


# One server


@pytest.mark.parametrize("driver", DRIVERS)
def test_who_froze_a_server_thaws_it(site, driver):
    made = site(marked(driver=driver))
    assert made.thaw() is True
    assert (made.calls, made.nova.marks) == ({driver: ["thaw", "disarm"]}, [])


def test_a_server_is_not_kept_frozen_by_long_pauses_nor_the_next_one_by_its_failures(site, passing):
    made = site(marked(driver="nova"))

    def thaw(_server):
        tries = leeway.Tries()
        while tries.wait(60):
            pass
        raise FreezeFailed("Nova is away.")

    made.drivers["nova"].thaw = thaw
    with pytest.raises(FreezeFailed, match="Nova is away"):
        made.thaw()
    assert passing.pauses == [1.0] * 4


@pytest.mark.parametrize(
    ("trouble", "was_frozen"),
    [
        pytest.param({"thawed_counts": {"db": 2}}, True, id="file systems were thawed"),
        pytest.param({"thawed_counts": {"db": 0}}, False, id="there were none to thaw"),
        pytest.param({"thawed_counts": {"db": None}}, True, id="how many cannot be known"),
        pytest.param({"interrupted": {"db": "Nova had thawed it before"}}, False, id="somebody had thawed it"),
    ],
)
def test_whether_it_was_still_frozen_is_told(site, trouble, was_frozen):
    made = site(marked(), **trouble)
    assert made.thaw() is was_frozen
    assert made.nova.marks == []


@pytest.mark.parametrize("status", ["SHUTOFF", "SHELVED_OFFLOADED"])
def test_a_server_that_is_off_needs_no_thaw(site, status):
    made = site(marked(status=status))
    assert made.thaw() is False
    assert (made.calls, made.nova.marks) == ({}, [])


NOT_OFF = [*({"status": one} for one in ("PAUSED", "SUSPENDED", "ERROR", "REBOOT")), {"status": "SHUTOFF", "task_state": "powering-on"}]


@pytest.mark.parametrize("changes", NOT_OFF)
def test_any_other_server_is_thawed_whatever_its_status(site, changes):
    made = site(marked(**changes))
    made.thaw()
    assert made.calls == {"libvirt": ["thaw", "disarm"]}


def test_what_is_true_now_counts_and_not_what_was_listed(site):
    made = site(marked(status="ACTIVE"))
    made.thaw(seen=marked(status="SHUTOFF"))
    assert made.calls == {"libvirt": ["thaw", "disarm"]}


@pytest.mark.parametrize("text", [None, mark(token="another")], ids=["it has ended", "another freeze holds it"])
def test_a_freeze_that_has_ended_meanwhile_is_left(site, text):
    there = server("db") if text is None else marked(text=text)
    made = site(there)
    assert made.thaw(seen=marked()) is False
    assert (made.calls, made.nova.by_id["id-db"]) == ({}, there)


def test_where_nova_shows_no_mark_nobody_takes_the_freeze_for_ended(site):
    made = site(server("db", status="UNKNOWN"))
    with pytest.raises(CloudError, match="cannot tell whether server id-db is marked"):
        made.thaw(seen=marked())


def test_a_thaw_that_cannot_be_confirmed_leaves_guard_and_mark(site):
    made = site(marked(), failing={("thaw", "db")})
    with pytest.raises(FreezeFailed, match="thaw of db failed"):
        made.thaw()
    assert (made.calls, made.nova.marks) == ({"libvirt": ["thaw"]}, ["db"])


def test_a_guard_that_cannot_be_disarmed_does_no_harm(site):
    made = site(marked(), failing={("disarm", "db")})
    assert made.thaw()
    assert made.nova.marks == []


@pytest.mark.parametrize("driver", ["libvirt", "pause"])
def test_a_freeze_that_may_still_come_leaves_guard_and_mark(site, driver):
    until = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)).replace(second=15)
    made = site(marked(text=mark(driver, until=until.isoformat())), thawed_counts={"db": 0})
    with pytest.raises(FreezeFailed, match=r"Server db \(id-db\) is not frozen, but .* may still arrive\. Its guard stays armed") as raised:
        made.thaw()
    # A freeze may wait for its turn at the agent for 40 s.
    assert until.strftime("Re-run after %Y-%m-%dT%H:%M:55Z") in str(raised.value)
    assert (made.calls, made.nova.marks) == ({driver: ["thaw"]}, ["db"])


@pytest.mark.parametrize(
    ("driver", "facts", "counts"),
    [
        pytest.param("libvirt", {"until": later(12)}, 2, id="it came"),
        pytest.param("libvirt", {"until": later(12), "requested": "noon", "frozen": "noon"}, 0, id="it was confirmed"),
        pytest.param("libvirt", {"until": later(-2)}, 0, id="its time is over"),
        pytest.param("libvirt", {"until": "2999-01-01T00:00:00Z"}, 0, id="nobody would have written such a time"),
        pytest.param("nova", {"until": later(12)}, 0, id="its guard comes with it"),
    ],
)
def test_where_no_freeze_can_come_any_more_nothing_is_left(site, driver, facts, counts):
    made = site(marked(text=mark(driver, **facts)), thawed_counts={"db": counts})
    assert made.thaw() is bool(counts)
    assert (made.calls, made.nova.marks) == ({driver: ["thaw", "disarm"]}, [])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param('{"driver": "vmware", "until": "", "token": ""}', "vmware", id="another driver's"),
        pytest.param('{"driver": "vm\\u001b[2J", "until": "", "token": ""}', r"vm\?\[2J", id="made for a terminal"),
        pytest.param("{", "unknown", id="damaged"),
        pytest.param("", "unknown", id="empty"),
        pytest.param('{"driver": ["nova"], "until": "", "token": ""}', "unknown", id="tampered with"),
    ],
)
def test_a_mark_that_names_no_driver_is_told_and_left(site, text, name):
    made = site(marked(text=text))
    with pytest.raises(FreezeFailed, match=rf"server db \(id-db\) names the unknown driver '{name}'.*by hand.*osdr_freeze"):
        made.thaw()
    assert (made.calls, made.nova.marks) == ({}, ["db"])


# All servers


@pytest.mark.parametrize("everywhere", [True, False])
def test_everything_that_is_marked_is_thawed_and_nothing_else(site, everywhere):
    made = site(marked("a", driver="nova"), server("b"), marked("c", driver="pause"))
    found = made.sweep(everywhere=everywhere)
    assert made.nova.asked == [everywhere]
    assert made.calls == {"nova": ["thaw", "disarm"], "pause": ["thaw", "disarm"]}
    assert [(one["name"], one["driver"], one["was_frozen"]) for one in found["thaw"]] == [("a", "nova", True), ("c", "pause", True)]
    assert found["thaw"][0] == {
        "id": "id-a", "name": "a", "project_id": "project", "driver": "nova", "guard_until": "2026-01-01T00:00:00Z", "was_frozen": True,
    }
    assert found["changed"] is True
    assert found["diff"] == {
        "before": {"a (id-a)": "marked as frozen", "c (id-c)": "marked as frozen"}, "after": {"a (id-a)": "thawed", "c (id-c)": "thawed"},
    }
    assert made.nova.marks == []
    again = made.sweep()
    assert (again["changed"], again["thaw"]) == (False, [])


def test_what_would_be_thawed_is_told_and_left(site):
    made = site(marked("a"))
    found = made.sweep(is_real=False)
    assert (found["changed"], [one["was_frozen"] for one in found["thaw"]]) == (True, [None])
    assert (made.calls, made.nova.marks) == ({}, ["a"])


def test_one_that_fails_in_whatever_way_keeps_no_other_frozen(site):
    names = [f"s{number}" for number in range(40)]
    made = site(*(marked(name) for name in names), failing={("thaw", "s7")})
    thaw = made.drivers["libvirt"].thaw

    def overflow(which):
        if which.name == "s3":
            raise OverflowError("cannot convert float infinity to integer")
        return thaw(which)

    made.drivers["libvirt"].thaw = overflow
    with pytest.raises(FreezeFailed, match=r"The thaw of 2 of 40 servers could not be confirmed\. s3 .*OverflowError.*s7 .*thaw of s7 failed"):
        made.sweep()
    assert made.nova.marks == ["s3", "s7"]


def test_a_cell_that_does_not_answer_hides_nobody_and_keeps_no_other_frozen(site):
    made = site(marked("a"), server("hidden", status="UNKNOWN"))
    with pytest.raises(FreezeFailed, match=r"The thaw of 1 of 2 servers could not be confirmed\. hidden \(id-hidden\): its cell does not answer"):
        made.sweep()
    assert made.nova.marks == []
    with pytest.raises(FreezeFailed, match=r"The thaw of 1 of 1 servers could not be confirmed\. hidden"):
        made.sweep(is_real=False)


# Where the driver of a mark cannot reach the server


class Agent(FakeDriver):
    """A driver that finds what it is told to find when it asks the guest agent."""

    def __init__(self, support):
        super().__init__()
        self.support = support

    def probe(self, server):
        return self.support


def stuck(site, found, hours=-3, driver="libvirt"):
    """A server whose driver does not reach it, and of which Nova's driver says something."""
    made = site(marked(text=mark(driver, until=later(hours))), failing=[("thaw", "db")])
    made.drivers["nova"] = Agent(found)
    return made


def problem_of(made):
    made.drivers["libvirt"].thaw_problem = lambda server: "There is no way."
    return thaw_problem(made.nova.by_id["id-db"], made.drivers)


def test_a_server_that_another_drivers_agent_shows_thawed_long_after_loses_its_mark(site):
    made = stuck(site, Support(state=THAWED))
    assert problem_of(made) is None
    assert made.thaw() is False
    assert made.nova.marks == []


@pytest.mark.parametrize(
    ("found", "hours", "driver"),
    [
        pytest.param(Support(state=THAWED), -1.9, "libvirt", id="a guard in the guest may still be at work"),
        pytest.param(Support(state=FROZEN), -3, "libvirt", id="it is frozen"),
        pytest.param(Support(), -3, "libvirt", id="nobody knows"),
        pytest.param(Support("its agent does not answer", THAWED), -3, "libvirt", id="its agent does not answer"),
    ],
)
def test_nothing_less_proves_that_it_is_thawed(site, found, hours, driver):
    made = stuck(site, found, hours, driver)
    assert "it cannot be thawed: There is no way." in problem_of(made)
    with pytest.raises(FreezeFailed, match="thaw of db failed"):
        made.thaw()
    assert made.nova.marks == ["db"]


def test_who_asks_no_agent_proves_nothing(site):
    made = stuck(site, Support("no API"))
    made.drivers["pause"].probe = lambda server: Support(state=THAWED)
    assert "cannot be thawed" in problem_of(made)


@pytest.mark.parametrize("text", ["{", mark("magic", until=later(-3))], ids=["damaged", "of a driver that nobody knows"])
def test_a_mark_that_nobody_understands_stays(site, text):
    made = site(marked(text=text))
    made.drivers["nova"] = Agent(Support(state=THAWED))
    assert "names the unknown driver" in thaw_problem(made.nova.by_id["id-db"], made.drivers)
    with pytest.raises(FreezeFailed, match="names the unknown driver"):
        made.thaw()
    assert made.nova.marks == ["db"]


def test_a_server_without_a_mark_or_without_a_guest_needs_no_way(site):
    made = site()
    for one in (server("db"), marked(status="SHUTOFF")):
        made.drivers["libvirt"].thaw_problem = lambda server: "There is no way."
        assert thaw_problem(one, made.drivers) is None
