# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint, its age, a drill and its removal, while every third request to every service of both sites goes wrong."""

from __future__ import annotations

import inputs
import laboratory
import pytest
from lab_bad_days import FAULTS, BadDays
from laboratory import APPLICATION, cloud, playbook

pytestmark = pytest.mark.campaign

NAME = APPLICATION["name"]
#: What all of that needs, by its port in the lab: Keystone, Nova, Cinder, Neutron and Swift.
PORTS = ("5000", "8774", "8776", "9696", "8080")


@pytest.fixture(params=[0, 3], ids=["at once", "slowly"])
def bad_days(request, monkeypatch):
    with BadDays(delay=request.param) as proxy:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        yield proxy


@pytest.fixture
def container():
    name = laboratory.unique("bad-days")
    yield name
    store = cloud("remote").object_store
    for one in list(store.objects(name)):
        store.delete_object(one.name, container=name)
    store.delete_container(name)


@pytest.fixture
def point():
    """The id of a checkpoint that leaves nothing at either site."""
    name = laboratory.unique("bad")
    yield name
    for site in ("remote", "primary"):
        for one in cloud(site).block_storage.backups():
            if one.metadata.get("osdr_checkpoint") == name:
                cloud(site).block_storage.delete_backup(one.id)


def succeeded(done):
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_bad_day_of_every_service_ends_no_run(bad_days, container, point):
    # Each answer may take seconds, so the window may, too.
    window = {"driver": "nova", "freeze_timeout": 60, "budget": 200, "guard_timeout": 250}
    given = {"dr_checkpoint_container": container, "dr_checkpoint_full_every": 1, "dr_checkpoint_quiesce": window}
    succeeded(playbook("checkpoint", **inputs.checkpoint(APPLICATION, point, **given)))
    succeeded(playbook("rpo", dr_rpo_cloud="remote", dr_rpo_container=container, dr_rpo_applications=[NAME], dr_rpo_max_age=7200))
    drill = laboratory.unique("bad")
    where = {"dr_restore_application": NAME, "dr_restore_cloud": "remote", "dr_restore_container": container}
    succeeded(playbook("drill", **where, dr_restore_checkpoint=point, dr_restore_drill_id=drill))
    succeeded(playbook("cleanup", **inputs.cleanup(NAME, point, drill)))
    made = {(service.rpartition(":")[2], fault) for service, fault in bad_days.counts}
    assert made >= {(port, fault) for port in PORTS for fault in FAULTS}
    snapshots = [one for one in cloud("primary").block_storage.snapshots() if one.metadata.get("osdr_checkpoint") == point]
    assert len(snapshots) in (0, len({one.volume_id for one in snapshots}))
