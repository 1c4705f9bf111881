# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import SitePlanInvalid
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import USUAL_PRIORITY, SiteClouds, SitePlan, seconds_of
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import plan

IDENTITY = {"name": "identity", "project": "core", "tiers": [{"name": "front", "query": "[?metadata.role == 'identity']"}]}
SHOP = {"name": "shop", "project": "shop", "wave": "business", "policy": "gold", "depends_on": ["identity"]}
WHOLE = {
    "waves": ["foundation", "business"],
    "policies": {"gold": {"consistency": "quiesced", "interval": "90m", "keep": {"last": 24}, "drill_interval": "1w"}, "bronze": {}, "go_ld": {}},
    "default_policy": "bronze",
    "approvers": {"failover": ["management"], "restore": ["operations"]},
}


def whole(*applications, **more):
    return plan(*applications or ({**IDENTITY, "wave": "foundation"}, SHOP), **{**WHOLE, **more})


def problems(document):
    with pytest.raises(SitePlanInvalid) as caught:
        SitePlan.parse(document)
    return caught.value.facts["problems"]


def changed(path, value):
    """The plan with something else at a place."""
    document = copy.deepcopy(whole())
    *way, last = path
    place = document
    for step in way:
        place = place[step]
    place[last] = value
    return document


def test_a_plan_is_read_as_it_is_meant():
    parsed = SitePlan.parse(whole())
    assert [one.name for one in parsed.applications] == ["identity", "shop"]
    identity, shop = parsed.applications
    assert (shop.wave, shop.priority, shop.projects, shop.depends_on, shop.tiers) == ("business", USUAL_PRIORITY, ("shop",), ("identity",), ())
    assert shop.approvers == WHOLE["approvers"]
    assert identity.tiers[0].query == "[?metadata.role == 'identity']"
    gold = parsed.policies["gold"]
    assert (gold.consistency, gold.interval, gold.keep, gold.drill_interval) == ("quiesced", 5400, {"last": 24}, 604_800)
    assert parsed.policy(shop.policy) == gold
    assert parsed.policy(identity.policy) == parsed.policies["bronze"]
    assert parsed.projects["shop"].primary == SiteClouds("north-shop")


def test_the_smallest_plan_has_sites_and_projects():
    parsed = SitePlan.parse({key: value for key, value in plan().items() if key != "applications"})
    assert (parsed.applications, parsed.waves, parsed.policy(None), parsed.last_wave) == ((), (), None, None)


def test_what_nobody_put_into_a_wave_is_of_the_last_one():
    (first, second) = SitePlan.parse(whole({**IDENTITY, "name": "last"}, {**IDENTITY, "wave": "foundation", "priority": 900})).applications
    assert [(one.name, one.wave) for one in (first, second)] == [("identity", "foundation"), ("last", "business")]


def test_an_application_may_have_approvers_of_its_own():
    shop = SitePlan.parse(whole({**SHOP, "depends_on": [], "approvers": {"failover": ["the shop"]}})).applications[0]
    assert shop.approvers == {"failover": ["the shop"], "restore": ["operations"]}


def test_clouds_may_be_written_out():
    document = changed(["projects", "shop", "primary"], {"cloud": "a", "admin_cloud": "b", "store_cloud": "c"})
    assert SitePlan.parse(document).projects["shop"].primary == SiteClouds("a", "b", "c")


@pytest.mark.parametrize(("duration", "seconds"), [("30s", 30), ("90m", 5400), ("1h", 3600), ("2d", 172_800), ("1w", 604_800)])
def test_durations(duration, seconds):
    assert seconds_of(duration) == seconds


@pytest.mark.parametrize("document", [None, [], "site.yml", {}, {"schema_version": 2}, {"schema_version": True}, {"schema_version": 1.0}])
def test_what_is_no_plan_of_this_version_is_refused(document):
    (problem,) = problems(document)
    assert "schema_version: 1" in problem


APPLICATION = "applications", 1
TIERS = [{"name": "db", "servers": ["a"]}, {"name": "web", "servers": ["b"]}]


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (["sites", "primary", "limits"], {"freezes": 0}, "sites/primary/limits/freezes: 0 is less than the minimum of 1."),
        (["sites", "primary", "limits"], {"naps": 1}, "sites/primary/limits has the unknown key 'naps'; known are freezes, backups, restores, boots."),
        (["sites", "remote", "name"], "north", "both sites are called 'north'; a checkpoint must tell where it was taken."),
        (["sites", "remote"], {}, "sites/remote has no 'name'."),
        (["policies", "gold", "interval"], "soon", "policies/gold/interval is 'soon'; it must be a number with s, m, h, d or w behind it, like 90m or 1d."),
        (["policies", "gold", "keep"], {"last": 0}, "policy 'gold' keeps no checkpoint; give one of its rules a number above 0."),
        (["default_policy"], "silver", "default_policy is 'silver', which the plan does not have; it has gold, bronze, go_ld."),
        (["projects", "shop", "primary"], "north-core", "projects 'core' and 'shop' have the same primary cloud 'north-core'; each needs one of its own."),
        (["waves"], ["foundation", "business", "business"], "wave 'business' is listed 2 times."),
        (["waves"], ["a-b", "a.b", "foundation", "business"], "wave names 'a-b' and 'a.b' would both be the group 'wave_a_b'; change one of them."),
        (["policies", "go-ld"], {}, "policy names 'go_ld' and 'go-ld' would both be the group 'policy_go_ld'; change one of them."),
        ([*APPLICATION, "wave"], "third", "application 'shop' is in wave 'third', which the plan does not have; it has foundation, business."),
        ([*APPLICATION, "policy"], "silver", "application 'shop' has policy 'silver', which the plan does not have; it has gold, bronze, go_ld."),
        ([*APPLICATION, "project"], "corn", "application 'shop' is in project 'corn', which the plan does not have; it has core, shop."),
        ([*APPLICATION, "other_projects"], ["shop"], "application 'shop' lists project 'shop' 2 times."),
        ([*APPLICATION, "name"], "wave_1", "application 'wave_1' cannot be called so, because the inventory has something else of that name."),
        ([*APPLICATION, "name"], "all", "application 'all' cannot be called so, because the inventory has something else of that name."),
        ([*APPLICATION, "name"], "identity", "application 'identity' is listed 2 times."),
        ([*APPLICATION, "priority"], 0, "applications/1/priority: 0 is less than the minimum of 1."),
        ([*APPLICATION, "depends_on"], ["mail"], "application 'shop' depends on 'mail', which the plan does not have; it has identity, shop."),
        (["applications", 0, "depends_on"], ["shop"], "application 'identity' depends on 'shop', which is of a later wave."),
        ([*APPLICATION, "tiers"], [TIERS[0], TIERS[0]], "application 'shop' lists tier 'db' 2 times."),
        ([*APPLICATION, "tiers"], [TIERS[0], {"name": "web", "servers": ["a"]}], "application 'shop' lists server 'a' 2 times."),
        (
            [*APPLICATION, "tiers"],
            [{"name": "db", "servers": ["a"], "query": "[]"}],
            "application 'shop' has a problem with tier 'db': it has both servers and a query; give one of them.",
        ),
        ([*APPLICATION, "tiers"], [{"name": "db", "query": "[?"}], "application 'shop' has a problem with tier 'db': its query '[?' is not JMESPath"),
        (
            [*APPLICATION, "tiers"],
            [{"name": "db", "checks": [{}]}],
            "application 'shop' has a problem with tier 'db': check 1: it checks nothing; give one of port, http, agent, command.",
        ),
    ],
)
def test_what_is_wrong_is_named(path, value, told):
    assert any(problem.startswith(told) for problem in problems(changed(path, value))), problems(changed(path, value))


def test_a_circle_of_dependencies_is_named_as_one_would_walk_it():
    one, two, three = ({"name": name, "project": "core", "depends_on": [other]} for name, other in (("a", "b"), ("b", "c"), ("c", "a")))
    (problem,) = problems(plan(one, two, three))
    assert problem.startswith("applications depend on each other in a circle: ")
    walked = problem.split(": ")[1].rstrip(".").replace("'", "").split(" on ")
    assert walked[0] == walked[-1] and set(walked) == {"a", "b", "c"}
    assert all((here, there) in {("a", "b"), ("b", "c"), ("c", "a")} for here, there in zip(walked, walked[1:], strict=False))


def test_an_application_that_depends_on_itself_is_a_circle():
    (problem,) = problems(plan({"name": "a", "project": "core", "depends_on": ["a"]}))
    assert problem == "applications depend on each other in a circle: 'a' on 'a'."


def test_everything_that_is_wrong_is_told_at_once():
    document = changed(["applications", 1, "wave"], "third")
    document["applications"][1]["policy"] = "silver"
    assert len(problems(document)) == 2


def test_the_plan_as_a_result_says_what_follows_from_what_is_left_out():
    told = SitePlan.parse(whole()).as_dict()
    assert [(one["name"], one["policy"], one["wave"]) for one in told["applications"]] == [("identity", "bronze", "foundation"), ("shop", "gold", "business")]
    assert told["projects"][0] == {
        "name": "core",
        "primary": {"cloud": "north-core", "admin_cloud": None, "store_cloud": None},
        "remote": {"cloud": "south-core", "admin_cloud": None, "store_cloud": None},
    }


ODD = (None, True, 0, -1, 1.5, "", "x", "a b", "{{ x }}", [], [1], {}, {"x": 1}, {1: 2}, "9" * 300, ["shop"], {"name": "shop"})


def places(value, way=()):
    """The way to everything in a document."""
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield from places(one, (*way, step))


@pytest.mark.parametrize("way", [way for way in places(whole()) if way], ids=lambda way: "/".join(map(str, way)))
def test_whatever_somebody_writes_it_is_a_plan_or_refused_in_words(way):
    for odd in ODD:
        try:
            SitePlan.parse(changed(way, odd)).as_dict()
        except SitePlanInvalid as error:
            assert error.facts["problems"]
            assert len(str(error)) < 5000
