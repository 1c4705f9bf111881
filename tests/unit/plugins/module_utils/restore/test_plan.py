# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.restore.plan import RestorePlan
from ansible_collections.osdr.openstack.tests.unit.support import shop

PLAN = RestorePlan.of(shop.manifest(), shop.restored_site())


def test_a_narrowed_plan_is_the_same_with_fewer_servers():
    part = PLAN.narrowed(["shop-front"])
    assert part.servers == (PLAN.servers[1],)
    assert part.volumes == tuple(step for step in PLAN.volumes if "shop-front" in step.servers)
    assert (part.site, part.manifest.checkpoint) == (PLAN.site, PLAN.manifest.checkpoint)
    assert [tier.name for tier in part.manifest.application.tiers] == ["front"]


def test_a_narrowed_plan_makes_only_what_its_servers_need():
    document = shop.document()
    (group,) = document["topology"]["security_groups"]
    document["topology"]["security_groups"].append({**group, "name": "web", "rules": []})
    document["servers"][0]["ports"][0]["security_groups"] = ["web"]
    whole = RestorePlan.of(type(PLAN.manifest).parse(document), shop.empty_site())
    made = [[spec.name for spec in plan.lacking["security_groups"]] for plan in (whole, whole.narrowed(["shop-front"]), whole.narrowed(["orders-db"]))]
    assert made == [["shop", "web"], ["web"], ["shop"]]


def test_servers_that_are_not_known_are_refused():
    with pytest.raises(InvalidInput, match="has no server web"):
        PLAN.narrowed(["web"])


def test_what_has_changed_since_is_planned_anew_on_the_same_volumes():
    empty = RestorePlan.of(shop.manifest(), shop.prepared_site())
    assert [step.builds for step in empty.servers] == [True, True]
    now = empty.servers_at(shop.restored_site())
    assert [step.builds for step in now] == [False, False]
    assert [step.volumes for step in now] == [step.volumes for step in empty.servers]
