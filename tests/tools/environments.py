# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python environments, each locked by the file of its name in ``tests/requirements``.

Runs on a bare Debian 12 with its own Python, which most environments are made with; ``environments.toml`` names those that want another. An
environment that is up to its lock is left alone, so a second run takes no time.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
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
SETTINGS = REQUIREMENTS / "environments.toml"
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


class NoPython(Exception):
    """Says which Python is missing and how to get it."""


def python_of(environment: Path) -> str:
    """The Python that the environment wants: what ``environments.toml`` says, or else the one that runs this."""
    return settings_of(environment).get("python", f"{sys.version_info.major}.{sys.version_info.minor}")


def interpreter(version: str) -> str:
    """The path of a Python.

    :raises NoPython: if there is none
    """
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    # What pyenv puts into the path stands for all its versions, and wants to be told which one is meant.
    environ = {**os.environ, "PYENV_VERSION": version}
    try:
        asked = [f"python{version}", "-c", "import sys; print(sys.executable)"]
        return subprocess.run(asked, check=True, capture_output=True, text=True, env=environ).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as problem:
        raise NoPython(
            f"Python {version} is missing: there is no python{version} in the path. Install it, by the distribution, pyenv or uv, and run this again."
        ) from problem


def make_empty(environment: Path, version: str) -> None:
    """Make an empty environment, in place of one whose making was cut short or that has another Python."""
    python = interpreter(version)
    shutil.rmtree(environment, ignore_errors=True)
    run(python, "-m", "venv", environment)


def pip(environment: Path, *arguments: str | Path) -> None:
    """Run the environment's pip, without its remarks on how libvirt-python is built."""
    command, *others = arguments
    run(environment / "bin" / "pip", command, "--quiet", "--quiet", "--disable-pip-version-check", *others)


def lock_of(environment: Path) -> Path:
    """The file that says what the environment holds."""
    return REQUIREMENTS / f"{environment.name}.txt"


def settings_of(environment: Path) -> dict:
    """What ``environments.toml`` says of the environment."""
    return tomllib.loads(SETTINGS.read_text(encoding="utf-8")).get(environment.name, {})


def ensure(environment: Path) -> None:
    """Bring the environment up to its lock, in place: a run that is using it goes on."""
    stamp = environment / "lock.sha256"
    python = python_of(environment)
    of_another_python = not (environment / "bin" / f"python{python}").exists()
    collections = settings_of(environment).get("collections", {})
    digest = hashlib.sha256(lock_of(environment).read_bytes() + (json.dumps(collections).encode() if collections else b"")).hexdigest()
    if not of_another_python and stamp.is_file() and stamp.read_text() == digest:
        return
    print(f"Making the Python environment {environment}", flush=True)
    if of_another_python or not stamp.is_file():
        make_empty(environment, python)
    pip(environment, "install", "--no-deps", "--requirement", lock_of(environment))
    remove_what_is_not_locked(environment)
    for release, names in collections.items():
        add_collections(environment, release, names)
    stamp.write_text(digest)


def installed(environment: Path) -> list[str]:
    """What pip finds in the environment, as lines of a lock."""
    frozen = subprocess.run([environment / "bin" / "pip", "freeze", "--disable-pip-version-check"], check=True, capture_output=True, text=True)
    return frozen.stdout.splitlines()


def remove_what_is_not_locked(environment: Path) -> None:
    """Remove what an earlier lock had: no run is to pass with what a new environment would not have."""
    locked = set(lock_of(environment).read_text(encoding="utf-8").splitlines())
    others = [line.partition("==")[0] for line in installed(environment) if line not in locked]
    if others:
        pip(environment, "uninstall", "--yes", *others)


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
    make_empty(scratch, python_of(environment))
    pip(scratch, "install", "--requirement", wanted)
    packages = "".join(f"{line}\n" for line in installed(scratch))
    lock_of(environment).write_text(LOCK_HEADER.format(wanted=wanted.name) + packages)
    shutil.rmtree(scratch)


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environments", type=Path, nargs="+", metavar="environment", help="directory of an environment")
    try:
        for environment in parser.parse_args().environments:
            ensure(environment)
    except NoPython as problem:
        print(problem, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as problem:
        print(f"Making the environment failed: {' '.join(map(str, problem.cmd))} ended with status {problem.returncode}.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
