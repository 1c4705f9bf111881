# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role dr_checkpoint makes and says of the id of a checkpoint, by which an interrupted run goes on."""

from __future__ import annotations

import json
import pathlib
import re

import pytest
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection
from ansible_collections.osdr.openstack.tests.unit.support import shop

GIVEN = {"dr_checkpoint_application": shop.DOCUMENT["application"]}
#: What the check has found out about a server.
FREEZES = [{"id": "id-orders", "driver": "nova", "guard": "nova", "probed_at": "2026-11-22T12:00:00+00:00"}]
SAID = re.compile(r"To resume an interrupted run, add -e dr_checkpoint_id=(\S+); without it a new checkpoint is taken")


@pytest.fixture
def play(tmp_path):
    """Plays the playbook up to the check, which refuses."""
    answers = {"os_checkpoint_info": {"checkpoint": None}, "os_checkpoint_check": {"failed": True, "msg": "A quota is too small."}}
    return lambda *arguments, **given: Collection(tmp_path, answers).play("checkpoint", *arguments, **GIVEN, **given)


def test_the_id_that_a_run_makes_is_told_before_anything_can_fail(play):
    _code, output, calls = play()
    (told,) = SAID.findall(output)
    assert {given.get("checkpoint", given.get("name")) for _name, given in calls} == {told}


def test_of_an_id_that_was_given_nothing_is_told(play):
    _code, output, calls = play(dr_checkpoint_id="first")
    assert (SAID.findall(output), calls[0][1]["checkpoint"]) == ([], "first")


def test_a_run_that_takes_nothing_has_nothing_to_go_on_with(play):
    _code, output, calls = play("--check")
    assert (SAID.findall(output), calls != []) == ([], True)


def test_the_word_for_the_newest_checkpoint_is_the_id_of_none(play):
    code, output, calls = play(dr_checkpoint_id="latest")
    assert (code != 0, calls) == (True, []), output
    assert "dr_checkpoint_id must not be 'latest'" in output


def names(calls):
    return [name for name, _given in calls]


@pytest.fixture
def take(tmp_path):
    """Plays the playbook until it publishes, which fails, with an application that differs from its snapshots in what is given."""

    def run(*differences, published=None, **given):
        captured = {"application_description": {"servers": []}, "differences": list(differences)}
        answers = {
            "os_checkpoint_info": {"checkpoint": None},
            "os_checkpoint_check": {"checkpoint_check": {"freezes": FREEZES}},
            "os_application_info": captured,
            "os_cg_snapshot": {"cg_snapshot": {"name": "first"}},
            "os_backup_replicate": {"replication": {"unproved": ""}},
            "os_checkpoint": published or {"failed": True, "msg": "That will do."},
        }
        return Collection(tmp_path, answers).play("checkpoint", **GIVEN, dr_checkpoint_id="first", **given)

    return run


def test_the_manifest_has_what_was_captured_after_the_snapshots_in_the_same_draft(take):
    _code, output, calls = take()
    begun = ["os_checkpoint_info", "os_checkpoint_check", "os_application_info"]
    assert names(calls) == [*begun, "os_cg_snapshot", "os_application_info", "os_backup_replicate", "os_checkpoint"], output
    (set_of,) = [given for name, given in calls if name == "os_cg_snapshot"]
    assert set_of["freezes"] == FREEZES, "guest agents are asked once in a run"
    before, after = [given for name, given in calls if name == "os_application_info"]
    (draft,) = {before["draft"], after["draft"], *set_of["drafts"], *(given["draft"] for _name, given in calls[-2:])}
    assert not pathlib.Path(draft).parent.exists(), "drafts are gone when the run has ended, in whatever way"


def test_an_application_that_is_changed_all_the_time_is_snapshotted_three_times_and_not_copied(take):
    code, output, calls = take("volume 5 of server orders-db has no snapshot")
    assert names(calls)[3:] == ["os_cg_snapshot", "os_application_info"] * 3
    assert code != 0
    assert "so the snapshots are not of what it is now: volume 5 of server orders-db has no snapshot. Nothing was published. Re-run with" in output


HOOK = """
- name: Note what a hook knows
  ansible.builtin.copy:
    content: "{{ dr_hook | to_json }}"
    dest: "{{ noted }}/{{ dr_hook.point }}"
    mode: "0600"
"""


def test_hooks_are_told_where_all_is_that_grows_with_the_application(take, tmp_path):
    points = ["before_snapshot", "after_snapshot", "after_copy", "after_publish"]
    (tmp_path / "hook.yml").write_text(HOOK)
    hooks = {point: [str(tmp_path / "hook.yml")] for point in points}
    _code, output, calls = take(published={"checkpoint": {"id": "first"}}, noted=str(tmp_path), dr_checkpoint_hooks=hooks)
    known = [json.loads((tmp_path / point).read_text()) for point in points]
    drafts = next(given["drafts"] for name, given in calls if name == "os_cg_snapshot")
    assert [one["drafts"] for one in known] == [drafts, drafts, drafts, []], output
    assert [one["snapshots"] for one in known] == [None, *[{"name": "first"}] * 3]
