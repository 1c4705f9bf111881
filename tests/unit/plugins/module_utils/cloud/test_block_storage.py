# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter against HTTP answers as Cinder gives them."""

from __future__ import annotations

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, InvalidInput, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import BackupRecord, GroupSnapshot, GroupType, Pool, VolumeGroup
from ansible_collections.osdr.openstack.tests.unit.support.fakes import volume

CINDER = "http://cinder.example/v3"
VERSION = {"id": "v3.0", "status": "CURRENT", "version": "3.71", "min_version": "3.0", "links": [{"rel": "self", "href": CINDER}]}


@pytest.fixture
def storage(requests_mock):
    requests_mock.get(CINDER, json={"version": VERSION})
    requests_mock.get(f"{CINDER}/", json={"version": VERSION})
    connection = openstack.connect(auth_type="none", endpoint=CINDER, block_storage_endpoint_override=CINDER)
    cloud = Cloud(connection, "remote")
    cloud.__dict__["project_id"] = "p1"
    return BlockStorage(cloud)


def test_export_unwraps_the_record(storage, requests_mock):
    answer = {"backup-record": {"backup_service": "swift", "backup_url": "e30="}}
    requests_mock.get(f"{CINDER}/backups/b1/export_record", json=answer)
    assert storage.export_record("b1") == BackupRecord("swift", "e30=")


def test_a_record_without_its_parts_is_none(storage, requests_mock):
    requests_mock.get(f"{CINDER}/backups/b1/export_record", json={"backup-record": {"backup_service": "swift"}})
    with pytest.raises(CloudError, match="could not export the record of backup b1: its answer makes no sense"):
        storage.export_record("b1")


def test_import_posts_the_record_where_cinder_expects_it(storage, requests_mock):
    """openstacksdk's own method posts to export_record and loses the record on the way."""
    posted = requests_mock.post(f"{CINDER}/backups/import_record", status_code=201, json={"backup": {"id": "b1"}})
    assert storage.import_record(BackupRecord("swift", "e30=")) == "b1"
    assert posted.last_request.json() == {"backup-record": {"backup_service": "swift", "backup_url": "e30="}}


def test_a_refused_import_names_site_reason_and_way_out(storage, requests_mock):
    requests_mock.post(
        f"{CINDER}/backups/import_record",
        status_code=403,
        json={"forbidden": {"code": 403, "message": "Policy doesn't allow backup:backup-import to be performed."}},
        headers={"x-openstack-request-id": "req-1", "Content-Type": "application/json"},
    )
    with pytest.raises(CloudError) as raised:
        storage.import_record(BackupRecord("swift", "e30="))
    assert "Site 'remote' could not import a backup record" in str(raised.value)
    assert "backup:backup-import" in str(raised.value)
    assert "lack the permission" in str(raised.value)
    assert raised.value.http_status == 403


def test_metadata_of_a_backup_are_sent_as_a_whole(storage, requests_mock):
    """Cinder replaces what is there by what is sent, from microversion 3.43 on."""
    put = requests_mock.put(f"{CINDER}/backups/b1", json={"backup": {"id": "b1"}})
    storage.mark_backup("b1", {"osdr_manifest": "1:0", "purpose": "shop"})
    assert put.last_request.json() == {"backup": {"metadata": {"osdr_manifest": "1:0", "purpose": "shop"}}}
    assert put.last_request.headers["OpenStack-API-Version"] == "volume 3.64"


def test_a_backup_that_is_not_there_is_none(storage, requests_mock):
    requests_mock.get(f"{CINDER}/backups/b1", status_code=404, json={"itemNotFound": {"code": 404, "message": "no"}})
    assert storage.backup("b1") is None


def test_a_volume_that_is_not_there_is_an_error(storage, requests_mock):
    requests_mock.get(f"{CINDER}/volumes/v1", status_code=404, json={"itemNotFound": {"code": 404, "message": "no"}})
    with pytest.raises(NotFound, match="Site 'remote' could not show volume v1"):
        storage.volume("v1")


def test_quotas_count_what_is_reserved_as_used(storage, requests_mock):
    usage = {"limit": 10, "in_use": 7, "reserved": 1}
    requests_mock.get(f"{CINDER}/os-quota-sets/p1", json={"quota_set": {"id": "p1", "backups": usage}})
    quota = storage.quotas()["backups"]
    assert (quota.shortfall(2), quota.shortfall(3)) == (0, 1)


def test_a_cloud_that_does_not_answer_is_a_cloud_error(storage, requests_mock):
    requests_mock.get(f"{CINDER}/backups/b1/export_record", status_code=503)
    with pytest.raises(CloudError, match="Site 'remote' could not export the record of backup b1"):
        storage.export_record("b1")


def test_an_unknown_cloud_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
    with pytest.raises(InvalidInput, match="Cloud 'nowhere' cannot be used") as raised:
        connect_other("nowhere")
    assert "clouds.yaml" in str(raised.value)


# Volumes and snapshots


def cinder_volume(**changes):
    return {"id": "v1", "name": "orders", "size": 1, "status": "in-use", "group_id": "g1", "os-vol-host-attr:host": "host@ceph#pool", **changes}


def test_a_volume_tells_its_backend_and_its_group(storage, requests_mock):
    requests_mock.get(f"{CINDER}/volumes/detail", json={"volumes": [cinder_volume()]})
    (found,) = storage.volumes()
    assert (found.backend, found.group_id, found.project_id) == ("host@ceph#pool", "g1", "p1")
    assert requests_mock.last_request.headers["OpenStack-API-Version"] == "volume 3.71"


def test_who_is_no_administrator_sees_no_backend(storage, requests_mock):
    listed = {key: value for key, value in cinder_volume(group_id=None).items() if not key.startswith("os-vol")}
    requests_mock.get(f"{CINDER}/volumes/detail", json={"volumes": [listed]})
    (found,) = storage.volumes()
    assert (found.backend, found.group_id) == (None, None)


def test_the_read_only_flag_is_no_metadata(storage, requests_mock):
    """Cinder shows what it keeps elsewhere among the metadata of a volume."""
    shown = {"purpose": "orders", "readonly": "True", "attached_mode": "ro"}
    listed = [cinder_volume(metadata=shown), cinder_volume(id="v2", metadata={**shown, "readonly": "False"}), cinder_volume(id="v3")]
    requests_mock.get(f"{CINDER}/volumes/detail", json={"volumes": listed})
    assert [(one.is_read_only, one.metadata) for one in storage.volumes()] == [(True, {"purpose": "orders"}), (False, {"purpose": "orders"}), (False, {})]


def test_a_volume_has_the_properties_of_its_image(storage, requests_mock):
    listed = [cinder_volume(volume_image_metadata={"hw_disk_bus": "scsi", "min_ram": 0}), cinder_volume(id="v2")]
    requests_mock.get(f"{CINDER}/volumes/detail", json={"volumes": listed})
    assert [one.image_metadata for one in storage.volumes()] == [{"hw_disk_bus": "scsi", "min_ram": "0"}, {}]


@pytest.mark.parametrize(
    ("change", "action", "body"),
    [
        (lambda storage: storage.set_volume_image_metadata("v1", {"os_type": "linux"}), "os-set_image_metadata", {"metadata": {"os_type": "linux"}}),
        (lambda storage: storage.set_volume_bootable("v1", False), "os-set_bootable", {"bootable": False}),
        (lambda storage: storage.make_volume_read_only("v1"), "os-update_readonly_flag", {"readonly": True}),
    ],
    ids=["image metadata", "bootable", "read-only"],
)
def test_a_volume_is_completed_as_cinder_wants_it(storage, requests_mock, change, action, body):
    posted = requests_mock.post(f"{CINDER}/volumes/v1/action", json={})
    change(storage)
    assert posted.last_request.json() == {action: body}


@pytest.mark.parametrize(("name", "description"), [("orders", "the orders"), ("", "")])
def test_a_volume_is_described(storage, requests_mock, name, description):
    put = requests_mock.put(f"{CINDER}/volumes/v1", json={"volume": cinder_volume(name=name, description=description)})
    storage.describe_volume("v1", name, description)
    assert put.last_request.json() == {"volume": {"name": name, "description": description}}


def test_an_administrator_lists_the_volumes_of_another_project(storage, requests_mock):
    requests_mock.get(f"{CINDER}/volumes/detail", json={"volumes": [cinder_volume()]})
    (found,) = storage.volumes_of_project("p2")
    assert found.project_id == "p2"
    assert requests_mock.last_request.qs == {"all_tenants": ["true"], "project_id": ["p2"]}


def test_snapshots_that_are_being_taken_are_asked_for_shortly(storage, requests_mock):
    requests_mock.get(f"{CINDER}/snapshots", json={"snapshots": [{"id": "s1"}, {"id": "s2"}]})
    assert storage.creating_snapshots() == {"s1", "s2"}
    assert requests_mock.last_request.path == "/v3/snapshots"
    assert requests_mock.last_request.qs == {"status": ["creating"]}


def test_of_the_newest_snapshots_no_more_are_asked_for_than_somebody_wants_to_see(storage, requests_mock):
    listed = {"name": "a", "volume_id": "v1", "size": 1, "status": "available", "created_at": "", "metadata": {}}
    pages = {"": ["s1", "s2"], "s2": ["s3"]}

    def page(request, _context):
        ids = pages[request.qs.get("marker", [""])[0]]
        links = [{"rel": "next", "href": f"{CINDER}/snapshots/detail?limit=100&marker=s2"}] if "s1" in ids else []
        return {"snapshots": [{**listed, "id": one} for one in ids], "snapshots_links": links}

    asked = requests_mock.get(f"{CINDER}/snapshots/detail", json=page)
    newest = storage.newest_snapshots()
    assert [next(newest).id, next(newest).id] == ["s1", "s2"]
    assert [request.qs for request in asked.request_history] == [{"limit": ["100"]}]
    assert next(newest).id == "s3"


def test_a_snapshot_tells_of_which_group_snapshot_it_is(storage, requests_mock):
    listed = {"id": "s1", "name": "a", "volume_id": "v1", "size": 1, "status": "available", "created_at": "", "metadata": {}}
    requests_mock.get(f"{CINDER}/snapshots/detail", json={"snapshots": [{**listed, "group_snapshot_id": "gs1"}, {**listed, "id": "s2"}]})
    assert [(one.id, one.group_snapshot_id, one.project_id) for one in storage.snapshots()] == [("s1", "gs1", "p1"), ("s2", None, "p1")]


def refusal(status, message):
    return {"status_code": status, "json": {"error": {"code": status, "message": message}}}


@pytest.mark.parametrize(("status", "may"), [(400, True), (403, False)])
def test_a_snapshot_that_is_refused_for_its_volume_only_is_allowed(storage, requests_mock, status, may):
    posted = requests_mock.post(f"{CINDER}/snapshots", **refusal(status, "no"))
    assert storage.may_snapshot(volume("orders", id="v1")) is may
    assert posted.last_request.json()["snapshot"] == {"volume_id": "v1", "force": False}


def test_a_snapshot_that_was_not_refused_is_deleted(storage, requests_mock):
    requests_mock.post(f"{CINDER}/snapshots", status_code=202, json={"snapshot": {"id": "s1"}})
    requests_mock.get(f"{CINDER}/snapshots/s1", json={"snapshot": {"id": "s1", "status": "available", "volume_id": "v1"}})
    deleted = requests_mock.delete(f"{CINDER}/snapshots/s1", status_code=202)
    assert storage.may_snapshot(volume("orders", id="v1"))
    assert deleted.called_once


def test_a_cinder_that_cannot_say_whether_one_may_snapshot_is_an_error(storage, requests_mock):
    requests_mock.post(f"{CINDER}/snapshots", **refusal(500, "broken"))
    with pytest.raises(CloudError, match="could not ask whether volume v1 may be snapshotted"):
        storage.may_snapshot(volume("orders", id="v1"))


def test_a_failure_is_told_in_cinders_own_words(storage, requests_mock):
    messages = [{"user_message": "No space."}, {"user_message": "Really."}]
    requests_mock.get(f"{CINDER}/messages", json={"messages": messages})
    assert storage.failure_reason("s1") == "No space. Really."
    assert requests_mock.last_request.qs == {"resource_uuid": ["s1"]}


# Groups


@pytest.mark.parametrize(
    ("reported", "is_capable"), [(True, True), ("True", True), ("true", True), (False, False), ("False", False), (None, False), ("maybe", False)]
)
def test_what_a_pool_reports_is_a_boolean_or_a_text(storage, requests_mock, reported, is_capable):
    pool = {"name": "host@ceph#pool", "capabilities": {"consistent_group_snapshot_enabled": reported}}
    requests_mock.get(f"{CINDER}/scheduler-stats/get_pools?detail=True", json={"pools": [pool, {"name": "bare", "capabilities": {}}]})
    assert storage.pools() == [Pool("host@ceph#pool", is_capable), Pool("bare", False)]


@pytest.mark.parametrize(
    ("specs", "is_consistent"),
    [
        ({"consistent_group_snapshot_enabled": "<is> True"}, True),
        ({"consistent_group_snapshot_enabled": "<is> False"}, False),
        ({"consistent_group_snapshot_enabled": "True"}, False),
        ({"group_replication_enabled": "<is> True"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_group_type_asks_for_consistency_by_its_specs(storage, requests_mock, specs, is_consistent):
    shown = {} if specs is None else {"group_specs": specs}
    requests_mock.get(f"{CINDER}/group_types", json={"group_types": [{"id": "t1", "name": "gold", **shown}]})
    assert storage.group_types() == [GroupType("t1", "gold", is_consistent)]


def test_a_group_is_read(storage, requests_mock):
    listed = {"id": "g1", "name": None, "status": "available", "description": None, "group_type": "t1", "volume_types": ["vt1", "vt2"]}
    requests_mock.get(f"{CINDER}/groups/detail", json={"groups": [listed]})
    assert storage.groups() == [VolumeGroup("g1", "", "available", "", "t1", frozenset({"vt1", "vt2"}), "p1")]


def test_a_group_is_made_as_cinder_wants_it(storage, requests_mock):
    posted = requests_mock.post(f"{CINDER}/groups", status_code=202, json={"group": {"id": "g1"}})
    wanted = {"name": "shop", "description": "{}", "group_type": "t1", "volume_types": ["ceph"], "availability_zone": None}
    assert storage.create_group(wanted) == "g1"
    assert posted.last_request.json() == {"group": wanted}


@pytest.mark.parametrize(
    ("add", "remove", "body"),
    [
        (["v1", "v2"], [], {"add_volumes": "v1,v2"}),
        ([], ["v3"], {"remove_volumes": "v3"}),
        (["v1"], ["v2", "v3"], {"add_volumes": "v1", "remove_volumes": "v2,v3"}),
    ],
)
def test_volumes_are_put_into_groups_and_taken_out(storage, requests_mock, add, remove, body):
    put = requests_mock.put(f"{CINDER}/groups/g1", status_code=202)
    storage.update_group("g1", add, remove)
    assert put.last_request.json() == {"group": body}
    assert put.last_request.headers["OpenStack-API-Version"] == "volume 3.14"


def test_a_refused_change_of_a_group_tells_why(storage, requests_mock):
    requests_mock.put(f"{CINDER}/groups/g1", **refusal(400, "Volume is not local to this node."))
    with pytest.raises(CloudError, match="could not change the volumes of volume group g1: .*not local to this node") as raised:
        storage.update_group("g1", ["v1"], [])
    assert raised.value.http_status == 400


def test_a_group_never_takes_its_volumes_along(storage, requests_mock):
    posted = requests_mock.post(f"{CINDER}/groups/g1/action", status_code=202)
    storage.delete_group("g1")
    assert posted.last_request.json() == {"delete": {"delete-volumes": False}}


def test_a_group_snapshot_is_asked_for_and_read(storage, requests_mock):
    posted = requests_mock.post(f"{CINDER}/group_snapshots", status_code=202, json={"group_snapshot": {"id": "gs1"}})
    assert storage.create_group_snapshot("g1", "noon", "marks") == "gs1"
    assert posted.last_request.json() == {"group_snapshot": {"group_id": "g1", "name": "noon", "description": "marks"}}
    listed = {"id": "gs1", "name": "noon", "status": "creating", "description": "marks", "group_id": "g1"}
    requests_mock.get(f"{CINDER}/group_snapshots/detail", json={"group_snapshots": [listed]})
    assert storage.group_snapshots() == [GroupSnapshot("gs1", "noon", "creating", "marks", "g1", "p1")]


def test_a_group_snapshot_that_is_gone_is_deleted_already(storage, requests_mock):
    requests_mock.delete(f"{CINDER}/group_snapshots/gs1", **refusal(404, "no"))
    storage.delete_group_snapshot("gs1")


@pytest.mark.parametrize(
    ("answer", "name"),
    [({"json": {"volume_type": {"id": "t1", "name": "fast"}}}, "fast"), ({"status_code": 404, "json": {}}, None)],
)
def test_the_default_volume_type_may_be_none(storage, requests_mock, answer, name):
    requests_mock.get(f"{CINDER}/types/default", **answer)
    assert storage.default_volume_type() == name


def test_a_failure_to_tell_the_default_volume_type_is_a_failure(storage, requests_mock):
    requests_mock.get(f"{CINDER}/types/default", status_code=500)
    with pytest.raises(CloudError, match="could not show the default volume type"):
        storage.default_volume_type()


def test_everything_that_cinder_says_of_volumes_is_asked_for(storage, requests_mock):
    asked = requests_mock.get(f"{CINDER}/volumes/detail", json={"volumes": [{"id": "v1", "group_id": "g1"}]})
    assert storage.volume_answers() == [{"id": "v1", "group_id": "g1"}]
    assert asked.last_request.headers["OpenStack-API-Version"] == "volume 3.71"


def test_types_may_have_zones_of_their_own(storage, requests_mock):
    specs = {"near": {"RESKEY:availability_zones": "az1, az2"}, "anywhere": {"volume_backend_name": "x"}, "hidden": None}
    listed = [{"id": name, "name": name, **({"extra_specs": shown} if shown else {})} for name, shown in specs.items()]
    requests_mock.get(f"{CINDER}/types", json={"volume_types": listed})
    assert storage.zones_of_types() == {"near": {"az1", "az2"}}


def test_types_may_be_for_volumes_of_several_servers_which_not_every_site_shows(storage, requests_mock):
    specs = {"shared": {"multiattach": "<is> True"}, "else": {"multiattach": "<is> False"}, "plain": {}, "hidden": None}
    listed = [{"id": name, "name": name, **({} if shown is None else {"extra_specs": shown})} for name, shown in specs.items()]
    requests_mock.get(f"{CINDER}/types", json={"volume_types": listed})
    assert storage.multiattach_types() == {"shared": True, "else": False, "plain": False}


# Volumes that are compared


def test_a_volume_is_made_of_a_snapshot(storage, requests_mock):
    made = requests_mock.post(f"{CINDER}/volumes", json={"volume": cinder_volume(id="v9", status="creating")})
    assert storage.create_volume_from_snapshot("s1", {"name": "compared", "size": 2, "description": "why"}).id == "v9"
    assert made.last_request.json()["volume"] == {"name": "compared", "size": 2, "description": "why", "snapshot_id": "s1"}


def test_an_image_is_made_of_a_volume_bit_for_bit(storage, requests_mock):
    asked = requests_mock.post(f"{CINDER}/volumes/v1/action", status_code=202, json={"os-volume_upload_image": {"id": "v1", "image_id": "i1"}})
    assert storage.upload_volume("v1", "compared") == "i1"
    assert asked.last_request.json() == {"os-volume_upload_image": {"image_name": "compared", "disk_format": "raw", "container_format": "bare"}}


def test_a_volume_of_which_no_image_may_be_made_is_told(storage, requests_mock):
    requests_mock.post(f"{CINDER}/volumes/v1/action", status_code=403, json={"forbidden": {"message": "Policy doesn't allow it."}})
    with pytest.raises(CloudError, match="could not make image compared of volume v1.*Policy doesn't allow it"):
        storage.upload_volume("v1", "compared")
