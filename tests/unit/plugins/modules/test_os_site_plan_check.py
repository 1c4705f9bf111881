# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
import yaml
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import SitePlanInvalid
from ansible_collections.osdr.openstack.plugins.modules import os_site_plan_check
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import plan

SHOP = {"name": "shop", "project": "shop", "depends_on": ["identity"]}
IDENTITY = {"name": "identity", "project": "core", "tiers": [{"name": "database", "servers": ["db"], "checks": [{"port": 5432}]}]}


def run(*applications, **more):
    return os_site_plan_check.run({"plan": plan(*applications, **more)})["site_plan"]


def shape(value):
    """Names of all members, at any depth."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    return [shape(one) for one in value[:1]] if isinstance(value, list) else None


def test_what_follows_from_a_plan_is_told():
    found = run(SHOP, IDENTITY, waves=["all"])
    assert [(one["name"], one["wave"], one["priority"]) for one in found["applications"]] == [("identity", "all", 500), ("shop", "all", 500)]


def test_a_plan_that_cannot_be_used_is_refused():
    with pytest.raises(SitePlanInvalid, match="^The site plan cannot be used: \\(1\\) application 'shop' depends on 'identity', which the plan does not have"):
        run(SHOP)


def test_the_documentation_shows_what_is_returned():
    sample = yaml.safe_load(os_site_plan_check.RETURN)["site_plan"]["sample"]
    policies = {"gold": {"consistency": "quiesced", "interval": "1h", "keep": {"last": 24}, "drill_interval": "1w"}}
    document = plan({**IDENTITY, "wave": "foundation", "approvers": {"failover": ["management"]}}, policies=policies, waves=["foundation", "business"])
    document["sites"] = {side: {**one, "admin_cloud": "x", "limits": sample["sites"][side]["limits"]} for side, one in document["sites"].items()}
    assert shape(os_site_plan_check.run({"plan": document})["site_plan"]) == shape(sample)
