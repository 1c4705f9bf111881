# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue at the remote site: what is damaged, lost, forged, too late or too old."""

from __future__ import annotations

import inputs
import laboratory
import pytest
from laboratory import APPLICATION, cloud, module, playbook

KEY = "correct horse battery staple"
NAME = APPLICATION["name"]
#: Of both kinds one server, with three volumes: what is in the checkpoint does not matter here.
PART = {"name": NAME, "tiers": [{"name": "database", "servers": ["orders-db"]}, {"name": "front", "servers": ["shop-front"]}]}
VOLUMES = 3


@pytest.fixture(scope="module")
def container():
    """A catalogue of its own, so that others' checkpoints are not in the way."""
    name = laboratory.unique("catalogue")
    yield name
    empty(name)


@pytest.fixture(scope="module")
def checkpoint(application, container):
    """A checkpoint of the application; its backups are removed at the end."""
    name = laboratory.unique("point")
    options = {
        "dr_checkpoint_container": container,
        "dr_checkpoint_hmac_key": KEY,
        "dr_checkpoint_full_every": 1,
    }
    done = playbook("checkpoint", **inputs.checkpoint(PART, name, **options))
    assert done.returncode == 0, done.stdout + done.stderr
    yield name
    # Both sites' records stand for the same objects: deleting the remote ones deletes the data of both.
    for site in ("remote", "primary"):
        for one in backups(site, name):
            cloud(site).block_storage.delete_backup(one.id)


def backups(site, checkpoint):
    return [one for one in cloud(site).block_storage.backups() if one.metadata.get("osdr_checkpoint") == checkpoint]


def empty(container):
    """Delete the container with all that is in it."""
    store = cloud("remote").object_store
    for one in list(store.objects(container)):
        store.delete_object(one.name, container=container)
    store.delete_container(container)


def write(container, name, content):
    cloud("remote").object_store.put(f"/{container}/{name}", data=content).raise_for_status()


def read(container, name):
    return cloud("remote").object_store.get(f"/{container}/{name}").content


def info(container, **arguments):
    return module("os_checkpoint_info", **{"cloud": "remote", "container": container, "application": NAME, "hmac_key": KEY, **arguments})


def rebuild(container, **variables):
    return playbook("catalogue_rebuild", **{"dr_catalogue_cloud": "remote", "dr_catalogue_container": container, "dr_catalogue_hmac_key": KEY, **variables})


def rpo(container, max_age, textfile):
    variables = {"dr_rpo_cloud": "remote", "dr_rpo_container": container, "dr_rpo_hmac_key": KEY, "dr_rpo_applications": [NAME]}
    return playbook("rpo", **variables, dr_rpo_max_age=max_age, dr_rpo_textfile=str(textfile))


def test_a_damaged_manifest_hides_no_other_and_is_written_anew(container, checkpoint):
    write(container, f"{NAME}/broken.json", b"{")
    listed = info(container, require=True)
    assert listed["checkpoint"]["id"] == checkpoint
    assert [one["name"] for one in listed["damaged"]] == [f"{NAME}/broken.json"]
    # With a key, nothing is parsed before its signature is right.
    assert "is not signed" in info(container, checkpoint="broken")["msg"]
    cloud("remote").object_store.delete_object(f"{NAME}/broken.json", container=container)

    whole = read(container, f"{NAME}/{checkpoint}.json")
    write(container, f"{NAME}/{checkpoint}.json", whole[:-100])
    assert "No checkpoint can be read" in info(container, require=True)["msg"]
    done = rebuild(container)
    assert done.returncode == 0, done.stdout
    assert read(container, f"{NAME}/{checkpoint}.json") == whole


def test_a_lost_container_is_written_anew_from_the_backups(container, checkpoint):
    whole = read(container, f"{NAME}/{checkpoint}.json")
    empty(container)
    assert info(container)["checkpoints"] == []
    result = module("os_catalogue_rebuild", cloud="remote", container=container, hmac_key=KEY, application=NAME)
    assert checkpoint in [one["id"] for one in result["rebuilt"]], result
    assert read(container, f"{NAME}/{checkpoint}.json") == whole
    again = module("os_catalogue_rebuild", cloud="remote", container=container, hmac_key=KEY, application=NAME)
    assert (again["changed"], checkpoint in [one["id"] for one in again["present"]]) == (False, True)


def test_the_marks_of_the_backups_stay_beside_the_pieces(container, checkpoint):
    found = backups("remote", checkpoint)
    assert len(found) == VOLUMES
    assert all(one.metadata["osdr_application"] == NAME and "osdr_manifest" in one.metadata for one in found)


def test_a_forged_manifest_is_refused(container, checkpoint):
    assert "signature does not match" in info(container, hmac_key="another", checkpoint=checkpoint)["msg"]
    unsigned = module("os_checkpoint_info", cloud="remote", container=container, application=NAME, require=True)
    assert unsigned["checkpoint"]["id"] == checkpoint


def test_a_checkpoint_is_chosen_by_its_moment_and_its_consistency(container, checkpoint):
    moment = info(container)["checkpoints"][0]["created_at"]
    assert info(container, not_after=moment, consistency="quiesced")["checkpoint"]["id"] == checkpoint
    assert info(container, not_after="2020-01-01T00:00:00+01:00")["checkpoint"] is None
    assert info(container, consistency="offline")["checkpoint"] is None
    assert "is not a time with an offset" in info(container, not_after="noon")["msg"]


def test_where_an_application_runs_is_recorded(container):
    names = {"dr_active_site_application": "elsewhere", "dr_active_site_runs_at": "primary", "dr_active_site_cloud": "remote"}
    done = playbook("active_site", **names, dr_active_site_container=container, dr_active_site_hmac_key=KEY)
    assert done.returncode == 0, done.stdout
    assert "Recorded that elsewhere runs at site primary since" in " ".join(done.stdout.split())
    assert b'"site":"primary"' in read(container, "elsewhere/_active.json")


def test_the_age_is_watched(container, checkpoint, tmp_path):
    textfile = tmp_path / "osdr.prom"
    done = rpo(container, 86400, textfile)
    assert done.returncode == 0, done.stdout
    assert f'osdr_recovery_point_consistency_info{{application="{NAME}",consistency="quiesced"}} 1' in textfile.read_text().splitlines()
    textfile.unlink()

    late = rpo(container, 0, textfile)
    assert late.returncode != 0
    assert f"Too old: {NAME}" in late.stdout
    assert "osdr_recovery_point_age_seconds{" in textfile.read_text()


def changes(container, since):
    variables = {"dr_changes_cloud": "remote", "dr_changes_container": container, "dr_changes_hmac_key": KEY, "dr_changes_application": NAME}
    return playbook("changes", **variables, dr_changes_source_cloud="primary", dr_changes_since=since)


def test_what_changed_since_the_checkpoint_is_told(container, checkpoint):
    same = changes(container, checkpoint)
    beside = cloud("primary").compute.find_server("payments-db")
    only = f"server payments-db ({beside.id}) is on network shop-net, but in no tier of the application"
    assert f"Since checkpoint {checkpoint}: {only}." in " ".join(same.stdout.split())

    network = cloud("primary").network
    group = network.find_security_group("shop")
    rule = network.create_security_group_rule(security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=4711, port_range_max=4711)
    try:
        other = changes(container, checkpoint)
    finally:
        network.delete_security_group_rule(rule.id)
    assert other.returncode != 0
    assert "rule of security group shop: direction ingress, ether_type IPv4, protocol tcp, port_range_min 4711" in " ".join(other.stdout.split())


def test_what_cannot_be_restored_has_no_age(checkpoint, tmp_path):
    textfile = tmp_path / "osdr.prom"
    assert rpo(laboratory.unique("empty"), 86400, textfile).returncode != 0
    lines = textfile.read_text().splitlines()
    assert f'osdr_recovery_points{{application="{NAME}"}} 0' in lines
    assert not any(line.startswith("osdr_recovery_point_age_seconds{") for line in lines)
