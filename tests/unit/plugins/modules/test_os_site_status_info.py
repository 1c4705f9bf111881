# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of two sites, and what a person must do: everything but the wire is real."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.osdr.openstack.plugins.modules import os_site_status_info
from ansible_collections.osdr.openstack.tests.unit.support.memory.watched import DAY, GOLD, HOUR, Watched


@pytest.fixture
def site():
    """Two applications, each as its policy wants it."""
    made = Watched()
    made.application("identity", "core", "keycloak")
    made.application("shop", "shop", "orders-db", "shop-front", depends_on=["identity"])
    made.keep_infrastructure()
    for name, project in (("identity", "core"), ("shop", "shop")):
        manifest = made.checkpoint(name, project, 600)
        made.drill(manifest, project, DAY)
    return made


def told(found, *kinds):
    """Level, kind, place and what is wrong, of alerts of some kinds, or all."""
    return [(one["level"], one["kind"], one["where"], one["what"]) for one in found["status"]["alerts"] if not kinds or one["kind"] in kinds]


def of(found, host):
    return next(one for one in found["status"]["applications"] if one["host"] == host)


def test_where_all_is_well_nobody_has_to_do_anything(site):
    found = site.look()
    assert told(found) == []
    assert found["status"]["level"] is None
    assert [(one["host"], one["age"], one["consistency"], one["missing"]) for one in found["status"]["applications"]] == [
        ("identity", 600.0, "quiesced", []),
        ("shop", 600.0, "quiesced", []),
    ]


# Recovery points


@pytest.mark.parametrize(
    ("seconds", "age", "level"),
    [(HOUR - 1, "", None), (HOUR + 61, "1 h 1 min", "warning"), (2 * HOUR + 1, "2 h 0 min", "critical")],
    ids=["on time", "late", "one was missed"],
)
def test_an_old_recovery_point_is_told_by_the_interval_of_its_policy(site, seconds, age, level):
    site.checkpoint("shop", "shop", seconds)
    found = site.look()
    what = f"The newest checkpoint that can be restored is {age} old, and policy 'gold' wants one every 1 h."
    assert told(found, "late") == ([(level, "late", "Application 'shop'", what)] if level else [])
    assert of(found, "shop")["late"] == (level is not None)


def test_without_a_policy_nothing_is_late(site):
    site.policies = {}
    for one in site.applications:
        del one["policy"]
    site.checkpoint("shop", "shop", 50 * DAY)
    found = site.look()
    assert told(found) == []
    assert (of(found, "shop")["policy"], of(found, "shop")["late"], of(found, "shop")["drill_due"]) == (None, False, False)


def test_a_lower_consistency_than_the_policy_wants_is_critical(site):
    site.checkpoint("shop", "shop", 60, "later", consistency="crash")
    found = told(site.look(), "consistency")
    assert found == [("critical", "consistency", "Application 'shop'", "Its newest checkpoint is crash-consistent, and policy 'gold' wants quiesced.")]


def test_what_cannot_be_restored_is_told_and_does_not_count(site):
    newer = site.checkpoint("shop", "shop", 60, "later")
    del site.south.cinder.by_id["backups"][newer.copies[0].copy_id]
    found = site.look()
    assert [what.partition(". ")[0] for _level, _kind, where, what in told(found, "unusable") if where == "Application 'shop'"] == [
        "Checkpoint 'later' cannot be restored"
    ]
    assert (of(found, "shop")["checkpoint"], of(found, "shop")["age"]) == ("noon", 600.0)


def test_a_damaged_manifest_hides_no_other(site):
    site.south.swift.objects[site.project("south", "shop"), "osdr-catalogue"]["shop/broken.json"] = b"{"
    found = site.look()
    assert [(level, where) for level, _kind, where, _what in told(found, "unusable")] == [("warning", "Application 'shop'")]
    assert of(found, "shop")["checkpoint"] == "noon"


def test_an_application_without_any_checkpoint(site):
    site.application("crm", "core", "crm-1")
    found = site.look()
    assert told(found, "nothing") == [("critical", "nothing", "Application 'crm'", "Nothing can be restored.")]
    assert (of(found, "crm")["restorable"], of(found, "crm")["missing"], of(found, "crm")["predicted_seconds"]) == (0, None, None)


def test_each_application_may_have_a_key_of_its_own(site):
    site.key = "secret of the shop"
    site.checkpoint("shop", "shop", 300, "signed")
    site.key = None
    assert of(site.look(hmac_keys={"shop": "secret of the shop"}), "shop")["checkpoint"] == "signed"


@pytest.mark.parametrize("key", ["", None])
def test_a_key_that_was_not_found_does_not_switch_verification_off(site, key):
    found = site.look(hmac_keys={"shop": key})
    ((level, _kind, where, what),) = told(found, "unreadable")
    assert (level, where) == ("critical", "Application 'shop'")
    assert "hmac_key is empty, so nothing would be signed or verified." in what
    assert (of(found, "shop")["restorable"], of(found, "identity")["age"]) == (None, 600.0)


def test_what_runs_elsewhere_is_not_judged_by_the_plan(site):
    site.runs_at("shop", "shop", "south")
    site.checkpoint("shop", "shop", 5 * DAY)
    found = site.look()
    assert [(level, kind) for level, kind, where, _what in told(found) if where == "Application 'shop'"] == [("warning", "moved")]
    assert of(found, "shop")["active_site"] == "south"


# Drills


def test_a_drill_is_due_by_the_interval_of_the_policy(site):
    site.policies = {"gold": {**GOLD, "drill_interval": "12h"}}
    site.application("crm", "core", "crm-1")
    site.checkpoint("crm", "core", 60)
    assert told(site.look(), "drill") == [
        ("warning", "drill", "Application 'crm'", "No drill has ever passed, and policy 'gold' wants one every 12 h."),
        ("warning", "drill", "Application 'identity'", "The last drill passed 1 d 0 h ago, and policy 'gold' wants one every 12 h."),
        ("warning", "drill", "Application 'shop'", "The last drill passed 1 d 0 h ago, and policy 'gold' wants one every 12 h."),
    ]


def test_changes_since_the_last_drill_are_told(site):
    server = next(one for one in site.north.nova.by_id["servers"].values() if one["name"] == "shop-front")
    server["metadata"]["role"] = "front"
    site.checkpoint("shop", "shop", 60, "later")
    found = site.look()
    ((level, _kind, where, what),) = told(found, "changes")
    assert (level, where) == ("warning", "Application 'shop'")
    assert "server shop-front: metadata was {}, is {'role': 'front'}" in what
    assert len(of(found, "shop")["changes"]) == 1


def test_that_nobody_knows_what_has_changed_is_told(site):
    site.checkpoint("shop", "shop", 60, "later")
    del site.south.swift.objects[site.project("south", "shop"), "osdr-catalogue"]["shop/noon.json"]
    ((level, _kind, where, what),) = told(site.look(), "changes")
    assert (level, where) == ("warning", "Application 'shop'")
    assert what == "Checkpoint 'noon', which was drilled last, is not there any more, so what has changed since then is unknown."


# Predictions


def test_what_drills_have_measured_predicts_the_recovery(site):
    found = site.look()
    assert {one["host"]: (one["predicted_seconds"], one["predicted_by_own_drills"]) for one in found["status"]["applications"]} == {
        "identity": (60.0, True),
        "shop": (60.0, True),
    }
    recovery = found["status"]["recovery"]
    assert (recovery["seconds"], recovery["whole"], recovery["critical_path"]) == (120.0, True, ["identity", "shop"])


def test_a_larger_volume_takes_longer(site):
    site.application("crm", "core", "crm-1")
    volume = site.north.nova.by_id["servers"]
    root = next(one for one in volume.values() if one["name"] == "crm-1")["_volumes"][0]["volume_id"]
    site.north.cinder.by_id["volumes"][root]["size"] = 5
    site.checkpoint("crm", "core", 60)
    one = of(site.look(), "crm")
    # A GiB took 30 s; the boot 15 s, the check 7.5 s, and all else 7.5 s.
    assert (one["predicted_seconds"], one["predicted_by_own_drills"], one["unmeasured"]) == (180.0, False, [])


def test_what_was_never_measured_is_not_guessed():
    site = Watched()
    site.application("crm", "core", "crm-1")
    site.drill(site.checkpoint("crm", "core", 60), "core", DAY, volumes=())
    found = site.look()
    one = of(found, "crm")
    assert (one["predicted_seconds"], one["unmeasured"]) == (None, ["the time that volumes take", "the time for everything else"])
    assert (found["status"]["recovery"]["whole"], found["status"]["recovery"]["unknown"]) == (False, ["crm"])


def test_predictions_are_compared_with_the_drills_that_followed(site):
    site.drill(site.checkpoint("shop", "shop", 600), "shop", HOUR, took=80.0)
    found = site.look()
    drill = of(found, "shop")["drill"]
    assert (drill["recovery_seconds"], drill["predicted_seconds"], drill["deviation"]) == (80.0, 60.0, 0.25)
    # Those that were the first ones could not be predicted.
    assert of(found, "identity")["drill"]["predicted_seconds"] is None
    assert found["status"]["recovery"]["deviation"] == 0.25


# What would be missing


def test_what_a_restore_lacks_is_told_with_what_to_do(site):
    site.south.nova.by_id["flavors"].clear()
    found = site.look()
    missing = told(found, "missing")
    assert [(level, where) for level, _kind, where, _what in missing] == [("critical", "Application 'identity'"), ("critical", "Application 'shop'")]
    assert all("flavor" in what for _level, _kind, _where, what in missing)
    assert "Flavor 'small' is missing. Needed by identity, shop." in [what for _level, _kind, _where, what in told(found, "infrastructure")]


def test_a_quota_that_suffices_for_each_but_not_for_all(site):
    site.application("crm", "shop", "crm-1")
    site.checkpoint("crm", "shop", 60)
    site.south.nova.limits.limit = {"instances": 2}
    found = site.look()
    assert told(found, "missing") == []
    assert ("critical", "quota", "Project 'shop'", "Together, crm, shop need 3 of the quota 'instances' at site 'south', and 2 are left.") in told(found)


def test_hosts_without_room(site):
    site.south.placement.hosts = {"host-1": {"VCPU": (2, 0), "MEMORY_MB": (2048, 1536)}}
    found = site.look()
    ((level, _kind, where, what),) = told(found, "capacity")
    assert (level, where) == ("critical", "Site 'south'")
    assert what.startswith("For 2 of the 3 servers that would be restored no host has room left: together they need 3 processors and 1536 MiB of memory")
    assert found["status"]["capacity"]["memory"] == {"needed": 1536, "left": 512}


def test_what_only_administrators_know_is_told_as_unknown_without_one(site):
    plan = site.plan()
    del plan["sites"]["remote"]["admin_cloud"]
    found = site.look(plan)
    assert [(level, where, what.partition(". ")[0]) for level, _kind, where, what in told(found)] == [
        ("warning", "Site 'south'", "Whether its hosts have room for all servers is unknown"),
        ("warning", "Site 'south'", "What applications stand on could not be compared"),
    ]
    assert (found["status"]["capacity"], found["status"]["infrastructure"]) == (None, None)


# What cannot be read, and what nobody protects


def test_a_project_that_does_not_answer_hides_no_other(site):
    site.silence("south-shop")
    found = site.look()
    unreadable = {where: (level, what) for level, _kind, where, what in told(found, "unreadable")}
    assert {where: level for where, (level, _what) in unreadable.items()} == {"Project 'shop'": "critical", "Site 'south'": "warning"}
    assert unreadable["Project 'shop'"][1].startswith("It cannot be asked at site 'south', so what can be restored of its applications is unknown.")
    assert unreadable["Site 'south'"][1].startswith("What applications stand on could not be compared.")
    assert (of(found, "shop")["restorable"], of(found, "identity")["age"]) == (None, 600.0)


def test_a_project_that_does_not_answer_at_the_primary_site_is_judged_by_what_its_catalogue_has(site):
    site.application("wiki", "shop", "wiki-1")
    site.checkpoint("wiki", "shop", 5 * HOUR)
    # Its owner has marked it; the plan does not name it.
    site.applications = [one for one in site.applications if one["name"] != "wiki"]
    plan = site.plan(default_policy="gold")
    site.silence("north-shop")
    found = site.look(plan)
    assert [(level, where) for level, _kind, where, _what in told(found, "unreadable")] == [("critical", "Project 'shop'")]
    assert [(level, where) for level, _kind, where, _what in told(found, "late")] == [("critical", "Application 'wiki@shop'")]
    assert told(found, "problem", "abandoned", "nothing") == []
    assert of(found, "shop")["age"] == 600.0


def test_without_the_primary_site_the_catalogues_tell(site):
    site.silence("north")
    found = site.look()
    assert [(level, where) for level, _kind, where, _what in told(found, "unreadable")] == [("critical", "Site 'north'")]
    assert [(one["host"], one["age"]) for one in found["status"]["applications"]] == [("identity", 600.0), ("shop", 600.0)]


def test_services_that_do_not_tell_what_restores_lack(site):
    site.south.absent.add("placement")
    site.south.neutron.by_id["networks"] = None
    found = site.look()
    unknown = [(level, where) for level, _kind, where, what in told(found, "unreadable") if "is unknown" in what]
    assert ("warning", "Project 'shop'") in unknown and ("warning", "Site 'south'") in unknown
    assert (of(found, "shop")["age"], of(found, "shop")["missing"]) == (600.0, None)


def test_servers_that_nobody_protects(site):
    site.server("shop", "build-3", "small", gigabytes=7, created="2025-12-01T00:00:00Z")
    found = site.look()
    ((level, _kind, where, what),) = told(found, "unprotected")
    assert (level, where) == ("warning", "Project 'shop'")
    assert what == "Nobody protects 1 server with 7 GiB, the oldest since 2025-12-01T00:00:00Z: build-3."


def test_checkpoints_of_applications_that_are_none_any_more(site):
    site.applications = [{**one, "depends_on": []} for one in site.applications if one["name"] != "identity"]
    found = told(site.look(), "abandoned")
    what = "There are checkpoints of identity, and no servers that are marked for them or that the plan names."
    assert found == [("warning", "abandoned", "Project 'core'", what)]


def test_critical_things_come_first(site):
    site.server("core", "build-3", "small")
    site.application("crm", "core", "crm-1")
    levels = [one["level"] for one in site.look()["status"]["alerts"]]
    assert levels == sorted(levels) and set(levels) == {"critical", "warning"}


# Figures


def test_figures_for_prometheus(site):
    site.server("shop", "build-3", "small", gigabytes=7)
    lines = site.look()["metrics"].splitlines()
    assert lines[:3] == [
        "# HELP osdr_status_timestamp_seconds When this was written.",
        "# TYPE osdr_status_timestamp_seconds gauge",
        'osdr_status_timestamp_seconds{site="north"} 1768046400.0',
    ]
    assert {
        'osdr_rpo_age_seconds{application="shop",site="north"} 600.0',
        'osdr_rpo_limit_seconds{application="shop",site="north"} 3600',
        'osdr_last_drill_age_seconds{application="shop",site="north"} 86400.0',
        'osdr_predicted_recovery_seconds{application="shop",site="north"} 60.0',
        'osdr_plan_predicted_recovery_seconds{site="north"} 120.0',
        'osdr_unprotected_servers{site="north",project="shop"} 1',
        f'osdr_unprotected_bytes{{site="north",project="shop"}} {7 * 1024**3}',
        'osdr_servers_without_room{site="south"} 0',
        'osdr_alerts{site="north",level="critical"} 0',
        'osdr_alerts{site="north",level="warning"} 1',
    } <= set(lines)
    named = [line.split()[2] for line in lines if line.startswith("# HELP")]
    assert len(named) == len(set(named)) == sum(line.startswith("# TYPE") for line in lines)


def test_the_documentation_names_what_is_returned(site):
    site.application("crm", "core", "crm-1")
    status = site.look()["status"]
    documented = yaml.safe_load(os_site_status_info.RETURN)["status"]["contains"]
    assert set(status) == set(documented)
    for name in ("alerts", "applications"):
        assert set(status[name][0]) == set(documented[name]["contains"])
    assert set(of({"status": status}, "shop")["drill"]) == set(documented["applications"]["contains"]["drill"]["contains"])
    for name in ("recovery", "capacity"):
        assert set(status[name]) == set(documented[name]["contains"])
