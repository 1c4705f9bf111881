# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Campaigns against the promises of the library are found, run and summed up."""

from __future__ import annotations

import importlib

import attack
import pytest

CAMPAIGN = """\
import sys

if __name__ == "__main__":
    print("given", *sys.argv[1:])
    print({last!r})
    sys.exit({status})
"""


@pytest.fixture
def campaigns(tmp_path, monkeypatch):
    monkeypatch.setattr(attack, "CAMPAIGNS", tmp_path)

    def write(name, last, status=0):
        (tmp_path / f"{name}.py").write_text(CAMPAIGN.format(last=last, status=status))

    return write


def test_all_are_run_with_the_same_seed_and_what_they_count_is_told(campaigns, tmp_path, capfd):
    campaigns("freezing", "500 windows, 0 claims too much")
    campaigns("retention", "all went well")
    (tmp_path / "helper.py").write_text("raise SystemExit(3)\n")
    assert attack.main(["--seed", "7", "--count", "500"]) == 0
    said = capfd.readouterr().out.splitlines()
    assert said.count("given --seed 7 --count 500") == 2
    assert said[-4:] == [
        "freezing         nothing found: 500 windows, 0 claims too much",
        "counted: 500 windows, 0 claims too much",
        "retention        nothing found: all went well",
        "2 passed, 0 failed",
    ]


def test_each_has_its_own_goal_unless_it_is_told_how_many(campaigns, capfd):
    campaigns("freezing", "100000 windows, 0 claims too much")
    assert attack.main(["--seed", "7"]) == 0
    assert "given --seed 7" in capfd.readouterr().out.splitlines()


def test_what_was_found_does_not_keep_others_from_running(campaigns, capfd):
    campaigns("a", "1 windows, 1 claims too much", status=1)
    campaigns("b", "1 policies, 0 chains cut")
    assert attack.main([]) == 1
    said = capfd.readouterr().out.splitlines()
    assert "a                BROKEN: 1 windows, 1 claims too much" in said
    assert said[-1] == "1 passed, 1 failed"


def test_no_campaign_is_no_success(campaigns, capfd):
    assert attack.main([]) == 2
    assert "There is no campaign" in capfd.readouterr().err


def test_the_fakes_of_the_window_can_do_what_a_window_asks_of_them(monkeypatch):
    """Few schedules, which prove nothing but that one can be played to its end."""
    monkeypatch.syspath_prepend(attack.CAMPAIGNS)
    window = importlib.import_module("window")
    assert [window.violations_of(f"1/{number}") for number in range(10)] == [[]] * 10
