# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python environments, each locked by the file of its name in ``tests/requirements``.

Runs on a bare Debian 12 with its own Python. An environment that is up to its lock is left alone, so a second run takes no time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "requirements"
COLLECTIONS = REQUIREMENTS / "collections.toml"
#: Seconds between two signs of life.
PERIOD = 20
LOCK_HEADER = """\
# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Made by "make lock" from {wanted}; do not edit.
"""


def run(*command: str | Path) -> None:
    """Run a command; what it says on its error output is shown, and, while it takes long, that it goes on."""
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while True:
            try:
                status = process.wait(PERIOD)
                break
            except subprocess.TimeoutExpired:
                print(f"... {time.monotonic() - started:.0f} s: {Path(command[0]).name} {command[1]}", flush=True)
    if status:
        raise subprocess.CalledProcessError(status, command)


def make_empty(environment: Path) -> None:
    """Make an empty environment, in place of one whose making was cut short."""
    shutil.rmtree(environment, ignore_errors=True)
    run(sys.executable, "-m", "venv", environment)


def pip(environment: Path, *arguments: str | Path) -> None:
    """Run the environment's pip, without its remarks on how libvirt-python is built."""
    command, *others = arguments
    run(environment / "bin" / "pip", command, "--quiet", "--quiet", "--disable-pip-version-check", *others)


def lock_of(environment: Path) -> Path:
    """The file that says what the environment holds."""
    return REQUIREMENTS / f"{environment.name}.txt"


def collections_of(environment: Path) -> dict[str, list[str]]:
    """Which collections the environment holds, by the release of "ansible" that they are taken from."""
    return tomllib.loads(COLLECTIONS.read_text(encoding="utf-8")).get(environment.name, {})


def ensure(environment: Path) -> None:
    """Bring the environment up to its lock, in place: a run that is using it goes on."""
    stamp = environment / "lock.sha256"
    collections = collections_of(environment)
    digest = hashlib.sha256(lock_of(environment).read_bytes() + (json.dumps(collections).encode() if collections else b"")).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    print(f"Making the Python environment {environment}", flush=True)
    if not stamp.is_file():
        make_empty(environment)
    pip(environment, "install", "--no-deps", "--requirement", lock_of(environment))
    for release, names in collections.items():
        add_collections(environment, release, names)
    stamp.write_text(digest)


def add_collections(environment: Path, release: str, names: list[str]) -> None:
    """Take collections out of a release of the distribution "ansible".

    They come from there because that needs no more than pip does, and without the hundred others that such a release holds. It is
    fetched as if for a later Python: its tree is plain files, whatever the Python is that its metadata want.
    """
    (site_packages,) = (environment / "lib").glob("python*/site-packages")
    with tempfile.TemporaryDirectory(prefix="osdr-wheel-") as scratch:
        pip(environment, "download", "--no-deps", "--only-binary=:all:", "--python-version=3.13", f"--dest={scratch}", f"ansible=={release}")
        (wheel,) = Path(scratch).glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            for name in names:
                tree = f"ansible_collections/{name.replace('.', '/')}/"
                shutil.rmtree(site_packages / tree, ignore_errors=True)
                archive.extractall(site_packages, [member for member in archive.namelist() if member.startswith(tree)])


def lock(environment: Path) -> None:
    """Resolve the wanted packages in a scratch environment and write down what came out."""
    wanted = lock_of(environment).with_suffix(".in")
    scratch = environment.with_name(f"{environment.name}-lock")
    make_empty(scratch)
    pip(scratch, "install", "--requirement", wanted)
    freeze = subprocess.run([scratch / "bin" / "pip", "freeze"], check=True, capture_output=True, text=True)
    lock_of(environment).write_text(LOCK_HEADER.format(wanted=wanted.name) + freeze.stdout)
    shutil.rmtree(scratch)


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environments", type=Path, nargs="+", metavar="environment", help="directory of an environment")
    try:
        for environment in parser.parse_args().environments:
            ensure(environment)
    except subprocess.CalledProcessError as problem:
        print(f"Making the environment failed: {' '.join(map(str, problem.cmd))} ended with status {problem.returncode}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
