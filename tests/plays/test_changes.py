# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a schedule sees of the playbook that compares an application with a checkpoint."""

from __future__ import annotations

import pytest
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection

BATCH = {"text": "server batch (s9) is on network shop-net, but in no tier of the application"}
GREW = {"text": "volume /dev/vdb of server orders-db: size was 1, is 2"}
DIFF = {
    "before_header": "checkpoint noon",
    "after_header": "what runs now",
    "before": {"volume /dev/vdb of server orders-db": {"size": 1}},
    "after": {"volume /dev/vdb of server orders-db": {"size": 2}},
}


@pytest.fixture
def play(tmp_path):
    def start(*arguments, changes=(), strangers=(), **variables):
        answer = {"since": "noon", "later": None, "changes": list(changes), "strangers": list(strangers), "diff": DIFF}
        code, output, calls = Collection(tmp_path, {"os_application_changes_info": answer}).play(
            "changes", *arguments, dr_changes_cloud="remote", dr_changes_source_cloud="primary", dr_changes_application="shop", **variables
        )
        return code, " ".join(output.split()), calls

    return start


def test_nothing_has_changed(play):
    code, output, calls = play("--diff")
    assert code == 0, output
    assert "changed=0" in output
    assert "+++" not in output
    # Unless it is told otherwise, it compares with the last drill.
    assert calls[0][1]["since"] == "drill"


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"changes": [GREW]}, "Since checkpoint noon: volume /dev/vdb of server orders-db: size was 1, is 2."),
        ({"strangers": [BATCH]}, "Since checkpoint noon: server batch (s9) is on network shop-net, but in no tier of the application."),
    ],
)
def test_a_schedule_fails_and_names_what_changed(play, found, says):
    code, output, _calls = play(**found)
    assert code != 0
    assert says in output
    assert "changed=0" in output


def test_who_only_wants_to_know_sees_the_same_without_a_failure(play):
    code, output, _calls = play(changes=[GREW], strangers=[BATCH], dr_changes_fail=False)
    assert code == 0, output
    assert f"Since checkpoint noon: {GREW['text']}. {BATCH['text']}." in output


def test_the_difference_is_shown_when_it_is_wanted(play):
    _code, output, _calls = play("--diff", changes=[GREW])
    assert "--- before: checkpoint noon +++ after: what runs now" in output
    assert '- "size": 1 + "size": 2' in output
