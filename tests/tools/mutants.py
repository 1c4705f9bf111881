# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make small mistakes in the library and in the quiesce API's filter, one at a time, and see whether a unit test notices.

A sample of a given size is taken from all mistakes that can be made; the same seed takes the same. Of the tests only those run that reach the
function. Mistakes that change nothing are listed in tests/mutants-equivalent.toml, each with the reason. The table ends with what each part of the
library reaches of its goal; the exit status is 1 when one is missed, or when the list names what is not there any more. With --again and the output
of an earlier campaign, only its survivors are judged: whether tests written since notice them.

Why no tool from elsewhere: mutmut (3.7) finds a mutant by the name that the path of its file gives, and the collection is imported by another one,
as the filter is; cosmic-ray (8) changes files in place and runs one and the same command for every mutant.
"""

from __future__ import annotations

import argparse
import collections.abc as c
import concurrent.futures
import dataclasses
import fnmatch
import queue
import random
import re
import sys
import tempfile
import tomllib
import typing as t
from pathlib import Path

from mutant_runs import LIBRARY, Ended, NotGreen, Reach, Tree
from mutations import Mutation, mutations_of

EQUIVALENT = Path("tests", "mutants-equivalent.toml")
#: A survivor as it is printed: the file, its line, and the change.
_SURVIVED = re.compile(r"survived: (\S+):\d+ (.+)")


@dataclasses.dataclass(frozen=True)
class Goal:
    """How many of a hundred mutants are to be killed in a part.

    :param patterns: of the part's files.
    """

    name: str
    percent: int
    patterns: tuple[str, ...]

    def has(self, module: str) -> bool:
        return any(fnmatch.fnmatch(module, pattern) for pattern in self.patterns)


GOALS = (
    Goal("freezing", 95, (f"{LIBRARY}/quiesce/*.py",)),
    Goal("evidence", 95, (f"{LIBRARY}/snapshots/*.py", f"{LIBRARY}/core/consistency.py", f"{LIBRARY}/core/states.py")),
    Goal("copies", 95, (f"{LIBRARY}/copies/*.py", f"{LIBRARY}/core/image_marks.py", f"{LIBRARY}/manifest/volume_keys.py")),
    Goal("retention", 95, (f"{LIBRARY}/catalogue/retention.py", f"{LIBRARY}/catalogue/pruning.py")),
    Goal("restore", 95, (f"{LIBRARY}/restore/*.py",)),
    Goal("roll-back", 95, (f"{LIBRARY}/rollback/*.py", f"{LIBRARY}/catalogue/roll_back_record.py")),
    Goal("filter", 90, ("roles/nova_quiesce_api/files/nova_quiesce_api.py",)),
)


@dataclasses.dataclass
class Tally:
    """What became of the mutants of a file, or of a part."""

    killed: int = 0
    late: int = 0
    equivalent: int = 0
    survived: int = 0

    def add(self, other: Tally) -> None:
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    @property
    def mutants(self) -> int:
        return self.killed + self.equivalent + self.survived

    @property
    def percent(self) -> float:
        """Of those that a test could notice."""
        judged = self.killed + self.survived
        return 100 * self.killed / judged if judged else 100.0

    def row(self, name: str) -> str:
        return f"{name:<52} {self.mutants:>8} {self.killed:>7} {self.late:>8} {self.equivalent:>11} {self.survived:>9} {self.percent:>6.1f}"


HEADING = f"{'file':<52} {'mutants':>8} {'killed':>7} {'by time':>8} {'equivalent':>11} {'survived':>9} {'%':>6}"


@dataclasses.dataclass(frozen=True)
class Equivalents:
    """The mutations that were judged to change nothing."""

    reasons: dict[tuple[str, str, str, str], str]

    @classmethod
    def read(cls, path: Path) -> Equivalents:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
        return cls({(one["file"], one["function"], one["was"], one["becomes"]): one["reason"] for one in entries})

    def has(self, mutation: Mutation) -> bool:
        return mutation.key in self.reasons

    def gone(self, mutations: c.Iterable[Mutation], modules: c.Container[str]) -> list[str]:
        """The entries for files that were looked at, of which there is no such mutation any more."""
        known = {one.key for one in mutations}
        return [" ".join(key) for key in self.reasons if key[0] in modules and key not in known]


def modules_of(tree: Path, wanted: c.Sequence[str]) -> list[str]:
    """The files whose path has one of the wanted words in it; by themselves, all that have a goal."""
    found = sorted(str(path.relative_to(tree)) for place in (LIBRARY, "roles") for path in (tree / place).rglob("*.py"))
    if not wanted:
        return [module for module in found if any(goal.has(module) for goal in GOALS)]
    return [module for module in found if any(word in module for word in wanted)]


def sample(mutations: list[Mutation], count: int, seed: int) -> list[Mutation]:
    """So many of them, or all for 0."""
    chosen = set(random.Random(seed).sample(range(len(mutations)), min(count or len(mutations), len(mutations))))
    return [one for number, one in enumerate(mutations) if number in chosen]


def survivors(mutations: list[Mutation], output: str) -> list[Mutation]:
    """Those of the mutations that the output of an earlier campaign says have survived."""
    survived = set(_SURVIVED.findall(output))
    return [one for one in mutations if (one.module, one.change) in survived]


def judged(mutations: list[Mutation], reach: Reach, trees: list[Tree]) -> c.Iterator[tuple[Mutation, Ended]]:
    """Run the tests for each mutation, in as many trees as there are at a time."""
    free: queue.SimpleQueue[Tree] = queue.SimpleQueue()
    for tree in trees:
        free.put(tree)

    def judge(mutation: Mutation) -> Ended:
        tree, stages = free.get(), reach.stages_of(mutation)
        try:
            return tree.judge(mutation, stages, reach.limit(stages))
        finally:
            free.put(tree)

    with concurrent.futures.ThreadPoolExecutor(len(trees)) as pool:
        futures = {pool.submit(judge, mutation): mutation for mutation in mutations}
        for future in concurrent.futures.as_completed(futures):
            yield futures[future], future.result()


@dataclasses.dataclass
class Campaign:
    """A sample of mutations, and what became of each.

    :param goals: none for mutations that were not taken at random.
    """

    sample: list[Mutation]
    equivalents: Equivalents
    goals: tuple[Goal, ...] = GOALS
    survivors: list[Mutation] = dataclasses.field(default_factory=list)
    tallies: dict[str, Tally] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        for mutation in self.sample:
            self._tally(mutation).equivalent += self.equivalents.has(mutation)

    def _tally(self, mutation: Mutation) -> Tally:
        return self.tallies.setdefault(mutation.module, Tally())

    def to_judge(self) -> list[Mutation]:
        return [one for one in self.sample if not self.equivalents.has(one)]

    def add(self, mutation: Mutation, ended: Ended) -> None:
        tally = self._tally(mutation)
        tally.killed += ended.killed
        tally.late += ended.status is None
        tally.survived += not ended.killed
        if not ended.killed:
            self.survivors.append(mutation)

    def total(self, is_part: t.Callable[[str], bool] = lambda _module: True) -> Tally:
        total = Tally()
        for module, tally in self.tallies.items():
            if is_part(module):
                total.add(tally)
        return total

    def missed(self) -> list[Goal]:
        return [goal for goal in self.goals if self.total(goal.has).percent < goal.percent]

    def report(self) -> c.Iterator[str]:
        """The table; the last line counts."""
        survivors = sorted(self.survivors, key=lambda one: (one.module, one.line))
        yield from (f"survived: {one}" for one in survivors)
        yield HEADING
        for module in sorted(self.tallies):
            yield self.tallies[module].row(module.removeprefix(f"{LIBRARY}/"))
        for goal in self.goals:
            total = self.total(goal.has)
            if total.mutants:
                missed = "" if total.percent >= goal.percent else "  MISSED"
                yield f"{total.row(f'= {goal.name}')}  of {goal.percent}{missed}"
        total = self.total()
        yield f"killed: {total.percent:.1f} %"
        yield f"counted: {total.mutants} mutants, {total.killed} killed, {total.equivalent} equivalent, {total.survived} survived"


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", help="words in the paths of files; by themselves, all files that have a goal")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200, help="size of the sample, 0 for all")
    parser.add_argument("--again", type=Path, metavar="FILE", help="judge only the survivors of an earlier campaign, of which this is the output")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time")
    return parser.parse_args(given)


def campaign_of(options: argparse.Namespace, mutations: list[Mutation], equivalents: Equivalents) -> Campaign:
    if options.again:
        return Campaign(survivors(mutations, options.again.read_text(encoding="utf-8")), equivalents, goals=())
    return Campaign(sample(mutations, options.count, options.seed), equivalents)


def run(options: argparse.Namespace, place: Path) -> int:
    first = Tree.of_working_tree(place / "tree-0")
    modules = modules_of(first.root, options.modules)
    mutations = [one for module in modules for one in mutations_of(module, first.source(module))]
    equivalents = Equivalents.read(first.root / EQUIVALENT)
    campaign = campaign_of(options, mutations, equivalents)
    print(f"{len(campaign.sample)} of {len(mutations)} mutants, seed {options.seed}. Which test reaches what?", flush=True)
    reach = first.learn(modules)
    trees = [first, *(first.copied(place / f"tree-{number}") for number in range(1, options.jobs))]
    wanted = campaign.to_judge()
    for tree in trees:
        tree.require_green(sorted({tests[0] for one in wanted for tests in reach.stages_of(one)}))
    for number, (mutation, ended) in enumerate(judged(wanted, reach, trees), start=1):
        campaign.add(mutation, ended)
        if not ended.killed:
            print(f"{number} of {len(wanted)}: survived: {mutation}", flush=True)
    gone = equivalents.gone(mutations, modules)
    for entry in gone:
        print(f"{EQUIVALENT} names what is not there any more: {entry}", file=sys.stderr)
    print(*campaign.report(), sep="\n", flush=True)
    return int(bool(gone or campaign.missed()))


def main(given: list[str]) -> int:
    """Run a campaign on copies of the working tree."""
    options = arguments(given)
    with tempfile.TemporaryDirectory(prefix="osdr-mutants-") as place:
        try:
            return run(options, Path(place))
        except NotGreen as problem:
            print(problem, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
