# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import queue

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.freeze_mark import FreezeMark
from ansible_collections.osdr.openstack.plugins.module_utils.guard_loop import GuardLoop
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils.fakes import FakeDriver, FakeMarks, server

DB = server("db")


@pytest.fixture
def marks():
    marks = FakeMarks()
    marks.put(DB, FreezeMark.new("fake", "2026-01-01T00:00:00Z"))
    return marks


def run(marks, *requests):
    """What the guard answers and thaws when it hears this and is left alone then."""
    told: queue.SimpleQueue = queue.SimpleQueue()
    for request in (*requests, None):
        told.put(request)
    driver, answers = FakeDriver(), []
    GuardLoop(driver, marks, told, answers.append).run()
    return answers, driver.names("thaw")


def arm(seconds):
    return {"arm": dataclasses.asdict(DB), "seconds": seconds}


def test_a_guard_fires_when_its_controller_is_gone(marks):
    answers, thawed = run(marks, arm(0.05))
    assert answers == [{"armed": "id-db"}]
    assert thawed == ["db"]
    # Nobody else is there to take it away.
    assert not marks.marked


def test_a_guard_that_was_disarmed_does_not_fire(marks):
    answers, thawed = run(marks, arm(60), {"disarm": "id-db"})
    assert answers[-1] == {"fired": False}
    assert not thawed


def test_a_server_without_a_mark_is_not_guarded():
    answers, thawed = run(FakeMarks(), arm(0.05))
    assert answers == [{"armed": None}]
    assert not thawed


def test_a_later_freeze_of_the_same_server_is_not_its_to_thaw(marks):
    told: queue.SimpleQueue = queue.SimpleQueue()
    driver = FakeDriver()
    loop = GuardLoop(driver, marks, told, lambda answer: marks.put(DB, FreezeMark.new("fake", "2026-01-01T00:00:00Z")))
    told.put(arm(0.05))
    told.put(None)
    loop.run()
    assert not driver.names("thaw")


def test_the_end_of_the_machine_fires_at_once(marks):
    assert run(marks, arm(3600), "now")[1] == ["db"]
