# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime

import pytest
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.timeline import Lane, Timeline, spans

START = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def at(seconds):
    return START + datetime.timedelta(seconds=seconds)


def timeline(seconds):
    return Timeline((), START, seconds, ())


def lane(*wanted):
    return Lane("orders-db", "", "", spans(*wanted))


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        (0.04, ["0", "0.01 s", "0.02 s", "0.03 s", "0.04 s"]),
        (1.9, ["0", "0.5 s", "1 s", "1.5 s"]),
        (48.3, ["0", "10 s", "20 s", "30 s", "40 s"]),
        (130, ["0", "30 s", "1:00 min", "1:30 min", "2:00 min"]),
        (1000, ["0", "5 min", "10 min", "15 min"]),
        (20000, ["0", "2 h", "4 h"]),
        (10**7, ["0", "23 d 3 h", "46 d 7 h", "69 d 10 h", "92 d 14 h", "115 d 17 h"]),
    ],
)
def test_ticks_are_few_and_round(seconds, texts):
    assert [tick.text for tick in timeline(seconds).ticks] == texts


def test_texts_at_the_ends_stay_inside():
    assert [(tick.x, tick.anchor) for tick in timeline(2).ticks] == [
        ("0.00%", "start"),
        ("25.00%", "middle"),
        ("50.00%", "middle"),
        ("75.00%", "middle"),
        ("100.00%", "end"),
    ]


def test_spans_are_shares_of_the_scale():
    drawn = timeline(2).drawn(lane(("frozen", None, "", at(0.5), at(1.5)), ("snapshot", 1, "", at(1), at(1.25))))
    assert [(one.kind, one.x, one.width) for one in drawn] == [("frozen", "25.00%", "50.00%"), ("snapshot", "50.00%", "12.50%")]
    assert drawn[0].y < drawn[1].y
    assert drawn[1].y + drawn[1].height < drawn[0].y + drawn[0].height


def test_what_takes_no_time_is_seen_and_what_is_outside_is_cut():
    drawn = timeline(2).drawn(lane(("a", 0, "", at(2), at(2)), ("b", 0, "", at(-5), at(1)), ("c", 0, "", at(1), at(50))))
    assert [(one.x, one.width) for one in drawn] == [("99.50%", "0.50%"), ("0.00%", "50.00%"), ("50.00%", "50.00%")]


def test_what_has_no_beginning_or_end_or_has_them_the_wrong_way_round_is_not_drawn():
    assert spans(("a", 0, "", None, at(1)), ("a", 0, "", at(1), None), ("a", 0, "", at(2), at(1))) == ()


def test_a_lane_is_as_high_as_its_lines():
    line = timeline(2)
    one, two = lane(("a", 0, "", at(0), at(1))), lane(("a", 0, "", at(0), at(1)), ("a", 1, "", at(0), at(1)))
    assert line.height(lane()) == line.height(one) < line.height(two)
