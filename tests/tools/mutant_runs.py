# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests run on copies of the working tree: once to learn which of them reach which line, then for each mutation those that do.

Every run is a fork of a process that has loaded what takes long, and nothing of the collection. Nothing is ever changed in the working tree.
"""

from __future__ import annotations

import ast
import collections
import contextlib
import dataclasses
import functools
import json
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import typing as t
from pathlib import Path

from mutations import Mutation
from working_tree import copy_tree

LIBRARY = "plugins/module_utils"
TESTS = "tests/unit"
#: Its random journeys take longer than all others together, and reach nearly everything.
LEFT_OUT = "tests/unit/plugins/modules/test_round_trip.py"
#: Loaded once, before the runs are forked.
HEAVY = ["pytest", "openstack.connection", "ansible.module_utils.basic", "jsonschema", "yaml", "coverage", __name__]
#: How long a run may take before it counts as one that never ends: very much longer than the tests take by themselves.
LEAST_SECONDS, TIMES = 60.0, 20.0
#: A loop without end may fill the memory.
MOST_BYTES = 6 * 1024**3
#: Statuses of pytest: all tests pass, or there is none; a test is not there by its name.
SURVIVING, UNKNOWN = {0, 5}, 4


class NotGreen(Exception):
    """Says that the tests fail without any mutation."""


Stages = list[list[str]]


@dataclasses.dataclass(frozen=True)
class Reach:
    """Which tests reach which lines, and how long each test takes.

    :param lines: tests per line and file; paths are relative to the tree.
    :param importers: files per file that they import.
    """

    lines: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]
    importers: dict[str, set[str]] = dataclasses.field(default_factory=dict)

    def stages_of(self, mutation: Mutation) -> Stages:
        """The tests that may notice a mutation, in the order in which they do so most cheaply.

        Those of the file that mirrors the mutation's come first: most often they notice it, and no other file of tests need be loaded then.
        """
        near = self._mirrored(mutation.module)
        return [sorted(stage, key=lambda test: (self.seconds[test], test)) for stage in (near, self._reaching(mutation) - near) if stage]

    def _reaching(self, mutation: Mutation) -> set[str]:
        """The tests that reach the function of a mutation.

        What is outside of functions has run before any test, so it takes those that reach the file, or one that may use what stands there.
        """
        if mutation.last > mutation.first:
            # The line of "def" itself is reached by whatever imports the file.
            within = range(mutation.first + 1, mutation.last + 1)
            return {test for line, tests in self.lines.get(mutation.module, {}).items() if line in within for test in tests}
        files = {mutation.module, *self.importers.get(mutation.module, ())}
        return {test for file in files for tests in self.lines.get(file, {}).values() for test in tests}

    def _mirrored(self, module: str) -> set[str]:
        """The tests of the file that mirrors a module: what it starts as a process of its own is seen by no tracer."""
        path = Path(module)
        mirror = Path(TESTS) / path.parent / f"test_{path.name}"
        return {test for test in self.seconds if test.startswith(f"{mirror}::")}

    def limit(self, stages: Stages) -> float:
        return max(LEAST_SECONDS, TIMES * sum(self.seconds[test] for tests in stages for test in tests))


def importers(tree: Path) -> dict[str, set[str]]:
    """The files of the library that import each of its files."""
    found = collections.defaultdict(set)
    for path in (tree / LIBRARY).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.level:
                place = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
                for imported in (place, *(place / alias.name for alias in node.names)):
                    found[str(imported.relative_to(tree).with_suffix(".py"))].add(str(path.relative_to(tree)))
    return dict(found)


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a run ended: its status, or none when it did not end in time."""

    status: int | None

    @property
    def killed(self) -> bool:
        return self.status not in SURVIVING


class Tree:
    """A copy of the working tree in which mutations take place, one after the other."""

    def __init__(self, collections: Path) -> None:
        self._collections = collections
        self.root = collections / "ansible_collections" / "osdr" / "openstack"

    @classmethod
    def of_working_tree(cls, collections: Path) -> Tree:
        tree = cls(collections)
        copy_tree(tree.root)
        return tree

    def copied(self, collections: Path) -> Tree:
        """The same once more, with all that Python has compiled."""
        shutil.copytree(self._collections, collections, symlinks=True)
        return Tree(collections)

    def source(self, module: str) -> bytes:
        return (self.root / module).read_bytes()

    def learn(self, modules: list[str]) -> Reach:
        """:raises NotGreen: when a test fails."""
        with tempfile.TemporaryDirectory() as scratch:
            notes = Path(scratch, "notes.json")
            ended = self._run(functools.partial(_learn, modules, str(notes)), None)
            if ended.status != 0:
                raise NotGreen(f"The unit tests fail without any mutation (status {ended.status}): run {TESTS} first.")
            found = json.loads(notes.read_text(encoding="utf-8"))
        lines = {module: {int(line): tests for line, tests in of.items()} for module, of in found["lines"].items()}
        return Reach(lines, found["seconds"], importers(self.root))

    def require_green(self, tests: list[str]) -> None:
        """:raises NotGreen: when tests fail here without any mutation, so that all would seem to be killed."""
        ended = self._run(functools.partial(_test, [tests]), None)
        if ended.killed:
            raise NotGreen(f"Tests fail in a copy of the working tree without any mutation (status {ended.status}): {', '.join(tests)}")

    def judge(self, mutation: Mutation, stages: Stages, limit: float) -> Ended:
        """Whether the tests notice a mutation."""
        path = self.root / mutation.module
        source = path.read_bytes()
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()
        path.write_bytes(mutation.applied(source))
        try:
            return self._run(functools.partial(_test, stages), limit)
        finally:
            path.write_bytes(source)

    def _run(self, act: t.Callable[[], int], limit: float | None) -> Ended:
        process = _server().Process(target=_within, args=(str(self._collections), str(self.root), act))
        process.start()
        process.join(limit)
        ended = Ended(process.exitcode)
        # It leads a group of its own, with all that it has started.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
        return ended


@functools.cache
def _server() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    return context


# What follows runs in the forks.


def _within(collections: str, root: str, act: t.Callable[[], int]) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    os.chdir(root)
    # Not where make has the link to the working tree.
    os.environ.pop("ANSIBLE_COLLECTIONS_PATH", None)
    sys.path.insert(0, collections)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os._exit(act())


def _pytest(*arguments: str, plugins: t.Sequence[object] = ()) -> int:
    import pytest

    return int(pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", *arguments], plugins=[*plugins]))


def _test(stages: Stages) -> int:
    """The status of the first tests that fail; 0 when none do."""
    # A mutation and its source may have one size and one time: what was compiled of them must not be mixed up.
    sys.dont_write_bytecode = True
    return next((status for status in map(_stage, stages) if status not in SURVIVING), 0)


def _stage(tests: list[str]) -> int:
    status = _pytest("-x", *tests)
    if status == UNKNOWN:
        # A mutation may have changed the names of parametrized tests: that alone is nothing that a test has noticed.
        status = _pytest("-x", *dict.fromkeys(test.partition("::")[0] for test in tests))
    return status


def _learn(modules: list[str], notes: str) -> int:
    import coverage

    tracer = coverage.Coverage(data_file=None, include=[str(Path(module).resolve()) for module in modules], config_file=False)
    listener = Listener(tracer)
    tracer.start()
    status = _pytest(TESTS, f"--ignore={LEFT_OUT}", plugins=[listener])
    tracer.stop()
    Path(notes).write_text(json.dumps({"lines": listener.lines(modules), "seconds": listener.seconds}), encoding="utf-8")
    return status


class Listener:
    """A plugin of pytest that tells coverage which test runs, and takes the time."""

    def __init__(self, tracer: t.Any) -> None:
        self._tracer = tracer
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._tracer.switch_context(nodeid)

    def pytest_runtest_logfinish(self) -> None:
        self._tracer.switch_context("")

    def pytest_runtest_logreport(self, report: t.Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration

    def lines(self, modules: list[str]) -> dict[str, dict[int, list[str]]]:
        data = self._tracer.get_data()
        by_line = {module: data.contexts_by_lineno(str(Path(module).resolve())) for module in modules}
        return {module: {line: [test for test in tests if test] for line, tests in of.items()} for module, of in by_line.items()}
