# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the campaigns of tests/campaigns, which look for a way to break a promise of the library, one after the other.

Each is a program that takes ``--seed`` and ``--count``, has a goal of its own for the latter, ends with a line that counts, and fails when it has found a way.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

from working_tree import ROOT

CAMPAIGNS = ROOT / "tests" / "campaigns"
#: What "make soak" adds up: see stages.py.
COUNTS = re.compile(r"\d+ [^,]+(, \d+ [^,]+)*")


def run(campaign: Path, *arguments: str) -> tuple[bool, str]:
    """Run a campaign, show what it says, and return whether nothing was found and its last line."""
    last = ""
    path = os.pathsep.join((str(ROOT / ".build" / "collections"), str(CAMPAIGNS)))
    with subprocess.Popen(
        [sys.executable, campaign, *arguments], stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}
    ) as made:
        for line in t.cast(t.TextIO, made.stdout):
            print(line, end="", flush=True)
            last = line.strip() or last
    return made.returncode == 0, last


def main(given: list[str]) -> int:
    """Run all campaigns; the exit status is the number of those that found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", help="how many attempts each makes; the goal of each when omitted")
    options = parser.parse_args(given)
    count = () if options.count is None else ("--count", options.count)
    found = {}
    # Some have helpers beside them, which are no campaigns.
    for campaign in sorted(path for path in CAMPAIGNS.glob("*.py") if "__main__" in path.read_text(encoding="utf-8")):
        print(f"\n--- {campaign.stem}", flush=True)
        found[campaign.stem] = run(campaign, "--seed", options.seed, *count)
    if not found:
        print(f"There is no campaign in {CAMPAIGNS}.", file=sys.stderr)
        return 2
    print()
    for name, (passed, last) in found.items():
        print(f"{name:<16} {'nothing found' if passed else 'BROKEN'}: {last}")
        if COUNTS.fullmatch(last):
            print(f"counted: {last}")
    broken = sum(not passed for passed, _last in found.values())
    print(f"{len(found) - broken} passed, {broken} failed")
    return broken


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
