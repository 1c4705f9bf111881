# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark, FreezeMarks
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

NOON, LATER = "2026-11-22T12:00:00.000Z", "2999-11-22T12:02:00.000Z"
FROZEN = FreezeMark("libvirt", LATER, "0123456789abcdef", NOON, NOON, 999, "controller", thawing=True)


class Compute:
    """The metadata of servers."""

    def __init__(self):
        self.metadata = {}

    def set_metadata(self, _server_id, metadata):
        self.metadata.update(metadata)


def put(mark):
    compute = Compute()
    FreezeMarks(compute).put(server("db"), mark)
    return compute.metadata


def bearing(**facts):
    text = json.dumps({"driver": "nova", "until": LATER, "token": "t", **facts})
    return server("db", metadata={"osdr_freeze": text})


@pytest.mark.parametrize("mark", [FROZEN, FreezeMark.new("nova", LATER)])
def test_a_mark_that_was_put_is_read_the_same_and_fits(mark):
    metadata = put(mark)
    assert all(len(value) <= 255 for value in metadata.values())
    assert FreezeMark.of(server("db", metadata=metadata)) == mark


def test_each_freeze_is_told_from_any_other():
    assert FreezeMark.new("nova", LATER) != FreezeMark.new("nova", LATER)


@pytest.mark.parametrize(
    ("facts", "stands"),
    [
        pytest.param({"frozen": NOON}, True, id="confirmed"),
        pytest.param({}, False, id="not confirmed yet"),
        pytest.param({"frozen": NOON, "thawing": True}, False, id="being ended"),
    ],
)
def test_a_freeze_stands_from_its_confirmation_until_its_thaw(facts, stands):
    assert FreezeMark.stands_on(bearing(**facts)) is stands


def test_without_a_mark_there_is_no_freeze():
    assert not FreezeMark.stands_on(server("db"))
    assert FreezeMark.of(server("db")) is None


def test_a_mark_of_the_former_form_is_read():
    mark = FreezeMark.of(bearing())
    assert (mark.driver, mark.until, mark.token, mark.frozen) == ("nova", LATER, "t", None)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"frozen": 5}, id="a number as time"),
        pytest.param({"frozen": ["noon"]}, id="a list as time"),
        pytest.param({"frozen": NOON, "requested": 5}, id="a number as time of the request"),
        pytest.param({"frozen": NOON, "driver": ["nova"]}, id="a list as driver"),
    ],
)
def test_a_mark_that_somebody_tampered_with_is_no_freeze_that_stands(facts):
    """Marks are metadata of servers, which anybody in the project can write."""
    assert not FreezeMark.stands_on(bearing(**facts))


@pytest.mark.parametrize("until", ["noon", 5, None, "2999-11-22T12:02:00"])
def test_a_mark_without_a_time_that_can_be_read_is_a_leftover(until):
    assert FreezeMark.of(bearing(until=until)).is_leftover


def test_a_mark_whose_time_is_over_is_a_leftover():
    assert dataclasses.replace(FROZEN, until=NOON.replace("2026", "2020")).is_leftover
    assert not FROZEN.is_leftover
