# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook says of recovery points, and when it fails."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection

POINT = {
    "application": "shop",
    "checkpoint": "noon",
    "created_at": "2026-01-01T12:00:00Z",
    "age": 60,
    "consistency": "quiesced",
    "within": True,
    "not_restorable": [],
    "damaged": [],
    "drill": None,
    "drill_within": True,
    "content": {"age": 86400.0, "unproved": 0, "compared": 1, "volumes": [{}, {}]},
    "proof_within": True,
}
UNPROVED = {"age": None, "unproved": 1, "compared": 1, "volumes": [{}, {}]}


@pytest.mark.parametrize(
    ("changes", "fails", "says"),
    [
        pytest.param({}, False, "content of all volumes proved within 86400.0 s, 1 of 2 by comparison", id="all is proved"),
        pytest.param({"content": UNPROVED}, False, "content of 1 of 2 volumes never proved", id="not all, and no limit"),
        pytest.param({"content": UNPROVED, "proof_within": False}, True, "No recent proof of the content of: shop.", id="past the limit"),
        pytest.param({"checkpoint": None, "content": None, "within": False}, True, "nothing can be restored", id="nothing at all"),
    ],
)
def test_the_last_proof_of_content_is_told_and_may_fail_the_play(tmp_path, changes, fails, says):
    answers = {"os_recovery_point_info": {"recovery_points": [{**POINT, **changes}], "metrics": ""}}
    code, output, _calls = Collection(tmp_path, answers).play("rpo", dr_rpo_cloud="remote")
    assert says in " ".join(output.split()), output
    assert (code != 0) == fails
