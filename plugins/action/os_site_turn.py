# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for the turn of an application in a run, and gives it back."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.awaiting import Queue
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.controller import Controller
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.local import LocalState
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.part import DONE, FAILED, RUNNING, Turn, shares_of
from ansible_collections.osdr.openstack.plugins.module_utils.orchestration.telling import progress
from ansible_collections.osdr.openstack.plugins.plugin_utils.site_runs import COMMON, controller_of

TAKEN, NARROWED = "taken", "narrowed"
#: What a turn is afterwards.
_STATES = {TAKEN: RUNNING, NARROWED: RUNNING, DONE: DONE, FAILED: FAILED}
_SPEC: dict[str, t.Any] = {
    **COMMON,
    "state": {"type": "str", "choices": list(_STATES), "required": True},
    "directory": {"type": "path", "required": True},
    "application": {"type": "str", "required": True},
    "needs": {"type": "dict", "default": {}},
    "message": {"type": "str", "default": ""},
    "timeout": {"type": "int", "default": 86_400},
}


class ActionModule(ActionBase):
    """Waits in Ansible's own process, and says how far the run is."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        _valid, params = self.validate_argument_spec(_SPEC)
        local = LocalState(params["directory"])
        try:
            controller = controller_of(params, local)
            turn = self._turn(params, controller, local)
        except DrError as error:
            raise AnsibleActionFail(str(error)) from error
        told = progress(controller.state(), controller.now())
        # What a waiting one would tell, that has been told now.
        local.may_tell(0, controller.now().timestamp())
        if params["state"] != NARROWED:
            self._tell(told)
        return {**result, "changed": False, "turn": {"state": turn.state, "message": turn.message, "granted": turn.needs}, "progress": told}

    def _turn(self, params: t.Mapping[str, t.Any], controller: Controller, local: LocalState) -> Turn:
        name, needs = params["application"], shares_of(params["needs"], "needs")
        if self._task.check_mode and not local.read().is_predicted:
            return controller.predicted(name, _STATES[params["state"]], needs)
        if params["state"] == TAKEN:
            queue = Queue(controller, local, lambda: self._tell(progress(controller.state(), controller.now())), params["timeout"])
            return queue.turn_of(name, needs)
        if params["state"] == NARROWED:
            return controller.keep_only(name, needs)
        return controller.finish(name, params["state"], params["message"])

    def _tell(self, line: str) -> None:
        # What goes to the standard output belongs to the callback: as JSON it must stay whole.
        self._display.display(f"  {line}", stderr=True)
