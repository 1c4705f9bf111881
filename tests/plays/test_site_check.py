# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a schedule sees of the playbook that compares the remote site with what the applications of the primary one stand on."""

from __future__ import annotations

import itertools
import json

import pytest
import yaml
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection

PLAN = {"schema_version": 1, "sites": {}, "projects": {}}
LACKING = [{"project": "shop", "application": "shop", "lacks": ["Flavor 'big' is missing."]}]
FINDING = {"kind": "flavors", "name": "big", "primary_name": "big", "state": "missing", "differences": [], "needed_by": [], "text": "", "by_hand": None}
REPORT = {
    **{"primary": "north", "remote": "south", "captured_at": "2026-01-01T12:00:00Z", "complete": True, "counts": {}, "findings": [], "needers": []},
    **{"unseen": [], "text": "All is well.\nReally.\n"},
}
CLOUD = {"dr_site_check_cloud": "south-operations"}


@pytest.fixture
def play(tmp_path):
    numbers = itertools.count(1)

    def start(*arguments, report=(), is_kept=True, **variables):
        answers = {
            "os_site_plan_info": {"plan": PLAN if is_kept else None, "since": None},
            "os_site_infrastructure": {"kept": {}},
            "os_site_infrastructure_make": {"made": [], "by_hand": []},
            "os_site_infrastructure_check": {"report": {**REPORT, **dict(report)}},
        }
        directory = tmp_path / f"play{next(numbers)}"
        directory.mkdir(exist_ok=True)
        return Collection(directory, answers).play("site_check", *arguments, **CLOUD, **variables)

    return start


def names(calls):
    return [name.removeprefix("os_site_") for name, _given in calls]


def test_the_primary_site_is_captured_and_the_remote_one_compared_by_the_plan_that_is_kept(play):
    code, output, calls = play()
    assert code == 0, output
    assert names(calls) == ["plan_info", "infrastructure", "infrastructure_check"]
    assert [given["plan"] for _name, given in calls[1:]] == [PLAN, PLAN]
    assert "All is well." in output


def test_the_plan_may_be_in_a_file(play, tmp_path):
    """Relative to where the playbook is called."""
    (tmp_path / "play1").mkdir()
    (tmp_path / "play1/site.yml").write_text(yaml.safe_dump({**PLAN, "waves": ["one"]}))
    code, output, calls = play(dr_site_check_plan="site.yml")
    assert code == 0, output
    assert names(calls) == ["infrastructure", "infrastructure_check"]
    assert calls[0][1]["plan"]["waves"] == ["one"]


def test_the_primary_site_may_be_gone(play):
    code, output, calls = play(dr_site_check_capture=False)
    assert code == 0, output
    assert names(calls) == ["plan_info", "infrastructure_check"]


def test_the_plan_may_be_given_as_a_dictionary(play):
    """As the inventory of AWX does."""
    code, output, calls = play(dr_site_check_plan={**PLAN, "waves": ["one"]})
    assert code == 0, output
    assert [given["plan"]["waves"] for _name, given in calls] == [["one"]] * 2


def test_there_must_be_a_plan(play):
    code, output, _calls = play(is_kept=False)
    assert code != 0
    assert "No site plan is kept in the catalogue." in output


def test_it_fails_for_what_anybody_lacks_unless_it_is_to_report_only(play):
    report = {"complete": False, "needers": LACKING, "findings": [FINDING]}
    code, output, _calls = play(report=report)
    assert code != 0
    assert "Site south lacks what applications stand on. Flavor 'big' is missing." in output
    code, output, _calls = play(report=report, dr_site_check_fail=False)
    assert code == 0, output


def test_only_what_is_asked_for_is_made_before_the_comparison(play):
    code, output, calls = play(dr_site_check_make=["flavors"])
    assert code == 0, output
    assert names(calls) == ["plan_info", "infrastructure", "infrastructure_make", "infrastructure_check"]
    assert calls[2][1]["kinds"] == ["flavors"]


def test_the_key_and_the_container_are_those_of_all_documents(play):
    _code, _output, calls = play(dr_site_check_hmac_key="secret", dr_site_check_container="there", dr_site_check_make=["flavors"])
    assert {(given["hmac_key"], given["container"]) for _name, given in calls} == {("secret", "there")}
    _code, _output, calls = play()
    assert not any("hmac_key" in given or "container" in given for _name, given in calls)


def test_mappings_of_restores_are_heeded(play, tmp_path):
    own, usual = ({"schema_version": 1, "flavors": {"big": name}} for name in ("huge", "large"))
    hosts = {"shop": {"dr_restore_mapping": own}, "wiki": {}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"applications": {"hosts": hosts}}))
    code, output, calls = play("-i", str(tmp_path / "hosts.yml"))
    assert code == 0, output
    assert calls[-1][1]["mappings"] == {"shop": own, "wiki": {}} and "mapping" not in calls[-1][1]
    _code, _output, calls = play(dr_restore_mapping=usual)
    assert (calls[-1][1]["mapping"], calls[-1][1]["mappings"]) == (usual, {})


def test_the_report_is_written_for_people_and_machines_before_it_fails(play, tmp_path):
    code, _output, _calls = play(report={"complete": False}, dr_site_check_report=str(tmp_path / "reports"))
    assert code != 0
    assert (tmp_path / "reports/south.site_check.txt").read_text() == REPORT["text"]
    assert json.loads((tmp_path / "reports/south.site_check.json").read_text()) == {**REPORT, "complete": False}
