# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import datetime
import json
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, FreezeFailed, NoAnswer, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import mark as quiesce_mark
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import LONGEST_FREEZE, FreezeMark, FreezeMarks, held_problem, is_leftover
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

NOW = datetime.datetime(2026, 11, 22, 12, 1, tzinfo=datetime.UTC)
NOON = "2026-11-22T12:00:00.000Z"


def at(**difference):
    """A time as marks have it, so much from now on."""
    return (NOW + datetime.timedelta(**difference)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


LATER = at(hours=12)
FROZEN = FreezeMark("libvirt", LATER, "0123456789abcdef", NOON, NOON, 999, "controller", thawing=True)


@pytest.fixture(autouse=True)
def time_stands_still(monkeypatch):
    monkeypatch.setattr(quiesce_mark, "_now", lambda: NOW)


class Compute:
    """One server, and how it keeps its metadata.

    :param rival: the mark of a freeze that is written in the moment when ours is.
    :param status: what Nova shows of the server.
    """

    cloud = SimpleNamespace(site="primary")

    def __init__(self, there=None, rival=None, status="ACTIVE"):
        self.metadata, self._rival, self._status = {}, rival, status
        if there:
            self.write(there)

    def write(self, mark):
        self.metadata["osdr_freeze"] = json.dumps(dataclasses.asdict(mark))

    def server(self, _server_id):
        return server("db", status=self._status, metadata=dict(self.metadata))

    def set_metadata(self, _server_id, metadata):
        self.metadata.update(metadata)
        if self._rival:
            self.write(self._rival)

    def delete_metadata(self, _server_id, key):
        del self.metadata[key]

    @property
    def mark(self):
        return FreezeMark.of(self.server("id-db"))


def put(mark, compute=None):
    compute = compute or Compute(there=FreezeMark(mark.driver, mark.until, mark.token))
    FreezeMarks(compute).put(server("db"), mark)
    return compute.metadata


def marked_with(**facts):
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
        pytest.param({"frozen": NOON, "filesystems": 0}, True, id="confirmed, of no file system"),
        pytest.param({"frozen": NOON, "filesystems": 10**6}, True, id="confirmed, of as many as there can be"),
        pytest.param({}, False, id="not confirmed yet"),
        pytest.param({"frozen": NOON, "thawing": True}, False, id="being ended"),
    ],
)
def test_a_freeze_stands_from_its_confirmation_until_its_thaw(facts, stands):
    assert FreezeMark.stands_on(marked_with(**facts)) is stands


def test_without_a_mark_there_is_no_freeze():
    assert not FreezeMark.stands_on(server("db"))
    assert FreezeMark.of(server("db")) is None


def test_a_mark_of_the_former_form_is_read():
    mark = FreezeMark.of(marked_with())
    assert (mark.driver, mark.until, mark.token, mark.frozen) == ("nova", LATER, "t", None)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"frozen": 5}, id="a number as time"),
        pytest.param({"frozen": ["noon"]}, id="a list as time"),
        pytest.param({"frozen": NOON, "requested": 5}, id="a number as time of the request"),
        pytest.param({"frozen": NOON, "driver": ["nova"]}, id="a list as driver"),
        pytest.param({"frozen": NOON, "token": None}, id="no token"),
        pytest.param({"frozen": NOON, "filesystems": "2"}, id="a text as number of file systems"),
        pytest.param({"frozen": NOON, "filesystems": True}, id="a truth as number of file systems"),
        pytest.param({"frozen": NOON, "filesystems": -1}, id="less than no file systems"),
        pytest.param({"frozen": NOON, "filesystems": 10**6 + 1}, id="more file systems than anybody has"),
        pytest.param({"frozen": NOON, "filesystems": float("inf")}, id="file systems without end"),
        pytest.param({"frozen": NOON, "thawing": 0}, id="a number as truth"),
        pytest.param({"frozen": NOON, "strange": 1}, id="something unknown"),
    ],
)
def test_a_mark_that_somebody_tampered_with_is_no_freeze_that_stands(facts):
    """Marks are metadata of servers, which anybody in the project can write."""
    assert not FreezeMark.stands_on(marked_with(**facts))


@pytest.mark.parametrize(
    "until",
    ["noon", 5, None, LATER.rstrip("Z"), "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", at(seconds=LONGEST_FREEZE + 41)],
)
def test_a_mark_whose_time_nobody_of_us_would_have_written_is_a_leftover(until):
    """It would keep the server from ever being frozen again."""
    assert FreezeMark.of(marked_with(until=until)).is_leftover


@pytest.mark.parametrize(
    ("difference", "is_over"),
    [({"seconds": -40}, False), ({"seconds": -41}, True), ({"minutes": 1}, False), ({"seconds": LONGEST_FREEZE + 40}, False)],
    ids=["as far as clocks may differ", "beyond that", "yet to come", "a long time"],
)
def test_a_mark_whose_time_is_over_is_a_leftover(difference, is_over):
    assert dataclasses.replace(FROZEN, until=at(**difference)).is_leftover is is_over


# Who holds a freeze

OURS, THEIRS = FreezeMark.new("nova", LATER), FreezeMark.new("nova", LATER)
OURS_FROZEN = dataclasses.replace(OURS, requested=NOON, frozen=NOON)


def test_a_server_that_nobody_holds_can_be_had():
    compute = Compute()
    put(OURS, compute)
    assert compute.mark == OURS


def test_a_server_that_another_freeze_holds_is_refused_and_its_mark_stays():
    compute = Compute(there=THEIRS)
    with pytest.raises(FreezeFailed, match=rf"Server db \(id-db\) is held by another freeze until {LATER}\. Wait for it to end"):
        put(OURS, compute)
    assert compute.mark == THEIRS


def test_of_two_who_find_a_server_free_one_has_it():
    compute = Compute(rival=THEIRS)
    with pytest.raises(FreezeFailed, match="is held by another freeze"):
        put(OURS, compute)
    assert compute.mark == THEIRS


@pytest.mark.parametrize("left", [{}, {"osdr_freeze": "damaged"}, {"osdr_freeze": json.dumps(dataclasses.asdict(dataclasses.replace(THEIRS, until=NOON)))}])
def test_a_mark_that_does_not_stay_is_no_mark(monkeypatch, left):
    compute = Compute()
    monkeypatch.setattr(compute, "set_metadata", lambda _server_id, _metadata: compute.metadata.update(left))
    with pytest.raises(FreezeFailed, match="has lost the mark of this freeze"):
        put(OURS, compute)


@pytest.mark.parametrize("until", [at(hours=-1), "unknown", "2999-01-01T00:00:00Z"])
def test_a_mark_whose_time_is_over_holds_nobody(until):
    compute = Compute(there=dataclasses.replace(THEIRS, until=until))
    put(OURS, compute)
    assert compute.mark == OURS


@pytest.mark.parametrize("later", [OURS_FROZEN, dataclasses.replace(OURS, thawing=True)])
def test_more_is_said_only_of_a_freeze_whose_mark_is_there(later):
    compute = Compute(there=OURS)
    put(later, compute)
    assert compute.mark == later
    with pytest.raises(FreezeFailed, match="no longer has the mark of this freeze"):
        put(later, Compute())
    with pytest.raises(FreezeFailed, match="is held by another freeze"):
        put(later, Compute(there=THEIRS))


def test_only_the_mark_of_the_same_freeze_is_taken_away():
    compute = Compute(there=THEIRS)
    FreezeMarks(compute).remove(server("db"), OURS)
    assert compute.mark == THEIRS
    FreezeMarks(compute).remove(server("db"), THEIRS)
    assert compute.mark is None
    FreezeMarks(compute).remove(server("db"), THEIRS)


class Unanswered(Compute):
    """Takes a mark away, and the answer is lost.

    :param meanwhile: the mark of a freeze that is put before anybody asks again.
    """

    def __init__(self, there, meanwhile=None):
        super().__init__(there)
        self._answers, self._meanwhile = iter([False]), meanwhile

    def delete_metadata(self, server_id, key):
        if next(self._answers, True):
            super().delete_metadata(server_id, key)
            return
        if self._meanwhile:
            self.write(self._meanwhile)
        raise NoAnswer("Nova is away.")


def test_a_mark_is_taken_away_though_nova_is_away_just_then():
    compute = Unanswered(OURS)
    FreezeMarks(compute).remove(server("db"), OURS)
    assert compute.mark is None


def test_the_mark_that_another_freeze_has_put_meanwhile_stays():
    compute = Unanswered(OURS, meanwhile=THEIRS)
    FreezeMarks(compute).remove(server("db"), OURS)
    assert compute.mark == THEIRS


def test_any_mark_can_be_taken_away():
    compute = Compute(there=THEIRS)
    FreezeMarks(compute).remove(server("db"))
    assert compute.mark is None


def test_a_server_that_is_gone_bears_no_mark_that_had_to_be_taken_away(mocker):
    compute = mocker.Mock(server=mocker.Mock(side_effect=NotFound("There is no such server.")))
    FreezeMarks(compute).remove(server("db"), OURS)


@pytest.mark.parametrize("status", ["UNKNOWN", ""])
def test_where_nova_shows_no_marks_nobody_takes_them_for_gone(status):
    marks = FreezeMarks(Compute(there=OURS, status=status))
    with pytest.raises(CloudError, match="Site 'primary' cannot tell whether server id-db is marked"):
        marks.current("id-db")
    with pytest.raises(CloudError):
        marks.remove(server("db"), OURS)


@pytest.mark.parametrize(
    ("mark", "is_held"),
    [
        pytest.param(OURS, True, id="it will be frozen"),
        pytest.param(dataclasses.replace(OURS, thawing=True), True, id="it is being thawed"),
        pytest.param(OURS_FROZEN, False, id="it is left frozen for others"),
        pytest.param(dataclasses.replace(OURS, until=at(hours=-1)), False, id="its time is over"),
        pytest.param(None, False, id="none"),
    ],
)
def test_what_a_run_freezes_for_itself_is_no_others(mark, is_held):
    problem = held_problem(Compute(there=mark).server("id-db"))
    assert (problem is not None) is is_held
    assert not is_held or "is held by another freeze until" in problem


@pytest.mark.parametrize(("mark", "is_left"), [(OURS, False), (dataclasses.replace(OURS, until=NOON), True), (None, False)])
def test_a_server_is_a_leftover_when_its_mark_is(mark, is_left):
    assert is_leftover(Compute(there=mark).server("id-db")) is is_left
