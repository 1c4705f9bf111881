# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether copies can be made and made known at the remote site: asked before the first change."""

from __future__ import annotations

from ..cloud.block_storage import BlockStorage
from ..cloud.object_store import ObjectStore
from ..core.errors import CloudError


def quota_problems(storage: BlockStorage, count: int, gigabytes: int) -> list[str]:
    """What a project's quotas do not allow of so many more backups; imported records count too."""
    quotas = storage.quotas()
    needs = {"backups": count, "backup_gigabytes": gigabytes}
    return [
        f"The quota '{name}' of the project on site '{storage.cloud.site}' is {missing} too small: {needed} more are "
        f"needed, {quotas[name].in_use} of {quotas[name].limit} are in use. Raise it, or remove old checkpoints."
        for name, needed in needs.items()
        if (missing := quotas[name].shortfall(needed))
    ]


def import_problems(importing: BlockStorage) -> list[str]:
    """Whether the records of backups can be imported into the project."""
    try:
        if importing.may_import():
            return []
    except CloudError as error:
        return [f"{error.message} It needs a backup service that is up."]
    return [
        f"The credentials may not import records of backups on site '{importing.cloud.site}'. "
        "Give remote_admin_cloud: an administrator with a role in the target project."
    ]


def store_problems(option: str, store: ObjectStore) -> list[str]:
    """Whether the objects of backups can be looked at."""
    try:
        store.check_access()
    except CloudError as error:
        return [f"{error.message} Give {option}: the account that the backup service writes to; or choose verification: records."]
    return []
