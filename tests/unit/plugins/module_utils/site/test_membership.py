# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.osdr.openstack.plugins.module_utils.site.membership import ProjectServers, membership
from ansible_collections.osdr.openstack.plugins.module_utils.site.plan import SitePlan
from ansible_collections.osdr.openstack.tests.unit.support.fakes import server
from ansible_collections.osdr.openstack.tests.unit.support.memory.provider import plan

POLICIES = {"policies": {"gold": {}, "bronze": {}}, "default_policy": "bronze"}


def marked(name, application="shop", id=None, **marks):
    told = {"application": application, **marks}
    return server(name, id=id or f"id-{name}", metadata={f"dr:{key}": str(value) for key, value in told.items()})


def found(document, problem=None, **servers):
    """What there is of a plan, with these servers per project."""
    parsed = SitePlan.parse(document)
    seen = {name: ProjectServers(name, tuple(servers.get(name, ()))) for name in parsed.projects}
    if problem:
        seen[problem] = ProjectServers(problem, problem="it is silent")
    return membership(parsed, seen)


def application(name="shop", project="shop", **more):
    return {"name": name, "project": project, **more}


def tiers(one):
    return {tier.name: list(tier.servers) for tier in one.definition.tiers}


def test_tiers_are_names_queries_and_marks_in_the_order_of_the_plan():
    planned = [
        {"name": "database", "servers": ["db"], "checks": [{"port": 5432}]},
        {"name": "middle", "query": "[?metadata.role == 'm']"},
        {"name": "front"},
    ]
    servers = [marked("web", tier="front", order=1), server("m2", metadata={"role": "m"}), server("db"), server("m1", metadata={"role": "m"})]
    (shop,) = found(plan(application(tiers=planned)), shop=servers).applications
    assert list(tiers(shop).items()) == [("database", ["db"]), ("middle", ["m2", "m1"]), ("front", ["web"])]
    assert [check.port for check in shop.definition.tiers[0].checks] == [5432]
    assert (shop.host, shop.origin, shop.problems) == ("shop", "plan", ())


def test_without_tiers_of_the_plan_owners_make_them():
    (shop,) = found(plan(application()), shop=[marked("web", tier="front", order=2), marked("db", tier="database", order=1)]).applications
    assert list(tiers(shop).items()) == [("database", ["db"]), ("front", ["web"])]


def test_a_server_that_gets_a_mark_is_in_the_next_inventory():
    document = plan(application())
    (before,), (after,) = (found(document, shop=servers).applications for servers in ([marked("a")], [marked("a"), marked("b")]))
    assert (tiers(before), tiers(after)) == ({"servers": ["a"]}, {"servers": ["a", "b"]})


def test_marks_alone_make_an_application_of_their_project():
    both = found(plan(application()), shop=[marked("a")], core=[marked("b")]).applications
    assert [(one.host, one.name, one.projects, one.origin, tiers(one)) for one in both] == [
        ("shop", "shop", ("shop",), "plan", {"servers": ["a"]}),
        ("shop@core", "shop", ("core",), "marks", {"servers": ["b"]}),
    ]


def test_applications_of_marks_alone_are_of_the_last_wave():
    document = plan(application(wave="first"), waves=["first", "last"])
    assert [(one.host, one.wave) for one in found(document, shop=[marked("a")], core=[marked("b", "wiki")]).applications] == [
        ("shop", "first"),
        ("wiki@core", "last"),
    ]


def test_an_application_may_be_in_several_projects():
    (both,) = found(
        plan(application(other_projects=["core"])), shop=[marked("web", tier="front", order=2)], core=[marked("db", tier="db", order=1)]
    ).applications
    assert (both.projects, tiers(both)) == (("shop", "core"), {"db": ["db"], "front": ["web"]})


def test_a_server_is_named_by_its_id_where_its_name_does_not_tell_which_one_is_meant():
    twins = [marked("web", tier="a", order=1), server("web", id="other"), marked("{{ lookup('pipe', 'id') }}", tier="b", order=2)]
    (shop,) = found(plan(application()), shop=twins).applications
    assert tiers(shop) == {"a": ["id-web"], "b": ["id-{{ lookup('pipe', 'id') }}"]} and twins[2].id == "id-{{ lookup('pipe', 'id') }}"


def test_a_name_that_is_anothers_id_does_not_bring_the_other_one_into_the_application():
    """Owners choose names, and a definition is looked up by ids first."""
    (shop,) = found(plan(application()), shop=[server("db"), marked("id-db", id="other")]).applications
    assert (tiers(shop), shop.members) == ({"servers": ["other"]}, {"other"})


def test_a_tier_by_ids_does_not_take_servers_that_are_called_so():
    everything = found(plan(application(tiers=[{"name": "all", "servers": ["id-db"]}])), shop=[server("db"), server("id-db", id="other")])
    assert everything.applications[0].members == {"id-db"}
    assert [one.id for one in everything.strays["shop"]] == ["other"]


def test_copies_of_drills_are_of_no_application():
    copy = server("copy", metadata={"dr:application": "shop", "osdr_drill": "7"})
    everything = found(plan(application(tiers=[{"name": "all", "query": "@"}])), shop=[copy, marked("web", tier="all")])
    assert tiers(everything.applications[0]) == {"all": ["web"]}
    assert everything.strays == {}


def test_what_is_wrong_with_one_application_is_told_of_that_one():
    planned = [
        application("good", tiers=[{"name": "all", "servers": ["a"]}]),
        application("empty"),
        application("none", tiers=[{"name": "all", "query": "[?name == 'x']"}]),
    ]
    good, empty, none = sorted(found(plan(*planned), shop=[server("a")]).applications, key=lambda one: ["good", "empty", "none"].index(one.host))
    assert good.definition and not good.problems
    assert (empty.definition, none.definition) == (None, None)
    assert empty.problems == (
        "No server is marked for application 'empty', and the site plan gives it no tiers. Mark its servers, or give it tiers in the plan.",
    )
    assert none.problems == ("The definition of application 'none' is not usable: tier 'all' has no servers.",)


def test_a_marked_server_that_the_tiers_of_the_plan_leave_out_is_not_forgotten():
    planned = application(tiers=[{"name": "database", "servers": ["db"]}, {"name": "front"}])
    (shop,) = found(plan(planned), shop=[server("db"), marked("web", tier="front"), marked("new", tier="font")]).applications
    assert shop.definition is None
    assert shop.problems[0].startswith("No tier of application 'shop' in the site plan has these servers, which are marked for it: new (id-new) (tier 'font').")
    assert shop.problems[0].endswith("Its tiers are database, front: correct the marks or the plan.")


def test_a_query_that_yields_nonsense_says_of_which_tier():
    (shop,) = found(plan(application(tiers=[{"name": "all", "query": "[].name"}])), shop=[server("a")]).applications
    assert shop.problems[0].startswith("Tier 'all' of application 'shop': Query '[].name' does not yield servers.")


def test_applications_of_a_project_that_cannot_be_asked_are_in_doubt_and_no_others():
    shop, wiki = found(plan(application(), application("wiki", "core")), problem="shop", core=[marked("w", "wiki")]).applications
    assert (shop.definition, shop.problems) == (None, ("it is silent",))
    assert tiers(wiki) == {"servers": ["w"]}


def test_no_project_falls_silent_with_all_its_applications():
    """What owners marked there is unknown, and nobody would miss it."""
    (silent,) = found(plan(), problem="shop").applications
    assert (silent.host, silent.origin, silent.definition) == ("unknown@shop", "marks", None)
    assert silent.problems == ("it is silent So it is unknown which applications it has.",)


def test_a_mark_that_cannot_be_used_leaves_no_half_of_an_application():
    front, database = marked("web", tier="front", order=2), marked("db", tier="database", order="first")
    everything = found(plan(), shop=[front, database])
    (shop,) = everything.applications
    assert (shop.definition, everything.warnings, len(everything.strays["shop"])) == (None, (), 2)
    assert shop.problems[0].startswith("The mark on server db (id-db) cannot be used: dr:order is 'first' and must be a number from 0 to 9999. Correct it: ")


def test_a_mark_that_cannot_be_used_matters_only_where_the_plan_does_not_have_the_server():
    planned = application(tiers=[{"name": "database", "servers": ["db"]}])
    (shop,) = found(plan(planned), shop=[marked("db", order="first")]).applications
    assert tiers(shop) == {"database": ["db"]}
    (shop,) = found(plan(planned), shop=[server("db"), marked("web", order="first")]).applications
    assert shop.definition is None and "The mark on server web (id-web) cannot be used" in shop.problems[0]


def test_a_server_that_is_marked_for_two_applications_keeps_both_from_being_halves():
    torn = server("torn", tags=("dr:application=shop", "dr:application=wiki"))
    everything = found(plan(), shop=[torn, marked("web"), marked("w", "wiki")])
    assert [(one.host, one.definition) for one in everything.applications] == [("shop@shop", None), ("wiki@shop", None)]
    assert all("it has several tags for dr:application: 'shop' and 'wiki'" in one.problems[0] for one in everything.applications)


def test_a_mark_that_cannot_be_understood_is_a_warning_and_its_server_unprotected():
    everything = found(plan(), shop=[server("web", metadata={"dr:tier": "front"})])
    (warning,) = everything.warnings
    assert warning.startswith("Project 'shop': The mark on server web (id-web) cannot be used: ")
    assert [one.name for one in everything.strays["shop"]] == ["web"]


def test_strays_are_servers_of_no_application():
    everything = found(plan(application(tiers=[{"name": "db", "servers": ["db", "id-web"]}])), shop=[server("db"), server("web"), server("stray")])
    assert {project: [one.name for one in servers] for project, servers in everything.strays.items()} == {"shop": ["stray"]}


def test_a_server_of_several_applications_is_a_warning():
    everything = found(plan(application(tiers=[{"name": "all", "servers": ["db", "web"]}])), shop=[marked("db", "wiki"), server("web")])
    assert everything.warnings == ("Server db (id-db) belongs to applications 'shop' and 'wiki@shop'. Each of them would restore it: leave it in one.",)
    assert all(one.definition for one in everything.applications)


def test_the_plans_policy_comes_before_the_owners_and_the_owners_before_the_usual_one():
    def policy(**planned):
        (shop,) = found(plan(application(**planned), **POLICIES), shop=[marked("web", policy="gold")]).applications
        return shop.policy.name

    assert policy(policy="bronze") == "bronze"
    assert policy() == "gold"
    assert found(plan(application(), **POLICIES), shop=[marked("web")]).applications[0].policy.name == "bronze"


def test_a_policy_that_nobody_knows_is_a_warning_and_the_application_is_protected():
    def told(*servers, **more):
        everything = found(plan(application(), **more), shop=servers)
        assert everything.applications[0].definition
        return everything.applications[0].policy, everything.warnings[0]

    policy, warning = told(marked("a", policy="glod"), **POLICIES)
    assert policy.name == "bronze"
    assert warning == "Application 'shop' is marked with policy 'glod'; it is protected by policy 'bronze'. The site plan's policies are gold, bronze."
    policy, warning = told(marked("a", policy="gold"), marked("b", policy="bronze"), **POLICIES)
    assert (policy.name, "policy 'bronze' and 'gold'; it is protected by policy 'bronze'" in warning) == ("bronze", True)
    policy, warning = told(marked("a", policy="{{ 1 }}\n" + "x" * 250), **POLICIES)
    assert (policy.name, "policy '{{ 1 }} xxx" in warning, warning.isprintable(), len(warning) < 400) == ("bronze", True, True, True)
    policy, warning = told(marked("a", policy="gold"))
    assert (policy, "it is protected by the roles' defaults. The site plan's policies are none." in warning) == (None, True)
