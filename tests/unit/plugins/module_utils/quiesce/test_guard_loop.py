# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import queue

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, FreezeFailed, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import guard_loop
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.guard_loop import GuardLoop
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeMarks, server

DB = server("db")


@pytest.fixture
def marks():
    marks = FakeMarks()
    marks.put(DB, FreezeMark.new("fake", "2026-01-01T00:00:00Z"))
    return marks


class SilentMarks(FakeMarks):
    """Marks that can be read when the guard is armed; Nova is down then, or the server gone.

    :param error: what everything else ends with. When Nova is back at last, the mark is gone.
    """

    def __init__(self, error=None):
        super().__init__()
        self.error, self._reads = error or CloudError("Nova does not answer."), 0

    def current(self, server_id):
        self._reads += 1
        if 1 < self._reads <= 5:
            raise self.error
        return super().current(server_id) if self._reads == 1 else None

    def remove(self, server):
        raise self.error


def silent(error=None):
    marks = SilentMarks(error)
    marks.put(DB, FreezeMark.new("fake", "2026-01-01T00:00:00Z"))
    return marks


def run(marks, *requests, driver=None):
    """What the guard answers and thaws when it hears this and is left alone then."""
    told: queue.SimpleQueue = queue.SimpleQueue()
    for request in (*requests, None):
        told.put(request)
    driver, answers = driver or FakeDriver(), []
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


@pytest.fixture
def soon(monkeypatch):
    """What fails is tried again soon."""
    monkeypatch.setattr(guard_loop, "_RETRY_SECONDS", 0.01)


def test_without_nova_a_guard_fires_all_the_same(soon):
    assert run(silent(), arm(0.05))[1] == ["db"]


def test_a_guard_that_needs_nova_tries_until_it_is_back(soon):
    driver, errors = FakeDriver(), [FreezeFailed("Nova does not answer."), CloudError("Nova does not answer.")]
    thaw = driver.thaw

    def fail_twice(which):
        if errors:
            raise errors.pop()
        return thaw(which)

    driver.thaw = fail_twice
    assert run(silent(), arm(0.05), driver=driver)[1] == ["db"]
    assert not errors


def test_a_server_that_is_gone_is_not_thawed():
    assert run(silent(NotFound("There is no such server.")), arm(0.05))[1] == []
