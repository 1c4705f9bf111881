# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.content import ApplicationContent
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.tests.unit.support import shop


def test_a_volume_of_several_servers_counts_once():
    document = shop.document()
    front, database = document["servers"]
    front["volumes"].append({**database["volumes"][1], "device": "/dev/vdz"})
    found = ApplicationContent.of(Manifest.parse(document))
    assert [(one.server, one.device, one.volume_id) for one in found.volumes] == [
        ("shop-front", "/dev/vda", shop.uuid(3)),
        ("shop-front", "/dev/vdz", shop.uuid(2)),
        ("orders-db", "/dev/vda", shop.uuid(1)),
    ]
