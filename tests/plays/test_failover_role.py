# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules the role dr_failover calls in which order and with what, as Ansible itself plays it, with modules that only take notes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.osdr.openstack.tests.plays.returned import undocumented
from ansible_collections.osdr.openstack.tests.unit.support import shop

ROOT = Path(__file__).resolve().parents[2]
SITES = {
    "dr_failover_application": shop.DOCUMENT["application"],
    "dr_failover_primary": {"cloud": "home", "admin_cloud": "home-admin", "site": "primary"},
    "dr_failover_remote": {"cloud": "away", "admin_cloud": "away-admin", "store_cloud": "away-backup", "site": "remote"},
}
RECORD = {"application": "shop", "site": "remote", "since": "2026-01-01T12:00:00+00:00", "checkpoint": "x"}
FENCED = {"name": "orders-db", "status": "SHUTOFF", "fenced": True}
CHECKED = {"checkpoint": "x", "taken": False, "done": False}
ANSWERS = {
    "os_application_changes_info": {"since": None, "later": None, "changes": [], "strangers": []},
    "os_active_site": {"active_site": RECORD},
    "os_active_site_info": {"active_site": {"record": RECORD, "sites": [{"running": []}, {"running": ["orders-db"]}]}},
    "os_application_fence": {"fence": {"servers": [FENCED], "absent": []}},
    "os_cg_snapshot": {"cg_snapshot": None},
    "os_checkpoint_info": shop.found(),
    "os_failover_check": {"failover_check": CHECKED},
    "os_restore_check": {"restore_check": {"problems": []}},
    "os_restore_servers": {"servers": [], "timing": {"tiers": []}},
    "os_restore_volumes": {"volumes": []},
}
MODULE = """#!/usr/bin/python
# WANT_JSON
import json, sys
given = json.load(open(sys.argv[1]))
given = {key: value for key, value in given.items() if not key.startswith("_ansible")}
with open(%(calls)r, "a") as calls:
    calls.write(json.dumps([%(name)r, given]) + "\\n")
print(json.dumps(json.loads(%(answer)r)))
"""


class Collection:
    """The collection with modules that note how they are called, and answer what they are told to."""

    def __init__(self, directory, answers):
        self._root = directory
        self._calls = directory / "calls"
        # Of the collections that the roles name, the others are where Python finds them.
        self.paths = os.pathsep.join([str(directory), *sys.path])
        place = directory / "ansible_collections" / "osdr" / "openstack"
        (place / "plugins" / "modules").mkdir(parents=True)
        for part in ("meta", "playbooks", "roles"):
            shutil.copytree(ROOT / part, place / part)
        # Ansible wants to know all that a role names, called or not.
        every = {path.stem: {} for path in (ROOT / "plugins" / "modules").glob("*.py")}
        for name, answer in {**every, **ANSWERS, **answers}.items():
            assert not (unknown := list(undocumented(name, answer))), f"{name} does not return {unknown}"
            content = {"calls": str(self._calls), "name": name, "answer": json.dumps({"changed": False, **answer})}
            (place / "plugins" / "modules" / f"{name}.py").write_text(MODULE % content)

    def play(self, playbook, *arguments, **variables):
        command = ["ansible-playbook", f"osdr.openstack.{playbook}", *arguments, "-e", json.dumps({**SITES, **variables})]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment = {**inherited, "ANSIBLE_COLLECTIONS_PATH": self.paths, "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False, env=environment, cwd=self._root)
        return done.returncode, " ".join(done.stdout.split()), self.calls()

    def calls(self):
        """Name and arguments of each module that was called."""
        return [json.loads(line) for line in self._calls.read_text().splitlines()] if self._calls.exists() else []


@pytest.fixture
def collection(tmp_path):
    return lambda **answers: Collection(tmp_path, answers)


def names(calls):
    return [name for name, _given in calls]


COURSE = [
    "os_failover_check",
    "os_checkpoint_check",
    "os_application_fence",
    "os_checkpoint_info",
    "os_checkpoint_info",
    "os_restore_check",
    "os_application_supersede",
    "os_restore_volumes",
    "os_restore_networks",
    "os_restore_servers",
    "os_active_site",
    "os_active_site",
    "os_active_site",
    "os_checkpoint_info",
    "os_cg_snapshot",
]


def test_a_way_back_is_the_way_there_with_the_sites_exchanged(collection):
    code, output, calls = collection().play("failback", dr_failback_remove_old=True)
    assert (code, names(calls)) == (0, COURSE), output
    clouds = [given["cloud"] for _name, given in calls]
    assert clouds == ["away", "away", "away", *["home"] * 9, "away", "home", "away"]
    given = dict(calls)
    checked = given["os_checkpoint_check"]
    assert (checked["remote_cloud"], checked["store_cloud"], checked["consistency"], checked["site"]) == ("home", "away-backup", "offline", "remote")
    assert "quiesce" not in checked
    fence = given["os_application_fence"]
    assert (fence["site"], fence["runs_at"], fence["checkpoint"], fence["admin_cloud"]) == ("remote", "primary", "x", "away-admin")
    # In peace, nothing is stopped below what may still write to it.
    assert not {"keep_going", "catalogue_cloud"} & {*fence}
    assert given["os_application_supersede"]["admin_cloud"] == given["os_restore_servers"]["admin_cloud"] == "home-admin"
    assert given["os_failover_check"]["remote_admin_cloud"] == "home-admin"
    assert given["os_active_site"]["since"] == RECORD["since"]


def test_what_is_done_is_only_fenced_and_recorded(collection):
    done = {"failover_check": {**CHECKED, "taken": True, "done": True}}
    code, output, calls = collection(os_failover_check=done).play("failover")
    assert (code, names(calls)) == (0, ["os_failover_check", "os_application_fence", "os_active_site", "os_active_site", "os_cg_snapshot"]), output
    assert (calls[-1][1]["name"], calls[-1][1]["state"], calls[-1][1]["cloud"]) == ("x", "absent", "home")


def test_a_checkpoint_of_its_own_is_tidied_up_before_its_report(collection):
    given = {"dr_checkpoint_application": shop.DOCUMENT["application"], "dr_checkpoint_id": "noon", "dr_checkpoint_keep": {"last": 3}}
    code, output, calls = collection().play("checkpoint", **given)
    assert (code, names(calls)) == (0, ["os_checkpoint_info", "os_cg_snapshot", "os_checkpoint_prune", "os_checkpoint_info"]), output


def test_nothing_that_could_wait_stands_between_the_checkpoint_and_its_restore(collection, tmp_path):
    """Extra variables win over all that a role is given, and so it is no use to have it leave things out by its own variables."""
    given = {"dr_checkpoint_keep": {"last": 3}, "dr_checkpoint_keep_snapshots": False, "dr_checkpoint_report": str(tmp_path)}
    code, output, calls = collection().play("failover", **given)
    course = [name for name in COURSE if name != "os_application_supersede"]
    assert (code, names(calls)) == (0, [*course[:-1], "os_application_changes_info", "os_run_report", "os_cg_snapshot", "os_checkpoint_prune"]), output
    prune = calls[-1][1]
    assert (prune["cloud"], prune["primary_cloud"], prune["keep"]) == ("away", "home", {"last": 3})


@pytest.mark.parametrize("part", [{"dr_restore_servers": ["orders-db"]}, {"dr_restore_tiers": ["database"]}])
def test_a_move_is_of_all_servers(collection, part):
    code, output, calls = collection().play("failover", **part)
    assert (code != 0, calls) == (True, []), output
    assert "where and how much of it is restored" in output


@pytest.mark.parametrize("failing", ["os_cg_snapshot", "os_checkpoint_prune", "os_run_report"])
def test_what_could_wait_does_not_fail_a_move_that_is_done_but_is_told(collection, tmp_path, failing):
    trouble = {failing: {"failed": True, "msg": "It cannot be deleted (error_deleting)."}}
    code, output, calls = collection(**trouble).play("failover", dr_checkpoint_keep={"last": 3}, dr_checkpoint_report=str(tmp_path))
    assert (code, names(calls)[-1]) == (0, failing), output
    assert "shop has run at site 'remote' since" in output
    assert "The move succeeded, but what follows it stopped at: " in output
    assert "It cannot be deleted (error_deleting). Remove the cause and re-run, which does only the rest." in output


def test_a_move_that_fails_says_how_to_go_on_and_how_to_go_back(collection):
    code, output, calls = collection(os_restore_check={"failed": True, "msg": "No flavor fits."}).play("failover")
    assert code != 0
    assert names(calls)[-1] == "os_restore_check"
    assert "stopped at: Check the whole restore before the first change. No flavor fits. To continue, remove the cause and re-run" in output
    assert "-e dr_fence_site=primary -e dr_fence_state=released -e dr_fence_start=true" in output


def test_extra_variables_cannot_turn_a_move_around(collection):
    code, output, calls = collection().play("failover", dr_checkpoint_cloud="away")
    assert (code != 0, calls) == (True, []), output


def test_a_fence_follows_the_record_and_copies_it(collection):
    code, output, calls = collection().play("fence")
    assert (code, names(calls)) == (0, ["os_active_site_info", "os_application_fence", "os_active_site"]), output
    fence = dict(calls)["os_application_fence"]
    assert (fence["runs_at"], fence["checkpoint"], fence["catalogue_cloud"]) == ("remote", "x", "away")
    assert fence["keep_going"]


def test_where_the_application_runs_nothing_is_fenced(collection):
    code, output, calls = collection().play("fence", dr_fence_site="remote")
    assert (code, names(calls)) == (0, ["os_active_site_info"]), output
    assert "Nothing was fenced. According to the catalogues, shop runs at remote." in output


def test_nothing_is_released_while_the_application_runs_elsewhere(collection):
    code, output, calls = collection().play("fence", dr_fence_state="released")
    assert (code != 0, names(calls)) == (True, ["os_active_site_info"]), output
    assert "must not be released at site 'primary'. According to its record it runs at remote. Its servers that run at site 'remote': orders-db." in output
