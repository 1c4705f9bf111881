# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller is killed at random moments of the window: nobody stays frozen longer than the guard.

``--kills`` and ``--seed`` make it a campaign: on the application under load one controller at a time, on a fleet several at once.
"""

from __future__ import annotations

import collections.abc as c
import concurrent.futures
import dataclasses
import random
import signal
import time

import fleet
import laboratory
import pytest
from laboratory import APPLICATION, DRIVERS, ModuleRun, Patience, cloud, frozen_of, module, thaw_all, wait

GUARD = 12
#: What a guard may be late: Nova's sweep, a retry, and a look at the guests.
LATE = 15
#: How many applications of the fleet lose their controller at once.
PAIRS = 5
#: How many sets are removed at a time.
AT_ONCE = 3


@dataclasses.dataclass(frozen=True)
class Subject:
    """An application whose controller is killed.

    :param frozen: asks which servers, by name, stand still inside; those that Nova has paused are not asked.
    """

    application: dict
    ids: dict[str, str]
    frozen: c.Callable[[set[str]], set[str]]

    def standing(self) -> set[str]:
        paused = {name for name, server_id in self.ids.items() if cloud().compute.get_server(server_id).status == "PAUSED"}
        return paused | self.frozen({*self.ids} - paused)

    def is_marked(self) -> bool:
        return any("osdr_freeze" in cloud().compute.get_server(server_id).metadata for server_id in self.ids.values())


@dataclasses.dataclass
class Kills:
    """What a campaign has seen."""

    count: int = 0
    frozen_then: int = 0
    longest: float = 0.0
    failures: list[str] = dataclasses.field(default_factory=list)
    sets: list[tuple[str, dict]] = dataclasses.field(default_factory=list)

    def kill(self, subject: Subject, driver: str, moment: float) -> None:
        """Kill a controller so many seconds after its first mark, and watch until its servers run, or until their time is over."""
        killed = self._kill_in_window(subject, driver, moment)
        patience = Patience(LATE)
        standing_after = left = subject.standing()
        while left and not patience.is_spent():
            time.sleep(0.5)
            # A guard's time is the same on every machine; how late it comes is not.
            if time.monotonic() < killed + GUARD:
                patience.renew()
            left = subject.standing()
        if left:
            self.failures.append(f"{driver} killed after {moment:.2f} s: {sorted(left)} still frozen")
        elif standing_after:
            self.longest = max(self.longest, time.monotonic() - killed)
        self.count += 1
        self.frozen_then += bool(standing_after)
        print(f"kill {self.count}: {driver}, {moment:.2f} s into the window, {len(standing_after)} frozen then", flush=True)

    def _kill_in_window(self, subject: Subject, driver: str, moment: float) -> float:
        """:returns: when it was killed."""
        name = laboratory.unique("kill")
        self.sets.append((name, subject.application))
        limits = {"budget": GUARD - 1, "guard_timeout": GUARD}
        run = ModuleRun("os_cg_snapshot", cloud="primary", name=name, application=subject.application, quiesce={**DRIVERS[driver], **limits})
        wait("the first mark", subject.is_marked, 60, 0.1)
        time.sleep(moment)
        run.signal(signal.SIGKILL)
        return time.monotonic()

    def finish(self, seed: int) -> None:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(_remove, self.sets))
        print(
            f"seed {seed}: longest {self.longest:.1f} s (guard {GUARD} s)\n"
            f"counted: {self.count} kills of a window, {self.frozen_then} of them with servers frozen, "
            f"{len(self.failures)} left frozen after the guard's time",
            flush=True,
        )
        assert not self.failures
        left = [one.name for one in cloud().block_storage.snapshots()]
        assert not [one for one in left if any(f".{name}." in one for name, _application in self.sets)]


def _remove(set_of_application: tuple[str, dict]) -> None:
    name, application = set_of_application
    module("os_cg_snapshot", cloud="primary", name=name, application=application, state="absent")


def nobody_is_frozen_later() -> None:
    """A freeze that was not seen to come may come until the guard's time is over, and half a minute more."""
    wait("everybody to be thawed for good", lambda: "msg" not in thaw_all(), GUARD + 90, 1)


def test_no_kill_leaves_anybody_frozen(guests, kills, seed):
    dice, seen = random.Random(seed), Kills()
    by_name = {guest.name: guest for guest in guests}
    shop = Subject(APPLICATION, {guest.name: guest.id for guest in guests}, lambda names: frozen_of([by_name[name] for name in names]))
    for number in range(kills):
        seen.kill(shop, list(DRIVERS)[number % len(DRIVERS)], dice.uniform(0, 3.5))
        nobody_is_frozen_later()
    seen.finish(seed)


@pytest.fixture
def pairs():
    """Applications of two servers in two tiers."""
    with fleet.running(cloud(), 2 * PAIRS) as ids:
        yield [_pair(dict(list(ids.items())[start : start + 2])) for start in range(0, 2 * PAIRS, 2)]


def _pair(ids: dict[str, str]) -> Subject:
    first, second = ids
    tiers = [{"name": "database", "servers": [first]}, {"name": "front", "servers": [second]}]
    return Subject(
        {"name": f"pair-of-{first}", "tiers": tiers}, ids, lambda names: {name for name in names if "frozen" in fleet.agent_says(ids[name])}
    )


@pytest.mark.campaign
def test_no_kill_among_many_leaves_anybody_frozen(pairs, kills, seed):
    """Several controllers at once, each with an application of its own, a driver and a moment."""
    dice, seen = random.Random(seed), Kills()
    with concurrent.futures.ThreadPoolExecutor(len(pairs)) as pool:
        while seen.count < kills:
            drivers = dice.choices(list(DRIVERS), k=len(pairs))
            moments = [dice.uniform(0, 3.5) for _pair in pairs]
            list(pool.map(seen.kill, pairs, drivers, moments))
            nobody_is_frozen_later()
    seen.finish(seed)
