# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.marking import Mark, unmarked, unmarked_tags

MARK = Mark("shop", "noon", "volume-1")


def test_a_mark_is_read_back_from_wherever_it_was_written():
    assert Mark.of_metadata({**MARK.metadata(), "purpose": "shop"}) == MARK
    assert Mark.of_tags(["gold", *MARK.tags()]) == MARK
    assert Mark.of_text(MARK.text()) == MARK


@pytest.mark.parametrize("text", [None, "", "the database's disk", "osdr_application=shop osdr_checkpoint=noon"])
def test_other_descriptions_are_no_marks(text):
    assert Mark.of_text(text) is None


def test_marks_are_not_part_of_what_is_captured():
    assert unmarked({**MARK.metadata(), "purpose": "shop"}) == {"purpose": "shop"}
    assert unmarked_tags(["gold", *MARK.tags()]) == ("gold",)
