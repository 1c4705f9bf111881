# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, before the first change, whether copies can be made and imported at the remote site."""

from __future__ import annotations

import dataclasses

from ..cloud.block_storage import BlockStorage
from ..cloud.object_store import ObjectStore
from ..core.errors import CloudError


@dataclasses.dataclass(frozen=True)
class Room:
    """Volumes that exist at the same time at a site, to prove the content of copies.

    :param sizes: theirs, in GiB.
    :param is_backed_up: whether each has a backup, too.
    """

    sizes: tuple[int, ...] = ()
    is_backed_up: bool = False

    @property
    def needs(self) -> dict[str, int]:
        """Per quota."""
        count, size = len(self.sizes), sum(self.sizes)
        volumes = {"volumes": count, "gigabytes": size}
        return {**volumes, "backups": count, "backup_gigabytes": size} if self.is_backed_up else volumes


def quota_problems(storage: BlockStorage, count: int, gigabytes: int, proofs: Room = Room()) -> list[str]:
    """Quotas of a project that are too small for so many more backups; imported records count too.

    :param proofs: needed in addition.
    """
    quotas = storage.quotas()
    needs = {"backups": count, "backup_gigabytes": gigabytes}
    remedy = "Raise it, or remove old checkpoints."
    if proofs.sizes:
        needs = {name: needs.get(name, 0) + more for name, more in {**dict.fromkeys(needs, 0), **proofs.needs}.items()}
        remedy = "Raise it, remove old checkpoints, or restore fewer volumes at a time to prove their content (verification_runs, concurrency)."
    return [
        f"The quota '{name}' of the project on site '{storage.cloud.site}' is {missing} too small: {needed} more are "
        f"needed, {quotas[name].in_use} of {quotas[name].limit} are in use. {remedy}"
        for name, needed in needs.items()
        if (missing := quotas[name].shortfall(needed))
    ]


def import_problems(importing: BlockStorage, option: str = "remote_admin_cloud") -> list[str]:
    """Why the records of backups cannot be imported into the project.

    :param option: that gives the credentials.
    """
    try:
        if importing.may_import():
            return []
    except CloudError as error:
        return [f"{error.message} A running backup service is needed there."]
    return [
        f"The credentials may not import records of backups on site '{importing.cloud.site}'. "
        f"Give {option}: an administrator with a role in the target project."
    ]


def store_problems(option: str, store: ObjectStore) -> list[str]:
    """Why the objects of backups cannot be read."""
    try:
        store.check_access()
    except CloudError as error:
        return [f"{error.message} Give {option}: the account that the backup service writes to; or choose verification: readable, or records."]
    return []
