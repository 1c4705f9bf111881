# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard beside the controller as a process that is really started, stopped and cut off."""

from __future__ import annotations

import concurrent.futures
import json
import os
import select
import signal
import tempfile
import threading
import zipfile
from pathlib import Path

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import FreezeFailed
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import guard_process
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.guard_process import Guarded, GuardProcess
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark
from ansible_collections.osdr.openstack.tests.unit.support import guard_child
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server


def marked(name, **more):
    """As the cloud of the guard's process shows it."""
    return FreezeMark("fake", "2026-01-01T00:00:00Z", "t").on(server(name, **more))


DB, FRONT, STUCK = marked("db"), marked("front"), marked("stuck")
#: So long the machine may take for what is expected; nothing waits that long otherwise.
PATIENCE = 60


class Cloud:
    """The directory of a cloud, and the guards of its servers."""

    def __init__(self, directory):
        self.directory = directory
        (directory / "mark").touch()
        os.mkfifo(directory / "thawed")
        # Open at both ends, so that whoever writes to it does not have to wait, and nothing gets lost.
        self.pipe = os.open(directory / "thawed", os.O_RDWR)
        self.started = []

    def guards(self, driver="fake", loop=guard_child.__name__, seconds=PATIENCE, **options):
        guarded = Guarded(driver, {"directory": str(self.directory), "password": "secret", **options}, "test:///{host}", 7)
        self.started.append(GuardProcess(guarded, loop, seconds))
        return self.started[-1]

    def thawed(self):
        """Wait until a server is thawed, and tell which."""
        assert select.select([self.pipe], [], [], PATIENCE)[0], "nobody was thawed"
        return os.read(self.pipe, 1000).decode().splitlines()[0]

    @property
    def is_marked(self):
        return (self.directory / "mark").exists()


def child(guards):
    return guards._child._process


@pytest.fixture
def cloud(tmp_path):
    directory = tmp_path / "cloud"
    directory.mkdir()
    made = Cloud(directory)
    yield made
    for guards in made.started:
        if guards._child:
            child(guards).kill()
            child(guards).wait()
    os.close(made.pipe)


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """The library runs out of an archive that Ansible removes; tells where its copies go."""
    path, copies = tmp_path / "payload.zip", tmp_path / "copies"
    copies.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("payload.txt", "x")
    monkeypatch.setattr(guard_process, "__file__", str(path / "ansible_collections" / "guard_process.py"))
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    return copies


def leave_alone(guards):
    """As when the controller's process is killed: its ends of the pipes are closed."""
    child(guards).stdin.close()


# Arming and disarming


def test_a_guard_is_armed_and_disarmed(cloud):
    guards = cloud.guards()
    guards.arm(DB, 3600)
    assert guards.disarm(DB) is False
    leave_alone(guards)
    # There is nobody left to guard.
    assert child(guards).wait(PATIENCE) == 0
    assert cloud.is_marked


def test_a_guard_keeps_nobodys_process_from_ending(cloud):
    before = set(threading.enumerate())
    cloud.guards().arm(DB, 3600)
    made = set(threading.enumerate()) - before
    assert [thread.daemon for thread in made] == [True, True]


def test_a_process_that_has_ended_is_not_left_for_anybody_to_clear_away(cloud):
    before = set(threading.enumerate())
    guards = cloud.guards()
    guards.arm(DB, 3600)
    guards.disarm(DB)
    (reader,) = (one for one in set(threading.enumerate()) - before if "_read_answers" in one.name)
    leave_alone(guards)
    reader.join(PATIENCE)
    assert child(guards).returncode == 0


def test_one_process_guards_all_servers_however_many_are_armed_at_once(cloud):
    guards = cloud.guards()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: guards.arm(marked(f"s{number}"), 3600), range(40)))
        assert list(pool.map(lambda number: guards.disarm(marked(f"s{number}")), range(40))) == [False] * 40


def test_a_server_that_is_not_guarded_did_not_have_it_fire(cloud):
    guards = cloud.guards()
    # By nobody of this process.
    assert guards.disarm(DB) is False
    assert guards._child is None
    guards.arm(DB, 3600)
    assert guards.disarm(FRONT) is False


def test_a_server_without_a_mark_is_not_guarded(cloud):
    (cloud.directory / "mark").unlink()
    with pytest.raises(FreezeFailed, match=r"The guard of server db \(id-db\) could not be armed beside the controller"):
        cloud.guards().arm(DB, 3600)


# What it is for


def test_it_thaws_when_its_controller_is_gone(cloud):
    guards = cloud.guards()
    guards.arm(DB, 0)
    leave_alone(guards)
    assert cloud.thawed() == "db small"
    assert child(guards).wait(PATIENCE) == 0
    assert not cloud.is_marked


def test_what_ends_the_controller_does_not_reach_it(cloud):
    guards = cloud.guards()
    guards.arm(DB, 3600)
    pid = child(guards).pid
    assert os.getsid(pid) == pid
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGINT):
        os.kill(pid, number)
    assert guards.disarm(FRONT) is False
    # The machine is going down.
    os.kill(pid, signal.SIGTERM)
    assert cloud.thawed() == "db small"


def test_a_guard_that_fired_says_so(cloud):
    guards = cloud.guards()
    guards.arm(DB, 3600)
    os.kill(child(guards).pid, signal.SIGTERM)
    assert cloud.thawed() == "db small"
    assert guards.disarm(DB) is True


def test_a_controller_that_was_killed_in_mid_sentence_is_gone_all_the_same(cloud):
    guards = cloud.guards()
    guards.arm(DB, 0)
    child(guards).stdin.write(b'{"arm": {"id": ')
    leave_alone(guards)
    assert cloud.thawed() == "db small"
    assert child(guards).wait(PATIENCE) == 0


def test_answers_that_nobody_hears_end_no_guard(cloud):
    guards = cloud.guards()
    guards.arm(DB, 3600)
    process = child(guards)
    os.dup2(os.open(os.devnull, os.O_RDONLY), process.stdout.fileno())
    for _time in range(3):
        process.stdin.write(b'{"disarm": "id-front", "number": 99}\n')
    process.stdin.flush()
    os.kill(process.pid, signal.SIGTERM)
    assert cloud.thawed() == "db small"
    leave_alone(guards)
    assert process.wait(PATIENCE) == 0


# What it is given


def test_it_knows_what_it_needs_and_nobody_else_does(cloud):
    guards = cloud.guards()
    guards.arm(DB, 3600)
    setup = json.loads((cloud.directory / "setup").read_text(encoding="utf-8"))
    assert (setup["driver"], setup["libvirt_uri"], setup["thaw_timeout"], setup["copy"]) == ("fake", "test:///{host}", 7, None)
    assert setup["cloud"] == {"directory": str(cloud.directory), "password": "secret"}
    shown = Path(f"/proc/{child(guards).pid}")
    assert b"secret" not in (shown / "cmdline").read_bytes() + (shown / "environ").read_bytes()


def test_an_archive_is_copied_and_the_copy_is_forgotten_before_anybody_is_guarded(cloud, archive):
    guards = cloud.guards()
    guards.arm(DB, 3600)
    setup = json.loads((cloud.directory / "setup").read_text(encoding="utf-8"))
    assert Path(setup["path"][0]).name == "osdr.zip"
    assert Path(setup["path"][0]).parent == Path(setup["copy"])
    assert Path(setup["copy"]).parent == archive
    # Whoever finds one that was left knows whose it is.
    assert Path(setup["copy"]).name.startswith("osdr-guard-")
    assert list(archive.iterdir()) == []


# What may be wrong


def test_a_driver_that_it_does_not_know_is_not_taken_for_another(cloud, archive):
    with pytest.raises(FreezeFailed, match="does not answer: 'vmware' is not a driver that freezes servers"):
        cloud.guards("vmware").arm(DB, 3600)
    assert list(archive.iterdir()) == []


def test_a_cloud_that_does_not_answer_is_not_waited_for_for_ever(cloud, archive):
    guards = cloud.guards(hangs=True, seconds=0.05)
    with pytest.raises(FreezeFailed, match=r"The guard beside the controller does not answer: no answer within 0\.05 s\. Find out why the cloud"):
        guards.arm(DB, 3600)
    assert child(guards).poll() is not None
    assert list(archive.iterdir()) == []
    # And by nobody for a second time.
    guards._seconds = 10**6
    with pytest.raises(FreezeFailed, match="does not answer"):
        guards.arm(FRONT, 3600)
    with pytest.raises(FreezeFailed, match="does not answer"):
        guards.disarm(DB)


def test_a_process_that_reads_nothing_is_not_waited_for_for_ever(cloud, monkeypatch):
    monkeypatch.setattr(guard_process, "LIBRARY_PROCESS", "import threading; threading.Event().wait()")
    guards = cloud.guards(seconds=0.05)
    # More than a pipe holds.
    with pytest.raises(FreezeFailed, match="does not answer"):
        guards.arm(marked("db", description="x" * 10**6), 3600)
    assert child(guards).poll() is not None


def test_a_process_that_guards_somebody_is_left_to_do_so(cloud):
    guards = cloud.guards()
    guards.arm(DB, 3600)
    guards._seconds = 0.05
    with pytest.raises(FreezeFailed, match="does not answer"):
        guards.arm(STUCK, 3600)
    assert child(guards).poll() is None
    os.kill(child(guards).pid, signal.SIGTERM)
    assert cloud.thawed() == "db small"


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ("raise SystemExit(3)", "it has ended"),
        ("print('nonsense', flush=True)", "its answer is invalid"),
        ("print('{', flush=True); import sys; sys.stdin.read()", "its answer is invalid"),
        ("print(5, flush=True); import sys; sys.stdin.read()", "its answer is invalid"),
    ],
)
def test_a_process_that_ends_or_talks_nonsense_guards_nobody(cloud, archive, monkeypatch, start, why):
    monkeypatch.setattr(guard_process, "LIBRARY_PROCESS", start)
    guards = cloud.guards()
    with pytest.raises(FreezeFailed, match=f"The guard beside the controller does not answer: {why}"):
        guards.arm(DB, 3600)
    assert child(guards).wait(PATIENCE) is not None
    assert list(archive.iterdir()) == []


def test_an_answer_that_comes_while_somebody_gives_up_waiting_is_taken_once(cloud):
    """Whoever gives up fails all questions: without the lock, one of them could be answered at the same time."""

    class Watched(dict):
        def pop(self, *arguments):
            taken.append(asked._lock.locked())
            return super().pop(*arguments)

    taken = []
    guards = cloud.guards()
    guards.arm(DB, 3600)
    asked = guards._child
    asked._questions = Watched()
    assert guards.disarm(DB) is False
    assert taken == [True]


def test_a_process_that_cannot_be_started_leaves_nothing(cloud, archive, monkeypatch):
    monkeypatch.setattr(guard_process.sys, "executable", "/nowhere/python")
    with pytest.raises(FreezeFailed, match="could not be started: .*nowhere"):
        cloud.guards().arm(DB, 3600)
    assert list(archive.iterdir()) == []
