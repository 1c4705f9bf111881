# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the report of a checkpoint, a restore or a roll-back."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckpointReplaced, DrError
from ansible_collections.osdr.openstack.plugins.plugin_utils.report import page as run_page
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.facts import CheckpointRun, RestoreRun, RollBackRun, Run
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.manifests import Manifests
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.place import Place
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.writing import ReportAction

_SPEC: dict[str, t.Any] = {
    "path": {"type": "path", "required": True},
    "application": {"type": "str", "required": True},
    "id": {"type": "str", "required": True},
    "parts": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"cloud": {"type": "raw", "required": True}, "digest": {"type": "str"}},
    },
    "container": {"type": "str", "default": "osdr-catalogue"},
    "hmac_key": {"type": "str", "no_log": True},
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
            run = _run_of(params, [self._manifest(params, part, task_vars) for part in params["parts"]])
            place = Place.of(params["path"], run)
        except DrError as error:
            raise AnsibleActionFail(str(error)) from error
        files = {place.page: run_page.html(run), place.document: run_page.document(run)}
        result.update(self.written(place, files, {"force": params["force"], "mode": params["mode"]}, task_vars))
        return result

    def _manifest(self, params: t.Mapping[str, t.Any], part: t.Mapping[str, t.Any], task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        """What a project has of the checkpoint, read by the module that reads it for everybody."""
        asked = {
            "cloud": part["cloud"],
            "container": params["container"],
            "application": params["application"],
            "checkpoint": params["id"],
            "require": True,
            "with_manifest": True,
            **({} if params["hmac_key"] is None else {"hmac_key": params["hmac_key"]}),
        }
        found = self._execute_module("osdr.openstack.os_checkpoint_info", module_args=asked, task_vars=task_vars)
        if found.get("failed"):
            raise AnsibleActionFail(f"The manifest of the checkpoint could not be read. {found.get('msg', '')}".strip())
        if part["digest"] not in (None, found["checkpoint"]["digest"]):
            raise CheckpointReplaced(params["application"], params["id"], f"the catalogue of site '{_site(part['cloud'])}'")
        return dict(found["manifest"])


def _run_of(params: t.Mapping[str, t.Any], manifests: t.Sequence[t.Mapping[str, t.Any]]) -> Run:
    kind = next(kind for kind in _KINDS if params[kind] is not None)
    return _KINDS[kind].of(Manifests.of(*manifests), params[kind], params["warnings"])


def _site(cloud: t.Any) -> str:
    """Its name; of an entry of clouds.yaml nothing, which may hold secrets."""
    return cloud if isinstance(cloud, str) else "unnamed"
