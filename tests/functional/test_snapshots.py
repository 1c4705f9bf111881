# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of snapshots of the application: what is refused, what is kept, what is told of a freeze that somebody else holds."""

from __future__ import annotations

import contextlib
import json
import signal

import laboratory
import pytest
from laboratory import APPLICATION, DRIVERS, GUARDED, SERVERS, ModuleRun, cloud, frozen_of, module, quiesce, wait

LEVELS = {"nova": "quiesced", "libvirt": "quiesced", "pause": "paused"}


def snapshots_named(name):
    return [one for one in cloud().block_storage.snapshots() if f".{name}." in one.name or one.name.endswith(f".{name}")]


def cg_snapshot(name, **arguments):
    return module("os_cg_snapshot", **{"cloud": "primary", "name": name, "application": APPLICATION, **arguments})


@pytest.fixture
def name():
    """A name for a set; what has it is removed at the end."""
    made = laboratory.unique("set")
    yield made
    removed = cg_snapshot(made, state="absent")
    assert "msg" not in removed, removed["msg"]
    assert not snapshots_named(made)


def refused(result, *parts):
    assert "this step has changed nothing" in result.get("msg", ""), result
    for part in parts:
        assert part in result["msg"], result["msg"]
    assert not any("osdr_freeze" in laboratory.Guest.named(one).metadata() for one in SERVERS)
    return True


def test_a_set_is_taken_once_and_removed_once(guests, name):
    plan = cg_snapshot(name, quiesce=DRIVERS["nova"], check=True)
    assert plan["changed"]
    assert [one["strategy"] for one in plan["grouping"]] == ["individual"]
    assert not snapshots_named(name)
    taken = cg_snapshot(name, quiesce=DRIVERS["nova"])
    found = taken["cg_snapshot"]
    assert found["consistency"] == "quiesced", found
    by_id = {one["id"]: one for one in found["servers"]}
    assert len(found["snapshots"]) == 5
    for volume in cloud().block_storage.volumes():
        snapshot = next((one for one in found["snapshots"] if one["volume_id"] == volume.id), None)
        for attachment in volume.attachments if snapshot else ():
            server = by_id[attachment["server_id"]]
            assert server["frozen_at"] <= snapshot["requested_at"] < snapshot["complete_at"] <= server["thawed_at"]
    assert 0 < found["skew"] < found["window"]["seconds"]
    again = cg_snapshot(name, quiesce=DRIVERS["nova"])
    assert not again["changed"]
    assert again["cg_snapshot"] == found


def test_credentials_that_see_no_backends_say_so(guests, name):
    taken = cg_snapshot(name)
    assert {one["strategy"] for one in taken["cg_snapshot"]["snapshots"]} == {"individual"}
    assert "give admin_cloud" in taken["grouping"][0]["reason"]
    assert taken["cg_snapshot"]["consistency"] == "crash"


@pytest.mark.parametrize("driver", ["nova", pytest.param("libvirt", marks=pytest.mark.campaign), pytest.param("pause", marks=pytest.mark.campaign)])
def test_a_set_within_a_freeze_of_another_task_counts_when_its_thaw_is_confirmed(guests, name, driver):
    assert quiesce(driver)["changed"]
    taken = cg_snapshot(name, consistency=LEVELS[driver])
    assert {one["pending"] for one in taken["cg_snapshot"]["servers"]} == {LEVELS[driver]}, taken
    assert taken["cg_snapshot"]["consistency"] == "crash"
    thawed = quiesce(driver, state="unquiesced")
    assert all(one["intact"] for one in thawed["quiesce"]["servers"])
    confirmed = cg_snapshot(name, consistency=LEVELS[driver], thaw=thawed["quiesce"])
    assert confirmed["changed"]
    assert confirmed["cg_snapshot"]["consistency"] == LEVELS[driver]
    assert confirmed["cg_snapshot"]["window"]["seconds"] > 0
    assert not cg_snapshot(name, consistency=LEVELS[driver], thaw=thawed["quiesce"])["changed"]


def test_a_freeze_that_somebody_ended_in_between_is_no_evidence(guests, front, name):
    assert quiesce("libvirt")["changed"]
    # An administrator in the server, who wonders why it stands still.
    front.run("for place in $(awk '$3 == \"ext4\" {print $2}' /proc/mounts); do /usr/sbin/fsfreeze -u $place; done")
    cg_snapshot(name, consistency="quiesced")
    thawed = quiesce("libvirt", state="unquiesced")
    intact = {one["name"]: one["intact"] for one in thawed["quiesce"]["servers"]}
    assert intact == {"orders-db": True, "payments-db": True, "shop-front": False}
    confirmed = cg_snapshot(name, consistency="quiesced", thaw=thawed["quiesce"])
    assert "only crash-consistent" in confirmed["msg"]
    assert "shop-front: crash (1 file systems were frozen and 0 thawed)" in confirmed["msg"]
    assert not snapshots_named(name)


def test_a_guard_that_fired_between_the_tasks_is_told(guests, name):
    assert quiesce("nova", **GUARDED)["changed"]
    cg_snapshot(name, consistency="quiesced")
    wait("the guards", lambda: not frozen_of(guests), 60)
    thawed = quiesce("nova", state="unquiesced")
    assert not any(one["intact"] for one in thawed["quiesce"]["servers"]), thawed
    assert "only crash-consistent" in cg_snapshot(name, consistency="quiesced", thaw=thawed["quiesce"])["msg"]
    assert not snapshots_named(name)


@contextlib.contextmanager
def quota(**limits):
    """Other quotas for the application's project."""
    admin, project = cloud("primary-admin").block_storage, cloud().current_project_id
    before = admin.get(f"/os-quota-sets/{project}").json()["quota_set"]
    admin.put(f"/os-quota-sets/{project}", json={"quota_set": limits}).raise_for_status()
    try:
        yield
    finally:
        old = {key: before[key] for key in limits}
        admin.put(f"/os-quota-sets/{project}", json={"quota_set": old}).raise_for_status()


@pytest.mark.parametrize(
    "resource",
    ["snapshots", *(pytest.param(one, marks=pytest.mark.campaign) for one in ("gigabytes", "snapshots_ceph", "gigabytes_ceph"))],
)
def test_quotas_are_looked_at_before_anybody_is_frozen(guests, name, resource):
    used = cloud().block_storage.get(f"/os-quota-sets/{cloud().current_project_id}", params={"usage": "true"})
    usage = used.json()["quota_set"][resource]
    with quota(**{resource: usage["in_use"] + usage["reserved"] + 4}):
        assert refused(cg_snapshot(name, quiesce=DRIVERS["nova"]), f"The quota '{resource}'", "is 1 too small")


def test_who_may_not_snapshot_is_told_before_anybody_is_frozen(guests, name):
    admin, project = cloud("primary-admin").identity, cloud().current_project_id
    user = admin.create_user(name=laboratory.unique("reader"), password="reading", domain_id="default")
    try:
        admin.assign_project_role_to_user(project, user, admin.find_role("reader"))
        auth = {**cloud().config.get_auth_args(), "username": user.name, "password": "reading"}
        reader = {"auth": auth, "region_name": cloud().config.region_name}
        result = cg_snapshot(name, cloud=reader, quiesce=DRIVERS["nova"])
        assert refused(result, "may not take snapshots", "role member")
    finally:
        admin.delete_user(user)


def slow_storage():
    """Nothing is snapshotted as long as this lasts."""
    return laboratory.halted("bin/cinder-volume")


def test_a_budget_that_passes_thaws_first_and_then_removes_what_was_begun(guests, name):
    limits = {"budget": 8, "guard_timeout": 30}
    with slow_storage():
        run = ModuleRun("os_cg_snapshot", cloud="primary", name=name, application=APPLICATION, quiesce={**DRIVERS["nova"], **limits})
        wait("snapshots under way", lambda: snapshots_named(name), 60)
        wait("everybody is thawed while the storage hangs", lambda: not frozen_of(guests), 25)
        assert snapshots_named(name)
    result = run.result()
    assert "The budget of 8 s was too short" in result["msg"], result
    assert not snapshots_named(name)


def test_a_policy_of_crash_keeps_what_came_after_the_budget(guests, name):
    limits = {"budget": 8, "guard_timeout": 30}
    with slow_storage():
        run = ModuleRun(
            "os_cg_snapshot",
            cloud="primary",
            name=name,
            application=APPLICATION,
            consistency="crash",
            quiesce={**DRIVERS["nova"], **limits},
        )
        wait("snapshots under way", lambda: snapshots_named(name), 60)
        wait("everybody is thawed while the storage hangs", lambda: not frozen_of(guests), 25)
    found = run.result()["cg_snapshot"]
    assert found["consistency"] == "crash"
    assert {one["reason"] for one in found["servers"]} == {"a snapshot was not taken within the freeze"}


def test_a_run_that_was_killed_is_finished_by_the_next(guests, front, name):
    run = ModuleRun("os_cg_snapshot", cloud="primary", name=name, application=APPLICATION, quiesce=DRIVERS["libvirt"])
    wait("snapshots under way", lambda: snapshots_named(name), 60, 0.1)
    run.signal(signal.SIGKILL)
    left = {one.id for one in snapshots_named(name)}
    laboratory.thaw_all()
    taken = cg_snapshot(name, quiesce=DRIVERS["nova"])
    assert taken["cg_snapshot"]["consistency"] == "quiesced", taken
    found = {one.id for one in snapshots_named(name)}
    assert len(found) == 5
    assert not found & left


def test_a_snapshot_that_fails_is_named_and_nothing_stays(guests, name):
    volume = cloud().block_storage.find_volume("orders-db-data")
    image = f"volumes/volume-{volume.id}"
    laboratory.in_site("rbd", "snap", "create", f"{image}@last")
    try:
        # A run that was killed may have left others.
        there = json.loads(laboratory.in_site("rbd", "snap", "ls", "--all", "--format", "json", image))
        laboratory.in_site("rbd", "snap", "limit", "set", image, "--limit", str(len(there)))
        result = cg_snapshot(name, quiesce=DRIVERS["nova"])
    finally:
        laboratory.in_site("rbd", "snap", "limit", "clear", image)
        laboratory.in_site("rbd", "snap", "rm", f"{image}@last")
    assert f"failed: of volume {volume.id}: error." in result["msg"], result
    assert not frozen_of(guests)
    assert not snapshots_named(name)


def test_a_volume_of_two_servers_is_snapshotted_once(guests, name):
    with shared_volume("orders-db", "payments-db") as volume:
        taken = cg_snapshot(name, quiesce=DRIVERS["nova"])
        of_it = [one for one in taken["cg_snapshot"]["snapshots"] if one["volume_id"] == volume.id]
        assert len(of_it) == 1
        assert taken["cg_snapshot"]["consistency"] == "quiesced"
        only_one = {"name": "part", "tiers": [{"name": "database", "servers": ["orders-db"]}]}
        result = cg_snapshot(name, application=only_one, quiesce=DRIVERS["nova"])
        assert refused(result, "attached to server", "not frozen with the others")
        cg_snapshot(name, state="absent")


@contextlib.contextmanager
def shared_volume(*servers):
    """A volume attached to several servers."""
    admin, storage, compute = cloud("primary-admin").block_storage, cloud().block_storage, cloud().compute
    specs = {"volume_backend_name": "ceph", "multiattach": "<is> True"}
    volume_type = admin.create_type(name=laboratory.unique("shared"), extra_specs=specs)
    volume = cloud().create_volume(1, name="shared", volume_type=volume_type.name, wait=True, timeout=60)
    ids = [compute.find_server(one).id for one in servers]

    def attached():
        return {one["server_id"] for one in storage.get_volume(volume.id).attachments if one["device"]}

    try:
        for server_id in ids:
            body = {"volumeAttachment": {"volumeId": volume.id}}
            compute.post(f"/servers/{server_id}/os-volume_attachments", json=body, microversion="2.60").raise_for_status()
            wait("the attachment", lambda server_id=server_id: server_id in attached(), 60)
        yield volume
    finally:
        for server_id in attached():
            compute.delete_volume_attachment(server_id, volume.id)
            wait("the detachment", lambda server_id=server_id: server_id not in attached(), 90)
        cloud().delete_volume(volume.id, wait=True, timeout=120)
        admin.delete_type(volume_type)
