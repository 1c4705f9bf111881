# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare the controller: Debian packages, the locked Python environment, the link that lets Ansible find the collection.

Runs on a bare Debian 12 with its own Python. What is already there is left alone, so a second run takes no time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WANTED = ROOT / "tests" / "requirements" / "controller.in"
LOCK = WANTED.with_suffix(".txt")
LINK = ROOT / ".build" / "collections" / "ansible_collections" / "osdr" / "openstack"

PACKAGES = {
    "chromium": "looking at reports as readers do, in the unit tests, and printing the runbook",
    "python3-venv": "making the environment",
    "gcc": "building libvirt-python",
    "libvirt-dev": "building libvirt-python",
    "pkg-config": "building libvirt-python",
    "python3-dev": "building libvirt-python",
    "shellcheck": "ansible-test sanity, which passes over shell scripts without it",
}
LOCK_HEADER = """\
# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Made by "make lock" from controller.in; do not edit.
"""


class SetupFailed(Exception):
    """Says what is missing and how to get it."""


def run(*command: str | Path) -> None:
    """Run a command; what it says on its error output is shown."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


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


def make_environment(environment: Path) -> None:
    """Make an empty environment, in place of one whose making was cut short."""
    shutil.rmtree(environment, ignore_errors=True)
    run(sys.executable, "-m", "venv", environment)


def pip_install(environment: Path, *what: str | Path) -> None:
    """Install into the environment, without pip's remarks on how libvirt-python is built."""
    run(environment / "bin" / "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", *what)


def ensure_environment(environment: Path) -> None:
    """Bring the environment up to the lock, in place: a run that is using it goes on."""
    stamp = environment / "lock.sha256"
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    print(f"Making the controller's environment, {environment}", flush=True)
    if not stamp.is_file():
        make_environment(environment)
    pip_install(environment, "--no-deps", "--requirement", LOCK)
    stamp.write_text(digest)


def ensure_link() -> None:
    """Let Ansible find the collection in the working tree."""
    target = os.path.relpath(ROOT, LINK.parent)
    if LINK.is_symlink() and os.readlink(LINK) == target:
        return
    LINK.parent.mkdir(parents=True, exist_ok=True)
    LINK.unlink(missing_ok=True)
    LINK.symlink_to(target)


def lock(environment: Path) -> None:
    """Resolve the wanted packages in a scratch environment and write down what came out."""
    scratch = environment.with_name(f"{environment.name}-lock")
    make_environment(scratch)
    pip_install(scratch, "--requirement", WANTED)
    freeze = subprocess.run([scratch / "bin" / "pip", "freeze"], check=True, capture_output=True, text=True)
    LOCK.write_text(LOCK_HEADER + freeze.stdout)
    shutil.rmtree(scratch)


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", type=Path, help="directory of the Python environment")
    parser.add_argument("--lock", action="store_true", help="resolve the requirements and write the lock")
    options = parser.parse_args()
    try:
        ensure_packages()
        if options.lock:
            lock(options.environment)
        ensure_environment(options.environment)
        ensure_link()
    except SetupFailed as problem:
        print(problem, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as problem:
        print(f"Preparing the controller failed: {' '.join(map(str, problem.cmd))} ended with status {problem.returncode}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
