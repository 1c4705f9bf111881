# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What campaigns share: seeded attempts that are counted, and the proof that a fault would be found."""

from __future__ import annotations

import argparse
import dataclasses
import math
import random
import sys
import typing as t
from pathlib import Path

COLLECTIONS = Path(__file__).resolve().parents[2] / ".build" / "collections"
if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))

#: A planted fault must be found by so many attempts.
_ATTEMPTS_FOR_FAULT = 500
_SHOWN = 10

#: One attempt: what it found that must not be.
Attempt = t.Callable[[random.Random], t.Iterable[str]]


def tell_progress(done: int, wanted: int, violations: int) -> None:
    """Say ten times on the way how far it is: one that is interrupted has shown something too."""
    if done < wanted and done % max(1, wanted // 10) == 0:
        print(f"{done} of {wanted} attempts, {violations} violations so far", flush=True)


@dataclasses.dataclass(frozen=True)
class Campaign:
    """
    :param what: what is counted, in the plural.
    :param faults: per name, a context in which the code has a fault that the attempts must find.
    :param goal: so many are made when nobody says how many.
    :param in_each: how many of them an attempt makes.
    """

    what: str
    attempt: Attempt
    faults: t.Mapping[str, t.Callable[[], t.ContextManager[t.Any]]]
    goal: int
    in_each: int = 1

    def found(self, seed: int, number: int) -> list[str]:
        return list(self.attempt(random.Random(f"{seed}/{number}")))

    def _finds(self, seed: int, number: int) -> bool:
        """Whether there is anything to find; what comes after the first is not looked for."""
        return next(iter(self.attempt(random.Random(f"{seed}/{number}"))), None) is not None

    def blind_for(self, seed: int) -> list[str]:
        """Planted faults that nothing finds."""
        blind = []
        for name, planted in self.faults.items():
            with planted():
                if not any(self._finds(seed, number) for number in range(_ATTEMPTS_FOR_FAULT)):
                    blind.append(name)
        return blind

    def main(self) -> t.NoReturn:
        parser = argparse.ArgumentParser(description=f"Attacks with random {self.what}; the same seed makes the same ones.")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--count", type=int, default=self.goal)
        parser.add_argument("--only", type=int, help="repeat one attempt by its number")
        options = parser.parse_args()
        if options.only is not None:
            print("\n".join(self.found(options.seed, options.only)) or "Nothing was found.")
            sys.exit()
        blind = self.blind_for(options.seed)
        for name in blind:
            print(f"The planted fault was not found: {name}")
        violations = 0
        attempts = math.ceil(options.count / self.in_each)
        for number in range(attempts):
            for violation in self.found(options.seed, number):
                violations += 1
                if violations <= _SHOWN:
                    print(f"--only {number}: {violation}", flush=True)
            tell_progress(number + 1, attempts, violations)
        found = f"{len(self.faults) - len(blind)} of {len(self.faults)} planted faults found"
        print(f"{attempts * self.in_each} {self.what} of seed {options.seed}, {found}, {violations} violations")
        sys.exit(bool(violations or blind))
