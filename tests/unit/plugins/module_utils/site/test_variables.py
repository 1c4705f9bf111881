# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.osdr.openstack.plugins.module_utils.site.membership import ProjectServers, membership
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan
from ansible_collections.osdr.openstack.plugins.module_utils.site.variables import variables_of
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import plan

DEFINITION = {"name": "shop", "tiers": [{"name": "all", "servers": ["web"], "checks": [{"port": 80, "timeout": 300}]}]}
SHOP = {"name": "shop", "project": "shop", "tiers": [{"name": "all", "servers": ["web"], "checks": [{"port": 80}]}]}


def variables(document):
    parsed = SitePlan.parse(document)
    seen = {name: ProjectServers(name, (server("web"),)) for name in parsed.projects}
    (shop,) = membership(parsed, seen).applications
    return variables_of(shop, parsed)


def of(role, **changes):
    return {name.removeprefix(f"dr_{role}_"): value for name, value in changes.items() if name.startswith(f"dr_{role}_")}


def test_what_the_plan_does_not_say_is_left_to_groups_and_roles():
    given = variables(plan(SHOP))
    assert of("checkpoint", **given) == {"application": DEFINITION, "cloud": "north-shop", "remote_cloud": "south-shop", "site": "north"}
    assert of("restore", **given) == {"application": "shop", "cloud": "south-shop", "site": "south"}
    assert of("failover", **given) == {
        "application": DEFINITION,
        "primary": {"cloud": "north-shop", "site": "north"},
        "remote": {"cloud": "south-shop", "site": "south"},
    }
    assert of("roll_back", **given) == {"application": DEFINITION, "cloud": "north-shop", "site": "north", "catalogue_cloud": "south-shop"}


def test_a_policy_says_what_a_checkpoint_must_be_and_how_long_it_stays():
    policies = {"gold": {"consistency": "paused", "interval": "1h", "keep": {"last": 3}, "drill_interval": "1d"}}
    given = variables(plan({**SHOP, "policy": "gold"}, policies=policies))
    assert (given["dr_checkpoint_consistency"], given["dr_checkpoint_keep"]) == ("paused", {"last": 3})
    assert (given["dr_site_policy"], given["dr_site_interval"], given["dr_site_drill_interval"]) == ("gold", 3600, 86_400)


def test_administrators_are_the_projects_own_or_the_sites():
    document = plan(SHOP)
    document["sites"]["primary"]["admin_cloud"] = "north-admin"
    document["sites"]["remote"]["admin_cloud"] = "south-admin"
    document["projects"]["shop"]["remote"] = {"cloud": "s", "admin_cloud": "s-admin", "store_cloud": "s-store"}
    given = variables(document)
    assert of("checkpoint", **given) == {
        "application": DEFINITION,
        "cloud": "north-shop",
        "admin_cloud": "north-admin",
        "remote_cloud": "s",
        "remote_admin_cloud": "s-admin",
        "remote_store_cloud": "s-store",
        "site": "north",
    }
    assert of("restore", **given) == {"application": "shop", "cloud": "s", "admin_cloud": "s-admin", "store_cloud": "s-store", "site": "south"}
    assert given["dr_failover_remote"] == {"cloud": "s", "admin_cloud": "s-admin", "store_cloud": "s-store", "site": "south"}
    assert given["dr_roll_back_admin_cloud"] == "north-admin"


def test_further_projects_are_given_where_a_role_takes_them():
    document = plan({**SHOP, "tiers": [{"name": "all", "query": "[0:1]"}], "other_projects": ["core"]})
    given = variables(document)
    assert given["dr_checkpoint_projects"] == [{"cloud": "north-core", "remote_cloud": "south-core"}]
    assert given["dr_restore_projects"] == [{"cloud": "south-core"}]
    assert not [name for name in given if name.startswith(("dr_failover_", "dr_roll_back_"))]


def test_what_is_in_doubt_has_no_definition():
    given = variables(plan({"name": "shop", "project": "shop"}))
    assert not [name for name in given if name.endswith("_application") and name != "dr_restore_application"]
    assert len(given["dr_site_problems"]) == 1


def test_the_place_in_the_plan():
    one = {**SHOP, "wave": "first", "priority": 7, "approvers": {"failover": ["them"]}}
    given = of("site", **variables(plan(one, waves=["first"], approvers={"restore": ["us"]})))
    assert given == {
        "origin": "plan",
        "projects": ["shop"],
        "wave": "first",
        "priority": 7,
        "depends_on": [],
        "approvers": {"restore": ["us"], "failover": ["them"]},
        "policy": None,
        "interval": None,
        "drill_interval": None,
        "problems": [],
    }
