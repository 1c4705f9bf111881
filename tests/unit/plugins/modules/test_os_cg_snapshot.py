# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a set of snapshots is kept for the modules after it."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.draft import SNAPSHOTS, Draft
from ansible_collections.osdr.openstack.plugins.modules import os_cg_snapshot


def described(name):
    return {"name": name, "consistency": "quiesced", "servers": [{"name": "db"}], "snapshots": [{"id": "s"}]}


WHOLE = {"changed": True, "cg_snapshot": described("noon")}
PARTS = {**WHOLE, "parts": [{"project_id": one, "cg_snapshot": described(one)} for one in ("ours", "theirs")]}
SHORT = {"changed": True, "cg_snapshot": {"name": "noon", "consistency": "quiesced"}}
SHORT_PARTS = {**SHORT, "parts": [{"project_id": one, "cg_snapshot": {"name": one, "consistency": "quiesced"}} for one in ("ours", "theirs")]}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("result", "names", "returned"), [(WHOLE, ["noon"], SHORT), (PARTS, ["ours", "theirs"], SHORT_PARTS)])
def test_each_project_has_its_part_and_what_grows_with_the_servers_is_there_alone(tmp_path, result, names, returned, check_mode):
    drafts = [Draft(str(tmp_path / one)) for one in names]
    assert os_cg_snapshot.kept(result, drafts, check_mode) == returned
    assert [draft.find(SNAPSHOTS) for draft in drafts] == ([None] * len(names) if check_mode else [described(one) for one in names])


@pytest.mark.parametrize("result", [WHOLE, PARTS])
def test_without_a_place_for_it_all_is_returned(result):
    assert os_cg_snapshot.kept(result, [], check_mode=False) == result


def test_of_no_set_nothing_is_kept(tmp_path):
    nothing = {"changed": True, "cg_snapshot": None}
    assert os_cg_snapshot.kept(nothing, [Draft(str(tmp_path / "x"))], check_mode=False) == nothing
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("drafts", "others", "projects"), [(["a", "b"], [], []), (["a"], ["theirs"], []), (["a", "b", "c"], ["theirs"], []), (["a"], [], ["p"])]
)
def test_too_few_or_too_many_are_refused_before_anybody_is_frozen(drafts, others, projects):
    with pytest.raises(InvalidInput, match=f"drafts names {len(drafts)} directories"):
        os_cg_snapshot.drafts_of({"drafts": drafts, "other_clouds": others, "projects": projects})


@pytest.mark.parametrize(("drafts", "others", "projects"), [([], ["theirs"], []), ([], [], ["p"]), (["a"], [], []), (["a", "b"], ["theirs"], [])])
def test_nothing_or_one_for_each_project_is_right(drafts, others, projects):
    assert len(os_cg_snapshot.drafts_of({"drafts": drafts, "other_clouds": others, "projects": projects})) == len(drafts)
