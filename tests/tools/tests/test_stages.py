# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How "make test" goes through its stages, and how it sums up."""

from __future__ import annotations

import re
import threading

import pytest
from ansible_collections.osdr.openstack.tests.tools import stages
from ansible_collections.osdr.openstack.tests.tools.stages import Outcome, Outcomes


class Make:
    """Stands in for make.

    :param failing: stages that fail.
    :param meet: stages that go on only when all of them are running.
    :param says: of what a stage says, by its name.
    """

    def __init__(self, failing=(), meet=(), **says):
        self.failing, self.meet, self.says = failing, meet, says
        self.ran = []
        self._met = threading.Barrier(max(1, len(meet)))

    def run(self, stage, shown):
        self.ran.append(stage)
        if stage in self.meet:
            self._met.wait(60)
        said = self.says.get(stage, f"output of {stage}\n")
        stages.log_of(stage).write_text(said)
        if shown:
            print(said, end="")
        return Outcome(stage not in self.failing, 1.0)


@pytest.fixture
def make(monkeypatch, tmp_path):
    def put(**how):
        made = Make(**how)
        monkeypatch.setattr(stages, "run", made.run)
        monkeypatch.setattr(stages, "LOGS", tmp_path)
        return made

    return put


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_all_stages_pass(make, capsys):
    made = make()
    assert stages.main(["lint", "unit"]) == 0
    assert made.ran == ["lint", "unit"]
    assert lines(capsys)[-1] == "2 passed, 0 failed"


def test_the_first_failure_stops_and_says_how_to_go_on(make, capsys):
    made = make(failing={"unit"})
    assert stages.main(["--resume", "make test", "lint", "unit", "molecule"]) == 1
    assert made.ran == ["lint", "unit"]
    assert lines(capsys)[-4:] == [
        "molecule     not run",
        '"unit" failed: "make unit" repeats it alone.',
        '"make test FROM=unit" goes on from there.',
        "1 passed, 1 failed",
    ]


def test_stages_of_a_step_run_side_by_side_and_their_outputs_are_kept_apart(make, capsys):
    make(meet={"lab-up", "unit"})
    assert stages.main(["--jobs=2", "lab-up+unit", "functional"]) == 0
    said = lines(capsys)
    for stage in ("lab-up", "unit"):
        at = said.index(f"=== {stage}")
        assert said[at + 1 : at + 4] == [f"output of {stage}", "", f"=== {stage} passed in 1 s"]
    assert said.index("=== functional") > max(said.index("=== lab-up"), said.index("=== unit"))


def test_no_more_stages_run_at_a_time_than_are_allowed(make):
    made = make()
    assert stages.main(["--jobs=1", "lint+docs+unit"]) == 0
    assert made.ran == ["lint", "docs", "unit"]


def test_after_a_failure_those_beside_it_end_and_no_other_begins(make, capsys):
    made = make(failing={"lint"}, meet={"lint", "lab-up"})
    assert stages.main(["--jobs=2", "--resume=make test", "lab-up+lint+docs+unit", "functional"]) == 1
    assert {"lab-up", "lint"} <= set(made.ran)
    assert "functional" not in made.ran
    said = lines(capsys)
    assert "lab-up       passed in 1 s" in "\n".join(said)
    assert '"make test FROM=lint" goes on from there.' in said


def test_what_begins_at_a_stage_leaves_out_what_is_listed_before_it(make):
    made = make()
    assert stages.main(["--jobs=1", "--from=docs", "lab-up+docs+unit", "functional"]) == 0
    assert made.ran == ["docs", "unit", "functional"]


def test_going_on_repeats_everything_that_has_not_passed(make):
    """A stage that passed may stand behind one that did not, and is not worth a word of its own."""
    make()
    for stage in ("lab-up", "lint", "docs"):
        stages.log_of(stage).touch()
    outcomes = Outcomes({"lab-up": Outcome(True, 1), "lint": Outcome(False, 1), "docs": Outcome(True, 1)})
    steps = [("lab-up", "lint", "docs", "unit"), ("functional",)]
    assert '"make test FROM=lint" goes on from there.' in list(stages.summary(steps, outcomes, 3, "make test"))
    assert stages.begun_at(steps, "lint") == [("lint", "docs", "unit"), ("functional",)]


def test_a_stage_that_is_not_there_is_refused(make, capsys):
    made = make()
    with pytest.raises(SystemExit):
        stages.main(["--from=functionel", "lint+unit", "functional"])
    assert made.ran == []
    assert 'no stage "functionel"; the stages are lint, unit, functional' in capsys.readouterr().err


def test_the_summary_tells_each_stages_time_and_share(make):
    make()
    for stage in ("unit", "functional"):
        stages.log_of(stage).touch()
    outcomes = Outcomes({"unit": Outcome(True, 30.0), "functional": Outcome(True, 90.0)})
    assert list(stages.summary([("unit",), ("functional",)], outcomes, 120.0, ""))[1:] == [
        "unit         passed in 30 s, 25%",
        "functional   passed in 90 s, 75%",
        "2 passed, 0 failed",
    ]


def test_what_is_running_is_told_while_nothing_ends(make, monkeypatch, capsys):
    made = make()
    told = threading.Event()
    say = stages.say

    def listen(line):
        say(line)
        if line.startswith("... "):
            told.set()

    def wait_for_it(stage, shown):
        assert told.wait(60)
        stages.log_of(stage).touch()
        return Outcome(True, 1.0)

    monkeypatch.setattr(stages, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(stages, "say", listen)
    monkeypatch.setattr(stages, "run", wait_for_it)
    assert stages.main(["--jobs=2", "lab-up+unit"]) == 0
    assert made.ran == []
    assert any(re.search(r"^\.\.\. .*unit for \d+ s", line) for line in lines(capsys))


def test_what_the_stages_count_is_added_up_in_the_last_line(make, capsys):
    make(kills="kill 1\ncounted: 51 kills, 0 left frozen\n", copies="counted: 17 kills, 17 runs finished\n", attack="counted by hand\n")
    assert stages.main(["kills", "copies+attack"]) == 0
    assert lines(capsys)[-1] == "68 kills, 0 left frozen, 17 runs finished, 3 passed, 0 failed"


@pytest.mark.parametrize("shown", [True, False])
def test_a_stage_is_a_target_of_make_with_its_own_log(monkeypatch, tmp_path, capsys, shown):
    made = tmp_path / "make"
    made.write_text('#!/bin/sh\necho "said $*"; echo complained >&2; test "$2" = unit\n')
    made.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(stages, "LOGS", tmp_path / "logs")
    assert [stages.run(stage, shown).passed for stage in ("lint", "unit")] == [False, True]
    said = "said --no-print-directory unit\ncomplained\n"
    assert stages.log_of("unit").read_text() == said
    assert capsys.readouterr().out.endswith(said) is shown
