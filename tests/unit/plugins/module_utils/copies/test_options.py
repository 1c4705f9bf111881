# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.options import ReplicationOptions
from ansible_collections.osdr.openstack.plugins.module_utils.copies.plan import WantedBackups
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import Sampling
from ansible_collections.osdr.openstack.plugins.module_utils.copies.transport import COPY, MIRROR, Effort
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import RECORDS, RESTORE
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Content
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.access import RbdAccess
from ansible_collections.osdr.openstack.plugins.module_utils.mirror.options import MirrorOptions

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
    "storage": None,
    "remote_storage": None,
}
STORAGE = {"backend": "h@b#p", "pool": "volumes", "user": "dr", "host": None, "conf": None, "keyring": None, "volume_type": None}
MIRRORED = {"transport": MIRROR, "verification": RECORDS, "storage": STORAGE, "remote_storage": STORAGE}


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


def test_storage_counts_where_volumes_are_mirrored():
    assert parsed(storage=STORAGE, remote_storage=STORAGE).mirror is None
    assert parsed(**MIRRORED).mirror == MirrorOptions(RbdAccess("volumes", "dr"), RbdAccess("volumes", "dr"), "h@b#p", "")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"storage": None}, "nothing says how the storage is reached. Give storage."),
        ({"storage": None, "remote_storage": None}, "Give storage and remote_storage."),
        ({"verification": "objects"}, "verification is objects, which is about backups"),
    ],
)
def test_what_does_not_fit_mirrored_volumes_is_refused(changes, says):
    with pytest.raises(InvalidInput, match=says):
        parsed(**{**MIRRORED, **changes})
