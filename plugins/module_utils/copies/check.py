# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, before the first change, whether copies can be made and imported at the remote site."""

from __future__ import annotations

import dataclasses
import typing as t

from ..cloud.block_storage import BlockStorage
from ..cloud.object_store import ObjectStore
from ..core.errors import CloudError
from ..core.records import Backup
from ..work.pool import each

_CEPH = "cinder.backup.drivers.ceph"


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
    needs = {"backups": count, "backup_gigabytes": gigabytes}
    remedy = "Raise it, or remove old checkpoints."
    if proofs.sizes:
        needs = {name: needs.get(name, 0) + more for name, more in {**dict.fromkeys(needs, 0), **proofs.needs}.items()}
        remedy = "Raise it, remove old checkpoints, or restore fewer volumes at a time to prove their content (verification_runs, concurrency)."
    return shortages(storage, needs, remedy)


def shortages(storage: BlockStorage, needs: t.Mapping[str, int], remedy: str) -> list[str]:
    """Quotas of a project that are too small.

    :param needs: how much more is needed, per quota.
    :param remedy: a sentence.
    """
    quotas = storage.quotas()
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


def ceph_problems(exporting: BlockStorage, zones: t.Mapping[str, str], backups: t.Iterable[Backup], concurrency: int) -> list[str]:
    """Volumes of which there is a backup by Cinder's Ceph driver, which takes no further one: of each volume it keeps one backup of a snapshot.

    It gives the images of all of them the same name (cinder.backup.drivers.ceph, ``_full_backup``).

    :param exporting: an administrator in the project that owns the backups.
    :param zones: of the services that are to back up volumes, per id; empty where unknown.
    :param backups: all that stay.
    """
    # Drivers that store objects count them.
    candidates = [b for b in backups if b.volume_id in zones and b.snapshot_id and not b.object_count and b.status == "available"]
    staying = {b.volume_id: b for b in candidates if zones[b.volume_id] in ("", b.availability_zone)}
    services = each(staying.values(), lambda b: exporting.export_record(b.id).backup_service, concurrency)
    return [
        f"Volume {b.volume_id} has backup {b.id} on site '{exporting.cloud.site}', made of a snapshot by Cinder's Ceph driver, which keeps one such "
        "backup of each volume and refuses another one. Remove the checkpoint that it belongs to, or have backups made by another driver "
        "(Swift, S3, POSIX or NFS)."
        for b, service in zip(staying.values(), services, strict=True)
        if service.startswith(_CEPH)
    ]


def store_problems(option: str, store: ObjectStore) -> list[str]:
    """Why the objects of backups cannot be read."""
    try:
        store.check_access()
    except CloudError as error:
        return [f"{error.message} Give {option}: the account that the backup service writes to; or choose verification: readable, or records."]
    return []
