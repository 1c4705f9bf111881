# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible itself takes for a checkpoint and a restore of many servers: memory and processor time of the playbooks, with modules that only answer.

Modules read what they need from the catalogue, or from files of the run. For comparison, the same playbooks hand all of it from task to task, as
variables. The smallest application shows what Ansible takes for nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import details
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import Collection
from large import document_of
from reading import CHAIN, backup_id, chain_of, evidence_of

VOLUMES = 2
#: Which line of which task file is handed what instead.
BY_VALUE = {
    "dr_checkpoint/tasks/capture.yml": (
        "draft:",
        "earlier_description: '{{ (__dr_checkpoint_captured | first | default({})).application_description | default(omit) }}'",
        "cg_snapshot: '{{ __dr_checkpoint_taken.cg_snapshot | default(omit, true) }}'",
    ),
    "dr_checkpoint/tasks/publish.yml": (
        "draft:",
        "application_description: '{{ __dr_checkpoint_captured[0].application_description }}'",
        "cg_snapshot: '{{ __dr_checkpoint_taken.cg_snapshot }}'",
        "copies: '{{ __dr_checkpoint_copied.replication.copies }}'",
    ),
    **{f"dr_restore/tasks/{one}.yml": ("digest:", "manifest: '{{ __dr_restore_chosen.manifest }}'") for one in ("check", "networks", "tiers", "volumes")},
}
#: What is added to the only task of a task file then.
ADDED = {"dr_checkpoint/tasks/copy.yml": "  register: __dr_checkpoint_copied\n"}
#: Runs a command and prints what it took. A process begins with the memory of the one that starts it, and this one would have the manifests.
METER = """
import json, os, subprocess, sys
with open(sys.argv[1], "w") as output:
    running = subprocess.Popen(sys.argv[2:], stdout=output, stderr=output)
    _pid, status, used = os.wait4(running.pid, 0)
running.returncode = os.waitstatus_to_exitcode(status)
print(json.dumps([running.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**10]))
"""
#: Prints what lies beside it.
MODULE = """#!/usr/bin/python
# WANT_JSON
import sys
sys.stdout.write(open(%r).read())
"""


class Cost(t.NamedTuple):
    """Processor seconds, and the most MiB of one process."""

    seconds: float
    mebibytes: float


def manifest_of(servers: int) -> Manifest:
    """That of the last increment of a chain."""
    document = document_of(servers, VOLUMES)
    document["checkpoint"]["evidence"] = evidence_of(document, 0)
    for number, copied in enumerate(document["copies"]):
        copied |= {"copy_id": backup_id(CHAIN - 1, number), "chain": chain_of(CHAIN - 1, number)}
    return Manifest.parse(document)


def answers_of(servers: int, by_value: bool) -> dict[str, t.Any]:
    """What modules return of an application of so many servers."""
    manifest = Manifest.load(manifest_of(servers).dump())
    evidence, described = dict(manifest.checkpoint.evidence or {}), manifest.description
    taken = {"name": "noon", "application": "shop", "consistency": "quiesced", "taken_at": manifest.checkpoint.created_at, "window": evidence["window"]}
    found: dict[str, t.Any] = {"checkpoint": details(manifest)}
    volumes = {server.name: [volume.source_id for volume in server.volumes] for server in described.servers}
    captured: dict[str, t.Any] = {"differences": [], "volume_ids": volumes}
    copied: dict[str, t.Any] = {"unproved": ""}
    if by_value:
        found["manifest"] = manifest.as_dict()
        captured["application_description"] = described.as_dict()
        taken |= evidence
        copied["copies"] = manifest.as_dict()["copies"]
    ids = [one for all_ in volumes.values() for one in all_]
    grouping = [{"strategy": "individual", "backend": "host@ceph#ceph", "reason": "", "volumes": ids}]
    diff = {"before": {"snapshots_of_volumes": []}, "after": {"snapshots_of_volumes": ids, "grouping": grouping}}
    freezes = [{"id": one.source_id, "driver": "nova", "guard": "nova", "probed_at": "2026-11-22T12:00:00+00:00"} for one in described.servers]
    return {
        "os_application_info": captured,
        "os_cg_snapshot": {"cg_snapshot": taken, "grouping": grouping, "diff": diff},
        "os_backup_replicate": {"replication": copied},
        "os_checkpoint_check": {"checkpoint_check": {"freezes": freezes}},
        "os_checkpoint_info": found,
    }


def play(playbook: str, servers: int, by_value: bool) -> Cost:
    """What a playbook takes."""
    answers = answers_of(servers, by_value)
    names = {"name": "shop", "tiers": [{"name": one["name"], "servers": one["servers"]} for one in answers["os_checkpoint_info"]["checkpoint"]["tiers"]]}
    given = {"dr_checkpoint_application": names, "dr_checkpoint_id": "noon", "dr_restore_application": "shop", "__dr_checkpoint_in_haste": True}
    if playbook == "checkpoint":
        # The catalogue has none yet.
        answers["os_checkpoint_info"] = {"checkpoint": None}
    with tempfile.TemporaryDirectory() as directory:
        made = Collection(Path(directory), {})
        place = Path(directory, "ansible_collections", "osdr", "openstack")
        for name, answer in answers.items():
            Path(directory, name).write_text(json.dumps({"changed": False, **answer}))
            (place / "plugins" / "modules" / f"{name}.py").write_text(MODULE % str(Path(directory, name)))
        if by_value:
            hand_on(place / "roles")
        variables = Path(directory, "given.json")
        variables.write_text(json.dumps(given))
        output = Path(directory, "output")
        command = [sys.executable, "-c", METER, str(output), "ansible-playbook", f"osdr.openstack.{playbook}", "-e", f"@{variables}"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment = {**inherited, "ANSIBLE_COLLECTIONS_PATH": made.paths}
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=directory, env=environment)
        code, seconds, mebibytes = json.loads(answer.stdout)
        if code:
            raise AssertionError(output.read_text()[-3000:])
    return Cost(seconds, mebibytes)


def hand_on(roles: Path) -> None:
    """Have the roles hand on everything as variables."""
    for name, (line, *instead) in BY_VALUE.items():
        path = roles / name
        text = path.read_text()
        (old,) = [one for one in text.splitlines() if one.strip().startswith(line)]
        indent = old[: len(old) - len(old.lstrip())]
        path.write_text(text.replace(old, "\n".join(indent + one for one in instead)))
    for name, line in ADDED.items():
        path = roles / name
        path.write_text(path.read_text() + line)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, nargs="+", default=[200, 1000])
    sizes = parser.parse_args().servers
    print("| playbook | servers | manifest MiB | handed on | processor s | most memory MiB | more memory than for one server MiB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for playbook in ("checkpoint", "restore"):
        nothing = play(playbook, 1, by_value=False)
        for size in sizes:
            stored = len(manifest_of(size).dump()) / 2**20
            costs = {by_value: play(playbook, size, by_value) for by_value in (True, False)}
            for by_value, cost in costs.items():
                told = f"{cost.seconds:.1f} | {cost.mebibytes:.0f} | {cost.mebibytes - nothing.mebibytes:.0f}"
                print(f"| {playbook} | {size} | {stored:.1f} | {'all of it' if by_value else 'an id'} | {told} |", flush=True)
            processor, memory = (costs[False][one] / costs[True][one] for one in (0, 1))
            print(f"| {playbook} | {size} | | an id ÷ all of it | {processor:.2f} | {memory:.2f} | |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
