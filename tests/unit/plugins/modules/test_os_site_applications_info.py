# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from types import SimpleNamespace

import pytest
import yaml
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import SitePlanInvalid
from ansible_collections.osdr.openstack.plugins.modules import os_site_applications_info
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import Provider, plan

SHOP = {"name": "shop", "project": "shop"}


@pytest.fixture
def provider():
    return Provider()


def run(provider, *applications, warnings=None):
    module = SimpleNamespace(params={"plan": plan(*applications), "concurrency": 1}, warn=(warnings if warnings is not None else []).append)
    return os_site_applications_info.run(module, provider.connect)


def test_applications_and_what_nobody_protects(provider):
    web = provider.mark("core", "wiki-1", "wiki")
    provider.boot("shop", "build-3", gigabytes=7)
    warnings = []
    found = run(provider, SHOP, warnings=warnings)
    assert [(one["host"], one["origin"], one["servers"], len(one["problems"])) for one in found["applications"]] == [
        ("shop", "plan", [], 1),
        ("wiki@core", "marks", [web], 0),
    ]
    assert found["applications"][0]["groups"] == ["applications", "applications_in_doubt", "site_north", "project_shop"]
    assert [(one["project"], one["count"], one["gigabytes"], [server["name"] for server in one["servers"]]) for one in found["unprotected"]] == [
        ("shop", 1, 7, ["build-3"])
    ]
    assert [warning.split(": ")[0] for warning in warnings] == ["Application 'shop'"]


def test_a_plan_that_cannot_be_used_asks_no_cloud(provider):
    with pytest.raises(SitePlanInvalid):
        run(provider, SHOP, SHOP)
    assert provider.asked == []


def test_the_documentation_shows_what_is_returned(provider):
    provider.mark("core", "wiki-1", "wiki")
    provider.boot("shop", "build-3")
    documented = yaml.safe_load(os_site_applications_info.RETURN)
    found = run(provider)
    for name, entries in found.items():
        assert set(entries[0]) == set(documented[name]["contains"]) == set(documented[name]["sample"][0])
    assert set(found["unprotected"][0]["servers"][0]) == set(documented["unprotected"]["contains"]["servers"]["contains"])


def test_an_administrator_sees_what_is_unprotected_in_projects_that_nobody_planned(provider):
    provider.boot("shop", "build-3")
    provider.boot("p-77", "crm", gigabytes=9)
    provider.boot("p-77", "drilled", metadata={"osdr_drill": "7"})
    provider.boot("p-88", "drilled", metadata={"osdr_drill": "7"})
    provider.boot("p-99", "lost")
    provider.sites["north"].keystone.projects["p-77"] = "sales"
    document = plan()
    module = SimpleNamespace(params={"plan": document, "concurrency": 1}, warn=None)

    def told():
        found = os_site_applications_info.run(module, provider.connect)["unprotected"]
        return [(one["project"], one["planned"], one["gigabytes"], [server["name"] for server in one["servers"]]) for one in found]

    assert told() == [("shop", True, 1, ["build-3"])]
    document["sites"]["primary"]["admin_cloud"] = "north-admin"
    assert told() == [("shop", True, 1, ["build-3"]), ("sales", False, 9, ["crm"]), ("p-99", False, 1, ["lost"])]


def test_what_belongs_to_a_planned_project_that_cannot_be_asked_is_not_said_to_be_unplanned_without_a_word(provider):
    provider.boot("shop", "build-3")
    provider.down = {"north-shop"}
    document, warnings = plan(), []
    document["sites"]["primary"]["admin_cloud"] = "north-admin"
    found = os_site_applications_info.run(SimpleNamespace(params={"plan": document, "concurrency": 1}, warn=warnings.append), provider.connect)
    assert [(one["project"], one["planned"]) for one in found["unprotected"]] == [("shop", False)]
    assert warnings[-1] == "Servers of projects that cannot be asked (shop) are among those of projects that the plan does not have."
