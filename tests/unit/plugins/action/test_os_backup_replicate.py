# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.osdr.openstack.plugins.action import os_backup_replicate as action


class Work:
    """Ends when it has written all its lines, one between two looks."""

    def __init__(self, path, *lines):
        self._path = path
        self._lines = list(lines)

    def wait(self, _seconds):
        if not self._lines:
            return True
        self._path.write_text(self._lines.pop(0))
        return False


def test_progress_leaves_the_standard_output_to_the_callback(capsys, tmp_path):
    path = tmp_path / "progress"
    action._show(str(path), Work(path, "backing up: 1 of 2 volumes", "backing up: 1 of 2 volumes", "backing up: 2 of 2 volumes"))
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.splitlines() == ["  backing up: 1 of 2 volumes", "  backing up: 2 of 2 volumes"]
