# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.status.schedule import scheduled


def one(name, wave="first", *needs):
    return SimpleNamespace(name=name, wave=wave, priority=500, depends_on=needs)


def test_applications_that_wait_for_nothing_are_recovered_at_once():
    found = scheduled([one("a"), one("b"), one("c")], {"a": 10, "b": 30, "c": 20}, None)
    assert (found.seconds, found.critical_path, found.unknown) == (30, ("b",), ())


def test_a_wave_waits_for_all_of_the_one_before():
    found = scheduled([one("a"), one("b"), one("c", "second")], {"a": 10, "b": 30, "c": 5}, None)
    assert (found.seconds, found.critical_path) == (35, ("b", "c"))


def test_an_application_waits_for_what_it_depends_on():
    found = scheduled([one("a"), one("b"), one("c", "first", "a")], {"a": 10, "b": 30, "c": 25}, None)
    assert (found.seconds, found.critical_path) == (35, ("a", "c"))


@pytest.mark.parametrize(("at_once", "seconds", "critical_path"), [(1, 60, ("a", "b", "c")), (2, 30, ("a", "c")), (3, 30, ("b",))])
def test_no_more_are_recovered_at_once_than_the_site_allows(at_once, seconds, critical_path):
    found = scheduled([one("a"), one("b"), one("c")], {"a": 10, "b": 30, "c": 20}, at_once)
    assert (found.seconds, found.at_once) == (seconds, at_once)
    assert found.critical_path == critical_path


def test_what_waits_for_a_turn_is_passed_by_what_could_not_begin_yet():
    """A free place is not kept for one that waits for another."""
    found = scheduled([one("a"), one("b", "first", "a"), one("c")], {"a": 10, "b": 10, "c": 20}, 2)
    assert found.seconds == 20


def test_of_unknown_times_nothing_is_counted_and_all_are_named():
    found = scheduled([one("a"), one("b", "first", "a"), one("c", "second")], {"a": None, "b": 20, "c": None}, None)
    assert (found.seconds, found.unknown) == (20, ("a", "c"))


def test_a_site_without_applications():
    found = scheduled([], {}, None)
    assert (found.seconds, found.critical_path, found.unknown) == (0, (), ())
