# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.playbook.task import Task
from ansible_collections.osdr.openstack.plugins.action import os_site_report
from ansible_collections.osdr.openstack.plugins.modules import os_site_report as documented
from ansible_collections.osdr.openstack.tests.unit.plugins.action.test_os_run_report import Copying
from ansible_collections.osdr.openstack.tests.unit.support import sites


def run(copying, **arguments):
    task = Task()
    task.action = "osdr.openstack.os_site_report"
    task.args = {"path": "/reports", "status": sites.status(), **arguments}
    action = os_site_report.ActionModule(task, SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)), None, None, None)
    action._shared_loader_obj = copying
    return action.run(task_vars={})


def test_page_and_json_are_copied_to_where_they_belong():
    copying = Copying()
    result = run(copying, mode="0640")
    assert [(Path(one["src"]).name, one["dest"], one["mode"]) for one in copying.asked] == [
        ("north.site_status.html", "/reports/", "0640"),
        ("north.site_status.json", "/reports/", "0640"),
    ]
    assert copying.contents[0].startswith("<!DOCTYPE html>")
    assert json.loads(copying.contents[1]) == sites.STATUS
    assert result["report"] == {"path": "/reports/north.site_status.html", "json": "/reports/north.site_status.json"}
    assert result["changed"]


def test_it_may_be_called_otherwise():
    assert run(Copying(), path="/www/index.html")["report"] == {"path": "/www/index.html", "json": "/www/index.json"}


@pytest.mark.parametrize("status", [{}, sites.status(primary="../etc")])
def test_what_is_in_the_facts_does_not_lead_elsewhere(status):
    with pytest.raises(AnsibleActionFail, match="the name of a site"):
        run(Copying(), status=status)


def test_the_documentation_has_the_options_that_are_taken():
    options = yaml.safe_load(documented.DOCUMENTATION)["options"]
    assert {name: (one["type"], one.get("required", False), one.get("default")) for name, one in options.items()} == {
        name: (one["type"], one.get("required", False), one.get("default")) for name, one in os_site_report._SPEC.items()
    }
