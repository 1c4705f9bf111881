# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.copies.sampling import Sampling, last_proofs
from ansible_collections.osdr.openstack.plugins.module_utils.copies.verification import READABLE, RESTORE
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import DIFFERS_KEY, UNPROVED_KEY
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Content
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import backup

EARLY, LATE = "2026-01-01T12:00:00.000Z", "2026-01-02T12:00:00.000Z"


def chosen(runs, contents, volumes=None, backups=()):
    return sorted(Sampling("noon", runs, contents).chosen(volumes or contents, backups))


@pytest.mark.parametrize(("volumes", "runs", "share"), [(6, 1, 6), (6, 2, 3), (6, 4, 2), (7, 3, 3), (1, 9, 1), (0, 3, 0)])
def test_each_run_proves_an_equal_share(volumes, runs, share):
    assert len(Sampling("noon", runs).chosen([f"volume-{number}" for number in range(volumes)], ())) == share


def test_the_same_is_selected_however_the_volumes_are_ordered():
    contents = {f"volume-{number}": Content() for number in range(9)}
    assert chosen(3, contents) == chosen(3, contents, volumes=list(contents)[::-1])


def test_never_proved_volumes_come_first():
    contents = {"a": Content(EARLY, "x", RESTORE, 3), "b": Content(), "c": Content(LATE, "y")}
    assert chosen(9, contents) == ["b"]
    # A volume of which no checkpoint says anything is a new one.
    assert chosen(9, {"a": Content(EARLY, "x", RESTORE, 3)}, volumes=["a", "new"]) == ["new"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(Content(passed_over=1), Content(), id="never proved, and passed over"),
        pytest.param(Content(LATE, "y", RESTORE, 2), Content(EARLY, "x", RESTORE, 1), id="passed over more often"),
        pytest.param(Content(EARLY, "x", RESTORE, 1), Content(LATE, "y", RESTORE, 1), id="proved longer ago"),
    ],
)
def test_which_of_two_comes_first(one, other):
    assert chosen(9, {"a": other, "b": one}) == ["b"]


def test_nothing_is_passed_over_too_often_whatever_comes_new():
    contents = {"a": Content(EARLY, "x", RESTORE, 2), "b": Content(EARLY, "x", RESTORE, 1)}
    assert chosen(3, contents, volumes=["a", "b", "new"]) == ["a", "new"]


@pytest.mark.parametrize("seed", range(5))
def test_all_is_proved_within_so_many_runs_while_volumes_come(seed):
    runs, volumes, contents, since = 4, [f"volume-{number}" for number in range(5 + seed)], {}, {}
    for run in range(30):
        volumes.append(f"volume-new-{run}")
        sampling = Sampling(f"run-{run}", runs, contents)
        proved = sampling.chosen(volumes, ())
        contents = {one: sampling.after(one, EARLY if one in proved else "", RESTORE) for one in volumes}
        since = {one: 0 if one in proved else since.get(one, 0) + 1 for one in volumes}
        assert max(since.values()) < runs


@pytest.mark.parametrize("key", [UNPROVED_KEY, DIFFERS_KEY])
@pytest.mark.parametrize(("failed_at", "expected"), [(LATE, ["b", "new"]), (EARLY, ["new"])])
def test_a_volume_whose_last_proof_failed_is_selected_in_any_case(key, failed_at, expected):
    contents = {"a": Content(EARLY, "x"), "b": Content(EARLY, "x")}
    backups = [backup("b", volume_id="b", metadata={key: failed_at}), backup("other", metadata={key: failed_at})]
    assert chosen(9, contents, volumes=["a", "b", "new"], backups=backups) == expected


def with_content(checkpoint, content):
    manifest = shop.taken(checkpoint)
    return dataclasses.replace(manifest, copies=tuple(dataclasses.replace(one, content=content) for one in manifest.copies))


def test_the_newest_other_checkpoint_tells_what_is_proved():
    newest, older = Content(LATE, "evening"), Content(EARLY, "noon")
    manifests = [with_content("evening", newest), with_content("noon", older)]
    assert set(last_proofs(manifests, besides="")) == {copy.volume_id for copy in manifests[0].copies}
    assert set(last_proofs(manifests, besides="").values()) == {newest}
    assert set(last_proofs(manifests, besides="evening").values()) == {older}


def test_a_volume_that_the_newest_checkpoint_lacks_is_known_from_an_older_one():
    newer = with_content("evening", Content(LATE, "evening"))
    found = last_proofs([dataclasses.replace(newer, copies=newer.copies[:1]), with_content("noon", Content(EARLY, "noon"))], besides="")
    assert [found[copy.volume_id].proved_by for copy in newer.copies] == ["evening", "noon", "noon"]


def test_what_a_checkpoint_leaves_unproved_is_counted():
    sampling = Sampling("noon", 3, {"a": Content(EARLY, "x", READABLE, 1)})
    assert sampling.after("a", "", RESTORE) == Content(EARLY, "x", READABLE, 2)
    assert sampling.after("new", "", RESTORE) == Content("", "", "", 1)
    assert sampling.after("a", LATE, RESTORE) == Content(LATE, "noon", RESTORE, 0)
