# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller is killed at random moments of the window: nobody stays frozen longer than the guard.

``--kills`` and ``--seed`` make it a campaign.
"""

from __future__ import annotations

import random
import signal
import time

import laboratory
from laboratory import APPLICATION, DRIVERS, ModuleRun, cloud, frozen_of, module, thaw_all, wait

GUARD = 12
#: What a guard may be late: Nova's sweep, a retry, and a look at three guests.
LATE = 15


def standing(guests):
    paused = {guest.name for guest in guests if guest.status() == "PAUSED"}
    return paused | frozen_of([guest for guest in guests if guest.name not in paused])


def kill_in_window(driver, moment):
    """:returns: name of the set of snapshots that was under way."""
    name = laboratory.unique("kill")
    limits = {"budget": GUARD - 1, "guard_timeout": GUARD}
    run = ModuleRun("os_cg_snapshot", cloud="primary", name=name, application=APPLICATION, quiesce={**DRIVERS[driver], **limits})
    first = laboratory.Guest.named("shop-front")
    wait("the first mark", lambda: "osdr_freeze" in first.metadata(), 60, 0.1)
    time.sleep(moment)
    run.signal(signal.SIGKILL)
    return name


def test_no_kill_leaves_anybody_frozen(guests, kills, seed):
    dice = random.Random(seed)
    frozen_seen, longest, failures, names = 0, 0.0, [], []
    for number in range(kills):
        driver = list(DRIVERS)[number % len(DRIVERS)]
        moment = dice.uniform(0, 3.5)
        names.append(kill_in_window(driver, moment))
        killed = time.monotonic()
        standing_after = standing(guests)
        frozen_seen += bool(standing_after)
        while standing(guests) and time.monotonic() < killed + GUARD + LATE:
            time.sleep(0.5)
        left = standing(guests)
        if left:
            failures.append(f"{driver} killed after {moment:.2f} s: {sorted(left)} still frozen")
        elif standing_after:
            longest = max(longest, time.monotonic() - killed)
        print(f"kill {number + 1}/{kills}: {driver}, {moment:.2f} s into the window, {len(standing_after)} frozen then", flush=True)
        # A freeze that was not seen to come may come until the guard's time is over, and half a minute more.
        wait("everybody to be thawed for good", lambda: "msg" not in thaw_all(), GUARD + 90, 5)
    for name in names:
        module("os_cg_snapshot", cloud="primary", name=name, application=APPLICATION, state="absent")
    print(
        f"seed {seed}: longest {longest:.1f} s (guard {GUARD} s)\n"
        f"counted: {kills} kills of a window, {frozen_seen} of them with servers frozen, {len(failures)} left frozen after the guard's time"
    )
    assert not failures
    left = [one.name for one in cloud().block_storage.snapshots()]
    assert not [one for one in left if any(f".{name}." in one for name in names)]
