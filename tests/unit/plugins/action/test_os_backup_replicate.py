# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time

from ansible_collections.osdr.openstack.plugins.action import os_backup_replicate as action


def shown(monkeypatch, capsys, path, lines):
    """What came to the standard output, and to the standard error."""
    monkeypatch.setattr(action, "_INTERVAL_SECONDS", 0.001)
    out, err = "", ""
    with action._shown(str(path)):
        for line in lines:
            path.write_text(line)
            deadline = time.monotonic() + 5
            while line not in err and time.monotonic() < deadline:
                seen = capsys.readouterr()
                out, err = out + seen.out, err + seen.err
    return out, err


def test_progress_leaves_the_standard_output_to_the_callback(monkeypatch, capsys, tmp_path):
    out, err = shown(monkeypatch, capsys, tmp_path / "progress", ["backing up: 1 of 2 volumes", "backing up: 2 of 2 volumes"])
    assert out == ""
    assert err.splitlines() == ["  backing up: 1 of 2 volumes", "  backing up: 2 of 2 volumes"]
