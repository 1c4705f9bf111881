# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run Molecule scenarios one after the other, from the collection's root, and fail where Molecule would call an empty run a success.

Molecule passes over a play that matches no host and over a step whose playbook is missing, and reads ``extensions/molecule/config.yml`` only
from the root.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: What is said of a step that did nothing, and why.
HOLLOW = {
    "no hosts matched": "a play was skipped because it matched no host",
    "Missing playbook": "a step was skipped because its playbook is missing",
}


def main(*scenarios: str) -> int:
    """Run the scenarios up to the first that fails."""
    return next((status for status in map(run, scenarios) if status), 0)


def run(scenario: str) -> int:
    """Run a scenario and show its output as it comes."""
    command = ["molecule", "test", "--scenario-name", scenario, "--no-command-borders"]
    hollow = None
    # Molecule remembers in this directory that a scenario was prepared, and would not prepare it again.
    with tempfile.TemporaryDirectory(prefix="molecule-") as memory:
        environment = {**os.environ, "MOLECULE_EPHEMERAL_DIRECTORY": memory}
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as molecule:
            for line in molecule.stdout:
                print(line, end="", flush=True)
                hollow = hollow or next((reason for said, reason in HOLLOW.items() if said in line), None)
    if molecule.returncode == 0 and hollow:
        print(f'Scenario "{scenario}": {hollow}; nothing was proved.', file=sys.stderr)
        return 1
    return molecule.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
