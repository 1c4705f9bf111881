# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is captured of an application is returned, or kept for the modules after it."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.draft import DESCRIPTION, SNAPSHOTS, Draft
from ansible_collections.osdr.openstack.plugins.modules import os_application_info
from ansible_collections.osdr.openstack.tests.unit.support.memory.running import DEFINITION, Running


class Application:
    def __init__(self, directory):
        self.running = Running()
        self.directory = str(directory)
        self.draft = Draft(self.directory)

    def capture(self, check_mode=False, draft=True):
        module = self.running.module(check_mode, application=DEFINITION, user_data="omit", draft=self.directory if draft else None)
        with self.running.there(os_application_info):
            return os_application_info.run(module), module.told

    def snapshots(self, sizes):
        """Keep a set of snapshots of all volumes."""
        servers = [{"name": name, "id": one["id"]} for name, one in self.running.servers.items()]
        taken = [{"volume_id": one, "size": size} for one, size in zip(self.running.volumes(), sizes, strict=True)]
        self.draft.keep(SNAPSHOTS, {"servers": servers, "snapshots": taken})


@pytest.fixture
def application(tmp_path):
    return Application(tmp_path / "0")


def test_it_is_returned_or_kept(application):
    found, _told = application.capture(draft=False)
    kept, _told = application.capture()
    assert ("application_description" in kept, application.draft.find(DESCRIPTION)) == (False, found["application_description"])
    assert kept["volume_ids"] == found["volume_ids"]


def test_in_check_mode_nothing_is_kept(application):
    assert "application_description" not in application.capture(check_mode=True)[0]
    assert application.draft.find(DESCRIPTION) is None


def test_what_differs_from_the_snapshots_is_told(application):
    assert application.capture()[0]["differences"] == []
    application.snapshots((1, 1, 1))
    assert application.capture()[0]["differences"] == []
    application.snapshots((1, 1, 2))
    (difference,) = application.capture()[0]["differences"]
    assert "has 1 GiB, its snapshot 2 GiB" in difference


def test_what_has_changed_since_the_last_capture_is_warned_of(application):
    assert application.capture()[1] == application.capture()[1]
    application.running.server("orders-db")["metadata"]["role"] = "other"
    assert "Application 'shop' was changed while it was snapshotted" in application.capture()[1][0]


def test_what_nobody_has_captured_is_refused(application):
    application.draft.keep(DESCRIPTION, {"application": 5})
    with pytest.raises(InvalidInput, match="The description in the draft is not what os_application_info keeps there"):
        application.capture()
