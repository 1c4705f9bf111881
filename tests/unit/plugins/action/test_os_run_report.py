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


PARTS = [{"cloud": "remote", "digest": "sha256:1"}]


def run(copying, manifests=(), found=None, **arguments):
    """Report on a checkpoint.

    :param manifests: of its parts, per site.
    :param found: what reading them answers instead.
    """
    task = Task()
    task.action = "osdr.openstack.os_run_report"
    task.args = {"path": "/reports", "application": "shop", "id": "2026-11-22-noon", "parts": PARTS, **arguments}
    manifests = dict(manifests or {"remote": runs.manifest()})
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    action = os_run_report.ActionModule(task, connection, None, None, None)
    action._shared_loader_obj = copying
    copying.read = []

    def execute(name, module_args, task_vars):
        copying.read.append((name, module_args))
        return found or {"checkpoint": {"digest": "sha256:1"}, "manifest": manifests[module_args["cloud"]]}

    action._execute_module = execute
    return action.run(task_vars={})


def test_all_projects_of_an_application_are_in_its_report():
    copying, (leading, other) = Copying(), runs.in_two_projects()
    parts = [*PARTS, {"cloud": "theirs"}]
    run(copying, {"remote": leading, "theirs": other}, checkpoint={"consistency": "quiesced"}, parts=parts)
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


@pytest.mark.parametrize(("arguments", "message"), [({"path": ""}, "path is empty"), ({"manifests": {"remote": {}}}, "names no application")])
def test_nonsense_is_refused_in_words(arguments, message):
    with pytest.raises(AnsibleActionFail, match=message):
        run(Copying(), checkpoint={}, **arguments)


def test_the_manifest_is_read_where_the_catalogue_is_and_by_nobody_else():
    copying = Copying()
    run(copying, checkpoint={}, container="dr", hmac_key="secret")
    place = {"cloud": "remote", "container": "dr", "hmac_key": "secret"}
    wanted = {"application": "shop", "checkpoint": "2026-11-22-noon", "require": True, "with_manifest": True}
    assert copying.read == [("osdr.openstack.os_checkpoint_info", {**place, **wanted})]


def test_what_cannot_be_read_is_not_reported_on():
    with pytest.raises(AnsibleActionFail, match=r"The manifest of the checkpoint could not be read. It is not there\."):
        run(Copying(), found={"failed": True, "msg": "It is not there."}, checkpoint={})


@pytest.mark.parametrize(("cloud", "named"), [("remote", "remote"), ({"auth": {"password": "secret"}}, "unnamed")])
def test_of_another_checkpoint_than_the_one_of_the_run_there_is_no_report(cloud, named):
    found = {"checkpoint": {"digest": "sha256:2"}, "manifest": runs.manifest()}
    with pytest.raises(AnsibleActionFail, match=f"of application 'shop' in the catalogue of site '{named}' was replaced"):
        run(Copying(), found=found, checkpoint={}, parts=[{"cloud": cloud, "digest": "sha256:1"}])


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
