# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab knows of a running site: its anchor process, its programs and their memory.

A site's anchor is supervisord, process 1 of the site's own process namespace. It is found by its command line,
never by a pid file: nothing can be stale after a kill or a reboot. Only the standard library is used here.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import time
import xmlrpc.client

try:
    # In a module.
    from ansible.module_utils.lab_patience import Patience
except ImportError:
    # From the directory itself.
    from lab_patience import Patience


class SiteError(Exception):
    """Something about a site that a person has to know."""


class _SocketTransport(xmlrpc.client.Transport):
    """XML-RPC over supervisord's socket file, which is reachable from every network namespace."""

    def __init__(self, path):
        super().__init__()
        self._path = path

    def make_connection(self, host):
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.connect(self._path)
        return connection


def _read(path):
    try:
        with open(path, "rb") as stream:
            return stream.read().decode(errors="replace")
    except OSError:
        return ""


def processes():
    """All process ids of this machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def command_line(pid):
    return [word for word in _read(f"/proc/{pid}/cmdline").split("\0") if word]


def namespace_pids(pid):
    """The process ids of one process, from the outermost to its own process namespace."""
    found = re.search(r"^NSpid:\s+(.*)$", _read(f"/proc/{pid}/status"), re.MULTILINE)
    return [int(number) for number in found.group(1).split()] if found else []


def parent(pid):
    found = re.search(r"^PPid:\s+(\d+)", _read(f"/proc/{pid}/status"), re.MULTILINE)
    return int(found.group(1)) if found else 0


def memory_kib(pid):
    """Proportional memory: what is shared between processes is counted once altogether."""
    found = re.search(r"^Pss:\s+(\d+)", _read(f"/proc/{pid}/smaps_rollup"), re.MULTILINE)
    return int(found.group(1)) if found else 0


class Site:
    """One site of the lab, seen from the host or from inside the site."""

    def __init__(self, name, lab_dir):
        self.name = name
        self.state_dir = os.path.join(lab_dir, "sites", name)
        self.config = os.path.join(self.state_dir, "supervisord.conf")
        self.socket = os.path.join(self.state_dir, "supervisor.sock")
        self.waiting = os.path.join(self.state_dir, "waiting")
        self.log_dir = os.path.join(self.state_dir, "log")

    def note_waiting(self, names):
        """Write down what is waited for, for whoever shows the course of things."""
        if names:
            with open(self.waiting, "w", encoding="utf-8") as stream:
                stream.write(", ".join(names))
        else:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.waiting)

    def anchor(self):
        """The anchor's process id, None when the site is down."""
        for pid in processes():
            if namespace_pids(pid)[-1:] == [1] and self.config in command_line(pid):
                return pid
        return None

    def members(self):
        """Every process of the site: those of its process namespace, the anchor included."""
        anchor = self.anchor()
        if anchor is None:
            return []
        namespace = os.readlink(f"/proc/{anchor}/ns/pid")
        found = []
        for pid in processes():
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") == namespace:
                    found.append(pid)
            except OSError:
                continue
        return found

    def enter(self, command):
        """The command that runs another one inside the site."""
        anchor = self.anchor()
        if anchor is None:
            raise SiteError(f"The site {self.name} is not running.")
        spaces = [f"--{space}" for space in ("mount", "net", "pid", "uts", "ipc")]
        return ["nsenter", "--target", str(anchor), *spaces, "--", *command]

    def programs_dir(self):
        """Where the programs of the running site's release of OpenStack are; its supervisor is one of them."""
        words = command_line(self.anchor())
        return next(os.path.dirname(word) for word in words if os.path.basename(word) == "supervisord")

    def start_anchor(self, supervisord, namespace):
        """Start supervisord as process 1 of new namespaces, in the named network namespace."""
        with open(os.path.join(self.log_dir, "anchor.log"), "ab") as log:
            process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{namespace}", "unshare", "--mount", "--propagation=private", "--uts", "--ipc",
                 "--pid", "--fork", "--mount-proc", "--kill-child", supervisord, "--nodaemon", "--configuration", self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
            )
        patience = Patience(60)
        while process.poll() is None and not patience.is_spent():
            try:
                self.supervisor().getState()
                return
            except OSError:
                time.sleep(0.1)
        raise SiteError(f"The supervisor of {self.name} does not answer.\n{self.log_tail('anchor')}")

    def kill(self):
        """SIGKILL process 1: the kernel kills every other process of the site in the same moment."""
        members = self.members()
        if not members:
            return 0
        os.kill(self.anchor(), signal.SIGKILL)
        patience = Patience(60)
        while any(os.path.exists(f"/proc/{pid}/ns/pid") and command_line(pid) for pid in members):
            if patience.is_spent():
                raise SiteError(f"Processes of {self.name} are still there {patience.waited} s after SIGKILL.")
            time.sleep(0.05)
        return len(members)

    def supervisor(self):
        proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_SocketTransport(self.socket))
        return proxy.supervisor

    def log_tail(self, program, lines=15):
        """The last lines of a program's log."""
        path = os.path.join(self.log_dir, f"{program}.log")
        return "\n".join([f"--- {path}", *_read(path).splitlines()[-lines:]])
