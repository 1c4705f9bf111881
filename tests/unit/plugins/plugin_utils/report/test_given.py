# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime

import pytest
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.given import Given, between, later

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


@pytest.mark.parametrize("value", [None, [], "text", 3, True])
def test_what_is_no_dictionary_is_an_empty_one(value):
    given = Given(value)
    assert not given
    assert (given.text("a"), given.number("a"), given.count("a"), given.moment("a"), given.flag("a")) == ("", None, None, None, False)
    assert (given.texts("a"), given.each("a"), given.by("a", "id")) == ((), [], {})
    assert not given.inside("a").inside("b")


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (3, "3"), (True, ""), (None, ""), ({}, ""), ("a\ud800b", "a?b"), ("\u202egnp\x00", "\ufffdgnp\ufffd"), ("a\nb", "a b"), ("لوحة", "لوحة")],
)
def test_texts(value, text):
    assert Given({"a": value}).text("a") == text


@pytest.mark.parametrize(("value", "number"), [(3, 3.0), (0.5, 0.5), ("3", None), (True, None), (float("nan"), None), (10**400, None)])
def test_numbers(value, number):
    assert Given({"a": value}).number("a") == number


def test_counts_are_whole_and_not_negative():
    assert (Given({"a": 3}).count("a"), Given({"a": -1}).count("a")) == (3, None)


@pytest.mark.parametrize("value", ["2026-11-22T12:00:00Z", "2026-11-22T13:00:00+01:00"])
def test_moments(value):
    assert Given({"a": value}).moment("a") == NOON


@pytest.mark.parametrize("value", ["", "None", "2026-11-22T12:00:00", "2026-13-22T12:00:00Z", "9999-12-31T23:59:59-14:00", 5, None])
def test_what_is_no_moment_or_could_be_any(value):
    assert Given({"a": value}).moment("a") is None


def test_seconds_of_what_is_not_known_are_not_known():
    assert (between(None, NOON), between(NOON, None), later(None, 1.0), later(NOON, None), later(NOON, 1e17)) == (None,) * 5
    assert between(NOON, later(NOON, 1.5)) == 1.5
