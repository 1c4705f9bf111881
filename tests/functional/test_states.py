# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server in each state that the lab can bring about: protected as what it is, or refused with what its owner has to do."""

from __future__ import annotations

import pytest
from laboratory import DRIVERS, cloud
from small import small

pytestmark = pytest.mark.campaign


@pytest.fixture(scope="module")
def alone(application):
    """An application of one server."""
    with small("state", ["only"]) as made:
        made.build()
        yield made


#: What brings a server into a state, and back.
STANDING_STILL = {
    "PAUSED": ({"pause": None}, {"unpause": None}),
    "SUSPENDED": ({"suspend": None}, {"resume": None}),
    "SHUTOFF": ({"os-stop": None}, {"os-start": None}),
}
REFUSED = {
    "SHELVED_OFFLOADED": ({"shelve": None}, {"unshelve": None}, "Unshelve it"),
    "ERROR": ({"os-resetState": {"state": "error"}}, {"os-resetState": {"state": "active"}}, "Repair it"),
}


@pytest.mark.parametrize("status", ["PAUSED", *(pytest.param(one, marks=pytest.mark.campaign) for one in ("SUSPENDED", "SHUTOFF"))])
def test_what_stands_still_by_itself_is_left_as_it_is(alone, status):
    there, back = STANDING_STILL[status]
    alone.act(there, status=status)
    try:
        before = alone.server()
        if status != "SHUTOFF":
            refused = alone.snapshots(quiesce=DRIVERS["nova"])
            assert f"is {status}: it is" in refused["msg"] and "can only be paused-consistent, but quiesced is required" in refused["msg"], refused
        taken = alone.snapshots(quiesce=DRIVERS["nova"], consistency="paused")["cg_snapshot"]
        (server,) = taken["servers"]
        level = "offline" if status == "SHUTOFF" else "paused"
        assert (taken["consistency"], server["consistency"], server["frozen_at"], taken["window"]) == (level, level, None, None), taken
        assert "before and after" in server["reason"]
        after = alone.server()
        assert (after.status, after.updated_at, after.metadata) == (status, before.updated_at, before.metadata)
    finally:
        alone.snapshots(state="absent")
        alone.act(back, status="ACTIVE")


@pytest.mark.parametrize("status", ["ERROR", pytest.param("SHELVED_OFFLOADED", marks=pytest.mark.campaign)])
def test_what_is_in_no_state_for_it_is_refused_with_what_to_do(alone, status):
    there, back, remedy = REFUSED[status]
    alone.act(there, status=status)
    try:
        for options in ({"quiesce": DRIVERS["nova"]}, {"consistency": "crash"}):
            refused = alone.snapshots(**options)
            assert "this step has changed nothing" in refused["msg"], refused
            assert refused["msg"].count(f"is {status}: it is") == 1 and remedy in refused["msg"], refused
        if status == "SHELVED_OFFLOADED":
            (volume_id,) = [one["id"] for one in alone.server().attached_volumes]
            assert cloud().block_storage.get_volume(volume_id).status == "reserved", "why it is refused"
    finally:
        alone.act(back, status="ACTIVE")
