# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.osdr.openstack.plugins.module_utils.core.text import counted, interval, listed, told


def test_what_others_say_is_one_line_that_no_terminal_acts_on():
    assert told("no such\n\tagent, sehr übel") == "no such agent, sehr übel"
    assert told("\x1b[2Jgone\0") == "?[2Jgone?"


def test_what_others_say_is_bounded():
    assert told("x" * 999) == "x" * 200
    assert told({"a": 1}, at_most=4) == "{'a'"


def test_of_many_names_a_message_lists_some_and_counts_the_others():
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(number) for number in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert listed([str(number) for number in range(12)]) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"


def test_counted():
    assert (counted(1, "volume"), counted(0, "volume")) == ("1 volume", "0 volumes")


def test_intervals_are_told_as_they_are_chosen():
    assert [interval(seconds) for seconds in (45, 90 * 60, 36 * 3600, 7 * 86400)] == ["45 s", "90 min", "36 h", "7 d"]
