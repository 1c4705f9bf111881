# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run targets of the Makefile in steps, stop at the first step with a failure, and sum up.

A step is one stage, or several joined by ``+`` that run side by side: ``lab-up+unit functional``. A stage alone shows its output as it
comes. What runs side by side is shown as a whole when it ends; every minute a line tells what is running. Each stage has a log of its own.

Lines like ``counted: 51 kills, 0 left frozen`` in what the stages say are added up for the last line.
"""

from __future__ import annotations

import argparse
import collections
import collections.abc as c
import concurrent.futures
import dataclasses
import re
import subprocess
import sys
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".build" / "stages"
HEARTBEAT_SECONDS = 60

Step = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one stage ended."""

    passed: bool
    seconds: float


class Outcomes(dict[str, Outcome]):
    """What ran, by stage."""

    @property
    def failed(self) -> list[str]:
        return [stage for stage, outcome in self.items() if not outcome.passed]


def log_of(stage: str) -> Path:
    return LOGS / f"{stage}.log"


def run(stage: str, shown: bool) -> Outcome:
    """Run one stage, with its output into its log.

    :param shown: as it comes, too.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    command = ["make", "--no-print-directory", stage]
    with (
        log_of(stage).open("w", encoding="utf-8", buffering=1) as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace") as made,
    ):
        for line in t.cast(t.TextIO, made.stdout):
            log.write(line)
            if shown:
                print(line, end="", flush=True)
    return Outcome(made.returncode == 0, time.monotonic() - began)


class Running:
    """The stages that run side by side at this moment, and since when."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def run(self, stage: str) -> Outcome:
        self._since[stage] = time.monotonic()
        say(f"\n=== {stage} begins, beside others: {log_of(stage)}")
        try:
            return run(stage, shown=False)
        finally:
            del self._since[stage]

    def __str__(self) -> str:
        now = time.monotonic()
        return ", ".join(f"{stage} for {now - since:.0f} s" for stage, since in self._since.copy().items())


def run_side_by_side(stages: Step, jobs: int) -> c.Iterator[tuple[str, Outcome]]:
    """Run stages, so many at a time; after a failure no other begins, and those that run may end."""
    running = Running()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        waiting = {pool.submit(running.run, stage): stage for stage in stages}
        while waiting:
            done, _others = concurrent.futures.wait(waiting, HEARTBEAT_SECONDS, concurrent.futures.FIRST_COMPLETED)
            if not done:
                say(f"... {running}")
            for future in done:
                stage = waiting.pop(future)
                outcome = future.result()
                if not outcome.passed:
                    waiting = {future: stage for future, stage in waiting.items() if not future.cancel()}
                say(f"\n=== {stage}\n{log_of(stage).read_text(encoding='utf-8')}")
                say(f"=== {stage} {described(outcome)}")
                yield stage, outcome


def run_step(stages: Step, jobs: int) -> c.Iterable[tuple[str, Outcome]]:
    if len(stages) > 1:
        return run_side_by_side(stages, jobs)
    (stage,) = stages
    say(f"\n=== {stage}")
    return [(stage, run(stage, shown=True))]


def run_steps(steps: list[Step], jobs: int) -> Outcomes:
    """Run the steps, up to the end of the first in which a stage fails."""
    outcomes = Outcomes()
    for step in steps:
        outcomes.update(run_step(step, jobs))
        if outcomes.failed:
            break
    return outcomes


def begun_at(steps: list[Step], stage: str) -> list[Step]:
    """The steps from a stage on; of those beside it, the ones that are listed after it."""
    names = [name for step in steps for name in step]
    left = set(names[names.index(stage) :])
    kept = [tuple(name for name in step if name in left) for step in steps]
    return [step for step in kept if step]


def described(outcome: Outcome) -> str:
    return f"{'passed' if outcome.passed else 'FAILED'} in {outcome.seconds:.0f} s"


def counted(stages: c.Iterable[str]) -> dict[str, int]:
    """What the stages have counted, added up by what it is."""
    counts: dict[str, int] = collections.Counter()
    for stage in stages:
        for line in re.findall(r"^counted: (.*)$", log_of(stage).read_text(encoding="utf-8"), re.MULTILINE):
            for number, what in re.findall(r"(\d+) ([^,]+)", line):
                counts[what] += int(number)
    return counts


def summary(steps: list[Step], outcomes: Outcomes, seconds: float, resume: str) -> c.Iterator[str]:
    """The lines at the end; the last one counts. A share is that of the time from the beginning to the end, whatever runs beside it."""
    yield f"\n=== summary of {seconds:.0f} s"
    left, stages = [], [stage for step in steps for stage in step]
    width = max(map(len, [*stages, "functional  "]))
    for stage in stages:
        outcome = outcomes.get(stage)
        if outcome is None or not outcome.passed:
            left.append(stage)
        share = f", {outcome.seconds / seconds:.0%}" if outcome and seconds else ""
        yield f"{stage:<{width}} {described(outcome) if outcome else 'not run'}{share}"
    for stage in outcomes.failed:
        yield f'"{stage}" failed: "make {stage}" repeats it alone.'
    if left and resume:
        yield f'"{resume} FROM={left[0]}" goes on from there.'
    counts = {**counted(outcomes), "passed": len(outcomes) - len(outcomes.failed), "failed": len(outcomes.failed)}
    yield ", ".join(f"{number} {what}" for what, number in counts.items())


def say(line: str) -> None:
    print(line, flush=True)


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("steps", nargs="+", type=lambda text: tuple(text.split("+")), metavar="step", help="a stage, or stages joined by +")
    parser.add_argument("--jobs", type=int, default=2, help="how many stages of a step run at a time")
    parser.add_argument("--from", dest="start", default="", metavar="STAGE", help="begin with this stage")
    parser.add_argument("--resume", default="", metavar="COMMAND", help="the command to which FROM= is added to go on after a failure")
    options = parser.parse_args(given)
    stages = [stage for step in options.steps for stage in step]
    if options.start and options.start not in stages:
        parser.error(f'there is no stage "{options.start}"; the stages are {", ".join(stages)}')
    return options


def main(given: list[str]) -> int:
    """Run the stages; the exit status is the number of those that failed."""
    options = arguments(given)
    steps = begun_at(options.steps, options.start) if options.start else options.steps
    began = time.monotonic()
    outcomes = run_steps(steps, options.jobs)
    for line in summary(steps, outcomes, time.monotonic() - began, options.resume):
        say(line)
    return len(outcomes.failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
