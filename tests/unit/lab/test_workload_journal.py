# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from shop_workload.journal import Acknowledgement, Journal, acknowledgements, parse_time, read_events
from shop_workload.rows import Key, checksum, payload


def test_what_is_written_can_be_read(tmp_path):
    path = tmp_path / "logs" / "journal.jsonl"
    journal = Journal(path)
    journal.write("start", workers=2)
    journal.acknowledge("orders", Key(2, 5), 99, 0.25)
    journal.close()
    events = list(read_events(path.read_text().splitlines(keepends=True)))
    assert [event["event"] for event in events] == ["start", "acknowledged"]
    assert {"wall", "monotonic", "waited"} <= events[1].keys()
    assert list(acknowledgements(events)) == [Acknowledgement("orders", Key(2, 5), 99, events[1]["wall"])]


def test_a_second_load_appends(tmp_path):
    path = tmp_path / "journal.jsonl"
    for _load in range(2):
        journal = Journal(path)
        journal.write("start")
        journal.close()
    assert len(path.read_text().splitlines()) == 2


def test_a_line_cut_off_at_the_end_is_left_out():
    assert list(read_events(['{"event": "start"}\n', '{"event": "ackno'])) == [{"event": "start"}]


@pytest.mark.parametrize(
    "text", ["1790000000.5", "2026-09-21T14:13:20.500000+00:00", "2026-09-21T14:13:20.5", "2026-09-21T16:13:20.5+02:00", "2026-09-21T14:13:20.5Z"]
)
def test_times(text):
    assert parse_time(text) == 1790000000.5


def test_no_time():
    with pytest.raises(ValueError, match="yesterday"):
        parse_time("yesterday")


def test_a_repeated_insert_has_the_same_content():
    key = Key(3, 14)
    assert payload(1, "orders", key) == payload(1, "orders", key)


@pytest.mark.parametrize("other", [(2, "orders", Key(3, 14)), (1, "payments", Key(3, 14)), (1, "orders", Key(3, 15))])
def test_content_depends_on_seed_table_and_key(other):
    assert payload(*other) != payload(1, "orders", Key(3, 14))


def test_the_checksum_covers_the_key():
    assert checksum(Key(1, 2), b"content") != checksum(Key(2, 1), b"content")
