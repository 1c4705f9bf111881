# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backup consists of in an object store, and whether all of it is there.

Cinder's chunked backup drivers (Swift among them) write numbered objects with the data, one with the SHA-256 of every
block of the whole volume, and last one that lists the data objects (``cinder.backup.chunkeddriver``). A restore demands
that exactly the listed objects are there.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import typing as t

from ..cloud.object_store import ObjectStore, StoredObject
from ..core.errors import CloudError
from ..core.records import Backup, BackupRecord

_LIST = "_metadata"
_BLOCK_SUMS = "_sha256file"
#: Bytes; 64 TiB in objects of 32 MiB take about 300 million.
_LARGEST_LIST = 512 * 1024**2
#: Drivers whose objects we know how to find.
_SWIFT = "cinder.backup.drivers.swift."


@dataclasses.dataclass(frozen=True)
class Location:
    """Where the objects of a backup are.

    :param prefix: with which all their names begin.
    """

    backup_id: str
    container: str
    prefix: str

    @property
    def list_name(self) -> str:
        return self.prefix + _LIST

    @property
    def block_sums_name(self) -> str:
        return self.prefix + _BLOCK_SUMS


@dataclasses.dataclass(frozen=True)
class Link:
    """One backup of a chain, from its exported record.

    :param parent_id: of the backup that it is an increment of.
    :param location: None where the backup is in no Swift object store.
    """

    record: BackupRecord
    backup_id: str
    parent_id: str | None
    location: Location | None


def read_link(record: BackupRecord) -> Link:
    """The record is base64 of a JSON object with the fields of Cinder's backup (``Backup.encode_record``).

    :raises CloudError: when it is none.
    """
    try:
        fields = json.loads(base64.b64decode(record.backup_url))
        backup_id, parent_id = fields["id"], fields.get("parent_id")
        container, prefix = fields.get("container"), fields.get("service_metadata")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CloudError(f"The exported record of a backup cannot be read ({type(error).__name__}).") from error
    in_swift = record.backup_service.startswith(_SWIFT) and container and prefix
    return Link(record, backup_id, parent_id, Location(backup_id, container, prefix) if in_swift else None)


@dataclasses.dataclass(frozen=True)
class Inventory:
    """The objects of a backup that a store has, by name."""

    location: Location
    objects: t.Mapping[str, StoredObject]

    @classmethod
    def take(cls, store: ObjectStore, location: Location) -> Inventory:
        found = store.objects(location.container, location.prefix)
        return cls(location, {one.name: one for one in found})

    @property
    def stored_bytes(self) -> int:
        return sum(one.size for one in self.objects.values())

    @property
    def digest(self) -> str:
        """Of names, sizes and checksums, so that a later look tells whether anything has changed."""
        lines = [f"{one.name} {one.size} {one.checksum}\n" for one in sorted(self.objects.values(), key=lambda one: one.name)]
        return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()

    def lacking(self, other: Inventory) -> list[StoredObject]:
        """Objects of another inventory that are missing here or different; what lists the others comes last."""
        missing = [one for name, one in other.objects.items() if self.objects.get(name) != one]
        return sorted(missing, key=lambda one: (one.name == self.location.list_name, one.name))


def problems_of(inventory: Inventory, listing: bytes) -> list[str]:
    """What keeps a backup from being restored.

    :param listing: content of the object that lists the others.
    """
    location = inventory.location
    try:
        document = json.loads(listing)
        listed = {name: facts for entry in document["objects"] for name, facts in entry.items()}
        facts_known = all({"length", "compression", "md5"} <= facts.keys() for facts in listed.values())
    except (ValueError, KeyError, TypeError, AttributeError):
        facts_known = False
    if not facts_known:
        return [f"object {location.list_name} is damaged"]
    if document.get("backup_id") != location.backup_id:
        return [f"object {location.list_name} belongs to another backup"]
    data = inventory.objects.keys() - {location.list_name, location.block_sums_name}
    problems = [f"object {name} is missing" for name in sorted(listed.keys() - data)]
    problems += [f"object {name} is of no use and keeps it from being restored" for name in sorted(data - listed.keys())]
    problems += [f"object {name} is damaged" for name in sorted(listed.keys() & data) if _differs(inventory.objects[name], listed[name])]
    if location.block_sums_name not in inventory.objects:
        problems.append(f"object {location.block_sums_name} is missing")
    return problems


def _differs(stored: StoredObject, facts: t.Mapping[str, t.Any]) -> bool:
    """The facts are of the data before compression."""
    if facts["compression"] == "none":
        return (stored.size, stored.checksum) != (facts["length"], facts["md5"])
    return not 0 < stored.size < facts["length"]


def inspect(store: ObjectStore, location: Location) -> tuple[Inventory, list[str]]:
    """The objects of a backup in a store, and what is wrong with them."""
    inventory = Inventory.take(store, location)
    if location.list_name not in inventory.objects:
        return inventory, [f"object {location.list_name} is missing"]
    return inventory, problems_of(inventory, store.read(location.container, location.list_name, _LARGEST_LIST))


def listed_backups(store: ObjectStore, container: str, volume_id: str) -> set[str]:
    """Ids of the backups of a volume of which a store has the object that lists the others.

    Their names are made by the Swift driver: ``volume_ID/TIME/az_ZONE_backup_ID_metadata``.
    """
    names = store.names(container, f"volume_{volume_id}/")
    return {name.removesuffix(_LIST).rpartition("_backup_")[2] for name in names if name.endswith(_LIST)}


def stored_bytes(store: ObjectStore, backup: Backup) -> int:
    """Bytes of a backup that a store has, also of one that is not finished."""
    found = store.objects(backup.container, f"volume_{backup.volume_id}/")
    return sum(one.size for one in found if f"_backup_{backup.id}" in one.name)
