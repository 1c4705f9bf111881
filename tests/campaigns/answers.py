# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clouds whose answers are damaged: the real adapters with the real SDK, over HTTP that is answered by a mutated Nova and Cinder.

Whatever they answer, what probes, thaws, plans, proves and prunes ends well or in an error for people.
"""

from __future__ import annotations

import contextlib
import functools
import json
import typing as t
from types import SimpleNamespace
from unittest import mock

import counting
import openstack
import requests_mock
from ansible_collections.osdr.openstack.plugins.module_utils.application.definition import Application
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.retention import Policy, decide, spare, surplus
from ansible_collections.osdr.openstack.plugins.module_utils.cloud import session, shape
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.block_storage import BlockStorage
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.compute import Compute
from ansible_collections.osdr.openstack.plugins.module_utils.cloud.session import Cloud
from ansible_collections.osdr.openstack.plugins.module_utils.core import errors
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import DrError
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import marks
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce import pause
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.drivers import Reach, drivers
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.mark import FreezeMark, held_problem
from ansible_collections.osdr.openstack.plugins.module_utils.quiesce.thawing import Leftovers, Thawing
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.evidence import Evidence
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.job import GroupingOptions, SnapshotJob
from ansible_collections.osdr.openstack.plugins.module_utils.snapshots.wanted import Storages, Wanted, survey
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support import shop
from documents import mutated

NOVA, CINDER = "http://nova.example/v2.1", "http://cinder.example/v3"
SHOP = Application.parse({"name": "shop", "tiers": [{"name": "database", "servers": ["orders-db"]}]})
MARK = FreezeMark("pause", "2020-01-01T00:00:00Z", "token", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z")
OURS = marks("shop", "noon")
TIME = "2026-01-01T12:00:00.000000"
SERVER = {
    **{"id": "s1", "name": "orders-db", "status": "ACTIVE", "tenant_id": "p1", "image": "", "key_name": "shop", "config_drive": "True"},
    "flavor": {"vcpus": 1, "ram": 320, "disk": 1, "ephemeral": 0, "swap": 0, "original_name": "lab.db", "extra_specs": {}},
    "addresses": {"back": [{"version": 4, "addr": "10.0.1.2", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:02"}]},
    "metadata": MARK.metadata,
    "tags": ["gold"],
    **{"OS-EXT-STS:task_state": None, "OS-EXT-STS:power_state": 1, "OS-EXT-STS:vm_state": "active", "OS-EXT-AZ:availability_zone": "nova"},
    "os-extended-volumes:volumes_attached": [{"id": "v1", "delete_on_termination": True}],
    "updated": "2026-01-01T12:00:00Z",
}
QUIESCE = {"state": "none", "now": "2026-01-01T12:00:00Z", "max_timeout": 300, "last": {"token": "token", "outcome": "unquiesced", "intact": True}}
VOLUME = {
    **{"id": "v1", "name": "orders", "size": 1, "status": "in-use", "volume_type": "ceph", "bootable": "true", "metadata": {}, "description": ""},
    **{"attachments": [{"server_id": "s1", "device": "/dev/vda"}], "os-vol-host-attr:host": "host@ceph#pool", "availability_zone": "nova"},
}
FROZEN = {"osdr_server": {"id": "s1", "consistency": "crash", "pending": None, "reason": "not frozen"}, "osdr_frozen": {}}
TAKEN = {"osdr_taken": {"requested": TIME, "complete": TIME, "strategy": "individual", "backend": "b", "reason": ""}}
WHOLE = {"osdr_set": {"consistency": "crash", "taken": TIME, "window": None, "skew": 0.1}}
PROOF = {key: json.dumps(value) for key, value in {**FROZEN, **TAKEN, **WHOLE}.items()}
SNAPSHOT = {"id": "n1", "name": "noon", "volume_id": "v1", "size": 1, "status": "available", "created_at": TIME, "metadata": {**OURS, **PROOF}}
BACKUP = {
    **{"id": "b1", "name": "noon", "volume_id": "v1", "snapshot_id": "n1", "size": 1, "status": "available", "is_incremental": True, "container": "c"},
    **{"has_dependent_backups": False, "object_count": 3, "created_at": TIME, "data_timestamp": TIME, "metadata": OURS, "availability_zone": "nova"},
}
USED = {"limit": 10, "in_use": 1, "reserved": 0}
GROUP = {"id": "g1", "name": "shop", "status": "available", "description": "", "group_type": "t1", "volume_types": ["ceph"]}
GOOD: dict[str, t.Any] = {
    f"{NOVA}/servers/detail": {"servers": [SERVER, {**SERVER, "id": "s2", "name": "front", "status": "PAUSED", "metadata": {}}]},
    f"{NOVA}/servers/s1": {"server": SERVER},
    f"{NOVA}/servers/s1/os-quiesce": {"quiesce": QUIESCE},
    f"{CINDER}/volumes/detail": {"volumes": [VOLUME]},
    f"{CINDER}/snapshots/detail": {"snapshots": [SNAPSHOT]},
    f"{CINDER}/snapshots": {"snapshots": []},
    f"{CINDER}/group_snapshots/detail": {"group_snapshots": [{"id": "gs1", "name": "noon", "status": "available", "group_id": "g1"}]},
    f"{CINDER}/groups/detail": {"groups": [GROUP]},
    f"{CINDER}/group_types": {"group_types": [{"id": "t1", "name": "gold", "group_specs": {"consistent_group_snapshot_enabled": "<is> True"}}]},
    f"{CINDER}/scheduler-stats/get_pools": {"pools": [{"name": "host@ceph#pool", "capabilities": {"consistent_group_snapshot_enabled": True}}]},
    f"{CINDER}/types": {"volume_types": [{"id": "vt", "name": "ceph"}]},
    f"{CINDER}/backups/detail": {"backups": [BACKUP, {**BACKUP, "id": "b0", "is_incremental": False}]},
    f"{CINDER}/os-quota-sets/p1": {"quota_set": {"id": "p1", "snapshots": USED, "gigabytes": USED, "backups": USED}},
}
ACTIONS = f"{NOVA}/servers/s1/action"
PAGES = ("", "<html>Welcome</html>", "null", "[]", '"none"', "5", "[" * 3000)


@functools.cache
def cloud() -> Cloud:
    """A connection whose services answer at once."""
    with requests_mock.Mocker() as http:
        for url, name, newest in ((NOVA, "v2.1", "2.100"), (CINDER, "v3.0", "3.71")):
            version = {"id": name, "status": "CURRENT", "version": newest, "min_version": "2.1", "links": [{"rel": "self", "href": url}]}
            for path in (url, f"{url}/"):
                http.get(path, json={"version": version})
        connection = openstack.connect(auth_type="none", endpoint=NOVA, compute_endpoint_override=NOVA, block_storage_endpoint_override=CINDER)
        made = Cloud(connection, "primary")
        made.__dict__["project_id"] = "p1"
        for service in ("compute", "block_storage"):
            made.service(service).get_endpoint_data()
    return made


def quick(seconds: float) -> t.Any:
    """A clock whose time passes by itself."""
    now = iter(range(10**9))
    return SimpleNamespace(now=lambda: next(now) * seconds, sleep=lambda _seconds: None)


def answered(dice) -> tuple[dict[str, t.Any], str]:
    """All answers, of which one is damaged, and which one that is."""
    which = dice.choice(sorted(GOOD))
    if dice.random() < 0.1:
        return {**GOOD, which: dice.choice(PAGES)}, which
    return {**GOOD, which: mutated(dice, GOOD[which])}, which


def of_nova(compute: Compute) -> None:
    """All that freezes and thaws, by what Nova says."""
    for server in compute.servers(everywhere=True):
        json.dumps([server.label, held_problem(server), server.state, server.is_known])
        for driver in drivers(Reach(compute, None, 5, 60)).values():
            json.dumps(driver.probe(server).problem)
    Leftovers(compute, True).thaw(Thawing(Reach(compute, None, 5, 60)), 1)


def of_cinder(compute: Compute, storage: BlockStorage) -> None:
    """All that plans, proves and prunes, by what Cinder says."""
    servers = {"orders-db": shop_server(compute)}
    wanted = Wanted(SHOP, "noon", "crash", survey(SHOP, servers, Storages([storage])))
    job = SnapshotJob(Storages([storage]), storage, wanted, GroupingOptions("auto"), Waiter(0, 0), 1)
    plan = job.plan(is_confirmed=False)
    job.problems(plan, job.units())
    snapshots = storage.snapshots()
    if snapshots:
        Evidence.read(snapshots)
    found = storage.backups()
    decision = spare("shop", decide(Policy(last=1), [shop.taken("noon", "2026-01-01T12:00:00Z")], found), found)
    surplus("shop", decision, found, snapshots)


def shop_server(compute: Compute) -> t.Any:
    return compute.resolve(["orders-db"])["orders-db"]


@contextlib.contextmanager
def served(answers: t.Mapping[str, t.Any]) -> t.Iterator[t.Any]:
    with requests_mock.Mocker() as http, mock.patch.object(pause, "SYSTEM_CLOCK", quick(1)):
        # Whatever else is asked for is not there, such as a resource whose id was damaged.
        http.register_uri(requests_mock.ANY, requests_mock.ANY, status_code=404, json={"itemNotFound": {"message": "It is not there."}})
        http.delete(requests_mock.ANY, status_code=204)
        for url, answer in answers.items():
            http.get(url, text=answer if isinstance(answer, str) else json.dumps(answer), headers={"Content-Type": "application/json"})
        http.post(ACTIONS, status_code=202, json={"quiesce": {**QUIESCE, "state": "none"}})
        yield http


def attempt(dice) -> t.Iterator[str]:
    answers, which = answered(dice)
    made = cloud()
    compute, storage = Compute(made), BlockStorage(made)
    with served(answers):
        for act in (lambda: of_nova(compute), lambda: of_cinder(compute, storage)):
            try:
                act()
            except DrError as error:
                if not str(error).isprintable():
                    yield f"{which}: a message has what a terminal would obey"
            except Exception as error:  # whatever it is, nobody should see it
                yield f"{which}: {type(error).__name__}: {str(error)[:200]}"


def _takes_any_shape() -> t.ContextManager[t.Any]:
    return mock.patch.object(shape, "_fields", lambda _kind: {})


@contextlib.contextmanager
def _trusts_answers() -> t.Iterator[None]:
    with mock.patch.object(session, "NONSENSE", ()):
        yield


FAULTS = {
    "records of any shape are taken": _takes_any_shape,
    "the SDK is trusted to read whatever comes": _trusts_answers,
    "messages are as others wrote them": lambda: mock.patch.object(errors, "printable", str),
}

if __name__ == "__main__":
    counting.Campaign("damaged answers", attempt, FAULTS, goal=5_000).main()
