# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbooks that act at the site where the application runs call."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection, names
from ansible_collections.osdr.openstack.tests.unit.support import shop

VOLUMES = [{"server": "orders-db", "device": "/dev/vdb", "name": "orders-db-data-incident-42", "volume_id": "4b6f5a53"}]
GIVEN = {"dr_volume_cloud": "primary", "dr_volume_application": "shop", "dr_volume_server": "orders-db", "dr_volume_id": "incident-42"}


@pytest.fixture
def play(tmp_path):
    answers = {"os_checkpoint_info": {"manifest": shop.document()}, "os_restore_beside": {"volumes": VOLUMES}}
    return Collection(tmp_path, {**answers, "os_restore_cleanup": {"removed": {}, "left": [], "others": []}}).play


@pytest.mark.parametrize(("given", "devices"), [({}, None), ({"dr_volume_devices": "/dev/vdb"}, ["/dev/vdb"]), ({"dr_volume_devices": ["a", "b"]}, ["a", "b"])])
def test_a_volume_is_made_at_one_site_of_a_checkpoint_in_the_catalogue_of_another(play, given, devices):
    code, output, calls = play("restore_volume", **GIVEN, **given)
    assert (code, names(calls)) == (0, ["os_checkpoint_info", "os_restore_beside"]), output
    assert (calls[0][1]["cloud"], calls[1][1]["cloud"], calls[1][1].get("volumes")) == ("remote", "primary", devices)
    assert "/dev/vdb of orders-db as of 2026-01-01T12:00:00Z is volume orders-db-data-incident-42 (4b6f5a53)." in " ".join(output.split())


def test_they_are_removed_by_their_id(play):
    given = {"dr_cleanup_application": "shop", "dr_cleanup_checkpoint": "noon", "dr_cleanup_beside": "incident-42"}
    code, output, calls = play("cleanup", dr_cleanup_cloud="primary", **given)
    assert code == 0, output
    assert ("drill" in calls[0][1], calls[0][1]["beside"]) == (False, "incident-42")
