# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules the role dr_restore calls for a restore and for a drill, and which hooks are carried out in between."""

from __future__ import annotations

import json

import pytest
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection, names
from ansible_collections.osdr.openstack.tests.unit.support import shop

GIVEN = {"dr_restore_application": "shop", "dr_restore_remove_old": True, "dr_restore_admin_cloud": "remote-admin"}
POINTS = ["before", "after_networks", "before_tier", "after_tier", "after"]
BEGUN = ["os_restore_volumes", "os_restore_networks"]
FOUND = shop.found()


@pytest.fixture
def play(tmp_path):
    noted = tmp_path / "hooks"
    hook = tmp_path / "hook.yml"
    note = {"path": str(noted), "line": "{{ dr_hook.point }} {{ dr_hook.tier }}", "create": True}
    hook.write_text(json.dumps([{"name": "Note the point", "ansible.builtin.lineinfile": note}]))
    answers = {"os_checkpoint_info": FOUND, "os_drill_record": {"drill": {"outcome": "unchecked", "servers": []}}}

    def run(playbook, given=None, **changes):
        hooks = {point: [str(hook)] for point in POINTS}
        code, output, calls = Collection(tmp_path, {**answers, **changes}).play(playbook, **GIVEN, **(given or {}), dr_restore_hooks=hooks)
        return code, output, calls, noted.read_text().splitlines() if noted.exists() else []

    return run


def test_hooks_of_a_restore_stand_between_its_steps_and_its_tiers(play):
    code, output, calls, hooks = play("restore")
    course = ["os_checkpoint_info", "os_restore_check", "os_application_supersede", *BEGUN, "os_restore_servers", "os_restore_servers", "os_active_site"]
    assert (code, names(calls)) == (0, course), output
    assert [given["tiers"] for name, given in calls if name == "os_restore_servers"] == [["database"], ["front"]]
    assert [hook.strip() for hook in hooks] == [
        "before", "after_networks", "before_tier database", "after_tier database", "before_tier front", "after_tier front", "after"
    ]
    assert not any("drill" in given for _name, given in calls)
    assert calls[-2][1]["quiesce"] == {"admin_cloud": "remote-admin"}
    # Ports on networks of others are made, and were checked, as an administrator.
    acting = ("os_restore_check", "os_restore_servers", "os_application_supersede")
    assert [given.get("admin_cloud") for name, given in calls if name in acting] == ["remote-admin"] * 4


def test_of_some_servers_every_step_knows_and_nothing_is_said_about_where_the_application_runs(play):
    code, output, calls, hooks = play("restore", {"dr_restore_servers": ["shop-front"]})
    course = ["os_checkpoint_info", "os_restore_check", "os_application_supersede", *BEGUN, "os_restore_servers"]
    assert (code, names(calls)) == (0, course), output
    assert [given["servers"] for _name, given in calls[1:]] == [["shop-front"]] * 5
    assert calls[-1][1]["tiers"] == ["front"]
    assert "before_tier front" in hooks and "before_tier database" not in hooks


def test_of_a_tier_all_its_servers_are_meant_beside_those_that_are_named(play):
    code, output, calls, _hooks = play("restore", {"dr_restore_tiers": ["database"]})
    assert (code, {tuple(given["servers"]) for _name, given in calls[1:]}) == (0, {("orders-db",)}), output
    assert "A part of shop runs again" in output and "of its 2 servers" in output


def test_a_tier_that_the_checkpoint_does_not_have_is_refused(play):
    code, output, calls, _hooks = play("restore", {"dr_restore_tiers": ["databases"]})
    assert (code != 0, names(calls)) == (True, ["os_checkpoint_info"]), output
    assert "has no tier databases; it has database, front." in " ".join(output.split())


@pytest.mark.parametrize("nothing", [[], None])
def test_without_a_name_all_servers_are_meant(play, nothing):
    code, output, calls, _hooks = play("restore", {"dr_restore_servers": nothing})
    # Ansible itself may refuse null where a role wants a list.
    if nothing is None and code:
        assert "dr_restore_servers" in output and calls == []
        return
    assert (names(calls)[-1], any("servers" in given for _name, given in calls)) == ("os_active_site", False), output


@pytest.mark.parametrize("part", [{"dr_restore_servers": ["shop-front"]}, {"dr_restore_tiers": ["front"]}])
def test_a_drill_is_of_all_servers(play, part):
    code, output, calls, _hooks = play("drill", part)
    assert (code != 0, calls) == (True, []), output
    assert "dr_restore_servers and dr_restore_tiers must be empty" in output


def test_a_drill_tells_nobody_takes_the_place_of_nothing_and_goes_again(play):
    code, output, calls, hooks = play("drill")
    course = ["os_checkpoint_info", "os_restore_check", *BEGUN, "os_restore_servers", "os_restore_cleanup", "os_drill_record"]
    assert (code, names(calls), hooks) == (0, course, []), output
    assert len({given["drill"] for _name, given in calls[1:]}) == 1
    # What each call says of volumes is measured by.
    assert len(calls[-1][1]["volumes"]) == len(["os_restore_volumes", "os_restore_servers"])
    # Its networks are its own.
    assert not any("admin_cloud" in given for _name, given in calls)


def test_a_drill_that_fails_goes_again_too_and_is_recorded(play):
    code, output, calls, _hooks = play("drill", os_restore_servers={"failed": True, "msg": "No valid host was found."})
    assert (code != 0, names(calls)[-2:]) == (True, ["os_restore_cleanup", "os_drill_record"]), output
    assert calls[-1][1]["problem"] == "Restore the servers: No valid host was found."
