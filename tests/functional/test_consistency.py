# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The databases in the snapshots, read by the checker: whole, in causal order, with all that was acknowledged before the freeze.

``--rounds`` and ``--seed`` make it a campaign. The negative control shows that the checker would notice.
"""

from __future__ import annotations

import contextlib
import random
import time

import laboratory
import reader
from laboratory import APPLICATION, DRIVERS, cloud, module


@contextlib.contextmanager
def snapshots_of(application, **arguments):
    """A set of snapshots, removed at the end."""
    wanted = {"cloud": "primary", "name": laboratory.unique("round"), "application": application}
    try:
        taken = module("os_cg_snapshot", **wanted, **arguments)
        assert "msg" not in taken, taken["msg"]
        yield taken["cg_snapshot"]
    finally:
        module("os_cg_snapshot", **wanted, state="absent")


def test_every_set_fits_together(guests, rounds, seed):
    dice = random.Random(seed)
    verdicts, windows = [], []
    for number in range(rounds):
        driver = ("nova", "libvirt")[number % 2]
        time.sleep(dice.uniform(0, 4))
        with snapshots_of(APPLICATION, quiesce=DRIVERS[driver]) as taken:
            verdicts.append(reader.verdict(taken["snapshots"], taken["window"]["started"]))
            windows.append(taken["window"]["seconds"])
        found = {key: verdicts[-1][key] for key in ("torn", "causal", "acknowledged", "rows")}
        print(f"checkpoint {number + 1}/{rounds} by {driver}: window {windows[-1]:.1f} s, {found}", flush=True)
        assert verdicts[-1]["rows"]["orders"], "the load was writing"
    torn, causal, kept = (sum(bool(one[key]) for one in verdicts) for key in ("torn", "causal", "acknowledged"))
    print(
        f"seed {seed}: windows {min(windows):.1f} to {max(windows):.1f} s\n"
        f"counted: {rounds} checkpoints read, {torn} torn, {rounds - causal} out of causal order, {rounds - kept} without what was acknowledged"
    )
    assert (torn, causal, kept) == (0, rounds, rounds)
    assert not [one.name for one in cloud().block_storage.snapshots() if ".round-" in one.name]


def test_servers_frozen_one_after_the_other_do_not_fit_together(guests):
    """What createImage does for each server: each copy is whole, together they are worth nothing."""
    with contextlib.ExitStack() as stack:
        snapshots = []
        for name in ("orders-db", "payments-db"):
            alone = {"name": f"{name}-alone", "tiers": [{"name": "database", "servers": [name]}]}
            snapshots += stack.enter_context(snapshots_of(alone, quiesce=DRIVERS["nova"]))["snapshots"]
        found = reader.verdict(snapshots)
    assert not found["torn"], found
    assert not found["causal"], found
