# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules the roles call, and with whose credentials, for an application over several projects."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection, names
from ansible_collections.osdr.openstack.tests.unit.support import shop

OTHER = {"cloud": "theirs", "admin_cloud": "their-admin", "remote_cloud": "remote-theirs"}
CHECKPOINT = {
    "dr_checkpoint_application": shop.DOCUMENT["application"],
    "dr_checkpoint_id": "first",
    "dr_checkpoint_cloud": "ours",
    "dr_checkpoint_admin_cloud": "admin",
    "dr_checkpoint_remote_cloud": "remote-ours",
    "dr_checkpoint_projects": [OTHER],
    "dr_checkpoint_keep": {"last": 3},
}


def part(project, *tiers):
    return {
        "project_id": project,
        "application": {"name": "shop", "tiers": [one for one in shop.DOCUMENT["application"]["tiers"] if one["name"] in tiers]},
        "together": {"project": project, "projects": ["p-ours", "p-theirs"], "tiers": ["database", "front"]},
    }


PARTS = [part("p-ours", "database"), part("p-theirs", "front")]
TAKEN = {"cg_snapshot": {"name": "whole"}, "parts": [{"project_id": one["project_id"], "cg_snapshot": {"name": one["project_id"]}} for one in PARTS]}
FREEZES = [{"id": "id-orders", "driver": "nova", "guard": "nova", "probed_at": "2026-11-22T12:00:00+00:00"}]


@pytest.fixture
def checkpoint(tmp_path):
    """Plays the playbook up to its report, for which it finds nothing published."""

    def run(*arguments, **answers):
        answers = {
            "os_checkpoint_info": {"checkpoint": None},
            "os_checkpoint_check": {"checkpoint_check": {"freezes": FREEZES, "parts": PARTS}},
            "os_application_info": {"application_description": {"servers": []}, "differences": []},
            "os_cg_snapshot": TAKEN,
            "os_backup_replicate": {"replication": {"unproved": ""}},
            **answers,
        }
        return Collection(tmp_path, answers).play("checkpoint", *arguments, **CHECKPOINT)

    return run


def of(calls, name, *keys):
    return [tuple(given.get(key) for key in keys) for called, given in calls if called == name]


def test_one_window_is_held_over_all_and_each_project_has_its_part_copied_with_its_own_credentials(checkpoint):
    _code, output, calls = checkpoint()
    captures = ["os_application_info"] * 2
    assert names(calls)[:7] == ["os_checkpoint_info", "os_checkpoint_check", *captures, "os_cg_snapshot", *captures], output
    given = dict(calls[:7])
    assert given["os_checkpoint_check"]["others"] == [OTHER]
    window = given["os_cg_snapshot"]
    assert (window["cloud"], window["other_clouds"], window["admin_cloud"]) == ("ours", ["theirs"], "admin")
    assert window["application"] == shop.DOCUMENT["application"]
    captured = of(calls, "os_application_info", "cloud", "admin_cloud", "application", "draft")
    ours, theirs = window["drafts"]
    assert ours != theirs
    assert captured == [("ours", "admin", PARTS[0]["application"], ours), ("theirs", "their-admin", PARTS[1]["application"], theirs)] * 2
    assert of(calls, "os_backup_replicate", "draft") == [(ours,), (theirs,)]
    copied = of(calls, "os_backup_replicate", "cloud", "admin_cloud", "remote_cloud", "remote_admin_cloud", "store_cloud")
    assert copied == [("ours", "admin", "remote-ours", "remote-ours", "ours"), ("theirs", "their-admin", "remote-theirs", None, None)]


def test_the_leading_project_is_published_last_and_pruned_by_the_rules_which_the_others_follow(checkpoint):
    _code, output, calls = checkpoint()
    published = of(calls, "os_checkpoint", "cloud", "together", "draft")
    ours, theirs = next(given["drafts"] for name, given in calls if name == "os_cg_snapshot")
    assert published == [("remote-theirs", PARTS[1]["together"], theirs), ("remote-ours", PARTS[0]["together"], ours)], output
    removed = [given for name, given in calls if name == "os_cg_snapshot"][-1]
    assert (removed["state"], removed["cloud"], removed["other_clouds"]) == ("absent", "ours", ["theirs"])
    pruned = of(calls, "os_checkpoint_prune", "cloud", "primary_cloud", "leading_cloud")
    assert pruned == [("remote-ours", "ours", None), ("remote-theirs", "theirs", "remote-ours")]
    keeps = [given.get("keep") for name, given in calls if name == "os_checkpoint_prune"]
    assert [keeps[0]["last"], keeps[1]] == [3, None]


def test_what_differs_in_any_project_is_another_round_for_all(checkpoint):
    code, output, calls = checkpoint(os_application_info={"application_description": {"servers": []}, "differences": ["volume 5 has no snapshot"]})
    assert code != 0
    assert names(calls)[4:] == ["os_cg_snapshot", "os_application_info", "os_application_info"] * 3, output


def test_a_check_changes_nothing_and_captures_every_part(checkpoint):
    code, output, calls = checkpoint("--check", os_cg_snapshot={"cg_snapshot": None})
    assert code == 0, output
    assert len(of(calls, "os_application_info", "cloud")) == 2
    assert not {"os_backup_replicate", "os_checkpoint"} & {*names(calls)}


def test_the_report_is_of_all_projects(tmp_path):
    """Of a checkpoint that is there already, so that this is all that is left to do."""
    found, changes = shop.found(), {"since": None, "changes": []}
    answers = {"os_checkpoint_info": found, "os_application_changes_info": changes}
    code, output, calls = Collection(tmp_path, answers).play("checkpoint", **CHECKPOINT, dr_checkpoint_report=str(tmp_path))
    assert code == 0, output
    assert of(calls, "os_checkpoint_info", "cloud")[-2:] == [("remote-ours",), ("remote-theirs",)]
    parts = [{"cloud": one, "digest": found["checkpoint"]["digest"]} for one in ("remote-ours", "remote-theirs")]
    assert of(calls, "os_run_report", "application", "id", "parts") == [("shop", "first", parts)]
    assert f"{2 * found['checkpoint']['volumes']} volumes of 2 projects" in output


# The restore


def found_part(project, *tiers):
    """A part that has these tiers, with a server each."""
    made = shop.found()
    made["checkpoint"]["together"] = {"project": project, "projects": ["p-ours", "p-theirs"], "tiers": ["database", "front", "last"]}
    made["checkpoint"]["tiers"] = [{"name": tier, "servers": [f"{project}-{tier}"]} for tier in tiers]
    return made


FOUND = found_part("p-ours", "database", "last")
DIGEST = FOUND["checkpoint"]["digest"]


RESTORE = {
    "dr_restore_application": "shop",
    "dr_restore_cloud": "remote-ours",
    "dr_restore_admin_cloud": "admin",
    "dr_restore_mapping": {"schema_version": 1},
    "dr_restore_remove_old": True,
    "dr_restore_projects": [{"cloud": "remote-theirs", "admin_cloud": "their-admin", "mapping": {"schema_version": 1, "networks": {}}}],
}
STEPS = ["os_restore_check", "os_application_supersede", "os_restore_volumes", "os_restore_networks", "os_active_site"]


@pytest.fixture
def restore(tmp_path):
    """Plays the playbook with the first part in both catalogues: a module of a play answers the same each time."""

    def run(**given):
        answers = {"os_checkpoint_info": FOUND, **given.pop("answers", {})}
        return Collection(tmp_path, answers).play("restore", **{**RESTORE, **given})

    return run


def test_every_step_is_done_in_every_project_with_its_own_credentials(restore):
    code, output, calls = restore()
    assert code == 0, output
    for step in STEPS:
        assert of(calls, step, "cloud") == [("remote-ours",), ("remote-theirs",)], step
    administrators = [("admin",), ("their-admin",)]
    for step, key in (("os_restore_check", "admin_cloud"), ("os_restore_volumes", "import_cloud"), ("os_application_supersede", "admin_cloud")):
        assert of(calls, step, key) == administrators, step
    assert of(calls, "os_restore_check", "mapping") == [({"schema_version": 1},), ({"schema_version": 1, "networks": {}},)]


def test_the_leading_project_says_which_checkpoint_it_is_and_each_part_is_that_of_its_own_catalogue(restore):
    _code, output, calls = restore()
    found = of(calls, "os_checkpoint_info", "cloud", "checkpoint")
    assert found == [("remote-ours", "latest"), ("remote-ours", "noon"), ("remote-theirs", "noon")], output


def test_the_report_of_a_restore_is_of_all_projects(restore, tmp_path):
    _code, output, calls = restore(dr_restore_report=str(tmp_path))
    parts = [{"cloud": one, "digest": DIGEST} for one in ("remote-ours", "remote-theirs")]
    assert of(calls, "os_run_report", "application", "id", "parts") == [("shop", "noon", parts)], output


def test_each_part_is_checked_and_its_networks_made_with_those_of_the_others_in_mind(restore):
    _code, output, calls = restore()
    for step in ("os_restore_check", "os_restore_networks"):
        first, second = [given["others"] for name, given in calls if name == step]
        assert [sorted(one) for one in (*first, *second)] == [["cloud", "digest", "mapping"]] * 2, output
        assert of(calls, step, "checkpoint", "digest") == [("noon", DIGEST)] * 2
        assert [one["cloud"] for one in (*first, *second)] == ["remote-theirs", "remote-ours"]
        assert first[0]["mapping"] == RESTORE["dr_restore_projects"][0]["mapping"]


def test_what_is_wrong_in_any_project_is_told_of_all_before_the_first_change(restore):
    code, output, calls = restore(answers={"os_restore_check": {"restore_check": {"problems": ["A quota is too small. Raise it.", "A flavor is missing."]}}})
    assert code != 0
    assert of(calls, "os_restore_check", "cloud", "fail_on_problems") == [("remote-ours", False), ("remote-theirs", False)]
    for where in ("In the project of dr_restore_cloud", "In project 1 of dr_restore_projects"):
        assert f"{where}: A quota is too small. Raise it. A flavor is missing." in output, output
    assert not {*STEPS[1:]} & {*names(calls)}


def test_tiers_come_in_the_order_of_the_whole_application(restore):
    _code, output, calls = restore()
    built = of(calls, "os_restore_servers", "tiers", "cloud", "admin_cloud")
    assert built == [
        (["database"], "remote-ours", "admin"),
        (["database"], "remote-theirs", "their-admin"),
        (["last"], "remote-ours", "admin"),
        (["last"], "remote-theirs", "their-admin"),
    ], output


@pytest.mark.parametrize("some", [{"dr_restore_servers": ["p-ours-database"]}, {"dr_restore_tiers": ["database"]}])
def test_some_servers_are_restored_project_by_project(restore, some):
    code, output, calls = restore(**some)
    assert code != 0
    assert "Leave out dr_restore_projects, and set dr_restore_cloud to the project that has them" in output
    assert not {*STEPS} & {*names(calls)}


@pytest.mark.parametrize("given", [{"dr_checkpoint_projects": [OTHER]}, {"dr_restore_projects": [{"cloud": "remote-theirs"}]}])
def test_a_move_is_refused_before_anybody_is_asked_anything(tmp_path, given):
    code, output, calls = Collection(tmp_path, {}).play("failover", **given)
    assert (code != 0, calls) == (True, []), output
    assert "Applications over several projects (dr_checkpoint_projects, dr_restore_projects) cannot be moved in one run" in output
