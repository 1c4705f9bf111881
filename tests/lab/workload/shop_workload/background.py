# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting and stopping the load as a process of its own."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time

from .journal import read_events

STOP_TIMEOUT = 120


class Failed(Exception):
    """The process did not do what was asked of it."""


def running(pid_file: pathlib.Path) -> int | None:
    """The process that the file names, if it is alive and ours."""
    try:
        pid = int(pid_file.read_text(encoding="utf-8"))
        command = words_of(pid)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    return pid if any(str(pid_file) in word for word in command) else None


def words_of(pid: int) -> list[str]:
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]


def start(command: list[str], pid_file: pathlib.Path, journal: pathlib.Path, patience: float) -> bool:
    """Start the command detached and wait until it is writing; false if it runs already.

    One with other options, for databases that are gone for example, is stopped first.
    """
    pid = running(pid_file)
    # The first words are the interpreter and the program, which may be another checkout's.
    if pid and words_of(pid)[2:] == command[1:]:
        return False
    stop(pid_file)
    log = pid_file.with_suffix(".log")
    position = journal.stat().st_size if journal.exists() else 0
    with log.open("w", encoding="utf-8") as stream:
        child = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
    deadline = time.monotonic() + patience
    while not acknowledged_since(journal, position):
        if child.poll() is not None:
            raise Failed(f"the load ended at once: {log.read_text(encoding='utf-8').strip()}")
        if time.monotonic() > deadline:
            child.terminate()
            raise Failed(f"no payment was acknowledged within {patience:g} s; the load was stopped again")
        time.sleep(0.1)
    return True


def acknowledged_since(journal: pathlib.Path, position: int) -> bool:
    """Whether a payment, the end of a step, was acknowledged after that place in the journal."""
    if not journal.exists():
        return False
    with journal.open(encoding="utf-8") as stream:
        stream.seek(position)
        return any(event.get("table") == "payments" and event["event"] == "acknowledged" for event in read_events(stream))


def stop(pid_file: pathlib.Path) -> bool:
    """Stop the load and wait for its end; false if it does not run."""
    pid = running(pid_file)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT
    while running(pid_file):
        if time.monotonic() > deadline:
            raise Failed(f"the load (process {pid}) did not end within {STOP_TIMEOUT} s")
        time.sleep(0.1)
    return True
