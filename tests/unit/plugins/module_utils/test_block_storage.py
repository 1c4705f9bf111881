# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter against HTTP answers as Cinder gives them."""

from __future__ import annotations

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud import Cloud, connect_other
from ansible_collections.osdr.openstack.plugins.module_utils.errors import CloudError, InvalidInput, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.records import BackupRecord

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
