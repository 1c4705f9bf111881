# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.capture import comparison
from ansible_collections.osdr.openstack.plugins.module_utils.capture.comparison import Running, Stranger, running, strangers
from ansible_collections.osdr.openstack.plugins.module_utils.capture.look import CaptureSite
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue, Overview
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Network, ServerGroup
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.missing import Missing
from ansible_collections.osdr.openstack.plugins.modules import os_application_changes_info
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server

NOON = shop.manifest()
BATCH = Stranger("s9", "batch", ("on network shop-net",))


def later():
    smaller = dataclasses.replace(NOON.description, topology=dataclasses.replace(NOON.description.topology, key_pairs=()))
    checkpoint = dataclasses.replace(NOON.checkpoint, id="one", created_at="2026-01-01T13:00:00Z")
    return dataclasses.replace(NOON, checkpoint=checkpoint, description=smaller)


class FakeCatalogue(Catalogue):
    place = "container 'catalogue' of site 'remote'"

    def __init__(self, drilled=None):
        self.drilled = drilled

    def last_successful_drill(self, application):
        return self.drilled

    def look(self, application, checkpoint):
        return {"noon": NOON, "one": later()}.get(checkpoint)

    def overview(self, application, keep):
        return Overview(tuple(map(keep, (later(), NOON))), ())


def run(catalogue=None, warn=pytest.fail, **changes):
    params = {"application": "shop", "since": "noon", "later": "one", "require": True, "source_cloud": None, "concurrency": 1, **changes}
    return os_application_changes_info.run(SimpleNamespace(params=params, warn=warn), catalogue or FakeCatalogue())


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
    running = mocker.patch.object(os_application_changes_info, "running", return_value=Running(NOON.description, (BATCH,)))
    mocker.patch.object(os_application_changes_info, "connect_other", side_effect=lambda cloud: f"connected to {cloud}")
    found = run(later=None, source_cloud="primary")
    running.assert_called_once_with("connected to primary", NOON.application, 1)
    assert found["changes"] == []
    told = "server batch (s9) is on network shop-net, but in no tier of the application"
    assert found["strangers"] == [{"id": "s9", "name": "batch", "reasons": ("on network shop-net",), "text": told}]
    assert found["diff"] == {
        "before_header": "checkpoint noon",
        "after_header": "what runs now",
        "before": {},
        "after": {"server batch of no tier": {"reasons": ("on network shop-net",)}},
    }


def test_the_diff_has_only_what_changed():
    found = run(since="one", later="noon")
    assert (found["diff"]["before"], found["diff"]["after"]) == ({}, {"key pair shop": {}})
    assert (found["diff"]["before_header"], found["diff"]["after_header"]) == ("checkpoint one", "checkpoint noon")


def test_what_could_not_be_looked_at_is_told_and_is_no_change(mocker):
    lost = (Missing("load balancer pool web (p)", "the resource itself", "member 10.10.0.21", ""),)
    before = dataclasses.replace(NOON, description=dataclasses.replace(NOON.description, missing=lost))
    catalogue = FakeCatalogue()
    catalogue.look = lambda application, checkpoint: before
    mocker.patch.object(os_application_changes_info, "running", return_value=Running(NOON.description, (), ("Octavia does not answer.",)))
    mocker.patch.object(os_application_changes_info, "connect_other")
    warnings = []
    assert run(catalogue, warnings.append, later=None, source_cloud="primary")["changes"] == []
    assert warnings == ["What is not protected was not compared: Octavia does not answer."]


def test_user_data_is_not_compared_with_what_runs_now(mocker):
    """Nova shows it to administrators only, so that nobody knows whether what runs has any."""
    servers = tuple(dataclasses.replace(one, user_data="plain:eA==") for one in NOON.description.servers)
    catalogue = FakeCatalogue()
    catalogue.look = lambda application, checkpoint: dataclasses.replace(NOON, description=dataclasses.replace(NOON.description, servers=servers))
    mocker.patch.object(os_application_changes_info, "running", return_value=Running(NOON.description, ()))
    mocker.patch.object(os_application_changes_info, "connect_other")
    assert run(catalogue, later=None, source_cloud="primary")["changes"] == []


def test_since_the_last_drill():
    assert run(FakeCatalogue(shop.drilled(checkpoint="one")), since="drill")["changes"] == []
    with pytest.raises(NotFound, match="No drill of application 'shop' .* has passed"):
        run(since="drill")


@pytest.mark.parametrize("since", ["drill", "ten"])
def test_where_nothing_is_required_there_may_be_nothing_to_compare_with(since):
    found = run(since=since, require=False)
    assert (found["since"], found["changes"], found["strangers"]) == (None, [], [])
    # What is compared is another matter.
    with pytest.raises(NotFound):
        run(later="ten", require=False)


def test_an_unknown_checkpoint_is_told():
    with pytest.raises(NotFound, match="Application 'shop' has no checkpoint 'ten'"):
        run(later="ten")


def test_what_runs_now_needs_the_site_where_it_runs():
    with pytest.raises(InvalidInput, match="Give source_cloud"):
        run(later=None)


@pytest.fixture
def primary(mocker):
    """A site on which only one of the application's servers is left, and a load balancer knows it."""
    lost = Missing("load balancer pool web (p)", "the resource itself", "member 10.10.0.21", "")
    mocker.patch.object(comparison, "Compute").return_value.servers.return_value = [server("orders-db")]
    mocker.patch.object(comparison, "look")
    mocker.patch.object(comparison, "strangers", return_value=[BATCH])
    mocker.patch.object(comparison, "missing_of", return_value=([lost], ("DNS does not answer.",)))
    described = mocker.patch.object(comparison, "describe", return_value=NOON.description)
    return SimpleNamespace(site="primary", described=described, lost=lost)


def test_of_what_runs_now_only_the_servers_that_are_there_are_looked_at(primary):
    found = running(primary, NOON.application, 1)
    assert [tier.servers for tier in primary.described.call_args.args[0].tiers] == [("orders-db",)]
    assert found == Running(dataclasses.replace(NOON.description, missing=(primary.lost,)), (BATCH,), ("DNS does not answer.",))


def test_none_of_the_servers_is_rather_another_site(primary):
    comparison.Compute.return_value.servers.return_value = [server("batch")]
    with pytest.raises(NotFound, match="Site 'primary' has none of the servers of application 'shop' in the project. Check source_cloud"):
        running(primary, NOON.application, 1)


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
