# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput, KeptPlanInvalid, SitePlanInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.site import kept
from ansible_collections.osdr.openstack.plugins.module_utils.site.kept import NAME, PlanKeeper
from ansible_collections.osdr.openstack.plugins.modules import os_site_plan, os_site_plan_info
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import plan

PLAN = plan({"name": "shop", "project": "shop"})


@pytest.fixture
def store():
    return FakeStore()


def keeper(store):
    return PlanKeeper(store, Catalogue(store, "secret").seal)


def keep(store, document=PLAN, check_mode=False):
    return os_site_plan.run(SimpleNamespace(params={"plan": document}, check_mode=check_mode), keeper(store))


def test_a_plan_is_kept_once(store):
    predicted = keep(store, check_mode=True)
    assert (predicted["changed"], predicted["diff"], store.writes) == (True, {"before": {}, "after": PLAN}, 0)
    first, again = keep(store), keep(store)
    assert (first["changed"], again["changed"], store.writes) == (True, False, 1)
    assert first["kept"] == again["kept"]
    assert first["kept"]["applications"] == ["shop"]
    assert os_site_plan_info.run(keeper(store)) == {"plan": PLAN, "since": first["kept"]["since"]}


def test_another_plan_takes_its_place(store):
    keep(store)
    changed = keep(store, plan())
    assert (changed["changed"], changed["diff"]) == (True, {"before": PLAN, "after": plan()})
    assert os_site_plan_info.run(keeper(store))["plan"] == plan()


def test_a_damaged_plan_is_replaced_and_never_read(store):
    store.content[NAME] = b"{}"
    with pytest.raises(KeptPlanInvalid):
        os_site_plan_info.run(keeper(store))
    replaced = keep(store)
    assert replaced["changed"] and list(replaced["diff"]["before"]) == ["damaged"]
    assert os_site_plan_info.run(keeper(store))["plan"] == PLAN


def test_a_plan_that_cannot_be_used_is_not_kept(store):
    with pytest.raises(SitePlanInvalid):
        keep(store, plan({"name": "shop", "project": "nowhere"}))
    assert store.writes == 0


def test_check_mode_refuses_what_a_run_would_refuse(store, monkeypatch):
    monkeypatch.setattr(kept.KeptPlan, "largest", 100)
    for check_mode in (True, False):
        with pytest.raises(InvalidInput, match="cannot be kept"):
            keep(store, check_mode=check_mode)
    assert store.writes == 0


def test_there_may_be_none(store):
    assert os_site_plan_info.run(keeper(store)) == {"plan": None, "since": None}
