# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile names through every playbook, as Ansible plays them, with modules that only take notes.

What modules answer has names that anybody in a cloud may have given. A play must do the same with them as with harmless ones, hand them on as they
are, and evaluate none, be it as a template or in a shell.
"""

from __future__ import annotations

import contextlib
import functools
import json
import tempfile
import typing as t
from pathlib import Path
from unittest import mock

import counting
import names
import yaml
from ansible_collections.osdr.openstack.tests.plays.test_failover_role import ANSWERS, ROOT, Collection
from ansible_collections.osdr.openstack.tests.unit.support import runs, shop

PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
GIVEN = {
    **{f"dr_{one}_cloud": "remote" for one in ("catalogue", "changes", "cleanup", "mapping", "prune", "rpo", "site_status", "thaw")},
    **{f"dr_{one}_application": "shop" for one in ("changes", "cleanup", "mapping", "prune", "restore")},
    "dr_checkpoint_application": shop.DOCUMENT["application"],
    "dr_cleanup_checkpoint": "noon",
    "dr_cleanup_drill": "7",
    "dr_mapping_file": "mapping.yml",
    "dr_mapping_fail": False,
    "dr_prune_keep": {"last": 1},
    "dr_changes_fail": False,
}
POINT = {"application": "shop", "checkpoint": "noon", "created_at": "2026-01-01T12:00:00Z", "age": 5, "consistency": "quiesced", "within": True}
POINT |= {"drill": None, "drill_within": True, "content": {"unproved": 1, "volumes": ["orders-db-data"]}, "proof_within": True}
THAWED = {"id": "1", "name": "orders-db", "project_id": "p", "driver": "nova", "guard_until": "2026-01-01T12:00:00Z", "was_frozen": True}
NAMED = {
    "os_application_changes_info": {"since": "noon", "changes": [{"text": "orders-db"}], "strangers": [{"name": "shop-front", "text": "shop-front"}]},
    "os_catalogue_rebuild": {"rebuilt": [{"id": "noon"}], "present": [], "damaged": [{"checkpoint": "orders-db"}]},
    "os_checkpoint_prune": {"prune": {"kept": [{"id": "shop-net"}], "removed": ["orders-db"]}},
    "os_drill_record": {"drill": {"outcome": "unchecked", "servers": [{"name": "orders-db", "checks": [{"made_by": "shop-front"}]}]}},
    "os_recovery_point_info": {
        "recovery_points": [{**POINT, "not_restorable": [{"checkpoint": "orders-db"}], "damaged": [{"name": "shop-net"}]}],
        "metrics": "",
    },
    "os_restore_cleanup": {"removed": ["orders-db"], "left": ["shop-net"], "others": ["shop-front"]},
    "os_restore_mapping_info": {
        "mapping": {"networks": {"shop-net": "public"}},
        "made": [{"kind": "server", "name": "orders-db"}],
        "undecided": [],
        "drift": [{"kind": "network", "name": "shop-net", "reason": "payments-db", "candidates": ["public", "ceph"]}],
    },
    "os_restore_servers": {
        "servers": [{"name": "orders-db", "ports": [{"fixed_ips": ["shop-front"], "floating_ip": "public"}]}], "timing": {"tiers": []},
    },
    "os_server_thaw": {"thaw": [THAWED]},
    "os_site_plan_info": {"plan": {"schema_version": 1}},
    "os_site_status_info": {"status": {"primary": "shop-net", "alerts": [{"level": "warning", "text": "shop-front"}]}, "metrics": ""},
}
#: What a shell that evaluates one of the names would leave is the product too.
SHELLS = ("$((1234*4321))", "`expr 1234 \\* 4321`", "; expr 1234 '*' 4321 #")


class Played(t.NamedTuple):
    """:param written: the mapping that a playbook wrote."""

    code: int
    output: str
    calls: list[tuple[str, t.Any]]
    written: t.Any


def answers_of(given_names: t.Mapping[str, str]) -> dict[str, t.Any]:
    return runs.renamed({**ANSWERS, **NAMED}, dict(given_names))


def play(playbook: str, given_names: t.Mapping[str, str]) -> Played:
    with tempfile.TemporaryDirectory() as directory:
        done = Collection(Path(directory), answers_of(given_names)).play(playbook, **GIVEN)
        mapping = Path(directory, GIVEN["dr_mapping_file"])
        return Played(*done, yaml.safe_load(mapping.read_text(encoding="utf-8")) if mapping.exists() else None)


@functools.cache
def harmless(playbook: str) -> Played:
    return play(playbook, {})


def judged(playbook: str, given_names: t.Mapping[str, str]) -> t.Iterator[str]:
    code, output, calls, written = play(playbook, given_names)
    answers, usual = answers_of(given_names), harmless(playbook)
    if usual.code:
        yield f"playbook {playbook} fails with harmless names: {usual.output[-300:]}"
    if written not in (None, answers["os_restore_mapping_info"]["mapping"]):
        yield f"playbook {playbook} wrote another mapping"
    if names.PRODUCT in output or names.PRODUCT in json.dumps(calls):
        yield f"playbook {playbook} evaluated a name"
    if (code, [name for name, _given in calls]) != (usual.code, [name for name, _given in usual.calls]):
        yield f"playbook {playbook} does something else with these names: {output[-300:]}"
    chosen = answers["os_checkpoint_info"]["checkpoint"]
    for name, given in calls:
        if given.get("digest", chosen["digest"]) != chosen["digest"]:
            yield f"playbook {playbook} gives {name} another checkpoint"


def attempt(dice) -> t.Iterator[str]:
    given_names = {name: dice.choice((names.hostile(dice), dice.choice(SHELLS), names.PARTS[0])) for name in names.NAMES}
    for playbook in PLAYBOOKS:
        try:
            yield from judged(playbook, given_names)
        except Exception as error:  # whatever it is, nobody should see it
            yield f"playbook {playbook}: {type(error).__name__}: {str(error)[:300]}"


@contextlib.contextmanager
def _changed(old: str, new: str) -> t.Iterator[None]:
    """A playbook in which something else stands."""
    real = Collection.play
    for playbook in PLAYBOOKS:
        harmless(playbook)

    def changed(self, playbook, *arguments, **variables):
        path = self._root / "ansible_collections" / "osdr" / "openstack" / "playbooks" / f"{playbook}.yml"
        path.write_text(path.read_text().replace(old, new))
        return real(self, playbook, *arguments, **variables)

    with mock.patch.object(Collection, "play", changed):
        yield


FAULTS = {
    # No shell and no template: the names of an attack would do there what they say.
    "names are evaluated": lambda: _changed(
        "{{ 'Would thaw'", "{{ __dr_thaw.thaw | map(attribute='name') | first | replace('1234*4321', 1234*4321) }} {{ 'Would thaw'"
    ),
    "a checkpoint is not the one that was chosen": lambda: _changed(
        'digest: "{{ __dr_mapping_chosen.checkpoint.digest }}"',
        'digest: "{{ __dr_mapping_chosen.checkpoint.digest | replace(\'sha256\', \'sha512\') }}"',
    ),
}

if __name__ == "__main__":
    counting.Campaign("plays with hostile names", attempt, FAULTS, goal=3 * len(PLAYBOOKS), in_each=len(PLAYBOOKS)).main()
