# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime
import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckFailed, FreezeFailed, InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.states import refusal
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import guard_loop
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import quiescer as quiesce
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import FROZEN, THAWED, Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.earlier_probe import EarlierProbe
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.quiescer import QuiesceOptions, Quiescer
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, server

OPTIONS = {"driver": "auto", "admin_cloud": None, "libvirt_uri": None, "freeze_timeout": 5, "budget": 10, "guard_timeout": 20}
SHOP = Application("shop", (Tier("database", ("orders", "payments")), Tier("front", ("front",))))


class Probed(FakeDriver):
    """A driver that finds what it is told to find, per server name."""

    def __init__(self, name, level="quiesced", problems=None, states=None):
        super().__init__()
        self.probed, self.recalled = [], []
        self.name, self.consistency = name, level
        self._problems, self._states = problems or {}, states or {}

    def recall(self, server, found):
        self.recalled.append((server.name, found.guard))

    def probe(self, server):
        self.probed.append(server.name)
        problem = self._problems.get(server.name, self._problems.get("*"))
        return Support(problem) if problem else Support(state=self._states.get(server.name, THAWED), guard="nova")


def quiescer(*drivers, least="quiesced", driver="auto"):
    made = Quiescer.__new__(Quiescer)
    made._options = QuiesceOptions.parse({**OPTIONS, "driver": driver, "libvirt_uri": "test:///"}, {})
    made._least = least
    made._concurrency = 4
    made._drivers = {one.name: one for one in drivers}
    return made


def three(**nova):
    return Probed("nova", **nova), Probed("libvirt"), Probed("pause", level="paused")


def marked(name, driver="libvirt", minutes=60, status="ACTIVE", **more):
    """A server that a task of its own has frozen."""
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    mark = {"driver": driver, "until": until.isoformat(), "token": "t", "requested": "then", "frozen": "then", **more}
    return server(name, status=status, metadata={"osdr_freeze": json.dumps(mark)})


def held(name, driver="libvirt"):
    """A server that another run freezes, and thaws by itself."""
    return marked(name, driver, requested=None, frozen=None)


def choice(made, one):
    return made.choose([one])[one.id]


def test_auto_takes_the_best_that_works_and_says_why_not_a_better_one():
    made = quiescer(*three(problems={"orders": "no API"}))
    assert (choice(made, server("orders")).driver.name, choice(made, server("front")).driver.name) == ("libvirt", "nova")
    assert choice(made, server("orders")).passed_over == {"nova": "no API"}


class Held(Probed):
    """A driver that has not ended an earlier freeze yet."""

    def probe(self, server):
        return Support("still being thawed, wait", state=FROZEN)


@pytest.mark.parametrize("least", ["quiesced", "paused"])
@pytest.mark.parametrize("minutes", [None, 5, -5], ids=["no mark", "a mark", "a mark whose time is over"])
def test_what_a_driver_still_thaws_is_passed_over_to_no_other(least, minutes):
    made = quiescer(Held("nova"), Probed("libvirt"), Probed("pause", level="paused"), least=least)
    one = server("orders") if minutes is None else marked("orders", "nova", minutes)
    found = choice(made, one)
    assert (found.driver.name, found.support.problem, found.passed_over) == ("nova", "still being thawed, wait", {})
    with pytest.raises(CheckFailed, match="still being thawed, wait"):
        quiesce.refuse_problems(made.choose([one]))
    # Told once, and without advice that does not help.
    assert quiesce.freeze_problems([one], made.choose([one])) == ["still being thawed, wait"]


@pytest.mark.parametrize(
    ("changes", "is_refused"),
    [({"locked": True, "hypervisor": None}, True), ({"locked": True}, False), ({"hypervisor": None}, False)],
    ids=["its owner", "an administrator", "not locked"],
)
def test_a_locked_server_is_for_administrators_to_freeze_which_a_check_tells(changes, is_refused):
    """Nova lets nobody else set its metadata or pause it."""
    one = server("orders", **changes)
    found = quiesce.freeze_problems([one], quiescer(*three()).choose([one]))
    assert ["orders (id-orders) is locked" in problem for problem in found] == [True] * is_refused


@pytest.mark.parametrize("status", ["RESCUE", "VERIFY_RESIZE", "ERROR", "SHELVED_OFFLOADED", "BUILD"])
def test_a_server_in_no_state_for_it_is_refused_though_an_agent_answers(status):
    one, drivers = server("orders", status=status), three()
    found = choice(quiescer(*drivers), one)
    assert found.support.problem == refusal(one)
    assert not any(driver.probed for driver in drivers)


def test_a_server_in_no_state_for_a_freeze_can_be_thawed_all_the_same():
    one = marked("orders", "libvirt", status="RESCUE")
    assert quiescer(*three()).choose([one], to_thaw=True)[one.id].support.problem is None
    unmarked = server("orders", status="RESCUE")
    assert quiescer(*three()).choose([unmarked], to_thaw=True)[unmarked.id].support.problem is None


def test_only_what_runs_or_is_held_is_frozen_or_thawed():
    """What its owner has paused, a freeze would not hold and a thaw would start."""
    resting = [server(status, status=status) for status in ("SHUTOFF", "PAUSED", "SUSPENDED")]
    held_ones = [marked("orders", "pause", status="PAUSED"), marked("old", "pause", minutes=-60, status="PAUSED"), server("front")]
    assert quiesce.running([*resting, *held_ones]) == held_ones
    assert quiesce.running([server("orders", status="SHUTOFF", task_state="powering-on")])


def test_auto_pauses_only_where_that_is_enough():
    drivers = Probed("nova", problems={"*": "no API"}), Probed("libvirt", problems={"*": "no agent"}), Probed("pause", level="paused")
    refused = choice(quiescer(*drivers), server("orders")).support.problem
    assert "nova: no API" in refused
    assert "libvirt: no agent" in refused
    assert choice(quiescer(*drivers, least="paused"), server("orders")).driver.name == "pause"


def test_a_driver_that_is_named_is_the_only_one():
    made = quiescer(*three(problems={"*": "no API"}), driver="nova")
    assert choice(made, server("orders")).support.problem == "no API"


def test_who_froze_a_server_thaws_it():
    made = quiescer(Probed("nova"), Probed("libvirt", states={"orders": FROZEN}), driver="nova")
    assert choice(made, marked("orders")).driver.name == "libvirt"


@pytest.mark.parametrize("state", [FROZEN, THAWED])
@pytest.mark.parametrize("minutes", [5, -5], ids=["in time", "its time is over"])
def test_only_who_froze_a_server_can_tell_that_it_is_thawed(state, minutes):
    made = quiescer(Probed("nova"), Probed("libvirt", states={"orders": state}))
    one = marked("orders", minutes=minutes)
    assert made.choose([one], to_thaw=True)[one.id].driver.name == "libvirt"


def test_a_freeze_that_did_not_hold_and_was_not_ended_is_told_before_anything_is_armed():
    """No other run may replace its mark, as long as its guard's time is not over."""
    one = marked("orders")
    (problem,) = quiesce.freeze_problems([one], quiescer(*three()).choose([one]))
    assert problem.startswith("Server orders (id-orders) is not frozen any more, but its freeze was not ended")


def test_a_mark_whose_time_is_over_does_not_count_as_frozen():
    made = quiescer(Probed("libvirt", states={"orders": FROZEN}), driver="libvirt")
    assert choice(made, marked("orders", minutes=-5)).support.state == THAWED
    assert choice(made, marked("orders", minutes=5)).support.state == FROZEN


def test_of_what_a_dead_run_left_paused_nobody_is_asked_before_it_is_thawed():
    """No driver but that which paused it could say anything good of it."""
    made = quiescer(*three(problems={"*": "not active"}))
    left = dataclasses.replace(marked("orders", "pause", minutes=-5), status="PAUSED")
    assert (choice(made, left).driver.name, choice(made, left).support) == ("nova", Support(state=THAWED))
    assert quiesce.freeze_problems([left], made.choose([left])) == []
    stands = dataclasses.replace(marked("orders", "libvirt", minutes=5), status="PAUSED")
    made._drivers["libvirt"] = Probed("libvirt", problems={"*": "not active"})
    assert choice(made, stands).support.problem == "not active"


@pytest.mark.parametrize("status", ["ACTIVE", "PAUSED"])
def test_a_check_tells_of_a_damaged_mark_as_the_run_does(status):
    damaged = server("orders", status=status, metadata={"osdr_freeze": "{"})
    (problem,) = quiesce.freeze_problems([damaged], quiescer(*three()).choose([damaged]))
    assert "The mark of server orders (id-orders) names the unknown driver 'unknown'" in problem


def test_a_damaged_mark_is_a_leftover():
    assert FreezeMark.of(server("db", metadata={"osdr_freeze": "{"})).is_leftover
    assert FreezeMark.of(server("db", metadata={"osdr_freeze": '{"driver": 1}'})).is_leftover


def test_tiers_are_frozen_from_the_last_and_paused_servers_at_once_at_the_end():
    made = quiescer(*three(problems={"front": "no API", "payments": "no API"}), least="paused")
    made._drivers["libvirt"] = Probed("libvirt", problems={"*": "no agent"})
    servers = {name: server(name) for name in SHOP.servers}
    steps = made.members(SHOP, servers, made.choose(list(servers.values())))
    assert [[(m.server.name, m.driver.name) for m in step] for step in steps] == [
        [("orders", "nova")],
        [("front", "pause"), ("payments", "pause")],
    ]


def test_servers_that_are_shut_down_are_in_no_step_of_a_freeze():
    made = quiescer(*three())
    servers = {name: server(name, status="SHUTOFF" if name == "orders" else "ACTIVE") for name in SHOP.servers}
    steps = made.members(SHOP, servers, made.choose(quiesce.running(servers.values())))
    assert [[member.server.name for member in step] for step in steps] == [["front"], ["payments"]]


def test_somebody_elses_freeze_is_refused():
    made = quiescer(Probed("nova", states={"orders": FROZEN}))
    servers = [server("orders"), server("front")]
    problems = quiesce.freeze_problems(servers, made.choose(servers))
    assert len(problems) == 1
    assert "orders (id-orders) is frozen already" in problems[0]


@pytest.mark.parametrize("driver", ["nova", "libvirt", "of a later version"])
@pytest.mark.parametrize("to_thaw", [False, True])
def test_what_another_run_freezes_for_itself_is_neither_thawed_nor_asked_by_this_one(driver, to_thaw):
    """While a probe through Nova is under way, Nova refuses the freeze that the other run asks for."""
    drivers = Probed("nova"), Probed("libvirt", problems={"*": "libvirt_uri is not given."})
    made, one = quiescer(*drivers), held("orders", driver)
    choices = made.choose([one], to_thaw)
    (problem,) = quiesce.freeze_problems([one], choices)
    assert "orders (id-orders) is held by another freeze until" in problem
    assert "thaw it first" not in problem
    with pytest.raises(CheckFailed, match="is held by another freeze until"):
        quiesce.refuse_problems(choices)
    assert [one.probed for one in drivers] == [[], []]


def test_all_that_cannot_be_frozen_are_named_at_once():
    made = quiescer(Probed("nova", problems={"orders": "orders: dead agent.", "front": "front: no API."}))
    with pytest.raises(CheckFailed, match="orders: dead agent.*front: no API"):
        quiesce.refuse_problems(made.choose([server(name) for name in SHOP.servers]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"guard_timeout": 10}, "must be more than budget"),
        ({"driver": "libvirt"}, "needs libvirt_uri"),
        ({"freeze_timeout": 0}, "freeze_timeout is 0 s; it must be between 1 and 86400 s"),
        ({"budget": -1}, "budget is -1 s"),
        # Nobody would believe its mark.
        ({"guard_timeout": 86401}, "guard_timeout is 86401 s"),
    ],
)
def test_options_that_cannot_be_meant(changes, message):
    with pytest.raises(InvalidInput, match=message):
        QuiesceOptions.parse({**OPTIONS, **changes}, {})


@pytest.mark.parametrize(
    "changes", [{"freeze_timeout": 1, "budget": 1, "guard_timeout": 2}, {"freeze_timeout": 86400, "budget": 86399, "guard_timeout": 86400}]
)
def test_the_shortest_and_the_longest_times_that_can_be_meant(changes):
    options = QuiesceOptions.parse({**OPTIONS, **changes}, {})
    assert {name: getattr(options, name) for name in changes} == changes


@pytest.mark.parametrize(("project", "named"), [("shop", ()), ("admin", ("shop",))])
def test_a_project_is_named_only_where_it_is_not_the_callers_own(mocker, project, named):
    """Only an administrator may name a project, even the own one; a role made for it may be enough to freeze."""
    mocker.patch.object(quiesce, "connect_other", return_value=SimpleNamespace(project_id=project, site="primary"))
    options = QuiesceOptions.parse({**OPTIONS, "admin_cloud": "primary-dr"}, {})
    made = Quiescer(SimpleNamespace(project_id="shop", site="primary"), options, "quiesced", 4)
    made.compute = mocker.Mock()
    made.resolve(SHOP)
    made.compute.resolve.assert_called_once_with(SHOP.servers, named)


def test_a_guard_reaches_the_cloud_as_the_module_does(mocker):
    auth = {"cloud": "primary", "validate_certs": False, "api_timeout": 7, "application": SHOP, "auth": {"password": "secret"}}
    options = QuiesceOptions.parse({**OPTIONS, "libvirt_uri": "test:///"}, auth)
    made = Quiescer(SimpleNamespace(project_id="shop", site="primary"), options, "quiesced", 4)
    guarded = made._guards("pause")._guarded
    assert (guarded.driver, guarded.libvirt_uri, guarded.thaw_timeout) == ("pause", "test:///", 5)
    assert {key: value for key, value in guarded.cloud.items() if value is not None} == {key: auth[key] for key in auth if key != "application"}
    assert made._guards("pause")._loop == guard_loop.__name__
    assert "secret" not in repr(options) + repr(guarded)


def test_the_administrators_password_is_shown_to_nobody():
    options = QuiesceOptions.parse({**OPTIONS, "admin_cloud": {"auth": {"password": "secret"}}}, {"cloud": "primary"})
    assert options.reach == {"cloud": {"auth": {"password": "secret"}}}
    assert "secret" not in repr(options)


def test_a_guard_reaches_the_cloud_of_the_administrator_where_there_is_one(mocker):
    mocker.patch.object(quiesce, "connect_other", return_value=SimpleNamespace(project_id="admin", site="primary"))
    options = QuiesceOptions.parse({**OPTIONS, "admin_cloud": "primary-admin"}, {"cloud": "primary", "api_timeout": 7})
    made = Quiescer(SimpleNamespace(project_id="shop", site="primary"), options, "quiesced", 4)
    assert made._guards("libvirt")._guarded.cloud == {"cloud": "primary-admin"}


# What an earlier run left


class Nova:
    """Shows each server as it is by now."""

    def __init__(self, *servers):
        self.by_id = {one.id: one for one in servers}

    def server(self, server_id):
        return self.by_id[server_id]


class Thaws:
    """Thaws servers, but for those that it cannot."""

    def __init__(self, nova, stubborn=()):
        self.nova, self.stubborn, self.thawed = nova, stubborn, []

    def thaw(self, one):
        if one.name in self.stubborn:
            raise FreezeFailed(f"The thaw of {one.name} failed.")
        self.thawed.append(one.name)
        self.nova.by_id[one.id] = server(one.name)


def left_by_a_dead_run(mocker, *servers, stubborn=()):
    """A quiescer that finds servers, and what thaws them."""
    made = quiescer(*three())
    made.compute = Nova(*servers)
    made._reach = "how to get there"
    thaws = Thaws(made.compute, stubborn)
    mocker.patch.object(quiesce, "Thawing", side_effect=lambda reach: {"how to get there": thaws}[reach])
    return made, thaws


def test_what_was_left_frozen_is_thawed_before_it_is_frozen_again(mocker):
    servers = {one.name: one for one in (marked("orders", minutes=-5), marked("payments", minutes=5), server("front"))}
    made, thaws = left_by_a_dead_run(mocker, *servers.values())
    found = made.thaw_leftovers(servers)
    assert thaws.thawed == ["orders"]
    assert made.done == "all that this step has done is to thaw what an earlier run had left frozen (orders (id-orders))"
    # As they are then, and all of them.
    assert found == {"orders": server("orders"), "payments": servers["payments"], "front": servers["front"]}


def test_what_is_off_is_not_thawed_and_where_nothing_was_left_nobody_is_asked(mocker):
    servers = {"orders": dataclasses.replace(marked("orders", minutes=-5), status="SHUTOFF"), "front": server("front")}
    made, thaws = left_by_a_dead_run(mocker)
    assert made.thaw_leftovers(servers) == servers
    assert thaws.thawed == []
    assert made.done == "this step has changed nothing"


def test_one_that_cannot_be_thawed_costs_no_other_its_thaw_and_is_told(mocker):
    servers = {one.name: one for one in (marked("orders", minutes=-5), marked("front", minutes=-5))}
    made, thaws = left_by_a_dead_run(mocker, *servers.values(), stubborn=["orders"])
    with pytest.raises(FreezeFailed, match="The thaw of orders failed"):
        made.thaw_leftovers(servers)
    assert thaws.thawed == ["front"]


class Unreachable(Probed):
    """A driver that cannot reach its servers in this run."""

    def thaw_problem(self, server):
        return f"no way to {server.name}."


def left_by_libvirt(nova, minutes=-5, **changes):
    """What the check says of a server that an earlier run left frozen through libvirt, where this one has no way to it."""
    made = quiescer(nova, Unreachable("libvirt"), Probed("pause", level="paused"))
    left = marked("orders", minutes=minutes, **changes)
    return quiesce.freeze_problems([left], made.choose([left]))


@pytest.mark.parametrize("status", ["ACTIVE", "PAUSED"])
def test_the_check_tells_of_a_leftover_that_the_run_could_not_thaw(status):
    [problem] = left_by_libvirt(Probed("nova"), status=status)
    assert problem.startswith("Server orders (id-orders) has the mark of a freeze that an earlier run left (libvirt, guard until ")
    assert "cannot be thawed: no way to orders. Run the playbook osdr.openstack.thaw, for libvirt with dr_thaw_libvirt_uri" in problem


def test_the_check_asks_for_no_way_to_thaw_what_its_agent_says_is_thawed_long_after():
    assert left_by_libvirt(Probed("nova"), minutes=-125) == []


def test_to_thaw_itself_is_not_kept_back_by_what_a_check_would_say():
    made = quiescer(Probed("nova"), Unreachable("libvirt"), Probed("pause", level="paused"))
    left = marked("orders", minutes=-5)
    assert made.choose([left], to_thaw=True)[left.id].support.problem is None


# What an earlier step found out


def knowing(made, *names, driver="libvirt", age=0, guard="guest", **changes):
    """A quiescer that is told what a check found out about servers."""
    at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age)
    support = Support(state=THAWED, guard=guard, **changes)
    probes = {f"id-{name}": EarlierProbe(f"id-{name}", driver, support, {"nova": "no API"}, at) for name in names}
    made._options = dataclasses.replace(made._options, probes=probes)
    return made


def test_who_was_probed_a_moment_ago_is_not_probed_again():
    nova, libvirt, pause = three()
    found = knowing(quiescer(nova, libvirt, pause), "orders").choose([server("orders"), server("front")])
    assert (nova.probed, libvirt.probed) == (["front"], [])
    orders = found["id-orders"]
    assert (orders.driver, orders.support.guard, orders.passed_over) == (libvirt, "guest", {"nova": "no API"})
    assert libvirt.recalled == [("orders", "guest")]
    # What is told on is of the moment at which it was asked.
    (told,) = quiesce.foreseen([server("orders")], {"id-orders": orders})
    assert EarlierProbe.parse(told).at == orders.at.replace(microsecond=orders.at.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    ("how", "one"),
    [
        pytest.param({"age": 301}, server("orders"), id="long ago"),
        pytest.param({"longest": 19}, server("orders"), id="for a shorter freeze"),
        pytest.param({"driver": "pause"}, server("orders"), id="for less consistency"),
        pytest.param({"driver": "unknown"}, server("orders"), id="by a driver that there is not"),
        pytest.param({}, server("orders", boots_from_image=True), id="not of what its image needs"),
        pytest.param({}, server("orders", id="id-another"), id="of another server"),
    ],
)
def test_what_does_not_count_any_more_is_asked_again(how, one):
    nova, libvirt, pause = three()
    knowing(quiescer(nova, libvirt, pause), "orders", **how).choose([one])
    assert nova.probed == ["orders"]


def test_whoever_is_to_be_thawed_and_what_others_hold_is_judged_as_it_is_now():
    nova, libvirt, pause = three()
    made = knowing(quiescer(nova, libvirt, pause), "orders")
    assert "is held by another freeze" in choice(made, held("orders")).support.problem
    made.choose([server("orders")], to_thaw=True)
    assert nova.probed == ["orders"]
