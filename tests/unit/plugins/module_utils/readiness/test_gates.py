# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.checks import Check
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, Tier
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, WaitTimeout
from ansible_collections.osdr.openstack.plugins.module_utils.readiness.gates import (
    DrillGates,
    DrillProbe,
    Gates,
    asks_agents,
    command_problems,
    command_warnings,
)
from ansible_collections.osdr.openstack.plugins.module_utils.readiness.probes import Subject
from ansible_collections.osdr.openstack.plugins.module_utils.work.clock import Clock
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter

SUBJECT = Subject("id-1", "orders-db", "10.0.0.1")


class Guest:
    """Opens its ports some seconds after the start."""

    def __init__(self, **opens):
        self.now = 0.0
        self.granted = []
        self._opens = {int(port[1:]): seconds for port, seconds in opens.items()}

    @property
    def waiter(self):
        return Waiter(timeout=0, interval=1, clock=Clock(now=lambda: self.now, sleep=self._sleep))

    def _sleep(self, seconds):
        self.now += seconds

    def ask(self, check, subject, seconds):
        assert subject == SUBJECT
        self.granted.append(seconds)
        return None if self.now >= self._opens[check.port] else f"refused at {self.now:g}"

    def wait(self, *checks):
        return Gates(self.ask).wait(SUBJECT, checks, self.waiter)


def test_all_checks_must_pass():
    guest = Guest(p22=2, p5432=7)
    assert guest.wait(Check(22), Check(5432))
    assert guest.now == 7
    assert not guest.wait(Check(22), Check(5432))


def test_a_check_has_its_time_from_the_start_and_the_last_that_was_found_is_told():
    guest = Guest(p22=8, p5432=99)
    with pytest.raises(WaitTimeout) as raised:
        guest.wait(Check(22), Check(5432, timeout=20))
    assert guest.now == 20
    assert raised.value.message == "Server 'orders-db' at 10.0.0.1 is active but not ready after 20 s: port 5432: refused at 20."
    assert "security groups" in raised.value.hint
    assert raised.value.facts == {"server_id": "id-1", "check": {"port": 5432, "timeout": 20}, "found": "refused at 20"}


def test_an_attempt_gets_what_is_left_of_the_time():
    guest = Guest(p22=3)
    guest.wait(Check(22, timeout=3))
    assert guest.granted == [3, 2, 1, 1]


COMMAND = {"command": ["/bin/order", "two words"], "timeout": 60}
APPLICATION = Application.parse(
    {
        "name": "shop",
        "tiers": [
            {"name": "database", "servers": ["orders-db"], "checks": [{"port": 5432}]},
            {"name": "front", "servers": ["shop-front"], "checks": [COMMAND, {"agent": True}]},
        ],
    }
)


def test_commands_that_nobody_has_decided_about_are_told_as_they_are():
    (problem,) = command_problems(APPLICATION, "refuse")
    assert "health check of tier 'front' that runs a command on this host: /bin/order 'two words'. Review it" in problem
    assert command_problems(APPLICATION, "skip") == command_problems(APPLICATION, "run") == []


def test_checks_that_are_left_out_are_told():
    (warning,) = command_warnings(APPLICATION, "skip")
    assert warning == "Health check of tier 'front' skipped (command_checks: skip): /bin/order 'two words'."
    assert command_warnings(APPLICATION, "refuse") == command_warnings(APPLICATION, "run") == []


def test_commands_are_only_run_when_told():
    front = APPLICATION.tiers[1]
    assert [check.kind for check in Gates().checks_of(front)] == ["agent"]
    assert [check.kind for check in Gates(runs_commands=True).checks_of(front)] == ["command", "agent"]


def test_checks_tell_what_they_are_made_by():
    checks = [Check(22), *APPLICATION.tiers[1].checks]
    assert [Gates().made_by(check) for check in checks] == [["connection"], [], ["guest agent"]]
    assert [Gates(runs_commands=True).made_by(check) for check in checks] == [["connection"], ["command"], ["guest agent"]]


# Drills


PROBES = DrillProbe(agent=True, console="log.n:").checks()
MIXED = Tier("mixed", ("orders-db",), (Check(22, timeout=10), Check(5432, timeout=60), Check(agent=True, timeout=5)))


@pytest.mark.parametrize(("timeout", "seconds"), [(None, 60), (7, 7)])
def test_in_a_drill_other_things_stand_for_connections_in_the_time_of_the_longest(timeout, seconds):
    gates = DrillGates(probes=PROBES, timeout=timeout)
    assert gates.checks_of(MIXED) == [
        Check(agent=True, timeout=5), Check(agent=True, timeout=seconds), Check(console="log.n:", timeout=seconds)
    ]
    assert [gates.made_by(check) for check in MIXED.checks] == [["guest agent", "console log"]] * 2 + [["guest agent"]]


def test_in_a_drill_nothing_is_claimed_where_nothing_can_be_looked_at():
    assert DrillGates().checks_of(MIXED) == [Check(agent=True, timeout=5)]
    assert [DrillGates().made_by(check) for check in MIXED.checks] == [[], [], ["guest agent"]]


def test_nothing_stands_for_checks_that_there_are_not():
    assert DrillGates(probes=PROBES).checks_of(Tier("bare", ("orders-db",))) == []
    agents = (Check(agent=True),)
    assert DrillGates(probes=PROBES).checks_of(Tier("agents", ("orders-db",), agents)) == list(agents)


def test_in_a_drill_no_command_is_run():
    assert DrillGates(probes=PROBES[1:]).checks_of(APPLICATION.tiers[1]) == [Check(agent=True), Check(console="log.n:", timeout=60)]


def test_what_is_not_given_is_not_looked_at():
    assert DrillProbe().checks() == ()


def test_a_pattern_that_is_none_is_refused():
    with pytest.raises(InvalidInput, match="not a regular expression"):
        DrillProbe(console="(").checks()


def test_agents_are_only_needed_where_they_are_asked():
    assert asks_agents(APPLICATION)
    assert not asks_agents(Application("shop", APPLICATION.tiers[:1]))
