# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of the guides that no other test or scenario plays."""

from __future__ import annotations

import subprocess

import laboratory
import pytest
from laboratory import APPLICATION, LAB_DIR, ROOT, SERVERS, playbook, quiesce

pytestmark = pytest.mark.campaign


def test_what_was_left_frozen_is_thawed_by_the_playbook(guests):
    assert quiesce("nova")["changed"]
    assert laboratory.frozen_of(guests) == set(SERVERS)
    done = playbook("thaw", dr_thaw_cloud="primary-admin", dr_thaw_all_projects=True)
    assert done.returncode == 0, done.stdout
    assert laboratory.frozen_of(guests) == set()


def test_nothing_is_fenced_where_no_catalogue_says_that_it_runs_elsewhere(guests):
    given = {"dr_failover_primary": {"cloud": "primary"}, "dr_failover_remote": {"cloud": "remote"}, "dr_failover_container": laboratory.unique("none")}
    done = playbook("fence", dr_failover_application=APPLICATION, **given)
    assert done.returncode == 0, done.stdout
    assert "Nothing was fenced." in done.stdout
    assert {guest.status() for guest in guests} == {"ACTIVE"}


@pytest.mark.parametrize(
    "command",
    [
        [LAB_DIR / "venvs/openstack/bin/openstack", "--os-cloud", "primary", "server", "list", "--column", "Name"],
        ["make", "--no-print-directory", "lab-status", f"LAB_DIR={LAB_DIR}"],
        ["virsh", "--connect", "qemu+tcp://primary/system", "list", "--uuid"],
    ],
    ids=["openstack", "make", "virsh"],
)
def test_the_lab_can_be_looked_at_from_the_host(guests, command):
    seen = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, cwd=ROOT).stdout
    known = [{guest.name for guest in guests}, {guest.id for guest in guests}, {"nova-api", "cinder-backup", "remote"}]
    assert any(all(one in seen for one in names) for names in known)
