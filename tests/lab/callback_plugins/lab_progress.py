# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say of a task that takes long that it goes on: what is waited for, how long already, and what comes next."""

from __future__ import annotations

import os
import threading
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: lab_progress
type: aggregate
short_description: show that long tasks move
description:
  - Says of each task that has taken long, again and again, how long it has, on which hosts, what it waits for there, and what comes next.
  - It goes to the standard error, so that what plays are asked for on their standard output stays as it is.
author: The osdr.openstack authors
"""

#: Seconds between two lines.
PERIOD = 20
#: How many of those that are waited for are named.
SHOWN = 3


class Course:
    """Where a play is: its tasks as far as they are known, the current one, and the hosts that are at it."""

    def __init__(self, lab_dir, clock=time.monotonic):
        self._lab_dir = lab_dir
        self._clock = clock
        self._lock = threading.Lock()
        self._planned = []
        self._at = -1
        self._task = None
        self._hosts = []

    def play(self, names):
        with self._lock:
            self._planned, self._at, self._task = names, -1, None

    def task(self, name):
        with self._lock:
            self._task, self._started, self._hosts = name, self._clock(), []
            # What is included while it runs is not in the plan, and what comes next then is what comes after the including task.
            self._at = next((place for place in range(self._at + 1, len(self._planned)) if self._planned[place] == name), self._at)

    def host_begins(self, host):
        with self._lock:
            self._hosts.append(host)

    def host_ends(self, host):
        with self._lock:
            self._hosts = [one for one in self._hosts if one != host]

    def line(self):
        """What to say now; nothing while no host is at work, or the task has only begun."""
        with self._lock:
            if not self._hosts or self._clock() - self._started < PERIOD:
                return ""
            where = "; ".join(self._of(host) for host in self._hosts if host != "localhost")
            after = self._planned[self._at + 1 :][:1]
            return (f"... {self._clock() - self._started:.0f} s: {self._task}"
                    + (f" ({where})" if where else "") + (f". Next: {after[0]}" if after else ""))

    def _of(self, host):
        """A host, and what it waits for, which the module that waits has written down."""
        try:
            with open(os.path.join(self._lab_dir, "sites", host, "waiting"), encoding="utf-8") as stream:
                return f"{host} waits for {_shortened(stream.read().split(', '))}"
        except OSError:
            return host


def _shortened(names):
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


class CallbackModule(CallbackBase):
    """Tells the course of the play what happens, and the reader, from time to time, where it is."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "lab_progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._course = Course(os.environ.get("OSDR_LAB_DIR", "/var/lib/osdr-lab"))
        self._over = threading.Event()
        threading.Thread(target=self._tell, daemon=True).start()

    def _tell(self):
        while not self._over.wait(PERIOD):
            line = self._course.line()
            if line:
                self._display.display(line, stderr=True)

    def v2_playbook_on_play_start(self, play):
        self._course.play([task.get_name() for block in play.compile() for task in block.get_tasks() if task.action != "meta"])

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._course.task(task.get_name())

    def v2_playbook_on_handler_task_start(self, task):
        self._course.task(task.get_name())

    def v2_runner_on_start(self, host, task):
        self._course.host_begins(host.get_name())

    def v2_runner_on_ok(self, result):
        self._ends(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._ends(result)

    def v2_runner_on_skipped(self, result):
        self._ends(result)

    def v2_runner_on_unreachable(self, result):
        self._ends(result)

    def _ends(self, result):
        self._course.host_ends(result._host.get_name())

    def v2_playbook_on_stats(self, stats):
        self._over.set()
