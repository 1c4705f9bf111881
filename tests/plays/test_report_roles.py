# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the roles hand to their report, as Ansible itself runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection
from ansible_collections.osdr.openstack.tests.unit.support import runs, shop

ROOT = Path(__file__).resolve().parents[2]
#: The check tells the first two, and the run that restores servers the last two.
LACKS = [f"At site 'remote', {what}." for what in ("network 'shop-net' lacks its mtu", "a port lacks its tags", "another port lacks its tags")]
FOUND = shop.found(runs.manifest())
CHECKPOINT = {
    "dr_checkpoint_consistency": "quiesced",
    "__dr_checkpoint_id": "2026-11-22-noon",
    "dr_checkpoint_application": {"name": "shop"},
    "__dr_checkpoint_published": FOUND,
    "__dr_checkpoint_others": {"results": []},
    "__dr_checkpoint_restorable_at": runs.at(42.1),
    "__dr_checkpoint_changes": {"since": "drilled", "changes": [{"text": "router shop-router went"}]},
    "__dr_checkpoint_warnings": ["Volume 'payments-db-data' is encrypted."],
}
RESTORE = {
    "dr_restore_cloud": "remote",
    "dr_restore_application": "shop",
    "__dr_restore_chosen": FOUND,
    "__dr_restore_parts": [FOUND["checkpoint"]],
    "__dr_restore_began_at": runs.at(0, 30),
    "__dr_restore_seconds": "48.3",
    "__dr_restore_told": LACKS[:2],
    "__dr_restore_begun": [{"changed": True, **runs.volume_results()[0]}],
    "__dr_restore_built": [
        {"changed": False, "servers": [], **runs.volume_results()[1]},
        *({"changed": False, "volumes": [], "warnings": LACKS[1:], **one} for one in runs.server_results()),
    ],
}
NOTHING_DONE = {
    "checkpoint": {"__dr_checkpoint_restorable_at": "", "__dr_checkpoint_warnings": []},
    "restore": {"__dr_restore_begun": [{"changed": False, **runs.volume_results()[0]}], "__dr_restore_seconds": "9.0"},
}
ROLES = {"checkpoint": CHECKPOINT, "restore": RESTORE}


def task(role):
    """The task with which a role writes its report."""
    return next(one for one in yaml.safe_load((ROOT / "roles" / f"dr_{role}" / "tasks" / "report.yml").read_text()) if one["name"] == "Write the report")


def defaults(role):
    return yaml.safe_load((ROOT / "roles" / f"dr_{role}" / "defaults" / "main.yml").read_text())


def settled(role):
    """What a role makes of its variables, after these."""
    return {**defaults(role), **yaml.safe_load((ROOT / "roles" / f"dr_{role}" / "vars" / "main.yml").read_text())}


def collection(directory):
    """The collection with modules that only answer, except what writes reports."""
    made = Collection(directory, {"os_checkpoint_info": {**FOUND, "manifest": runs.manifest()}})
    for part in ("action", "module_utils", "plugin_utils"):
        (directory / "ansible_collections" / "osdr" / "openstack" / "plugins" / part).symlink_to(ROOT / "plugins" / part)
    return made


class Plays:
    """Plays the report tasks of the roles with variables as runs leave them, all in one go.

    :param runs: roles, each with what is different from the example, and keywords of the task.
    """

    def __init__(self, directory, *runs):
        self.reports = directory / "reports"
        tasks = [
            {**task(role), **keywords, "vars": {**settled(role), f"dr_{role}_report": str(self.reports), **ROLES[role], **changes}}
            for role, changes, keywords in runs
        ]
        playbook = directory / "play.json"
        playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": collection(directory).paths,
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        }
        done = subprocess.run([sys.executable, "-m", "ansible", "playbook", playbook], check=False, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        results = [one["hosts"]["localhost"] for one in json.loads(done.stdout)["plays"][0]["tasks"]]
        self.states = ["skipped" if one.get("skipped") else "changed" if one["changed"] else "ok" for one in results]

    @property
    def files(self):
        return {path.name: path.read_bytes() for path in sorted(self.reports.glob("*"))} if self.reports.exists() else {}


CHECK = {"check_mode": True}
NAMES = [f"shop.2026-11-22-noon.{role}.{ending}" for role in ROLES for ending in ("html", "json")]


def test_a_report_is_written_once_and_has_what_the_run_knew(tmp_path):
    plays = Plays(
        tmp_path,
        *(one for role in ROLES for one in [(role, {}, CHECK), (role, {}, {}), (role, {}, {}), (role, {}, CHECK), (role, NOTHING_DONE[role], {})]),
    )
    assert plays.states == ["changed", "changed", "ok", "ok", "ok"] * 2
    assert list(plays.files) == NAMES
    facts = [json.loads(content) for name, content in plays.files.items() if name.endswith(".json")]
    assert (facts[0]["figures"]["rpo_seconds"], facts[0]["problems"]) == (41.49, CHECKPOINT["__dr_checkpoint_warnings"])
    assert (facts[1]["figures"]["rto_seconds"], facts[1]["site"]) == (48.3, "remote")
    assert [one for one in facts[1]["problems"] if one.startswith("At site")] == LACKS


def test_without_a_place_there_is_no_report_and_check_mode_makes_none(tmp_path):
    plays = Plays(tmp_path, *((role, {f"dr_{role}_report": defaults(role)[f"dr_{role}_report"]}, {}) for role in ROLES), ("restore", {}, CHECK))
    assert (plays.states, plays.files) == (["skipped", "skipped", "changed"], {})


def test_a_run_that_had_nothing_to_do_writes_what_is_known_where_there_is_no_report(tmp_path):
    """And a site given as a whole entry of clouds.yaml, secrets and all, is in no report."""
    site = {"dr_restore_cloud": {"auth": {"password": "secret"}}}
    plays = Plays(tmp_path, ("checkpoint", NOTHING_DONE["checkpoint"], {}), ("restore", {**NOTHING_DONE["restore"], **site}, {}))
    assert (plays.states, list(plays.files)) == (["changed", "changed"], NAMES)
    assert json.loads(plays.files[NAMES[1]])["figures"]["rpo_seconds"] is None
    assert b"secret" not in b"".join(plays.files.values())
