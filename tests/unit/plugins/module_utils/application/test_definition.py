# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application, require_checkpoint_id, require_name
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput

SHOP = {
    "name": "shop",
    "tiers": [
        {"name": "database", "servers": ["orders-db", "payments-db"], "checks": [{"port": 5432, "timeout": 60}]},
        {"name": "front", "servers": ["shop-front"], "checks": []},
    ],
}


def test_servers_are_in_boot_order_and_tiers_freeze_front_first():
    application = Application.parse(SHOP)
    assert application.servers == ["orders-db", "payments-db", "shop-front"]
    assert [tier.name for tier in application.freeze_order] == ["front", "database"]


def test_it_survives_being_written_and_read():
    assert Application.parse(SHOP).as_dict() == SHOP


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../etc"}, "'../etc' is no usable name"),
        ({"tiers": []}, "it has no tiers"),
        ({"tiers": [{"name": "a", "servers": []}]}, "tier 'a' has no servers"),
        ({"tiers": [{"name": "a", "servers": ["x"]}, {"name": "a", "servers": ["y"]}]}, "tier 'a' is listed 2 times"),
        ({"tiers": [{"name": "a", "servers": ["x"]}, {"name": "b", "servers": ["x"]}]}, "server 'x' is listed 2 times"),
    ],
)
def test_unusable_definitions_are_named(change, message):
    with pytest.raises(InvalidInput, match=message):
        Application.parse({**SHOP, **change})


def test_all_that_is_wrong_with_checks_is_told_at_once():
    tiers = [
        {"name": "a", "servers": ["x"], "checks": [{"port": 22}, {"timeout": 5}]},
        {"name": "b", "servers": ["y"], "checks": [{"port": 0, "agent": True}]},
    ]
    with pytest.raises(InvalidInput) as raised:
        Application.parse({"name": "shop", "tiers": tiers})
    told = ("check 2 of tier 'a': it checks nothing", "check 1 of tier 'b': port and agent are several kinds", "check 1 of tier 'b': port 0")
    assert all(one in str(raised.value) for one in told)


def test_names_that_could_leave_their_place_are_refused():
    with pytest.raises(InvalidInput, match="cannot be used as the id of a checkpoint"):
        require_name("the id of a checkpoint", "a/b")


def test_a_checkpoint_cannot_be_called_what_means_the_newest():
    assert require_checkpoint_id("noon") == "noon"
    with pytest.raises(InvalidInput, match="stands for the newest"):
        require_checkpoint_id("latest")
