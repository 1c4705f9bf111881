# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, before the first change, whether copies can be made and imported at the remote site."""

from __future__ import annotations

from ..cloud.block_storage import BlockStorage
from ..cloud.object_store import ObjectStore
from ..core.errors import CloudError


def quota_problems(storage: BlockStorage, count: int, gigabytes: int) -> list[str]:
    """Quotas of a project that are too small for so many more backups; imported records count too."""
    quotas = storage.quotas()
    needs = {"backups": count, "backup_gigabytes": gigabytes}
    return [
        f"The quota '{name}' of the project on site '{storage.cloud.site}' is {missing} too small: {needed} more are "
        f"needed, {quotas[name].in_use} of {quotas[name].limit} are in use. Raise it, or remove old checkpoints."
        for name, needed in needs.items()
        if (missing := quotas[name].shortfall(needed))
    ]


def import_problems(importing: BlockStorage) -> list[str]:
    """Why the records of backups cannot be imported into the project."""
    try:
        if importing.may_import():
            return []
    except CloudError as error:
        return [f"{error.message} A running backup service is needed there."]
    return [
        f"The credentials may not import records of backups on site '{importing.cloud.site}'. "
        "Give remote_admin_cloud: an administrator with a role in the target project."
    ]


def store_problems(option: str, store: ObjectStore) -> list[str]:
    """Why the objects of backups cannot be read."""
    try:
        store.check_access()
    except CloudError as error:
        return [f"{error.message} Give {option}: the account that the backup service writes to; or choose verification: records."]
    return []
