# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the report of a checkpoint, a restore or a roll-back.

It is made where Ansible itself runs: there Jinja2 always is, and a template is a file. On the host it takes no more than
what the action C(copy) needs, which also sees to check mode, diff, idempotence and an atomic write.
"""

from __future__ import annotations

import pathlib
import tempfile
import typing as t

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CheckpointReplaced, DrError
from ansible_collections.osdr.openstack.plugins.plugin_utils.report import page as run_page
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.facts import CheckpointRun, RestoreRun, RollBackRun, Run
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.manifests import Manifests
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.place import Place

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


class ActionModule(ActionBase):
    """Renders on the controller, and has the result copied to the host."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        _valid, params = self.validate_argument_spec(_SPEC, mutually_exclusive=[list(_KINDS)], required_one_of=[list(_KINDS)])
        try:
            run = _run_of(params, [self._manifest(params, part, task_vars) for part in params["parts"]])
            place = Place.of(params["path"], run)
        except DrError as error:
            raise AnsibleActionFail(str(error)) from error
        files = {place.page: run_page.html(run), place.document: run_page.document(run)}
        copied = {place.path(name): self._copy(name, content, place.destination(name), params, task_vars) for name, content in files.items()}
        result.update(_joined(copied))
        result["report"] = {"path": place.path(place.page), "json": place.path(place.document)}
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

    def _copy(self, name: str, content: str, destination: str, params: t.Mapping[str, t.Any], task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        with tempfile.TemporaryDirectory(dir=constants.DEFAULT_LOCAL_TMP) as directory:
            source = pathlib.Path(directory, name)
            source.write_text(content, encoding="utf-8")
            task = self._task.copy()
            task.args = {"src": str(source), "dest": destination, "force": params["force"], "mode": params["mode"]}
            # The prefix keeps collections out and lets people put a copy of their own in.
            action = self._shared_loader_obj.action_loader.get(
                "ansible.legacy.copy",
                task=task,
                connection=self._connection,
                play_context=self._play_context,
                loader=self._loader,
                templar=self._templar,
                shared_loader_obj=self._shared_loader_obj,
            )
            return action.run(task_vars=task_vars)


def _run_of(params: t.Mapping[str, t.Any], manifests: t.Sequence[t.Mapping[str, t.Any]]) -> Run:
    kind = next(kind for kind in _KINDS if params[kind] is not None)
    return _KINDS[kind].of(Manifests.of(*manifests), params[kind], params["warnings"])


def _site(cloud: t.Any) -> str:
    """Its name; of an entry of clouds.yaml nothing, which may hold secrets."""
    return cloud if isinstance(cloud, str) else "unnamed"


def _joined(results: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """One result of those per path; the first failure is that of all."""
    failed = next((one for one in results.values() if one.get("failed")), None)
    if failed:
        return dict(failed)
    diffs = [diff for path, one in results.items() for diff in _diffs(path, one)]
    return {"changed": any(one.get("changed") for one in results.values()), **({"diff": diffs} if diffs else {})}


def _diffs(path: str, result: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Under the name of the file that changes: C(copy) names the temporary one."""
    diff = result.get("diff") or []
    return [{**one, "after_header": path} if "after" in one else one for one in (diff if isinstance(diff, list) else [diff]) if one]
