# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check, before the first change, whether the backups of encrypted volumes could have twins at a site."""

from __future__ import annotations

import typing as t

from ..core.errors import CloudError
from ..manifest.manifest import Copy
from .check import import_problems, quota_problems
from .objects import read_link
from .twins import TwinSite


def site_problems(site: TwinSite) -> list[str]:
    """What the site lacks for twins of any backup."""
    return _key_manager_problems(site) + import_problems(site.importing, "import_cloud") + _store_problems(site)


def _key_manager_problems(site: TwinSite) -> list[str]:
    name = site.keys.cloud.site
    if not site.keys.exists:
        return [f"Site '{name}' has no key manager (Barbican), so encrypted volumes cannot be restored there."]
    try:
        site.keys.check_access()
    except CloudError as error:
        return [f"{error} Members of the project must be allowed to store secrets there, in some clouds by the role 'creator'."]
    return []


def _store_problems(site: TwinSite) -> list[str]:
    try:
        site.store.check_access()
    except CloudError as error:
        return [f"{error} Encrypted volumes are restored by way of the backups' objects. Give store_cloud: the account that the backup service uses."]
    return []


def copy_problems(site: TwinSite, copy: Copy, label: str) -> list[str]:
    """Backups of a copy whose objects are not found, or are of another driver than Swift's.

    :param label: of its volume.
    """
    problems = []
    for backup_id in copy.chain:
        location = read_link(site.importing.export_record(backup_id)).location
        if location is None:
            problems.append(f"Volume {label} is encrypted, and backup {backup_id} is not in Swift: encrypted volumes are restored from there only.")
        elif location.list_name not in site.store.names(location.container, location.list_name):
            problems.append(
                f"Volume {label} is encrypted, and the account of store_cloud on site '{site.store.cloud.site}' has no object "
                f"{location.container}/{location.list_name}. Give the account that the site's backup service uses."
            )
    return problems


def room_problems(site: TwinSite, copies: t.Iterable[Copy]) -> list[str]:
    """Quotas that are too small: each backup of a chain is imported once more for as long as the restore lasts."""
    sizes = [copy.size for copy in copies for _backup in copy.chain]
    return quota_problems(site.storage, len(sizes), sum(sizes))
