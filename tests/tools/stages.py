# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run targets of the Makefile one after the other, stop at the first that fails, and sum up."""

from __future__ import annotations

import subprocess
import sys
import time


def run(stage: str) -> tuple[bool, float]:
    """Run one stage; tell whether it passed and how many seconds it took."""
    print(f"\n=== {stage}", flush=True)
    start = time.monotonic()
    passed = subprocess.run(["make", "--no-print-directory", stage], check=False).returncode == 0
    return passed, time.monotonic() - start


def main(stages: list[str]) -> int:
    """Run the stages; the last line counts them."""
    outcomes = dict.fromkeys(stages, "not run")
    failed = []
    for stage in stages:
        passed, seconds = run(stage)
        outcomes[stage] = f"{'passed' if passed else 'FAILED'} in {seconds:.0f} s"
        if not passed:
            failed = [stage]
            break
    print("\n=== summary")
    for stage, outcome in outcomes.items():
        print(f"{stage:<12} {outcome}")
    for stage in failed:
        print(f'Stopped at "{stage}": "make {stage}" repeats it alone.')
    passed = sum(outcome.startswith("passed") for outcome in outcomes.values())
    print(f"{passed} passed, {len(failed)} failed", flush=True)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
