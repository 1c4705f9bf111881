# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Campaigns of small mistakes: which tests are run for each, and what comes of it."""

from __future__ import annotations

import mutants
import pytest
from mutant_runs import Ended, NotGreen, Reach, Tree, importers
from mutants import Campaign, Equivalents
from mutations import mutations_of
from working_tree import ROOT

WINDOW, FILTER = "plugins/module_utils/quiesce/window.py", "roles/nova_quiesce_api/files/nova_quiesce_api.py"
SOURCE = b"""\
LIMIT = 3


def few(count):
    return count < LIMIT


def last(items):
    while items:
        found = items.pop()
    return found


def unseen(count):
    return count > LIMIT
"""
TEST = """\
import sys

from ansible_collections.osdr.openstack.plugins.module_utils import subject


def test_few():
    assert subject.few(1) and not subject.few(4)


def test_last():
    assert subject.last([2, 1]) == 2


def test_nothing_of_it():
    assert "subject" not in sys.argv
"""
SUBJECT = "plugins/module_utils/subject.py"


@pytest.fixture
def tree(tmp_path):
    """A collection of one file with three tests."""
    made = Tree(tmp_path / "one")
    for name, text in ((SUBJECT, SOURCE.decode()), ("tests/unit/test_something.py", TEST), ("pytest.ini", "[pytest]\naddopts = --import-mode=importlib\n")):
        path = made.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return made


def mutation(becomes, source=SOURCE):
    found = next(one for one in mutations_of(SUBJECT, source) if one.becomes == becomes)
    return found


def test_only_what_reaches_a_function_is_run_and_tells_whether_it_notices(tree, tmp_path):
    reach = tree.learn([SUBJECT])
    few = ["tests/unit/test_something.py::test_few"]
    assert reach.stages_of(mutation("return count <= LIMIT")) == [few]
    assert reach.stages_of(mutation("return count >= LIMIT")) == []
    # What the file does when it is read is of use to all that come to it.
    assert set(*reach.stages_of(mutation("LIMIT = 4"))) == {*few, "tests/unit/test_something.py::test_last"}

    other = tree.copied(tmp_path / "two")
    other.require_green(few)
    for judge in (tree, other):
        assert judge.judge(mutation("return count <= LIMIT"), [few], 600).status == 0
        assert judge.judge(mutation("return None"), [few], 600).status == 1
        assert judge.judge(mutation("return None"), [["tests/unit/test_something.py::test_last"], few], 600).status == 1
        assert judge.judge(mutation("return None"), [], 600).status == 0
        assert judge.source(SUBJECT) == SOURCE, "nothing stays"


def test_a_loop_without_end_is_ended_and_killed(tree):
    endless = SOURCE.replace(b"while items:", b"while True:").replace(b"found = items.pop()", b"found = items[0]")
    (tree.root / SUBJECT).write_bytes(endless)
    ended = tree.judge(mutation("return count <= LIMIT", endless), [["tests/unit/test_something.py::test_last"]], 0.5)
    assert (ended.status, ended.killed) == (None, True)


def test_tests_that_fail_by_themselves_judge_nothing(tree):
    (tree.root / SUBJECT).write_bytes(SOURCE.replace(b"LIMIT = 3", b"LIMIT = 0"))
    with pytest.raises(NotGreen):
        tree.learn([SUBJECT])
    with pytest.raises(NotGreen):
        tree.require_green(["tests/unit/test_something.py::test_few"])


MIRRORED, OTHER, USER = (f"tests/unit/{name}::test_it" for name in ("plugins/module_utils/quiesce/test_window.py", "test_other.py", "test_user.py"))
SECONDS = {MIRRORED: 2.0, OTHER: 1.0, USER: 4.0}


def test_the_mirroring_tests_are_always_among_them_and_come_first():
    """A child process is seen by no tracer."""
    (one,) = mutations_of(WINDOW, b"x = 1")
    assert Reach({}, SECONDS).stages_of(one) == [[MIRRORED]]
    reach = Reach({WINDOW: {1: [MIRRORED, OTHER]}}, SECONDS)
    assert reach.stages_of(one) == [[MIRRORED], [OTHER]]
    assert (reach.limit([[MIRRORED], [OTHER]]), reach.limit([])) == (60.0, 60.0)


def test_what_a_file_defines_when_it_is_read_is_noticed_by_tests_of_what_imports_it():
    reach = Reach({"user.py": {7: [USER]}, "stranger.py": {7: [OTHER]}}, SECONDS, {WINDOW: {"user.py"}})
    (constant,) = mutations_of(WINDOW, b"x = 1")
    inside, *_others = mutations_of(WINDOW, b"def x():\n    y = 1\n    return y")
    assert reach.stages_of(constant) == [[MIRRORED], [USER]]
    assert reach.stages_of(inside) == [[MIRRORED]]


def test_who_imports_a_file_is_read_from_the_library():
    found = importers(ROOT)
    assert {f"plugins/module_utils/quiesce/{name}.py" for name in ("quiescer", "thawing")} < found["plugins/module_utils/quiesce/drivers.py"]
    # "from . import guard_loop", and "from ..work.pool import each" in another package.
    assert "plugins/module_utils/quiesce/quiescer.py" in found["plugins/module_utils/quiesce/guard_loop.py"] & found["plugins/module_utils/work/pool.py"]
    assert WINDOW not in found["plugins/module_utils/restore/plan.py"]


def mutations(count, module=WINDOW):
    return mutations_of(module, "".join(f"x{number} = {number}\n" for number in range(count)).encode())


def test_the_same_seed_takes_the_same_sample():
    every = mutations(100)
    first = mutants.sample(every, 10, 7)
    assert first == mutants.sample(every, 10, 7) != mutants.sample(every, 10, 8)
    assert len(first) == 10
    assert mutants.sample(every, 0, 1) == mutants.sample(every, 1000, 1) == every


def test_what_is_equivalent_is_not_run_and_counts_for_nothing():
    one, other, third = mutations(3)
    campaign = Campaign([one, other, third], Equivalents({other.key: "changes nothing"}))
    assert campaign.to_judge() == [one, third]
    campaign.add(one, Ended(1))
    campaign.add(third, Ended(0))
    assert list(campaign.report()) == [
        f"survived: {third}",
        mutants.HEADING,
        "quiesce/window.py                                           3       1        0           1         1   50.0",
        "= freezing                                                  3       1        0           1         1   50.0  of 95  MISSED",
        "killed: 50.0 %",
        "counted: 3 mutants, 1 killed, 1 equivalent, 1 survived",
    ]
    assert [goal.name for goal in campaign.missed()] == ["freezing"]


def test_what_survived_is_judged_again_wherever_it_stands_now():
    before, after = mutations_of(WINDOW, b"x = 1\ny = 1\nz = 1"), mutations_of(WINDOW, b"\n\nx = 1\nz = 1")
    campaign = Campaign(before, Equivalents({}))
    for one, status in zip(before, (0, 0, 1), strict=True):
        campaign.add(one, Ended(status))
    again = mutants.survivors(after, "\n".join(campaign.report()))
    assert [(one.was, one.line) for one in again] == [("x = 1", 3)]
    assert Campaign(again, Equivalents({}), goals=()).missed() == []


def test_each_part_has_its_goal():
    campaign = Campaign(mutations(20) + mutations(10, FILTER), Equivalents({}))
    for number, one in enumerate(campaign.sample):
        # One of twenty in the window, and one of ten in the filter.
        campaign.add(one, Ended(None if number == 5 else 0 if number in (0, 20) else 1))
    assert campaign.missed() == []
    assert campaign.total().late == 1
    campaign.add(campaign.sample[-1], Ended(0))
    assert [goal.name for goal in campaign.missed()] == ["filter"]


def test_an_entry_for_what_is_gone_is_told():
    (one,) = mutations(1)
    equivalents = Equivalents({one.key: "changes nothing"})
    assert equivalents.gone([one], [WINDOW]) == []
    assert equivalents.gone([], [WINDOW]) == [" ".join(one.key)]
    assert equivalents.gone([], [FILTER]) == [], "nobody looked"


def test_the_list_of_equivalents_names_what_is_there_and_why():
    equivalents = Equivalents.read(ROOT / mutants.EQUIVALENT)
    modules = {file for file, _function, _was, _becomes in equivalents.reasons}
    there = [one for module in modules for one in mutations_of(module, (ROOT / module).read_bytes())]
    assert equivalents.gone(there, modules) == []
    assert all(len(reason.split()) > 3 for reason in equivalents.reasons.values())


def test_what_has_a_goal_is_there():
    found = mutants.modules_of(ROOT, [])
    for goal in mutants.GOALS:
        assert any(goal.has(module) for module in found), goal.name
    assert mutants.modules_of(ROOT, ["quiesce/window"]) == [WINDOW]
