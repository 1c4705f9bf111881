# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter against HTTP answers as Swift gives them."""

from __future__ import annotations

import openstack
import pytest
import requests
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.object_store import ObjectStore
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, NotFound

SWIFT = "http://swift.example/v1/AUTH_p1"


@pytest.fixture
def store():
    connection = openstack.connect(auth_type="none", endpoint=SWIFT, object_store_endpoint_override=SWIFT)
    return ObjectStore(Cloud(connection, "remote"))


@pytest.mark.parametrize(("at_most", "expected"), [(3, b"man"), (8, b"manifest"), (100, b"manifest")])
def test_no_more_is_read_than_asked_for(store, requests_mock, at_most, expected):
    requests_mock.get(f"{SWIFT}/catalogue/shop/noon.json", content=b"manifest")
    assert store.read("catalogue", "shop/noon.json", at_most) == expected


def test_an_empty_object_is_read_as_such(store, requests_mock):
    requests_mock.get(f"{SWIFT}/catalogue/shop/noon.json", content=b"")
    assert store.read("catalogue", "shop/noon.json", 10) == b""


def test_an_object_that_is_not_there_is_told(store, requests_mock):
    requests_mock.get(f"{SWIFT}/catalogue/shop/noon.json", status_code=404)
    with pytest.raises(NotFound, match="could not read object catalogue/shop/noon.json"):
        store.read("catalogue", "shop/noon.json", 10)


def test_a_connection_that_is_lost_in_the_middle_is_a_cloud_error(store, requests_mock, monkeypatch):
    def broken(self, _size):
        yield b"mani"
        raise requests.exceptions.ChunkedEncodingError("Connection broken")

    monkeypatch.setattr(requests.Response, "iter_content", broken)
    requests_mock.get(f"{SWIFT}/catalogue/shop/noon.json", content=b"manifest")
    with pytest.raises(CloudError, match="Site 'remote' broke off object catalogue/shop/noon.json: Connection broken"):
        store.read("catalogue", "shop/noon.json", 10)


def test_an_object_is_written_by_one_request_into_a_container_that_is_there(store, requests_mock):
    requests_mock.put(f"{SWIFT}/catalogue", status_code=202)
    written = requests_mock.put(f"{SWIFT}/catalogue/shop/noon.json", status_code=201)
    store.write("catalogue", "shop/noon.json", b"manifest", "application/json")
    assert (written.call_count, written.last_request.body) == (1, b"manifest")


@pytest.mark.parametrize(("status", "expected"), [(204, True), (404, False)])
def test_a_container_is_there_or_not(store, requests_mock, status, expected):
    requests_mock.head(f"{SWIFT}/backups", status_code=status)
    assert store.has_container("backups") is expected


def test_a_container_that_may_not_be_looked_at_is_told(store, requests_mock):
    requests_mock.head(f"{SWIFT}/backups", status_code=403)
    with pytest.raises(CloudError, match="could not look for container backups"):
        store.has_container("backups")
