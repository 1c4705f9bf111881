# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Debian 12 with nothing but what the README asks for: the front door finds and installs all that it needs.

The Debian is made in a directory, from where this machine has its packages from. What needs a site is not played there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/tools"), str(ROOT / "tests/lab/roles/guest_image/files")]

import build_images  # noqa: E402 (the path has to be set first)
import working_tree  # noqa: E402

#: What the README asks for, beside root.
ASKED_FOR = ("ca-certificates", "make", "python3")
#: Where this machine says where packages come from, and whom it trusts.
REGISTRIES = ("/etc/apt/apt.conf.d", "/etc/pip.conf", "/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", os.environ.get("PIP_FIND_LINKS", ""))
ENTER = """
mount --rbind "$0" "$0"; mount -t proc proc "$0/proc"; mount --rbind /sys "$0/sys"; mount --rbind /dev "$0/dev"; mount -t tmpfs tmpfs "$0/run"
for place in $REGISTRIES; do mount --bind "$place" "$0$place"; done
# The shell stays, as process 1: it takes leave of children that make knows nothing of, on which that would spin.
chroot "$0" "$@" || exit $?
exit 0
"""


class Debian:
    """A Debian in a directory, and the collection's working tree in it."""

    def __init__(self, directory):
        self.directory = directory
        sources = build_images.debian_sources()
        wanted = f"--include={','.join(ASKED_FOR)}"
        build_images.run("mmdebstrap", "--quiet", "--mode=root", "--variant=apt", wanted, "bookworm", directory, "-", input=sources)
        self.registries = [place for place in REGISTRIES if os.path.exists(place)]
        for place in map(Path, self.registries):
            target = directory / place.relative_to("/")
            (target if place.is_dir() else target.parent).mkdir(parents=True, exist_ok=True)
            if place.is_file():
                target.touch()
        working_tree.copy_tree(directory / "collection")

    def run(self, *command):
        """Run a command in the collection, in namespaces of its own; its processes end with it."""
        inside = ["unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "sh", "-ec", ENTER, str(self.directory)]
        # What this machine's make and Ansible were told is of no concern there.
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ANSIBLE_"))}
        environment |= {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "REGISTRIES": " ".join(self.registries)}
        environment["ANSIBLE_COLLECTIONS_PATH"] = "/collection/.build/collections"
        return subprocess.run(
            [*inside, "env", "--chdir=/collection", *command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )


@pytest.fixture(scope="module")
def debian(tmp_path_factory):
    directory = tmp_path_factory.mktemp("debian") / "root"
    try:
        yield Debian(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def prepared(debian):
    """It, when what is asked for on every way has been done."""
    done = debian.run("make", "controller")
    assert done.returncode == 0, done.stdout
    return debian


def test_the_controller_is_prepared_and_need_not_be_again(prepared):
    done = prepared.run("make", "controller")
    assert (done.returncode, done.stdout) == (0, "")


def test_what_needs_no_lab_runs(prepared):
    done = prepared.run("make", "lint-python")
    assert done.returncode == 0, done.stdout


def test_the_lab_is_known_not_to_be_there(prepared):
    done = prepared.run("make", "lab-status")
    assert "There is no site yet." in done.stdout


def test_every_playbook_of_the_lab_is_understood(prepared):
    for name in ("demo", "up", "down"):
        done = prepared.run("/var/lib/osdr-lab/venvs/controller/bin/ansible-playbook", "--list-tasks", f"tests/lab/{name}.yml")
        assert done.returncode == 0, done.stdout
