# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits of the lab end without progress, and not because a machine is slow."""

from __future__ import annotations

import os

import lab_patience
import pytest


class Machine:
    """A clock, and how many processes share a core."""

    def __init__(self):
        self.now = 100.0
        self.crowd = 1.0

    def patience(self, seconds):
        return lab_patience.Patience(seconds, clock=lambda: self.now, crowd=lambda: self.crowd)


@pytest.fixture
def machine():
    return Machine()


def test_a_quiet_machine_is_waited_for_as_long_as_is_said(machine):
    patience = machine.patience(10)
    machine.now += 10
    assert not patience.is_spent()
    machine.now += 1
    assert patience.is_spent()
    assert patience.waited == 11


def test_a_busy_machine_is_waited_for_as_much_longer(machine):
    patience = machine.patience(10)
    machine.crowd = 5.0
    machine.now += 50
    assert not patience.is_spent()
    machine.crowd = 1.0
    machine.now += 1
    assert patience.is_spent()


def test_progress_renews_it(machine):
    patience = machine.patience(10)
    machine.now += 10
    patience.renew()
    machine.now += 10
    assert not patience.is_spent()
    assert patience.waited == 20


@pytest.mark.parametrize("load, cores, crowd", [(0.2, 2, 1.0), (3.0, 2, 1.5), (3.0, 1, 3.0)])
def test_a_core_is_shared_by_who_wants_to_run(load, cores, crowd, monkeypatch):
    """A process that may use one core only, as with taskset, has no more than that."""
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(cores)))
    assert lab_patience.crowd() == crowd
