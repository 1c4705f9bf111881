# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the report of a checkpoint, a restore or a roll-back."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError
from ansible_collections.osdr.openstack.plugins.plugin_utils.report import page as run_page
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.facts import CheckpointRun, RestoreRun, RollBackRun, Run
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.manifests import Manifests
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.place import Place
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.writing import ReportAction

_SPEC: dict[str, t.Any] = {
    "path": {"type": "path", "required": True},
    "manifest": {"type": "dict", "required": True},
    "other_manifests": {"type": "list", "elements": "dict", "default": []},
    "checkpoint": {
        "type": "dict",
        "options": {
            "consistency": {"type": "str"},
            "restorable_at": {"type": "str"},
            "since": {"type": "str"},
            "changes": {"type": "list", "elements": "dict", "default": []},
        },
    },
    "restore": {
        "type": "dict",
        "options": {
            "site": {"type": "str"},
            "began_at": {"type": "str", "required": True},
            "clock_ahead": {"type": "float", "default": 0},
            "seconds": {"type": "float", "required": True},
            "volumes": {"type": "list", "elements": "dict", "default": []},
            "servers": {"type": "list", "elements": "dict", "required": True},
        },
    },
    "roll_back": {
        "type": "dict",
        "options": {
            "site": {"type": "str"},
            "id": {"type": "str"},
            "stopped_at": {"type": "str"},
            "clock_ahead": {"type": "float", "default": 0},
            "volumes": {"type": "list", "elements": "dict", "default": []},
            "servers": {"type": "list", "elements": "dict", "required": True},
            "kept": {"type": "list", "elements": "dict", "default": []},
        },
    },
    "warnings": {"type": "list", "elements": "str", "default": []},
    "force": {"type": "bool", "default": True},
    "mode": {"type": "raw", "default": "0644"},
}
_KINDS: dict[str, type[CheckpointRun] | type[RestoreRun]] = {"checkpoint": CheckpointRun, "restore": RestoreRun, "roll_back": RollBackRun}


class ActionModule(ReportAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        _valid, params = self.validate_argument_spec(_SPEC, mutually_exclusive=[list(_KINDS)], required_one_of=[list(_KINDS)])
        try:
            run = _run_of(params)
            place = Place.of(params["path"], run)
        except DrError as error:
            raise AnsibleActionFail(str(error)) from error
        files = {place.page: run_page.html(run), place.document: run_page.document(run)}
        result.update(self.written(place, files, {"force": params["force"], "mode": params["mode"]}, task_vars))
        return result


def _run_of(params: t.Mapping[str, t.Any]) -> Run:
    kind = next(kind for kind in _KINDS if params[kind] is not None)
    return _KINDS[kind].of(Manifests.of(params["manifest"], params["other_manifests"]), params[kind], params["warnings"])
