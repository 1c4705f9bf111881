# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals at every moment of a window: whoever they stop, nobody stays frozen."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Interrupted
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import window as window_module
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.window import FreezeWindow, Limits, Member
from ansible_collections.osdr.openstack.plugins.module_utils.work import interruption as interruption_module
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver, FakeMarks, FakeTime, server

#: How often two signals are sent to a real process.
ROUNDS = 300
#: The second signal comes up to so many nanoseconds after the first, a little later in each round.
GAP = 300_000
#: The second signal comes so many steps of the program after the first.
DISTANCES = (1, 2, 3, 5, 10)
_WHERE = {module.__file__ for module in (window_module, interruption_module)}


class Traced(FreezeWindow):
    """Is traced on when it is left: Python stops tracing once a trace function has raised."""

    trace = None

    def __exit__(self, *exc_info):
        if self.trace is not None:
            sys.settrace(self.trace)
        return super().__exit__(*exc_info)


def window(driver, interruption):
    members = [[Member(server(name), name, driver)] for name in ("front", "orders")]
    return Traced(members, Limits(30, 60, 120, 4), FakeMarks(), interruption, FakeTime().clock)


def signalled_at(moments, receive):
    """A trace function that sends signals when the program is about to execute its n-th line."""
    count = itertools.count()

    def trace(frame, event, _argument):
        if frame.f_code.co_filename not in _WHERE and "contextlib" not in frame.f_code.co_filename and frame.f_code is not use.__code__:
            return None
        if event == "line" and not frame.f_code.co_name.startswith(("_receive", "raise_pending")) and next(count) in moments:
            receive(signal.SIGTERM, frame)
        return trace

    return trace, count


def use(opened):
    with opened:
        with opened.exposed():
            # No "pass": Python handles no signals there, but would let a trace function raise.
            opened.remaining()
        assert opened.all_frozen


def lines_of_a_window():
    trace, count = signalled_at((), None)
    opened = window(FakeDriver(), Interruption())
    former = sys.gettrace()
    sys.settrace(trace)
    try:
        use(opened)
    finally:
        sys.settrace(former)
    return next(count)


@pytest.mark.parametrize("distance", DISTANCES)
def test_two_signals_at_any_line_of_a_window_leave_nobody_frozen(distance):
    lines = lines_of_a_window()
    assert lines > 100
    for line in range(lines):
        driver, interruption = FakeDriver(), Interruption()
        opened = window(driver, interruption)
        trace, _count = signalled_at({line, line + distance}, interruption._receive)
        opened.trace = trace
        former = sys.gettrace()
        sys.settrace(trace)
        try:
            use(opened)
        except Interrupted:
            pass
        finally:
            sys.settrace(former)
        assert not driver.frozen, f"line {line} of {lines}"
        assert len(driver.names("thaw")) >= len(driver.names("freeze"))


_CHILD = """
import signal, sys, time
sys.path[:0] = {path!r}
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import Interrupted
from ansible_collections.osdr.openstack.plugins.module_utils.work.interruption import Interruption
from ansible_collections.osdr.openstack.tests.unit.plugins.module_utils.quiesce.test_window_signals import window
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeDriver

# What comes after a window is nobody's any more.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
print("begun", flush=True)
while sys.stdin.readline():
    driver = FakeDriver()
    try:
        with Interruption().installed() as interruption, window(driver, interruption) as opened, opened.exposed():
            print("frozen", flush=True)
            while True:
                time.sleep(0.001)
    except Interrupted:
        pass
    print(sorted(driver.frozen), flush=True)
"""


def test_two_signals_back_to_back_thaw_a_real_process_every_time():
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD.format(path=sys.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "begun\n"
        for round_ in range(ROUNDS):
            child.stdin.write("\n")
            child.stdin.flush()
            assert child.stdout.readline() == "frozen\n"
            os.kill(child.pid, signal.SIGTERM)
            then = time.perf_counter_ns() + GAP * round_ // ROUNDS
            while time.perf_counter_ns() < then:
                pass
            os.kill(child.pid, signal.SIGHUP)
            assert child.stdout.readline() == "[]\n", f"round {round_}"
    finally:
        child.kill()
        child.communicate()
