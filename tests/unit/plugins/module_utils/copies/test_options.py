# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.options import ReplicationOptions
from ansible_collections.osdr.openstack.plugins.module_utils.copies.plan import WantedBackups
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import Sampling
from ansible_collections.osdr.openstack.plugins.module_utils.copies.transport import COPY, Effort
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import RESTORE
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Content

GIVEN = {
    "full_every": 7,
    "availability_zone": "az1",
    "backup_container": "dr",
    "transport": COPY,
    "verification": RESTORE,
    "concurrency": 5,
    "stall_timeout": 600,
    "bandwidth": 3,
    "verification_runs": 4,
    "volume_public_key": None,
}


def parsed(**changes):
    return ReplicationOptions.parse("shop", "noon", {**GIVEN, **changes})


def test_each_option_gets_to_where_it_counts():
    assert parsed() == ReplicationOptions(
        WantedBackups("shop", "noon", full_every=7, availability_zone="az1", container="dr"),
        Delivery(transport=COPY, depth=RESTORE, sampling=Sampling("noon", runs=4)),
        Effort(concurrency=5, stall_timeout=600, bandwidth=3 * 1024 * 1024),
    )


def test_no_bandwidth_is_no_limit():
    assert parsed(bandwidth=0).effort.bandwidth is None


@pytest.mark.parametrize(("option", "least"), [("full_every", 1), ("concurrency", 1), ("stall_timeout", 1), ("bandwidth", 0), ("verification_runs", 1)])
def test_the_smallest_number_is_taken_and_no_smaller_one(option, least):
    parsed(**{option: least})
    with pytest.raises(InvalidInput, match=f"^{option} is {least - 1}; it must be at least {least}"):
        parsed(**{option: least - 1})


def test_what_is_foreseen_changes_nothing():
    assert parsed().foreseen == ReplicationOptions(parsed().wanted, Delivery(COPY, RESTORE, Sampling("noon", 4), is_foreseen=True), parsed().effort)


def test_what_earlier_checkpoints_proved_gets_to_where_volumes_are_selected():
    contents = {"volume-db": Content("2026-01-01T12:00:00.000Z", "earlier")}
    assert parsed().knowing(contents).delivery == Delivery(COPY, RESTORE, Sampling("noon", 4, contents))
