# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, NoAnswer
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.captured import InUse
from ansible_collections.osdr.openstack.plugins.module_utils.infrastructure.use import in_use
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan
from ansible_collections.osdr.openstack.tests.unit.support.memory.grounds import Grounds, site_plan

SHOP = {"name": "shop", "project": "shop", "tiers": [{"name": "front", "servers": ["shop-1"]}]}
PLAN = SitePlan.parse(site_plan(SHOP))


@pytest.fixture
def grounds():
    made = Grounds("core", "shop")
    made.north.nova.flavor("big", 1, 512)
    made.north.nova.flavor("small", 1, 512)
    made.north.cinder.types["fast"] = {}
    return made


def failing(grounds, error):
    """Access to a provider at whose project shop nobody gets in."""

    def connect(cloud):
        if cloud == "north-shop":
            raise error
        return grounds.connect(cloud)

    return dataclasses.replace(grounds.access(), connect=connect)


def test_an_application_uses_what_its_servers_and_their_volumes_do(grounds):
    grounds.north.cinder.types = {"fast": {}, "slow": {}}
    grounds.server("shop", "shop-1", "big")
    grounds.server("shop", "other", "small")
    grounds.volume("shop", "spare", "slow")
    used, unseen = in_use(PLAN, grounds.access())
    assert unseen == ()
    assert used == (
        InUse("core", None),
        InUse("shop", None, ("small",), ("fast", "slow"), (), ("nova",)),
        InUse("shop", "shop", ("big",), ("fast",), (), ("nova",)),
    )


def test_a_project_that_keeps_everybody_out_hides_no_other_and_is_told(grounds):
    used, unseen = in_use(PLAN, failing(grounds, CloudError("Site 'north-shop' could not log in: no.")))
    assert [one.project for one in used] == ["core"]
    assert [str(one) for one in unseen] == ["What project 'shop' uses cannot be seen. Site 'north-shop' could not log in: no."]


def test_a_project_that_may_answer_later_is_waited_for(grounds):
    with pytest.raises(NoAnswer):
        in_use(PLAN, failing(grounds, NoAnswer("Site 'north-shop' could not log in: it is busy.")))
