# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two sites in memory show, by way of the SDK."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, DrError
from ansible_collections.osdr.openstack.plugins.module_utils.site.listing import protected_at, recoverable_at
from ansible_collections.osdr.openstack.plugins.module_utils.site.look import SiteAccess
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import CONTAINER, Provider, plan

SHOP = {"name": "shop", "project": "shop", "wave": "business", "policy": "gold"}
WIKI = {"name": "wiki", "project": "core", "tiers": [{"name": "all", "servers": ["wiki"]}]}
MORE = {"waves": ["business", "rest"], "policies": {"gold": {}}}


@pytest.fixture
def provider():
    return Provider()


def protected(provider, *applications, **more):
    return protected_at(SitePlan.parse(plan(*applications, **more)), SiteAccess(provider.connect, 1))


def recoverable(provider, *applications, **more):
    return recoverable_at(SitePlan.parse(plan(*applications, **more)), SiteAccess(provider.connect, 1), CONTAINER)


def test_groups_are_by_site_wave_policy_and_project(provider):
    provider.mark("shop", "web", "shop")
    provider.mark("core", "blog", "blog")
    shop, blog = protected(provider, SHOP, **MORE).applications
    listed = protected(provider, SHOP, **MORE)
    assert listed.groups_of(shop) == ["applications", "site_north", "wave_business", "policy_gold", "project_shop"]
    assert listed.groups_of(blog) == ["applications", "site_north", "wave_rest", "project_core"]


def test_what_is_wrong_is_a_doubt_and_a_group(provider):
    provider.boot("core", "web", metadata={"dr:tier": "front"})
    listed = protected(provider, SHOP, **MORE)
    (shop,) = listed.applications
    assert listed.groups_of(shop)[:2] == ["applications", "applications_in_doubt"]
    assert [doubt.split(": ")[0] for doubt in listed.doubts] == ["Project 'core'", "Application 'shop'"]


def test_what_nobody_protects_is_counted_by_project_the_oldest_first(provider):
    provider.mark("shop", "web", "shop")
    provider.boot("core", "young", "2026-02-02T00:00:00Z", gigabytes=5)
    provider.boot("core", "old", "2026-01-01T00:00:00Z", gigabytes=2)
    (core,) = protected(provider).unprotected
    told = core.as_dict()
    assert core.summary() == {"count": 2, "gigabytes": 7, "since": "2026-01-01T00:00:00Z"}
    assert (told["project"], [(one["name"], one["gigabytes"], one["since"]) for one in told["servers"]]) == (
        "core",
        [("old", 2, "2026-01-01T00:00:00Z"), ("young", 5, "2026-02-02T00:00:00Z")],
    )


def test_volumes_are_listed_only_where_somebody_is_unprotected(provider):
    provider.mark("shop", "web", "shop")
    assert protected(provider).unprotected == ()
    assert sorted(provider.asked) == ["north-core", "north-shop"]


def test_a_project_that_does_not_answer_hides_no_other(provider):
    provider.boot("core", "wiki")
    provider.down = {"north-shop"}
    wiki, shop = sorted(protected(provider, SHOP, WIKI, **MORE).applications, key=lambda one: one.host == "shop")
    assert wiki.definition and not wiki.problems
    assert shop.problems == ("Project 'shop' cannot be asked. Site 'north-shop' could not log in: it does not answer.",)


def test_a_project_of_marks_that_does_not_answer_is_missed(provider):
    provider.mark("shop", "web", "shop")
    provider.publish("shop", "shop")
    provider.down = {"north-shop", "south-shop"}
    for listed, cloud in ((protected(provider), "north-shop"), (recoverable(provider), "south-shop")):
        (unknown,) = listed.applications
        assert listed.groups_of(unknown)[:2] == ["applications", "applications_in_doubt"]
        assert listed.doubts == [
            f"Application 'unknown@shop': Project 'shop' cannot be asked. Site '{cloud}' could not log in: it does not answer. "
            "So it is unknown which applications it has."
        ]


def test_applications_are_protected_while_volumes_cannot_be_listed(provider, monkeypatch):
    def refuse(_storage):
        raise CloudError("Cinder is down.")

    monkeypatch.setattr(BlockStorage, "volumes", refuse)
    provider.mark("shop", "web", "shop")
    provider.boot("core", "stray", gigabytes=5)
    listed = protected(provider)
    assert [one.host for one in listed.applications] == ["shop@shop"]
    assert (listed.unprotected[0].summary()["count"], listed.unprotected[0].summary()["gigabytes"]) == (1, 0)
    assert listed.doubts == ["The volumes of project 'core' cannot be listed, so the gigabytes of its unprotected servers lack them. Cinder is down."]


def test_a_site_that_is_gone_is_one_error(provider):
    provider.down = {"north"}
    with pytest.raises(DrError, match="None of the 2 projects of the site plan can be asked. The first one: Site 'north-core' could not log in"):
        protected(provider, SHOP, WIKI, **MORE)


def test_without_the_primary_site_applications_are_those_of_the_plan_and_of_the_catalogues(provider):
    provider.down = {"north"}
    provider.publish("shop", "shop")
    provider.publish("shop", "shop", "c2")
    provider.publish("core", "blog")
    listed = recoverable(provider, SHOP, WIKI, **MORE)
    assert [(one.host, one.origin, one.policy and one.policy.name) for one in listed.applications] == [
        ("shop", "plan", "gold"),
        ("blog@core", "catalogue", None),
        ("wiki", "plan", None),
    ]
    assert listed.groups_of(listed.applications[0]) == ["applications", "site_south", "wave_business", "policy_gold", "project_shop"]
    assert listed.doubts == ["Application 'wiki': The catalogue of project 'core' at site 'south' has no checkpoint of application 'wiki'."]


def test_the_catalogues_are_looked_for_where_their_site_has_them(provider, monkeypatch, tmp_path):
    def connect(cloud):
        connected = provider.connect(cloud)
        monkeypatch.setitem(connected.connection.config.config, "osdr_catalogue", {"directory": str(tmp_path)})
        return connected

    provider.publish("shop", "shop")
    kept = tmp_path / "core" / CONTAINER / "blog" / "c1.json"
    kept.parent.mkdir(parents=True)
    kept.touch()
    listed = recoverable_at(SitePlan.parse(plan()), SiteAccess(connect, 1), CONTAINER)
    assert [one.host for one in listed.applications] == ["blog@core"]


def test_a_part_of_an_application_over_several_projects_is_none_of_its_own(provider):
    provider.publish("shop", "shop")
    provider.publish("core", "shop")
    (shop,) = recoverable(provider, {**SHOP, "other_projects": ["core"]}, **MORE).applications
    assert (shop.host, shop.projects, shop.problems) == ("shop", ("shop", "core"), ())


def test_a_catalogue_that_does_not_answer_is_told_of_its_applications(provider):
    provider.down = {"south-shop"}
    (shop,) = recoverable(provider, SHOP, **MORE).applications
    assert shop.problems == ("Project 'shop' cannot be asked. Site 'south-shop' could not log in: it does not answer.",)
