# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.agreement import of_shared, of_snapshots, of_volumes
from ansible_collections.osdr.openstack.tests.unit.support import shop

SERVERS = shop.manifest().description.servers
IDS = {server.name: server.source_id for server in SERVERS}


def taken(sizes=None, ids=None):
    """A set as os_cg_snapshot returns it."""
    sizes, ids = sizes or dict.fromkeys((1, 2, 3), 1), ids or IDS
    return {
        "servers": [{"name": name, "id": one, "tier": "t"} for name, one in ids.items()],
        "snapshots": [{"volume_id": shop.uuid(number), "size": size, "name": "s"} for number, size in sizes.items()],
    }


def test_a_set_of_the_same_servers_volumes_and_sizes_agrees():
    assert of_snapshots(SERVERS, taken()) == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(taken({1: 1, 3: 1}), f"volume {shop.uuid(2)} of server orders-db has no snapshot", id="attached"),
        pytest.param(taken({1: 1, 2: 1, 3: 1, 4: 1}), f"there is a snapshot of volume {shop.uuid(4)}, which no server has", id="detached"),
        pytest.param(taken({1: 1, 2: 1, 3: 5}), f"volume {shop.uuid(3)} of server shop-front has 1 GiB, its snapshot 5 GiB", id="resized"),
        pytest.param(taken(ids={**IDS, "orders-db": shop.uuid(19)}), f"server orders-db is {shop.uuid(11)}, the snapshots are of {shop.uuid(19)}", id="anew"),
        pytest.param(taken(ids={**IDS, "old": shop.uuid(19)}), "there are snapshots of server old, which is not described", id="renamed"),
    ],
)
def test_what_was_changed_around_the_snapshots_is_found(found, expected):
    assert of_snapshots(SERVERS, found) == [expected]


def test_a_swapped_volume_is_found_from_both_sides():
    assert of_snapshots(SERVERS, taken({1: 1, 2: 1, 9: 1})) == [
        f"volume {shop.uuid(3)} of server shop-front has no snapshot",
        f"there is a snapshot of volume {shop.uuid(9)}, which no server has",
    ]


def sharing(**changes):
    """The front end has the database's second volume, too."""
    front, database = SERVERS
    return [dataclasses.replace(front, volumes=(*front.volumes, dataclasses.replace(database.volumes[1], **changes))), database]


def test_each_server_has_a_shared_volume_in_its_own_way():
    assert of_shared(SERVERS) == []
    assert of_shared(sharing(device="/dev/vdz", delete_on_termination=True, device_tag="journal")) == []


@pytest.mark.parametrize("change", [{"size": 2}, {"volume_type": "other"}, {"name": "else"}, {"metadata": {}}, {"is_read_only": True}])
def test_what_servers_say_of_the_same_volume_must_be_the_same(change):
    (told,) = of_shared(sharing(**change))
    assert told == f"volume {shop.uuid(2)} is another one on server shop-front than on server orders-db"


def test_no_server_has_a_volume_twice():
    front, database = SERVERS
    (told,) = of_shared([front, dataclasses.replace(database, volumes=(*database.volumes, database.volumes[1]))])
    assert told == f"volume {shop.uuid(2)} of server orders-db is described twice"


@pytest.mark.parametrize("found", [{}, {"servers": None, "snapshots": "x"}, {"servers": [1, {"name": []}], "snapshots": [{"volume_id": 1, "size": "1"}]}])
def test_what_is_not_told_does_not_differ(found):
    assert of_snapshots(SERVERS, found) == []


def test_without_any_copy_every_volume_lacks_one():
    assert len(of_volumes(SERVERS, {}, "copy")) == 3
