# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime

import pytest
from ansible_collections.osdr.openstack.plugins.plugin_utils.report import wording


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "not known"),
        (0, "0.00 s"),
        (0.8449, "0.84 s"),
        (9.999, "10.0 s"),
        (59.96, "1 min 0 s"),
        (252, "4 min 12 s"),
        (3599.7, "1 h 0 min"),
        (11100, "3 h 5 min"),
        (187200, "2 d 4 h"),
        (-0.5, "-0.50 s"),
        (-90, "-1 min 30 s"),
    ],
)
def test_durations(seconds, text):
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1048575, "1.0 MiB"), (1288490188, "1.2 GiB"), (2**63, "8192.0 PiB")],
)
def test_data(count, text):
    assert wording.data(count) == text


def test_moments_are_told_in_utc():
    moment = datetime.datetime(2026, 11, 22, 13, 0, 1, 250_000, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    assert wording.day_and_time(moment) == "2026-11-22 12:00:01 UTC"
    assert wording.stamp(moment) == "2026-11-22T12:00:01.250Z"
    assert (wording.day_and_time(None), wording.stamp(None)) == ("not known", None)
