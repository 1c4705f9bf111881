# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints at the site where the application runs: a single volume beside the running one."""

from __future__ import annotations

import copies
import pytest
from laboratory import cloud, playbook

pytestmark = pytest.mark.campaign

UNCHANGED = "changed=0 "


@pytest.fixture
def protected(application):
    with copies.published() as made:
        yield made


def played(name, *options, **variables):
    done = playbook(name, *options, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def called(name):
    return [one for one in cloud().block_storage.volumes() if one.name == name]


def test_a_volume_comes_back_beside_the_running_one_and_goes_again(protected):
    checkpoint = f"{protected.name}-{protected.count}"
    given = {
        "dr_volume_cloud": "primary",
        "dr_volume_application": protected.name,
        "dr_volume_server": copies.SERVER,
        "dr_volume_devices": "/dev/vda",
        "dr_volume_id": "functional",
    }
    server = cloud().compute.find_server(copies.SERVER, ignore_missing=False)
    attached = [one.id for one in server.attached_volumes]
    played("restore_volume", "--check", **given)
    assert called(f"{copies.SERVER}-functional") == []
    played("restore_volume", **given)
    (made,) = [one for one in cloud().block_storage.volumes() if one.name.endswith("-functional")]
    assert (made.status, made.metadata["osdr_beside"], made.metadata["osdr_checkpoint"]) == ("available", "functional", checkpoint)
    assert UNCHANGED in played("restore_volume", **given)
    now = cloud().compute.get_server(server.id)
    assert (now.status, [one.id for one in now.attached_volumes]) == ("ACTIVE", attached)
    cleanup = {"dr_cleanup_cloud": "primary", "dr_cleanup_application": protected.name, "dr_cleanup_checkpoint": checkpoint, "dr_cleanup_beside": "functional"}
    played("cleanup", **cleanup)
    assert called(made.name) == []
