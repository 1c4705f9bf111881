# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fence_mark import FenceMark
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

MARK = FenceMark("shop", "remote", "noon", "2026-01-01T12:00:00.000Z", "planned move")


@pytest.mark.parametrize(
    "mark",
    [MARK, dataclasses.replace(MARK, checkpoint="", reason=""), dataclasses.replace(MARK, reason='because of "quotes"')],
)
def test_a_mark_that_was_put_is_read_the_same(mark):
    assert FenceMark.of(server("db", metadata=mark.metadata())) == mark


@pytest.mark.parametrize("letter", ["x", '"', "ä"])
def test_long_words_give_way(letter):
    mark = dataclasses.replace(MARK, application="a" * 63, checkpoint="c" * 63, reason=letter * 300)
    read = FenceMark.of(server("db", metadata=mark.metadata()))
    assert all(len(value) <= 255 for value in mark.metadata().values())
    assert read == dataclasses.replace(mark, reason=read.reason)


def test_a_name_that_does_not_fit_is_refused():
    with pytest.raises(InvalidInput, match="too long"):
        dataclasses.replace(MARK, site="s" * 250).metadata()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({**dataclasses.asdict(MARK), "since": 5}), '{"more": 1}'])
def test_a_damaged_mark_is_a_mark_still(text):
    mark = FenceMark.of(server("db", metadata={"osdr_fence": text}))
    assert mark is not None
    assert (mark.application, mark.moment) == ("", None)
    assert not MARK.says_the_same(mark)


def test_without_a_mark_there_is_none():
    assert FenceMark.of(server("db")) is None


def test_when_and_in_which_words_makes_no_difference():
    assert MARK.says_the_same(dataclasses.replace(MARK, since="2027-01-01T00:00:00Z", reason=""))
    assert not MARK.says_the_same(dataclasses.replace(MARK, checkpoint="one"))
    assert not MARK.says_the_same(None)


@pytest.mark.parametrize(("since", "known"), [("2026-01-01T12:00:00Z", True), ("2026-01-01T12:00:00", False), ("x", False)])
def test_only_a_moment_is_compared(since, known):
    assert (dataclasses.replace(MARK, since=since).moment is not None) is known


def test_the_reason_of_the_lock_says_who_and_where():
    assert MARK.lock_reason(True) == "Fenced by an administrator: application shop runs at site remote, from checkpoint noon."
    assert dataclasses.replace(MARK, checkpoint="").lock_reason(False) == "Fenced by its project: application shop runs at site remote."
