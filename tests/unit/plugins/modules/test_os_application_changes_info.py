# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.capture.comparison import Stranger, strangers
from ansible_collections.osdr.openstack.plugins.module_utils.capture.look import CaptureSite
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Network, ServerGroup
from ansible_collections.osdr.openstack.plugins.modules import os_application_changes_info
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

NOON = shop.manifest()


def later():
    smaller = dataclasses.replace(NOON.description, topology=dataclasses.replace(NOON.description.topology, key_pairs=()))
    checkpoint = dataclasses.replace(NOON.checkpoint, id="one", created_at="2026-01-01T13:00:00Z")
    return dataclasses.replace(NOON, checkpoint=checkpoint, description=smaller)


class FakeCatalogue:
    place = "container 'catalogue' of site 'remote'"

    def __init__(self, drilled=None):
        self.drilled = drilled

    def last_successful_drill(self, application):
        return self.drilled

    def checkpoints(self, application):
        class Listing:
            @staticmethod
            def select(choice):
                known = {"noon": NOON, "one": later(), "latest": later()}
                return known.get(choice.checkpoint)

        return Listing


def run(catalogue=None, **changes):
    params = {"application": "shop", "since": "noon", "later": "one", "source_cloud": None, "concurrency": 1, **changes}
    return os_application_changes_info.run(params, catalogue or FakeCatalogue())


def test_two_checkpoints_are_compared():
    found = run()
    assert (found["since"], found["later"], found["strangers"]) == ("noon", "one", [])
    (change,) = found["changes"]
    assert change == {
        "kind": "key pair",
        "name": "shop",
        "change": "went",
        "attribute": None,
        "before": None,
        "after": None,
        "text": "key pair shop went",
    }


def test_what_runs_now_is_compared_by_the_definition_of_the_checkpoint(mocker):
    running = mocker.patch.object(os_application_changes_info, "running", return_value=(NOON.description, [Stranger("s9", "batch", ("on network shop-net",))]))
    mocker.patch.object(os_application_changes_info, "connect_other", side_effect=lambda cloud: f"connected to {cloud}")
    found = run(later=None, source_cloud="primary")
    running.assert_called_once_with("connected to primary", NOON.application, 1)
    assert found["changes"] == []
    assert found["strangers"] == [{"id": "s9", "name": "batch", "reasons": ("on network shop-net",)}]


def test_user_data_is_not_compared_with_what_runs_now(mocker):
    """Nova shows it to administrators only, so that nobody knows whether what runs has any."""
    servers = tuple(dataclasses.replace(one, user_data="plain:eA==") for one in NOON.description.servers)
    catalogue = FakeCatalogue()
    catalogue.checkpoints = lambda application: mocker.Mock(
        select=lambda choice: dataclasses.replace(NOON, description=dataclasses.replace(NOON.description, servers=servers))
    )
    mocker.patch.object(os_application_changes_info, "running", return_value=(NOON.description, []))
    mocker.patch.object(os_application_changes_info, "connect_other")
    assert run(catalogue, later=None, source_cloud="primary")["changes"] == []


def test_since_the_last_drill():
    assert run(FakeCatalogue(shop.drilled(checkpoint="one")), since="drill")["changes"] == []
    with pytest.raises(NotFound, match="No drill of application 'shop' .* has passed"):
        run(since="drill")


def test_an_unknown_checkpoint_is_told():
    with pytest.raises(NotFound, match="Application 'shop' has no checkpoint 'ten'"):
        run(later="ten")


def test_what_runs_now_needs_the_site_where_it_runs():
    with pytest.raises(InvalidInput, match="Give source_cloud"):
        run(later=None)


def test_strangers_share_a_network_or_a_server_group(seen_shop):
    others = [server("batch"), server("lone"), server("mate"), server("orders-db")]
    assert strangers(seen_shop, others) == [
        Stranger("id-batch", "batch", ("on network shop-net",)),
        Stranger("id-mate", "mate", ("in server group apart",)),
    ]


@pytest.fixture
def seen_shop():
    ports = (
        shop.port("a", device_id="id-orders-db", device_owner="compute:nova"),
        shop.port("b", device_id="id-batch", device_owner="compute:nova"),
        shop.port("c", device_id="id-lone", device_owner="compute:nova", network_id="elsewhere"),
        shop.port("d", device_id="id-dhcp", device_owner="network:dhcp"),
    )
    network_id = ports[0].network_id
    return CaptureSite(
        site="primary",
        project_id="project",
        servers={"orders-db": server("orders-db")},
        volumes={},
        devices={},
        ports=ports,
        networks={network_id: Network(network_id, "shop-net"), "elsewhere": Network("elsewhere", "other")},
        subnets={},
        routers={},
        security_groups={},
        floating_ips=(),
        key_pairs={},
        server_groups=(
            ServerGroup("g1", "apart", "anti-affinity", member_ids=frozenset({"id-orders-db", "id-mate"})),
            ServerGroup("g2", "other", "affinity", member_ids=frozenset({"id-lone"})),
        ),
    )
