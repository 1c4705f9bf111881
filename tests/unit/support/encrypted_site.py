# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site with a key manager, and backups of an encrypted volume of another site, as Cinder, Swift and Barbican have them."""

from __future__ import annotations

import base64
import dataclasses
import json
from types import SimpleNamespace

from ansible_collections.osdr.openstack.plugins.module_utils.cloud.object_store import StoredObject
from ansible_collections.osdr.openstack.plugins.module_utils.copies import twins
from ansible_collections.osdr.openstack.plugins.module_utils.copies.twins import TwinSite
from ansible_collections.osdr.openstack.plugins.module_utils.core.errors import CloudError, NotFound
from ansible_collections.osdr.openstack.plugins.module_utils.core.records import BackupRecord, Quota
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.manifest import Copy
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.plain import plain
from ansible_collections.osdr.openstack.plugins.module_utils.manifest.volume_keys import Sealer
from ansible_collections.osdr.openstack.plugins.module_utils.restore import sealed
from ansible_collections.osdr.openstack.plugins.module_utils.work.waiting import Waiter
from ansible_collections.osdr.openstack.tests.unit.support import sealing, shop
from ansible_collections.osdr.openstack.tests.unit.support.fakes import FakeTime, backup

VOLUME, FULL, INCREMENT = shop.uuid(1), shop.uuid(81), shop.uuid(101)
SWIFT = "cinder.backup.drivers.swift.SwiftBackupDriver"


def prefix(backup_id):
    return f"volume_{VOLUME}/2026/az_nova_backup_{backup_id}"


def sealed_copy(public=None):
    key = Sealer(public or sealing.pair()[1]).seal(VOLUME, sealing.VOLUME_KEY)
    return Copy(VOLUME, "cinder_backup", INCREMENT, (FULL, INCREMENT), 1, True, 2, "backups", key=key)


class Store:
    """The object store of the backups.

    :ivar referred: the names of objects that refer to others, with these.
    :ivar kinds: of what was written, by its content type.
    """

    def __init__(self, **objects):
        self.content = dict(objects)
        self.referred = {}
        self.kinds = {}

    def names(self, _container, prefix=""):
        return [name for name in sorted(self.content) if name.startswith(prefix)]

    def objects(self, container, prefix=""):
        return [StoredObject(name, len(self.content[name]), "") for name in self.names(container, prefix)]

    def read(self, _container, name, at_most):
        if name not in self.content:
            raise NotFound(f"There is no object {name}.", http_status=404)
        return self.content[name][:at_most]

    def write(self, _container, name, content, content_type):
        self.content[name], self.kinds[name] = content, content_type

    def delete(self, _container, name):
        self.content.pop(name, None)

    def refer(self, container, name, target):
        assert container == "backups"
        self.referred[name] = target
        self.write(container, name, self.content[target], "")

    def check_access(self):
        pass


class Barbican:
    def __init__(self):
        self.by_id = {}
        self.stored = 0

    exists = True

    def key(self, key_id):
        if key_id not in self.by_id:
            raise CloudError(f"There is no key {key_id}.", http_status=404)
        return self.by_id[key_id][1]

    def check_access(self):
        pass

    def store(self, name, key):
        self.stored += 1
        self.by_id[f"key-{self.stored}"] = (name, key)
        return f"key-{self.stored}"

    def names(self):
        return {key_id: name for key_id, (name, _key) in self.by_id.items()}

    def delete(self, key_id):
        self.by_id.pop(key_id, None)


class OwnBackups:
    """What a site says of backups of encrypted volumes that it made itself.

    :cvar told: what it lacks to restore them as they are; empty when it can.
    """

    told = ""

    def __init__(self, _site):
        pass

    def lack(self, _copy, _volume_type):
        return self.told


def seal(manifest, name):
    """Have a volume of a checkpoint be encrypted, and its key sealed."""
    (volume,) = (one for server in manifest["servers"] for one in server["volumes"] if one["name"] == name)
    (made,) = (one for one in manifest["copies"] if one["volume_id"] == volume["source_id"])
    volume["encryption"] = {"provider": "luks", "cipher": "aes-xts-plain64", "key_size": 256}
    made["key"] = plain(Sealer(sealing.pair()[1]).seal(volume["source_id"], sealing.VOLUME_KEY))


def reach(monkeypatch):
    """Let restores find an encrypted site, with what :class:`OwnBackups` says of its own backups."""
    there = EncryptedSite()
    # Types that do not exist are reported elsewhere.
    there.types.clear()
    monkeypatch.setattr(sealed, "OwnBackups", OwnBackups)
    monkeypatch.setattr(sealed.Means, "site", lambda _means, _cloud: there.site)
    monkeypatch.setattr(twins, "KeyManager", lambda cloud: getattr(cloud, "keys", Barbican()))


def note_twins(monkeypatch):
    """Let the own backups lack something, so that twins are needed; returns what they are made for: the restore, and the type of the volume."""
    made: list[tuple[str, str]] = []
    monkeypatch.setattr(OwnBackups, "told", "the key is elsewhere")
    monkeypatch.setattr(sealed, "check", lambda *_given: ([], []))
    monkeypatch.setattr(twins.Twins, "ensure", lambda _self, copy, mark, volume_type: made.append((mark.apart, volume_type)) or copy)
    return made


#: Private keys that do not open what is sealed, and what is told of each.
WRONG_KEYS = [
    (None, "the key is elsewhere. Give volume_private_key"),
    (sealing.pair(2)[0], "was sealed for another private key than volume_private_key"),
]


class EncryptedSite:
    """Cinder; what it is asked to do is done at once.

    :ivar fields: of backups as their records have them, per id.
    :ivar broken: ids of backups whose import fails the first time.
    """

    def __init__(self):
        self.store, self.keys = Store(), Barbican()
        self.cloud = SimpleNamespace(site="remote", has=lambda service: service == "key-manager", keys=self.keys)
        self.store.cloud = self.keys.cloud = self.cloud
        self.quota = 10
        self.fields, self.broken, self.calls, self.keys_of_volumes = {}, set(), [], {}
        self.types = {"ceph": "type-plain", "ceph-encrypted": "type-of-the-remote"}
        for one, parent, count in ((FULL, None, 2), (INCREMENT, FULL, 1)):
            self._add(id=one, parent_id=parent, size=1, volume_id=VOLUME, container="backups", service_metadata=prefix(one))
            # A later checkpoint builds on both.
            self.fields[one] |= {"num_dependent_backups": 2 - bool(parent), "display_name": "noon", "encryption_key_id": "key-of-the-primary"}
            names = [f"{prefix(one)}-{number:05d}" for number in range(1, count + 1)]
            self.store.content |= {name: b"ciphertext" for name in names}
            base = {"display_name": "data", "volume_type_id": "type-of-the-primary", "encryption_key_id": "key-of-the-volume"}
            listing = {"backup_id": one, "objects": [{name: {"offset": 0}} for name in names]}
            listing["volume_meta"] = json.dumps({"version": 2, "volume-base-metadata": base})
            self.store.content |= {f"{prefix(one)}_metadata": json.dumps(listing).encode(), f"{prefix(one)}_sha256file": b"{}"}

    def _add(self, **fields):
        self.fields[fields["id"]] = {"status": "available", "display_description": "", **fields}

    @property
    def waiter(self):
        return Waiter(60, 1, FakeTime().clock)

    @property
    def site(self):
        return TwinSite(self, self, self.store)

    @property
    def twins(self):
        return {one: fields for one, fields in self.fields.items() if one not in (FULL, INCREMENT)}

    def made_here(self):
        """The backups are this site's own: it has their keys, and the type."""
        self.keys.by_id["key-of-the-primary"] = ("", sealing.VOLUME_KEY)
        self.types["ceph-encrypted"] = "type-of-the-primary"

    def export_record(self, backup_id):
        return BackupRecord(SWIFT, base64.b64encode(json.dumps(self.fields[backup_id]).encode()).decode())

    def import_record(self, record):
        fields = json.loads(base64.b64decode(record.backup_url))
        if fields["id"] in self.fields:
            raise CloudError("Backup already exists in database.", http_status=400)
        self.calls.append(("import", fields["id"]))
        self._add(**fields)
        if fields["id"] in self.broken:
            self.broken.discard(fields["id"])
            self.fields[fields["id"]] |= {"status": "error", "container": ""}

    def may_import(self):
        return True

    def backup(self, backup_id):
        found = self.fields.get(backup_id)
        if found is None:
            return None
        shown = {"status": found["status"], "container": found["container"], "volume_id": found["volume_id"], "description": found["display_description"]}
        shown["key_id"] = found["encryption_key_id"] or ""
        return dataclasses.replace(backup(found["display_name"], **shown), id=backup_id, has_dependents=bool(found["num_dependent_backups"]))

    def backups(self):
        return [self.backup(one) for one in self.fields]

    def delete_backup(self, backup_id):
        """Cinder deletes all objects with the backup's prefix, and its key."""
        gone = self.fields[backup_id]
        if gone["num_dependent_backups"]:
            raise CloudError("Incremental backups exist for this backup.", http_status=400)
        self.calls.append(("delete", backup_id))
        del self.fields[backup_id]
        for name in self.store.names("backups", gone["service_metadata"]) if gone["container"] else ():
            self.store.delete("backups", name)
        self.keys.delete(gone["encryption_key_id"])
        if gone["parent_id"] in self.fields:
            self.fields[gone["parent_id"]]["num_dependent_backups"] -= 1

    def restore(self, backup_id):
        """As Cinder gives the restored volume a clone of the backup's key, with the same name.

        :returns: the id of the clone.
        """
        clone = self.keys.store(*self.keys.by_id[self.fields[backup_id]["encryption_key_id"]])
        self.keys_of_volumes[f"volume-{clone}"] = clone
        return clone

    def volumes(self):
        return [SimpleNamespace(id=one, encrypted=True) for one in self.keys_of_volumes]

    def quotas(self):
        return {name: Quota(name, self.quota, 0) for name in ("backups", "backup_gigabytes")}

    def volume_types(self):
        return self.types
