# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a backup in an object store, and whether they are complete.

Cinder's chunked backup drivers (Swift among them) write numbered objects with the data, one with the SHA-256 of every
block of the whole volume, and last one that lists the data objects (``cinder.backup.chunkeddriver``). A restore needs
exactly the listed objects.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import typing as t

from ..cloud.object_store import ObjectStore, StoredObject
from ..core.errors import CloudError
from ..core.numbers import is_whole
from ..core.records import Backup, BackupRecord

_LIST = "_metadata"
_BLOCK_SUMS = "_sha256file"
#: Bytes; 64 TiB in objects of 32 MiB take about 300 million.
LARGEST_LIST = 512 * 1024**2
#: The drivers whose objects can be found.
_SWIFT = "cinder.backup.drivers.swift."


@dataclasses.dataclass(frozen=True)
class Location:
    """Where the objects of a backup are.

    :param prefix: of all their names.
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

    :param parent_id: id of the backup that it is an increment of.
    :param location: None where the record does not say where in Swift the objects are, as with other drivers.
    """

    record: BackupRecord
    backup_id: str
    parent_id: str | None
    location: Location | None

    @property
    def is_in_swift(self) -> bool:
        return str(self.record.backup_service).startswith(_SWIFT)


def read_link(record: BackupRecord) -> Link:
    """Read an exported record: base64 of a JSON object with the fields of Cinder's backup (``Backup.encode_record``).

    :raises CloudError: when it cannot be read.
    """
    fields = _fields(record)
    backup_id, parent_id = fields.get("id"), fields.get("parent_id") or None
    if not isinstance(backup_id, str) or not isinstance(parent_id, str | None):
        raise CloudError("The exported record of a backup cannot be read: it has no valid id or parent_id.")
    link = Link(record, backup_id, parent_id, None)
    container, prefix = _text(fields, "container"), _text(fields, "service_metadata")
    return dataclasses.replace(link, location=Location(backup_id, container, prefix)) if link.is_in_swift and container and prefix else link


def key_id_of(record: BackupRecord) -> str | None:
    """Id of the key of an encrypted volume's backup; None where the volume was not encrypted."""
    return _text(_fields(record), "encryption_key_id") or None


def changed_record(record: BackupRecord, **changes: t.Any) -> BackupRecord:
    """A record with other fields, to be imported as another backup."""
    fields = {**_fields(record), **changes}
    return BackupRecord(record.backup_service, base64.b64encode(json.dumps(fields).encode()).decode())


def _text(fields: t.Mapping[str, t.Any], name: str) -> str:
    """A field; empty when it is not a string."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _fields(record: BackupRecord) -> dict[str, t.Any]:
    try:
        fields = json.loads(base64.b64decode(record.backup_url))
    except (ValueError, TypeError, RecursionError) as error:
        raise CloudError(f"The exported record of a backup cannot be read ({type(error).__name__}).") from error
    if not isinstance(fields, dict):
        raise CloudError("The exported record of a backup cannot be read: it is not a JSON object.")
    return fields


@dataclasses.dataclass(frozen=True)
class BackupObjects:
    """The objects of a backup that a store has, by name."""

    location: Location
    objects: t.Mapping[str, StoredObject]

    @classmethod
    def take(cls, store: ObjectStore, location: Location) -> BackupObjects:
        found = store.objects(location.container, location.prefix)
        return cls(location, {one.name: one for one in found})

    @property
    def stored_bytes(self) -> int:
        return sum(one.size for one in self.objects.values())

    @property
    def digest(self) -> str:
        """Digest of names, sizes and checksums, by which later changes are noticed."""
        lines = [f"{one.name} {one.size} {one.checksum}\n" for one in sorted(self.objects.values(), key=lambda one: one.name)]
        return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()

    def lacking(self, other: BackupObjects) -> list[StoredObject]:
        """Objects of another inventory that are missing or different here; the one that lists the others comes last."""
        missing = [one for name, one in other.objects.items() if self.objects.get(name) != one]
        return sorted(missing, key=lambda one: (one.name == self.location.list_name, one.name))


def problems_of(inventory: BackupObjects, listing: bytes) -> list[str]:
    """Why a backup cannot be restored.

    :param listing: content of the object that lists the others.
    """
    location = inventory.location
    try:
        document = json.loads(listing)
        listed = _listed(document["objects"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [f"object {location.list_name} is damaged"]
    if document.get("backup_id") != location.backup_id:
        return [f"object {location.list_name} belongs to another backup"]
    data = inventory.objects.keys() - {location.list_name, location.block_sums_name}
    problems = [f"object {name} is missing" for name in sorted(listed.keys() - data)]
    problems += [f"object {name} is not listed and prevents the restore" for name in sorted(data - listed.keys())]
    problems += [f"object {name} is damaged" for name in sorted(listed.keys() & data) if _differs(inventory.objects[name], listed[name])]
    if location.block_sums_name not in inventory.objects:
        problems.append(f"object {location.block_sums_name} is missing")
    return problems


@dataclasses.dataclass(frozen=True)
class _Facts:
    """What the list says of an object's data before compression."""

    length: int
    md5: str
    is_compressed: bool

    @classmethod
    def parse(cls, facts: t.Mapping[str, t.Any]) -> _Facts:
        """Read an entry of the list.

        :raises ValueError: when it is invalid.
        """
        offset, length = facts["offset"], facts["length"]
        if not (_is_count(offset) and _is_count(length)):
            raise ValueError("no offset or no length")
        return cls(length, facts["md5"], facts["compression"] != "none")


def _is_count(value: t.Any) -> bool:
    return is_whole(value) and value >= 0


def _listed(entries: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, _Facts]:
    """Read the list.

    :raises ValueError: when it is invalid, for example lists an object twice.
    """
    facts = [(name, _Facts.parse(one)) for entry in entries for name, one in entry.items()]
    listed = dict(facts)
    if len(listed) < len(facts):
        raise ValueError("an object is listed twice")
    return listed


def _differs(stored: StoredObject, facts: _Facts) -> bool:
    if facts.is_compressed:
        return not 0 < stored.size < facts.length
    return (stored.size, stored.checksum) != (facts.length, facts.md5)


def inspect(store: ObjectStore, location: Location) -> tuple[BackupObjects, list[str]]:
    """The objects of a backup in a store, and what is wrong with them."""
    inventory = BackupObjects.take(store, location)
    if location.list_name not in inventory.objects:
        return inventory, [f"object {location.list_name} is missing"]
    return inventory, problems_of(inventory, store.read(location.container, location.list_name, LARGEST_LIST))


def listed_backups(store: ObjectStore, container: str, volume_id: str) -> set[str]:
    """Ids of a volume's backups whose list of objects is in the store.

    The Swift driver names these lists ``volume_ID/TIME/az_ZONE_backup_ID_metadata``.
    """
    names = store.names(container, f"volume_{volume_id}/")
    return {name.removesuffix(_LIST).rpartition("_backup_")[2] for name in names if name.endswith(_LIST)}


def list_name_of(store: ObjectStore, backup: Backup) -> str | None:
    """Name of a backup's list of objects at the site that made it; None where the store has none, as with other drivers than Swift's."""
    end = f"_backup_{backup.id}{_LIST}"
    return next((name for name in store.names(backup.container, f"volume_{backup.volume_id}/") if name.endswith(end)), None)


def stored_bytes(store: ObjectStore, backup: Backup) -> int:
    """Bytes of a backup in the store, even of one that is not finished."""
    found = store.objects(backup.container, f"volume_{backup.volume_id}/")
    return sum(one.size for one in found if f"_backup_{backup.id}" in one.name)
