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
        "copies: '{{ __dr_checkpoint_copied[0].replication.copies }}'",
    ),
    **{f"dr_restore/tasks/{one}.yml": ("digest:", "manifest: '{{ __dr_restore_chosen.manifest }}'") for one in ("check", "networks", "tiers", "volumes")},
}
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
    evidence = manifest.checkpoint.evidence
    taken = {"name": "noon", "application": "shop", "consistency": "quiesced", "taken_at": manifest.checkpoint.created_at, **evidence}
    found: dict[str, t.Any] = {"checkpoint": details(manifest)}
    captured: dict[str, t.Any] = {"differences": []}
    if by_value:
        found["manifest"] = manifest.as_dict()
        captured["application_description"] = manifest.description.as_dict()
    return {
        "os_application_info": captured,
        "os_cg_snapshot": {"cg_snapshot": taken},
        "os_backup_replicate": {"replication": {"copies": manifest.as_dict()["copies"]}},
        "os_checkpoint_check": {"checkpoint_check": {"freezes": []}},
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
        command = ["ansible-playbook", f"osdr.openstack.{playbook}", "-e", f"@{variables}"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        environment = {**inherited, "ANSIBLE_COLLECTIONS_PATH": made.paths}
        with Path(directory, "output").open("w+") as output:
            running = subprocess.Popen(command, stdout=output, stderr=output, cwd=directory, env=environment)
            _pid, status, used = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(status)
            if running.returncode:
                output.seek(0)
                raise AssertionError(output.read()[-3000:])
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 2**10)


def hand_on(roles: Path) -> None:
    """Have the roles hand on everything as variables."""
    for name, (line, *instead) in BY_VALUE.items():
        path = roles / name
        text = path.read_text()
        (old,) = [one for one in text.splitlines() if one.strip().startswith(line)]
        indent = old[: len(old) - len(old.lstrip())]
        path.write_text(text.replace(old, "\n".join(indent + one for one in instead)))


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
