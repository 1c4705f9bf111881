# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a set of snapshots is kept for the modules after it."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.draft import SNAPSHOTS, Draft
from ansible_collections.osdr.openstack.plugins.modules import os_cg_snapshot

WHOLE = {"cg_snapshot": {"name": "noon"}}
PARTS = {**WHOLE, "parts": [{"project_id": one, "cg_snapshot": {"name": one}} for one in ("ours", "theirs")]}


@pytest.mark.parametrize(("result", "kept"), [(WHOLE, ["noon"]), (PARTS, ["ours", "theirs"])])
def test_each_project_has_its_part(tmp_path, result, kept):
    drafts = [Draft(str(tmp_path / one)) for one in kept]
    os_cg_snapshot.keep(result, drafts)
    assert [draft.find(SNAPSHOTS)["name"] for draft in drafts] == kept


@pytest.mark.parametrize("drafts", [[], ["x"]])
def test_of_no_set_nothing_is_kept(tmp_path, drafts):
    os_cg_snapshot.keep({"cg_snapshot": None}, [Draft(str(tmp_path / one)) for one in drafts])
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
