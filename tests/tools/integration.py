# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test integration`` on the clouds that a file names, like tests/integration/integration_config.yml."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from working_tree import PYTHON, ROOT, copy_tree

CONFIG = Path("tests", "integration", "integration_config.yml")


def main(config: str, *targets: str) -> int:
    """Copy the collection to where ansible-test wants it, run the targets there, and return the exit status."""
    if not (ROOT / config).is_file():
        print(f"Which clouds? Copy {CONFIG}.template to {CONFIG} and fill it in.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="osdr-integration-") as scratch:
        collection = Path(scratch) / "ansible_collections" / "osdr" / "openstack"
        copy_tree(collection)
        shutil.copy2(ROOT / config, collection / CONFIG)
        command = ["ansible-test", "integration", "--python", PYTHON, "--color", "no", "--allow-unsupported", *targets]
        # The working tree's own settings and links are of no use there.
        ours = ("ANSIBLE_CONFIG", "ANSIBLE_COLLECTIONS_PATH")
        environment = {name: value for name, value in os.environ.items() if name not in ours}
        return subprocess.run(command, cwd=collection, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
