# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reading a large catalogue costs: processor time and memory for its recovery point, its list, retention, and the check of a large restore.

No cloud is asked: manifests are files, and backups come out of nowhere, one after the other, as a site would list them. Each figure is of a process
of its own, which does nothing else; its memory includes Python and the library.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t
from types import SimpleNamespace

from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.catalogue import Catalogue
from ansible_collections.osdr.openstack.plugins.module_utils.catalogue.retention import Policy, decide, spare
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import Backup, Volume, marks
from ansible_collections.osdr.openstack.plugins.module_utils.failover.preflight import Conditions, assess
from ansible_collections.osdr.openstack.plugins.module_utils.manifest import signed
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Manifest
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.pieces import LABEL_KEY
from ansible_collections.osdr.openstack.plugins.module_utils.mapping.isolation import Wish
from ansible_collections.osdr.openstack.plugins.module_utils.restore.stock import Stock
from ansible_collections.osdr.openstack.plugins.module_utils.stores.names import folder_prefix
from ansible_collections.osdr.openstack.plugins.module_utils.stores.store import CatalogueStore, StoredDocument
from ansible_collections.osdr.openstack.plugins.modules import os_checkpoint_info, os_recovery_point_info
from ansible_collections.osdr.openstack.tests.unit.support import shop
from ansible_collections.osdr.openstack.tests.unit.support.fake_glance import cloud_with_images
from effort import most_mebibytes
from large import document_of, full

APPLICATION = "shop"
KEY = "a key for the bench"
GOAL_SECONDS, GOAL_MIB = 10.0, 150.0
GOAL_OF_RESTORE = 60.0
VOLUMES = 2
#: Every so many checkpoints, backups are full ones; the others are increments.
CHAIN = 7
INCREMENTS, OTHER_VOLUMES = 16_000, 400
RESTORED_SERVERS = 1000


def backup_id(checkpoint: int, number: int) -> str:
    return f"{checkpoint:08x}-0000-4000-8000-{number:012x}"


def moment_of(checkpoint: int) -> str:
    return f"2026-{1 + checkpoint // 28:02}-{1 + checkpoint % 28:02}T12:00:00"


def name_of(checkpoint: int) -> str:
    return f"checkpoint-{checkpoint:04}"


def chain_of(checkpoint: int, number: int) -> list[str]:
    return [backup_id(one, number) for one in range(checkpoint - checkpoint % CHAIN, checkpoint + 1)]


class Files(CatalogueStore):
    """A catalogue whose documents are files of a directory, and nothing else is there."""

    place = "directory of the bench"
    identity = "project/catalogue"

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory

    def documents(self, folder: str = "") -> list[StoredDocument]:
        found = sorted((self._directory / APPLICATION).iterdir())
        documents = [StoredDocument(f"{APPLICATION}/{one.name}", one.stat().st_size) for one in found]
        return [one for one in documents if one.name.startswith(folder_prefix(folder))]

    def read(self, name: str, at_most: int) -> bytes:
        with (self._directory / name).open("rb") as file:
            return file.read(at_most)

    def write(self, name: str, content: bytes) -> None:
        path = self._directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def write_new(self, name: str, content: bytes) -> None:
        raise NotImplementedError

    def delete(self, name: str) -> None:
        raise NotImplementedError


class Backups:
    """The backups of all checkpoints, each made when it is listed."""

    def __init__(self, checkpoints: int, volumes: int) -> None:
        self.cloud = cloud_with_images("remote")
        self._checkpoints, self._volumes = checkpoints, volumes

    def backups(self) -> list[Backup]:
        return list(self.each_backup())

    def each_backup(self) -> t.Iterator[Backup]:
        return (self._backup(checkpoint, number) for checkpoint in range(self._checkpoints) for number in range(self._volumes))

    def volumes(self) -> list[Volume]:
        """No copies are mirrored."""
        return []

    def backup(self, _backup_id: str) -> None:
        """No project has others."""

    def _backup(self, checkpoint: int, number: int) -> Backup:
        mine, moment = backup_id(checkpoint, number), moment_of(checkpoint)
        piece = f"{LABEL_KEY}_{number:04}"
        return Backup(
            id=mine,
            name=f"copy of {mine}",
            volume_id=shop.uuid(100_000 + number),
            snapshot_id=f"snapshot-{mine}",
            size=1,
            status="available",
            fail_reason="",
            is_incremental=checkpoint % CHAIN > 0,
            has_dependents=checkpoint % CHAIN < CHAIN - 1,
            object_count=3,
            container=f"backups-{number}",
            created_at=moment,
            data_timestamp=f"{moment}.000000",
            metadata={**marks(APPLICATION, name_of(checkpoint)), LABEL_KEY: f"{self._volumes}:{mine * 2:.64}", piece: (mine * 8)[:255]},
        )


def write_catalogue(directory: pathlib.Path, checkpoints: int, servers: int) -> None:
    """Publish so many checkpoints of so many servers."""
    files = Files(directory)
    seal = Catalogue(files, KEY).seal
    document = document_of(servers, VOLUMES)
    for checkpoint in range(checkpoints):
        document["checkpoint"] |= {"id": name_of(checkpoint), "created_at": f"{moment_of(checkpoint)}.000Z", "evidence": evidence_of(document, checkpoint)}
        for number, copied in enumerate(document["copies"]):
            copied |= {"copy_id": backup_id(checkpoint, number), "chain": chain_of(checkpoint, number)}
        files.write(f"{APPLICATION}/{name_of(checkpoint)}.json", signed.dump(document, seal))


def evidence_of(document: t.Mapping[str, t.Any], checkpoint: int) -> dict[str, t.Any]:
    """What a set of snapshots would tell."""
    moment = f"{moment_of(checkpoint)}.000Z"
    freeze = dict.fromkeys(("requested", "frozen", "thawed", "guard_until"), moment)
    servers = [
        {"name": one["name"], "id": one["source_id"], "consistency": "quiesced", "reason": "frozen around every snapshot", "driver": "nova", **freeze}
        for one in document["servers"]
    ]
    snapshots = [
        {"id": backup_id(checkpoint, number), "volume_id": volume["source_id"], "server": one["name"], "size": 1, "requested": moment, "complete": moment}
        for number, (one, volume) in enumerate((one, volume) for one in document["servers"] for volume in one["volumes"])
    ]
    return {"window": {"started": moment, "ended": moment, "seconds": 40.0}, "servers": servers, "snapshots": snapshots}


# What is measured; each returns what is told of it


def recovery_point(directory: pathlib.Path, checkpoints: int, servers: int) -> str:
    params = {"applications": [APPLICATION], "max_age": 3600, "max_drill_age": None, "max_proof_age": None}
    module = SimpleNamespace(params=params, warn=print)
    found = os_recovery_point_info.run(module, Catalogue(Files(directory), KEY), Backups(checkpoints, servers * VOLUMES))
    (point,) = found["recovery_points"]
    assert point["checkpoint"] == name_of(checkpoints - 1), point["checkpoint"]
    return f"{len(json.dumps(found)) / 2**10:.0f} KiB returned"


def listing(directory: pathlib.Path, checkpoints: int, servers: int) -> str:
    params = {"application": APPLICATION, "checkpoint": "latest", "not_after": None, "consistency": None, "require": True, "with_manifest": False}
    module = SimpleNamespace(params=params, warn=lambda _warning: None)
    found = os_checkpoint_info.run(module, Catalogue(Files(directory), KEY), Backups(checkpoints, servers * VOLUMES))
    assert len(found["checkpoints"]) == checkpoints
    return f"{len(json.dumps(found)) / 2**10:.0f} KiB returned"


def selection(directory: pathlib.Path, checkpoints: int, _servers: int) -> str:
    manifest = Catalogue(Files(directory), KEY).named(APPLICATION, "latest")
    assert manifest.checkpoint.id == name_of(checkpoints - 1)
    return f"{len(manifest.copies)} copies"


def retention(_directory: pathlib.Path, checkpoints: int, _servers: int) -> str:
    """Increments of somebody else's volumes, of which the application knows nothing."""
    template = Backups(1, 1).backups()[0]
    values = {**vars(template), "is_incremental": True, "has_dependents": True, "metadata": {}}
    parts = [
        Backup(**{**values, "id": f"other-{one}", "volume_id": f"volume-{one % OTHER_VOLUMES}", "data_timestamp": f"{moment_of(0)}.{one:06}"})
        for one in range(INCREMENTS)
    ]
    spared = spare(APPLICATION, decide(Policy(last=checkpoints), [], [], []), parts)
    return f"{len(spared.needed)} of {INCREMENTS} increments are needed"


def restore(_directory: pathlib.Path, _checkpoints: int, _servers: int) -> str:
    """A restore of many servers, listed, planned and checked, where nothing is there and where all is."""
    manifest = Manifest.load(Manifest.parse(document_of(RESTORED_SERVERS, VOLUMES)).dump())
    site = shop.prepared_site(volumes=())
    quotas = {service: {} for service in ("volume", "compute", "network")}
    for there in (site, full(site, manifest)):
        assess(Wish(manifest), Conditions(), Stock(there, {}, ("ceph",), quotas, {"volume": ("nova",), "compute": ("nova",)}))
    return f"{RESTORED_SERVERS} servers"


MEASURED: dict[str, t.Callable[[pathlib.Path, int, int], str]] = {
    one.__name__: one for one in (recovery_point, listing, selection, retention, restore)
}


class Cost(t.NamedTuple):
    """Processor seconds, and the most MiB."""

    seconds: float
    mebibytes: float
    told: str


def measured(name: str, directory: pathlib.Path, checkpoints: int, servers: int) -> Cost:
    """What one of them costs, in a process of its own."""
    command = [sys.executable, __file__, f"--checkpoints={checkpoints}", f"--servers={servers}", f"--directory={directory}", f"--measure={name}"]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return Cost(*json.loads(answer.stdout.splitlines()[-1]))


def measure(name: str, directory: pathlib.Path, checkpoints: int, servers: int) -> Cost:
    start = time.process_time()
    told = MEASURED[name](directory, checkpoints, servers)
    return Cost(round(time.process_time() - start, 2), round(most_mebibytes(), 1), told)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=int, default=300)
    parser.add_argument("--servers", type=int, default=200, help="of each checkpoint")
    parser.add_argument("--directory", type=pathlib.Path, help="of a catalogue that an earlier run left; made if it is empty")
    parser.add_argument("--measure", choices=MEASURED, help="only this, in this process")
    options = parser.parse_args()
    size = (options.checkpoints, options.servers)
    with contextlib.ExitStack() as stack:
        directory = options.directory or pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not (directory / APPLICATION).exists():
            write_catalogue(directory, *size)
        if options.measure:
            print(json.dumps(measure(options.measure, directory, *size)))
            return 0
        stored = sum(one.size for one in Files(directory).documents())
        print(f"{size[0]} checkpoints of {size[1]} servers with {VOLUMES} volumes each: {stored / 2**20:.0f} MiB of manifests.\n")
        print("| what | processor s | most memory MiB | |\n| --- | --- | --- | --- |")
        costs = {}
        for name in MEASURED:
            costs[name] = cost = measured(name, directory, *size)
            print(f"| {name} | {cost.seconds:.2f} | {cost.mebibytes:.0f} | {cost.told} |", flush=True)
    print(f"\nGoals: recovery_point within {GOAL_SECONDS:g} s and {GOAL_MIB:g} MiB, restore within {GOAL_OF_RESTORE:g} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
