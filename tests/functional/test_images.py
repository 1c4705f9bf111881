# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that boots from an image: its freeze, its image, the copy of that, and what is restored from it."""

from __future__ import annotations

import imaged
import pytest
import requests
from laboratory import BLOCKED, ModuleRun, cloud, module, playbook, wait

TOKEN = {"X-OpenStack-Quiesce-Token": "functional"}


@pytest.fixture(scope="module")
def shop(application):
    with imaged.running() as made:
        made.guest()
        yield made


@pytest.fixture(scope="module")
def taken(shop):
    """A checkpoint in the catalogue; something was written to both disks just before."""
    shop.guest().run("echo root > /root/written; echo data > /data/written")
    done = playbook("checkpoint", **shop.checkpoint())
    assert done.returncode == 0, done.stdout + done.stderr
    found = module("os_checkpoint_info", cloud="remote", application=shop.name, checkpoint=shop.checkpoint_id, with_manifest=True)
    return found["manifest"]


@pytest.fixture(scope="module")
def restored(shop, taken):
    done = playbook("restore", **shop.restore())
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        yield shop
    finally:
        removed = playbook("cleanup", **shop.cleanup())
        assert removed.returncode == 0, removed.stdout + removed.stderr


def act(server_id, action, arguments, headers):
    compute = cloud("primary-admin").compute
    given = {"X-Auth-Token": cloud("primary-admin").session.get_token(), "X-OpenStack-Nova-API-Version": "2.45", **headers}
    return requests.post(f"{compute.get_endpoint()}/servers/{server_id}/action", json={action: arguments}, headers=given, timeout=BLOCKED)


def test_only_the_holder_of_a_freeze_has_an_image_made_and_thaws_beside_its_upload(shop, api):
    server, images = shop.found().id, cloud("primary-admin").image
    assert api.quiesce(server, token="functional", timeout=120).status_code == 202
    made = None
    try:
        for headers in ({}, {"X-OpenStack-Quiesce-Token": "another"}):
            refused = act(server, "createImage", {"name": shop.name}, headers)
            assert (refused.status_code, "while it is quiesced" in refused.text) == (409, True), refused.text
        asked = act(server, "createImage", {"name": shop.name}, TOKEN)
        assert asked.status_code == 202, asked.text
        made = asked.json()["image_id"]
        wait("Glance to be given the data", lambda: images.get_image(made).status in ("saving", "active"), 120, 0.05)
        thawed = api.unquiesce(server, token="functional")
        assert thawed.status_code == 202, thawed.text
        assert thawed.json()["quiesce"]["last"]["intact"] is True
        wait("the image to be complete", lambda: images.get_image(made).status == "active", 300, 0.5)
        wait("Nova to be done", lambda: shop.found().task_state is None, 60)
    finally:
        api.unquiesce(server, force=True)
        if made:
            images.delete_image(made)


@pytest.mark.campaign
def test_a_checkpoint_has_the_root_disk_as_an_image_of_the_moment_of_the_freeze(shop, taken):
    (root,) = [copy for copy in taken["copies"] if copy["method"] == "glance_image"]
    assert root["volume_id"] == shop.found().id
    assert len(taken["copies"]) == 2
    assert taken["checkpoint"]["consistency"] == "quiesced"
    (evidence,) = [one for one in taken["checkpoint"]["evidence"]["snapshots"] if one["strategy"] == "image"]
    (server,) = taken["checkpoint"]["evidence"]["servers"]
    assert server["frozen_at"] <= evidence["requested_at"] <= evidence["complete_at"] <= server["thawed_at"]
    print("window", taken["checkpoint"]["evidence"]["window"], "image", evidence["requested_at"], evidence["complete_at"], root["stored_bytes"])


@pytest.mark.campaign
def test_nothing_is_left_at_the_primary_site_and_one_image_at_the_remote_one(shop, taken):
    assert shop.images("primary") == []
    assert [image["status"] for image in shop.images("remote")] == ["active"]


@pytest.mark.campaign
def test_the_same_checkpoint_again_changes_nothing(shop, taken):
    again = playbook("checkpoint", **shop.checkpoint())
    assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout + again.stderr


@pytest.mark.campaign
def test_the_server_boots_from_the_copy_and_has_what_was_written(restored, taken):
    (root,) = [copy for copy in taken["copies"] if copy["method"] == "glance_image"]
    assert restored.found("remote").image.id == root["copy_id"]
    assert restored.guest("remote").run("cat /root/written /data/written").split() == ["root", "data"]


@pytest.mark.campaign
def test_a_second_restore_changes_nothing(restored):
    again = playbook("restore", **restored.restore())
    assert again.returncode == 0 and "changed=0 " in again.stdout, again.stdout + again.stderr


@pytest.mark.campaign
def test_retention_keeps_the_image_that_a_server_boots_from(restored, taken):
    second = playbook("checkpoint", **restored.checkpoint(2))
    assert second.returncode == 0, second.stdout + second.stderr
    assert len(restored.images("remote")) == 2
    run = ModuleRun("os_checkpoint_prune", cloud="remote", primary_cloud="primary", application=restored.name, keep={"last": 1})
    assert run.result().get("changed"), run.output
    assert "is what these servers boot from" in " ".join(run.output.split()), run.output
    assert len(restored.images("remote")) == 2
