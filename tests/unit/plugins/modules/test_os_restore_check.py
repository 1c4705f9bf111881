# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, MappingInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Quota
from ansible_collections.osdr.openstack.plugins.module_utils.failover.fence_mark import FenceMark
from ansible_collections.osdr.openstack.plugins.modules import os_restore_check
from ansible_collections.osdr.openstack.tests.unit.support import given, shop
from ansible_collections.osdr.openstack.tests.unit.support.counting import ONCE, planning

SHARED = dataclasses.replace(shop.NETWORK, name="dr-net", project_id="theirs", is_shared=True)


@pytest.fixture
def check(monkeypatch):
    def run(site, mapping=None, quotas=None, **changes):
        limits = {"quotas": quotas} if quotas else {}
        stock = shop.inventory(site, parts={one.id: one for one in shop.backups()}, **limits).stock
        monkeypatch.setattr(os_restore_check, "connect", lambda _params: None)
        monkeypatch.setattr(os_restore_check, "published", given.manifest)
        monkeypatch.setattr(os_restore_check.restore_stock, "look", lambda *_given: stock)
        warnings = []
        params = {
            "manifest": shop.document(),
            "mapping": mapping,
            **shop.NOT_ENCRYPTED,
            "user_data_key": None,
            "remove_old": False,
            "keep_volumes": False,
            "concurrency": 1,
            "command_checks": "refuse",
            "drill": None,
            "servers": None,
            "admin_cloud": None,
            "others": [],
        }
        return os_restore_check.check(SimpleNamespace(params={**params, **changes}, warn=warnings.append)), warnings

    return run


@pytest.mark.parametrize("mapping", [None, {}])
def test_without_a_mapping_names_are_those_of_the_source(check, mapping):
    result, warnings = check(shop.empty_site(), mapping)
    assert (result["problems"], warnings) == ([], [])
    assert [one["name"] for one in result["missing"]["networks"]] == ["shop-net"]


def test_with_one_they_are_those_of_the_site(check):
    mapping = {"schema_version": 1, "networks": {"shop-net": {"name": "dr-net", "make": True}}}
    result, _warnings = check(shop.empty_site(), mapping)
    assert result["problems"] == []
    assert [one["name"] for one in result["missing"]["networks"]] == ["dr-net"]
    assert [one["network"] for one in result["missing"]["subnets"]] == ["dr-net"]


def test_problems_of_mapping_and_site_come_together(check):
    mapping = {"schema_version": 1, "networks": {"shop-net": "dr-nte"}, "volume_types": {"ceph": None}, "flavors": {"lab.db": "huge"}}
    result, _warnings = check(shop.empty_site(networks=()), mapping)
    told = ("what replaces volume type", "'dr-nte' for network", "flavor 'huge'", "no external network called 'public'")
    assert all(any(one in problem for problem in result["problems"]) for one in told)
    # Flavors are asked for by each server.
    assert len(result["problems"]) == 4


def test_what_only_the_site_can_know_is_a_warning(check):
    mapping = {"schema_version": 1, "networks": {"shop-net": "dr-net"}}
    site = shop.empty_site(networks=(shop.PUBLIC, SHARED), subnets=(dataclasses.replace(shop.SUBNET, project_id="theirs"),))
    result, warnings = check(site, mapping)
    assert result["problems"] == []
    assert result["missing"]["routers"] == []
    parts = ("of server 'orders-db'", "of server 'shop-front'", "'shop-router' is not connected")
    assert [any(part in one for one in warnings) for part in parts] == [True] * 3


def test_a_network_of_others_that_is_called_like_the_applications_own_is_told_but_not_of_a_drill(check):
    site = shop.empty_site(networks=(shop.PUBLIC, dataclasses.replace(SHARED, name="shop-net")))
    told = "Network 'shop-net' is the project's own at the source"
    assert [warning.startswith(told) for warning in check(site)[1]].count(True) == 1
    assert not any(warning.startswith(told) for warning in check(site, drill="7")[1])


def test_nothing_is_made_inside_of_what_others_share(check):
    result, _warnings = check(shop.empty_site(networks=(shop.PUBLIC, SHARED)), {"schema_version": 1, "networks": {"shop-net": "dr-net"}})
    (problem,) = result["problems"]
    assert problem.startswith("Subnet 'shop-subnet' does not exist, and its network 'dr-net' at site 'remote' belongs to another project;")


def test_a_mapping_that_cannot_be_read_is_refused(check):
    with pytest.raises(MappingInvalid):
        check(shop.empty_site(), {"schema_version": 1, "flavours": {}})


@pytest.mark.parametrize(("policy", "problems", "warnings"), [("refuse", 1, 0), ("skip", 0, 1), ("run", 0, 0)])
def test_commands_of_the_manifest_are_told(check, policy, problems, warnings):
    application = shop.document()["application"]
    application["tiers"][0]["checks"].append({"command": ["/bin/order"], "timeout": 60})
    result, warned = check(shop.empty_site(), manifest=shop.document(application=application), command_checks=policy)
    assert (len(result["problems"]), len(warned)) == (problems, warnings)
    assert all("/bin/order" in one for one in (*result["problems"], *warned))


def test_for_a_drill_everything_is_its_own(check):
    mapping = {"schema_version": 1, "networks": {"shop-net": "gone-net"}, "flavors": {"lab.db": "huge"}}
    result, _warnings = check(shop.prepared_site(networks=()), mapping, drill="7")
    assert [one["name"] for kind in result["missing"].values() for one in kind] == [
        "drill-7-shop-net", "drill-7-shop-subnet", "drill-7-shop-router", "drill-7-shop", "drill-7-shop", "drill-7-shop-apart"
    ]
    (problem,) = result["problems"]
    assert "flavor 'huge'" in problem


def left_behind(since):
    """What the application left when it was moved to the site of the checkpoint."""
    mark = FenceMark("shop", "primary", "ten", since, "")
    site = shop.restored_site()
    servers = tuple(dataclasses.replace(one, status="SHUTOFF", locked=True, metadata=mark.metadata()) for one in site.servers)
    ports = tuple(dataclasses.replace(one, description="", tags=()) for one in site.ports)
    return dataclasses.replace(site, servers=servers, ports=ports, volumes=())


def test_what_was_left_behind_is_in_the_way_unless_it_is_removed(check):
    site = left_behind("2026-01-01T10:00:00Z")
    refused, _warnings = check(site)
    assert ["in use by port" in one for one in refused["problems"]] == [True, True]
    allowed, _warnings = check(site, remove_old=True)
    assert allowed["problems"] == []


def test_a_drill_takes_the_place_of_nothing(check):
    result, _warnings = check(left_behind("2026-01-01T13:00:00Z"), remove_old=True, drill="7")
    assert result["problems"] == []


def test_what_must_not_be_removed_is_a_problem(check):
    result, _warnings = check(left_behind("2026-01-01T13:00:00Z"), remove_old=True)
    assert ["not before the checkpoint" in one for one in result["problems"]] == [True, True]


def test_a_restore_is_planned_once(check, monkeypatch):
    counts = planning(monkeypatch)
    check(shop.empty_site())
    assert counts == ONCE
    counts.clear()
    check(shop.restored_site(), remove_old=True)
    assert counts == ONCE, "nothing old is there that would make it another site"


def test_of_some_servers_the_rest_is_not_looked_at(check):
    result, _warnings = check(shop.empty_site(flavors=(shop.SMALL,)), servers=["shop-front"])
    assert result["problems"] == []
    refused, _warnings = check(shop.empty_site(flavors=(shop.SMALL,)), servers=["orders-db"])
    assert ["needs flavor 'lab.db'" in one for one in refused["problems"]] == [True]


def test_a_part_takes_only_its_share_of_the_quotas(check):
    quotas = {"volume": {"volumes": Quota("volumes", -1, 0)}, "compute": {"instances": Quota("instances", -1, 0)}, "network": {}}
    found = [check(shop.empty_site(), servers=servers, quotas=quotas)[0]["needs"] for servers in (None, ["shop-front"])]
    assert [{need["resource"]: need["needed"] for need in needs} for needs in found] == [{"volumes": 3, "instances": 2}, {"volumes": 1, "instances": 1}]


def test_a_server_that_the_checkpoint_does_not_have_is_refused(check):
    with pytest.raises(InvalidInput, match="has no server web; it has shop-front, orders-db"):
        check(shop.empty_site(), servers=["web"])


def test_what_is_left_of_other_servers_is_not_in_the_way_of_a_part(check):
    site = left_behind("2026-01-01T13:00:00Z")
    result, _warnings = check(site, remove_old=True, servers=["orders-db"])
    (problem,) = result["problems"]
    assert "Server orders-db" in problem and "not before the checkpoint" in problem
