# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of encrypted volumes that a site made itself: Cinder restores them there as they are, without the private key.

Cinder gives the new volume a clone of the key that the backup's record names, so the site's key manager must have that one. And it restores
the backup only to a volume of the very type, by its id, that the backup's list of objects names. Backups that were imported from another site
have neither here; :mod:`.twins` is for them.
"""

from __future__ import annotations

import json

from ..core.errors import CloudError
from ..core.records import Backup
from ..manifest.manifest import Copy
from .objects import LARGEST_LIST, list_name_of
from .twins import BASE_METADATA, TwinSite

#: What the credentials may not see, or is not there.
_HIDDEN = (403, 404)


class OwnBackups:
    """Those of one site. What it has is asked for once."""

    def __init__(self, site: TwinSite) -> None:
        self._site = site
        self._lacks: dict[tuple[str, str], str] = {}

    def lack(self, copy: Copy, volume_type: str) -> str:
        """Why the site cannot restore a copy as it is; empty where it can.

        :param volume_type: of the new volume, by its name at the site.
        :raises CloudError: when its key manager does not answer.
        """
        wanted = (copy.copy_id, volume_type)
        if wanted not in self._lacks:
            self._lacks[wanted] = self._lack(*wanted)
        return self._lacks[wanted]

    def _lack(self, backup_id: str, volume_type: str) -> str:
        name = self._site.storage.cloud.site
        backup = self._site.storage.backup(backup_id) if backup_id else None
        if not (backup and backup.key_id and self._has_key(backup.key_id)):
            return f"site '{name}' does not have the key of its backup"
        try:
            type_id = self._type_id(backup)
        except CloudError as error:
            return f"of which volume type its backup is cannot be seen with the account of store_cloud: {error.message}"
        if type_id is None or type_id != self._site.storage.volume_types().get(volume_type):
            return f"its backup is not of the volume type '{volume_type}' of site '{name}'"
        return ""

    def _has_key(self, key_id: str) -> bool:
        if not self._site.keys.exists:
            return False
        try:
            # Only reading it shows whether it may be read.
            self._site.keys.key(key_id)
        except CloudError as error:
            if error.http_status not in _HIDDEN:
                raise
            return False
        return True

    def _type_id(self, backup: Backup) -> str | None:
        """Id of the volume type that a backup is of; None where its list of objects does not say.

        :raises CloudError: when that list cannot be read.
        """
        store = self._site.store
        name = list_name_of(store, backup)
        if name is None:
            raise CloudError(f"site '{store.cloud.site}' has no list of objects of backup {backup.id} in container {backup.container}")
        return _named_type(store.read(backup.container, name, LARGEST_LIST))


def _named_type(listing: bytes) -> str | None:
    try:
        found = json.loads(json.loads(listing)["volume_meta"])[BASE_METADATA]["volume_type_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) else None
