# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twins of the backups of an encrypted volume: what a volume is restored from at a site that has another key manager.

Cinder restores the backup of an encrypted volume only to a volume of the type, by its id, that the backup's list of objects names, and
gives the volume the key, by its id, that the backup's record names. Both ids are of the site where the backup was made. So for each restore
the record of each backup is imported once more, under another id, with the key's id at this site and another place of its objects:
there is a list of objects that names the type and the key of this site, and the objects of the backup are referred to. The backup itself is
not changed. When the volume is restored, the twins are deleted, by which Cinder deletes what they refer by, and the key.

Twins have no marks of a checkpoint, so that nothing counts them as its copies. Their name has the id of the backup and their description
the mark of the restore.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import typing as t
import uuid

from ..cloud.block_storage import BlockStorage
from ..cloud.key_manager import KeyManager
from ..cloud.object_store import ObjectStore
from ..cloud.volume_encryption import VolumeEncryption
from ..core.errors import CloudError, NotFound, ResourceFailed
from ..core.marking import Mark
from ..core.records import Backup, BackupRecord
from ..manifest.manifest import Copy
from ..manifest.volume_keys import Opener, SealedKey
from ..work.pool import each
from ..work.waiting import Waiter
from .objects import LARGEST_LIST, Link, Location, changed_record, key_id_of, read_link
from .transport import location_of

_NAME = "osdr-restore-"
_PREFIX = "osdr_restore/"
_KEY_NAME = "osdr-restore "
_NAMESPACE = uuid.UUID("6f4cf0b2-6a6c-4a40-9d0c-6f0d9f1a5a11")
#: What Cinder's list of a backup's objects says of the volume itself.
BASE_METADATA = "volume-base-metadata"
#: The version of Cinder's metadata of volumes by which a restore brings back the key.
_WITH_KEY = 2
_JSON = "application/json"


def twin_id(mark: Mark, backup_id: str) -> str:
    """Id of a backup's twin: always the same for one restore, so that a run finds what an earlier one made."""
    return str(uuid.uuid5(_NAMESPACE, f"{mark.text()} {backup_id}"))


def _mark_of_twin(backup: Backup) -> Mark | None:
    return Mark.of_text(backup.description) if backup.name.startswith(_NAME) else None


def _mark_of_key(name: str) -> Mark | None:
    return Mark.of_text(name) if name.startswith(_KEY_NAME) else None


@dataclasses.dataclass(frozen=True)
class Scaffolding:
    """What a restore or drill needed for encrypted volumes and has not removed.

    :param keys: names per id.
    """

    backups: tuple[Backup, ...]
    keys: t.Mapping[str, str]

    @classmethod
    def of(cls, storage: BlockStorage, owner: Mark) -> Scaffolding:
        """Those of one restore or drill; of a single volume where the mark names it."""

        def is_meant(mark: Mark | None) -> bool:
            return mark is not None and owner in (mark, mark.owner)

        keys = KeyManager(storage.cloud)
        names = keys.names() if keys.exists else {}
        meant = {key_id: name for key_id, name in names.items() if is_meant(_mark_of_key(name))}
        used = _keys_of_volumes(storage) if meant else set()
        return cls(
            tuple(one for one in storage.backups() if is_meant(_mark_of_twin(one))),
            {key_id: name for key_id, name in meant.items() if key_id not in used},
        )

    def shown(self) -> dict[str, list[str]]:
        """Names, per kind; empty kinds are left out."""
        kinds = {"backups": sorted(f"{one.name} ({one.id})" for one in self.backups), "keys": sorted(self.keys.values())}
        return {kind: names for kind, names in kinds.items() if names}

    def remove(self, storage: BlockStorage, waiter: Waiter) -> None:
        """Delete twins, those first that build on others, and then keys that none of them took along."""
        left = {one.id: one for one in self.backups}
        while left:
            free = [one for one in left.values() if not one.has_dependents] or list(left.values())
            for one in free:
                _delete(storage, one, waiter)
                del left[one.id]
            left = {backup_id: found for backup_id in left if (found := storage.backup(backup_id))}
        for key_id in self.keys:
            KeyManager(storage.cloud).delete(key_id)


def _keys_of_volumes(storage: BlockStorage) -> set[str]:
    """Ids of the keys without which volumes of the project could not be read.

    Cinder clones the key of a twin for the volume that it restores, and the clone has the name of what it was made of.
    """
    encryption, keys = VolumeEncryption(storage.cloud), set()
    for volume in storage.volumes():
        # It may be gone meanwhile.
        with contextlib.suppress(NotFound):
            keys |= {encryption.of_volume(volume.id)[1]} if volume.encrypted else set()
    return keys


def _delete(storage: BlockStorage, backup: Backup, waiter: Waiter) -> None:
    if backup.status != "deleting":
        storage.delete_backup(backup.id)
    waiter.until(f"backup {backup.name} on site '{storage.cloud.site}' to be deleted", functools.partial(_is_gone, storage, backup))


def _is_gone(storage: BlockStorage, backup: Backup) -> bool | None:
    found = storage.backup(backup.id)
    if found and found.status.startswith("error"):
        raise ResourceFailed(
            f"Backup {backup.name} ({backup.id}) on site '{storage.cloud.site}', which was needed to restore an encrypted volume, could not be "
            f"deleted: {found.fail_reason or found.status}.",
            "Check the log of the site's cinder-backup, and that its object store and key manager can be reached; then re-run.",
            resource_type="backup",
            resource_id=backup.id,
        )
    return True if found is None else None


@dataclasses.dataclass(frozen=True)
class TwinSite:
    """The site where encrypted volumes are restored.

    :param storage: in the project that is to own the volumes; its key manager gets their keys.
    :param importing: as an administrator, in the same project.
    :param store: holds the objects of the backups.
    """

    storage: BlockStorage
    importing: BlockStorage
    store: ObjectStore

    @property
    def keys(self) -> KeyManager:
        return KeyManager(self.storage.cloud)


@dataclasses.dataclass(frozen=True)
class _Twin:
    """The twin of one backup of a chain.

    :param link: the backup itself.
    :param parent_id: id of the twin of the one that it builds on.
    """

    link: Link
    id: str
    parent_id: str | None
    is_last: bool

    @property
    def name(self) -> str:
        return _NAME + self.link.backup_id

    @property
    def location(self) -> Location:
        return Location(self.id, location_of(self.link).container, _PREFIX + self.id)

    def record(self, mark: Mark, key_id: str) -> BackupRecord:
        return changed_record(
            self.link.record,
            id=self.id,
            # Cinder shall take it for no backup of the volume itself, on which another one could build.
            volume_id=self.id,
            snapshot_id=None,
            parent_id=self.parent_id,
            num_dependent_backups=0 if self.is_last else 1,
            display_name=self.name,
            display_description=mark.text(),
            service_metadata=self.location.prefix,
            metadata={},
            # Cinder deletes the key with the backup that has it.
            encryption_key_id=key_id if self.is_last else None,
            restore_volume_id=None,
        )


def _twins(links: t.Sequence[Link], mark: Mark) -> list[_Twin]:
    ids = [twin_id(mark, link.backup_id) for link in links]
    parents = [None, *ids[:-1]]
    return [_Twin(link, one, parent, one == ids[-1]) for link, one, parent in zip(links, ids, parents, strict=True)]


class Twins:
    """Makes twins.

    :param concurrency: how many calls at once.
    """

    def __init__(self, site: TwinSite, opener: Opener, waiter: Waiter, concurrency: int) -> None:
        self._site = site
        self._opener = opener
        self._waiter = waiter
        self._concurrency = concurrency

    def ensure(self, copy: Copy, mark: Mark, volume_type: str) -> Copy:
        """Make the twins of a copy's backups, or complete what an earlier run began.

        :param mark: of the volume that is to be restored.
        :param volume_type: its name at the site.
        :returns: the copy from which Cinder restores it.
        :raises DrError: when the key cannot be opened or stored, or the backups get no twins.
        """
        type_id = self._type_id(volume_type)
        twins = _twins([read_link(self._site.importing.export_record(one)) for one in copy.chain], mark)
        key_id = self._key_of(twins[-1]) or self._stored_key(copy, mark)
        # The last one first: it holds the key, which goes with it.
        for part in (twins[-1:], twins[:-1]):
            each(part, lambda one: self._import(one, mark, key_id), self._concurrency)
        ids = {"volume_type_id": type_id, "encryption_key_id": key_id}
        for one in twins:
            self._fill(one, ids)
        return dataclasses.replace(copy, copy_id=twins[-1].id, chain=tuple(one.id for one in twins))

    def _key_of(self, twin: _Twin) -> str | None:
        found = self._site.storage.backup(twin.id)
        return key_id_of(self._site.importing.export_record(twin.id)) if found and found.container else None

    def _stored_key(self, copy: Copy, mark: Mark) -> str:
        """Store the key in the site's key manager, in place of one that a run left before it had a use."""
        key = self._opener.open(copy.volume_id, t.cast(SealedKey, copy.key))
        name = _KEY_NAME + mark.text()
        for key_id in Scaffolding.of(self._site.storage, mark).keys:
            self._site.keys.delete(key_id)
        return self._site.keys.store(name, key)

    def _import(self, twin: _Twin, mark: Mark, key_id: str) -> None:
        storage = self._site.storage
        found = storage.backup(twin.id)
        if found and found.status == "error" and not found.container:
            _delete(storage, found, self._waiter)
            found = None
        if found is None:
            self._site.importing.import_record(twin.record(mark, key_id))
        self._waiter.until(f"site '{storage.cloud.site}' to import backup {twin.name}", lambda: self._is_imported(twin.id))

    def _is_imported(self, backup_id: str) -> bool | None:
        found = self._site.storage.backup(backup_id)
        if found and found.status == "error":
            raise ResourceFailed(
                f"Site '{self._site.storage.cloud.site}' could not import the record of a backup of an encrypted volume: {found.fail_reason}.",
                "Check the log of the site's cinder-backup; then re-run.",
                resource_type="backup",
                resource_id=backup_id,
            )
        return True if found and found.is_usable and found.container else None

    def _fill(self, twin: _Twin, ids: t.Mapping[str, str]) -> None:
        """Give a twin its objects. The list comes last: with it, the twin is complete."""
        store, here, there = self._site.store, location_of(twin.link), twin.location
        if there.list_name in store.names(there.container, there.list_name):
            return
        names, listing = rewritten(store.read(here.container, here.list_name, LARGEST_LIST), here, there, ids)
        each(names, lambda name: store.refer(there.container, _moved(name, here, there), name), self._concurrency)
        store.write(there.container, there.list_name, listing, _JSON)

    def _type_id(self, name: str) -> str:
        types = self._site.storage.volume_types()
        if name not in types:
            raise CloudError(f"Site '{self._site.storage.cloud.site}' has no volume type '{name}'.", "Create it, or say in a mapping which one to use.")
        return types[name]


def rewritten(listing: bytes, location: Location, there: Location, ids: t.Mapping[str, str]) -> tuple[list[str], bytes]:
    """The list of objects of a twin.

    :param listing: that of the backup, which somebody else may have changed.
    :param ids: of the type and the key at the site, as Cinder's metadata of volumes calls them.
    :returns: the names of the backup's objects, and the twin's list.
    :raises CloudError: when the backup's list is damaged.
    """
    try:
        document = json.loads(listing)
        entries = [(name, facts) for entry in document["objects"] for name, facts in entry.items()]
        metadata = json.loads(document.get("volume_meta") or "{}")
        metadata = {**metadata, "version": _WITH_KEY, BASE_METADATA: {**metadata.get(BASE_METADATA, {}), **ids}}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(location) from error
    if not all(name.startswith(location.prefix) for name, _facts in entries):
        raise _damaged(location)
    objects = [{_moved(name, location, there): facts} for name, facts in entries]
    changed = {**document, "backup_id": there.backup_id, "objects": objects, "volume_meta": json.dumps(metadata)}
    return [name for name, _facts in entries], json.dumps(changed).encode()


def _moved(name: str, location: Location, there: Location) -> str:
    return there.prefix + name.removeprefix(location.prefix)


def _damaged(location: Location) -> CloudError:
    return CloudError(f"Object {location.list_name} of backup {location.backup_id} is damaged.", "Restore another checkpoint.")
