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
      - The remote site, in the project that will own the copies; by name or as a dictionary.
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
      - V(shared) when the backup services of both sites use the same store, so nothing is moved.
      - V(external) when the store's own engine replicates it (Swift container sync, RGW multisite, ...); the module waits for
        every object.
      - V(copy) to have the module copy them from one Swift store to the other.
      - V(mirror) when there are to be no backups, because the storage of both sites mirrors the volumes with their snapshots. What has
        arrived of a snapshot is made a volume of the project at the remote site, from which restores and drills make theirs. Needs
        O(storage), O(remote_storage) and O(verification=records).
    type: str
    choices: [shared, external, copy, mirror]
    default: shared
  storage:
    description:
      - How the storage of the primary site is reached for O(transport=mirror), a pool of Ceph that is mirrored image by image.
    type: dict
    suboptions: &storage_options
      backend:
        description: The backend of Cinder whose pool it is, C(host@backend#pool), as C(cinder get-pools) lists it.
        type: str
        required: true
      pool:
        description: The pool, which has the same name at both sites.
        type: str
        required: true
      user:
        description: The user of Ceph, without C(client.). It needs C(profile rbd) for the pool, and nothing else.
        type: str
        required: true
      host:
        description:
          - The host on which C(rbd) is run, by SSH without a password, with the name of a user and C(@) before it if need be. The module's own host
            when omitted.
        type: str
      conf:
        description: Ceph's configuration on that host. Its own default when omitted.
        type: path
      keyring:
        description: The file with the user's key on that host. What the configuration says when omitted.
        type: path
      volume_type:
        description:
          - The volume type of copies that are kept at this site. The one with the name that a volume's type has at the other site when omitted.
        type: str
  remote_storage:
    description:
      - How the storage of the remote site is reached for O(transport=mirror).
    type: dict
    suboptions: *storage_options
  verification:
    description:
      - How far the copies are verified at the remote site before they count. With O(transport=mirror) only V(records) can be chosen, by which the
        storage of the remote site says that all data of each snapshot are there.
      - V(records) verifies that each backup of the chain is available at the remote site, with the same properties as at the primary
        site. It does not prove that the store has the objects of the backups, that these are whole, or that a volume restored from them
        equals its snapshot.
      - V(objects) also verifies that the store has every object that each backup of the chain lists, with the right size and, where
        the checksum can be known, the right content. Needs backups made by Cinder's Swift driver.
      - V(restore) also verifies that every block of a volume restored from it has the same SHA-256 as in the snapshot. Makes a
        volume and a full backup of it at the remote site for each volume, and removes them. O(verification_runs) spreads it over several
        checkpoints.
      - With other drivers than Cinder's Swift driver, V(restore) looks at no object. It compares the digests that Glance of each site
        computes, at the remote site of the restored volume and at the primary site of the snapshot. Makes a volume and an image of it at
        both sites for each volume, and removes them.
      - V(readable) verifies, in addition to V(records), that a volume can be restored from it at the remote site. It looks at no object,
        so it works with any backup driver, but does not prove that the volume equals its snapshot.
    type: str
    choices: [records, objects, readable, restore]
    default: objects
  verification_runs:
    description:
      - Within how many checkpoints O(verification=restore) or O(verification=readable) proves the content of each volume. Each checkpoint
        restores an equal share of the volumes, and verifies the others as far as is possible without. With V(1), each restores all.
      - What the manifests in the catalogue say selects the volumes. First come those that were never proved, then those that were passed
        over most often. Volumes whose last proof failed are always among them.
    type: int
    default: 1
  store_cloud:
    description:
      - The primary site with the credentials of the object store account to which its backup service writes; by name or as
        a dictionary. Used only when O(transport) is not V(shared). Defaults to the module's own credentials, which is
        right where C(backup_swift_auth) is C(per_user).
    type: raw
  remote_store_cloud:
    description:
      - The remote site with the credentials of the object store account from which its backup service reads; by name or as
        a dictionary. Defaults to O(remote_cloud).
    type: raw
"""
