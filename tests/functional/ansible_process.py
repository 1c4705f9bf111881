# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of Ansible, each a process of its own, forked from one that has loaded Ansible: loading it takes longer than most of what they do."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import tempfile

import psutil

_FORKS = multiprocessing.get_context("forkserver")
# With the program that runs the tests, which every fork would load by itself otherwise.
_FORKS.set_forkserver_preload(["__main__", "ansible.cli.adhoc", "ansible.cli.playbook"])
_PROGRAMS = {"ansible": "ansible.cli.adhoc", "ansible-playbook": "ansible.cli.playbook"}
#: Modules as Ansible packs them for the hosts. Each fork begins with what others have packed, and has a directory of its own: Ansible does not
#: expect that two of its processes write there at once.
_PACKED = tempfile.TemporaryDirectory(prefix="osdr-packed-")
_CACHE = "ansiballz_cache"


def _run(command, place, packed, environment, directory):
    """In the fork, as a shell would start it: in a session of its own, with its output in files."""
    os.setsid()
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, file in ((1, place / "stdout"), (2, place / "stderr")):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), descriptor)
    shutil.copytree(packed, place / _CACHE, copy_function=os.link)
    importlib.import_module("ansible.constants").DEFAULT_LOCAL_TMP = str(place)
    importlib.import_module(_PROGRAMS[command[0]]).main(command)


class AnsibleProcess:
    """A command that runs.

    :param command: its words, the first one of ``ansible`` and ``ansible-playbook``.
    :param directory: where it runs.
    """

    def __init__(self, command, directory):
        self._command = command
        self._place = tempfile.TemporaryDirectory(prefix="osdr-ansible-")
        self._files = pathlib.Path(self._place.name)
        self._process = _FORKS.Process(target=_run, args=(command, self._files, _PACKED.name, dict(os.environ), directory))
        self._process.start()

    def is_running(self):
        return self._process.is_alive()

    def tree(self):
        """Its processes as long as it runs, the first of them and all that descend from it."""
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self._process.pid)
            return [root, *root.children(recursive=True)]
        return []

    def wait(self, seconds):
        """:returns: how it ended, and what it said."""
        self._process.join(seconds)
        if self.is_running():
            raise subprocess.TimeoutExpired(self._command, seconds)
        self._keep_packed()
        said = [(self._files / name).read_text() if (self._files / name).exists() else "" for name in ("stdout", "stderr")]
        return subprocess.CompletedProcess(self._command, self._process.exitcode, *said)

    def _keep_packed(self):
        for file in (self._files / _CACHE).glob("*"):
            # What was killed while it wrote one has left a part of it.
            if not file.name.endswith("-part"):
                with contextlib.suppress(FileExistsError):
                    os.link(file, pathlib.Path(_PACKED.name, file.name))
