# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a report to where a task wants it.

It is made where Ansible itself runs: there Jinja2 always is, and a template is a file. On the host it takes no more than
what the action C(copy) needs, which also sees to check mode, diff, idempotence and an atomic write.
"""

from __future__ import annotations

import pathlib
import tempfile
import typing as t

from ansible import constants
from ansible.plugins.action import ActionBase

from .place import Place


class ReportAction(ActionBase):
    """Renders on the controller, and has the result copied to the host."""

    def written(self, place: Place, files: t.Mapping[str, str], options: t.Mapping[str, t.Any], task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        """The result of writing both files.

        :param files: content per name.
        :param options: of C(copy).
        """
        copied = {place.path(name): self._copy(name, content, {"dest": place.destination(name), **options}, task_vars) for name, content in files.items()}
        return {**_joined(copied), "report": {"path": place.path(place.page), "json": place.path(place.document)}}

    def _copy(self, name: str, content: str, options: t.Mapping[str, t.Any], task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        with tempfile.TemporaryDirectory(dir=constants.DEFAULT_LOCAL_TMP) as directory:
            source = pathlib.Path(directory, name)
            source.write_text(content, encoding="utf-8")
            task = self._task.copy()
            task.args = {"src": str(source), **options}
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
