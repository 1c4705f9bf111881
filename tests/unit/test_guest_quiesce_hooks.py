# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The freeze hook of the role guest_quiesce_hooks, run by the machine's shell on directories of the test's own."""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path

import jinja2
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.nova import _GUARD_LINE as GUARD_LINE

# Instead of the machine's own: so many seconds have passed when the test says so, and never for whom nobody waits any more.
SLEEP = """
echo $PPID > {root}/sleeper-$1
while kill -0 $PPID 2> /dev/null && [ ! -e {root}/over ]; do
    if [ -e {root}/passed-$1 ]; then
        rm {root}/passed-$1
        exit
    fi
    /bin/sleep 0.02
done
"""
#: Seconds of a guard and of a script's limit.
GUARD, LIMIT = 60, 20

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "guest_quiesce_hooks" / "templates"


class Guest:
    """A hook and its scripts, with places of their own for all that the hook would touch on a machine."""

    def __init__(self, root: Path):
        self.root = root
        self.scripts = root / "fsfreeze-hook.d"
        self.state = root / "run" / "osdr-guard"
        self.calls = root / "calls"
        self.programs = root / "bin"
        for directory in (self.scripts, self.state.parent, self.programs):
            directory.mkdir()
        self.program("sleep", SLEEP.format(root=root))
        (root / "mounts").write_text(f"tmpfs {root}/run tmpfs rw 0 0\n/dev/vda1 /data ext4 rw 0 0\n")

    def program(self, name: str, body: str) -> None:
        write_script(self.programs / name, body)

    def script(self, name: str, body: str = "") -> None:
        write_script(self.scripts / name, f'echo "{name} $1" >> {self.calls}\n{body}')

    def hook(self, command: str, *, guard: int = 0) -> subprocess.CompletedProcess:
        return subprocess.run([self.render(guard), command], capture_output=True, text=True, check=False, timeout=60)

    def passing(self, seconds: int) -> Path:
        """The file that lets one sleep of so many seconds end."""
        return self.root / f"passed-{seconds}"

    def sleeper(self, seconds: int) -> int:
        """Who slept so long, or sleeps."""
        path = self.root / f"sleeper-{seconds}"
        wait_for(lambda: path.exists() and path.read_text().endswith("\n"))
        return int(path.read_text())

    def end(self) -> None:
        """No guard outlives its test."""
        (self.state / "hook-armed").unlink(missing_ok=True)
        (self.root / "over").touch()

    def render(self, guard: int) -> Path:
        path = self.root / "fsfreeze-hook"
        environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined)
        environment.filters["quote"] = lambda value: shlex.quote(str(value))
        text = environment.get_template("fsfreeze-hook.j2").render(
            __guest_quiesce_hooks_mark="test",
            __guest_quiesce_hooks_dispatcher=path,
            __guest_quiesce_hooks_scripts_directory=self.scripts,
            guest_quiesce_hooks_timeout=LIMIT,
            guest_quiesce_hooks_guard_timeout=guard,
        )
        replaced = {
            "/run /dev/shm": f"{self.root}/run",
            "/proc/mounts": f"{self.root}/mounts",
            "/proc/sysrq-trigger": f"{self.root}/sysrq",
            "/sys/fs/cgroup": f"{self.root}/cgroup",
            "/dev/console": f"{self.root}/console",
            "PATH=/usr/local/sbin": f"PATH={self.programs}:/usr/local/sbin",
        }
        for there, here in replaced.items():
            assert there in text
            text = text.replace(there, here)
        write_script(path, text)
        return path

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines() if self.calls.exists() else []

    def log(self) -> str:
        return (self.state / "hook.log").read_text()


def ended(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    # Where process 1 does not collect orphans, a dead one stays.
    return not status.exists() or "State:\tZ" in status.read_text()


def wait_for(condition) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def write_script(path: Path, body: str) -> None:
    path.write_text(body if body.startswith("#!") else f"#!/bin/sh\n{body}")
    path.chmod(0o755)


@pytest.fixture
def guest(tmp_path):
    made = Guest(tmp_path)
    yield made
    made.end()


def test_scripts_are_frozen_in_order_and_thawed_in_reverse(guest):
    guest.script("10-first")
    guest.script("20-second")
    assert guest.hook("freeze").returncode == 0
    assert guest.hook("thaw").returncode == 0
    assert guest.called() == ["10-first freeze", "20-second freeze", "20-second thaw", "10-first thaw"]


def test_failing_script_fails_the_freeze_and_undoes_what_came_before(guest):
    guest.script("10-first")
    guest.script("20-failing", "echo 'the reason'; [ $1 = thaw ] || exit 3")
    guest.script("30-never")
    done = guest.hook("freeze", guard=GUARD)
    assert done.returncode == 1
    assert guest.called() == ["10-first freeze", "20-failing freeze", "20-failing thaw", "10-first thaw"]
    assert "20-failing freeze: failed with status 3" in done.stderr
    assert "the reason" in guest.log()
    assert "20-failing freeze: failed with status 3" in guest.log()
    assert not (guest.state / "hook-armed").exists()


def test_hung_script_is_killed_with_all_its_processes(guest):
    pid = guest.root / "pid"
    guest.script("10-first")
    guest.script("20-hangs", f"[ $1 = thaw ] && exit; sleep 3600 & echo $! > {pid}; : > {guest.passing(LIMIT)}; wait")
    done = guest.hook("freeze")
    assert done.returncode == 1
    assert f"20-hangs freeze: not done after {LIMIT} s, killed" in guest.log()
    assert guest.called()[-2:] == ["20-hangs thaw", "10-first thaw"]
    wait_for(lambda: ended(int(pid.read_text())))


def test_script_that_ends_its_own_session_is_not_waited_for_any_longer(guest):
    guest.script("10-ends", "trap : TERM; kill -TERM 0; exit 0")
    done = guest.hook("freeze")
    assert (done.returncode, guest.called()) == (0, ["10-ends freeze"])


def test_thaw_goes_on_after_a_failure_and_tells_of_it(guest):
    guest.script("10-first")
    guest.script("20-failing", "exit 1")
    assert guest.hook("thaw").returncode == 1
    assert guest.called() == ["20-failing thaw", "10-first thaw"]


@pytest.mark.parametrize("name", ["10-old.dpkg-old", "10-old.rpmsave", "10-old~", "10-old.bak"])
def test_what_package_managers_and_editors_leave_is_not_run(guest, name):
    guest.script(name)
    assert guest.hook("freeze").returncode == 0
    assert guest.called() == []


def test_freeze_is_refused_where_nothing_can_be_written_while_frozen(guest):
    (guest.root / "mounts").write_text(f"/dev/vda1 {guest.root}/run ext4 rw 0 0\n")
    guest.script("10-first")
    done = guest.hook("freeze")
    assert done.returncode == 1
    assert "is a tmpfs" in done.stderr
    assert guest.called() == []


def test_guard_thaws_when_nobody_else_does(guest):
    thawed = guest.root / "thawed"
    guest.program("fsfreeze", f'echo "$*" >> {thawed}')
    guest.script("10-first")
    assert guest.hook("freeze", guard=GUARD).returncode == 0
    guest.passing(GUARD).touch()
    wait_for(lambda: "10-first thaw: done" in guest.log())
    assert guest.called() == ["10-first freeze", "10-first thaw"]
    assert thawed.read_text().splitlines()[0] == "--unfreeze /data"
    assert (guest.root / "sysrq").read_text() == "j\n"
    assert "the guard thaws" in guest.log()


def test_thaw_after_the_guard_has_fired_fails_once(guest):
    """Otherwise Nova, which is told no number of file systems, would take the freeze for one that held."""
    guest.script("10-first")
    assert guest.hook("freeze", guard=GUARD).returncode == 0
    guest.passing(GUARD).touch()
    wait_for(lambda: "10-first thaw: done" in guest.log())
    done = guest.hook("thaw", guard=GUARD)
    assert done.returncode == 1
    assert "the guard had thawed the guest before" in done.stderr
    assert guest.called()[-1] == "10-first thaw"
    assert not (guest.state / "hook-armed").exists()
    assert guest.hook("thaw", guard=GUARD).returncode == 0


@pytest.mark.parametrize("guard", [0, GUARD])
def test_thaw_says_on_the_console_which_guard_there_is(guest, guard):
    """A probe of the agent is a thaw: so it can be seen from outside, by who can read the console."""
    console = guest.root / "console"
    before = int(time.time())
    assert guest.hook("thaw", guard=guard).returncode == 0
    wait_for(lambda: console.exists() and console.read_text().endswith("\n"))
    (seconds, at), = GUARD_LINE.findall(console.read_text())
    assert int(seconds) == guard
    assert before <= int(at) <= time.time()


def test_thaw_needs_no_console(guest):
    (guest.root / "console").mkdir()
    assert guest.hook("thaw", guard=GUARD).returncode == 0


def test_guard_does_nothing_once_disarmed(guest):
    assert guest.hook("freeze", guard=GUARD).returncode == 0
    assert (guest.state / "hook-armed").exists()
    assert guest.hook("thaw", guard=GUARD).returncode == 0
    guest.passing(GUARD).touch()
    guard = guest.sleeper(GUARD)
    wait_for(lambda: ended(guard))
    assert not (guest.root / "sysrq").exists()
    assert not (guest.state / "hook-fired").exists()
