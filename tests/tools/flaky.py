# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run what uses the lab so many times, and count for every test how often it failed.

Each part of each run leaves a report in JUnit's format, by which an interrupted campaign goes on: what has its report is not run again.
A new commit begins anew. With ``--runs 0`` what was counted so far is only shown.
"""

from __future__ import annotations

import argparse
import collections
import collections.abc as c
import dataclasses
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Command = list[str]

#: What a part runs unless it is a scenario of Molecule.
COMMANDS: dict[str, Command] = {
    "functional": ["pytest", "tests/functional", "-m", "not campaign", "--seed={run}", "--junitxml={report}"],
    "hooks": ["make", "--no-print-directory", "hooks"],
}
SCENARIO: Command = ["make", "--no-print-directory", "molecule", "SCENARIOS={part}"]
#: The lab, and the application on it: the part before may have killed a site.
PREPARATION: list[Command] = [["make", "--no-print-directory", "lab-up"], ["make", "--no-print-directory", "lab-shop"]]
#: Statuses of pytest that stand for a whole run, without and with failures.
WHOLE = (0, 1)
LAST_LINES = 20


class Interrupted(Exception):
    """Says which part of a run did not come to its end."""


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of one run.

    :param place: where its report and its log are.
    """

    name: str
    run: int
    place: Path

    @property
    def report(self) -> Path:
        return self.place / f"{self.name}.xml"

    @property
    def log(self) -> Path:
        return self.place / f"{self.name}.log"

    def command(self, report: Path) -> Command:
        given = COMMANDS.get(self.name, SCENARIO)
        return [word.format(run=self.run, report=report, part=self.name) for word in given]


def perform(part: Part) -> None:
    """Run a part, and leave its report once it has come to its end.

    :raises Interrupted: when it has not, so that it will be run again.
    """
    part.place.mkdir(parents=True, exist_ok=True)
    draft = part.report.with_suffix(".draft")
    began = time.monotonic()
    with part.log.open("w", encoding="utf-8") as log:
        failed = next((command for command in PREPARATION if run(command, log)), None)
        status = None if failed else run(part.command(draft), log)
    if failed or part.name != "functional":
        name = f"{part.name}: {' '.join(failed[2:])}" if failed else part.name
        draft.write_bytes(report_of(name, status == 0, time.monotonic() - began, part.log))
    elif status not in WHOLE:
        raise Interrupted(f"Run {part.run}: {part.name} ended with status {status} before its end. See {part.log}, and run the same again to go on.")
    draft.rename(part.report)


def run(command: Command, log) -> int:
    return subprocess.run(command, cwd=ROOT, check=False, stdout=log, stderr=subprocess.STDOUT).returncode


def report_of(name: str, passed: bool, seconds: float, log: Path) -> bytes:
    """A report with a single test: what is no test of pytest."""
    case = xml.Element("testcase", classname="lab", name=name, time=f"{seconds:.1f}")
    if not passed:
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        xml.SubElement(case, "failure", message=f"see {log}").text = printable("\n".join(last))
    suite = xml.Element("testsuite")
    suite.append(case)
    return xml.tostring(suite)


def printable(text: str) -> str:
    """Text without what XML cannot hold, like the colours of a terminal."""
    return "".join(one for one in text if one.isprintable() or one == "\n")


@dataclasses.dataclass
class Count:
    """What became of one test over all runs."""

    passed: int = 0
    failed: int = 0
    message: str = ""

    def add(self, case: xml.Element) -> None:
        problem = next((found for found in (case.find("failure"), case.find("error")) if found is not None), None)
        if problem is None:
            self.passed += 1
        else:
            self.failed += 1
            self.message = self.message or next(iter(problem.get("message", "").splitlines()), "")


def counted(place: Path) -> dict[str, Count]:
    """All reports of a campaign, by test; a test that was skipped proved nothing and is not counted."""
    counts: dict[str, Count] = collections.defaultdict(Count)
    for report in sorted(place.glob("run-*/*.xml")):
        for test, cases in _by_test(report).items():
            # A test may have failed and left something behind, too: that is one failure.
            worst = next((case for case in cases if case.find("failure") is not None or case.find("error") is not None), cases[0])
            counts[test].add(worst)
    return counts


def _by_test(report: Path) -> dict[str, list[xml.Element]]:
    found: dict[str, list[xml.Element]] = collections.defaultdict(list)
    for case in xml.parse(report).iter("testcase"):
        if case.find("skipped") is None:
            found[f"{case.get('classname')}::{case.get('name')}"].append(case)
    return found


def table(counts: dict[str, Count]) -> c.Iterator[str]:
    """The tests that ever failed, the worst first; the last line counts all."""
    for test, count in sorted(counts.items(), key=lambda item: (-item[1].failed, item[0])):
        if count.failed:
            yield f"{count.failed:>3} of {count.failed + count.passed:<3} {test}\n           {count.message}"
    flaky = sum(0 < count.failed for count in counts.values())
    yield f"{len(counts)} tests, of which {flaky} failed at least once"
    yield f"{sum(count.passed for count in counts.values())} passed, {sum(count.failed for count in counts.values())} failed"


def revision() -> str:
    return subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def campaign(place: Path, runs: int, parts: list[str]) -> None:
    """Perform whatever has no report yet."""
    for number in range(1, runs + 1):
        for name in parts:
            part = Part(name, number, place / f"run-{number:02d}")
            if not part.report.exists():
                print(f"run {number} of {runs}: {name}, see {part.log}", flush=True)
                perform(part)


def main(given: list[str]) -> int:
    """Run, and show the table; the exit status tells whether anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path, help="where reports and logs are kept")
    parser.add_argument("parts", nargs="+", help=f"{', '.join(COMMANDS)}, or scenarios of Molecule")
    parser.add_argument("--runs", type=int, required=True)
    options = parser.parse_args(given)
    place = options.directory / revision()
    try:
        campaign(place, options.runs, options.parts)
    except Interrupted as problem:
        print(problem, file=sys.stderr)
        return 2
    finally:
        counts = counted(place)
        print(*table(counts), sep="\n", flush=True)
    return int(any(count.failed for count in counts.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
