# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime

from ansible_collections.osdr.openstack.plugins.plugin_utils.report.critical_path import critical_path, length, ratio
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.facts import RestoredServer, RestoredVolume
from ansible_collections.osdr.openstack.tests.unit.support import runs

START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def after(seconds):
    return None if seconds is None else START + datetime.timedelta(seconds=seconds)


def server(name, tier, seconds, *volumes):
    restored = tuple(RestoredVolume(f"{name}-{index}", (name,), "", 1, "in-use", False, START, after(one)) for index, one in enumerate(volumes))
    return RestoredServer(name, tier, "", "ACTIVE", False, (), (), None if seconds is None else START, after(seconds), after(seconds), restored)


def path(*servers, seconds=None):
    run = dataclasses.replace(runs.restore(), servers=servers, seconds=seconds)
    return [(link.kind, link.name) for link in critical_path(run)], length(critical_path(run)), ratio(run)


def test_a_server_waits_for_its_slowest_volume_and_the_tier_before():
    found = path(server("a", "one", 5, 3, 10), server("b", "one", 8, 1), server("c", "two", 4, 2), seconds=38)
    assert found == ([("volume", "a-1"), ("server", "a"), ("server", "c")], 19.0, 2.0)


def test_a_volume_of_a_later_tier_counts_when_it_is_slower_than_all_before():
    assert path(server("a", "one", 5, 3), server("b", "two", 4, 60))[:2] == ([("volume", "b-0"), ("server", "b")], 64.0)


def test_volumes_of_others_do_not_count():
    assert path(server("a", "one", 5, 3), server("b", "one", 1, 6))[:2] == ([("volume", "a-0"), ("server", "a")], 8.0)


def test_what_an_earlier_run_did_takes_no_time():
    assert path(server("a", "one", None), server("b", "two", 4))[:2] == ([("server", "b")], 4.0)
    assert path(server("a", "one", None), seconds=12.0) == ([], 0, None)


def test_of_the_example():
    run = runs.restore()
    assert [(link.name, link.seconds) for link in critical_path(run)] == [("orders-db-data", 15.6), ("orders-db", 14.7), ("shop-front", 9.1)]
    assert ratio(run) == 1.23
