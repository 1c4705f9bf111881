# SPDX-FileCopyrightText: The osdr.openstack authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows how far the module of this name is, while it runs.

A module can say nothing before it has ended, and copying takes long. The module writes a line into a file; this reads it.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

_INTERVAL_SECONDS = 10.0

display = Display()


class ActionModule(ActionBase):
    """Runs the module and repeats what it writes into its progress file."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        if self._connection.transport != "local" or arguments.get("progress_file"):
            result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
            return result
        with tempfile.TemporaryDirectory(prefix="osdr-") as directory:
            path = os.path.join(directory, "progress")
            with _shown(path):
                result.update(self._execute_module(module_args={**arguments, "progress_file": path}, task_vars=task_vars))
        return result


@contextlib.contextmanager
def _shown(path: str) -> t.Iterator[None]:
    """Display the line in a file whenever it has changed, until the end of the block."""
    ended = threading.Event()
    thread = threading.Thread(target=_show, args=(path, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _show(path: str, ended: threading.Event) -> None:
    shown = ""
    while not ended.wait(_INTERVAL_SECONDS):
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as file:
            line = file.read()
            if line and line != shown:
                # What goes to the standard output belongs to the callback: as JSON it must stay whole.
                display.display(f"  {line}", stderr=True)
                shown = line
