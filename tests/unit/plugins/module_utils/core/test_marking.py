# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.marking import Mark, drill_name, unmarked, unmarked_tags, unmarked_text

MARK = Mark("shop", "noon", "volume-1")
DRILL = Mark("shop", "noon", "volume-1", "7")


def test_a_mark_is_read_back_from_wherever_it_was_written():
    assert Mark.of_metadata({**MARK.metadata(), "purpose": "shop"}) == MARK
    assert Mark.of_tags(["gold", *MARK.tags()]) == MARK
    assert Mark.of_text(MARK.text()) == MARK


@pytest.mark.parametrize("text", [None, "", "the database's disk", "osdr_application=shop", "osdr_checkpoint=noon osdr_drill=7"])
def test_other_descriptions_are_no_marks(text):
    assert Mark.of_text(text) is None


def test_marks_are_not_part_of_what_is_captured():
    others = {"osdr_freeze": "{}", "osdr_fence": "{}"}
    assert unmarked({**MARK.metadata(), **others, "purpose": "shop"}) == {"purpose": "shop"}
    assert unmarked_tags(["gold", *MARK.tags()]) == ("gold",)
    assert unmarked({**DRILL.metadata(), "purpose": "shop"}) == {"purpose": "shop"}
    assert unmarked_tags(["gold", *DRILL.tags()]) == ("gold",)


@pytest.mark.parametrize("text", ["", "What the  application serves", "ssh-ed25519 AAAA shop@host\n"])
def test_a_text_without_a_mark_stays_to_the_letter(text):
    assert unmarked_text(text) == text


def test_a_text_is_what_it_was_before_it_got_a_mark():
    assert unmarked_text(DRILL.owner.beside("What it serves")) == "What it serves"
    assert unmarked_text(f"ssh-ed25519 AAAA shop {MARK.owner.text()}") == "ssh-ed25519 AAAA shop"
    assert unmarked_text(MARK.owner.beside("")) == ""


def test_a_mark_is_whole_beside_a_text_that_is_too_long():
    assert len(DRILL.beside("x" * 300)) == 255
    assert Mark.of_text(DRILL.beside("x" * 300)) == DRILL


@pytest.mark.parametrize("theirs", ["osdr_drill=8", "see osdr_drill=8 osdr_source=x", MARK.text(), "osdr_application=bank osdr_checkpoint=ten"])
@pytest.mark.parametrize("mark", [DRILL, MARK, MARK.owner], ids=["drill", "restore", "whole restore"])
def test_what_a_user_wrote_does_not_become_part_of_a_mark(mark, theirs):
    assert Mark.of_text(mark.beside(theirs)) == Mark.of_text(mark.after(f"ssh-ed25519 AAAA {theirs}\n")) == mark


# Drills


@pytest.mark.parametrize("mark", [DRILL, DRILL.owner, MARK.owner], ids=["drill", "whole drill", "whole restore"])
def test_whose_something_is_can_be_read_back_too(mark):
    assert Mark.of_metadata(mark.metadata()) == Mark.of_tags(mark.tags()) == Mark.of_text(mark.text()) == mark


def test_a_drill_is_never_the_restore_of_its_checkpoint():
    assert DRILL != MARK
    assert not DRILL.is_of(MARK.owner)
    assert not MARK.is_of(DRILL.owner)
    assert not dataclasses.replace(DRILL, drill="8").is_of(DRILL.owner)
    assert DRILL.is_of(DRILL.owner)
    assert MARK.is_of(MARK.owner)


def test_a_name_of_a_drill_fits_everywhere():
    assert drill_name("7", "shop-net") == "drill-7-shop-net"
    assert len(drill_name("7", "x" * 255)) == 255
