# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration import keeper
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.beginning import WantedRun, begin
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.controller import LEASE, Controller
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.local import Known, LocalState
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.part import DONE, RESTORE, RUNNING, Entrant
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.shelf import PartShelf
from ansible_collections.osdr.openstack.tests.unit.support.controllers import SEAL, VirtualTime
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore

PARAMS = {"cloud": "nowhere", "container": "osdr-catalogue", "hmac_key": None}


class Kept:
    """A part of a run, and its keeper in virtual time."""

    def __init__(self, directory):
        self.time, self.store = VirtualTime(), FakeStore()
        self.shelf, self.local = PartShelf(self.store, SEAL), LocalState(str(directory))
        self.controller = Controller(lambda: self.shelf, self.local, self.time.now, {})
        begun = begin(self.shelf, WantedRun(RESTORE, "", (Entrant("shop"),), 60), "here", self.time.now)
        self.local.write(Known(begun.part, is_published=False))

    def keep(self, seconds):
        """For so long the controller's process is there."""
        keeper.keep(self.controller, lambda: self.time.seconds < seconds, self.time.clock)

    @property
    def published(self):
        (part,) = self.shelf.parts().parts
        return part


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path)


def test_a_part_counts_as_long_as_its_controller_is_there_and_not_a_moment_longer(kept):
    seen = []
    for second in range(5, 1000, 5):
        kept.time.after(second, lambda: seen.append(kept.published.is_alive(kept.time.now())))
    kept.keep(1000)
    assert seen == [True] * len(seen)
    assert not kept.published.is_alive(kept.time.now())


def test_a_keeper_ends_with_its_part(kept):
    kept.time.after(100, kept.controller.end)
    kept.keep(10_000)
    assert kept.time.seconds < 110
    assert kept.published.has_ended


def test_a_store_that_fails_for_a_while_is_asked_again(kept, monkeypatch):
    written = kept.store.write

    def write(name, content):
        if 50 < kept.time.seconds < 50 + LEASE / 2:
            raise CloudError("The store is busy.")
        written(name, content)

    monkeypatch.setattr(kept.store, "write", write)
    alive = []
    kept.time.after(200, lambda: alive.append(kept.published.is_alive(kept.time.now())))
    kept.keep(210)
    assert alive == [True]


class Failing:
    """A store that fails as long as it is told to, after so many requests."""

    def __init__(self, kept, monkeypatch):
        self.left = float("inf")
        for name in ("write", "read", "documents"):
            monkeypatch.setattr(kept.store, name, self._failing(getattr(kept.store, name)))

    def _failing(self, method):
        def call(*given):
            self.left -= 1
            if self.left < 0:
                raise CloudError("The store is busy.")
            return method(*given)

        return call


@pytest.mark.parametrize("requests", range(3))
def test_whoever_could_not_begin_waits_as_before(kept, monkeypatch, requests):
    kept.controller.renew()
    kept.controller.ask("shop", {})
    failing = Failing(kept, monkeypatch)
    failing.left = requests
    with pytest.raises(CloudError):
        kept.controller.take("shop")
    assert kept.controller.look("shop").is_go
    failing.left = float("inf")
    assert kept.controller.take("shop").is_go


def test_what_is_given_back_while_the_store_fails_is_told_later(kept, monkeypatch):
    kept.controller.renew()
    kept.controller.ask("shop", {})
    assert kept.controller.take("shop").is_go
    failing = Failing(kept, monkeypatch)
    failing.left = 0
    assert kept.controller.finish("shop", DONE).state == DONE
    kept.controller.end()
    failing.left = float("inf")
    assert kept.published.turns["shop"].state == RUNNING
    kept.keep(100)
    assert kept.published.turns["shop"].state == DONE and kept.published.has_ended


def test_the_store_is_only_written_to_where_there_is_something_new(kept):
    kept.keep(60)
    assert kept.store.writes <= 60 / keeper.RENEW_SECONDS + 2


def test_a_keeper_that_cannot_reach_the_store_says_why(kept, monkeypatch, tmp_path):
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "none.yaml"))
    with pytest.raises(DrError, match=r"The keeper of this controller's part of the run could not be started: .*Cloud 'nowhere' cannot be used"):
        keeper.start_keeper(PARAMS, str(tmp_path), os.getpid())


def test_a_process_that_is_gone_is_told_from_a_later_one():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = keeper._started(process.pid)
        assert started and started == keeper._started(process.pid)
        process.stdin.close()
        process.wait()
    assert keeper._started(process.pid) is None
    assert keeper._started(os.getpid()) != started
