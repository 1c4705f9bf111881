# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.consistency import LEVELS
from ansible_collections.osdr.openstack.plugins.module_utils.core.intent import Intent, intents_of
from ansible_collections.osdr.openstack.plugins.module_utils.core.states import (
    STATES,
    Treatment,
    is_off,
    refusal,
    shortfall,
    stands_still,
    state_of,
)
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

#: All that Nova shows (its API guide, and UNKNOWN for a cell that does not answer): what a checkpoint does, at which level, and how it comes back.
NOVAS = {
    "ACTIVE": (Treatment.FROZEN, None, "on"),
    "SHUTOFF": (Treatment.LEFT, "offline", "off"),
    "PAUSED": (Treatment.LEFT, "paused", "off"),
    "SUSPENDED": (Treatment.LEFT, "paused", "off"),
    **{name: (Treatment.REFUSED, None, "off") for name in ("SHELVED", "SHELVED_OFFLOADED")},
    **{
        name: (Treatment.REFUSED, None, "on")
        for name in (
            *("RESCUE", "VERIFY_RESIZE", "ERROR", "SOFT_DELETED", "DELETED", "UNKNOWN", "BUILD", "REBUILD", "REBOOT", "HARD_REBOOT"),
            *("PASSWORD", "MIGRATING", "RESIZE", "CONFIRMING_RESIZE", "REVERT_RESIZE"),
        )
    },
}
MARKED = {"osdr_freeze": json.dumps({"driver": "pause", "until": "2026-11-22T12:00:00Z", "token": "t"})}


def test_every_status_of_nova_is_in_the_registry_once():
    assert sorted(one.name for one in STATES) == sorted(NOVAS)


@pytest.mark.parametrize("status", NOVAS)
def test_what_is_done_about_a_server_in_each_status(status):
    treatment, level, restored = NOVAS[status]
    one = server("db", status=status)
    assert (state_of(one).treatment, state_of(one).level) == (treatment, level)
    assert stands_still(one) is (treatment is Treatment.LEFT)
    assert is_off(one) is (restored == "off")
    assert (refusal(one) is not None) is (treatment is Treatment.REFUSED)


@pytest.mark.parametrize("state", [one for one in STATES if one.treatment is Treatment.REFUSED], ids=lambda one: one.name)
def test_who_is_refused_is_told_why_and_what_to_do(state):
    told = refusal(server("db", status=state.name))
    assert told.startswith(f"Server db (id-db) is {state.name}: it is {state.words}. ")
    assert told.endswith(state.remedy)
    assert state.remedy.endswith(".")


def test_what_comes_back_of_a_protected_server_is_told():
    """The documentation's table is made of this."""
    lost = "the memory of its guest is lost, with what it had not written yet; it is restored switched off"
    assert {one.name: (one.words, one.note) for one in STATES if one.treatment is not Treatment.REFUSED} == {
        "ACTIVE": ("running", "it is restored running"),
        "SHUTOFF": ("shut down", "it is restored switched off, unless all servers are off"),
        "PAUSED": ("paused by its owner", f"it stays paused; {lost}"),
        "SUSPENDED": ("suspended", f"it stays suspended; {lost}"),
    }
    assert [one.value for one in Treatment] == ["frozen for the snapshots", "left as it is", "refused"]


def test_a_status_that_nobody_has_thought_of_is_refused():
    told = refusal(server("db", status="TELEPORTING"))
    assert "is TELEPORTING: it is TELEPORTING, which this release does not know. Bring it to ACTIVE or SHUTOFF." in told
    assert "without a status" in refusal(server("db", status=""))
    assert not stands_still(server("db", status="TELEPORTING"))


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED"])
def test_nobody_stands_still_while_nova_works_on_it(status):
    busy = server("db", status=status, task_state="powering-on")
    assert not stands_still(busy)
    assert f"is {status} (powering-on): a task is under way. Wait" in refusal(busy)


@pytest.mark.parametrize(("status", "still"), [("SHUTOFF", True), ("PAUSED", False), ("SUSPENDED", False)])
def test_what_a_freeze_holds_is_not_its_owners_doing(status, still):
    held = server("db", status=status, metadata=MARKED)
    assert stands_still(held) is still
    assert is_off(held) is still


@pytest.mark.parametrize("least", LEVELS)
@pytest.mark.parametrize("status", ["PAUSED", "SUSPENDED"])
def test_what_is_paused_is_good_enough_only_where_that_is_accepted(status, least):
    told = shortfall(server("db", status=status), least)
    assert (told is None) is (least in ("paused", "crash"))
    if told:
        assert f"db (id-db) is {status}" in told
        assert f"can only be paused-consistent, but {least} is required. {state_of(server('db', status=status)).remedy}" in told


def test_what_is_shut_down_is_good_enough_for_everything():
    assert [shortfall(server("db", status="SHUTOFF"), least) for least in LEVELS] == [None] * len(LEVELS)


def test_what_runs_has_no_level_of_its_own():
    assert shortfall(server("db"), "offline") is None


@pytest.mark.parametrize("status", ["SHUTOFF", "PAUSED", "SUSPENDED"])
def test_who_does_not_run_is_restored_off_unless_none_runs(status):
    resting, other = server("standby", status=status), server("db")
    assert Intent.of(resting).is_off
    assert {one: intent.is_off for one, intent in intents_of([resting, other]).items()} == {"id-standby": True, "id-db": False}
    assert not any(intent.is_off for intent in intents_of([resting]).values())
