# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as it is in the working tree, without what has been built there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The Python that the tools run with, and with it whatever is tested; ansible-test wants to be told.
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def copy_tree(collection: Path) -> None:
    """Copy the files that git tracks or would add."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True)
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if not name or not source.exists():
            continue  # deleted, and not yet committed
        target = collection / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
