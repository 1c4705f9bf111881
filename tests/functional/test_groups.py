# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes over two backends, one of which has truly consistent groups: nine volumes of two servers."""

from __future__ import annotations

import contextlib
import pathlib
import signal
import subprocess
import tempfile
import time

import fleet
import laboratory
import pytest
from laboratory import APPLICATION, DRIVERS, ModuleRun, cloud, in_site, module, wait
from reader import ROOT_OFFSET, volumes_of

#: More volumes than Cinder takes in one change of a group.
DATA = ["ceph-consistent"] * 3
PAIR = {"name": "pair", "tiers": [{"name": "all", "servers": ["fleet-00", "fleet-01"]}]}
BACKENDS = {"primary@ceph-consistent#ceph-consistent", "primary@ceph#ceph"}


@pytest.fixture(scope="module")
def servers():
    with fleet.running(cloud(), 2, volume_type="ceph-consistent") as made:
        fleet.add_volumes(cloud(), dict(zip(made.values(), (DATA, [*DATA, "ceph"]), strict=True)))
        yield made
        assert not groups(), "nothing of the tests may bind the volumes"


@pytest.fixture
def name(servers):
    made = laboratory.unique("group")
    yield made
    removed = take(made, state="absent")
    assert "msg" not in removed, removed["msg"]
    assert not [one.name for one in cloud().block_storage.snapshots() if made in one.name]
    assert not [one.name for one in cloud().block_storage.group_snapshots() if made in one.name]


def take(name, **arguments):
    return module("os_cg_snapshot", **{"cloud": "primary", "name": name, "application": PAIR, "admin_cloud": "primary-admin", **arguments})


def groups():
    return {one.name: one for one in cloud().block_storage.groups()}


def members_of(group):
    return {one.id for one in cloud().block_storage.volumes() if one.group_id == group.id}


def strategies(result):
    """Number of volumes per strategy."""
    return {one["strategy"]: len(one["volumes"]) for one in result["grouping"]}


def test_each_backend_gets_what_it_can(servers, name):
    plan = take(name, quiesce=DRIVERS["libvirt"], check=True)
    assert strategies(plan) == {"consistent_group": 8, "individual": 1}, plan
    assert {one["backend"] for one in plan["grouping"]} == BACKENDS
    assert not groups()
    for number, server_id in enumerate(servers.values()):
        write = f"echo marker-{name}-{number} > /root/marker"
        assert "pid" in fleet.agent_says(server_id, "guest-exec", path="/bin/sh", arg=["-c", write])
    time.sleep(2)
    taken = take(name, quiesce=DRIVERS["libvirt"])
    assert taken["cg_snapshot"]["consistency"] == "quiesced", taken
    assert strategies(taken) == {"consistent_group": 8, "individual": 1}
    (group,) = groups().values()
    assert len(members_of(group)) == 8
    (of_group,) = cloud().block_storage.group_snapshots()
    assert len(in_site("rbd", "group", "snap", "ls", f"volumes/{group.id}").splitlines()) == 2, "a heading and a snapshot"
    found = [one for one in cloud().block_storage.snapshots() if name in one.name]
    assert sum(one.group_snapshot_id == of_group.id for one in found) == 8
    assert {one.metadata["osdr_checkpoint"] for one in found} == {name}
    assert markers([one for one in taken["cg_snapshot"]["snapshots"] if is_boot(one)]) == {f"marker-{name}-{n}" for n in (0, 1)}
    again = take(name, quiesce=DRIVERS["libvirt"])
    assert not again["changed"]
    assert again["cg_snapshot"] == taken["cg_snapshot"]


def is_boot(snapshot):
    return snapshot["name"].endswith(("fleet-00", "fleet-01"))


def markers(snapshots):
    """What the file of the test holds in volumes made of snapshots; frozen, nothing waits in its journal."""
    with tempfile.TemporaryDirectory(dir=laboratory.LAB_DIR) as directory:
        disks = {pathlib.Path(directory, f"{one['id']}.raw"): one["id"] for one in snapshots}
        with volumes_of(disks):
            return {marker(disk) for disk in disks}


def marker(disk):
    read = ["debugfs", "-R", "cat /root/marker", f"{disk}?offset={ROOT_OFFSET}"]
    return subprocess.run(read, capture_output=True, text=True, check=True).stdout.strip()


def test_a_group_lives_as_long_as_there_are_snapshots_of_it(servers, name):
    assert take(name)["changed"]
    (group,) = groups().values()
    assert take(f"{name}-2")["changed"]
    assert {one.id for one in groups().values()} == {group.id}
    assert take(f"{name}-2", state="absent")["changed"]
    assert {one.id for one in groups().values()} == {group.id}
    assert take(name, state="absent")["changed"]
    assert not groups()
    assert not take(name, state="absent")["changed"]


def test_a_volume_that_comes_or_goes_changes_the_group(servers, name):
    """The second server is no longer part of the application, and then it is again."""
    assert take(name)["changed"]
    (group,) = groups().values()
    alone = {"name": "pair", "tiers": [{"name": "all", "servers": ["fleet-00"]}]}
    assert strategies(take(f"{name}-2", application=alone)) == {"consistent_group": 4}
    assert len(members_of(group)) == 4
    assert strategies(take(f"{name}-3")) == {"consistent_group": 8, "individual": 1}
    assert len(members_of(group)) == 8
    for number in (2, 3):
        assert take(f"{name}-{number}", state="absent")["changed"]


def test_generic_groups_and_none_at_all_are_for_who_asks(servers, name):
    generic = take(name, grouping="generic")
    assert strategies(generic) == {"generic_group": 8, "individual": 1}, generic
    assert take(name, state="absent")["changed"]
    individual = take(name, grouping="individual")
    assert {one["strategy"] for one in individual["grouping"]} == {"individual"}
    assert sum(len(one["volumes"]) for one in individual["grouping"]) == 9


def test_who_demands_consistent_groups_is_told_where_there_are_none(guests, servers, name):
    refused = take(name, application=APPLICATION, grouping="consistent", quiesce=DRIVERS["nova"])
    assert "this step has changed nothing" in refused["msg"], refused
    assert "the backend reports no consistent group snapshots" in refused["msg"]
    assert take(name, grouping="consistent")["changed"]


@contextlib.contextmanager
def group_of_somebody(volume_ids):
    """A group as an operator makes one."""
    storage = cloud().block_storage
    group_type = storage.find_group_type("consistent", ignore_missing=False)
    volume_type = storage.find_type("ceph-consistent")
    group = storage.create_group(name="theirs", group_type=group_type.id, volume_types=[volume_type.id])

    def change(**volumes):
        wait("the group", lambda: storage.get_group(group.id).status == "available", 30)
        storage.put(f"/groups/{group.id}", json={"group": volumes}, microversion="3.13").raise_for_status()
        wait("the group", lambda: storage.get_group(group.id).status == "available", 30)

    change(add_volumes=",".join(volume_ids))
    try:
        yield group
    finally:
        change(remove_volumes=",".join(volume_ids))
        storage.delete_group(group.id)
        wait("the group's end", lambda: "theirs" not in groups(), 30)


def test_groups_of_others_are_used_where_they_fit_and_left_alone_otherwise(servers, name):
    data = [one.id for one in cloud().block_storage.volumes() if one.name == "fleet-data" and one.volume_type == "ceph-consistent"]
    of_first = [v for v in data if cloud().block_storage.get_volume(v).attachments[0]["server_id"] == servers["fleet-00"]]
    other = next(v for v in data if v not in of_first)
    with group_of_somebody(of_first[:2]) as theirs:
        taken = take(name)
        units = [(one["strategy"], len(one["volumes"])) for one in taken["grouping"]]
        assert sorted(units) == [("consistent_group", 2), ("consistent_group", 6), ("individual", 1)], taken
        assert take(name, state="absent")["changed"]
        assert set(groups()) == {"theirs"}
        assert members_of(theirs) == set(of_first[:2])
    with group_of_somebody([of_first[0], other]) as theirs:
        alone = {"name": "pair", "tiers": [{"name": "all", "servers": ["fleet-00"]}]}
        taken = take(name, application=alone)
        assert strategies(taken) == {"consistent_group": 3, "individual": 1}, taken
        assert any("somebody else's group" in one["reason"] for one in taken["grouping"])
        assert take(name, application=alone, state="absent")["changed"]
        assert members_of(theirs) == {of_first[0], other}


def test_the_quota_of_groups_counts_too(servers, name):
    admin, path = cloud("primary-admin").block_storage, f"/os-quota-sets/{cloud().current_project_id}"
    before = admin.get(path).json()["quota_set"]["groups"]
    admin.put(path, json={"quota_set": {"groups": 0}}).raise_for_status()
    try:
        refused = take(name, quiesce=DRIVERS["nova"])
        assert "The quota 'groups'" in refused.get("msg", ""), refused
    finally:
        admin.put(path, json={"quota_set": {"groups": before}}).raise_for_status()


@pytest.mark.campaign
def test_a_killed_run_with_a_group_is_finished_by_the_next(servers, name):
    run = ModuleRun("os_cg_snapshot", cloud="primary", name=name, application=PAIR, quiesce=DRIVERS["libvirt"])
    wait("the group's snapshot", lambda: [one for one in cloud().block_storage.group_snapshots() if name in one.name], 90, 0.1)
    run.signal(signal.SIGKILL)
    laboratory.thaw_all()
    taken = take(name, quiesce=DRIVERS["libvirt"])
    assert taken["cg_snapshot"]["consistency"] == "quiesced", taken
    assert len(list(cloud().block_storage.group_snapshots())) == 1


@contextlib.contextmanager
def project_of_others():
    """A second project in which the application's user is a member too."""
    admin, images = cloud("primary-admin").identity, cloud("primary-admin").image
    project = admin.create_project(name=laboratory.unique("others"), domain_id="default")
    admin.assign_project_role_to_user(project, cloud().current_user_id, admin.find_role("member"))
    image = cloud().image.find_image("lab-guest")
    images.update_image(image.id, visibility="public")
    try:
        yield cloud().connect_as_project({"id": project.id})
    finally:
        images.update_image(image.id, visibility=image.visibility)
        admin.delete_project(project)


def test_an_application_over_two_projects_is_of_one_moment(guests, name):
    with project_of_others() as others:
        try:
            server_id = fleet.boot(others, "others", network="")
            wait("the server of the other project", lambda: fleet.answers(server_id), 120)
            both = {"name": "pair", "tiers": [{"name": "all", "servers": ["fleet-00", "fleet-others"]}]}
            projects = [cloud().current_project_id, others.current_project_id]
            taken = take(name, application=both, projects=projects, quiesce=DRIVERS["nova"])
            assert taken["cg_snapshot"]["consistency"] == "quiesced", taken
            assert strategies(taken) == {"consistent_group": 4, "individual": 1}
            assert len(list(others.block_storage.snapshots())) == 1
            assert not take(name, application=both, projects=projects, quiesce=DRIVERS["nova"])["changed"]
            assert take(name, application=both, projects=projects, state="absent")["changed"]
            assert not list(others.block_storage.snapshots())
        finally:
            fleet.remove(others)
