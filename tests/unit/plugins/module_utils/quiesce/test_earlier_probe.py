# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check has found out about servers is not asked again by the run that follows it."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.driver import THAWED, Support
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.earlier_probe import EarlierProbe

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
PROBE = EarlierProbe("id-orders", "libvirt", Support(state=THAWED, guard="guest", longest=300, answer=0.25), {"nova": "no API"}, NOON)
SHOWN = {"id": "id-orders", "name": "orders", **PROBE.described()}


def test_what_is_described_can_be_read_again():
    assert EarlierProbe.parse(SHOWN) == PROBE


def test_what_is_unknown_stays_unknown():
    found = EarlierProbe.parse({**SHOWN, "longest": None, "answer": None}).support
    assert (found.longest, found.answer) == (None, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"driver": 5},
        {"guard": None},
        {"probed_at": "soon"},
        {"probed_at": "2026-11-22T12:00:00"},
        {"probed_at": None},
        {"longest": "300"},
        {"longest": True},
        {"answer": -1},
        {"answer": "quick"},
        {"answer": float("inf")},
        {"answer": 86_401},
        {"passed_over": 5},
        pytest.param({"answer": 10**400}, id="more than any float"),
    ],
    ids=str,
)
def test_what_is_something_else_is_refused(changes):
    with pytest.raises(InvalidInput, match="The option freezes is not what os_checkpoint_check returned"):
        EarlierProbe.parse({**SHOWN, **changes})


@pytest.mark.parametrize("found", [5, None, {}, "text"])
def test_what_is_nothing_of_the_kind_is_refused(found):
    with pytest.raises(InvalidInput):
        EarlierProbe.parse(found)


@pytest.mark.parametrize(("seconds", "counts"), [(-1, False), (0, True), (300, True), (301, False)])
def test_it_counts_for_five_minutes(seconds, counts):
    assert PROBE.counts_at(NOON + datetime.timedelta(seconds=seconds), 120) is counts


@pytest.mark.parametrize(("longest", "guard_timeout", "counts"), [(300, 300, True), (300, 301, False), (None, 301, True)])
def test_it_counts_for_a_freeze_that_the_site_lets_last_so_long(longest, guard_timeout, counts):
    probe = EarlierProbe.parse({**SHOWN, "longest": longest})
    assert probe.counts_at(NOON, guard_timeout) is counts
