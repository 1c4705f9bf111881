# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints that the storage of both sites carries instead of backups: taken, restored, interrupted, drilled and pruned."""

from __future__ import annotations

import re

import inputs
import mirroring
import pytest
import small
from laboratory import cloud, module, playbook, wait

pytestmark = pytest.mark.campaign

TWO_TIERS = (["db"], ["web"])
#: A run that must fail gives up soon.
IMPATIENT = {"dr_checkpoint_timeout": 30}


@pytest.fixture(scope="module")
def mirrored(application):
    mirroring.set_up()


def test_what_is_set_up_stays_as_it_is(mirrored):
    assert re.findall(r"^(primary|remote) .*changed=0 .*failed=0 ", mirroring.set_up(), re.MULTILINE) == ["primary", "remote"]


@pytest.fixture(scope="module")
def subject(mirrored):
    """An application of two servers with two checkpoints, and their storage's options."""
    with small.small("mirrored", *TWO_TIERS) as made:
        made.build()
        made.ids = [f"{made.name}-{number}" for number in (1, 2)]
        try:
            for number, checkpoint in enumerate(made.ids, 1):
                write(made, f"cycle {number}")
                take(made, checkpoint)
            yield made
        finally:
            forget(made)


def write(made, text, site="primary"):
    for name in made.servers:
        small.run(made.server(name, site).id, f"echo {text} > /root/cycle && sync", site)


def read(made, site):
    return [small.run(made.server(name, site).id, "cat /root/cycle", site) for name in made.servers]


def given(made, checkpoint, **more):
    return inputs.checkpoint(made.definition, checkpoint, **mirroring.both(), **more)


def take(made, checkpoint, **more):
    taken = playbook("checkpoint", **given(made, checkpoint, **more))
    assert taken.returncode == 0, taken.stdout + taken.stderr
    return taken


def copies(made, checkpoint=None):
    """The volumes that are copies of its checkpoints, or of one."""
    found = [one for one in cloud("remote").block_storage.volumes() if one.metadata.get("osdr_application") == made.name and "osdr_copy_of" in one.metadata]
    return [one for one in found if checkpoint in (None, one.metadata["osdr_checkpoint"])]


def forget(made):
    for one in (*made.ids, f"{made.name}-late"):
        module("os_checkpoint", cloud="remote", application=made.name, checkpoint=one, state="absent")
        module("os_cg_snapshot", cloud="primary", name=one, application=made.definition, state="absent")
    storage = cloud("remote").block_storage
    for one in copies(made):
        storage.delete_volume(one.id)
    wait("the copies to be gone", lambda: not copies(made), 300, 3)


def test_each_checkpoint_has_a_volume_for_each_volume(subject):
    for checkpoint in subject.ids:
        found = copies(subject, checkpoint)
        assert {one.status for one in found} == {"available"}
        assert len(found) == len(subject.servers)
        assert all(one.is_bootable and one.volume_image_metadata for one in found)


def test_the_same_run_again_changes_nothing(subject):
    again = take(subject, subject.ids[-1])
    assert re.search(r"localhost .*changed=0 ", again.stdout), again.stdout


@pytest.mark.parametrize(("number", "expected"), [(0, "cycle 1"), (1, "cycle 2")])
def test_each_checkpoint_comes_back_as_it_was(subject, number, expected):
    options = {**subject.restore(), "dr_restore_checkpoint": subject.ids[number]}
    try:
        restored = playbook("restore", **options)
        assert restored.returncode == 0, restored.stdout + restored.stderr
        wait("the agents", lambda: all(small.answers(subject.server(name, "remote").id, "remote") for name in subject.servers), 300, 2)
        assert read(subject, "remote") == [expected] * len(subject.servers)
    finally:
        removed = playbook("cleanup", **inputs.cleanup(subject.name, subject.ids[number]))
        assert removed.returncode == 0, removed.stdout + removed.stderr
    # What they were made of is there for the next one.
    assert len(copies(subject, subject.ids[number])) == len(subject.servers)


def test_where_nothing_can_arrive_nobody_is_frozen(subject):
    with mirroring.stopped("remote"):
        failed = playbook("checkpoint", **given(subject, f"{subject.name}-late"))
        assert failed.returncode != 0
        assert "this step has changed nothing" in failed.stdout and "rbd-mirror does not run there" in failed.stdout
    assert copies(subject, f"{subject.name}-late") == []


def test_what_does_not_arrive_is_no_checkpoint_and_the_one_before_stays(subject):
    late = f"{subject.name}-late"
    write(subject, "cycle 3")
    with mirroring.hung("remote"):
        failed = playbook("checkpoint", **given(subject, late, **IMPATIENT))
        assert failed.returncode != 0
        assert "Nothing was published" in failed.stdout
    assert copies(subject, late) == []
    newest = module("os_checkpoint_info", cloud="remote", application=subject.name, with_manifest=True)["manifest"]
    assert newest["checkpoint"]["id"] == subject.ids[-1]
    take(subject, late)
    assert len(copies(subject, late)) == len(subject.servers)


def test_old_ones_go_with_their_volumes(subject):
    kept = {one.metadata["osdr_checkpoint"] for one in copies(subject)}
    pruned = playbook(
        "prune", dr_prune_cloud="remote", dr_prune_primary_cloud="primary", dr_prune_application=subject.name, dr_prune_keep={"last": len(kept) - 1}
    )
    assert pruned.returncode == 0, pruned.stdout + pruned.stderr
    assert {one.metadata["osdr_checkpoint"] for one in copies(subject)} == kept - {subject.ids[0]}


def test_a_pool_that_nobody_knows_is_refused_by_the_check(subject):
    options = given(subject, f"{subject.name}-none")
    options["dr_checkpoint_remote_storage"] = {**options["dr_checkpoint_remote_storage"], "backend": "nowhere@ceph#ceph"}
    refused = playbook("checkpoint", "--check", **options)
    assert refused.returncode != 0
    assert "has no backend 'nowhere@ceph#ceph'" in refused.stdout
