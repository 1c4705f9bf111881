# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup, server, volume


@pytest.mark.parametrize(
    ("status", "usable", "under_way", "being_restored"),
    [
        ("available", True, False, False),
        ("restoring", True, False, True),
        ("creating", False, True, False),
        ("error", False, False, False),
        ("error_deleting", False, False, False),
        ("deleting", False, False, False),
        ("", False, False, False),
    ],
)
def test_a_backup_tells_what_can_be_done_with_it(status, usable, under_way, being_restored):
    one = backup("db", status=status)
    assert (one.is_usable, one.is_under_way, one.is_being_restored) == (usable, under_way, being_restored)


@pytest.mark.parametrize("one", [server("a\x1b[2J\nb", id="s"), volume("a\x1b[2J\nb", id="s")])
def test_a_label_is_harmless_whatever_the_name(one):
    """It stands in diffs and results too."""
    assert one.label == "a?[2J b (s)"
