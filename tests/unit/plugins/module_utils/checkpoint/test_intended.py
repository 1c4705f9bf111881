# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the check say which checkpoint is meant, and what contradicts itself is refused before anything is asked."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.checkpoint.intended import IntendedCheckpoint
from ansible_collections.osdr.openstack.plugins.module_utils.copies.delivery import Delivery
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import Sampling
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.job import GroupingOptions

OTHERS = [{"cloud": "theirs", "remote_cloud": "remote-theirs"}]
OPTIONS = {
    "application": {"name": "shop", "tiers": [{"name": "database", "servers": ["orders"]}]},
    "name": "noon",
    "consistency": "crash",
    "concurrency": 4,
    "backup_concurrency": 2,
    "availability_zone": "",
    "site": "primary",
    "grouping": "generic",
    "quiesce": None,
    "admin_cloud": "admin",
    "others": [],
    "transport": "copy",
    "verification": "restore",
    "verification_runs": 3,
}
QUIESCE = {"driver": "nova", "admin_cloud": None, "libvirt_uri": None, "freeze_timeout": 30, "budget": 60, "guard_timeout": 120}


def test_the_options_are_all_taken():
    found = IntendedCheckpoint.parse(OPTIONS)
    assert (found.application.name, found.name, found.least, found.site) == ("shop", "noon", "crash", "primary")
    assert (found.grouping, found.quiesce, found.concurrency, found.copy_concurrency) == (GroupingOptions("generic"), None, 4, 2)
    assert found.delivery == Delivery("copy", "restore", Sampling("noon", 3))


@pytest.mark.parametrize("name", ["latest", "a/b", ""])
def test_an_id_that_could_not_be_found_again_is_refused(name):
    with pytest.raises(InvalidInput):
        IntendedCheckpoint.parse({**OPTIONS, "name": name})


@pytest.mark.parametrize("option", ["concurrency", "backup_concurrency", "verification_runs"])
def test_what_the_copies_would_refuse_is_refused_before_the_freeze(option):
    with pytest.raises(InvalidInput, match=f"^{option} is 0; it must be at least 1"):
        IntendedCheckpoint.parse({**OPTIONS, option: 0})


def test_over_projects_only_an_administrator_sees_and_freezes_all_servers():
    with pytest.raises(InvalidInput, match="Only administrators .* Give admin_cloud"):
        IntendedCheckpoint.parse({**OPTIONS, "others": OTHERS, "admin_cloud": None})
    assert IntendedCheckpoint.parse({**OPTIONS, "admin_cloud": None}).quiesce is None


@pytest.mark.parametrize(("own", "others", "used"), [(None, OTHERS, "admin"), ("freezer", OTHERS, "freezer"), (None, [], None)])
def test_over_projects_servers_are_frozen_as_the_administrator_unless_another_one_is_named(own, others, used):
    given = {**OPTIONS, "others": others, "quiesce": {**QUIESCE, "admin_cloud": own}}
    assert IntendedCheckpoint.parse(given).quiesce.admin_cloud == used
    assert given["quiesce"]["admin_cloud"] == own
