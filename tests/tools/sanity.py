# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test sanity`` on the working tree.

ansible-test wants the collection below a directory named ``ansible_collections`` and follows links to find out, so
it gets a copy of the files that git knows or would add. It also fetches a script that installs pip from a server
that closed networks do not reach; a small script that uses Python's own ``ensurepip`` stands in for it, in a home
directory of its own beside the other Python environments. There ansible-test also keeps its own ones, ten of them: to
make them takes a third of the first run, and a clean clone finds them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import ansible_test
from ansible_test._internal.python_requirements import get_venv_packages
from working_tree import PYTHON, copy_tree

HOME = Path(os.environ.get("OSDR_LAB_DIR", "/var/lib/osdr-lab")) / "venvs" / "sanity-home"
GET_PIP = '''\
import subprocess
import sys


def main():
    arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
    # In a child: ensurepip changes the environment so that pip ignores its configuration.
    subprocess.check_call([sys.executable, "-m", "ensurepip"])
    return subprocess.call([sys.executable, "-m", "pip", "install", *arguments])


if __name__ == "__main__":
    sys.exit(main())
'''


def prepare_home() -> None:
    """Put the stand-in where ansible-test looks before it fetches, and keep the user's configuration of pip."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    wanted = get_venv_packages(SimpleNamespace(version=PYTHON))["pip"]
    (cache / f"get_pip_{wanted.replace('.', '_')}.py").write_text(GET_PIP)
    settings = Path.home() / ".config" / "pip"
    kept = HOME / ".config" / "pip"
    if settings.is_dir() and not kept.is_symlink():
        kept.parent.mkdir(exist_ok=True)
        kept.symlink_to(settings)


@contextlib.contextmanager
def home_alone() -> t.Iterator[None]:
    """Nobody else makes environments there: two runs of ansible-test would make the same ones in each other's place."""
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tests_from_elsewhere(requirements: Path) -> list[str]:
    """The tests that need something out of a repository instead of the package registry, as those of a release candidate may."""
    wanted = {path.name.removeprefix("sanity.").removesuffix(".txt"): path.read_text() for path in requirements.glob("sanity.*.txt")}
    return sorted(name for name, text in wanted.items() if re.search(r"^[\w.-]+ *@ *https:", text, re.MULTILINE))


def link_dependency(tree: Path) -> None:
    """Make openstack.cloud's documentation fragments and action group visible."""
    found = find_spec("ansible_collections.openstack.cloud")
    (tree / "openstack").mkdir()
    (tree / "openstack" / "cloud").symlink_to(next(iter(found.submodule_search_locations)))


def main(arguments: list[str]) -> int:
    """Copy, run, and return ansible-test's exit status."""
    if not shutil.which("shellcheck"):
        print("shellcheck is missing: ansible-test would pass over it with no more than a warning.", file=sys.stderr)
        return 1
    prepare_home()
    with home_alone(), tempfile.TemporaryDirectory(prefix="osdr-sanity-") as scratch:
        tree = Path(scratch) / "ansible_collections"
        collection = tree / "osdr" / "openstack"
        copy_tree(collection)
        link_dependency(tree)
        left_out = tests_from_elsewhere(Path(ansible_test.__file__).parent / "_data" / "requirements")
        for name in left_out:
            print(f"{name} is left out: this ansible-test takes its requirements from a repository, which closed networks do not reach.", flush=True)
        command = ["ansible-test", "sanity", "--python", PYTHON, "--color", "no", *(f"--skip-test={name}" for name in left_out), *arguments]
        return subprocess.run(command, cwd=collection, env={**os.environ, "HOME": str(HOME)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
