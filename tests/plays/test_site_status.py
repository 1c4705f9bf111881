# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a schedule sees of the playbook that tells how a site is protected."""

from __future__ import annotations

import itertools

import pytest
import yaml
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection
from ansible_collections.osdr.openstack.tests.unit.support import sites

PLAN = {"schema_version": 1, "sites": {}, "projects": {}}
CLOUD = {"dr_site_status_cloud": "south-operations"}


@pytest.fixture
def play(tmp_path):
    numbers = itertools.count(1)

    def start(*arguments, status=None, is_kept=True, **variables):
        answers = {
            "os_site_plan_info": {"plan": PLAN if is_kept else None, "since": None},
            "os_site_status_info": {"status": status or sites.status(alerts=[], level=None), "metrics": "osdr_alerts 0\n"},
            "os_site_report": {"report": {"path": "x.html", "json": "x.json"}},
        }
        directory = tmp_path / f"play{next(numbers)}"
        directory.mkdir(exist_ok=True)
        return Collection(directory, answers).play("site_status", *arguments, **CLOUD, **variables)

    return start


def names(calls):
    return [name.removeprefix("os_site_") for name, _given in calls]


def test_without_a_file_the_plan_is_the_one_that_is_kept(play):
    code, output, calls = play()
    assert code == 0, output
    assert names(calls) == ["plan_info", "status_info"]
    assert calls[1][1]["plan"] == PLAN
    assert "Nothing is to be done." in output


def test_the_plan_may_be_in_a_file(play, tmp_path):
    """Relative to where the playbook is called."""
    (tmp_path / "play1").mkdir()
    (tmp_path / "play1/site.yml").write_text(yaml.safe_dump({**PLAN, "waves": ["one"]}))
    code, output, calls = play(dr_site_status_plan="site.yml")
    assert code == 0, output
    assert (names(calls), calls[0][1]["plan"]["waves"]) == (["status_info"], ["one"])


def test_the_plan_may_be_given_as_a_dictionary(play):
    """As the inventory of AWX does."""
    code, output, calls = play(dr_site_status_plan={**PLAN, "waves": ["one"]})
    assert code == 0, output
    assert [given["plan"]["waves"] for _name, given in calls] == [["one"]] * 1


def test_there_must_be_a_plan(play):
    code, output, _calls = play(is_kept=False)
    assert code != 0
    assert "No site plan is kept in the catalogue." in output


@pytest.mark.parametrize(
    ("alerts", "fail_at", "fails"),
    [
        ([sites.LATE, sites.STRAY], None, True),
        ([sites.STRAY], None, False),
        ([sites.STRAY], "warning", True),
        ([sites.LATE], "never", False),
        ([], "warning", False),
    ],
)
def test_it_fails_from_a_level_of_alerts_on(play, alerts, fail_at, fails):
    code, output, _calls = play(status=sites.status(alerts=alerts), **({"dr_site_status_fail_at": fail_at} if fail_at else {}))
    assert (code != 0) == fails, output
    for alert in alerts:
        assert alert["what"] in output


def test_an_unknown_level_is_refused_before_anything_is_asked(play):
    code, output, calls = play(dr_site_status_fail_at="all")
    assert (code != 0, calls) == (True, [])
    assert "dr_site_status_fail_at is 'all'. Set it to critical, warning or never." in output


def test_the_page_and_the_metrics_are_written_before_it_fails(play, tmp_path):
    files = {"dr_site_status_report": "reports", "dr_site_status_textfile": str(tmp_path / "site.prom")}
    code, _output, calls = play(status=sites.status(), **files)
    assert code != 0
    assert names(calls) == ["plan_info", "status_info", "report"]
    # Relative to where the playbook is called.
    assert calls[-1][1]["path"] == str(tmp_path / "play1/reports")
    assert calls[-1][1]["status"] == sites.STATUS
    assert (tmp_path / "site.prom").read_text() == "osdr_alerts 0\n"


def test_keys_and_mappings_of_applications_are_heeded(play, tmp_path):
    own = {"schema_version": 1, "flavors": {"big": "huge"}}
    hosts = {"shop": {"dr_restore_mapping": own, "dr_checkpoint_hmac_key": "of the shop"}, "wiki": {"dr_checkpoint_hmac_key": "unsigned"}, "crm": {}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"applications": {"hosts": {**hosts, "lost": {"dr_checkpoint_hmac_key": None}}}}))
    code, output, calls = play("-i", str(tmp_path / "hosts.yml"), dr_site_status_hmac_key="secret", dr_site_status_container="there")
    assert code == 0, output
    given = calls[-1][1]
    assert given["mappings"] == {"shop": own, "wiki": {}, "crm": {}, "lost": {}}
    assert given["hmac_keys"] == {"shop": "of the shop", "lost": None}
    assert {(one["hmac_key"], one["container"]) for _name, one in calls} == {("secret", "there")}
    _code, _output, calls = play()
    assert not any("hmac_key" in one or "container" in one or one.get("hmac_keys") for _name, one in calls)
