# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab, its primary site above all, as tests need it: its API, its guests and its programs."""

from __future__ import annotations

import atexit
import concurrent.futures
import contextlib
import datetime
import fcntl
import functools
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import openstack
import psutil
import requests
from ansible_process import AnsibleProcess

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/lab/module_utils"))

from lab_patience import Patience  # noqa: E402 (the path has to be set first)

LAB_DIR = pathlib.Path(os.environ.get("OSDR_LAB_DIR", "/var/lib/osdr-lab"))
SITE = "primary"
#: Seconds after which what does not answer never will, on the busiest of machines.
BLOCKED = 600
APPLICATION = {
    "name": "shop",
    "tiers": [
        {"name": "database", "servers": ["orders-db", "payments-db"]},
        {"name": "front", "servers": ["shop-front"]},
    ],
}
SERVERS = [name for tier in APPLICATION["tiers"] for name in tier["servers"]]
LIBVIRT_URI = "qemu+tcp://{host}/system"
#: Nova's API under uWSGI, or with a server of its own in older releases: a master, and two workers.
NOVA_API = "uwsgi/nova.ini|bin/nova-api-os-compute"
WAKE_AGENT = "kill -CONT $(pidof qemu-ga);"
#: One connection to a guest serves many commands: making it is most of their time. One that is dead, after a reset or a pause, is found out and replaced.
_SSH_OPTIONS = (
    *("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ConnectTimeout=10"),
    *("ControlMaster=auto", "ControlPersist=60", "ServerAliveInterval=2", "ServerAliveCountMax=3"),
)
#: Of a freeze that its guard has to end: as short as it can be on a busy machine. It is thawed some seconds later, by Nova's sweep or a retry.
GUARDED = {"budget": 14, "guard_timeout": 15}
#: How each driver reaches the lab.
DRIVERS = {
    "nova": {"driver": "nova", "admin_cloud": "primary-admin"},
    "libvirt": {"driver": "libvirt", "admin_cloud": "primary-admin", "libvirt_uri": LIBVIRT_URI},
    "pause": {"driver": "pause"},
}


@functools.cache
def cloud(name="primary"):
    return openstack.connect(cloud=name)


@functools.cache
def _ssh_sockets():
    """A directory of this run, gone at its end."""
    directory = tempfile.TemporaryDirectory(prefix="osdr-ssh-")
    atexit.register(directory.cleanup)
    return directory.name


def wait(what, ask, seconds, interval=0.3):
    """The first true answer; fails the test when there is none in time, which is longer on a busy machine."""
    patience = Patience(seconds)
    while True:
        answer = ask()
        if answer:
            return answer
        assert not patience.is_spent(), f"Not within {patience.waited} s: {what}"
        time.sleep(interval)


def in_site(*command, check=True, site=SITE):
    """Run a command inside a site."""
    enter = [sys.executable, str(ROOT / "tests/lab/site_exec.py"), site, *command]
    return subprocess.run(enter, check=check, capture_output=True, text=True, timeout=BLOCKED).stdout


def supervisor(*command, site=SITE):
    """Ask a site's supervisor."""
    control = LAB_DIR / "venvs/openstack/bin/supervisorctl"
    config = LAB_DIR / "sites" / site / "supervisord.conf"
    return subprocess.run([control, "-c", config, *command], capture_output=True, text=True, timeout=BLOCKED, check=False).stdout


def processes(pattern):
    """Process ids inside the site whose command line matches."""
    return [int(one) for one in in_site("pgrep", "-f", pattern, check=False).split()]


def kill(pids):
    in_site("kill", "-9", *map(str, pids))


@contextlib.contextmanager
def remote_site_alone():
    """Nothing plays at the remote site but what holds this: "make hooks" takes the same lock."""
    with (LAB_DIR / "remote.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def halted(pattern):
    """Programs inside the site whose command line matches do nothing as long as this lasts."""
    pids = [str(one) for one in processes(pattern)]
    in_site("kill", "-STOP", *pids)
    try:
        yield
    finally:
        in_site("kill", "-CONT", *pids, check=False)


class Guest:
    """A server of the lab seen from all sides."""

    def __init__(self, server):
        self.id = server.id
        self.name = server.name
        self.address = next(
            (one["addr"] for net in server.addresses.values() for one in net if one["OS-EXT-IPS:type"] == "floating"), None
        )

    @classmethod
    def named(cls, name):
        return cls(cloud().compute.find_server(name, ignore_missing=False))

    def run(self, command, seconds=300):
        """Run a shell command in it."""
        options = [*_SSH_OPTIONS, f"ControlPath={_ssh_sockets()}/%C"]
        ssh = ["ssh", "-i", str(LAB_DIR / "ssh/id_ed25519"), *[part for one in options for part in ("-o", one)]]
        done = subprocess.run(
            [*ssh, f"root@{self.address}", command],
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return done.stdout.strip()

    def is_frozen(self, first=""):
        """Whether a write stands still, which no agent can be wrong about.

        :param first: a command to be run before, with the same connection.
        """
        # Not flushed: that takes long on a busy machine, and a frozen file system blocks the write itself.
        write = "(for place in /root /data; do test -d $place && echo x > $place/probe; done) < /dev/null > /dev/null 2>&1 &"
        look = "for seconds in 0.1 0.2 0.4 0.6; do sleep $seconds; kill -0 $! 2> /dev/null || break; done"
        ask = f"{first} {write} {look}; kill -0 $! 2> /dev/null && echo frozen || echo running"
        # A connection may fail on a busy machine.
        return wait(f"an answer of {self.name}", lambda: self.run(ask), 60) == "frozen"

    def stop_agent(self):
        self.run("kill -STOP $(pidof qemu-ga)")

    def wake_agent(self):
        self.run(WAKE_AGENT)

    @contextlib.contextmanager
    def hung_agent(self):
        self.stop_agent()
        try:
            yield
        finally:
            self.wake_agent()

    def status(self):
        return cloud().compute.get_server(self.id).status

    def task(self):
        return cloud().compute.get_server(self.id).task_state

    def metadata(self):
        return cloud().compute.get_server(self.id).metadata

    def reset(self):
        """Press the reset button: Nova does not notice."""
        in_site("virsh", "reset", self.id)


class QuiesceApi:
    """The quiesce API, plainly called."""

    def __init__(self, name="primary-admin"):
        compute = cloud(name).compute
        self._endpoint = compute.get_endpoint()
        self._headers = {"X-Auth-Token": cloud(name).session.get_token()}

    def show(self, server_id):
        return requests.get(f"{self._endpoint}/servers/{server_id}/os-quiesce", headers=self._headers, timeout=BLOCKED)

    def state(self, server_id):
        return self.show(server_id).json()["quiesce"]["state"]

    def act(self, server_id, action, arguments=None):
        path = f"{self._endpoint}/servers/{server_id}/action"
        return requests.post(path, json={action: arguments}, headers=self._headers, timeout=BLOCKED)

    def quiesce(self, server_id, **arguments):
        return self.act(server_id, "quiesce", arguments or None)

    def unquiesce(self, server_id, **arguments):
        return self.act(server_id, "unquiesce", arguments or None)


def frozen_of(guests, first=""):
    """Names of the guests that stand still; see :meth:`Guest.is_frozen`."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        found = pool.map(lambda guest: guest.is_frozen(first), guests)
        return {guest.name for guest, frozen in zip(guests, found, strict=True) if frozen}


def statuses(guests):
    """What Nova says of each guest once it works on none of them: nothing before. One question for all."""
    ids = {guest.id for guest in guests}
    found = [one for one in cloud().compute.servers() if one.id in ids]
    return not any(one.task_state for one in found) and [one.status for one in found]


class Relay:
    """Passes connections from here on to libvirt at a compute host, until it loses them.

    :param word: which of all that is sent there counts.
    :param before: what is done before that is passed on for the first time.
    """

    def __init__(self, host, word, before):
        self._target = (host, 16509)
        self._word = word
        self._before = before
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = []
        #: The word has been passed on.
        self.has_passed = threading.Event()

    @property
    def uri(self):
        return f"qemu+tcp://127.0.0.1:{self._listener.getsockname()[1]}/system"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc_info):
        self._listener.close()
        self.cut()

    def _accept(self):
        # Until it is closed.
        with contextlib.suppress(OSError):
            while True:
                near, far = self._listener.accept()[0], socket.create_connection(self._target)
                self._open += [near, far]
                threading.Thread(target=self._pass, args=(near, far, self._watched), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, lambda data, send: send(data)), daemon=True).start()

    @staticmethod
    def _pass(source, sink, act):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                act(data, sink.sendall)
            sink.shutdown(socket.SHUT_WR)

    def _watched(self, data, send):
        is_it = self._word in data and not self.has_passed.is_set()
        if is_it:
            self._before()
        send(data)
        if is_it:
            self.has_passed.set()

    def cut(self):
        """Lose all connections that there are; later ones are passed on."""
        while self._open:
            one = self._open.pop()
            # Whoever waits for something to read is woken by that alone.
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


class ModuleRun:
    """A module run by Ansible, as an operator does."""

    def __init__(self, module, /, check=False, **arguments):
        self._directory = tempfile.TemporaryDirectory()
        self.started = time.monotonic()
        self.process = AnsibleProcess(
            ["ansible", "localhost", "-c", "local", "-t", self._directory.name]
            + ["-e", f"ansible_python_interpreter={sys.executable}"]
            + (["--check"] if check else [])
            + ["-m", f"osdr.openstack.{module}", "-a", json.dumps(arguments)],
            ROOT,
        )

    def result(self, seconds=3600):
        done = self.process.wait(seconds)
        self.output = done.stdout + done.stderr
        path = pathlib.Path(self._directory.name, "localhost")
        assert path.is_file(), self.output
        return json.loads(path.read_text())

    def controller(self):
        """All processes of it; the guard beside it is none of them."""
        return [one for one in self.process.tree() if not _is_guard(one)]

    def signal(self, number):
        """What a cancelled job does: all of its processes get the signal at once."""
        for process in self.controller():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        self.process.wait(BLOCKED)


def _is_guard(process):
    with contextlib.suppress(psutil.Error):
        return any("importlib, json, sys" in part for part in process.cmdline())
    return False


def module(which, /, **arguments):
    return ModuleRun(which, **arguments).result()


def started(name, *options, **variables):
    """A playbook of the collection, as an operator runs it, that runs meanwhile."""
    given = json.dumps({"ansible_python_interpreter": sys.executable, **variables})
    return AnsibleProcess(["ansible-playbook", f"osdr.openstack.{name}", "-e", given, *options], ROOT)


def playbook(name, *options, **variables):
    """Run a playbook of the collection, as an operator does."""
    return started(name, *options, **variables).wait(7200)


@contextlib.contextmanager
def killed_playbook(name, **variables):
    """A playbook that runs meanwhile, and is killed at the end with all that it has started."""
    process = started(name, **variables)
    try:
        yield
    finally:
        for one in process.tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait(BLOCKED)


def quiesce(driver, state="quiesced", **arguments):
    """os_server_quiesce over the application."""
    options = {"cloud": "primary", "application": APPLICATION, "budget": 20, "guard_timeout": 60, "state": state}
    return module("os_server_quiesce", **{**options, **DRIVERS.get(driver, {}), **arguments})


def thaw_all():
    return module("os_server_thaw", cloud="primary-admin", all_projects=True, libvirt_uri=LIBVIRT_URI)


@contextlib.contextmanager
def restarted_queue(site=SITE):
    """A message queue that is restarted; at the end, the services have found it again.

    Requests whose answers were lost hold some of them up for a minute, in which they count as dead.
    """
    supervisor("restart", "rabbitmq", site=site)
    since = time.time()
    yield
    wait(f"the services of {site} to report", lambda: services_have_reported(site, since), 150, 2)


def services_have_reported(site, since):
    """Whether all of Nova and Cinder have told that they are there since a moment (seconds of the epoch)."""
    admin = cloud(f"{site}-admin")
    found = [*admin.compute.services(), *admin.block_storage.services()]
    # The clouds say it in UTC and without an offset.
    return all(datetime.datetime.fromisoformat(f"{one.updated_at}+00:00").timestamp() > since for one in found)


def backup_service_is_up(site):
    services = cloud(f"{site}-admin").block_storage.services(binary="cinder-backup")
    return all(one.state == "up" for one in services)


def answers(url):
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=5).status_code < 500
    return False


def forget_checkpoints(container, checkpoints):
    """Remove their backups at both sites, and the catalogue that they are in."""
    # Both sites' records stand for the same objects: deleting the remote ones deletes the data of both.
    for site in ("remote", "primary"):
        for one in cloud(site).block_storage.backups():
            if one.metadata.get("osdr_checkpoint") in checkpoints:
                cloud(site).block_storage.delete_backup(one.id)
    store = cloud("remote").object_store
    for one in list(store.objects(container)):
        store.delete_object(one.name, container=container)
    store.delete_container(container)


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:6]}"
