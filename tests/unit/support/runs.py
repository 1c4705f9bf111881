# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of runs for tests, as modules return them: three servers, five volumes, a freeze window of 1.9 s."""

from __future__ import annotations

import copy

from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.facts import CheckpointRun, RestoreRun, RollBackRun
from ansible_collections.osdr.openstack.plugins.plugin_utils.report.manifests import Manifests
from ansible_collections.osdr.openstack.tests.unit.support import shop

TIERS = {"database": ["orders-db", "payments-db"], "front": ["shop-front"]}
#: Seconds of the window: freeze requested, frozen, thawed.
FREEZES = {"shop-front": (0.0, 0.21, 1.9), "orders-db": (0.22, 0.61, 1.55), "payments-db": (0.22, 0.53, 1.72)}
#: Server, name and size of each volume, when its snapshot was requested and complete, what of it is stored, and whether it is an increment.
VOLUMES = (
    ("orders-db", "orders-db-boot", 10, (0.63, 1.31), 36_700_160, True),
    ("orders-db", "orders-db-data", 40, (0.64, 1.42), 1_288_490_188, True),
    ("payments-db", "payments-db-boot", 10, (0.64, 1.3), 41_943_040, True),
    ("payments-db", "payments-db-data", 20, (0.65, 1.44), 734_003_200, True),
    ("shop-front", "shop-front-boot", 10, (0.65, 1.36), 2_362_232_012, False),
)
#: When each server was accepted, active and ready, in seconds of the module.
BUILT = {"orders-db": (2.3, 9.8, 17.0), "payments-db": (2.4, 10.9, 15.2), "shop-front": (19.1, 26.0, 28.2)}
#: When the restore of each volume was requested (by the first call) and when it was ready (by the second).
RESTORED = {
    "orders-db-boot": (0.3, 4.1),
    "orders-db-data": (0.3, 12.6),
    "payments-db-boot": (0.4, 4.0),
    "payments-db-data": (0.4, 8.3),
    "shop-front-boot": (0.4, 4.2),
}


def at(seconds, minute=0):
    return f"2026-11-22T12:{minute:02d}:{seconds:06.3f}Z"


def number(name):
    return 1 + [*TIERS["database"], *TIERS["front"]].index(name)


def _volumes(server):
    template = copy.deepcopy(shop.DOCUMENT["servers"][0]["volumes"][0])
    named = [(index, one) for index, one in enumerate(VOLUMES, 1) if one[0] == server]
    return [{**template, "source_id": shop.uuid(index), "name": one[1], "size": one[2]} for index, one in named]


def _server(tier, name):
    template = copy.deepcopy(shop.DOCUMENT["servers"][0])
    ports = [{**port, "source_id": shop.uuid(300 + 10 * number(name) + index)} for index, port in enumerate(template["ports"])]
    return {**template, "source_id": shop.uuid(20 + number(name)), "name": name, "tier": tier, "ports": ports, "volumes": _volumes(name)}


def _copies():
    template = shop.DOCUMENT["copies"][0]
    return [
        {
            **template,
            "volume_id": shop.uuid(index),
            "copy_id": shop.uuid(100 + index),
            "chain": ([shop.uuid(80 + index), shop.uuid(90 + index)] if incremental else []) + [shop.uuid(100 + index)],
            "size": size,
            "incremental": incremental,
            "stored_bytes": stored,
            "content": {"proved_at": f"2026-11-22T{12 - index:02d}:00:00.000Z", "proved_by": "2026-11-21-noon", "how": "restore", "passed_over": index},
        }
        for index, (_server_name, _name, size, _taken, stored, incremental) in enumerate(VOLUMES, 1)
    ]


def frozen(name, tier):
    """A server's evidence as os_cg_snapshot returns it."""
    requested, confirmed, thawed = FREEZES[name]
    return {
        "id": shop.uuid(20 + number(name)),
        "name": name,
        "tier": tier,
        "consistency": "quiesced",
        "pending": None,
        "reason": "frozen around every snapshot",
        "driver": "nova",
        "requested_at": at(requested),
        "frozen_at": at(confirmed),
        "thawed_at": at(thawed),
        "filesystems": 2,
        "guard": "nova",
        "guard_until": at(60 - 1e-3),
    }


def evidence():
    return {
        "window": {"started": at(0), "ended": at(1.9), "seconds": 1.9},
        "servers": [frozen(name, tier) for tier, names in TIERS.items() for name in names],
        "snapshots": [
            {"volume_id": shop.uuid(index), "requested_at": at(taken[0]), "complete_at": at(taken[1])}
            for index, (_server_name, _name, _size, taken, _stored, _incremental) in enumerate(VOLUMES, 1)
        ],
    }


def manifest(**checkpoint):
    """:param checkpoint: what is different in its part ``checkpoint``."""
    consistencies = {name: "quiesced" for names in TIERS.values() for name in names}
    described = {"id": "2026-11-22-noon", "created_at": at(0.61), "server_consistency": consistencies, "evidence": evidence(), **checkpoint}
    document = {
        **shop.DOCUMENT,
        "checkpoint": {**shop.DOCUMENT["checkpoint"], **described},
        "application": {"name": "shop", "tiers": [{"name": tier, "servers": names, "checks": []} for tier, names in TIERS.items()]},
        "servers": [_server(tier, name) for tier, names in TIERS.items() for name in names],
        "copies": _copies(),
    }
    return Manifest.parse(document).as_dict()


CHECKPOINT = {"consistency": "quiesced", "restorable_at": at(42.1), "since": "2026-11-01-noon", "changes": [{"text": "router shop-router went"}]}


#: The project in which each tier is, of an application over two.
PROJECTS = {"database": "p-databases", "front": "p-front"}


def in_two_projects():
    """The same checkpoint with its tiers in two projects: the manifests of both, the leading one first."""
    return [_of_project(tier, project) for tier, project in PROJECTS.items()]


def _of_project(tier, project):
    document = manifest(together={"project": project, "projects": list(PROJECTS.values()), "tiers": list(TIERS)})
    document["application"]["tiers"] = [one for one in document["application"]["tiers"] if one["name"] == tier]
    document["servers"] = [one for one in document["servers"] if one["tier"] == tier]
    volumes = {volume["source_id"] for server in document["servers"] for volume in server["volumes"]}
    document["copies"] = [one for one in document["copies"] if one["volume_id"] in volumes]
    found = document["checkpoint"]["evidence"]
    found["servers"] = [one for one in found["servers"] if one["tier"] == tier]
    found["snapshots"] = [one for one in found["snapshots"] if one["volume_id"] in volumes]
    return document


def checkpoint(document=None, warnings=(), parts=(), **given):
    return CheckpointRun.of(Manifests.of(manifest() if document is None else document, *parts), {**CHECKPOINT, **given}, warnings)


def _volume(index, one, status, requested, ready):
    return {
        "source_id": shop.uuid(index),
        "servers": [one[0]],
        "name": one[1],
        "device": "/dev/vda",
        "size": one[2],
        "copy_id": shop.uuid(100 + index),
        "volume_id": shop.uuid(200 + index),
        "status": status,
        "seconds": {"requested": requested, "ready": ready},
    }


def volume_results():
    """What the two calls of os_restore_volumes return."""
    begun = [_volume(index, one, "creating", RESTORED[one[1]][0], None) for index, one in enumerate(VOLUMES, 1)]
    ended = [_volume(index, one, "available", None, RESTORED[one[1]][1]) for index, one in enumerate(VOLUMES, 1)]
    return [{"started_at": at(3.1, 30), "volumes": begun}, {"started_at": at(6.4, 30), "volumes": ended}]


def restored(name, tier, **changes):
    """A server as os_restore_servers returns it."""
    created, active, ready = BUILT[name]
    return {
        "source_id": shop.uuid(20 + number(name)),
        "name": name,
        "tier": tier,
        "server_id": shop.uuid(220 + number(name)),
        "status": "ACTIVE",
        "ports": [{"network": "shop-net", "fixed_ips": [f"10.10.0.1{number(name)}"], "floating_ips": [f"10.88.2.3{number(name)}"]}],
        "seconds": {"created": created, "active": active, "ready": ready},
        **changes,
    }


def server_results():
    """What os_restore_servers returns when it is called for all tiers at once."""
    return [{"started_at": at(19.6, 30), "servers": [restored(name, tier) for tier, names in TIERS.items() for name in names]}]


def restore(document=None, warnings=(), parts=(), **given):
    facts = {"site": "remote", "began_at": at(0, 30), "seconds": 48.3, "volumes": volume_results(), "servers": server_results(), **given}
    return RestoreRun.of(Manifests.of(manifest() if document is None else document, *parts), facts, warnings)


KEPT = [{"name": name, "volume_id": shop.uuid(index), "size": size} for index, (_server_name, name, size, *_others) in enumerate(VOLUMES, 1)]


def roll_back(document=None, warnings=(), parts=(), **given):
    facts = {"site": "primary", "id": "20261122143000-3f2a", "stopped_at": at(15, 30), "kept": KEPT}
    made = {"volumes": volume_results(), "servers": server_results(), **given}
    return RollBackRun.of(Manifests.of(manifest() if document is None else document, *parts), {**facts, **made}, warnings)


def renamed(facts, names):
    """The same facts with other names, wherever they stand.

    :param names: new names by old ones.
    """
    if isinstance(facts, dict):
        return {renamed(key, names): renamed(value, names) for key, value in facts.items()}
    if isinstance(facts, list):
        return [renamed(one, names) for one in facts]
    return names.get(facts, facts) if isinstance(facts, str) else facts


#: Names that a cloud lets people give, and that would hurt a careless page.
HOSTILE = {
    "orders-db": "<script>parent.hurt = true</script>",
    "payments-db": "x" * 255,
    "shop-front": "\"><img src=x onerror='parent.hurt = true'>{{ 7 * 7 }}</title></style>",
    "orders-db-data": "\u202egnp.exe \u2066 لوحة " + "W" * 120,
    "frozen around every snapshot": "because " * 20 + "<b>bold</b>" + "y" * 200,
}


def fleet(count):
    """The manifest of an application with many servers, of which each has its own evidence."""
    document = manifest()
    template, evidence_template = document["servers"][0], document["checkpoint"]["evidence"]["servers"][0]
    names = [f"worker-{index:02d}" for index in range(1, count + 1)]
    document["application"]["tiers"] = [{"name": "database", "servers": names, "checks": []}]
    document["servers"] = [{**template, "name": name, "source_id": shop.uuid(1000 + index), "volumes": []} for index, name in enumerate(names)]
    document["checkpoint"]["evidence"]["servers"] = [
        {**evidence_template, "id": shop.uuid(1000 + index), "requested_at": at(0.02 * index), "frozen_at": at(0.02 * index + 0.3)} for index in range(count)
    ]
    return document
