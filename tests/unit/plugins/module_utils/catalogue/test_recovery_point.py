# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue, Damaged, parse_time
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.known import KnownParts
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.metrics import metrics
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.recovery_point import AgeLimits, RecoveryPoint, unavailable
from ansible_collections.osdr.openstack.plugins.module_utils.copies.methods import by_id
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import signed
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Content, Manifest
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeStore, backup

NOW = parse_time("2026-01-01T13:00:00Z")
TEN = shop.taken("ten", "2026-01-01T10:00:00Z", "paused")
NOON = shop.manifest()
DRILLED = shop.drilled()
DAMAGED = Damaged("shop/one.json", "one", "It is damaged.")


def catalogue(*manifests, **objects):
    stored = {f"shop/{one.checkpoint.id}.json": one.dump() for one in manifests}
    return Catalogue(FakeStore(**stored, **objects))


def point(*manifests, backups=None, damaged=(), drill=None):
    objects = {one.name: b"{" for one in damaged} | ({drill.object_name: drill.dump()} if drill else {})
    return RecoveryPoint.of("shop", catalogue(*manifests, **objects), by_id(shop.backups() if backups is None else backups), "remote")


def lacking(manifest):
    """The checkpoint with a backup in its chains that no site has."""
    copies = [{**copy, "chain": [shop.uuid(77), *copy["chain"]]} for copy in shop.DOCUMENT["copies"][:1]]
    return type(manifest).parse({**manifest.as_dict(), "copies": copies + shop.DOCUMENT["copies"][1:]})


def test_every_backup_of_every_chain_counts():
    assert unavailable(NOON, by_id(shop.backups()), "remote") == []
    assert len(unavailable(NOON, by_id([]), "remote")) == 6
    assert len(unavailable(NOON, by_id(shop.backups(status="error")), "remote")) == 3
    assert unavailable(NOON, by_id(shop.backups(status="restoring")), "remote") == []
    assert unavailable(NOON, by_id(shop.backups()[1:]), "remote") == [
        f"Backup {shop.uuid(91)} of volume {shop.uuid(1)} is not available on site 'remote'."
    ]


def test_a_copy_of_a_method_that_is_not_known_cannot_be_restored():
    first, *others = NOON.copies
    manifest = dataclasses.replace(NOON, copies=(dataclasses.replace(first, method="pigeon"), *others))
    (problem,) = unavailable(manifest, by_id(shop.backups()), "remote")
    assert problem.startswith(f"The copy of volume {shop.uuid(1)} was made by the method 'pigeon', which this release does not know")


def test_the_newest_that_can_be_restored_counts():
    found = point(NOON, TEN).as_dict(NOW, AgeLimits(3600))
    assert (found["checkpoint"], found["created_at"], found["age"]) == ("noon", "2026-01-01T12:00:00Z", 3600.0)
    assert (found["consistency"], found["restorable"], found["not_restorable"], found["within"]) == ("quiesced", 2, [], True)


def test_a_newer_one_that_cannot_be_restored_is_told():
    found = point(lacking(NOON), TEN, damaged=(DAMAGED,)).as_dict(NOW, AgeLimits(3600))
    assert (found["checkpoint"], found["age"], found["restorable"], found["within"]) == ("ten", 10800.0, 1, False)
    (newer,) = found["not_restorable"]
    assert (newer["checkpoint"], newer["created_at"]) == ("noon", "2026-01-01T12:00:00Z")
    assert shop.uuid(77) in newer["problem"]
    (damaged,) = found["damaged"]
    assert (damaged["name"], "not a JSON document" in damaged["problem"]) == ("shop/one.json", True)


def test_an_older_one_that_cannot_be_restored_is_only_not_counted():
    found = point(NOON, lacking(TEN)).as_dict(NOW, AgeLimits())
    assert (found["restorable"], found["not_restorable"]) == (1, [])


@pytest.mark.parametrize(("max_age", "within"), [(None, True), (3599, False), (3600, True), (3601, True), (0, False)])
def test_within_is_within_the_limit(max_age, within):
    assert point(NOON).as_dict(NOW, AgeLimits(max_age))["within"] is within


@pytest.mark.parametrize("max_age", [None, 10**9])
@pytest.mark.parametrize("nothing", [point(), point(NOON, backups=[backup("other")]), point(damaged=(DAMAGED,))])
def test_nothing_that_can_be_restored_is_never_within(nothing, max_age):
    found = nothing.as_dict(NOW, AgeLimits(max_age))
    assert (found["checkpoint"], found["age"], found["restorable"], found["within"]) == (None, None, 0, False)


def test_metrics_are_what_prometheus_reads():
    assert metrics([point(NOON, TEN, drill=DRILLED), RecoveryPoint("none", None, 0, (), ())], NOW).splitlines() == [
        "# HELP osdr_recovery_point_age_seconds Age of the newest checkpoint that can be restored, when this was written.",
        "# TYPE osdr_recovery_point_age_seconds gauge",
        'osdr_recovery_point_age_seconds{application="shop"} 3600.0',
        "# HELP osdr_recovery_point_timestamp_seconds Moment of the newest checkpoint that can be restored.",
        "# TYPE osdr_recovery_point_timestamp_seconds gauge",
        'osdr_recovery_point_timestamp_seconds{application="shop"} 1767268800.0',
        "# HELP osdr_recovery_points Number of checkpoints that can be restored.",
        "# TYPE osdr_recovery_points gauge",
        'osdr_recovery_points{application="shop"} 2',
        'osdr_recovery_points{application="none"} 0',
        "# HELP osdr_recovery_point_consistency_info Consistency of the newest checkpoint that can be restored.",
        "# TYPE osdr_recovery_point_consistency_info gauge",
        'osdr_recovery_point_consistency_info{application="shop",consistency="quiesced"} 1',
        "# HELP osdr_drill_age_seconds Age of the last drill that passed, when this was written.",
        "# TYPE osdr_drill_age_seconds gauge",
        'osdr_drill_age_seconds{application="shop"} 1800.0',
        "# HELP osdr_drill_timestamp_seconds Moment at which the last drill passed.",
        "# TYPE osdr_drill_timestamp_seconds gauge",
        'osdr_drill_timestamp_seconds{application="shop"} 1767270600.0',
        "# HELP osdr_drill_recovery_seconds Recovery time measured by the last drill that passed.",
        "# TYPE osdr_drill_recovery_seconds gauge",
        'osdr_drill_recovery_seconds{application="shop"} 71.4',
        "# HELP osdr_content_proof_age_seconds Age of the oldest of the last proofs of each volume's content, when this was written.",
        "# TYPE osdr_content_proof_age_seconds gauge",
        'osdr_content_proof_age_seconds{application="shop"} 176400.0',
        "# HELP osdr_content_proof_timestamp_seconds Moment of the oldest of the last proofs of each volume's content.",
        "# TYPE osdr_content_proof_timestamp_seconds gauge",
        'osdr_content_proof_timestamp_seconds{application="shop"} 1767096000.0',
        "# HELP osdr_content_unproved_volumes Number of volumes whose content was never proved.",
        "# TYPE osdr_content_unproved_volumes gauge",
        'osdr_content_unproved_volumes{application="shop"} 0',
    ]


@pytest.mark.parametrize(("limit", "within"), [(None, True), (1799, False), (1800, True)])
def test_a_drill_is_within_its_own_limit(limit, within):
    found = point(NOON, drill=DRILLED).as_dict(NOW, AgeLimits(drill_age=limit))
    assert found["drill"] == {
        "drill": "7", "checkpoint": "noon", "finished_at": "2026-01-01T12:30:00Z", "age": 1800.0, "recovery_seconds": 71.4
    }
    assert (found["drill_within"], found["within"]) == (within, True)


@pytest.mark.parametrize(("limit", "within"), [(None, True), (10**9, False)])
def test_what_was_never_drilled_is_within_no_limit(limit, within):
    found = point(NOON).as_dict(NOW, AgeLimits(drill_age=limit))
    assert (found["drill"], found["drill_within"]) == (None, within)


def test_limits_that_nothing_can_keep_are_refused():
    unlimited = {"max_age": None, "max_drill_age": None, "max_proof_age": None}
    assert AgeLimits.parse({"max_age": 0, "max_drill_age": 1, "max_proof_age": 2, "applications": []}) == AgeLimits(0, 1, 2)
    for option in unlimited:
        with pytest.raises(InvalidInput, match=f"{option} is -1"):
            AgeLimits.parse({**unlimited, option: -1})


def proving(*contents):
    """The checkpoint with what is known of the content of its volumes."""
    return dataclasses.replace(NOON, copies=tuple(dataclasses.replace(one, content=content) for one, content in zip(NOON.copies, contents, strict=True)))


RECENT, OLD, NEVER = Content("2026-01-01T12:30:00.000Z", "noon", "restore"), Content("2026-01-01T11:00:00Z", "eleven", "readable", 1), Content()


@pytest.mark.parametrize(
    ("contents", "limit", "age", "unproved", "within"),
    [
        pytest.param((RECENT, OLD, RECENT), 7200, 7200.0, 0, True, id="the oldest counts"),
        pytest.param((RECENT, OLD, RECENT), 7199, 7200.0, 0, False, id="too old"),
        pytest.param((RECENT, OLD, RECENT), None, 7200.0, 0, True, id="no limit"),
        pytest.param((RECENT, NEVER, NEVER), 10**9, None, 2, False, id="never is within no limit"),
        pytest.param((RECENT, NEVER, RECENT), None, None, 1, True, id="none is required"),
    ],
)
def test_proofs_of_content_are_within_their_own_limit(contents, limit, age, unproved, within):
    found = point(proving(*contents)).as_dict(NOW, AgeLimits(proof_age=limit))
    assert (found["content"]["age"], found["content"]["unproved"], found["proof_within"]) == (age, unproved, within)


def test_each_volume_tells_when_and_by_which_checkpoint_it_was_proved():
    volumes = {one["volume_id"]: one for one in point(proving(RECENT, OLD, NEVER)).as_dict(NOW, AgeLimits())["content"]["volumes"]}
    last = volumes[shop.uuid(3)]
    assert volumes[shop.uuid(1)] == {
        "server": "orders-db",
        "device": "/dev/vda",
        "volume_id": shop.uuid(1),
        "verified": "objects",
        "proved_at": "2026-01-01T12:30:00.000Z",
        "proved_by": "noon",
        "how": "restore",
        "age": 1800.0,
    }
    assert (volumes[shop.uuid(2)]["how"], last["how"]) == ("readable", None)
    assert (last["proved_at"], last["proved_by"], last["age"]) == (None, None, None)


def test_a_restore_that_was_not_compared_is_told_apart():
    assert point(proving(RECENT, OLD, RECENT)).as_dict(NOW, AgeLimits())["content"]["compared"] == 2


def test_what_cannot_be_restored_has_no_proofs():
    found = point().as_dict(NOW, AgeLimits(proof_age=10**9))
    assert (found["content"], found["proof_within"]) == (None, False)


def test_a_volume_without_a_proof_is_counted_and_leaves_no_age():
    written = metrics([point(proving(RECENT, NEVER, OLD))], NOW)
    assert 'osdr_content_unproved_volumes{application="shop"} 1\n' in written
    assert "osdr_content_proof_age_seconds{" not in written
    assert "osdr_content_proof_timestamp_seconds{" not in written


def test_labels_are_escaped():
    named = RecoveryPoint('a"b\\c\nd', None, 0, (), ())
    assert 'osdr_recovery_points{application="a\\"b\\\\c\\nd"} 0\n' in metrics([named], NOW)


# What is read


def beheaded(manifest):
    """A manifest with the right digest, of which only what comes after the copies is wrong."""
    return signed.dump({**manifest.as_dict(), "servers": []})


def test_only_the_newest_that_can_be_restored_is_read_as_a_whole(monkeypatch):
    load, loaded = Manifest.load, []
    monkeypatch.setattr(Manifest, "load", lambda content, seal: loaded.append(found := load(content, seal)) or found)
    assert point(lacking(NOON), TEN, shop.taken("nine", "2026-01-01T09:00:00Z")).count == 2
    assert [one.checkpoint.id for one in loaded] == ["ten"]


def test_one_that_turns_out_to_be_damaged_hides_no_older_one():
    found = RecoveryPoint.of("shop", catalogue(TEN, **{"shop/noon.json": beheaded(NOON)}), by_id(shop.backups()), "remote")
    assert (found.newest, found.count, [one.name for one in found.damaged]) == (TEN, 1, ["shop/noon.json"])
    assert found.listed == {"noon", "ten"}


def test_one_that_is_replaced_meanwhile_is_judged_again(monkeypatch):
    made = catalogue(NOON, TEN)
    monkeypatch.setattr(made, "look", lambda application, checkpoint: lacking(NOON) if checkpoint == "noon" else TEN)
    found = RecoveryPoint.of("shop", made, by_id(shop.backups()), "remote")
    assert (found.newest, found.count) == (TEN, 1)


def test_of_many_problems_a_few_are_told():
    backups = [one for one in shop.backups() if one.id == shop.uuid(91)]
    (unusable,) = point(NOON, backups=backups).newer
    assert (len(unusable.problems), unusable.problems[-1]) == (5, f"Backup {shop.uuid(103)} of volume {shop.uuid(3)} is not available on site 'remote'.")
    (unusable,) = point(NOON, backups=[]).newer
    assert (len(unusable.problems), unusable.problems[-1]) == (6, "And 1 more.")
    assert unusable.checkpoint.evidence == {}


def test_what_is_known_of_parts_is_their_state_and_the_newest_of_each_published_checkpoint():
    marks = {"osdr_application": "shop", "osdr_checkpoint": "noon", "osdr_manifest": "1:0"}
    parts = [
        backup("a", metadata=marks, data_timestamp="2026-01-01T12:00:00"),
        backup("b", metadata=marks, data_timestamp="2026-01-01T12:00:01", status="error"),
        backup("c", metadata={**marks, "osdr_checkpoint": "ten"}, status="restoring"),
        # Nobody's, and of a checkpoint that was not published.
        backup("d", metadata={"osdr_manifest": "1:0"}),
        backup("e", metadata={**dict(list(marks.items())[:1]), "osdr_checkpoint": "one"}),
    ]
    known = KnownParts.of(iter(parts), {"osdr_application": "shop", "osdr_checkpoint": "noon"})
    assert (known.marked, KnownParts.of(parts).marked) == (tuple(parts[:2]), ())
    assert {one: (state.status, state.is_usable) for one, state in known.states.items()} == {one.id: (one.status, one.is_usable) for one in parts}
    assert known.published == {"shop": {"noon": "2026-01-01T12:00:01", "ten": "2026-01-01T00:00:00"}}
