# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare the controller: Debian packages, the locked Python environment, the link that lets Ansible find the collection.

Runs on a bare Debian 12 with its own Python. What is already there is left alone, so a second run takes no time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from environments import NoPython, ensure, lock, run

ROOT = Path(__file__).resolve().parents[2]
LINK = ROOT / ".build" / "collections" / "ansible_collections" / "osdr" / "openstack"

PACKAGES = {
    "chromium": "looking at reports as readers do, in the unit tests, and printing the runbook",
    "iproute2": "asking what networks the machine has, before the lab is built",
    "mmdebstrap": "trying all this on a Debian with nothing on it, and making guests",
    "python3-venv": "making the environment",
    "gcc": "building libvirt-python",
    "libvirt-dev": "building libvirt-python",
    "pkg-config": "building libvirt-python",
    "python3-dev": "building libvirt-python",
    "shellcheck": "ansible-test sanity, which passes over shell scripts without it",
}


class SetupFailed(Exception):
    """Says what is missing and how to get it."""


def installed(package: str) -> bool:
    """Tell whether Debian's package is installed."""
    query = subprocess.run(["dpkg-query", "--show", "--showformat=${db:Status-Status}", package], capture_output=True, text=True, check=False)
    return query.stdout == "installed"


def ensure_packages() -> None:
    """Install the Debian packages that are missing."""
    missing = [package for package in PACKAGES if not installed(package)]
    if not missing:
        return
    if os.geteuid() != 0:
        needs = "\n".join(f"  {package}: for {PACKAGES[package]}" for package in missing)
        raise SetupFailed(f"Debian packages are missing; install them, or run make as root:\n{needs}")
    print(f"Installing {', '.join(missing)}", flush=True)
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    run("apt-get", "update")
    run("apt-get", "install", "--yes", "--no-install-recommends", *missing)


def ensure_link() -> None:
    """Let Ansible find the collection in the working tree."""
    target = os.path.relpath(ROOT, LINK.parent)
    if LINK.is_symlink() and os.readlink(LINK) == target:
        return
    LINK.parent.mkdir(parents=True, exist_ok=True)
    LINK.unlink(missing_ok=True)
    LINK.symlink_to(target)


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("environment", type=Path, nargs="?", help="directory of the Python environment")
    wanted.add_argument("--lock", type=Path, nargs="+", metavar="ENVIRONMENT", help="only resolve the requirements of these and write their locks")
    options = parser.parse_args()
    try:
        ensure_packages()
        if options.lock:
            for environment in options.lock:
                lock(environment)
        else:
            ensure(options.environment)
            ensure_link()
    except (NoPython, SetupFailed) as problem:
        print(problem, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as problem:
        print(f"Preparing the controller failed: {' '.join(map(str, problem.cmd))} ended with status {problem.returncode}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
