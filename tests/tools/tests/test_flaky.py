# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting what fails now and then, over runs that may be interrupted."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.tools import flaky

GOOD = '<testcase classname="t" name="good"/>'
BAD = '<testcase classname="t" name="bad"><failure message="was 3&#10;and more">trace</failure></testcase>'
#: What pytest writes of a test that failed and whose end failed, too.
TWICE = '<testcase classname="t" name="bad"/><testcase classname="t" name="bad"><error message="left something"/></testcase>'
SKIPPED = '<testcase classname="t" name="skipped"><skipped message="why"/></testcase>'


class Lab:
    """Stands in for all commands.

    :param answers: by the word of a command that tells them apart: exit statuses, of each call in turn; the last stays.
    :param cases: what pytest reports in each run; the last stays.
    """

    def __init__(self, cases=(GOOD,), **answers):
        self.ran = []
        self._cases, self._answers = list(cases), {name: list(statuses) for name, statuses in answers.items()}

    def run(self, command, log):
        name = {"pytest": "functional"}.get(command[0], command[-1].removeprefix("SCENARIOS="))
        self.ran.append(name)
        log.write(f"\x1b[31m{name} said\x1b[0m\n")
        if name == "functional":
            (report,) = [word.removeprefix("--junitxml=") for word in command if word.startswith("--junitxml=")]
            with open(report, "w", encoding="utf-8") as file:
                file.write(f"<testsuites><testsuite>{self._next(self._cases)}</testsuite></testsuites>")
        return self._next(self._answers.get(name, [0]))

    @staticmethod
    def _next(of):
        return of.pop(0) if len(of) > 1 else of[0]

    @property
    def parts(self):
        """What ran besides the preparation of each part."""
        return [name for name in self.ran if not name.startswith("lab-")]


@pytest.fixture
def lab(monkeypatch):
    def put(**how):
        made = Lab(**how)
        monkeypatch.setattr(flaky, "run", made.run)
        monkeypatch.setattr(flaky, "revision", lambda: "abc")
        return made

    return put


def run(place, *parts, runs=2):
    return flaky.main([str(place), "--runs", str(runs), *parts])


def test_every_part_is_run_so_many_times_on_a_lab_that_is_up(lab, tmp_path, capsys):
    made = lab()
    assert run(tmp_path, "functional", "default") == 0
    assert made.parts == ["functional", "default"] * 2
    assert made.ran[:3] == ["lab-up", "lab-shop", "functional"]
    assert capsys.readouterr().out.splitlines()[-1] == "4 passed, 0 failed"


def test_what_fails_now_and_then_is_counted_with_its_first_message(lab, tmp_path, capsys):
    lab(cases=[GOOD + BAD, GOOD + TWICE, GOOD + SKIPPED], default=[0, 2, 0], functional=[1, 1, 0])
    assert run(tmp_path, "functional", "default", runs=3) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[-6:] == [
        "  2 of 2   t::bad",
        "           was 3",
        "  1 of 3   lab::default",
        f"           see {tmp_path}/abc/run-02/default.log",
        "3 tests, of which 2 failed at least once",
        "5 passed, 3 failed",
    ]


def test_an_interrupted_campaign_goes_on(lab, tmp_path, capsys):
    made = lab(functional=[0, 2, 0])
    assert run(tmp_path, "functional", "default") == 2
    assert made.parts == ["functional", "default", "functional"]
    said = capsys.readouterr()
    assert "Run 2: functional ended with status 2 before its end" in said.err
    assert said.out.splitlines()[-1] == "2 passed, 0 failed"

    assert run(tmp_path, "functional", "default") == 0
    assert made.parts[3:] == ["functional", "default"]
    assert run(tmp_path, "functional", "default") == 0
    assert len(made.parts) == 5, "nothing is run again"


def test_what_was_counted_is_shown_without_running(lab, tmp_path, capsys):
    made = lab(cases=[BAD], functional=[1])
    run(tmp_path, "functional", runs=1)
    ran = len(made.ran)
    capsys.readouterr()
    assert run(tmp_path, "functional", runs=0) == 1
    assert len(made.ran) == ran
    assert "t::bad" in capsys.readouterr().out


def test_a_lab_that_does_not_come_up_is_a_failure_of_its_own(lab, tmp_path, capsys):
    made = lab(**{"lab-up": [2, 0]})
    assert run(tmp_path, "default", runs=2) == 1
    assert made.parts == ["default"]
    assert "lab::default: lab-up" in capsys.readouterr().out


def test_a_new_commit_begins_anew(lab, tmp_path, monkeypatch):
    made = lab()
    run(tmp_path, "default", runs=1)
    monkeypatch.setattr(flaky, "revision", lambda: "def")
    run(tmp_path, "default", runs=1)
    assert made.parts == ["default", "default"]


def test_every_run_has_a_seed_of_its_own():
    part = flaky.Part("functional", 7, flaky.ROOT)
    assert "--seed=7" in part.command(part.report)
