# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Begins a run over the applications of a site, and ends it."""

from __future__ import annotations

import os
import platform
import tempfile
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import connect
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.beginning import WantedRun, begin, outdated
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.keeper import start_keeper
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.local import Known, LocalState
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.part import KINDS, Entrant
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.shelf import PartShelf
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.telling import summary
from ansible_collections.osdr.openstack.plugins.plugin_utils.site_runs import COMMON, controller_of

_SPEC: dict[str, t.Any] = {
    **COMMON,
    "state": {"type": "str", "choices": ["begun", "ended"], "default": "begun"},
    "kind": {"type": "str", "choices": list(KINDS)},
    "id": {"type": "str", "default": ""},
    "applications": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "wave": {"type": "int", "default": 0},
            "priority": {"type": "int", "default": 500},
            "depends_on": {"type": "list", "elements": "str", "default": []},
        },
    },
    "parts": {"type": "int", "default": 1},
    "resume_within": {"type": "int", "default": 86_400},
    "directory": {"type": "path"},
}


class ActionModule(ActionBase):
    """Writes this controller's part of the run, and starts its keeper."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        needed = [("state", "begun", ["kind", "applications"]), ("state", "ended", ["directory"])]
        _valid, params = self.validate_argument_spec(_SPEC, required_if=needed)
        act = self._begun if params["state"] == "begun" else _ended
        try:
            result["run"] = act(params, self._task.check_mode)
        except DrError as error:
            raise AnsibleActionFail(str(error)) from error
        return {**result, "changed": False}

    def _begun(self, params: t.Mapping[str, t.Any], is_predicted: bool) -> dict[str, t.Any]:
        cloud = connect(params)
        shelf = PartShelf.of(cloud, params)
        begun = begin(shelf, _wanted(params), platform.node() or "unknown", cloud.clock.now)
        for warning in (*begun.warnings, *cloud.clock.warnings):
            self._display.warning(warning)
        directory = tempfile.mkdtemp(prefix="osdr-run-")
        local = LocalState(directory)
        known = Known(begun.part, is_published=False, ahead=cloud.clock.ahead, is_predicted=is_predicted)
        local.write(known.with_others(begun.others))
        if not is_predicted:
            # The process that plays the hosts; this one is only a worker's.
            start_keeper(params, directory, os.getppid())
            for part in outdated(begun.others, cloud.clock.now()):
                shelf.remove(part)
        order = [name for name in controller_of(params, local).state().in_order if name in begun.part.entrants]
        return {"id": begun.part.run, "part": begun.part.id, "resumed": begun.is_resumed, "directory": directory, "order": order}


def _wanted(params: t.Mapping[str, t.Any]) -> WantedRun:
    entrants = tuple(Entrant(one["name"], one["wave"], one["priority"], tuple(one["depends_on"])) for one in params["applications"])
    return WantedRun(params["kind"], params["id"], entrants, params["resume_within"], params["parts"])


def _ended(params: t.Mapping[str, t.Any], is_predicted: bool) -> dict[str, t.Any]:
    local = LocalState(params["directory"])
    controller = controller_of(params, local)
    # One that goes on is not ended by what only predicts that.
    known = local.read()
    if known.is_predicted or not is_predicted:
        known = controller.end()
    if known.is_predicted:
        local.remove()
    return summary(known.own.run, [one for one in known.parts if one.run == known.own.run], controller.state(known), controller.now())
