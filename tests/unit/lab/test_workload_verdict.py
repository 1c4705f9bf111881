# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from shop_workload import verdict
from shop_workload.journal import Acknowledgement
from shop_workload.rows import Key


def keys(*pairs):
    return {Key(worker, sequence) for worker, sequence in pairs}


def chain(worker, length):
    return {Key(worker, sequence) for sequence in range(1, length + 1)}


@pytest.mark.parametrize(
    ("orders", "payments"),
    [
        (set(), set()),
        (chain(1, 3), chain(1, 3)),
        (chain(1, 4), chain(1, 3)),
        (chain(1, 4) | chain(2, 8), chain(1, 3) | chain(2, 7)),
        (keys((1, 1)), set()),
    ],
    ids=["empty", "all paid", "last one unpaid", "last one of each worker unpaid", "first one unpaid"],
)
def test_causal_order_holds(orders, payments):
    found = verdict.causal(orders, payments)
    assert found.holds
    assert found.messages == ()


@pytest.mark.parametrize(
    ("orders", "payments", "what", "offenders"),
    [
        (chain(1, 3), chain(1, 5), "payments without their order", ("1/4", "1/5")),
        (chain(1, 5), chain(1, 3), "orders without their payment although later ones were placed", ("1/4",)),
        (chain(1, 5) - keys((1, 2)), chain(1, 5) - keys((1, 2)), "orders left out", ("1/2",)),
        (chain(1, 5), chain(1, 5) - keys((1, 3)), "payments left out", ("1/3",)),
        (chain(2, 2), chain(1, 1) | chain(2, 2), "payments without their order", ("1/1",)),
    ],
    ids=["orders copied earlier", "payments copied earlier", "hole in both", "hole in payments", "other worker"],
)
def test_causal_order_is_broken(orders, payments, what, offenders):
    found = verdict.causal(orders, payments)
    assert not found.holds
    assert found.offenders[what] == offenders
    assert any(what in message for message in found.messages)


def test_long_lists_are_abridged_in_messages_only():
    found = verdict.causal(set(), chain(1, 25))
    assert found.messages == (
        "25 payments without their order: 1/1, 1/2, 1/3, 1/4, 1/5, 1/6, 1/7, 1/8, 1/9, 1/10 and 15 more",
    )
    assert len(found.offenders["payments without their order"]) == 25


def told(table, sequence, when, crc=7):
    return Acknowledgement(table, Key(1, sequence), crc, when)


def test_everything_acknowledged_up_to_the_moment_is_there():
    journal = [told("orders", 1, 10.0), told("payments", 1, 10.5), told("orders", 2, 11.1)]
    rows = {"orders": {Key(1, 1): 7}, "payments": {Key(1, 1): 7}}
    assert verdict.acknowledged(journal, 11.0, rows).holds


def test_acknowledged_row_is_missing():
    journal = [told("orders", 1, 10.0), told("payments", 1, 11.0)]
    found = verdict.acknowledged(journal, 11.0, {"orders": {Key(1, 1): 7}, "payments": {}})
    assert not found.holds
    assert found.offenders["acknowledged rows missing"] == ("payments 1/1",)


def test_acknowledged_row_has_other_content():
    journal = [told("orders", 1, 10.0, crc=8)]
    found = verdict.acknowledged(journal, 11.0, {"orders": {Key(1, 1): 7}, "payments": {}})
    assert found.messages == ("1 acknowledged rows with other content: orders 1/1",)
