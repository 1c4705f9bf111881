# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, before the first change, whether copies can be made and imported at the remote site."""

from __future__ import annotations

import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.object_store import ObjectStore
from ..core.errors import CloudError


def quota_problems(storage: BlockStorage, count: int, gigabytes: int, proofs: t.Sequence[int] = ()) -> list[str]:
    """Quotas of a project that are too small for so many more backups; imported records count too.

    :param proofs: sizes of the volumes that are restored and backed up again at the same time, to prove the content of copies.
    """
    quotas = storage.quotas()
    needs = {"backups": count + len(proofs), "backup_gigabytes": gigabytes + sum(proofs)}
    if proofs:
        needs |= {"volumes": len(proofs), "gigabytes": sum(proofs)}
    remedy = "Raise it, or remove old checkpoints."
    if proofs:
        remedy = "Raise it, remove old checkpoints, or restore fewer volumes at a time to prove their content (verification_runs, concurrency)."
    return [
        f"The quota '{name}' of the project on site '{storage.cloud.site}' is {missing} too small: {needed} more are "
        f"needed, {quotas[name].in_use} of {quotas[name].limit} are in use. {remedy}"
        for name, needed in needs.items()
        if (missing := quotas[name].shortfall(needed))
    ]


def largest(sizes: t.Iterable[int], limit: int) -> list[int]:
    """The most that volumes of these sizes take while so many exist at a time."""
    return sorted(sizes, reverse=True)[:limit]


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
