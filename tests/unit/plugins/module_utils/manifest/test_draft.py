# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import stat

import pytest
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import InvalidInput
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import draft as module
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.draft import COPIES, DESCRIPTION, Draft


@pytest.fixture
def draft(tmp_path):
    return Draft(str(tmp_path / "run" / "0"))


def test_what_is_kept_is_found_until_something_else_is(draft, tmp_path):
    assert draft.find(DESCRIPTION) is None
    for content in ({"servers": ["ä"]}, []):
        draft.keep(DESCRIPTION, content)
        assert draft.find(DESCRIPTION) == draft.needed(DESCRIPTION, "os_application_info") == content
    assert draft.find(COPIES) is None
    assert [one.name for one in (tmp_path / "run" / "0").iterdir()] == ["description.json"]


def test_others_read_nothing_of_it(draft, tmp_path):
    draft.keep(DESCRIPTION, {})
    there = tmp_path / "run" / "0"
    assert [stat.S_IMODE(one.stat().st_mode) for one in (there, there / "description.json")] == [0o700, 0o600]


def test_what_is_needed_is_told_with_the_module_that_keeps_it(draft):
    with pytest.raises(InvalidInput, match=r"There is no draft '.*/run/0/copies\.json'") as raised:
        draft.needed(COPIES, "os_backup_replicate")
    assert "os_backup_replicate" in raised.value.hint


def test_what_cannot_be_read_is_told(draft, tmp_path, monkeypatch):
    draft.keep(DESCRIPTION, {})
    path = tmp_path / "run" / "0" / "description.json"
    path.write_bytes(b"{")
    with pytest.raises(InvalidInput, match="is not JSON"):
        draft.find(DESCRIPTION)
    monkeypatch.setattr(module, "_LARGEST", 3)
    path.write_bytes(b"    ")
    with pytest.raises(InvalidInput, match="so it is no draft"):
        draft.find(DESCRIPTION)
    path.unlink()
    path.mkdir()
    with pytest.raises(InvalidInput, match="cannot be read: Is a directory"):
        draft.find(DESCRIPTION)


def test_what_cannot_be_written_is_told_and_leaves_what_was_there(draft, tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written: Not a directory|cannot be written: File exists"):
        draft.keep(DESCRIPTION, {})
