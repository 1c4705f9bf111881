# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks that act at the site where the application runs call."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection, names
from ansible_collections.osdr.openstack.tests.unit.support import shop

VOLUMES = [{"servers": ["orders-db"], "device": "/dev/vdb", "name": "orders-db-data-incident-42", "volume_id": "4b6f5a53"}]
GIVEN = {"dr_volume_cloud": "primary", "dr_volume_application": "shop", "dr_volume_server": "orders-db", "dr_volume_id": "incident-42"}

ROLLED_BACK = {"roll_back": {"id": "1", "state": "rolled_back"}, "resumed": False, "removed": ["orders-db-root (1)"], "servers": [], "kept": [{"name": "x"}]}
SHOP = {"dr_roll_back_application": shop.DOCUMENT["application"], "dr_roll_back_admin_cloud": "primary-admin"}
BACK = "os_application_roll_back"
DIGEST = shop.found()["checkpoint"]["digest"]


@pytest.fixture
def play(tmp_path):
    answers = {
        "os_checkpoint_info": shop.found(),
        "os_restore_beside": {"volumes": VOLUMES},
        "os_restore_cleanup": {"removed": {}, "left": [], "others": []},
        "os_application_roll_back": ROLLED_BACK,
    }

    def run(playbook, *options, changed=(), **given):
        return Collection(tmp_path, {**answers, **dict(changed)}).play(playbook, *options, **given)

    return run


@pytest.mark.parametrize(("given", "devices"), [({}, None), ({"dr_volume_devices": "/dev/vdb"}, ["/dev/vdb"]), ({"dr_volume_devices": ["a", "b"]}, ["a", "b"])])
def test_a_volume_is_made_at_one_site_of_a_checkpoint_in_the_catalogue_of_another(play, given, devices):
    code, output, calls = play("restore_volume", **GIVEN, **given)
    assert (code, names(calls)) == (0, ["os_checkpoint_info", "os_restore_beside"]), output
    assert (calls[0][1]["cloud"], calls[1][1]["cloud"], calls[1][1].get("volumes")) == ("remote", "primary", devices)
    assert "/dev/vdb of orders-db as of 2026-01-01T12:00:00Z is volume orders-db-data-incident-42 (4b6f5a53)." in " ".join(output.split())


def test_they_are_removed_by_their_id(play):
    given = {"dr_cleanup_application": "shop", "dr_cleanup_checkpoint": "noon", "dr_cleanup_beside": "incident-42"}
    code, output, calls = play("cleanup", dr_cleanup_cloud="primary", **given)
    assert code == 0, output
    assert ("drill" in calls[0][1], calls[0][1]["beside"]) == (False, "incident-42")


# Rolling back


def steps(calls):
    return [given["state"] for name, given in calls if name == BACK]


def test_a_roll_back_is_checked_prepared_and_done(play):
    code, output, calls = play("roll_back", **SHOP, dr_roll_back_not_after="2026-01-01T13:00:00Z")
    assert (code, names(calls), steps(calls)) == (0, ["os_checkpoint_info", *[BACK] * 3], ["rolled_back", "prepared", "rolled_back"]), output
    assert (calls[0][1]["cloud"], calls[0][1]["not_after"]) == ("remote", "2026-01-01T13:00:00Z")
    for _name, given in calls[1:]:
        assert (given["cloud"], given["catalogue_cloud"], given["site"], given["admin_cloud"]) == ("primary", "remote", "primary", "primary-admin")
        assert (given["checkpoint"], given["digest"], given["quiesce"]) == ("noon", DIGEST, {"admin_cloud": "primary-admin"})
    assert "To go back to them, run the playbook roll_back_undo" in " ".join(output.split())


@pytest.mark.parametrize("nothing", [{}, {"dr_roll_back_not_after": ""}])
def test_how_far_back_must_be_said(play, nothing):
    code, output, calls = play("roll_back", **SHOP, **nothing)
    assert (code != 0, calls) == (True, []), output
    assert "Say how far back" in output


@pytest.mark.parametrize("resumed", [False, True])
def test_a_checkpoint_of_what_there_is_is_taken_once_if_it_is_wanted(play, resumed):
    given = {**SHOP, "dr_roll_back_checkpoint": "noon", "dr_roll_back_checkpoint_first": True}
    changed = {BACK: {**ROLLED_BACK, "resumed": resumed}, "os_cg_snapshot": {"failed": True, "msg": "It was asked for."}}
    _code, output, calls = play("roll_back", **given, changed=changed)
    assert ("os_cg_snapshot" in names(calls)) is not resumed, output
    # Nothing is made before it is there.
    assert steps(calls) == (["rolled_back", "prepared", "rolled_back"] if resumed else ["rolled_back"])


def test_what_cannot_be_done_ends_it_before_the_first_change(play):
    changed = {BACK: {"failed": True, "msg": "The quota is too small."}}
    code, output, calls = play("roll_back", **SHOP, dr_roll_back_checkpoint="noon", changed=changed)
    assert (code != 0, steps(calls)) == (True, ["rolled_back"]), output


@pytest.mark.parametrize(
    ("playbook", "state", "told"), [("roll_back_undo", "undone", "runs at site 'primary' as before"), ("roll_back_accept", "accepted", "Removed")]
)
def test_the_way_back_and_the_end_need_no_checkpoint(play, playbook, state, told):
    code, output, calls = play(playbook, **SHOP)
    assert (code, names(calls), steps(calls)) == (0, [BACK], [state]), output
    assert "checkpoint" not in calls[0][1] and told in " ".join(output.split())


# Encrypted volumes

KEYS = ("volume_private_key", "import_cloud", "store_cloud")


def keys(calls, module):
    return {tuple(given.get(name) for name in KEYS) for name, given in calls if name == module}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (None, None, None)),
        ({"dr_volume_private_key": ""}, (None, None, None)),
        ({"dr_volume_private_key": "PEM", "dr_volume_admin_cloud": "admin", "dr_volume_store_cloud": "store"}, ("PEM", "admin", "store")),
    ],
)
def test_a_single_volume_gets_what_encrypted_ones_need(play, given, expected):
    code, output, calls = play("restore_volume", **GIVEN, **given)
    assert (code, keys(calls, "os_restore_beside")) == (0, {expected}), output


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"dr_roll_back_admin_cloud": "primary"}, (None, None, None)),
        ({"dr_roll_back_volume_private_key": "PEM", "dr_roll_back_store_cloud": "store"}, ("PEM", "primary-admin", "store")),
    ],
)
def test_every_step_of_a_roll_back_gets_what_encrypted_volumes_need(play, given, expected):
    code, output, calls = play("roll_back", **{**SHOP, **given}, dr_roll_back_checkpoint="noon")
    assert (code, steps(calls), keys(calls, BACK)) == (0, ["rolled_back", "prepared", "rolled_back"], {expected}), output


# The report


@pytest.mark.parametrize("done", [True, False])
def test_a_roll_back_writes_its_report_where_that_is_wanted(play, done):
    result = {**ROLLED_BACK, "changed": done, "stopped_at": "2026-01-01T14:00:00.000Z", "warnings": ["A port lacks its tags."]}
    changed = {BACK: result, "os_run_report": {}}
    code, output, calls = play("roll_back", **SHOP, dr_roll_back_checkpoint="noon", dr_roll_back_report="/reports", changed=changed)
    assert (code, names(calls)[-1]) == (0, "os_run_report"), output
    report = calls[-1][1]
    told = report["roll_back"]
    assert report["warnings"] == ["A port lacks its tags."]
    assert (report["path"], report["force"], report["id"], report["parts"]) == ("/reports", done, "noon", [{"cloud": "remote", "digest": DIGEST}])
    assert (told["site"], told["id"], told["stopped_at"], told["kept"]) == ("primary", "1", "2026-01-01T14:00:00.000Z", [{"name": "x"}])
    assert (len(told["volumes"]), len(told["servers"])) == (1, 1)
