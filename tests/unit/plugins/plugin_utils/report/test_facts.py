# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.manifests import Manifests
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.wording import stamp
from ansible_collections.osdr.openstack.tests.unit.support import runs


def test_a_checkpoint_has_its_servers_in_boot_order_each_with_its_snapshots():
    run = runs.checkpoint()
    assert [(one.name, one.seconds, len(one.snapshots)) for one in run.servers] == [("orders-db", 1.33, 2), ("payments-db", 1.5, 2), ("shop-front", 1.9, 1)]
    assert (run.skew, run.age, run.window_seconds) == (0.81, 41.49, 1.9)
    assert [one.extent for one in run.copies] == ["3 backups"] * 4 + ["1 backup"]


@pytest.mark.parametrize(("least", "is_met"), [("quiesced", True), ("crash", True), ("offline", False), ("", False), ("nonsense", False)])
def test_the_policy(least, is_met):
    assert runs.checkpoint(consistency=least).meets_policy == is_met


def test_without_evidence_nothing_is_made_up():
    run = runs.checkpoint(runs.manifest(evidence={}, consistency="crash"), restorable_at="")
    assert (run.skew, run.age, run.window_seconds) == (None, None, None)
    assert {(one.consistency, one.seconds, one.snapshots) for one in run.servers} == {("", None, ())}


@pytest.mark.parametrize(
    "evidence",
    [
        {"window": "long", "servers": "many", "snapshots": {"a": 1}},
        {"window": [1], "servers": [None, 3, {"id": ["x"]}], "snapshots": [[], {"volume_id": {}}]},
        {"window": {"started": 5, "seconds": "1"}, "servers": [{**runs.frozen("orders-db", "database"), "filesystems": "two", "thawed_at": {}}]},
    ],
)
def test_evidence_that_is_odd_is_not_known(evidence):
    run = runs.checkpoint(runs.manifest(evidence=evidence))
    assert (run.window_seconds, run.skew) == (None, None)
    assert {one.filesystems for one in run.servers} == {None}


@pytest.mark.parametrize("document", [None, {}, [], {"checkpoint": {"id": "noon"}}, {"application": {"name": "shop"}, "checkpoint": 3}])
def test_what_is_no_manifest_is_refused(document):
    with pytest.raises(InvalidInput, match="names no application or no checkpoint"):
        Manifests.of(document)


def test_parts_of_different_checkpoints_are_refused():
    first, second = runs.in_two_projects()
    second["checkpoint"]["id"] = "later"
    with pytest.raises(InvalidInput, match="is of checkpoint 'later' of application 'shop', not of '2026-11-22-noon' of 'shop'"):
        Manifests.of(first, second)


def test_the_parts_of_several_projects_are_put_together_in_boot_order():
    """Whichever project leads: with the same figures as in one project, but each with the project that has it."""
    databases, front = runs.in_two_projects()
    whole, run = runs.checkpoint(), runs.checkpoint(front, parts=[databases])
    assert [(one.name, one.project) for one in run.servers] == [("orders-db", "p-databases"), ("payments-db", "p-databases"), ("shop-front", "p-front")]
    assert [(one.volume, one.project) for one in run.copies][3:] == [("payments-db-data", "p-databases"), ("shop-front-boot", "p-front")]
    assert run.point.projects == ("p-front", "p-databases")
    assert [dataclasses.replace(one, project="") for one in (*run.servers, *run.copies)] == [*whole.servers, *whole.copies]
    assert (run.skew, run.window_seconds, run.proof_age) == (whole.skew, whole.window_seconds, whole.proof_age)


def test_what_was_restored_is_known_with_the_project_that_had_it():
    databases, front = runs.in_two_projects()
    run = runs.restore(databases, parts=[front])
    assert [one.project for one in run.servers] == ["p-databases", "p-databases", "p-front"]
    assert [(one.name, one.project) for one in run.volumes][3:] == [("payments-db-data", "p-databases"), ("shop-front-boot", "p-front")]
    assert (run.of_servers, [len(one.volumes) for one in run.servers]) == (3, [2, 2, 1])


def test_one_part_by_itself_claims_to_be_no_more():
    assert runs.restore(runs.in_two_projects()[0]).point.projects == ()


def test_the_calls_that_restored_the_volumes_are_put_together():
    data = next(one for one in runs.restore().volumes if one.name == "orders-db-data")
    assert (stamp(data.requested_at), stamp(data.ready_at)) == (runs.at(3.4, 30), runs.at(19.0, 30))
    assert (data.seconds, data.status, data.was_there) == (15.6, "available", False)


def test_the_times_of_servers_are_moments():
    server = runs.restore().servers[2]
    assert [stamp(moment) for moment in (server.created_at, server.active_at, server.ready_at)] == [runs.at(38.7, 30), runs.at(45.6, 30), runs.at(47.8, 30)]
    assert (server.fixed_ips, server.floating_ips) == (("10.10.0.13",), ("10.88.2.33",))


def test_addresses_that_no_server_has_are_those_of_the_last_call_that_knows_them():
    virtual = {"name": "vip", "network": "shop-net", "port_id": "p", "fixed_ips": ["10.10.0.100"], "floating_ips": []}
    forwarding = {"source_id": "f", "floating_ip": None}
    first = {"servers": [], "ports": [virtual], "forwarding_floating_ips": [forwarding]}
    last = {"servers": [], "ports": [{**virtual, "floating_ips": ["10.88.2.40"]}], "forwarding_floating_ips": [{**forwarding, "floating_ip": "10.88.2.41"}]}
    assert [dataclasses.astuple(one) for one in runs.restore(servers=[first, last]).addresses] == [
        ("vip", "shop-net", ("10.10.0.100",), ("10.88.2.40",)),
        ("", "", (), ("10.88.2.41",)),
    ]
    assert runs.restore().addresses == ()


def test_tiers_that_were_restored_one_by_one_are_put_together():
    database, front = runs.restored("orders-db", "database"), runs.restored("shop-front", "front")
    calls = [{"started_at": runs.at(second, 30), "servers": [server]} for second, server in ((10, database), (20, front))]
    found = {one.name: stamp(one.created_at) for one in runs.restore(servers=calls).servers}
    assert found == {"orders-db": runs.at(10 + database["seconds"]["created"], 30), "shop-front": runs.at(20 + front["seconds"]["created"], 30)}


def test_what_an_earlier_run_restored_has_no_times():
    there = [{"started_at": runs.at(3, 30), "volumes": [_kept(one) for one in result["volumes"]]} for result in runs.volume_results()]
    kept = [runs.restored("orders-db", "database", seconds={"created": None, "active": None, "ready": None})]
    run = runs.restore(volumes=there, servers=[{"started_at": runs.at(5, 30), "servers": kept}])
    assert {(one.was_there, one.seconds) for one in run.volumes} == {(True, None)}
    assert [(one.was_there, one.seconds) for one in run.servers] == [(True, None)]


def _kept(volume):
    return {**volume, "status": "in-use", "seconds": {"requested": None, "ready": 0.2}}


def test_a_volume_that_was_under_way_was_not_there():
    results = runs.volume_results()
    for volume in results[0]["volumes"]:
        volume["seconds"]["requested"] = None
    assert {(one.was_there, one.seconds) for one in runs.restore(volumes=results).volumes} == {(False, None)}


def test_a_restore_of_which_little_is_known():
    run = runs.restore(began_at="", volumes=[{}], servers=[{"servers": [{"name": "orders-db"}, None]}, None])
    assert (run.age, run.ended_at, run.volumes) == (None, None, ())
    assert [one.name for one in run.servers] == ["orders-db", ""]


def shared(run_of, **given):
    """A run of the application whose databases share the second volume of the first one."""
    document = runs.manifest()
    database, other, _front = document["servers"]
    other["volumes"].append(database["volumes"][1])
    return run_of(document, **given)


def test_a_volume_of_several_servers_is_copied_once_for_both():
    run = shared(runs.checkpoint)
    assert [(one.volume, one.servers) for one in run.copies if len(one.servers) > 1] == [("orders-db-data", ("orders-db", "payments-db"))]
    assert len(run.copies) == len(runs.VOLUMES)
    assert [len(one.snapshots) for one in run.servers] == [2, 3, 1]


def test_a_volume_of_several_servers_is_restored_once_and_both_wait_for_it():
    calls = runs.volume_results()
    for call in calls:
        call["volumes"][1]["servers"] = ["orders-db", "payments-db"]
    run = shared(runs.restore, volumes=calls)
    assert [len(one.volumes) for one in run.servers] == [2, 3, 1]
    assert len(run.volumes) == len(runs.VOLUMES)


def test_the_age_of_a_checkpoint_is_by_the_clock_of_its_site():
    taken_there = runs.manifest(created_at=runs.at(30.61, minute=1), evidence={**runs.evidence(), "clock": {"ahead": 90.0, "within": 0.2}})
    assert runs.checkpoint(taken_there).age == runs.checkpoint().age == 41.49


def test_the_age_of_the_data_that_is_restored_is_by_the_clocks_of_the_sites():
    here, there = runs.restore(), runs.restore(clock_ahead=90.0)
    assert there.age - here.age == pytest.approx(90)
    assert (there.began_at, there.ended_at) == (here.began_at, here.ended_at)
