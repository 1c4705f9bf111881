# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.placement import HostRoom
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Flavor
from ansible_collections.osdr.openstack.plugins.module_utils.status.capacity import capacity


def flavor(vcpus, ram, **specs):
    return Flavor("f", "f", vcpus, ram, 0, 0, 0, extra_specs={name.replace("_", ":", 1): value for name, value in specs.items()})


@pytest.mark.parametrize(
    ("flavors", "rooms", "without_room"),
    [
        ([flavor(1, 512)] * 4, [HostRoom(2, 0, 4096), HostRoom(2, 0, 4096)], 0),
        ([flavor(1, 512)] * 4, [HostRoom(2, 0, 4096), HostRoom(1, 0, 4096)], 1),
        ([flavor(2, 3072)], [HostRoom(8, 0, 2048), HostRoom(8, 0, 2048)], 1),
        ([flavor(1, 1024), flavor(1, 3072)], [HostRoom(8, 0, 3072), HostRoom(8, 0, 1024)], 0),
        ([flavor(1, 512)], [], 1),
        ([], [], 0),
    ],
    ids=["all fit", "too few processors", "enough in all, but on no host", "the largest first", "no host", "no server"],
)
def test_each_server_needs_a_host(flavors, rooms, without_room):
    found = capacity(flavors, rooms)
    assert (found.servers, found.without_room) == (len(flavors), without_room)


def test_pinned_processors_are_others():
    pinned = flavor(2, 512, hw_cpu_policy="dedicated")
    assert capacity([pinned], [HostRoom(8, 0, 4096)]).without_room == 1
    assert capacity([pinned, flavor(8, 512)], [HostRoom(8, 2, 4096)]).without_room == 0


def test_what_is_needed_and_left_in_all():
    assert capacity([flavor(2, 512)] * 2, [HostRoom(3, 4, 4096)]).as_dict() == {
        "servers": 2, "without_room": 1, "vcpus": {"needed": 4, "left": 7}, "memory": {"needed": 1024, "left": 4096},
    }
