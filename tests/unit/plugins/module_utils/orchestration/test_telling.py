# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.core.text import timestamp
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.part import (
    DONE,
    FAILED,
    RUNNING,
    SKIPPED,
    WAITING,
    Entrant,
    RunPart,
    Turn,
    shares_of,
)
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.schedule import RunState
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.telling import duration, progress, text
from ansible_collections.osdr.openstack.plugins.modules import os_site_run_info
from ansible_collections.osdr.openstack.tests.unit.support.controllers import BEGINNING

AT = timestamp(BEGINNING)
TURNS = {
    "identity": Turn(DONE, since=AT, seconds=100),
    "shop": Turn(RUNNING, since=AT),
    "wiki": Turn(WAITING, since=AT),
    "crm": Turn(FAILED, since=AT, message="No flavor fits."),
    "mail": Turn(SKIPPED, since=AT, message="It depends on application 'crm'."),
}


def part(run="flood", kind="restore", began=BEGINNING, turns=None, **more):
    turns = TURNS if turns is None else turns
    entrants = {name: Entrant(name, expected=600) for name in turns}
    return RunPart(run, "1", kind, "here", timestamp(began), timestamp(BEGINNING.replace(hour=13)), 1, entrants, turns, **more)


def state(**given):
    return RunState.of("flood", [part(**given)], BEGINNING, {})


def test_progress_is_one_line_for_people():
    assert progress(state(), BEGINNING) == "1 of 5 applications are done, 1 under way (shop), 1 waiting, 1 failed, 1 skipped; about 10 min left"
    assert progress(state(turns={"identity": TURNS["identity"]}), BEGINNING) == "1 of 1 applications are done, 0 under way, 0 waiting"


def test_only_some_are_named():
    turns = {f"a{number}": TURNS["shop"] for number in range(7)}
    assert "7 under way (a0, a1, a2, a3, a4 and 2 more)" in progress(state(turns=turns), BEGINNING)


@pytest.mark.parametrize(("seconds", "said"), [(5, "5 s"), (600, "10 min"), (7199, "2 h 0 min"), (9000, "2 h 30 min")])
def test_durations_are_said_as_people_say_them(seconds, said):
    assert duration(seconds) == said


def test_what_went_wrong_is_told_with_its_cause():
    assert text(state(), BEGINNING).splitlines()[1:] == ["crm failed: No flavor fits.", "mail skipped: It depends on application 'crm'."]


class FakeShelf:
    def __init__(self, *parts, unreadable=()):
        self._shelved = SimpleNamespace(parts=parts, unreadable=unreadable)

    def parts(self):
        return self._shelved


def read(*parts, run=None, unreadable=()):
    warned = []
    module = SimpleNamespace(params={"id": run, "limits": {}}, warn=warned.append)
    return os_site_run_info.run(module, FakeShelf(*parts, unreadable=unreadable), BEGINNING)["runs"], warned


def test_runs_are_listed_with_the_newest_first():
    later = part("later", "drill", BEGINNING.replace(minute=1), {"wiki": TURNS["identity"]}, has_ended=True)
    found, _warned = read(part(), later)
    assert [(one["id"], one["kind"], one["complete"], one["controllers"]) for one in found] == [
        ("later", "drill", True, []),
        ("flood", "restore", False, ["here"]),
    ]
    assert (found[0]["ended"], found[1]["ended"]) == (AT, None)
    assert found[1]["counts"] == {DONE: 1, FAILED: 1, RUNNING: 1, SKIPPED: 1, WAITING: 1}
    assert [one["id"] for one in read(part(), later, run="later")[0]] == ["later"]


def test_what_cannot_be_read_is_a_warning():
    assert read(unreadable=("Object 'x' is damaged.",)) == ([], ["Object 'x' is damaged."])


@pytest.mark.parametrize("given", [{"south": {"boots": "4"}}, {"south": {"cores": 1}}, {"south": 4}, {"south": {"boots": -1}}])
def test_limits_that_are_none_are_refused(given):
    with pytest.raises(InvalidInput, match="It is like"):
        shares_of(given, "limits")
