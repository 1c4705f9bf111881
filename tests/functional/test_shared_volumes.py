# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A volume of two servers in two tiers: checkpointed once in the freeze of both, restored once, and attached to both."""

from __future__ import annotations

import pytest
from laboratory import DRIVERS, cloud, playbook, wait
from small import answers, run, small

SITES = ("primary", "remote")
WRITTEN = "both may read this"


@pytest.fixture(scope="module")
def cluster(application):
    """Two servers, each with a disk of its own and the one that they share, on which the first has written; with a checkpoint."""
    with small("shared", ["one"], ["two"]) as made:
        for site in SITES:
            admin = cloud(f"{site}-admin").block_storage
            kind = admin.create_type(name=made.called("type"), extra_specs={"volume_backend_name": "ceph", "multiattach": "<is> True"})
            made.undo.callback(admin.delete_type, kind)
        quorum = made.volume(made.called("quorum"), volume_type=made.called("type"))
        made.build()
        made.share(quorum)
        one, two = (made.server(name) for name in made.servers)
        run(one.id, f"echo '{WRITTEN}' | dd of=/dev/vdb conv=notrunc; sync")
        assert run(two.id, "echo 3 > /proc/sys/vm/drop_caches; head -n 1 /dev/vdb") == WRITTEN
        taken = playbook("checkpoint", **made.checkpoint())
        assert taken.returncode == 0, taken.stdout + taken.stderr
        yield made


@pytest.fixture(scope="module")
def restored(cluster):
    done = playbook("restore", **cluster.restore())
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield cluster
    finally:
        removed = playbook("cleanup", **cluster.cleanup())
        assert removed.returncode == 0, removed.stdout + removed.stderr


def test_a_type_for_one_server_is_refused_by_the_check(cluster):
    checked = playbook("restore", "--check", **cluster.restore(volume_types={cluster.called("type"): "ceph"}))
    assert checked.returncode != 0
    told = " ".join(checked.stdout.split())
    assert "cannot be attached to all of them at site" in told and "volumes of type 'ceph' can have one server only" in told, told


def test_a_server_outside_keeps_the_application_from_being_quiesced(cluster):
    part = {"name": cluster.name, "tiers": [{"name": "only", "servers": cluster.servers[:1]}]}
    refused = cluster.snapshots(application=part, name=f"{cluster.name}-part", quiesce=DRIVERS["nova"])
    outside = cluster.server(cluster.servers[1])
    assert f"is also attached to server {outside.id}, which is not frozen with the others" in refused["msg"], refused


def test_it_is_there_once_and_both_servers_have_it(restored):
    volumes = [one for one in cloud("remote").block_storage.volumes() if one.metadata.get("osdr_application") == restored.name]
    assert sorted(one.name for one in volumes) == sorted([*restored.servers, restored.called("quorum")])
    (quorum,) = [one for one in volumes if one.name == restored.called("quorum")]
    servers = [restored.server(name, "remote") for name in restored.servers]
    assert {one["server_id"]: one["device"] for one in quorum.attachments} == {one.id: "/dev/vdb" for one in servers}
    for one in servers:
        wait(f"the agent of {one.name}", lambda one=one: answers(one.id, "remote"), 300, 2)
        assert run(one.id, "head -n 1 /dev/vdb", "remote") == WRITTEN


def test_a_second_restore_changes_nothing(restored):
    again = playbook("restore", **restored.restore())
    assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout
