# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How "make test" sums up its stages."""

from __future__ import annotations

from ansible_collections.osdr.openstack.tests.tools import stages


def outcomes(monkeypatch, failing=()):
    ran = []

    def run(stage):
        ran.append(stage)
        return stage not in failing, 1.0

    monkeypatch.setattr(stages, "run", run)
    return ran


def test_all_stages_pass(monkeypatch, capsys):
    ran = outcomes(monkeypatch)
    assert stages.main(["lint", "unit"]) == 0
    assert ran == ["lint", "unit"]
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 0 failed"


def test_first_failure_stops_and_is_named(monkeypatch, capsys):
    ran = outcomes(monkeypatch, failing={"unit"})
    assert stages.main(["lint", "unit", "molecule"]) == 1
    assert ran == ["lint", "unit"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "1 passed, 1 failed"
    assert 'Stopped at "unit"' in lines[-2]
    assert "not run" in lines[-3]
