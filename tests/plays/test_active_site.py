# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook calls that records where an application runs, and who is told of it."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection

RECORD = {"application": "shop", "site": "primary", "since": "2026-11-22T12:00:00.000Z", "checkpoint": ""}
GIVEN = {"dr_active_site_application": "shop", "dr_active_site_runs_at": "primary", "dr_active_site_cloud": "primary"}
CLEANED = {"os_restore_cleanup": {"removed": {}, "left": [], "others": []}}


@pytest.mark.parametrize("other", [{}, {"dr_active_site_remote_cloud": "remote"}], ids=["one site", "both sites"])
def test_each_catalogue_that_is_named_gets_one_and_the_same_record(tmp_path, other):
    code, output, calls = Collection(tmp_path, {"os_active_site": {"active_site": RECORD}}).play("active_site", **GIVEN, **other)
    clouds = ["primary", *other.values()]
    assert (code, [given["cloud"] for _name, given in calls]) == (0, clouds * 2), output
    assert [given.get("since") for _name, given in calls] == [*[None] * len(clouds), *[RECORD["since"]] * len(clouds)]
    assert {given["site"] for _name, given in calls} == {"primary"}
    assert "Recorded that shop runs at site primary since 2026-11-22T12:00:00.000Z." in " ".join(output.split())


@pytest.mark.parametrize(("removed", "is_told"), [({"dr_cleanup_drill": ""}, True), ({"dr_cleanup_drill": "7"}, False), ({"dr_cleanup_beside": "7"}, False)])
def test_who_removes_a_real_restore_is_told_of_the_record_that_stays(tmp_path, removed, is_told):
    given = {"dr_cleanup_cloud": "remote", "dr_cleanup_application": "shop", "dr_cleanup_checkpoint": "noon", **removed}
    code, output, _calls = Collection(tmp_path, CLEANED).play("cleanup", **given)
    assert code == 0, output
    assert ("with the playbook osdr.openstack.active_site" in " ".join(output.split())) is is_told
