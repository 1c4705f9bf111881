# SPDX-FileCopyrightText: The osdr.openstack authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The further clouds that copying needs."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  admin_cloud:
    description:
      - The primary site with the credentials of an administrator, who may export records of backups and sees on which
        host a server runs; by name or as a dictionary. The module's own credentials when omitted.
    type: raw
  remote_cloud:
    description:
      - The remote site, in the project that is to own the copies; by name or as a dictionary.
    type: raw
    required: true
  remote_admin_cloud:
    description:
      - The remote site with the credentials of an administrator, who may import records into that project; by name or
        as a dictionary. Defaults to O(remote_cloud).
    type: raw
  transport:
    description:
      - How the objects of the backups get to the remote site.
      - V(shared) when the backup services of both sites use the same store, so that nothing need be moved.
      - V(external) when the store is replicated by its own engine (Swift container sync, RGW multisite, ...); every object
        is waited for.
      - V(copy) to have the module copy them from one Swift store to the other.
    type: str
    choices: [shared, external, copy]
    default: shared
  verification:
    description:
      - How far the copies are proved at the remote site before they count.
      - V(records) that the remote site knows each backup of the chain as available, and the same of it as the primary.
      - V(objects) also that the store has every object that each backup of the chain lists, of the right size and, where the
        checksum can be known, the right content. Needs backups made by Cinder's Swift driver.
      - V(restore) also that a volume restored from it has the same SHA-256 for every block as the snapshot had. Makes a
        volume and a full backup of it at the remote site for each volume, and removes them.
    type: str
    choices: [records, objects, restore]
    default: objects
  store_cloud:
    description:
      - The primary site with the credentials of the object store account to which its backup service writes; by name or as
        a dictionary. Looked at only when O(transport) is not V(shared). Defaults to the module's own credentials, which is
        right where C(backup_swift_auth) is C(per_user).
    type: raw
  remote_store_cloud:
    description:
      - The remote site with the credentials of the object store account from which its backup service reads; by name or as
        a dictionary. Defaults to O(remote_cloud).
    type: raw
"""
