# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Barbican is asked, and that no key gets into a log."""

from __future__ import annotations

import base64
import logging

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.key_manager import KeyManager
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.volume_encryption import VolumeEncryption
from ansible_collections.osdr.openstack.plugins.module_utils.core.encryption import Encryption
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError
from ansible_collections.osdr.openstack.tests.unit.support import sealing

BARBICAN = "http://barbican.example/v1"
CINDER = "http://cinder.example/v3"
KEY = "6a3a4d43-5d3c-4a86-9b6a-0f6f5de0c0e4"


@pytest.fixture
def cloud(requests_mock):
    for endpoint, version in ((BARBICAN, "v1"), (CINDER, "v3.0")):
        links = [{"rel": "self", "href": endpoint}]
        requests_mock.get(endpoint, json={"version": {"id": version, "status": "CURRENT", "links": links}})
        requests_mock.get(f"{endpoint}/", json={"version": {"id": version, "status": "CURRENT", "links": links}})
    endpoints = {"key_manager_endpoint_override": BARBICAN, "block_storage_endpoint_override": CINDER}
    return Cloud(openstack.connect(auth_type="none", endpoint=BARBICAN, **endpoints), "primary")


def test_a_key_is_read_as_bytes(cloud, requests_mock):
    requests_mock.get(f"{BARBICAN}/secrets/{KEY}", json={"algorithm": "aes", "bit_length": 256})
    payload = requests_mock.get(f"{BARBICAN}/secrets/{KEY}/payload", content=sealing.CONTENT)
    assert KeyManager(cloud).key(KEY) == sealing.VOLUME_KEY
    assert payload.last_request.headers["Accept"] == "application/octet-stream"


def test_a_key_is_stored_as_cinder_and_nova_look_for_it(cloud, requests_mock):
    made = requests_mock.post(f"{BARBICAN}/secrets", json={"secret_ref": f"{BARBICAN}/secrets/{KEY}"})
    assert KeyManager(cloud).store("name", sealing.VOLUME_KEY) == KEY
    body = made.last_request.json()
    assert base64.b64decode(body["payload"]) == sealing.CONTENT
    assert (body["secret_type"], body["algorithm"], body["bit_length"], body["name"]) == ("symmetric", "aes", 256, "name")


def test_no_key_gets_into_a_log(cloud, requests_mock, caplog):
    """The SDK logs requests and answers where somebody asks for it."""
    requests_mock.get(f"{BARBICAN}/secrets/{KEY}", json={"algorithm": "aes", "bit_length": 256})
    requests_mock.get(f"{BARBICAN}/secrets/{KEY}/payload", content=b"IN CLEAR", headers={"Content-Type": "text/plain"})
    requests_mock.post(f"{BARBICAN}/secrets", json={"secret_ref": f"{BARBICAN}/secrets/{KEY}"})
    caplog.set_level(logging.DEBUG)
    keys = KeyManager(cloud)
    keys.store("name", keys.key(KEY))
    assert f"/secrets/{KEY}" in caplog.text
    assert not any(form in caplog.text for form in ("IN CLEAR", base64.b64encode(b"IN CLEAR").decode()))


def test_secrets_are_listed_page_by_page(cloud, requests_mock):
    refs = [{"secret_ref": f"{BARBICAN}/secrets/{number}", "name": None if number else "first"} for number in range(101)]
    requests_mock.get(f"{BARBICAN}/secrets?offset=0&limit=100", json={"secrets": refs[:100], "total": 101})
    requests_mock.get(f"{BARBICAN}/secrets?offset=100&limit=100", json={"secrets": refs[100:], "total": 101})
    names = KeyManager(cloud).names()
    assert (len(names), names["0"], names["100"]) == (101, "first", "")


def test_what_is_gone_need_not_be_deleted_and_what_may_not_is_told(cloud, requests_mock):
    requests_mock.delete(f"{BARBICAN}/secrets/{KEY}", status_code=404)
    KeyManager(cloud).delete(KEY)
    requests_mock.delete(f"{BARBICAN}/secrets/{KEY}", status_code=403)
    with pytest.raises(CloudError, match=f"Site 'primary' could not delete the key {KEY}"):
        KeyManager(cloud).delete(KEY)


def test_how_volumes_and_types_are_encrypted(cloud, requests_mock):
    told = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256, "control_location": "front-end"}
    requests_mock.get(f"{CINDER}/volumes/one/encryption", json={**told, "encryption_key_id": KEY})
    requests_mock.get(f"{CINDER}/types/one/encryption", json=told)
    requests_mock.get(f"{CINDER}/types/plain/encryption", json={})
    shown, wanted = VolumeEncryption(cloud), Encryption("luks", "aes-xts-plain64", 256)
    assert (shown.of_volume("one"), shown.of_type("one"), shown.of_type("plain")) == ((wanted, KEY), wanted, None)
