# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.playbook.task import Task
from ansible_collections.osdr.openstack.plugins.action import os_run_report
from ansible_collections.osdr.openstack.plugins.modules import os_run_report as documented
from ansible_collections.osdr.openstack.tests.unit.support import runs

RESTORE = {"began_at": runs.at(0, 30), "seconds": "48.3", "volumes": runs.volume_results(), "servers": runs.server_results()}


class Copying:
    """Stands in for the action that copies, and for what finds it.

    :param results: of each call in turn.
    """

    def __init__(self, *results):
        self.action_loader = self
        self.asked, self.contents = [], []
        self._results = list(results)

    def get(self, name, task, **_others):
        assert name == "ansible.legacy.copy"
        self.asked.append(task.args)
        self.contents.append(Path(task.args["src"]).read_text(encoding="utf-8"))
        return SimpleNamespace(run=lambda task_vars: self._results.pop(0) if self._results else {"changed": True})


def run(copying, **arguments):
    task = Task()
    task.action = "osdr.openstack.os_run_report"
    task.args = {"path": "/reports", "manifest": runs.manifest(), **arguments}
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    action = os_run_report.ActionModule(task, connection, None, None, None)
    action._shared_loader_obj = copying
    return action.run(task_vars={})


def test_all_projects_of_an_application_are_in_its_report():
    copying, (leading, other) = Copying(), runs.in_two_projects()
    run(copying, checkpoint={"consistency": "quiesced"}, manifest=leading, other_manifests=[other])
    assert [one["project"] for one in json.loads(copying.contents[1])["servers"]] == ["p-databases", "p-databases", "p-front"]


def test_page_and_json_are_copied_to_where_they_belong():
    copying = Copying()
    result = run(copying, checkpoint={"consistency": "quiesced"})
    assert [(Path(one["src"]).name, one["dest"], one["force"], one["mode"]) for one in copying.asked] == [
        ("shop.2026-11-22-noon.checkpoint.html", "/reports/", True, "0644"),
        ("shop.2026-11-22-noon.checkpoint.json", "/reports/", True, "0644"),
    ]
    assert copying.contents[0].startswith("<!DOCTYPE html>")
    assert json.loads(copying.contents[1])["figures"]["policy_met"]
    assert result["report"] == {"path": "/reports/shop.2026-11-22-noon.checkpoint.html", "json": "/reports/shop.2026-11-22-noon.checkpoint.json"}


def test_no_copy_of_the_files_is_left_on_the_controller():
    copying = Copying()
    run(copying, restore=RESTORE)
    assert not any(Path(one["src"]).parent.exists() for one in copying.asked)


def test_what_is_there_can_be_left_alone():
    copying = Copying()
    run(copying, restore=RESTORE, path="/reports/x.html", force=False, mode="0600")
    assert [(one["dest"], one["force"], one["mode"]) for one in copying.asked] == [
        ("/reports/x.html", False, "0600"),
        ("/reports/x.json", False, "0600"),
    ]


@pytest.mark.parametrize(("results", "is_changed"), [((False, False), False), ((False, True), True), ((True, False), True)])
def test_one_file_that_changes_is_a_change(results, is_changed):
    assert run(Copying(*({"changed": one} for one in results)), restore=RESTORE)["changed"] is is_changed


def test_the_diff_is_of_both_files_under_their_names():
    diff = {"before": "", "after": "x", "after_header": "/tmp/x"}
    result = run(Copying({"changed": True, "diff": [diff]}, {"changed": True, "diff": diff}), restore=RESTORE, path="x.html")
    assert [one["after_header"] for one in result["diff"]] == ["x.html", "x.json"]


def test_a_copy_that_failed_is_a_failure():
    result = run(Copying({"failed": True, "msg": "No space left."}), restore=RESTORE)
    assert (result["failed"], result["msg"]) == (True, "No space left.")


@pytest.mark.parametrize("arguments", [{}, {"checkpoint": {}, "restore": RESTORE}, {"restore": {"seconds": 1.0}}, {"checkpoint": {"cloud": "x"}}])
def test_a_run_is_exactly_one_of_both(arguments):
    with pytest.raises(AnsibleError):
        run(Copying(), **arguments)


@pytest.mark.parametrize(("arguments", "message"), [({"path": ""}, "path is empty"), ({"manifest": {}}, "names no application")])
def test_nonsense_is_refused_in_words(arguments, message):
    with pytest.raises(AnsibleActionFail, match=message):
        run(Copying(), checkpoint={}, **arguments)


def test_options_are_those_that_are_documented():
    assert _shape(yaml.safe_load(documented.DOCUMENTATION)["options"], "suboptions") == _shape(os_run_report._SPEC, "options")


def _shape(options, nested):
    def one(spec):
        facts = {key: spec.get(key) for key in ("type", "elements", "default")}
        return {**facts, "required": bool(spec.get("required")), "inside": _shape(spec.get(nested) or {}, nested)}

    return {name: one(spec) for name, spec in options.items()}


def test_a_roll_back_has_a_report_of_its_own():
    copying = Copying()
    given = {"site": "primary", "id": "1", "volumes": runs.volume_results(), "servers": runs.server_results(), "kept": runs.KEPT}
    result = run(copying, roll_back=given)
    assert result["report"]["path"] == "/reports/shop.2026-11-22-noon.roll_back.html"
    assert json.loads(copying.contents[1])["figures"]["kept_volumes"] == len(runs.KEPT)
