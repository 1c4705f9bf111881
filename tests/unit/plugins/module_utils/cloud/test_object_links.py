# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An object that refers to another one is a link where the store knows links, and a copy elsewhere: never an empty object."""

from __future__ import annotations

import openstack
import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.object_store import ObjectStore
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud

SWIFT = "http://swift.example/v1/AUTH_backup"


def store():
    return ObjectStore(Cloud(openstack.connect(auth_type="none", endpoint=SWIFT, object_store_endpoint_override=SWIFT), "remote"))


@pytest.mark.parametrize(
    ("info", "header", "target"),
    [
        ({"json": {"swift": {}, "symlink": {"symloop_max": 2}}}, "X-Symlink-Target", "back%20ups/volume_1/a%2000001"),
        ({"json": {"swift": {}}}, "X-Copy-From", "/back%20ups/volume_1/a%2000001"),
        ({"status_code": 404}, "X-Copy-From", "/back%20ups/volume_1/a%2000001"),
    ],
    ids=["links", "no links", "says nothing"],
)
def test_an_object_is_made_of_another_one_by_the_store(requests_mock, info, header, target):
    asked = requests_mock.get("http://swift.example/info", **info)
    made = requests_mock.put(f"{SWIFT}/back%20ups/twin/00001", status_code=201)
    found = store()
    for _again in range(2):
        found.refer("back ups", "twin/00001", "volume_1/a 00001")
    assert made.last_request.headers[header] == target
    assert not made.last_request.body
    assert asked.call_count == 1
